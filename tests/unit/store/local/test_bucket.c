/* Buckets: their names, their settings, and that they go only when empty. */
#include "support/local_store.h"

static void check_error(const char *name, const struct error *error)
{
    assert_non_null(error->name);
    assert_string_equal(error->name, name);
}

static void test_names_follow_the_rules(void **state)
{
    struct local_place *place = *state;
    static const char *const bad[] = {
        "ab",      "",           "Abc",         "a_b",
        "-abc",    "abc-",       "a..b",        "1.2.3.4",
        "xn--abc", "sthree-abc", "abc-s3alias", "abc--ol-s3",
        "a b c",   "abc.",       "käse",        "a123456789012345678901234567890123456789012345678901234567890123"};
    static const char *const good[] = {"abc", "a.b-c", "123", "1.2.3.4.5",
                                       "a12345678901234567890123456789012345678901234567890123456789012"};

    for (size_t b = 0; b < sizeof bad / sizeof bad[0]; b++) {
        struct error error = {0};

        assert_false(bucket_create(place->store, &(struct bucket_create){.name = bad[b], .owner = TEST_OWNER}, &error));
        check_error("InvalidBucketName", &error);
    }
    for (size_t g = 0; g < sizeof good / sizeof good[0]; g++) {
        make_bucket(place, good[g]);
    }
}

static void test_a_name_is_taken_once(void **state)
{
    struct local_place *place = *state;
    struct error error = {0};

    make_bucket(place, "one");
    assert_false(bucket_create(place->store, &(struct bucket_create){.name = "one", .owner = TEST_OWNER}, &error));
    check_error("BucketAlreadyOwnedByYou", &error);
    assert_false(bucket_create(place->store, &(struct bucket_create){.name = "one", .owner = "111111111111"}, &error));
    check_error("BucketAlreadyExists", &error);
}

static void test_only_an_empty_bucket_goes(void **state)
{
    struct local_place *place = *state;
    struct error error = {0};

    make_bucket(place, "one");
    set_versioning(place, "one", true);
    struct object object = put_text(place, "one", "k", "x");
    struct object_deleted marker = delete_key(place, "one", "k", NULL);

    assert_false(bucket_remove(place->store, "one", &error));
    check_error("BucketNotEmpty", &error);
    delete_key(place, "one", "k", object.version_id);
    assert_false(bucket_remove(place->store, "one", &error));
    delete_key(place, "one", "k", marker.version_id);
    must(bucket_remove(place->store, "one", &error), &error);
    assert_null(bucket_find(place->store, "one", &error));
    check_error("NoSuchBucket", &error);
    assert_false(bucket_remove(place->store, "one", &error));
    check_error("NoSuchBucket", &error);
    make_bucket(place, "one");
    const struct bucket *again = bucket_find(place->store, "one", &error);

    assert_non_null(again);
    assert_int_equal(again->versioning, VERSIONING_NEVER);
    bucket_release(place->store, again);
}

static void test_settings_are_seen_at_once_and_kept(void **state)
{
    struct local_place *place = *state;
    struct error error = {0};

    make_bucket(place, "one");
    const struct bucket *before = bucket_find(place->store, "one", &error);

    must(bucket_set(place->store, "one", BUCKET_CORS, "{\"CORSRules\": []}", &error), &error);
    const struct bucket *after = bucket_find(place->store, "one", &error);

    assert_null(before->settings[BUCKET_CORS]);
    assert_string_equal(after->settings[BUCKET_CORS], "{\"CORSRules\": []}");
    bucket_release(place->store, before);
    bucket_release(place->store, after);
    local_place_close(place);
    local_place_open(place);
    after = bucket_find(place->store, "one", &error);
    assert_string_equal(after->settings[BUCKET_CORS], "{\"CORSRules\": []}");
    assert_string_equal(after->owner, TEST_OWNER);
    bucket_release(place->store, after);
    must(bucket_set(place->store, "one", BUCKET_CORS, NULL, &error), &error);
    after = bucket_find(place->store, "one", &error);
    assert_null(after->settings[BUCKET_CORS]);
    bucket_release(place->store, after);
    assert_false(bucket_set(place->store, "two", BUCKET_CORS, NULL, &error));
    check_error("NoSuchBucket", &error);
    assert_false(bucket_set(place->store, "one", BUCKET_VERSIONING, "{\"Status\": \"On\"}", &error));
    check_error("IllegalVersioningConfigurationException", &error);
    assert_false(bucket_set(place->store, "one", BUCKET_OBJECT_LOCK, "{}", &error));
    check_error("InvalidBucketState", &error);
}

static void *derive(const struct bucket *bucket, struct error *error)
{
    return memory_copy_text(bucket->name, strlen(bucket->name), error);
}

static void test_what_is_derived_lives_with_the_bucket(void **state)
{
    struct local_place *place = *state;
    struct error error = {0};

    bucket_set_deriver(place->store, &(struct bucket_deriver){derive, memory_free});
    make_bucket(place, "one");
    const struct bucket *bucket = bucket_find(place->store, "one", &error);

    must(bucket_set(place->store, "one", BUCKET_TAGS, "{}", &error), &error);
    assert_string_equal(bucket->derived, "one");
    bucket_release(place->store, bucket);
}

static void test_buckets_are_listed_by_owner(void **state)
{
    struct local_place *place = *state;
    struct error error = {0};
    struct bucket *buckets = NULL;
    size_t count = 0;

    for (int b = 39; b >= 0; b--) {
        char name[16];

        snprintf(name, sizeof name, "bucket-%02d", b);
        must(bucket_create(place->store,
                           &(struct bucket_create){.name = name, .owner = b % 2 == 0 ? TEST_OWNER : "111111111111"},
                           &error),
             &error);
    }
    must(bucket_list(place->store, place->arena, "111111111111", &buckets, &count, &error), &error);
    assert_int_equal(count, 20);
    assert_string_equal(buckets[0].name, "bucket-01");
    must(bucket_list(place->store, place->arena, NULL, &buckets, &count, &error), &error);
    assert_int_equal(count, 40);
    assert_string_equal(buckets[39].name, "bucket-39");
}

#define LOCAL_TEST(test) cmocka_unit_test_setup_teardown(test, local_place_setup, local_place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOCAL_TEST(test_names_follow_the_rules),
        LOCAL_TEST(test_a_name_is_taken_once),
        LOCAL_TEST(test_only_an_empty_bucket_goes),
        LOCAL_TEST(test_settings_are_seen_at_once_and_kept),
        LOCAL_TEST(test_what_is_derived_lives_with_the_bucket),
        LOCAL_TEST(test_buckets_are_listed_by_owner),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
