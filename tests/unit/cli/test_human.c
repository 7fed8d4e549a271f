#include "cli/human.h"

#include "support/unit.h"

static void says_bytes(void **state)
{
    (void)state;
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {
        {0, "0 B"},
        {999, "999 B"},
        {1000, "1.0 kB"},
        {1549, "1.5 kB"},
        {9949, "9.9 kB"},
        {9950, "10 kB"},
        {999499, "999 kB"},
        {999500, "1.0 MB"},
        {812000000, "812 MB"},
        {1800000000, "1.8 GB"},
        {UINT64_MAX, "18 EB"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer text;
        buffer_init(&text, 0);
        human_bytes(&text, cases[i].bytes);
        assert_string_equal(buffer_text(&text), cases[i].text);
        buffer_free(&text);
    }
}

static void says_durations(void **state)
{
    (void)state;
    static const struct {
        int64_t us;
        const char *text;
    } cases[] = {
        {-5, "0.000 s"},          {4000, "0.004 s"},         {99000, "0.099 s"},         {99900, "0.10 s"},
        {830000, "0.83 s"},       {12400000, "12.4 s"},      {59940000, "59.9 s"},       {59960000, "1 min 0 s"},
        {125000000, "2 min 5 s"}, {3599600000, "1 h 0 min"}, {11220000000, "3 h 7 min"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer text;
        buffer_init(&text, 0);
        human_duration(&text, cases[i].us);
        assert_string_equal(buffer_text(&text), cases[i].text);
        buffer_free(&text);
    }
}

static void separates_thousands_of_numbers_only(void **state)
{
    (void)state;
    static const struct {
        const char *number, *text;
    } cases[] = {
        {"", ""},
        {"0", "0"},
        {"999", "999"},
        {"1000", "1,000"},
        {"-1234.5678", "-1,234.5678"},
        {"1234567", "1,234,567"},
        {"2025-04-01", "2025-04-01"},
        {"-", "-"},
        {"12345x", "12345x"},
        {"0.1234", "0.1234"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer text;
        buffer_init(&text, 0);
        human_number(&text, str_of(cases[i].number), true);
        assert_string_equal(buffer_text(&text), cases[i].text);
        buffer_clear(&text);
        human_number(&text, str_of(cases[i].number), false);
        assert_string_equal(buffer_text(&text), cases[i].number);
        buffer_free(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_bytes),
        cmocka_unit_test(says_durations),
        cmocka_unit_test(separates_thousands_of_numbers_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
