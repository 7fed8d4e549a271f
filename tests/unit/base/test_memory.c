#include "base/memory.h"

#include <string.h>

#include "support/torture.h"
#include "support/unit.h"

static void zeroed_is_zero(void **state)
{
    struct error error;
    unsigned char *bytes = memory_zeroed(1000, &error);

    (void)state;
    assert_non_null(bytes);
    for (size_t i = 0; i < 1000; i++) {
        assert_int_equal(bytes[i], 0);
    }
    memory_free(bytes);
    memory_free(NULL);
}

static void nothing_is_still_an_allocation(void **state)
{
    struct error error;
    void *zeroed = memory_zeroed(0, &error);
    void *array = memory_array(0, 8, &error);
    void *aligned = memory_aligned(0, &error);

    (void)state;
    assert_non_null(zeroed);
    assert_non_null(array);
    assert_non_null(aligned);
    memory_free(zeroed);
    memory_free(array);
    memory_free(aligned);
}

static void a_product_that_overflows_fails(void **state)
{
    struct error error = {0};
    char *kept = memory_copy_text("kept", 4, &error);

    (void)state;
    assert_non_null(kept);
    assert_null(memory_array(SIZE_MAX / 2, 3, &error));
    assert_int_equal(error.code, ERROR_MEMORY);
    assert_null(memory_resize(kept, SIZE_MAX / 8, 16, NULL));
    assert_string_equal(kept, "kept");
    memory_free(kept);
}

static void resize_keeps_what_was_there(void **state)
{
    struct error error;
    uint32_t *numbers = NULL;

    (void)state;
    for (uint32_t count = 1; count < 1000; count++) {
        uint32_t *grown = memory_resize(numbers, count, sizeof *grown, &error);

        assert_non_null(grown);
        numbers = grown;
        numbers[count - 1] = count;
    }
    for (uint32_t i = 0; i < 999; i++) {
        assert_int_equal(numbers[i], i + 1);
    }
    memory_free(numbers);
}

static void aligned_is_aligned(void **state)
{
    struct error error;

    (void)state;
    for (size_t size = 1; size < 300; size += 7) {
        void *bytes = memory_aligned(size, &error);

        assert_non_null(bytes);
        assert_int_equal((uintptr_t)bytes % 64, 0);
        memset(bytes, 1, size);
        memory_free(bytes);
    }
}

static void release_frees_and_forgets(void **state)
{
    struct error error;
    char *text = memory_copy_text("", 0, &error);

    (void)state;
    assert_string_equal(text, "");
    memory_release(&text);
    assert_null(text);
    memory_release(&text);
}

static bool allocate_three_ways(void *context, struct error *error)
{
    void *zeroed __attribute__((cleanup(memory_release))) = memory_zeroed(10, error);
    void *aligned __attribute__((cleanup(memory_release))) = zeroed != NULL ? memory_aligned(10, error) : NULL;
    char *copy __attribute__((cleanup(memory_release))) = aligned != NULL ? memory_copy_text("a", 1, error) : NULL;

    (*(int *)context)++;
    return copy != NULL;
}

static void torture_fails_each_allocation_once(void **state)
{
    int runs = 0;

    (void)state;
    torture_walk(allocate_three_ways, &runs);
#ifdef AISLE_TORTURE
    assert_int_equal(runs, 4);
#endif
}

static void the_machine_has_memory(void **state)
{
    (void)state;
    assert_true(memory_total_bytes() > 1024 * 1024);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zeroed_is_zero),
        cmocka_unit_test(nothing_is_still_an_allocation),
        cmocka_unit_test(a_product_that_overflows_fails),
        cmocka_unit_test(resize_keeps_what_was_there),
        cmocka_unit_test(aligned_is_aligned),
        cmocka_unit_test(release_frees_and_forgets),
        cmocka_unit_test(torture_fails_each_allocation_once),
        cmocka_unit_test(the_machine_has_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
