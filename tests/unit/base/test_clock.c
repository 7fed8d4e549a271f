#include "base/clock.h"

#include <stdlib.h>
#include <time.h>

#include "support/unit.h"

static void formats_in_utc(void **state)
{
    static const struct {
        int64_t time_us;
        const char *rfc3339;
        const char *compact;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000Z", "19700101_000000"},
        {INT64_C(1751373296789123), "2025-07-01T12:34:56.789Z", "20250701_123456"},
        {INT64_C(1709210096000999), "2024-02-29T12:34:56.000Z", "20240229_123456"},
        {-1, "1969-12-31T23:59:59.999Z", "19691231_235959"},
        {INT64_C(253402300799999999), "9999-12-31T23:59:59.999Z", "99991231_235959"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char rfc3339[32];
        char compact[16];

        clock_format_rfc3339(cases[i].time_us, rfc3339);
        clock_format_compact(cases[i].time_us, compact);
        assert_string_equal(rfc3339, cases[i].rfc3339);
        assert_string_equal(compact, cases[i].compact);
    }
}

static void times_without_a_text_are_clamped(void **state)
{
    char text[32];
    char compact[16];

    (void)state;
    clock_format_rfc3339(INT64_MAX, text);
    clock_format_compact(INT64_MAX, compact);
    assert_string_equal(compact, "99991231_235959");
    clock_format_rfc3339(INT64_MIN, text);
    clock_format_compact(INT64_MIN, compact);
    assert_int_equal(text[4], '-');
}

static void the_fixed_clock_is_fixed(void **state)
{
    char text[32];

    (void)state;
    clock_format_rfc3339(clock_now_us(), text);
    assert_string_equal(text, "2025-07-01T12:34:56.250Z");
    assert_int_equal(clock_now_us(), clock_now_us());
}

static void the_monotonic_clock_goes_forward(void **state)
{
    const struct timespec pause = {.tv_nsec = 2000000};
    int64_t before = clock_monotonic_us();

    (void)state;
    nanosleep(&pause, NULL);
    int64_t after = clock_monotonic_us();

    assert_true(after - before >= 2000);
    assert_true(after - before < 60000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_in_utc),
        cmocka_unit_test(times_without_a_text_are_clamped),
        cmocka_unit_test(the_fixed_clock_is_fixed),
        cmocka_unit_test(the_monotonic_clock_goes_forward),
    };

    /* Before the clock is first read. */
    setenv("AISLE_NOW", "2025-07-01T12:34:56.25Z", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
