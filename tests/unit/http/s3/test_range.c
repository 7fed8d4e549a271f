/* Byte ranges against a plain reading of RFC 9110. */
#include <stdio.h>

#include "base/random.h"
#include "http/s3/range.h"
#include "support/unit.h"

static void test_against_a_model(void **state)
{
    struct random random;

    (void)state;
    random_seed(&random, 7);
    for (int i = 0; i < 20000; i++) {
        uint64_t size = random_below(&random, 20), first = random_below(&random, 25), last = random_below(&random, 25);
        uint64_t offset = 99, length = 99;
        char text[64];

        snprintf(text, sizeof text, "bytes=%llu-%llu", (unsigned long long)first, (unsigned long long)last);
        enum range_verdict verdict = range_read(text, size, &offset, &length);

        if (last < first) {
            assert_int_equal(verdict, RANGE_WHOLE);
        } else if (first >= size) {
            assert_int_equal(verdict, RANGE_UNSATISFIABLE);
        } else {
            assert_int_equal(verdict, RANGE_PART);
            assert_int_equal(offset, first);
            assert_int_equal(length, (last < size ? last : size - 1) - first + 1);
        }
        assert_int_equal(range_read_copy(text, size, &offset, &length), first <= last && last < size);
        snprintf(text, sizeof text, "bytes=-%llu", (unsigned long long)last);
        verdict = range_read(text, size, &offset, &length);
        if (last == 0 || size == 0) {
            assert_int_equal(verdict, RANGE_UNSATISFIABLE);
        } else {
            assert_int_equal(verdict, RANGE_PART);
            assert_int_equal(length, last < size ? last : size);
            assert_int_equal(offset + length, size);
        }
    }
}

static void test_what_is_no_range(void **state)
{
    static const char *const texts[] = {"",          "bytes",       "bytes=",     "bytes=-",
                                        "bytes=a-b", "bytes=1",     "bytes=1-2,", "bytes=1-2,4-5",
                                        "items=1-2", "bytes=1 - 2", "bytes=--1",  "bytes=99999999999999999999-"};
    uint64_t offset = 0, length = 0;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(range_read(texts[i], 10, &offset, &length), RANGE_WHOLE);
        assert_int_equal(offset, 0);
        assert_int_equal(length, 10);
        assert_false(range_read_copy(texts[i], 10, &offset, &length));
        offset = 0;
    }
    assert_int_equal(range_read(NULL, 10, &offset, &length), RANGE_WHOLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_a_model),
        cmocka_unit_test(test_what_is_no_range),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
