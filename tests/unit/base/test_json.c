#include "base/json.h"

#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "support/torture.h"
#include "support/unit.h"

static json_t *read_text(const char *text, struct error *error)
{
    return json_read(text, strlen(text), "settings.json", error);
}

static void wrong_json_is_refused_with_its_place(void **state)
{
    static const char *const wrong[] = {
        "",        "{",          "{\"a\":1,}",    "{\"a\":1 \"b\":2}",    "[1,2", "nul",
        "'a'",     "{\"a\":1}x", "\"\xFF\"",      "{\"a\":1,\"a\":2}",    "[01]", "\"\\ud800\"",
        "[1e999]", "{a:1}",      "// comment\n1", "99999999999999999999",
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct error error = {0};

        assert_null(read_text(wrong[i], &error));
        assert_int_equal(error.code, ERROR_INVALID);
        assert_true(str_starts_with(str_of(error.message), "settings.json, line "));
    }
    struct error error = {0};

    assert_null(read_text("{\n  \"a\": x\n}", &error));
    assert_non_null(strstr(error.message, "line 2"));
}

static void a_missing_file_is_not_found(void **state)
{
    struct error error = {0};

    (void)state;
    assert_null(json_read_file("/nonexistent/settings.json", &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    assert_non_null(strstr(error.message, "/nonexistent/settings.json"));
}

static void members_have_their_types(void **state)
{
    struct error error = {0};
    json_t *object = read_text("{\"text\":\"t\",\"whole\":3,\"real\":1.5,\"no\":false,\"list\":[]}", &error);

    (void)state;
    assert_non_null(object);
    assert_non_null(json_need(object, "text", JSON_STRING, "spec", &error));
    assert_non_null(json_need(object, "whole", JSON_INTEGER, "spec", &error));
    assert_non_null(json_need(object, "whole", JSON_REAL, "spec", &error));
    assert_non_null(json_need(object, "real", JSON_REAL, "spec", &error));
    assert_non_null(json_need(object, "no", JSON_TRUE, "spec", &error));
    assert_null(json_need(object, "real", JSON_INTEGER, "spec", &error));
    assert_string_equal(error.message, "spec: \"real\" must be a whole number");
    assert_null(json_need(object, "gone", JSON_ARRAY, "spec", &error));
    assert_string_equal(error.message, "spec: \"gone\" is missing; it must be an array");
    assert_null(json_need(json_object_get(object, "list"), "a", JSON_STRING, "spec.list", &error));
    assert_string_equal(error.message, "spec.list must be an object");
    assert_string_equal(json_text_or(object, "text", "other", "spec", &error), "t");
    assert_string_equal(json_text_or(object, "gone", "other", "spec", &error), "other");
    assert_null(json_text_or(object, "whole", "other", "spec", &error));
    assert_string_equal(error.message, "spec: \"whole\" must be a string");
    json_decref(object);
}

static void an_unknown_member_is_named_with_the_nearest(void **state)
{
    static const char *const known[] = {"delimiter", "fields", "name", NULL};
    struct error error = {0};
    json_t *object = read_text("{\"name\":1,\"delimeter\":2}", &error);

    (void)state;
    assert_non_null(object);
    assert_false(json_only(object, known, "schema", &error));
    assert_int_equal(error.code, ERROR_INVALID);
    assert_string_equal(error.message, "schema: \"delimeter\" is not known here; did you mean \"delimiter\"?");
    json_decref(object);
    object = read_text("{\"zzzzz\":1}", &error);
    assert_false(json_only(object, known, "schema", &error));
    assert_string_equal(error.message, "schema: \"zzzzz\" is not known here");
    json_decref(object);
    object = read_text("{\"fields\":1,\"name\":2}", &error);
    assert_true(json_only(object, known, "schema", &error));
    json_decref(object);
}

static void a_written_string_reads_the_same(void **state)
{
    struct random random;

    (void)state;
    random_seed(&random, 3);
    for (int round = 0; round < 20000; round++) {
        static const char *const parts[] = {
            "a", "\"", "\\", "\n", "\x01", "\x1F", "\x7F", "\xC3\xA9", "\xF0\x9F\x98\x80"};
        struct buffer plain;
        struct buffer written;
        struct error error;

        buffer_init(&plain, 0);
        buffer_init(&written, 0);
        for (uint64_t i = random_below(&random, 20); i > 0; i--) {
            buffer_append_text(&plain, parts[random_below(&random, sizeof parts / sizeof parts[0])]);
        }
        json_append_string(&written, str_slice(buffer_text(&plain), plain.length));
        json_t *value = json_read(written.data, written.length, "written", &error);

        assert_non_null(value);
        assert_string_equal(json_string_value(value), plain.data);
        json_decref(value);
        buffer_free(&plain);
        buffer_free(&written);
    }
}

static void bytes_that_are_not_utf8_are_replaced(void **state)
{
    struct buffer written;

    (void)state;
    buffer_init(&written, 0);
    json_append_string(&written, str_of("a\xFF\xC3(\xE2\x82"));
    assert_string_equal(buffer_text(&written), "\"a\xEF\xBF\xBD\xEF\xBF\xBD(\xEF\xBF\xBD\xEF\xBF\xBD\"");
    buffer_free(&written);
}

static bool read_and_write(void *context, struct error *error)
{
    struct buffer written __attribute__((cleanup(buffer_free))) = {0};
    json_t *value = read_text("{\"a\": [1, 2.5, \"x\\n\"], \"b\": {\"c\": null}}", error);
    bool good = value != NULL;

    (void)context;
    if (good) {
        json_append(&written, value, JSON_COMPACT);
        good = buffer_check(&written, error);
    }
    if (good) {
        assert_string_equal(buffer_text(&written), "{\"a\":[1,2.5,\"x\\n\"],\"b\":{\"c\":null}}");
    }
    json_decref(value);
    return good;
}

static void want_of_memory_is_reported(void **state)
{
    (void)state;
    torture_walk(read_and_write, NULL);
}

static bool build(void *context, struct error *error)
{
    uint64_t before = json_failures();
    json_t *root = json_object();

    (void)context;
    for (int i = 0; i < 40; i++) {
        char key[16];

        snprintf(key, sizeof key, "key%d", i);
        json_object_set_new(root, key, json_pack("[i,s]", i, "text"));
    }
    bool good = json_built(before, error);

    assert_true(!good || json_object_size(root) == 40);
    json_decref(root);
    return good;
}

static void building_is_checked_at_its_end(void **state)
{
    (void)state;
    torture_walk(build, NULL);
}

static void a_value_over_the_ceiling_is_a_failure(void **state)
{
    struct error error;
    struct buffer written = {.ceiling = 8};
    json_t *value = read_text("[\"0123456789\"]", &error);

    (void)state;
    json_append(&written, value, JSON_COMPACT);
    assert_false(buffer_check(&written, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    json_decref(value);
    buffer_free(&written);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_json_is_refused_with_its_place),
        cmocka_unit_test(a_missing_file_is_not_found),
        cmocka_unit_test(members_have_their_types),
        cmocka_unit_test(an_unknown_member_is_named_with_the_nearest),
        cmocka_unit_test(a_written_string_reads_the_same),
        cmocka_unit_test(bytes_that_are_not_utf8_are_replaced),
        cmocka_unit_test(building_is_checked_at_its_end),
        cmocka_unit_test(a_value_over_the_ceiling_is_a_failure),
        cmocka_unit_test(want_of_memory_is_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
