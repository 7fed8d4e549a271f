#include "base/digest_beside.h"

#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "support/torture.h"
#include "support/unit.h"

enum { MOST_BYTES = 5 << 20 };

static void it_is_the_digest_of_all_bytes(void **state)
{
    uint8_t *bytes = memory_array(MOST_BYTES, 1, NULL);
    struct random random;

    (void)state;
    random_seed(&random, 1);
    for (size_t i = 0; i < MOST_BYTES; i++) bytes[i] = (uint8_t)random_next(&random);
    for (int round = 0; round < 60; round++) {
        size_t size = round == 0 ? 0 : round == 1 ? 256 * 1024 : (size_t)random_below(&random, MOST_BYTES);
        size_t before = (size_t)random_below(&random, size + 1), at = before;
        struct digest *digest = digest_new(1U << DIGEST_MD5, NULL);
        uint8_t value[DIGEST_MAX_BYTES], expected[DIGEST_MAX_BYTES];

        assert_true(digest_add(digest, bytes, before, NULL));
        struct digest_beside *beside = digest_beside_new(digest, NULL);

        assert_non_null(beside);
        while (at < size) {
            size_t piece = 1 + (size_t)random_below(&random, 400000);

            piece = piece < size - at ? piece : size - at;
            digest_beside_add(beside, bytes + at, piece);
            at += piece;
        }
        assert_true(digest_beside_end(beside, NULL));
        assert_true(digest_value(digest, DIGEST_MD5, value, NULL));
        assert_true(digest_once(DIGEST_MD5, bytes, size, expected, NULL));
        assert_memory_equal(value, expected, digest_bytes(DIGEST_MD5));
        digest_free(digest);
    }
    assert_true(digest_beside_end(NULL, NULL));
    memory_free(bytes);
}

static bool make(void *context, struct error *error)
{
    struct digest *digest = digest_new(1U << DIGEST_MD5, error);
    struct digest_beside *beside = digest == NULL ? NULL : digest_beside_new(digest, error);
    bool good = beside != NULL && digest_beside_end(beside, error);

    (void)context;
    digest_free(digest);
    return good;
}

static void want_of_memory_is_reported(void **state)
{
    (void)state;
    torture_walk(make, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_digest_of_all_bytes),
        cmocka_unit_test(want_of_memory_is_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
