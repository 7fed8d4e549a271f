#include "base/arena.h"

#include <string.h>

#include "base/random.h"
#include "support/torture.h"
#include "support/unit.h"

enum { PIECES = 2000 };

/* Pieces of random sizes keep their bytes while others are taken, again after each reset. */
static void pieces_do_not_overlap(void **state)
{
    struct error error;
    struct random random;
    struct arena *arena = arena_new(0, &error);
    static unsigned char *pieces[PIECES];
    static size_t sizes[PIECES];

    (void)state;
    assert_non_null(arena);
    random_seed(&random, 1);
    for (int round = 0; round < 5; round++) {
        for (size_t i = 0; i < PIECES; i++) {
            sizes[i] = (size_t)random_below(&random, random_below(&random, 100) == 0 ? 200000 : 300);
            pieces[i] = arena_take(arena, sizes[i], &error);
            assert_non_null(pieces[i]);
            assert_int_equal((uintptr_t)pieces[i] % 16, 0);
            memset(pieces[i], (int)(i & 0xFF), sizes[i]);
        }
        for (size_t i = 0; i < PIECES; i++) {
            for (size_t j = 0; j < sizes[i]; j++) {
                if (pieces[i][j] != (i & 0xFF)) {
                    fail_msg("piece %zu of round %d was overwritten", i, round);
                }
            }
        }
        arena_reset(arena);
        assert_int_equal(arena_used(arena), 0);
    }
    arena_free(arena);
    arena_free(NULL);
}

static void a_reset_keeps_the_memory(void **state)
{
    struct error error;
    struct arena *arena = arena_new(0, &error);

    (void)state;
    assert_non_null(arena);
    void *first = arena_take(arena, 100, &error);

    assert_non_null(first);
    arena_reset(arena);
    assert_ptr_equal(arena_take(arena, 100, &error), first);
    arena_free(arena);
}

static void the_ceiling_holds(void **state)
{
    struct error error = {0};
    struct arena *arena = arena_new(1000, &error);

    (void)state;
    assert_non_null(arena);
    assert_non_null(arena_take(arena, 600, &error));
    assert_null(arena_take(arena, 401, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    assert_non_null(arena_take(arena, 400, &error));
    assert_int_equal(arena_used(arena), 1000);
    assert_null(arena_take(arena, SIZE_MAX, &error));
    arena_reset(arena);
    assert_non_null(arena_take(arena, 1000, &error));
    arena_free(arena);
}

static void texts_are_copied_and_formatted(void **state)
{
    struct error error;
    struct arena *arena = arena_new(0, &error);

    (void)state;
    assert_non_null(arena);
    assert_string_equal(arena_text(arena, "abcdef", 3, &error), "abc");
    assert_string_equal(arena_text(arena, NULL, 0, &error), "");
    assert_string_equal(arena_format(arena, &error, "%s-%05d", "x", 42), "x-00042");
    const char *zeroed = arena_zeroed(arena, 64, &error);

    for (size_t i = 0; i < 64; i++) {
        assert_int_equal(zeroed[i], 0);
    }
    arena_free(arena);
}

static bool fill_arena(void *context, struct error *error)
{
    struct arena *arena = arena_new(0, error);
    bool good = arena != NULL;

    (void)context;
    for (int i = 0; good && i < 8; i++) {
        good = arena_take(arena, 10000, error) != NULL;
    }
    arena_free(arena);
    return good;
}

static void every_failing_allocation_is_reported(void **state)
{
    (void)state;
    torture_walk(fill_arena, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_do_not_overlap),
        cmocka_unit_test(a_reset_keeps_the_memory),
        cmocka_unit_test(the_ceiling_holds),
        cmocka_unit_test(texts_are_copied_and_formatted),
        cmocka_unit_test(every_failing_allocation_is_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
