#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "support/unit.h"
#include "tabular/json_lines.h"

static void test_rows(void **state)
{
    (void)state;
    struct error error = {0};
    struct terms *terms = terms_new(&error);
    struct buffer into;
    int64_t ids[] = {term_of(terms, str_of("1001"), &error), term_of(terms, str_of("say \"hi\""), &error)};
    int64_t prices[] = {1250, COLUMN_NULL};
    int64_t counts[] = {INT64_MAX, -3};
    int64_t days[] = {20179, COLUMN_NULL};
    int64_t times[] = {1743510600500000, 0};
    int64_t paid[] = {1, COLUMN_NULL};
    struct str notes[] = {{NULL, 0}, {"two\nlines \xff", 11}};
    struct value_column columns[] = {
        {.name = "id", .kind = COLUMN_TERM, .values = ids},
        {.name = "the \"price\"", .kind = COLUMN_DECIMAL, .scale = 2, .values = prices},
        {.name = "count", .kind = COLUMN_INTEGER, .values = counts},
        {.name = "day", .kind = COLUMN_DATE, .values = days},
        {.name = "at", .kind = COLUMN_TIMESTAMP, .values = times},
        {.name = "paid", .kind = COLUMN_BOOLEAN, .values = paid},
        {.name = "note", .kind = COLUMN_TEXT, .texts = notes},
        {.name = "gone", .kind = COLUMN_ABSENT},
    };

    buffer_init(&into, 0);
    json_lines_rows(&into, columns, 8, terms, 0, 2);
    assert_string_equal(
        buffer_text(&into),
        "{\"id\":\"1001\",\"the \\\"price\\\"\":12.5,\"count\":9223372036854775807,\"day\":\"2025-04-01\","
        "\"at\":\"2025-04-01T12:30:00.5Z\",\"paid\":true,\"note\":null,\"gone\":null}\n"
        "{\"id\":\"say \\\"hi\\\"\",\"the \\\"price\\\"\":null,\"count\":-3,\"day\":null,"
        "\"at\":\"1970-01-01T00:00:00Z\",\"paid\":null,\"note\":\"two\\nlines \xEF\xBF\xBD\",\"gone\":null}\n");
    for (char *line = strtok(into.data, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        json_error_t problem;
        json_t *row = json_loads(line, 0, &problem);

        assert_non_null(row);
        assert_int_equal(json_object_size(row), 8);
        json_decref(row);
    }
    buffer_free(&into);
    terms_free(terms);
}

static void test_no_columns_are_empty_objects(void **state)
{
    (void)state;
    struct buffer into;

    buffer_init(&into, 0);
    json_lines_rows(&into, NULL, 0, NULL, 0, 2);
    assert_string_equal(buffer_text(&into), "{}\n{}\n");
    buffer_free(&into);
}

static void test_a_long_term_is_whole(void **state)
{
    (void)state;
    struct error error = {0};
    struct terms *terms = terms_new(&error);
    char text[1000];

    memset(text, 'x', sizeof text);
    int64_t code = term_of(terms, str_slice(text, sizeof text), &error);
    struct value_column column = {.name = "t", .kind = COLUMN_TERM, .values = &code};
    struct buffer into;

    buffer_init(&into, 0);
    json_lines_value(&into, &column, terms, 0);
    assert_int_equal(into.length, sizeof text + 2);
    assert_memory_equal(into.data + 1, text, sizeof text);
    buffer_free(&into);
    terms_free(terms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_no_columns_are_empty_objects),
        cmocka_unit_test(test_a_long_term_is_whole),
    };
    return cmocka_run_group_tests_name("json_lines", tests, NULL, NULL);
}
