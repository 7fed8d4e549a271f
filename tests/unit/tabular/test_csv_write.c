#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "support/unit.h"
#include "tabular/csv_write.h"

static void expect_field(struct str text, const char *expected)
{
    struct buffer into;

    buffer_init(&into, 0);
    csv_write_text(&into, text);
    assert_string_equal(buffer_text(&into), expected);
    buffer_free(&into);
}

static void test_only_what_needs_quotes_has_them(void **state)
{
    (void)state;
    expect_field(str_of("plain"), "plain");
    expect_field(str_of("with space"), "with space");
    expect_field(str_of("a,b"), "\"a,b\"");
    expect_field(str_of("a\nb"), "\"a\nb\"");
    expect_field(str_of("a\rb"), "\"a\rb\"");
    expect_field(str_of("say \"hi\""), "\"say \"\"hi\"\"\"");
    expect_field(str_of("\""), "\"\"\"\"");
    expect_field(str_of(""), "\"\"");
    expect_field(str_of("caf\xc3\xa9"), "caf\xc3\xa9");
}

static void check_value(enum column_kind kind, int scale, int least_decimals, int64_t value, const char *expected)
{
    struct value_column column = {.kind = kind, .scale = scale, .least_decimals = least_decimals};
    struct buffer into;

    buffer_init(&into, 0);
    value_append(&into, &column, NULL, value);
    assert_string_equal(buffer_text(&into), expected);
    buffer_free(&into);
}

static void test_values_have_their_text(void **state)
{
    (void)state;
    check_value(COLUMN_INTEGER, 0, 0, 0, "0");
    check_value(COLUMN_INTEGER, 0, 0, -42, "-42");
    check_value(COLUMN_INTEGER, 0, 0, INT64_MAX, "9223372036854775807");
    check_value(COLUMN_INTEGER, 0, 0, INT64_MIN + 1, "-9223372036854775807");
    check_value(COLUMN_DECIMAL, 6, 0, 12500000, "12.5");
    check_value(COLUMN_DECIMAL, 6, 2, 12500000, "12.50");
    check_value(COLUMN_DECIMAL, 6, 2, 12345678, "12.345678");
    check_value(COLUMN_DECIMAL, 6, 0, 12000000, "12");
    check_value(COLUMN_DECIMAL, 2, 2, -5, "-0.05");
    check_value(COLUMN_DECIMAL, 2, 0, 0, "0");
    check_value(COLUMN_DECIMAL, 2, 2, 0, "0.00");
    check_value(COLUMN_DECIMAL, 18, 0, INT64_MAX, "9.223372036854775807");
    check_value(COLUMN_DECIMAL, 0, 2, 7, "7"); /* there are no more decimals than the scale has */
    check_value(COLUMN_DATE, 0, 0, 0, "1970-01-01");
    check_value(COLUMN_DATE, 0, 0, 20179, "2025-04-01");
    check_value(COLUMN_DATE, 0, 0, -719162, "0001-01-01");
    check_value(COLUMN_DATE, 0, 0, 2932897, "+10000-01-01");
    check_value(COLUMN_TIMESTAMP, 0, 0, 1743510600000000, "2025-04-01T12:30:00Z");
    check_value(COLUMN_TIMESTAMP, 0, 0, 1743510600500000, "2025-04-01T12:30:00.5Z");
    check_value(COLUMN_TIMESTAMP, 0, 0, -1, "1969-12-31T23:59:59.999999Z");
    check_value(COLUMN_TIMESTAMP, 0, 0, INT64_MAX, "+294247-01-10T04:00:54.775807Z");
    check_value(COLUMN_BOOLEAN, 0, 0, 1, "true");
    check_value(COLUMN_BOOLEAN, 0, 0, 0, "false");
}

static void test_rows(void **state)
{
    (void)state;
    struct error error = {0};
    struct terms *terms = terms_new(&error);
    struct buffer into;
    int64_t ids[] = {term_of(terms, str_of("1001"), &error), term_of(terms, str_of("a,\"b\""), &error),
                     term_of(terms, str_of(""), &error)};
    int64_t prices[] = {1250, COLUMN_NULL, 5};
    struct str notes[] = {{"", 0}, {NULL, 0}, {"two\nlines", 9}};
    struct value_column columns[] = {
        {.name = "id", .kind = COLUMN_TERM, .values = ids},
        {.name = "price, net", .kind = COLUMN_DECIMAL, .scale = 2, .least_decimals = 2, .values = prices},
        {.name = "note", .kind = COLUMN_TEXT, .texts = notes},
        {.name = "gone", .kind = COLUMN_ABSENT},
    };

    buffer_init(&into, 0);
    csv_write_header(&into, columns, 4);
    csv_write_rows(&into, columns, 4, terms, 0, 3);
    assert_string_equal(buffer_text(&into), "id,\"price, net\",note,gone\n"
                                            "1001,12.50,\"\",\n"
                                            "\"a,\"\"b\"\"\",,,\n"
                                            "\"\",0.05,\"two\nlines\",\n");
    buffer_clear(&into);
    csv_write_rows(&into, columns, 2, terms, 2, 1);
    assert_string_equal(buffer_text(&into), "\"\",0.05\n");
    buffer_free(&into);
    terms_free(terms);
}

/* A reader that knows nothing but RFC 4180: takes one field, and says where the next begins. */
static size_t read_field(struct str line, size_t at, char *value, size_t *length)
{
    *length = 0;
    if (at < line.length && line.data[at] == '"') {
        for (at++; line.data[at] != '"' || (at + 1 < line.length && line.data[at + 1] == '"'); at++) {
            at += line.data[at] == '"';
            value[(*length)++] = line.data[at];
        }
        return at + 1;
    }
    for (; at < line.length && line.data[at] != ',' && line.data[at] != '\n'; at++) {
        value[(*length)++] = line.data[at];
    }
    return at;
}

static void test_random_texts_read_back(void **state)
{
    (void)state;
    static const char letters[] = ",\"\n\r ab1";
    struct random random;

    random_seed(&random, 21);
    for (unsigned round = 0; round < 5000; round++) {
        char bytes[2][20];
        char value[100];
        struct str texts[2];
        struct buffer into;
        size_t at = 0;
        size_t length = 0;

        for (size_t i = 0; i < 2; i++) {
            texts[i] = str_slice(bytes[i], (size_t)random_below(&random, 20));
            for (size_t j = 0; j < texts[i].length; j++) {
                bytes[i][j] = letters[random_below(&random, sizeof letters - 1)];
            }
        }
        struct value_column columns[] = {{.name = "a", .kind = COLUMN_TEXT, .texts = &texts[0]},
                                         {.name = "b", .kind = COLUMN_TEXT, .texts = &texts[1]}};

        buffer_init(&into, 0);
        csv_write_rows(&into, columns, 2, NULL, 0, 1);
        struct str line = str_slice(into.data, into.length);

        at = read_field(line, at, value, &length);
        assert_true(str_equal(str_slice(value, length), texts[0]));
        assert_int_equal(line.data[at], ',');
        at = read_field(line, at + 1, value, &length);
        assert_true(str_equal(str_slice(value, length), texts[1]));
        assert_int_equal(line.data[at], '\n');
        assert_int_equal(at + 1, line.length);
        buffer_free(&into);
    }
}

static void test_a_full_buffer_stays_failed(void **state)
{
    (void)state;
    struct error error = {0};
    struct str text = str_of("a long, quoted text");
    struct value_column column = {.name = "a", .kind = COLUMN_TEXT, .texts = &text};
    struct buffer into;

    buffer_init(&into, 10);
    csv_write_rows(&into, &column, 1, NULL, 0, 1);
    assert_false(buffer_check(&into, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    buffer_free(&into);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_what_needs_quotes_has_them),
        cmocka_unit_test(test_values_have_their_text),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_random_texts_read_back),
        cmocka_unit_test(test_a_full_buffer_stays_failed),
    };
    return cmocka_run_group_tests_name("csv_write", tests, NULL, NULL);
}
