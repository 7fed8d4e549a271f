#include "table/expression.h"

#include <string.h>

#include "support/expression.h"

#define VALUES                                                                                                         \
    "{\":p\": {\"S\": \"Books\"}, \":d\": {\"S\": \"2025-01-01\"}, \":e\": {\"S\": \"2025-12-31\"}, \":n\": {\"N\": "  \
    "\"1\"},"                                                                                                          \
    " \":empty\": {\"S\": \"\"}}"

static const struct key_schema schema = {
    .partition = {"cat", 3}, .sort = {"d1", 2}, .partition_type = ATTRIBUTE_STRING, .sort_type = ATTRIBUTE_STRING};

static bool read(struct given *given, const char *expression, struct key_condition *key)
{
    given_begin(given, "{}", NULL, VALUES);
    const struct condition *condition =
        expression_condition(&given->scope, str_of(expression), "KeyConditionExpression", given->arena, &given->error);

    return condition != NULL && key_condition_of(condition, &schema, key, &given->error);
}

static void finds_partition_and_range(void **state)
{
    (void)state;
    const struct {
        const char *expression;
        enum key_range range;
        bool low, high;
    } good[] = {
        {"cat = :p", KEY_ALL, false, false},
        {"cat = :p AND d1 = :d", KEY_EQUAL, true, false},
        {"d1 < :d AND cat = :p", KEY_LESS, true, false},
        {"(cat = :p) AND (d1 <= :d)", KEY_LESS_OR_EQUAL, true, false},
        {"cat = :p AND d1 > :d", KEY_GREATER, true, false},
        {"cat = :p AND d1 >= :d", KEY_GREATER_OR_EQUAL, true, false},
        {"cat = :p AND d1 BETWEEN :d AND :e", KEY_BETWEEN, true, true},
        {"cat = :p AND begins_with(d1, :d)", KEY_BEGINS_WITH, true, false},
    };

    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct given given;
        struct key_condition key;

        if (!read(&given, good[i].expression, &key)) {
            fail_msg("%s: %s", good[i].expression, given.error.message);
        }
        assert_true(str_is(key.partition->as.text, "Books"));
        assert_int_equal(key.range, good[i].range);
        assert_int_equal(key.low != NULL, good[i].low);
        assert_int_equal(key.high != NULL, good[i].high);
        assert_true(key.low == NULL || str_is(key.low->as.text, "2025-01-01"));
        given_free(&given);
    }
}

static void refuses_what_is_no_key_condition(void **state)
{
    (void)state;
    const char *const wrong[][2] = {
        {"d1 = :d", "Query condition missed key schema element: cat"},
        {"elsewhere = :p", "Query condition missed key schema element: cat"},
        {"cat > :p", "Query key condition not supported"},
        {"cat = :p OR d1 = :d", "Invalid operator used in KeyConditionExpression: OR"},
        {"NOT cat = :p", "Invalid operator used in KeyConditionExpression: NOT"},
        {"cat = :p AND d1 <> :d", "Invalid operator used in KeyConditionExpression: <>"},
        {"cat = :p AND contains(d1, :d)", "Invalid operator used in KeyConditionExpression: contains"},
        {"cat = :p AND cat = :p", "must only contain one condition per key"},
        {"cat = :p AND d1 > :d AND d1 < :e", "must only contain one condition per key"},
        {"cat.a1 = :p", "cannot have conditions on nested attributes"},
        {"cat = :n", "Condition parameter type does not match schema type"},
        {"cat = :p AND d1 = :n", "Condition parameter type does not match schema type"},
        {"cat = :empty", "cannot contain an empty string value"},
        {"cat = :p AND d1 = zz", "Multiple attribute names used in one condition"},
    };

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct given given;
        struct key_condition key;

        assert_false(read(&given, wrong[i][0], &key));
        assert_string_equal(given.error.name, "ValidationException");
        if (strstr(given.error.message, wrong[i][1]) == NULL) {
            fail_msg("%s: %s", wrong[i][0], given.error.message);
        }
        given_free(&given);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_partition_and_range),
        cmocka_unit_test(refuses_what_is_no_key_condition),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
