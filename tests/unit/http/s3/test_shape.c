/* Settings: documents as XML and JSON are the same thing, for random documents of every shape. */
#include <string.h>

#include "base/json.h"
#include "base/random.h"
#include "http/s3/shapes.h"
#include "support/unit.h"

static json_t *make_members(const struct shape_member *members, struct random *random);

static json_t *make_value(const struct shape_member *member, struct random *random)
{
    static const char *const texts[] = {"", "a", "a<b>&\"'", " spaced ", "\xC3\xA4", "arn:aws:s3:::x"};
    size_t count = 0;

    switch (member->kind) {
    case SHAPE_TEXT:
    case SHAPE_TYPE:
        while (member->values != NULL && member->values[count] != NULL) {
            count++;
        }
        return json_string(count > 0 ? member->values[random_below(random, count)]
                                     : texts[random_below(random, sizeof texts / sizeof texts[0])]);
    case SHAPE_NUMBER:
        return json_integer((json_int_t)random_below(random, INT64_MAX));
    case SHAPE_BOOL:
        return json_boolean(random_below(random, 2));
    case SHAPE_TIME:
        return json_string("2025-07-01T12:34:56.000Z");
    case SHAPE_STRUCT:
        return make_members(member->members, random);
    }
    return NULL;
}

static json_t *make_members(const struct shape_member *members, struct random *random)
{
    json_t *object = json_object();

    for (; members->element != NULL; members++) {
        if (!members->needed && members->kind != SHAPE_TYPE && random_below(random, 2) == 0) {
            continue;
        }
        if (!members->list) {
            json_object_set_new(object, members->member, make_value(members, random));
            continue;
        }
        json_t *list = json_array();

        for (uint64_t left = random_below(random, 3) + (members->item == NULL); left > 0; left--) {
            json_array_append_new(list, make_value(members, random));
        }
        json_object_set_new(object, members->member, list);
    }
    return object;
}

static void test_there_and_back(void **state)
{
    struct random random;
    struct error error = {0};
    struct arena *arena = arena_new(0, &error);

    (void)state;
    random_seed(&random, 11);
    for (size_t i = 0; shape_all[i] != NULL; i++) {
        for (int round = 0; round < 300; round++) {
            struct buffer xml = {0};
            json_t *made = make_members(shape_all[i]->members, &random);

            shape_to_xml(shape_all[i], made, &xml);
            json_t *back = shape_from_xml(shape_all[i], xml.data, xml.length, arena, &error);

            assert_non_null(back);
            assert_true(json_equal(made, back));
            json_decref(made);
            json_decref(back);
            buffer_free(&xml);
            arena_reset(arena);
        }
    }
    arena_free(arena);
}

static void test_malformed(void **state)
{
    static const char *const documents[] = {
        "<Tagging/>",
        "<Tagging><TagSet><Tag><Key>a</Key></Tag></TagSet></Tagging>",
        "<Tagging><TagSet><Other/></TagSet></Tagging>",
        "<Tagging><TagSet/><TagSet/></Tagging>",
        "<Tagging><TagSet><Tag><Key>a</Key><Key>b</Key><Value>c</Value></Tag></TagSet></Tagging>",
        "<TagSet/>",
        "<Tagging><TagSet/><More/></Tagging>",
    };
    struct error error = {0};
    struct arena *arena = arena_new(0, &error);

    (void)state;
    for (size_t i = 0; i < sizeof documents / sizeof documents[0]; i++) {
        assert_null(shape_from_xml(&shape_tagging, documents[i], strlen(documents[i]), arena, &error));
        assert_string_equal(error.name, "MalformedXML");
    }
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_malformed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
