#include <string.h>

#include "support/schema.h"
#include "support/unit.h"
#include "tabular/schema.h"

static void assert_reason(const char *field, const char *value, const char *expected)
{
    struct error error = {0};
    struct verdict verdict;
    struct buffer text __attribute__((cleanup(buffer_free))) = {0};
    struct schema *schema = schema_must(arena, arena_format(arena, &error, "{'fields': [%s]}", field));
    field_judge(schema, &schema->fields[0], str_of(value), NULL, &verdict);
    schema_row_reasons(schema, &verdict, &text, NULL);
    buffer_append_char(&text, 0);
    assert_string_equal(text.data, expected);
    schema_free(schema);
}

static void default_reasons_name_field_rule_and_value(void **state)
{
    (void)state;
    assert_reason("{'name': 'a', 'constraints': {'required': true}}", " ", "a: is required");
    assert_reason("{'name': 'a', 'type': 'number', 'constraints': {'minimum': 0}}", "-3",
                  "a: must be at least 0, is -3");
    assert_reason("{'name': 'a', 'type': 'number', 'constraints': {'exclusiveMaximum': 2.50}}", "3",
                  "a: must be less than 2.5, is 3");
    assert_reason("{'name': 'a', 'type': 'number'}", "abc", "a: must be a number, is abc");
    assert_reason("{'name': 'a', 'type': 'number', 'scale': 2}", "0.125", "a: must have at most 2 decimals, is 0.125");
    assert_reason("{'name': 'a', 'type': 'integer'}", "1e99", "a: must be a whole number, is 1e99");
    assert_reason("{'name': 'a', 'type': 'integer'}", "99999999999999999999",
                  "a: is beyond the range of numbers that can be held, is 99999999999999999999");
    assert_reason("{'name': 'a', 'type': 'date'}", "2025-02-30", "a: must be a real day as YYYY-MM-DD, is 2025-02-30");
    assert_reason("{'name': 'a', 'type': 'datetime', 'constraints': {'minimum': '2025-01-01T00:00:00Z'}}",
                  "2024-01-01T00:00:00", "a: must be at least 2025-01-01T00:00:00Z, is 2024-01-01T00:00:00");
    assert_reason("{'name': 'a', 'type': 'date', 'constraints': {'maximum': '2025-01-31'}}", "2025-02-01",
                  "a: must be at most 2025-01-31, is 2025-02-01");
    assert_reason("{'name': 'a', 'type': 'time', 'constraints': {'exclusiveMinimum': '09:30:00'}}", "09:30:00",
                  "a: must be more than 09:30:00, is 09:30:00");
    assert_reason("{'name': 'a', 'type': 'yearmonth', 'constraints': {'minimum': '2025-03'}}", "2024-12",
                  "a: must be at least 2025-03, is 2024-12");
    assert_reason("{'name': 'a', 'constraints': {'enum': ['x', 'y']}}", "z", "a: must be one of x | y, is z");
    assert_reason("{'name': 'a', 'constraints': {'maxLength': 1}}", "zz", "a: must have at most 1 characters, is zz");
    assert_reason("{'name': 'a', 'format': 'uuid'}", "zz", "a: must be a UUID, is zz");
    assert_reason("{'name': 'a', 'constraints': {'pattern': 'b'}}", "line\nbreak",
                  "a: must match the pattern b, is line break");
}

static void a_schemas_message_stands_alone(void **state)
{
    (void)state;
    assert_reason("{'name': 'a', 'type': 'number', 'messages': {'type': 'No price'}}", "x", "No price");
}

static void long_values_are_cut_at_a_character(void **state)
{
    (void)state;
    struct buffer text __attribute__((cleanup(buffer_free))) = {0};
    struct schema *schema = schema_must(arena, "{'fields': [{'name': 'a'}]}");
    char value[121];
    for (size_t i = 0; i < 120; i += 2) memcpy(value + i, "\xC3\xA9", 2);
    value[120] = 0;
    field_reason(&schema->fields[0], RULE_UNIQUE, str_of(value + 1), &text);
    size_t wrong = 0;
    struct str tail = str_slice(text.data + text.length - 3, 3);
    assert_true(str_is(tail, "\xE2\x80\xA6"));
    assert_true(text.length < 110);
    assert_true(str_is_utf8(str_slice(text.data + strlen("a: must be unique, is ") + 1, 60), &wrong));
    schema_free(schema);
}

static void rows_have_reasons_of_their_own(void **state)
{
    (void)state;
    struct buffer text __attribute__((cleanup(buffer_free))) = {0};
    field_reason(NULL, RULE_FIELDS, str_of("7 instead of 9"), &text);
    assert_string_equal(buffer_text(&text), "the row has the wrong number of fields: 7 instead of 9");
    buffer_clear(&text);
    field_reason(NULL, RULE_ENCODING, str_of(""), &text);
    assert_string_equal(buffer_text(&text), "the row is not valid UTF-8 text");
}

static void conditions_hold_between_fields(void **state)
{
    (void)state;
    struct schema *schema =
        schema_must(arena, "{'fields': [{'name': 'brand'}, {'name': 'model'}, {'name': 'status'}], 'rules': ["
                           "{'when': {'field': 'brand'}, 'require': 'model', 'message': 'one'},"
                           "{'when': {'field': 'brand', 'present': false}, 'require': 'status'},"
                           "{'when': {'field': 'status', 'in': ['sent', 'lost']}, 'require': 'model',"
                           " 'message': 'two'}]}");
    static const struct {
        const char *row[3];
        const char *reasons;
        size_t count;
    } cases[] = {
        {{"Acme", "X1", ""}, "", 0},           {{"Acme", "", "open"}, "one", 1},
        {{"Acme", "", "lost"}, "one, two", 2}, {{"", "", ""}, "status: is required", 1},
        {{"", "", "sent"}, "two", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer text __attribute__((cleanup(buffer_free))) = {0};
        struct verdict verdicts[3];
        uint32_t broken = 0;
        for (size_t f = 0; f < 3; f++)
            field_judge(schema, &schema->fields[f], str_of(cases[i].row[f]), NULL, &verdicts[f]);
        assert_int_equal(schema_row_reasons(schema, verdicts, &text, &broken), cases[i].count);
        buffer_append_char(&text, 0);
        assert_string_equal(text.data, cases[i].reasons);
        assert_int_equal(broken, cases[i].count > 0 ? 1U << RULE_CONDITION : 0);
    }
    schema_free(schema);
}

static void the_schema_orders_the_reasons(void **state)
{
    (void)state;
    static const char fields[] = "'fields': [{'name': 'a', 'type': 'integer', 'constraints': {'required': true}},"
                                 " {'name': 'b', 'type': 'integer', 'constraints': {'required': true}},"
                                 " {'name': 'c', 'constraints': {'required': true, 'enum': ['x'], 'minLength': 4}}]";
    static const struct {
        const char *order, *reasons;
    } cases[] = {
        {"'reasons': []", "a: must be a whole number, is ?, b: is required, c: must have at least 4 characters, is yy, "
                          "c: must be one of x, is yy"},
        {"'reasons': [['c', 'enum'], 'required']",
         "c: must be one of x, is yy, b: is required, a: must be a whole number, is ?, "
         "c: must have at least 4 characters, is yy"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error error = {0};
        struct buffer text __attribute__((cleanup(buffer_free))) = {0};
        struct verdict verdicts[3];
        const char *const row[] = {"?", "", "yy"};
        struct schema *schema = schema_must(arena, arena_format(arena, &error, "{%s, %s}", fields, cases[i].order));
        for (size_t f = 0; f < 3; f++) field_judge(schema, &schema->fields[f], str_of(row[f]), NULL, &verdicts[f]);
        assert_int_equal(schema_row_reasons(schema, verdicts, &text, NULL), 4);
        assert_string_equal(buffer_text(&text), cases[i].reasons);
        schema_free(schema);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(default_reasons_name_field_rule_and_value, begin_arena, end_arena),
        cmocka_unit_test_setup_teardown(a_schemas_message_stands_alone, begin_arena, end_arena),
        cmocka_unit_test_setup_teardown(long_values_are_cut_at_a_character, begin_arena, end_arena),
        cmocka_unit_test_setup_teardown(rows_have_reasons_of_their_own, begin_arena, end_arena),
        cmocka_unit_test_setup_teardown(conditions_hold_between_fields, begin_arena, end_arena),
        cmocka_unit_test_setup_teardown(the_schema_orders_the_reasons, begin_arena, end_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
