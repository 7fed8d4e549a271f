#include "table/attribute.h"

#include <string.h>

#include "base/json.h"
#include "base/random.h"
#include "support/unit.h"

static bool read(const char *json, struct arena *arena, struct attribute *attribute, struct error *error)
{
    json_t *tree = json_read(json, strlen(json), "test", error);

    assert_non_null(tree);
    bool good = attribute_from_json(tree, arena, attribute, error);

    json_decref(tree);
    return good;
}

static void json_comes_back_in_its_normal_form(void **state)
{
    (void)state;
    const char *const texts[][2] = {
        {"{\"S\": \"\"}", "{\"S\":\"\"}"},
        {"{\"S\": \"a\\\"b\\u00e9\\n\"}", "{\"S\":\"a\\\"b\xc3\xa9\\n\"}"},
        {"{\"N\": \"1.50e3\"}", "{\"N\":\"1500\"}"},
        {"{\"B\": \"AAEC/w==\"}", "{\"B\":\"AAEC/w==\"}"},
        {"{\"B\": \"\"}", "{\"B\":\"\"}"},
        {"{\"SS\": [\"b\", \"a\"]}", "{\"SS\":[\"a\",\"b\"]}"},
        {"{\"NS\": [\"10\", \"9\", \"-1\"]}", "{\"NS\":[\"-1\",\"9\",\"10\"]}"},
        {"{\"BS\": [\"AQ==\", \"AA==\"]}", "{\"BS\":[\"AA==\",\"AQ==\"]}"},
        {"{\"BOOL\": false}", "{\"BOOL\":false}"},
        {"{\"NULL\": true}", "{\"NULL\":true}"},
        {"{\"L\": []}", "{\"L\":[]}"},
        {"{\"M\": {\"z\": {\"N\": \"0\"}, \"a\": {\"L\": [{\"BOOL\": true}]}}}",
         "{\"M\":{\"a\":{\"L\":[{\"BOOL\":true}]},\"z\":{\"N\":\"0\"}}}"},
    };

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct error error = {0};
        struct arena *arena = arena_new(0, &error);
        struct attribute attribute;
        struct attribute again;
        struct buffer text = {0};
        struct buffer stored = {0};

        if (!read(texts[i][0], arena, &attribute, &error)) {
            fail_msg("%s: %s", texts[i][0], error.message);
        }
        attribute_store(&stored, &attribute);
        assert_true(attribute_load(stored.data, stored.length, arena, &again, &error));
        assert_true(attribute_equal(&attribute, &again));
        attribute_to_json(&text, &again);
        assert_string_equal(buffer_text(&text), texts[i][1]);
        buffer_free(&text);
        buffer_free(&stored);
        arena_free(arena);
    }
}

static void wrong_values_are_refused_in_the_protocols_words(void **state)
{
    (void)state;
    const char *const wrong[][3] = {
        {"{}", "ValidationException", "Supplied AttributeValue is empty"},
        {"{\"S\": \"a\", \"N\": \"1\"}", "ValidationException", "more than one datatypes set"},
        {"{\"S\": 1}", "SerializationException", "NUMBER_VALUE cannot be converted to String"},
        {"{\"S\": {}}", "SerializationException", "Start of structure or map found where not expected"},
        {"{\"N\": 1}", "SerializationException", "NUMBER_VALUE cannot be converted to String"},
        {"{\"N\": \"\"}", "ValidationException", "cannot be converted to a numeric value"},
        {"{\"N\": \"ten\"}", "ValidationException", "cannot be converted to a numeric value: ten"},
        {"{\"B\": \"A\"}", "SerializationException", "Base64"},
        {"{\"SS\": []}", "ValidationException", "An string set  may not be empty"},
        {"{\"SS\": [\"a\", \"a\"]}", "ValidationException", "duplicates"},
        {"{\"NS\": [\"1\", \"1.0\"]}", "ValidationException", "duplicates"},
        {"{\"SS\": \"a\"}", "SerializationException", "Unexpected field type"},
        {"{\"NULL\": false}", "ValidationException", "Null attribute value types must have the value of true"},
        {"{\"BOOL\": \"true\"}", "SerializationException", "Unexpected token"},
        {"{\"L\": {}}", "SerializationException", "Unexpected field type"},
        {"{\"M\": []}", "SerializationException", "Unexpected field type"},
        {"{\"X\": \"a\"}", "ValidationException", "Supplied AttributeValue is empty"},
        {"[]", "SerializationException", "Unexpected field type"},
    };

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct error error = {0};
        struct arena *arena = arena_new(0, &error);
        struct attribute attribute;

        if (read(wrong[i][0], arena, &attribute, &error)) {
            fail_msg("%s was taken", wrong[i][0]);
        }
        assert_string_equal(error.name, wrong[i][1]);
        if (strstr(error.message, wrong[i][2]) == NULL) {
            fail_msg("%s: %s", wrong[i][0], error.message);
        }
        arena_free(arena);
    }
}

static void nesting_is_bounded(void **state)
{
    (void)state;
    for (int levels = 31; levels <= 40; levels++) {
        struct error error = {0};
        struct arena *arena = arena_new(0, &error);
        struct buffer text = {0};
        struct attribute attribute;

        for (int i = 0; i < levels; i++) {
            buffer_append_text(&text, "{\"L\":[");
        }
        buffer_append_text(&text, "{\"S\":\"\"}");
        for (int i = 0; i < levels; i++) {
            buffer_append_text(&text, "]}");
        }
        assert_int_equal(read(buffer_text(&text), arena, &attribute, &error), levels < ATTRIBUTE_MAX_DEPTH);
        buffer_free(&text);
        arena_free(arena);
    }
}

static void counts_bytes_as_the_guide_says(void **state)
{
    (void)state;
    const struct {
        const char *json;
        uint64_t bytes;
    } sizes[] = {
        {"{\"S\": \"h\xc3\xa9\"}", 3},
        {"{\"N\": \"0\"}", 1},
        {"{\"N\": \"12\"}", 2},
        {"{\"N\": \"-123\"}", 4},
        {"{\"B\": \"AAEC\"}", 3},
        {"{\"BOOL\": true}", 1},
        {"{\"L\": []}", 3},
        {"{\"L\": [{\"S\": \"ab\"}]}", 6},
        {"{\"M\": {\"k\": {\"S\": \"ab\"}}}", 7},
        {"{\"SS\": [\"a\", \"bc\"]}", 3},
    };

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct error error = {0};
        struct arena *arena = arena_new(0, &error);
        struct attribute attribute;

        assert_true(read(sizes[i].json, arena, &attribute, &error));
        assert_int_equal(attribute_bytes(&attribute), sizes[i].bytes);
        arena_free(arena);
    }
}

static void maps_change_by_copies(void **state)
{
    (void)state;
    struct error error = {0};
    struct arena *arena = arena_new(0, &error);
    struct attribute map = {.type = ATTRIBUTE_MAP};
    struct attribute one = {.type = ATTRIBUTE_STRING, .as.text = str_of("1")};
    struct attribute two = {.type = ATTRIBUTE_STRING, .as.text = str_of("2")};
    struct attribute more;
    struct attribute less;

    assert_true(attribute_with(&map, str_of("m"), &one, arena, &map, &error));
    assert_true(attribute_with(&map, str_of("a"), &one, arena, &more, &error));
    assert_true(attribute_with(&more, str_of("m"), &two, arena, &more, &error));
    assert_true(attribute_with(&more, str_of("a"), NULL, arena, &less, &error));
    assert_true(attribute_with(&less, str_of("zz"), NULL, arena, &less, &error));
    assert_int_equal(map.as.map.count, 1);
    assert_true(str_is(attribute_find(&map, str_of("m"))->as.text, "1"));
    assert_int_equal(more.as.map.count, 2);
    assert_true(str_is(attribute_find(&more, str_of("m"))->as.text, "2"));
    assert_int_equal(less.as.map.count, 1);
    assert_null(attribute_find(&less, str_of("a")));
    arena_free(arena);
}

static void broken_stored_forms_are_found(void **state)
{
    (void)state;
    const char *json =
        "{\"M\": {\"a\": {\"SS\": [\"x\", \"y\"]}, \"b\": {\"N\": \"-12.5\"}, \"c\": {\"L\": [{\"BOOL\": "
        "true}, {\"NULL\": true}]}, \"d\": {\"B\": \"AAEC\"}}}";
    struct error error = {0};
    struct arena *arena = arena_new(0, &error);
    struct attribute attribute;
    struct attribute again;
    struct buffer stored = {0};
    struct random random;

    random_seed(&random, 3);
    assert_true(read(json, arena, &attribute, &error));
    attribute_store(&stored, &attribute);
    for (size_t length = 0; length < stored.length; length++) {
        assert_false(attribute_load(stored.data, length, arena, &again, &error));
        assert_int_equal(error.code, ERROR_CORRUPT);
    }
    for (int i = 0; i < 20000; i++) {
        size_t at = random_below(&random, stored.length);
        char kept = stored.data[at];

        stored.data[at] = (char)random_next(&random);
        if (attribute_load(stored.data, stored.length, arena, &again, &error)) {
            struct buffer same = {0};

            attribute_store(&same, &again);
            assert_int_equal(same.length, stored.length);
            assert_memory_equal(same.data, stored.data, same.length);
            buffer_free(&same);
        }
        stored.data[at] = kept;
        arena_reset(arena);
    }
    buffer_free(&stored);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_comes_back_in_its_normal_form),
        cmocka_unit_test(wrong_values_are_refused_in_the_protocols_words),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(counts_bytes_as_the_guide_says),
        cmocka_unit_test(maps_change_by_copies),
        cmocka_unit_test(broken_stored_forms_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
