#include "tabular/datetime.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/random.h"
#include "support/unit.h"

#define FIRST_DAY (-719162) /* 0001-01-01 */
#define LAST_DAY 2932896    /* 9999-12-31 */

/* Every day of the calendar, walked one by one with the month lengths as its model. */
static void every_day_goes_there_and_back(void **state)
{
    (void)state;
    struct civil walk = {1, 1, 1};
    for (int64_t day = FIRST_DAY; day <= LAST_DAY; day++) {
        struct civil civil = civil_of_days(day);
        int64_t read = 0;
        char text[11];
        if (memcmp(&civil, &walk, sizeof civil) != 0 || days_of_civil(&walk) != day)
            fail_msg("day %" PRId64 " is %d-%d-%d", day, civil.year, civil.month, civil.day);
        date_text(day, text);
        assert_true(date_parse(str_of(text), &read));
        assert_int_equal(read, day);
        walk.day++;
        if (!civil_is_real(&walk)) {
            walk.day = 1;
            if (++walk.month > 12) {
                walk.month = 1;
                walk.year++;
            }
        }
    }
    assert_int_equal(walk.year, 10000);
}

static void refuses_what_is_no_day(void **state)
{
    (void)state;
    const char *const wrong[] = {"2025-02-30",  "2025-02-29", "1900-02-29",  "2025-13-01",  "2025-00-10",
                                 "2025-01-00",  "2025-04-31", "0000-01-01",  "2025-1-01",   "2025-01-1",
                                 "25-01-01",    "2025/01/01", "2025-01-01 ", " 2025-01-01", "2025-01-01T",
                                 "12025-01-01", "",           "2025-01-0a",  "+025-01-01"};
    int64_t days = 0;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (date_parse(str_of(wrong[i]), &days)) fail_msg("%s was taken", wrong[i]);
    assert_true(date_parse(str_of("2024-02-29"), &days));
    assert_true(date_parse(str_of("2000-02-29"), &days));
}

static void assert_timestamp(const char *text, const char *expected)
{
    int64_t value = 0;
    char written[28];
    if (!timestamp_parse(str_of(text), &value)) fail_msg("%s was refused", text);
    timestamp_text(value, written);
    assert_string_equal(written, expected);
}

static void reads_timestamps_with_zones(void **state)
{
    (void)state;
    assert_timestamp("2025-03-30T16:14:26", "2025-03-30T16:14:26Z");
    assert_timestamp("2025-03-30 16:14:26Z", "2025-03-30T16:14:26Z");
    assert_timestamp("2025-03-30T00:14:26+05:30", "2025-03-29T18:44:26Z");
    assert_timestamp("2025-12-31T23:30:00-0100", "2026-01-01T00:30:00Z");
    assert_timestamp("2025-03-30T16:14:26.5", "2025-03-30T16:14:26.500000Z");
    assert_timestamp("2025-03-30T16:14:26.000001000Z", "2025-03-30T16:14:26.000001Z");
    assert_timestamp("1969-12-31T23:59:59.999999", "1969-12-31T23:59:59.999999Z");
    assert_timestamp("0001-01-01T00:00:00", "0001-01-01T00:00:00Z");
    assert_timestamp("9999-12-31T23:59:59.999999", "9999-12-31T23:59:59.999999Z");
}

static void refuses_what_is_no_timestamp(void **state)
{
    (void)state;
    const char *const wrong[] = {"2025-03-30",
                                 "2025-03-30T16:14",
                                 "2025-03-30T24:00:00",
                                 "2025-03-30T16:60:00",
                                 "2025-03-30T16:14:60",
                                 "2025-03-30T16:14:26.",
                                 "2025-03-30T16:14:26.0000001",
                                 "2025-03-30T16:14:26+24:00",
                                 "2025-03-30T16:14:26+05:60",
                                 "2025-03-30T16:14:26+5:30",
                                 "2025-03-30T16:14:26z",
                                 "2025-03-30t16:14:26",
                                 "2025-03-30T16:14:26 Z",
                                 "2025-02-30T16:14:26",
                                 "0001-01-01T00:00:00+00:01",
                                 "9999-12-31T23:59:59-00:01",
                                 ""};
    int64_t value;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (timestamp_parse(str_of(wrong[i]), &value)) fail_msg("%s was taken", wrong[i]);
}

static void any_takes_plain_dates_too(void **state)
{
    (void)state;
    int64_t day = 0, minute = 0;
    assert_true(timestamp_parse_any(str_of("2025-07-01"), &day));
    assert_int_equal(day, 1751328000 * MICROSECONDS_PER_SECOND);
    assert_true(timestamp_parse_any(str_of("2025-07-01T10:30+02:00"), &minute));
    assert_int_equal(minute - day, 8 * 3600 * MICROSECONDS_PER_SECOND + 30 * 60 * MICROSECONDS_PER_SECOND);
    assert_false(timestamp_parse_any(str_of("2025-07"), &day));
    assert_false(timestamp_parse_any(str_of("2025-07-01T"), &day));
}

static void times_of_day(void **state)
{
    (void)state;
    int64_t value = 0;
    char text[16];
    assert_true(time_parse(str_of("23:59:59.25"), &value));
    time_text(value, text);
    assert_string_equal(text, "23:59:59.250000");
    assert_false(time_parse(str_of("23:59"), &value));
    assert_false(time_parse(str_of("24:00:00"), &value));
    assert_false(time_parse(str_of("23:59:59Z"), &value));
}

static void the_day_of_a_timestamp_rounds_down(void **state)
{
    (void)state;
    assert_int_equal(days_of_timestamp(-1), -1);
    assert_int_equal(days_of_timestamp(0), 0);
    assert_int_equal(days_of_timestamp(-MICROSECONDS_PER_DAY), -1);
    assert_int_equal(days_of_timestamp(MICROSECONDS_PER_DAY - 1), 0);
}

static void assert_format(const char *text, const char *format, const char *expected)
{
    int64_t value = 0;
    char written[28] = "refused";
    if (timestamp_parse_format(str_of(text), format, &value)) timestamp_text(value, written);
    if (strcmp(written, expected) != 0) fail_msg("%s by %s is %s, not %s", text, format, written, expected);
}

static void reads_by_format(void **state)
{
    (void)state;
    assert_format("30/03/2025", "%d/%m/%Y", "2025-03-30T00:00:00Z");
    assert_format("3/30/25 4:05 pm", "%m/%d/%y %I:%M %p", "2025-03-30T16:05:00Z");
    assert_format("12:00 AM", "%I:%M %p", "1970-01-01T00:00:00Z");
    assert_format("12:00 PM", "%I:%M %p", "1970-01-01T12:00:00Z");
    assert_format("Sun, 30 march 2025", "%a, %d %B %Y", "2025-03-30T00:00:00Z");
    assert_format("30 MAR 2025", "%d %b %Y", "2025-03-30T00:00:00Z");
    assert_format("2024-366", "%Y-%j", "2024-12-31T00:00:00Z");
    assert_format("2025-366", "%Y-%j", "refused");
    assert_format("20250330T161426.25+0130", "%Y%m%dT%H%M%S.%f%z", "2025-03-30T14:44:26.250000Z");
    assert_format("1/1/69", "%D", "1969-01-01T00:00:00Z");
    assert_format("1/1/68", "%D", "2068-01-01T00:00:00Z");
    assert_format("2025-03-30 16:14:26", "%F %T", "2025-03-30T16:14:26Z");
    assert_format(" 3 Mar 2025", "%e %b %Y", "2025-03-03T00:00:00Z");
    assert_format("13 Mar 2025", "%e %b %Y", "2025-03-13T00:00:00Z");
    assert_format("2025-03-30 16:14 utc", "%F %H:%M %Z", "2025-03-30T16:14:00Z");
    assert_format("2025-03-30 16:14 GMT", "%F %H:%M %Z", "2025-03-30T16:14:00Z");
    assert_format("2025-03-30 16:14Z", "%F %H:%M%Z", "2025-03-30T16:14:00Z");
    assert_format("2025-03-30 16:14 CET", "%F %H:%M %Z", "refused");
    assert_format("2025-03-30  \t16:14", "%F%n%H:%M", "2025-03-30T16:14:00Z");
    assert_format("2025-03-3016:14", "%F%t%H:%M", "2025-03-30T16:14:00Z");
    assert_format("2025 %", "%Y %%", "2025-01-01T00:00:00Z");
    assert_format("2025 x", "%Y %%", "refused");
    assert_format("2025-02-30", "%F", "refused");
    assert_format("24:00:00", "%T", "refused");
    assert_format("2025-03-30T16+02", "%FT%H%z", "2025-03-30T14:00:00Z");
    assert_format("2025-03-30T16+2", "%FT%H%z", "refused");
    assert_format("2025-03-30T16+02:", "%FT%H%z", "refused");
    assert_format("30/02/2025", "%d/%m/%Y", "refused");
    assert_format("30/03/2025 ", "%d/%m/%Y", "refused");
    assert_format("30-03-2025", "%d/%m/%Y", "refused");
    assert_format("13:00 PM", "%I:%M %p", "refused");
    assert_format("", "%Y", "refused");
    assert_string_equal(timestamp_format_problem("%Y-%Q"), "%Q");
    assert_string_equal(timestamp_format_problem("50%"), "%");
    assert_null(timestamp_format_problem("%Y%% %H:%M"));
}

/* The instant as the C library writes it, in one of five formats. */
static const char *write_by_library(int choice, const struct tm *parts, char text[80])
{
    switch (choice) {
    case 0:
        strftime(text, 80, "%Y-%m-%dT%H:%M:%SZ", parts);
        return "%Y-%m-%dT%H:%M:%SZ";
    case 1:
        strftime(text, 80, "%d %b %Y %I:%M:%S %p", parts);
        return "%d %b %Y %I:%M:%S %p";
    case 2:
        strftime(text, 80, "%Y/%j %T", parts);
        return "%Y/%j %T";
    case 3:
        strftime(text, 80, "%e%t%b %Y %n%T %Z 100%%", parts);
        return "%e%t%b %Y %n%T %Z 100%%";
    default:
        strftime(text, 80, "%A, %B %d %Y %H-%M-%S", parts);
        return "%A, %B %d %Y %H-%M-%S";
    }
}

/* Random instants written by the C library read back as what they are. */
static void agrees_with_the_c_library(void **state)
{
    (void)state;
    struct random random;
    random_seed(&random, 3);
    for (int round = 0; round < 50000; round++) {
        int64_t seconds = (int64_t)random_below(&random, UINT64_C(315537897600)) + (int64_t)FIRST_DAY * 86400;
        time_t instant = (time_t)seconds;
        struct tm parts;
        char text[80], iso[28], padded[40];
        int64_t value = 0;
        gmtime_r(&instant, &parts);
        snprintf(padded, sizeof padded, "%04d-%02d-%02dT%02d:%02d:%02d", parts.tm_year + 1900, parts.tm_mon + 1,
                 parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
        assert_true(timestamp_parse(str_of(padded), &value));
        assert_true(value == seconds * MICROSECONDS_PER_SECOND);
        timestamp_text(value, iso);
        assert_memory_equal(iso, padded, 19);
        const char *format = write_by_library(round % 5, &parts, text);
        value = 0;
        if (!timestamp_parse_format(str_of(text), format, &value) || value != seconds * MICROSECONDS_PER_SECOND)
            fail_msg("%s by %s", text, format);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_day_goes_there_and_back),      cmocka_unit_test(refuses_what_is_no_day),
        cmocka_unit_test(reads_timestamps_with_zones),        cmocka_unit_test(refuses_what_is_no_timestamp),
        cmocka_unit_test(any_takes_plain_dates_too),          cmocka_unit_test(times_of_day),
        cmocka_unit_test(the_day_of_a_timestamp_rounds_down), cmocka_unit_test(reads_by_format),
        cmocka_unit_test(agrees_with_the_c_library),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
