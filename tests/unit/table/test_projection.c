#include "table/expression.h"

#include <string.h>

#include "support/expression.h"

#define ITEM                                                                                                           \
    "{\"id\": {\"S\": \"o1\"}, \"parts\": {\"L\": [{\"S\": \"p0\"}, {\"S\": \"p1\"}, {\"M\": {\"a\": {\"N\": \"1\"},"  \
    " \"b\": {\"N\": \"2\"}}}]}, \"home\": {\"M\": {\"city\": {\"S\": \"Oslo\"}, \"street\": {\"S\": \"s\"}}}}"

static const struct {
    const char *expression, *expected;
} taken[] = {
    {"id", "{\"id\":{\"S\":\"o1\"}}"},
    {"zz", "{}"},
    {"home.city, id", "{\"home\":{\"M\":{\"city\":{\"S\":\"Oslo\"}}},\"id\":{\"S\":\"o1\"}}"},
    {"home.zz", "{}"},
    {"home.city, home.street", "{\"home\":{\"M\":{\"city\":{\"S\":\"Oslo\"},\"street\":{\"S\":\"s\"}}}}"},
    {"parts[2].b, parts[0]", "{\"parts\":{\"L\":[{\"S\":\"p0\"},{\"M\":{\"b\":{\"N\":\"2\"}}}]}}"},
    {"parts[7]", "{}"},
    {"id.zz", "{}"},
    {"#h", "{\"home\":{\"M\":{\"city\":{\"S\":\"Oslo\"},\"street\":{\"S\":\"s\"}}}}"},
};

static void takes_parts_in_their_shape(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        struct given given;
        struct projection projection;
        struct attribute part;
        struct buffer text = {0};

        given_begin(&given, ITEM, "{\"#h\": \"home\"}", NULL);
        assert_true(
            projection_parse(&given.scope, str_of(taken[i].expression), given.arena, &projection, &given.error));
        assert_true(projection_take(&projection, &given.item, given.arena, &part, &given.error));
        attribute_map_to_json(&text, &part);
        assert_string_equal(buffer_text(&text), taken[i].expected);
        buffer_free(&text);
        given_free(&given);
    }
}

static void refuses_what_is_wrong(void **state)
{
    (void)state;
    const char *const wrong[][2] = {
        {"", "Invalid ProjectionExpression: The expression can not be empty;"},
        {"id,", "Syntax error; token: \"<EOF>\", near: \",\""},
        {"id id", "Syntax error; token: \"id\", near: \"id id\""},
        {":v", "Syntax error; token: \":v\""},
        {"id, id", "Two document paths overlap with each other"},
        {"home, home.city", "Two document paths overlap with each other"},
        {"size", "reserved keyword: size"},
    };

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct given given;
        struct projection projection;

        given_begin(&given, ITEM, NULL, NULL);
        assert_false(projection_parse(&given.scope, str_of(wrong[i][0]), given.arena, &projection, &given.error));
        if (strstr(given.error.message, wrong[i][1]) == NULL) {
            fail_msg("%s: %s", wrong[i][0], given.error.message);
        }
        given_free(&given);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_parts_in_their_shape),
        cmocka_unit_test(refuses_what_is_wrong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
