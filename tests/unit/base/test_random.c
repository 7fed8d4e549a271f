#include "base/random.h"

#include <stdlib.h>
#include <string.h>

#include "support/unit.h"

/* SplitMix64 from seed 0 gives 0xE220A8397B1DCDAF first (Vigna's reference implementation), and the generator's own
 * first output follows from its definition: rotl(s1 * 5, 7) * 9. */
static void the_sequence_is_the_published_one(void **state)
{
    struct random random;

    (void)state;
    random_seed(&random, 0);
    assert_true(random.state[0] == UINT64_C(0xE220A8397B1DCDAF));
    assert_true(random.state[1] == UINT64_C(0x6E789E6AA1B965F4));
    assert_true(random.state[2] == UINT64_C(0x06C45D188009454F));
    assert_true(random.state[3] == UINT64_C(0xF88BB8A8724C81EC));
    random = (struct random){{1, 2, 3, 4}};
    assert_int_equal(random_next(&random), 11520);
    assert_int_equal(random_next(&random), 0);
    assert_int_equal(random_next(&random), 1509978240);
    assert_int_equal(random_next(&random), 1215971899390074240);
}

static void below_is_uniform(void **state)
{
    struct random random;
    uint64_t counts[7] = {0};

    (void)state;
    random_seed(&random, 5);
    for (int i = 0; i < 700000; i++) {
        counts[random_below(&random, 7)]++;
    }
    for (int i = 0; i < 7; i++) {
        assert_in_range(counts[i], 98500, 101500);
    }
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(random_below(&random, 1), 0);
        assert_true(random_below(&random, UINT64_C(0x8000000000000001)) <= UINT64_C(0x8000000000000000));
    }
}

static void bytes_differ_from_call_to_call(void **state)
{
    unsigned char a[32] = {0};
    unsigned char b[32] = {0};
    struct error error;

    (void)state;
    assert_true(random_bytes(a, sizeof a, &error));
    assert_true(random_bytes(b, sizeof b, &error));
    assert_memory_not_equal(a, b, sizeof a);
}

static void ulids_are_well_formed_and_differ(void **state)
{
    char texts[1000][27];
    struct error error;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        assert_true(random_ulid(texts[i], &error));
        assert_int_equal(strlen(texts[i]), 26);
        assert_int_equal(strspn(texts[i], "0123456789ABCDEFGHJKMNPQRSTVWXYZ"), 26);
        assert_true(texts[i][0] <= '7');
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(texts[i], texts[j]);
        }
    }
    assert_true(strncmp(texts[0], texts[999], 10) <= 0);
}

static void a_seed_repeats_the_random_part(void **state)
{
    char first[27];
    char second[27];
    struct random random;
    struct error error;
    static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

    (void)state;
    setenv("AISLE_SEED", "42", 1);
    assert_true(random_ulid(first, &error));
    assert_true(random_ulid(second, &error));
    unsetenv("AISLE_SEED");
    assert_string_not_equal(first + 10, second + 10);
    random_seed(&random, 42);
    unsigned __int128 expected = 0;

    for (int i = 0; i < 10; i++) {
        expected = expected << 8 | random_next(&random) >> 56;
    }
    for (int i = 25; i >= 10; i--) {
        assert_int_equal(first[i], digits[(unsigned)expected & 31]);
        expected >>= 5;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sequence_is_the_published_one), cmocka_unit_test(below_is_uniform),
        cmocka_unit_test(bytes_differ_from_call_to_call),    cmocka_unit_test(ulids_are_well_formed_and_differ),
        cmocka_unit_test(a_seed_repeats_the_random_part),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
