#include "table/expression.h"

#include <string.h>

#include "support/expression.h"

#define ITEM                                                                                                           \
    "{\"id\": {\"S\": \"o1\"}, \"n\": {\"N\": \"10.50\"}, \"bin\": {\"B\": \"AAEC\"}, \"ok\": {\"BOOL\": true},"       \
    " \"none\": {\"NULL\": true}, \"tags\": {\"SS\": [\"a\", \"b\"]}, \"nums\": {\"NS\": [\"1\", \"2.0\"]},"           \
    " \"parts\": {\"L\": [{\"S\": \"x\"}, {\"M\": {\"deep\": {\"N\": \"7\"}}}]},"                                      \
    " \"map\": {\"M\": {\"city\": {\"S\": \"Oslo\"}, \"zip.code\": {\"S\": \"0150\"}}}}"

#define VALUES                                                                                                         \
    "{\":o1\": {\"S\": \"o1\"}, \":o\": {\"S\": \"o\"}, \":z\": {\"S\": \"z\"}, \":ten\": {\"N\": \"10\"},"            \
    " \":same\": {\"N\": \"10.5\"}, \":eleven\": {\"N\": \"11\"}, \":two\": {\"N\": \"2\"}, \":one\": {\"N\": \"1\"}," \
    " \":a\": {\"S\": \"a\"}, \":x\": {\"S\": \"x\"}, \":b\": {\"B\": \"AAE=\"}, \":t\": {\"BOOL\": true},"            \
    " \":SS\": {\"S\": \"SS\"}, \":N\": {\"S\": \"N\"}, \":set\": {\"SS\": [\"b\", \"a\"]},"                           \
    " \":bad\": {\"S\": \"STRING\"}, \":map\": {\"M\": {\"deep\": {\"N\": \"7.0\"}}}}"

#define NAMES "{\"#s\": \"size\", \"#zip\": \"zip.code\", \"#m\": \"map\"}"

static const struct {
    const char *expression;
    bool holds;
} judged[] = {
    {"id = :o1", true},
    {"id <> :o1", false},
    {"id <> :ten", true}, /* of another type */
    {"id = :ten", false},
    {"n = :same", true}, /* 10.50 is 10.5 */
    {"n > :ten and n < :eleven", true},
    {"n >= :same AND n <= :same", true},
    {"n > :a", false}, /* types that do not compare */
    {"NOT n > :a", true},
    {"absent = :a", false},
    {"absent <> :a", true},
    {"absent < :a", false},
    {"n BETWEEN :ten AND :eleven", true},
    {"n between :ten and :ten", false},
    {"id IN (:a, :o1)", true},
    {"id IN (:a, :z)", false},
    {"absent IN (:a)", false},
    {"tags = :set", true}, /* sets in any order */
    {"attribute_exists(id) AND attribute_not_exists(absent)", true},
    {"attribute_exists(#m.city) and attribute_not_exists(#m.town)", true},
    {"attribute_exists(#m.#zip)", true},
    {"attribute_exists(parts[1].deep) and attribute_not_exists(parts[2])", true},
    {"attribute_not_exists(id[0])", true},
    {"parts[1] = :map", true},
    {"attribute_type(tags, :SS)", true},
    {"attribute_type(n, :SS)", false},
    {"attribute_type(absent, :N)", false},
    {"begins_with(id, :o)", true},
    {"begins_with(id, :z)", false},
    {"begins_with(bin, :b)", true},
    {"begins_with(n, :o)", false},
    {"contains(id, :one)", false},
    {"contains(id, :o)", true},
    {"contains(tags, :a)", true},
    {"contains(nums, :two)", true},
    {"contains(parts, :x)", true},
    {"contains(parts, :a)", false},
    {"contains(ok, :t)", false},
    {"size(id) = :two", true},
    {"size(bin) > :two", true},
    {"size(tags) = :two AND size(parts) = :two AND size(#m) = :two", true},
    {"size(n) = :two", false},
    {"id = :a OR id = :o1 AND n = :ten", false}, /* AND binds closer than OR */
    {"(id = :a OR id = :o1) AND n = :same", true},
    {"NOT id = :a AND n = :same", true}, /* NOT closest of all */
    {"NOT (id = :a AND n = :same)", true},
    {":o1 = id", true},
    {"ok = :t", true},
};

static void judges_items(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof judged / sizeof *judged; i++) {
        struct given given;

        given_begin(&given, ITEM, NAMES, VALUES);
        const struct condition *condition = expression_condition(&given.scope, str_of(judged[i].expression),
                                                                 "ConditionExpression", given.arena, &given.error);

        if (condition == NULL) {
            fail_msg("%s: %s", judged[i].expression, given.error.message);
        }
        if (expression_holds(condition, &given.item) != judged[i].holds) {
            fail_msg("%s is %s", judged[i].expression, judged[i].holds ? "false" : "true");
        }
        given_free(&given);
    }
}

static const struct {
    const char *expression, *words;
} refused[] = {
    {"", "Invalid ConditionExpression: The expression can not be empty;"},
    {"id", "Syntax error; token: \"<EOF>\", near: \"id\""},
    {"id = ", "Syntax error; token: \"<EOF>\", near: \"=\""},
    {"id = :a AND", "token: \"<EOF>\""},
    {"id = :a :z", "Syntax error; token: \":z\", near: \":a :z\""},
    {"id ! :a", "Syntax error; token: \"!\""},
    {"(id = :a", "Syntax error"},
    {"id = # ", "Syntax error; token: \"#\""},
    {"id = :nope", "An expression attribute value used in expression is not defined; attribute value: :nope"},
    {"#nope = :a", "An expression attribute name used in the document path is not defined; attribute name: #nope"},
    {"status = :a", "Attribute name is a reserved keyword; reserved keyword: status"},
    {"Name = :a", "reserved keyword: Name"},
    {"frobnicate(id) = :a", "Invalid function name; function: frobnicate"},
    {"begins_with(id)",
     "Incorrect number of operands for operator or function; operator or function: begins_with, number "
     "of operands: 1"},
    {"attribute_exists(:a)", "Operator or function requires a document path; operator or function: attribute_exists"},
    {"attribute_type(id, :bad)", "Invalid attribute type name found; type: STRING"},
    {"begins_with(id, :ten)",
     "Incorrect operand type for operator or function; operator or function: begins_with, operand "
     "type: N"},
    {"id < :set", "Incorrect operand type for operator or function; operator or function: <, operand type: SS"},
    {"n BETWEEN :eleven AND :ten",
     "requires upper bound to be greater than or equal to lower bound; lower bound operand: "
     "AttributeValue: {N:11}, upper bound operand: AttributeValue: {N:10}"},
    {"n BETWEEN :ten AND :a", "requires same data type for lower and upper bounds"},
    {"id = id", "The first operand must be distinct from the remaining operands"},
    {"if_not_exists(id, :a) = :a", "The function is not allowed in a condition expression; function: if_not_exists"},
    {"attribute_exists(id) = :t", "is not allowed to be used this way in an expression; function: attribute_exists"},
    {"size(id)", "is not allowed to be used this way in an expression; function: size"},
    {"size(:ten) > :ten", "operator or function: size, operand type: N"},
    {"((id = :a))", "The expression has redundant parentheses;"},
    {"AND id = :a", "Syntax error; token: \"AND\", near: \"AND id\""},
    {"id = :a AND AND id = :a", "Syntax error; token: \"AND\", near: \"AND AND id\""},
    {"_id = :a", "Syntax error; token: \"_\", near: \"_id\""},
    {"id IN (n, id)", "The first operand must be distinct from the remaining operands"},
    {"n BETWEEN n AND :ten", "The first operand must be distinct from the remaining operands"},
    {"  ", "Syntax error; token: \"<EOF>\", near: \"  \""},
    {"parts[99999999999] = :a", "List index is not within the allowable range"},
    {"parts[a] = :a", "Syntax error; token: \"a\""},
};

static void refuses_what_is_wrong_and_says_where(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct given given;

        given_begin(&given, ITEM, NAMES, VALUES);
        if (expression_condition(&given.scope, str_of(refused[i].expression), "ConditionExpression", given.arena,
                                 &given.error) != NULL) {
            fail_msg("%s was taken", refused[i].expression);
        }
        assert_string_equal(given.error.name, "ValidationException");
        if (strstr(given.error.message, refused[i].words) == NULL) {
            fail_msg("%s: %s", refused[i].expression, given.error.message);
        }
        given_free(&given);
    }
}

static void bounds_hold(void **state)
{
    (void)state;
    struct given given;
    struct buffer text = {0};

    given_begin(&given, ITEM, NAMES, VALUES);
    for (int i = 0; i < 4100; i++) {
        buffer_append_char(&text, ' ');
    }
    assert_null(expression_condition(&given.scope, str_slice(text.data, text.length), "FilterExpression", given.arena,
                                     &given.error));
    assert_non_null(strstr(given.error.message, "Invalid FilterExpression: Expression size has exceeded"));
    buffer_clear(&text);
    for (int i = 0; i < 2000; i++) {
        buffer_append_char(&text, '(');
    }
    assert_null(expression_condition(&given.scope, str_slice(text.data, text.length), "FilterExpression", given.arena,
                                     &given.error));
    assert_non_null(strstr(given.error.message, "nested too deeply"));
    buffer_clear(&text);
    for (int i = 0; i < 301; i++) {
        buffer_append_text(&text, i > 0 ? "OR id=:a " : "id=:a ");
    }
    assert_null(expression_condition(&given.scope, str_slice(text.data, text.length), "FilterExpression", given.arena,
                                     &given.error));
    assert_non_null(strstr(given.error.message, "too many operators"));
    buffer_free(&text);
    given_free(&given);
}

static void tells_what_was_not_used(void **state)
{
    (void)state;
    struct given given;

    given_begin(&given, ITEM, "{\"#used\": \"id\"}", "{\":used\": {\"N\": \"1\"}, \":idle\": {\"N\": \"2\"}}");
    assert_non_null(
        expression_condition(&given.scope, str_of("#used = :used"), "ConditionExpression", given.arena, &given.error));
    assert_false(expression_scope_end(&given.scope, &given.error));
    assert_string_equal(given.error.message,
                        "Value provided in ExpressionAttributeValues unused in expressions: keys: {:idle}");
    given_free(&given);

    given_begin(&given, ITEM, "{\"#idle\": \"id\"}", "{\":used\": {\"N\": \"1\"}}");
    assert_non_null(
        expression_condition(&given.scope, str_of("id = :used"), "ConditionExpression", given.arena, &given.error));
    assert_false(expression_scope_end(&given.scope, &given.error));
    assert_string_equal(given.error.message,
                        "Value provided in ExpressionAttributeNames unused in expressions: keys: {#idle}");
    given_free(&given);
}

static void tells_which_attributes_it_speaks_of(void **state)
{
    (void)state;
    struct given given;

    given_begin(&given, ITEM, NAMES, VALUES);
    const struct condition *condition = expression_condition(
        &given.scope, str_of("id = :a OR NOT size(#m.city) > :ten"), "FilterExpression", given.arena, &given.error);

    assert_true(expression_mentions(condition, str_of("id")));
    assert_true(expression_mentions(condition, str_of("map")));
    assert_false(expression_mentions(condition, str_of("city")));
    given_free(&given);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_items),
        cmocka_unit_test(refuses_what_is_wrong_and_says_where),
        cmocka_unit_test(bounds_hold),
        cmocka_unit_test(tells_what_was_not_used),
        cmocka_unit_test(tells_which_attributes_it_speaks_of),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
