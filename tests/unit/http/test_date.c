/* Dates of HTTP: each form, and back. */
#include <string.h>

#include "base/random.h"
#include "http/date.h"
#include "support/unit.h"

static const int64_t noon_us = INT64_C(1751373296) * 1000000; /* 2025-07-01T12:34:56Z */

static void test_formats(void **state)
{
    char text[30];

    (void)state;
    http_date_format(noon_us + 999999, text);
    assert_string_equal(text, "Tue, 01 Jul 2025 12:34:56 GMT");
    http_date_format(0, text);
    assert_string_equal(text, "Thu, 01 Jan 1970 00:00:00 GMT");
}

static void test_every_form(void **state)
{
    static const char *const forms[] = {"Tue, 01 Jul 2025 12:34:56 GMT",   "Tuesday, 01-Jul-25 12:34:56 GMT",
                                        "Tue Jul  1 12:34:56 2025",        "2025-07-01T12:34:56Z",
                                        "2025-07-01T12:34:56.000Z",        "2025-07-01T14:34:56+02:00",
                                        "2025-07-01T07:04:56.000000-05:30"};

    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        int64_t time_us = 0;

        assert_true(http_date_parse(forms[i], &time_us));
        assert_int_equal(time_us, noon_us);
    }
    int64_t time_us = 0;

    assert_true(http_date_parse("2025-07-01T12:34:56.25Z", &time_us));
    assert_int_equal(time_us, noon_us + 250000);
}

static void test_what_is_none(void **state)
{
    static const char *const wrong[] = {"",
                                        "now",
                                        "Tue, 01 Jul 2025 12:34:56",
                                        "Tue, 01 Jul 2025 12:34:56 GMT+1",
                                        "Tue, 32 Jul 2025 12:34:56 GMT",
                                        "Tue, 01 Jux 2025 12:34:56 GMT",
                                        "Tue, 01 Jul 2025 25:34:56 GMT",
                                        "2025-07-01",
                                        "2025-07-01T12:34:56",
                                        "2025-13-01T12:34:56Z",
                                        "2025-07-01T12:34:56+02",
                                        "2025-07-01T12:34:56Zx"};

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        int64_t time_us = 0;

        assert_false(http_date_parse(wrong[i], &time_us));
    }
}

static void test_there_and_back(void **state)
{
    struct random random;

    (void)state;
    random_seed(&random, 1);
    for (int i = 0; i < 10000; i++) {
        int64_t time_us = (int64_t)random_below(&random, UINT64_C(253402300799)) * 1000000, back = 0;
        char text[30];

        http_date_format(time_us, text);
        assert_int_equal(strlen(text), 29);
        assert_true(http_date_parse(text, &back));
        assert_int_equal(back, time_us);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_every_form),
        cmocka_unit_test(test_what_is_none),
        cmocka_unit_test(test_there_and_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
