#include "tabular/schema.h"

#include <string.h>

#include "base/file.h"
#include "support/schema.h"
#include "support/torture.h"
#include "support/unit.h"
#include "tabular/csv_source.h"

static const char full[] =
    "{'name': 'orders', 'missingValues': ['', 'NULL'], 'primaryKey': ['id', 'line'], 'match': ['orders', 'sales'],"
    " 'drift': 'accept', 'rejectBudget': {'count': 10, 'share': 0.25}, 'version': 'at', 'encoding': 'latin-1',"
    " 'dialect': {'delimiter': ';', 'quoteChar': ''},"
    " 'foreignKeys': [{'fields': ['id', 'line'], 'reference': {'resource': 'other', 'fields': ['a', 'b']}}],"
    " 'fields': ["
    "  {'name': 'id', 'intern': true, 'aliases': ['order_id', 'nr']},"
    "  {'name': 'line', 'type': 'integer', 'constraints': {'minimum': 1, 'exclusiveMaximum': 100}},"
    "  {'name': 'price', 'type': 'number', 'scale': 2, 'decimalChar': ',', 'constraints': {'minimum': 0.1}},"
    "  {'name': 'at', 'type': 'datetime', 'format': 'any', 'constraints': {'maximum': '2030-01-01'}},"
    "  {'name': 'kind', 'optional': true, 'default': 'plain', 'missingValues': 'N/A',"
    "   'constraints': {'enum': ['plain', 'gift'], 'required': true}, 'severity': {'enum': 'warning'},"
    "   'messages': {'required': 'Which kind?'}}"
    " ]}";

static void compiles_every_member(void **state)
{
    (void)state;
    struct schema *schema = schema_must(arena, full);
    assert_string_equal(schema->name, "orders");
    assert_int_equal(schema->field_count, 5);
    assert_int_equal(schema->missing_count, 2);
    assert_int_equal(schema->primary_key_count, 2);
    assert_int_equal(schema->primary_key[1], 1);
    assert_true(schema->fields[0].required && schema->fields[1].required && !schema->fields[2].required);
    assert_int_equal(schema->fields[0].kind, COLUMN_TERM);
    assert_string_equal(schema->fields[0].aliases[1], "nr");
    assert_int_equal(schema->fields[1].minimum, 1);
    assert_true(schema->fields[1].exclusive_maximum && !schema->fields[1].exclusive_minimum);
    assert_int_equal(schema->fields[2].scale, 2);
    assert_int_equal(schema->fields[3].maximum, INT64_C(1893456000000000));
    assert_true(schema->fields[4].warning[RULE_ENUM] && !schema->fields[4].warning[RULE_REQUIRED]);
    assert_true(schema->fields[4].has_default && str_is(schema->fields[4].default_text, "plain"));
    assert_string_equal(schema->fields[4].message[RULE_REQUIRED], "Which kind?");
    assert_int_equal(schema->fields[4].missing_count, 2);
    assert_int_equal(schema->reference_count, 1);
    assert_int_equal(schema->references[0].count, 2);
    assert_string_equal(schema->references[0].foreigns[1], "b");
    assert_int_equal(schema->version_fields[0], 3);
    assert_string_equal(schema->match[1], "sales");
    assert_int_equal(schema->drift, DRIFT_ACCEPT);
    assert_true(schema->has_budget && schema->budget_count == 10 && schema->budget_share == 0.25);
    assert_int_equal(schema->delimiter, ';');
    assert_int_equal(schema->quote, 0);
    assert_int_equal(schema->encoding, CSV_LATIN1);
    schema_free(schema);
}

static void assumes_what_is_not_said(void **state)
{
    (void)state;
    struct schema *schema = schema_must(arena, "{'fields': [{'name': 'a'}, {'name': 'n', 'type': 'number'}]}");
    assert_string_equal(schema->name, "test");
    assert_int_equal(schema->fields[0].kind, COLUMN_TEXT);
    assert_true(schema->fields[0].trim);
    assert_int_equal(schema->fields[1].scale, 6);
    assert_int_equal(schema->missing_count, 1);
    assert_int_equal(schema->drift, DRIFT_IGNORE);
    assert_false(schema->has_budget);
    assert_int_equal(schema->delimiter, ',');
    assert_int_equal(schema->quote, '"');
    assert_int_equal(schema->encoding, CSV_UTF8);
    schema_free(schema);
}

/* Schemas that are wrong, and what the error must name. */
static const struct {
    const char *json, *named;
} wrong[] = {
    {"[]", "JSON object"},
    {"{}", "fields"},
    {"{'fields': []}", "fields"},
    {"{'fields': ['a']}", "name"},
    {"{'fields': [{'type': 'string'}]}", "name"},
    {"{'fields': [{'name': 'a', 'type': 'strin'}]}", "\"strin\""},
    {"{'fields': [{'name': 'a'}, {'name': 'a'}]}", "\"a\" means both"},
    {"{'fields': [{'name': 'a', 'aliases': ['b']}, {'name': 'c', 'aliases': ['b']}]}", "\"b\" means both"},
    {"{'fields': [{'name': 'a', 'type': 'integer', 'intern': true}]}", "intern"},
    {"{'fields': [{'name': 'a', 'constraints': {'maxmum': 3}}]}", "\"maxmum\""},
    {"{'fields': [{'name': 'a', 'constraints': {'minimum': 3}}]}", "minimum"},
    {"{'fields': [{'name': 'a', 'type': 'integer', 'constraints': {'minimum': 'x'}}]}", "minimum x"},
    {"{'fields': [{'name': 'a', 'type': 'integer', 'constraints': {'minimum': 1, 'exclusiveMinimum': 1}}]}", "second"},
    {"{'fields': [{'name': 'a', 'type': 'number', 'scale': 1, 'constraints': {'minimum': 0.25}}]}", "scale"},
    {"{'fields': [{'name': 'a', 'type': 'number', 'scale': 19}]}", "scale"},
    {"{'fields': [{'name': 'a', 'type': 'integer', 'scale': 2}]}", "scale"},
    {"{'fields': [{'name': 'a', 'type': 'number', 'decimalChar': ',', 'groupChar': ','}]}", "groupChar"},
    {"{'fields': [{'name': 'a', 'type': 'number', 'decimalChar': '5'}]}", "decimalChar"},
    {"{'fields': [{'name': 'a', 'constraints': {'pattern': '('}}]}", "pattern"},
    {"{'fields': [{'name': 'a', 'constraints': {'minLength': -1}}]}", "minLength"},
    {"{'fields': [{'name': 'a', 'type': 'date', 'constraints': {'enum': ['2025-02-30']}}]}", "2025-02-30"},
    {"{'fields': [{'name': 'a', 'type': 'date', 'format': '%Q'}]}", "%Q"},
    {"{'fields': [{'name': 'a', 'type': 'date', 'format': 'dd.mm.yyyy'}]}", "dd.mm.yyyy"},
    {"{'fields': [{'name': 'a', 'format': 'emial'}]}", "emial"},
    {"{'fields': [{'name': 'a', 'type': 'integer', 'default': 'x'}]}", "default x"},
    {"{'fields': [{'name': 'a', 'type': 'integer', 'default': 0, 'constraints': {'minimum': 1}}]}", "default 0"},
    {"{'fields': [{'name': 'a', 'severity': {'enum': 'note'}}]}", "severity"},
    {"{'fields': [{'name': 'a', 'messages': {'enumm': 'x'}}]}", "enumm"},
    {"{'fields': [{'name': 'a', 'constraints': {'required': 'yes'}}]}", "required"},
    {"{'fields': [{'name': 'a'}], 'primaryKey': 'b'}", "\"b\""},
    {"{'fields': [{'name': 'a'}], 'version': 'a'}", "version"},
    {"{'fields': [{'name': 'a'}], 'drift': 'maybe'}", "maybe"},
    {"{'fields': [{'name': 'a'}], 'encoding': 'ebcdic'}", "ebcdic"},
    {"{'fields': [{'name': 'a'}], 'dialect': {'delimiter': ',,'}}", "delimiter"},
    {"{'fields': [{'name': 'a'}], 'dialect': {'delimiter': '\\\\n'}}", ""},
    {"{'fields': [{'name': 'a'}], 'rejectBudget': {'share': 1.5}}", "share"},
    {"{'fields': [{'name': 'a'}], 'rejectBudget': {}}", "rejectBudget"},
    {"{'fields': [{'name': 'a'}], 'rules': [{'when': {'field': 'b'}, 'require': 'a'}]}", "\"b\""},
    {"{'fields': [{'name': 'a'}], 'rules': [{'require': 'a'}]}", "when"},
    {"{'fields': [{'name': 'a'}], 'reasons': ['requierd']}", "requierd"},
    {"{'fields': [{'name': 'a'}], 'reasons': [['b']]}", "\"b\""},
    {"{'fields': [{'name': 'a'}], 'reasons': [['a', 'type', 'x']]}", "reasons"},
    {"{'fields': [{'name': 'a'}], 'foreignKeys': [{'fields': 'a', 'reference': {'resource': 'x', 'fields': ['b', "
     "'c']}}]}",
     "foreignKeys"},
    {"{'fields': [{'name': 'a'}], 'foreignKeys': [{'fields': 'a', 'reference': {'resource': '', 'fields': 'z'}}]}",
     "\"z\""},
};

static void a_wrong_schema_is_refused_by_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct error error = {0};
        struct schema *schema = schema_of(arena, wrong[i].json, &error);
        if (schema) fail_msg("%s was taken", wrong[i].json);
        if (!strstr(error.message, "test.json") || !strstr(error.message, wrong[i].named))
            fail_msg("%s: %s", wrong[i].json, error.message);
    }
}

static void the_order_of_reasons_is_a_permutation(void **state)
{
    (void)state;
    struct schema *schema = schema_must(
        arena, "{'fields': [{'name': 'a'}, {'name': 'b'}, {'name': 'c'}], 'reasons': ['enum', ['c'], ['b', 'type']]}");
    size_t count = 3 * RULE_COUNT;
    for (size_t rank = 0; rank < count; rank++) assert_int_equal(schema->order[schema->by_rank[rank]], rank);
    assert_int_equal(schema->by_rank[0], RULE_ENUM);
    assert_int_equal(schema->by_rank[1], RULE_COUNT + RULE_ENUM);
    assert_int_equal(schema->by_rank[2], 2 * RULE_COUNT + RULE_ENUM);
    assert_int_equal(schema->by_rank[3], 2 * RULE_COUNT + RULE_REQUIRED);
    assert_int_equal(schema->order[RULE_COUNT + RULE_TYPE], 2 + RULE_COUNT);
    assert_int_equal(schema->order[RULE_REQUIRED], 3 + RULE_COUNT);
    schema_free(schema);
}

static void rules_have_names(void **state)
{
    (void)state;
    assert_string_equal(rule_name(RULE_REQUIRED), "required");
    assert_string_equal(rule_name(RULE_QUOTING), "quoting");
    for (int rule = 0; rule < RULE_COUNT; rule++) assert_non_null(rule_name((enum rule)rule));
}

static bool compile_full(void *context, struct error *error)
{
    (void)context;
    struct arena *own = arena_new(0, error);
    if (!own) return false;
    struct schema *schema = schema_of(own, full, error);
    bool good = schema != NULL;
    schema_free(schema);
    arena_free(own);
    return good;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    torture_walk(compile_full, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(compiles_every_member, begin_arena, end_arena),
        cmocka_unit_test_setup_teardown(assumes_what_is_not_said, begin_arena, end_arena),
        cmocka_unit_test_setup_teardown(a_wrong_schema_is_refused_by_name, begin_arena, end_arena),
        cmocka_unit_test_setup_teardown(the_order_of_reasons_is_a_permutation, begin_arena, end_arena),
        cmocka_unit_test(rules_have_names),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
