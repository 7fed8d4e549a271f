#include <string.h>

#include "support/schema.h"
#include "support/unit.h"
#include "tabular/datetime.h"
#include "tabular/schema.h"

#define BIT(rule) (1U << (rule))

/* The verdict of the only field of `{'fields': [FIELD]}`. Patterns must not be in it. */
static struct verdict judge(const char *field, const char *text)
{
    struct error error = {0};
    struct verdict verdict;
    char *json = arena_format(arena, &error, "{'missingValues': ['', '-'], 'fields': [%s]}", field);
    struct schema *schema = schema_must(arena, json);
    field_judge(schema, &schema->fields[0], str_of(text), NULL, &verdict);
    assert_false(verdict.failed);
    return verdict;
}

static void assert_broken(const char *field, const char *text, uint32_t broken)
{
    struct verdict verdict = judge(field, text);
    if (verdict.broken != broken) fail_msg("%s in %s breaks %x, not %x", text, field, verdict.broken, broken);
}

static void assert_value(const char *field, const char *text, int64_t value)
{
    struct verdict verdict = judge(field, text);
    assert_true(verdict.present);
    if (verdict.broken != 0 || verdict.value != value)
        fail_msg("%s in %s is %lld (%x)", text, field, (long long)verdict.value, verdict.broken);
}

static void missing_values(void **state)
{
    (void)state;
    assert_false(judge("{'name': 'a'}", " ").present);
    assert_false(judge("{'name': 'a'}", " - ").present);
    assert_true(judge("{'name': 'a', 'trim': false}", " ").present);
    assert_true(judge("{'name': 'a', 'missingValues': ['N/A']}", "-").present);
    assert_false(judge("{'name': 'a', 'missingValues': ['N/A']}", "").present);
    assert_broken("{'name': 'a', 'constraints': {'required': true}}", " ", BIT(RULE_REQUIRED));
    assert_broken("{'name': 'a', 'type': 'integer', 'constraints': {'minimum': 1, 'enum': [3]}}", "", 0);
    assert_true(judge("{'name': 'a', 'type': 'integer'}", "").value == COLUMN_NULL);
    assert_value("{'name': 'a', 'type': 'integer', 'default': 1}", "", 1);
    assert_true(str_is(judge("{'name': 'a', 'default': 'x', 'constraints': {'required': true}}", "-").text, "x"));
}

static void types(void **state)
{
    (void)state;
    assert_value("{'name': 'a', 'type': 'integer'}", " 42\t", 42);
    assert_value("{'name': 'a', 'type': 'number', 'scale': 4}", "46.35", 463500);
    assert_value("{'name': 'a', 'type': 'boolean'}", "TRUE", 1);
    assert_value("{'name': 'a', 'type': 'boolean', 'falseValues': ['nein']}", "nein", 0);
    assert_value("{'name': 'a', 'type': 'date'}", "1970-01-02", 1);
    assert_value("{'name': 'a', 'type': 'date', 'format': '%d.%m.%y'}", "2.1.70", 1);
    assert_value("{'name': 'a', 'type': 'date', 'format': 'any'}", "1970-01-02T23:00:00Z", 1);
    assert_value("{'name': 'a', 'type': 'datetime'}", "1970-01-02T00:00:00", MICROSECONDS_PER_DAY);
    assert_value("{'name': 'a', 'type': 'datetime', 'format': 'any'}", "1970-01-02", MICROSECONDS_PER_DAY);
    assert_value("{'name': 'a', 'type': 'time'}", "00:00:01", MICROSECONDS_PER_SECOND);
    assert_value("{'name': 'a', 'type': 'time', 'format': '%H.%M'}", "0.1", 60 * MICROSECONDS_PER_SECOND);
    assert_value("{'name': 'a', 'type': 'year'}", "2025", 2025);
    assert_value("{'name': 'a', 'type': 'yearmonth'}", "2025-03", 2025 * 12 + 2);
    assert_broken("{'name': 'a', 'type': 'integer'}", "4 2", BIT(RULE_TYPE));
    assert_broken("{'name': 'a', 'type': 'number', 'scale': 1}", "0.25", BIT(RULE_TYPE));
    assert_broken("{'name': 'a', 'type': 'boolean'}", "yes", BIT(RULE_TYPE));
    assert_broken("{'name': 'a', 'type': 'date'}", "2025-02-30", BIT(RULE_TYPE));
    assert_broken("{'name': 'a', 'type': 'datetime'}", "2025-02-03", BIT(RULE_TYPE));
    assert_broken("{'name': 'a', 'type': 'year'}", "25", BIT(RULE_TYPE));
    assert_broken("{'name': 'a', 'type': 'yearmonth'}", "2025-13", BIT(RULE_TYPE));
    assert_broken("{'name': 'a', 'type': 'object'}", "[]", BIT(RULE_TYPE));
    assert_broken("{'name': 'a', 'format': 'email'}", "nobody", BIT(RULE_TYPE));
}

static void bounds(void **state)
{
    (void)state;
    const char *closed = "{'name': 'a', 'type': 'number', 'constraints': {'minimum': 0, 'maximum': 10}}";
    const char *open =
        "{'name': 'a', 'type': 'number', 'constraints': {'exclusiveMinimum': 0, 'exclusiveMaximum': 10}}";
    assert_broken(closed, "0", 0);
    assert_broken(closed, "10", 0);
    assert_broken(closed, "-0.01", BIT(RULE_MINIMUM));
    assert_broken(closed, "10.000001", BIT(RULE_MAXIMUM));
    assert_broken(open, "0.0", BIT(RULE_MINIMUM));
    assert_broken(open, "10", BIT(RULE_MAXIMUM));
    assert_broken(open, "9.999999", 0);
    /* A number that cannot even be held is beyond its bound all the same. */
    assert_broken(closed, "1e300", BIT(RULE_MAXIMUM));
    assert_broken(closed, "-1e300", BIT(RULE_MINIMUM));
    assert_broken("{'name': 'a', 'type': 'number', 'constraints': {'minimum': 0}}", "1e300", BIT(RULE_TYPE));
    assert_broken("{'name': 'a', 'type': 'date', 'constraints': {'minimum': '2025-01-01'}}", "2024-12-31",
                  BIT(RULE_MINIMUM));
}

static void lengths_count_characters(void **state)
{
    (void)state;
    const char *field = "{'name': 'a', 'constraints': {'minLength': 2, 'maxLength': 3}}";
    assert_broken(field, "\xC3\xA9", BIT(RULE_MIN_LENGTH));
    assert_broken(field, "\xC3\xA9\xC3\xA9\xC3\xA9", 0);
    assert_broken(field, "abcd", BIT(RULE_MAX_LENGTH));
}

static void enums_compare_values(void **state)
{
    (void)state;
    assert_broken("{'name': 'a', 'constraints': {'enum': ['x', 'y']}}", " y", 0);
    assert_broken("{'name': 'a', 'constraints': {'enum': ['x', 'y']}}", "Y", BIT(RULE_ENUM));
    assert_broken("{'name': 'a', 'type': 'number', 'constraints': {'enum': [1, 2.5]}}", "2.50", 0);
    assert_broken("{'name': 'a', 'type': 'number', 'constraints': {'enum': [1, 2.5]}}", "2.51", BIT(RULE_ENUM));
    struct verdict verdict =
        judge("{'name': 'a', 'constraints': {'enum': ['x']}, 'severity': {'enum': 'warning'}}", "z");
    assert_int_equal(verdict.broken, 0);
    assert_int_equal(verdict.warned, BIT(RULE_ENUM));
}

static void a_type_that_only_warns_leaves_no_value(void **state)
{
    (void)state;
    struct verdict verdict = judge("{'name': 'a', 'type': 'integer', 'severity': {'type': 'warning'}}", "x");
    assert_int_equal(verdict.broken, 0);
    assert_int_equal(verdict.warned, BIT(RULE_TYPE));
    assert_true(verdict.value == COLUMN_NULL);
}

static void patterns(void **state)
{
    (void)state;
    struct schema *schema = schema_must(arena, "{'fields': [{'name': 'a', 'constraints': {'pattern': '[A-Z]+'}}]}");
    struct verdict verdict;
    field_judge(schema, &schema->fields[0], str_of(" AB "), NULL, &verdict);
    assert_int_equal(verdict.broken, 0);
    field_judge(schema, &schema->fields[0], str_of("AB1"), NULL, &verdict);
    assert_int_equal(verdict.broken, BIT(RULE_PATTERN));
    schema_free(schema);
}

static void interned_strings_are_terms(void **state)
{
    (void)state;
    struct error error = {0};
    struct terms *terms = terms_new(&error);
    struct schema *schema = schema_must(arena, "{'fields': [{'name': 'a', 'intern': true}]}");
    struct verdict verdict;
    field_judge(schema, &schema->fields[0], str_of(" P1001 "), terms, &verdict);
    assert_true(verdict.value == term_of(terms, str_of("P1001"), &error));
    field_judge(schema, &schema->fields[0], str_of(""), terms, &verdict);
    assert_true(verdict.value == TERM_NULL);
    schema_free(schema);
    terms_free(terms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(missing_values, begin_arena, end_arena),
        cmocka_unit_test_setup_teardown(types, begin_arena, end_arena),
        cmocka_unit_test_setup_teardown(bounds, begin_arena, end_arena),
        cmocka_unit_test_setup_teardown(lengths_count_characters, begin_arena, end_arena),
        cmocka_unit_test_setup_teardown(enums_compare_values, begin_arena, end_arena),
        cmocka_unit_test_setup_teardown(a_type_that_only_warns_leaves_no_value, begin_arena, end_arena),
        cmocka_unit_test_setup_teardown(patterns, begin_arena, end_arena),
        cmocka_unit_test_setup_teardown(interned_strings_are_terms, begin_arena, end_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
