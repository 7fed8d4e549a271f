#include "cli/cell.h"

#include "support/unit.h"

static void shows(enum column_kind kind, int scale, int64_t value, const char *text, const char *json)
{
    struct buffer into;
    buffer_init(&into, 0);
    buffer_append_char(&into, '<');
    cell_append(&into, kind, scale, NULL, value);
    assert_string_equal(buffer_text(&into) + 1, text);
    buffer_clear(&into);
    buffer_append_char(&into, '<');
    cell_append_json(&into, kind, scale, NULL, value);
    assert_string_equal(buffer_text(&into) + 1, json);
    buffer_free(&into);
}

static void keeps_every_decimal(void **state)
{
    (void)state;
    shows(COLUMN_DECIMAL, 2, 1250, "12.50", "12.50");
    shows(COLUMN_DECIMAL, 2, 5, "0.05", "0.05");
    shows(COLUMN_DECIMAL, 2, -5, "-0.05", "-0.05");
    shows(COLUMN_DECIMAL, 2, 0, "0.00", "0.00");
    shows(COLUMN_DECIMAL, 0, 12, "12", "12");
    shows(COLUMN_DECIMAL, 4, 10000, "1.0000", "1.0000");
    shows(COLUMN_DECIMAL, 18, INT64_MAX, "9.223372036854775807", "9.223372036854775807");
    shows(COLUMN_DECIMAL, 2, -INT64_MAX, "-92233720368547758.07", "-92233720368547758.07");
}

static void shows_each_kind(void **state)
{
    (void)state;
    shows(COLUMN_INTEGER, 0, -42, "-42", "-42");
    shows(COLUMN_DATE, 0, 20179, "2025-04-01", "\"2025-04-01\"");
    shows(COLUMN_TIMESTAMP, 0, 1743351266000000, "2025-03-30T16:14:26Z", "\"2025-03-30T16:14:26Z\"");
    shows(COLUMN_BOOLEAN, 0, 1, "true", "true");
    shows(COLUMN_INTEGER, 0, COLUMN_NULL, "", "null");
    shows(COLUMN_TERM, 0, COLUMN_NULL, "", "null");
}

static void terms_are_quoted_for_json(void **state)
{
    (void)state;
    struct error error = {0};
    struct terms *terms = terms_new(&error);
    struct buffer into;
    buffer_init(&into, 0);
    term code = term_of(terms, str_of("Home \"&\" Garden"), &error);
    cell_append(&into, COLUMN_TERM, 0, terms, code);
    buffer_append_char(&into, ' ');
    cell_append_json(&into, COLUMN_TERM, 0, terms, code);
    assert_string_equal(buffer_text(&into), "Home \"&\" Garden \"Home \\\"&\\\" Garden\"");
    buffer_clear(&into);
    cell_append_json(&into, COLUMN_TERM, 0, terms, term_of(terms, str_of(""), &error));
    assert_string_equal(buffer_text(&into), "\"\"");
    buffer_free(&into);
    terms_free(terms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_every_decimal),
        cmocka_unit_test(shows_each_kind),
        cmocka_unit_test(terms_are_quoted_for_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
