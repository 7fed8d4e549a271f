/* Objects of the local store: what is put comes back, under every kind of version, condition and lock. */
#include <unistd.h>

#include "support/local_store.h"

#define BIG 5000 /* past what stays in the database here */

static const char *big_text(struct local_place *place, char letter)
{
    char *text = arena_take(place->arena, BIG + 1, NULL);

    memset(text, letter, BIG);
    text[BIG] = '\0';
    return text;
}

static void check_error(const char *name, const struct error *error)
{
    assert_non_null(error->name);
    assert_string_equal(error->name, name);
    assert_true(error->message[0] != '\0');
}

static void test_an_object_comes_back_with_all_that_came_with_it(void **state)
{
    struct local_place *place = *state;
    struct error error = {0};
    struct object object;
    struct object_put options = {
        .bucket = "one",
        .key = "a/b.txt",
        .owner = TEST_OWNER,
        .headers = (struct store_field[]){{"Content-Type", "text/plain"}, {"Cache-Control", "no-cache"}},
        .header_count = 2,
        .metadata = (struct store_field[]){{"color", "grün"}, {"empty", ""}},
        .metadata_count = 2,
        .tags = (struct store_field[]){{"kind", "test"}},
        .tag_count = 1,
        .storage_class = "STANDARD_IA",
        .digests = 1U << DIGEST_CRC32,
        .event = "ObjectCreated:Put",
    };
    struct put_expected expected = {.md5_base64 = "CY9rzUYh03PK3k6DJie09g==",
                                    .sha256_hex = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                                    .size_given = true,
                                    .size_bytes = 4,
                                    .checksum_given = true,
                                    .checksum_kind = DIGEST_CRC32,
                                    .checksum_base64 = "2H9+DA=="};

    make_bucket(place, "one");
    must(try_put(place, &options, "test", 4, &expected, &object, &error), &error);
    local_place_close(place);
    local_place_open(place);
    assert_string_equal(get_text(place, &(struct object_place){"one", "a/b.txt", NULL}, NULL, &object, &error), "test");
    assert_string_equal(object.key, "a/b.txt");
    assert_string_equal(object.version_id, "null");
    assert_true(object.latest);
    assert_false(object.delete_marker);
    assert_int_equal(object.size_bytes, 4);
    assert_string_equal(object.etag, "098f6bcd4621d373cade4e832627b4f6");
    assert_string_equal(object.sha256, expected.sha256_hex);
    assert_string_equal(object.owner, TEST_OWNER);
    assert_string_equal(object.storage_class, "STANDARD_IA");
    assert_int_equal(object.header_count, 2);
    assert_string_equal(object.headers[0].name, "Content-Type");
    assert_string_equal(object.headers[1].value, "no-cache");
    assert_int_equal(object.metadata_count, 2);
    assert_string_equal(object.metadata[0].value, "grün");
    assert_string_equal(object.metadata[1].value, "");
    assert_int_equal(object.tag_count, 1);
    assert_true(object.checksum.present && object.checksum.kind == DIGEST_CRC32);
    assert_string_equal(object.checksum.value, "2H9+DA==");
    assert_int_equal(object.encryption, ENCRYPTION_NONE);
    assert_null(object.acl);
}

static void test_bytes_that_are_not_as_announced_are_refused(void **state)
{
    struct local_place *place = *state;
    struct object_put options = {.bucket = "one", .key = "k", .digests = 1U << DIGEST_SHA1};
    struct {
        struct put_expected expected;
        const char *name;
    } cases[] = {
        {{.md5_base64 = "CY9rzUYh03PK3k6DJie09A=="}, "BadDigest"},
        {{.md5_base64 = "nonsense"}, "InvalidDigest"},
        {{.sha256_hex = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a09"},
         "XAmzContentSHA256Mismatch"},
        {{.size_given = true, .size_bytes = 5}, "IncompleteBody"},
        {{.checksum_given = true, .checksum_kind = DIGEST_SHA1, .checksum_base64 = "qUqP5cyxm6YcTAhz05Hph5gvu9N="},
         "BadDigest"},
    };

    make_bucket(place, "one");
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct error error = {0};
        struct object object;

        assert_false(try_put(place, &options, "test", 4, &cases[c].expected, &object, &error));
        check_error(cases[c].name, &error);
        assert_false(
            object_head(place->store, &(struct object_place){"one", "k", NULL}, place->arena, &object, &error));
        check_error("NoSuchKey", &error);
    }
}

static void test_an_overwritten_body_is_gone_and_a_reader_keeps_it(void **state)
{
    struct local_place *place = *state;
    struct error error = {0};
    struct object object;
    char text[BIG + 1];

    make_bucket(place, "one");
    put_text(place, "one", "k", big_text(place, 'a'));
    assert_int_equal(count_blobs(place), 1);
    struct object_reader *reader =
        object_open(place->store, &(struct object_place){"one", "k", NULL}, NULL, place->arena, &object, &error);

    put_text(place, "one", "k", big_text(place, 'b'));
    assert_int_equal(count_blobs(place), 1);
    delete_key(place, "one", "k", NULL);
    assert_int_equal(count_blobs(place), 0);
    assert_int_equal(object_read(reader, text, sizeof text, 0, &error), BIG);
    assert_true(text[0] == 'a' && text[BIG - 1] == 'a');
    assert_int_equal(object_read(reader, text, 10, BIG - 3, &error), 3);
    assert_int_equal(object_read(reader, text, 10, BIG, &error), 0);
    object_close(reader);
    assert_false(object_head(place->store, &(struct object_place){"one", "k", NULL}, place->arena, &object, &error));
    check_error("NoSuchKey", &error);
}

static void test_versions_stand_side_by_side(void **state)
{
    struct local_place *place = *state;
    struct error error = {0};
    struct object object;

    make_bucket(place, "one");
    put_text(place, "one", "k", "before");
    set_versioning(place, "one", true);
    struct object first = put_text(place, "one", "k", "first");
    struct object second = put_text(place, "one", "k", "second");

    assert_int_equal(strlen(first.version_id), 32);
    assert_string_not_equal(first.version_id, second.version_id);
    assert_string_equal(text_of(place, "one", "k", NULL), "second");
    assert_string_equal(text_of(place, "one", "k", first.version_id), "first");
    assert_string_equal(text_of(place, "one", "k", "null"), "before");
    must(object_head(place->store, &(struct object_place){"one", "k", first.version_id}, place->arena, &object, &error),
         &error);
    assert_false(object.latest);
    must(
        object_head(place->store, &(struct object_place){"one", "k", second.version_id}, place->arena, &object, &error),
        &error);
    assert_true(object.latest);

    struct object_deleted marker = delete_key(place, "one", "k", NULL);

    assert_true(marker.marker_made && !marker.marker_deleted);
    assert_false(object_head(place->store, &(struct object_place){"one", "k", NULL}, place->arena, &object, &error));
    check_error("NoSuchKey", &error);
    assert_true(object.delete_marker);
    assert_string_equal(object.version_id, marker.version_id);
    assert_false(object_head(place->store, &(struct object_place){"one", "k", marker.version_id}, place->arena, &object,
                             &error));
    check_error("MethodNotAllowed", &error);
    assert_string_equal(text_of(place, "one", "k", second.version_id), "second");
    assert_true(delete_key(place, "one", "k", marker.version_id).marker_deleted);
    assert_string_equal(text_of(place, "one", "k", NULL), "second");
    delete_key(place, "one", "k", second.version_id);
    assert_string_equal(text_of(place, "one", "k", NULL), "first");
    assert_false(object_head(place->store, &(struct object_place){"one", "k", second.version_id}, place->arena, &object,
                             &error));
    check_error("NoSuchVersion", &error);
    assert_false(
        object_head(place->store, &(struct object_place){"one", "k", "no such"}, place->arena, &object, &error));
    check_error("InvalidArgument", &error);

    set_versioning(place, "one", false);
    put_text(place, "one", "k", "null again");
    assert_string_equal(text_of(place, "one", "k", "null"), "null again");
    marker = delete_key(place, "one", "k", NULL);
    assert_string_equal(marker.version_id, "null");
    assert_true(marker.marker_made);
    assert_string_equal(text_of(place, "one", "k", first.version_id), "first");
    assert_true(delete_key(place, "one", "k", "null").marker_deleted);
    assert_string_equal(text_of(place, "one", "k", NULL), "first");
}

static void test_conditions_are_judged_in_the_transaction(void **state)
{
    struct local_place *place = *state;
    struct error error = {0};
    struct object object;
    struct object_put options = {.bucket = "one", .key = "k", .conditions = {.if_none_match = "*"}};

    make_bucket(place, "one");
    must(try_put(place, &options, "x", 1, NULL, &object, &error), &error);
    assert_false(try_put(place, &options, big_text(place, 'y'), BIG, NULL, &object, &error));
    check_error("PreconditionFailed", &error);
    assert_int_equal(count_blobs(place), 0);
    options.conditions = (struct object_conditions){.if_match = "\"0000\", \"9dd4e461268c8034f5c8564e155c67a6\""};
    must(try_put(place, &options, "y", 1, NULL, &object, &error), &error);
    assert_false(try_put(place, &options, "z", 1, NULL, &object, &error));
    check_error("PreconditionFailed", &error);
    options.key = "other";
    assert_false(try_put(place, &options, "z", 1, NULL, &object, &error));
    check_error("NoSuchKey", &error);

    struct object_delete deletes[3] = {
        {.bucket = "one", .key = "k", .conditions = {.if_match = "\"0000\""}},
        {.bucket = "one", .key = "absent", .conditions = {.if_match = "\"0000\""}},
        {.bucket = "one", .key = "k", .conditions = {.if_size_given = true, .if_size = 1}},
    };
    struct object_deleted deleted[3];

    must(object_delete(place->store, deletes, 3, place->arena, deleted, &error), &error);
    assert_false(deleted[0].ok);
    check_error("PreconditionFailed", &deleted[0].error);
    assert_true(deleted[1].ok && deleted[2].ok);
    assert_false(object_head(place->store, &(struct object_place){"one", "k", NULL}, place->arena, &object, &error));
}

static void test_conditions_of_reading_follow_rfc_9110(void **state)
{
    struct object object = {.key = "k", .etag = "abc", .modified_us = 1000000500000};
    struct {
        struct object_conditions conditions;
        const char *name;
    } cases[] = {
        {{.if_match = "\"abc\""}, NULL},
        {{.if_match = "abc"}, NULL},
        {{.if_match = "*"}, NULL},
        {{.if_match = "W/\"abc\""}, "PreconditionFailed"},
        {{.if_match = "\"x\", \"y\""}, "PreconditionFailed"},
        {{.if_match = "\"abc\"", .if_unmodified_since_us = 1}, NULL},
        {{.if_unmodified_since_us = 1000000000000}, NULL},
        {{.if_unmodified_since_us = 999999000000}, "PreconditionFailed"},
        {{.if_none_match = "\"x\""}, NULL},
        {{.if_none_match = "\"x\",W/\"abc\""}, "NotModified"},
        {{.if_none_match = "\"x\"", .if_modified_since_us = 1000001000000}, NULL},
        {{.if_modified_since_us = 1000000000000}, "NotModified"},
        {{.if_modified_since_us = 999999000000}, NULL},
        {{.if_match = "\"abc\"", .if_none_match = "\"abc\""}, "NotModified"},
    };

    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct error error = {0};
        bool holds = object_conditions_hold(&object, &cases[c].conditions, &error);

        assert_int_equal(holds, cases[c].name == NULL);
        if (!holds) {
            check_error(cases[c].name, &error);
        }
    }
}

static void test_copies_share_bodies_until_the_last_goes(void **state)
{
    struct local_place *place = *state;
    struct error error = {0};
    struct object object;
    struct object_put to = {.bucket = "one", .key = "copy", .owner = TEST_OWNER, .event = "ObjectCreated:Copy"};
    struct object_place from = {"one", "k", NULL};

    make_bucket(place, "one");
    struct object source = put_text(place, "one", "k", big_text(place, 'a'));

    must(object_copy(place->store, &from, NULL, NULL, &to, place->arena, &object, &error), &error);
    assert_string_equal(object.etag, source.etag);
    assert_int_equal(count_blobs(place), 1);
    to.key = "k"; /* onto itself, as S3's clients change metadata */
    to.metadata = (struct store_field[]){{"a", "b"}};
    to.metadata_count = 1;
    must(object_copy(place->store, &from, NULL, NULL, &to, place->arena, &object, &error), &error);
    assert_int_equal(object.metadata_count, 1);
    assert_int_equal(count_blobs(place), 1);
    delete_key(place, "one", "k", NULL);
    assert_int_equal(count_blobs(place), 1);
    assert_string_equal(text_of(place, "one", "copy", NULL), big_text(place, 'a'));
    delete_key(place, "one", "copy", NULL);
    assert_int_equal(count_blobs(place), 0);
    assert_false(object_copy(place->store, &from, NULL, NULL, &to, place->arena, &object, &error));
    check_error("NoSuchKey", &error);
    put_text(place, "one", "k", "x");
    assert_false(object_copy(place->store, &from, NULL, &(struct object_conditions){.if_match = "\"0\""}, &to,
                             place->arena, &object, &error));
    check_error("PreconditionFailed", &error);
}

static void test_encrypted_bodies_are_not_readable_on_disk_or_with_another_key(void **state)
{
    struct local_place *place = *state;
    struct error error = {0};
    struct object object;
    const uint8_t key[32] = "0123456789abcdef0123456789abcde";
    const uint8_t wrong[32] = "0123456789abcdef0123456789abcdX";
    struct object_put options = {
        .bucket = "one", .key = "c", .encryption = ENCRYPTION_CUSTOMER, .customer_key = key, .owner = TEST_OWNER};
    struct object_place where = {"one", "c", NULL};

    make_bucket(place, "one");
    must(bucket_set(place->store, "one", BUCKET_ENCRYPTION,
                    "{\"Rules\": [{\"ApplyServerSideEncryptionByDefault\": {\"SSEAlgorithm\": \"AES256\"}}]}", &error),
         &error);
    for (unsigned turn = 0; turn < 2; turn++) {
        const char *text = turn == 0 ? "small" : big_text(place, 's');

        put_text(place, "one", "k", text);
        must(object_head(place->store, &(struct object_place){"one", "k", NULL}, place->arena, &object, &error),
             &error);
        assert_int_equal(object.encryption, ENCRYPTION_AES256);
        assert_string_equal(text_of(place, "one", "k", NULL), text);

        must(try_put(place, &options, text, strlen(text), NULL, &object, &error), &error);
        assert_int_equal(object.encryption, ENCRYPTION_CUSTOMER);
        assert_string_equal(object.sha256, "");
        assert_non_null(object.customer_key_md5);
        assert_string_equal(get_text(place, &where, key, &object, &error), text);
        assert_null(get_text(place, &where, wrong, &object, &error));
        check_error("AccessDenied", &error);
        assert_null(get_text(place, &where, NULL, &object, &error));
        check_error("InvalidRequest", &error);

        struct object_put to = {.bucket = "one", .key = "plain", .owner = TEST_OWNER};

        must(object_copy(place->store, &where, key, NULL, &to, place->arena, &object, &error), &error);
        assert_int_equal(object.encryption, ENCRYPTION_AES256);
        assert_string_equal(text_of(place, "one", "plain", NULL), text);
    }
    local_place_close(place);
    local_place_open(place);
    assert_string_equal(text_of(place, "one", "k", NULL), big_text(place, 's'));
}

static void test_locks_hold(void **state)
{
    struct local_place *place = *state;
    struct error error = {0};
    struct object object;
    const int64_t until_us = INT64_C(4102444800000000); /* 2100 */
    struct object_put options = {
        .bucket = "locked", .key = "k", .owner = TEST_OWNER, .lock_mode = LOCK_GOVERNANCE, .lock_until_us = until_us};

    must(bucket_create(place->store,
                       &(struct bucket_create){.name = "locked", .owner = TEST_OWNER, .object_lock = true}, &error),
         &error);
    must(try_put(place, &options, "x", 1, NULL, &object, &error), &error);
    assert_int_equal(object.lock_mode, LOCK_GOVERNANCE);
    assert_int_equal(object.lock_until_us, until_us);
    const char *version = object.version_id;
    struct object_place where = {"locked", "k", version};

    assert_false(delete_key(place, "locked", "k", version).ok);
    assert_true(delete_key(place, "locked", "k", NULL).marker_made);
    assert_false(object_set_retention(place->store, &where, LOCK_GOVERNANCE, until_us - 1, false, &error));
    check_error("AccessDenied", &error);
    must(object_set_retention(place->store, &where, LOCK_COMPLIANCE, until_us, false, &error), &error);
    assert_false(object_set_retention(place->store, &where, LOCK_NONE, 0, true, &error));
    check_error("AccessDenied", &error);

    struct object_delete delete = {.bucket = "locked", .key = "k", .version_id = version, .bypass_governance = true};
    struct object_deleted deleted;

    must(object_delete(place->store, &delete, 1, place->arena, &deleted, &error), &error);
    assert_false(deleted.ok);
    check_error("AccessDenied", &deleted.error);

    options.lock_mode = LOCK_NONE;
    options.legal_hold = true;
    must(try_put(place, &options, "y", 1, NULL, &object, &error), &error);
    where.version_id = object.version_id;
    assert_false(delete_key(place, "locked", "k", where.version_id).ok);
    must(object_set_legal_hold(place->store, &where, false, &error), &error);
    assert_true(delete_key(place, "locked", "k", where.version_id).ok);

    must(bucket_set(place->store, "locked", BUCKET_OBJECT_LOCK,
                    "{\"ObjectLockEnabled\": \"Enabled\", \"Rule\": {\"DefaultRetention\": {\"Mode\": \"GOVERNANCE\", "
                    "\"Days\": 1}}}",
                    &error),
         &error);
    options.legal_hold = false;
    must(try_put(place, &options, "z", 1, NULL, &object, &error), &error);
    assert_int_equal(object.lock_mode, LOCK_GOVERNANCE);
    assert_false(bucket_set(place->store, "locked", BUCKET_VERSIONING, "{\"Status\": \"Suspended\"}", &error));
    check_error("InvalidBucketState", &error);

    make_bucket(place, "one");
    options = (struct object_put){.bucket = "one", .key = "k", .legal_hold = true};
    assert_false(try_put(place, &options, "x", 1, NULL, &object, &error));
    check_error("InvalidRequest", &error);
}

static void test_tags_and_acl_change_in_place(void **state)
{
    struct local_place *place = *state;
    struct error error = {0};
    struct object object;
    struct object_place where = {"one", "k", NULL};
    struct store_field tags[] = {{"a", "1"}, {"b", ""}, {"a", "2"}};
    struct store_field *read = NULL;
    size_t count = 0;

    make_bucket(place, "one");
    put_text(place, "one", "k", "x");
    must(object_set_tags(place->store, &where, tags, 2, &error), &error);
    must(object_set_acl(place->store, &where, "{}", &error), &error);
    must(object_tags(place->store, &where, place->arena, &read, &count, &error), &error);
    assert_int_equal(count, 2);
    assert_string_equal(read[0].value, "1");
    assert_false(object_set_tags(place->store, &where, tags, 3, &error));
    check_error("InvalidTag", &error);
    must(object_set_tags(place->store, &where, NULL, 0, &error), &error);
    must(object_head(place->store, &where, place->arena, &object, &error), &error);
    assert_int_equal(object.tag_count, 0);
    assert_string_equal(object.acl, "{}");
    where.key = "absent";
    assert_false(object_set_tags(place->store, &where, tags, 1, &error));
    check_error("NoSuchKey", &error);
}

static void test_every_change_is_an_event_in_order(void **state)
{
    struct local_place *place = *state;
    struct error error = {0};
    struct object_event *events = NULL;
    size_t count = 0;

    make_bucket(place, "one");
    put_text(place, "one", "a", "x");
    set_versioning(place, "one", true);
    struct object second = put_text(place, "one", "a", "yy");
    struct object_deleted marker = delete_key(place, "one", "a", NULL);

    delete_key(place, "one", "a", second.version_id);
    local_place_close(place);
    local_place_open(place);
    must(object_events(place->store, 0, 100, place->arena, &events, &count, &error), &error);
    assert_int_equal(count, 4);
    assert_string_equal(events[0].name, "ObjectCreated:Put");
    assert_string_equal(events[0].etag, "9dd4e461268c8034f5c8564e155c67a6");
    assert_string_equal(events[1].version_id, second.version_id);
    assert_int_equal(events[1].size_bytes, 2);
    assert_string_equal(events[2].name, "ObjectRemoved:DeleteMarkerCreated");
    assert_string_equal(events[2].version_id, marker.version_id);
    assert_string_equal(events[3].name, "ObjectRemoved:Delete");
    assert_string_equal(events[3].version_id, second.version_id);
    assert_string_equal(events[3].bucket, "one");
    assert_string_equal(events[3].owner, TEST_OWNER);
    for (size_t e = 1; e < count; e++) {
        assert_true(events[e].sequence > events[e - 1].sequence);
        assert_string_not_equal(events[e].id, events[e - 1].id);
    }
    must(object_events(place->store, events[1].sequence, 1, place->arena, &events, &count, &error), &error);
    assert_int_equal(count, 1);
    assert_string_equal(events[0].name, "ObjectRemoved:DeleteMarkerCreated");
}

static void test_what_an_unclean_end_left_behind_goes_with_the_next_opening(void **state)
{
    struct local_place *place = *state;
    char path[200];

    make_bucket(place, "one");
    put_text(place, "one", "k", big_text(place, 'a'));
    local_place_close(place);
    snprintf(path, sizeof path, "%s/blobs/zz", place->path);
    must(file_make_folders(path, NULL), NULL);
    snprintf(path, sizeof path, "%s/blobs/zz/0123456789ABCDEFGHJKMNPQRS", place->path);
    must(file_store(path, "orphan", 6, NULL), NULL);
    local_place_open(place);
    assert_int_equal(count_blobs(place), 2); /* an orderly end is not looked behind */
    local_place_close(place);
    snprintf(path, sizeof path, "%s/lock", place->path);
    must(file_store(path, "1\n", 2, NULL), NULL);
    local_place_open(place);
    assert_int_equal(count_blobs(place), 1);
    assert_string_equal(text_of(place, "one", "k", NULL), big_text(place, 'a'));
}

#define LOCAL_TEST(test) cmocka_unit_test_setup_teardown(test, local_place_setup, local_place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOCAL_TEST(test_an_object_comes_back_with_all_that_came_with_it),
        LOCAL_TEST(test_bytes_that_are_not_as_announced_are_refused),
        LOCAL_TEST(test_an_overwritten_body_is_gone_and_a_reader_keeps_it),
        LOCAL_TEST(test_versions_stand_side_by_side),
        LOCAL_TEST(test_conditions_are_judged_in_the_transaction),
        cmocka_unit_test(test_conditions_of_reading_follow_rfc_9110),
        LOCAL_TEST(test_copies_share_bodies_until_the_last_goes),
        LOCAL_TEST(test_encrypted_bodies_are_not_readable_on_disk_or_with_another_key),
        LOCAL_TEST(test_locks_hold),
        LOCAL_TEST(test_tags_and_acl_change_in_place),
        LOCAL_TEST(test_every_change_is_an_event_in_order),
        LOCAL_TEST(test_what_an_unclean_end_left_behind_goes_with_the_next_opening),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
