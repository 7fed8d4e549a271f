#include "table/expression.h"

#include <string.h>

#include "support/expression.h"

#define ITEM                                                                                                           \
    "{\"id\": {\"S\": \"o1\"}, \"n\": {\"N\": \"10.5\"}, \"tags\": {\"SS\": [\"a\", \"b\"]},"                          \
    " \"parts\": {\"L\": [{\"S\": \"p0\"}, {\"S\": \"p1\"}, {\"L\": [{\"N\": \"1\"}, {\"N\": \"2\"}]}]},"              \
    " \"home\": {\"M\": {\"city\": {\"S\": \"Oslo\"}}}}"

#define VALUES                                                                                                         \
    "{\":one\": {\"N\": \"1\"}, \":s\": {\"S\": \"new\"}, \":t\": {\"S\": \"two\"}, \":set\": {\"SS\": [\"b\", "       \
    "\"c\"]},"                                                                                                         \
    " \":all\": {\"SS\": [\"a\", \"b\"]}, \":nums\": {\"NS\": [\"1\"]}, \":l\": {\"L\": [{\"S\": \"end\"}]},"          \
    " \":big\": {\"N\": \"9.9e125\"}}"

/* The item's JSON after the update; only what changed is compared: `expected` must be part of it. */
static const struct {
    const char *expression, *expected, *gone;
} applied[] = {
    {"SET n = n + :one", "\"n\":{\"N\":\"11.5\"}", NULL},
    {"SET n = :one - n", "\"n\":{\"N\":\"-9.5\"}", NULL},
    {"SET fresh = :s, id = :t", "\"fresh\":{\"S\":\"new\"}", "o1"},
    {"set fresh = id remove id", "\"fresh\":{\"S\":\"o1\"}", "\"id\""}, /* operands are of the item before */
    {"SET a1 = if_not_exists(n, :one), b1 = if_not_exists(zz, :one)", "\"a1\":{\"N\":\"10.5\"},\"b1\":{\"N\":\"1\"}",
     NULL},
    {"SET zz = if_not_exists(zz, :one) + :one", "\"zz\":{\"N\":\"2\"}", NULL},
    {"SET parts = list_append(parts, :l)", "{\"N\":\"2\"}]},{\"S\":\"end\"}]", NULL},
    {"SET parts = list_append(:l, parts)", "\"parts\":{\"L\":[{\"S\":\"end\"},{\"S\":\"p0\"}", NULL},
    {"SET parts[0] = :s", "[{\"S\":\"new\"},{\"S\":\"p1\"}", "p0"},
    {"SET parts[9] = :t, parts[7] = :s", "]},{\"S\":\"new\"},{\"S\":\"two\"}]", NULL}, /* beyond the end: in order */
    {"SET parts[2][1] = :s", "[{\"N\":\"1\"},{\"S\":\"new\"}]", "\"2\""},
    {"SET home.city = :s, home.street = :t", "{\"M\":{\"city\":{\"S\":\"new\"},\"street\":{\"S\":\"two\"}}}", "Oslo"},
    {"REMOVE parts[0], parts[1]", "\"parts\":{\"L\":[{\"L\":[{\"N\":\"1\"},{\"N\":\"2\"}]}]}", "p1"},
    {"REMOVE parts[0], parts[2][0]", "\"parts\":{\"L\":[{\"S\":\"p1\"},{\"L\":[{\"N\":\"2\"}]}]}", "p0"},
    {"REMOVE parts[0] SET parts[1] = :s", "\"parts\":{\"L\":[{\"S\":\"new\"},{\"L\"", "p1"},
    {"REMOVE home.city, zz", "\"home\":{\"M\":{}}", "Oslo"},
    {"ADD n :one, zz :one", "\"n\":{\"N\":\"11.5\"}", NULL},
    {"ADD tags :set", "\"tags\":{\"SS\":[\"a\",\"b\",\"c\"]}", NULL},
    {"ADD more :set", "\"more\":{\"SS\":[\"b\",\"c\"]}", NULL},
    {"DELETE tags :set", "\"tags\":{\"SS\":[\"a\"]}", NULL},
    {"DELETE tags :all", "\"n\"", "tags"}, /* an empty set is none */
    {"DELETE zz :all", "\"n\"", "zz"},
};

static char *apply(const char *expression, struct given *given, bool *good)
{
    struct update update;
    struct attribute changed;
    struct buffer text = {0};
    char *shown = NULL;

    given_begin(given, ITEM, NULL, VALUES);
    *good = update_parse(&given->scope, str_of(expression), given->arena, &update, &given->error) &&
            update_apply(&update, &given->item, given->arena, &changed, &given->error);
    if (*good) {
        attribute_map_to_json(&text, &changed);
        assert_non_null(buffer_text(&text));
        shown = arena_text(given->arena, text.data, text.length, &given->error);
    }
    buffer_free(&text);
    return shown;
}

static void changes_items(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof applied / sizeof *applied; i++) {
        struct given given;
        bool good;
        const char *shown = apply(applied[i].expression, &given, &good);

        if (!good) {
            fail_msg("%s: %s", applied[i].expression, given.error.message);
        }
        if (strstr(shown, applied[i].expected) == NULL ||
            (applied[i].gone != NULL && strstr(shown, applied[i].gone) != NULL)) {
            fail_msg("%s gave %s", applied[i].expression, shown);
        }
        given_free(&given);
    }
}

static const struct {
    const char *expression, *words;
} refused[] = {
    {"SET", "Invalid UpdateExpression: Syntax error; token: \"<EOF>\", near: \"SET\""},
    {"PUT n = :one", "Syntax error; token: \"PUT\""},
    {"SET n = :one SET id = :s", "The \"SET\" section can only be used once in an update expression;"},
    {"SET n :one", "Syntax error; token: \":one\""},
    {"SET n = :one,", "Syntax error; token: \"<EOF>\""},
    {"SET n = n + :s", "Incorrect operand type for operator or function; operator or function: +, operand type: S"},
    {"SET n = attribute_exists(id)", "The function is not allowed in an update expression; function: attribute_exists"},
    {"SET n = size(id)", "The function is not allowed in an update expression; function: size"},
    {"SET n = if_not_exists(:one, :one)", "requires a document path; operator or function: if_not_exists"},
    {"ADD id :s", "Incorrect operand type for operator or function; operator: ADD, operand type: STRING"},
    {"DELETE n :one", "Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER"},
    {"SET home = :s, home.city = :s", "Two document paths overlap with each other; must remove or rewrite one of these "
                                      "paths; path one: [home], path two: [home, city]"},
    {"SET home.a1 = :s REMOVE home[0]", "Two document paths conflict with each other"},
    {"SET n = zz", "The provided expression refers to an attribute that does not exist in the item"},
    {"SET n = id + :one", "An operand in the update expression has an incorrect data type"},
    {"SET n = list_append(id, :l)", "An operand in the update expression has an incorrect data type"},
    {"ADD id :one", "An operand in the update expression has an incorrect data type"},
    {"ADD tags :nums", "An operand in the update expression has an incorrect data type"},
    {"SET zz.a1 = :s", "The document path provided in the update expression is invalid for update"},
    {"SET id.a1 = :s", "The document path provided in the update expression is invalid for update"},
    {"REMOVE zz[0]", "The document path provided in the update expression is invalid for update"},
    {"SET n = :big + :big", "Number overflow"},
};

static void refuses_what_is_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct given given;
        bool good;
        const char *shown = apply(refused[i].expression, &given, &good);

        if (good) {
            fail_msg("%s gave %s", refused[i].expression, shown);
        }
        assert_string_equal(given.error.name, "ValidationException");
        if (strstr(given.error.message, refused[i].words) == NULL) {
            fail_msg("%s: %s", refused[i].expression, given.error.message);
        }
        given_free(&given);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_items),
        cmocka_unit_test(refuses_what_is_wrong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
