/* Lifecycle: which versions rules are about and when, and that exactly those go or move. */
#include <sys/stat.h>

#include "base/clock.h"
#include "base/random.h"
#include "store/local/lifecycle.h"
#include "store/local/lifecycle_rules.h"
#include "store/local/upload.h"
#include "support/local_store.h"

#define DAY_US INT64_C(86400000000)

static void set_rules(struct local_place *place, const char *json)
{
    struct error error = {0};

    must(bucket_set(place->store, "one", BUCKET_LIFECYCLE, json, &error), &error);
}

/* As of so many days from now. */
static struct lifecycle_counts run_in(struct local_place *place, int64_t days)
{
    struct lifecycle_counts counts = {0};
    struct error error = {0};

    must(lifecycle_run(place->store, clock_now_us() + days * DAY_US, &counts, &error), &error);
    return counts;
}

static bool there(struct local_place *place, const char *key, const char *version)
{
    struct object object;

    return object_head(place->store, &(struct object_place){"one", key, version}, place->arena, &object, NULL);
}

static size_t count_events(struct local_place *place, const char *name)
{
    struct object_event *events = NULL;
    struct error error = {0};
    size_t count = 0;
    size_t found = 0;

    must(object_events(place->store, 0, 100000, place->arena, &events, &count, &error), &error);
    for (size_t e = 0; e < count; e++) {
        found += strcmp(events[e].name, name) == 0;
    }
    return found;
}

static void test_objects_expire_at_the_midnight_after_their_days(void **state)
{
    struct lifecycle_when three = {.given = true, .days = 3};
    struct lifecycle_when date = {.given = true, .date_us = 10 * DAY_US};

    (void)state;
    assert_false(lifecycle_due(&three, 5 * DAY_US + 1, 8 * DAY_US + 2));
    assert_false(lifecycle_due(&three, 5 * DAY_US + 1, 9 * DAY_US - 1));
    assert_true(lifecycle_due(&three, 5 * DAY_US + 1, 9 * DAY_US));
    assert_true(lifecycle_due(&three, 5 * DAY_US, 8 * DAY_US));
    assert_false(lifecycle_due(&date, 0, 10 * DAY_US - 1));
    assert_true(lifecycle_due(&date, 20 * DAY_US, 10 * DAY_US));
    assert_false(lifecycle_due(&(struct lifecycle_when){0}, 0, 10 * DAY_US));
}

static void test_rules_look_only_at_what_their_filter_names(void **state)
{
    struct local_place *place = *state;
    struct error error = {0};
    struct store_field tags[] = {{"kind", "old"}, {"b", "c"}};
    static const char *const keys[] = {"logs/a", "logs/b", "tagged", "both", "small", "large", "other"};

    make_bucket(place, "one");
    for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
        put_text(place, "one", keys[k], strcmp(keys[k], "large") == 0 ? "a long text, longer than ten" : "123456");
    }
    put_text(place, "one", "small", "1");
    must(object_set_tags(place->store, &(struct object_place){"one", "tagged", NULL}, tags, 1, &error), &error);
    must(object_set_tags(place->store, &(struct object_place){"one", "both", NULL}, tags, 2, &error), &error);
    set_rules(place, "{\"Rules\": ["
                     "{\"Status\": \"Enabled\", \"Filter\": {\"Prefix\": \"logs/a\"}, \"Expiration\": {\"Days\": 1}},"
                     "{\"Status\": \"Disabled\", \"Filter\": {}, \"Expiration\": {\"Days\": 1}},"
                     "{\"Status\": \"Enabled\", \"Filter\": {\"And\": {\"Tags\": [{\"Key\": \"kind\", \"Value\": "
                     "\"old\"}, {\"Key\": \"b\", \"Value\": \"c\"}]}}, \"Expiration\": {\"Days\": 1}},"
                     "{\"Status\": \"Enabled\", \"Filter\": {\"ObjectSizeGreaterThan\": 10}, \"Expiration\": "
                     "{\"Days\": 1}},"
                     "{\"Status\": \"Enabled\", \"Filter\": {\"ObjectSizeLessThan\": 2}, \"Expiration\": {\"Days\": 1}}"
                     "]}");
    assert_int_equal(run_in(place, 0).expired, 0);
    assert_int_equal(run_in(place, 2).expired, 4);
    assert_false(there(place, "logs/a", NULL) || there(place, "both", NULL) || there(place, "small", NULL) ||
                 there(place, "large", NULL));
    assert_true(there(place, "logs/b", NULL) && there(place, "tagged", NULL) && there(place, "other", NULL));
    assert_int_equal(count_events(place, "LifecycleExpiration:Delete"), 4);
    assert_int_equal(run_in(place, 2).expired, 0);
}

static void test_versions_age_from_when_they_were_followed(void **state)
{
    struct local_place *place = *state;
    const char *versions[5];

    make_bucket(place, "one");
    set_versioning(place, "one", true);
    for (size_t v = 0; v < 5; v++) {
        versions[v] = put_text(place, "one", "k", "x").version_id;
    }
    set_rules(place, "{\"Rules\": [{\"Status\": \"Enabled\", \"Filter\": {}, \"NoncurrentVersionExpiration\": "
                     "{\"NoncurrentDays\": 5, \"NewerNoncurrentVersions\": 2}}]}");
    assert_int_equal(run_in(place, 3).removed, 0);
    assert_int_equal(run_in(place, 7).removed, 2);
    assert_false(there(place, "k", versions[0]) || there(place, "k", versions[1]));
    assert_true(there(place, "k", versions[2]) && there(place, "k", versions[3]) && there(place, "k", NULL));
    assert_int_equal(count_events(place, "LifecycleExpiration:Delete"), 2);
}

static void test_an_expired_version_hides_behind_a_marker_which_goes_when_alone(void **state)
{
    struct local_place *place = *state;

    make_bucket(place, "one");
    set_versioning(place, "one", true);
    const char *version = put_text(place, "one", "k", "x").version_id;

    set_rules(place, "{\"Rules\": [{\"Status\": \"Enabled\", \"Prefix\": \"\", \"Expiration\": {\"Days\": 1}}]}");
    assert_int_equal(run_in(place, 2).expired, 1);
    assert_int_equal(count_events(place, "LifecycleExpiration:DeleteMarkerCreated"), 1);
    assert_true(there(place, "k", version) && !there(place, "k", NULL));
    set_rules(place, "{\"Rules\": [{\"Status\": \"Enabled\", \"Filter\": {}, \"Expiration\": "
                     "{\"ExpiredObjectDeleteMarker\": true}}]}");
    assert_int_equal(run_in(place, 2).removed, 0);
    delete_key(place, "one", "k", version);
    assert_int_equal(run_in(place, 2).removed, 1);
    struct error error = {0};

    must(bucket_remove(place->store, "one", &error), &error);
}

static void test_locked_versions_stay(void **state)
{
    struct local_place *place = *state;
    struct error error = {0};
    struct object object;
    struct object_put options = {.bucket = "one", .key = "k", .owner = TEST_OWNER, .legal_hold = true};

    must(bucket_create(place->store, &(struct bucket_create){.name = "one", .owner = TEST_OWNER, .object_lock = true},
                       &error),
         &error);
    must(try_put(place, &options, "x", 1, NULL, &object, &error), &error);
    put_text(place, "one", "k", "y");
    set_rules(place, "{\"Rules\": [{\"Status\": \"Enabled\", \"Filter\": {}, \"NoncurrentVersionExpiration\": "
                     "{\"NoncurrentDays\": 1}}]}");
    assert_int_equal(run_in(place, 5).removed, 0);
    assert_true(there(place, "k", object.version_id));
}

#define LARGE 200000

static const char *large_text(struct local_place *place)
{
    char *text = arena_take(place->arena, LARGE + 1, NULL);
    struct random random;

    random_seed(&random, 1);
    for (size_t i = 0; i < LARGE; i++) {
        text[i] = (char)('a' + random_below(&random, 16));
    }
    text[LARGE] = '\0';
    return text;
}

/* Of all files, and how many they are. */
static uint64_t folder_bytes(const char *folder)
{
    DIR *entries = opendir(folder);
    uint64_t bytes = 0;

    for (struct dirent *entry = NULL; entries != NULL && (entry = readdir(entries)) != NULL;) {
        char path[600];
        struct stat status;

        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] != '.' && stat(path, &status) == 0) {
            bytes += S_ISDIR(status.st_mode) ? folder_bytes(path) : (uint64_t)status.st_size;
        }
    }
    if (entries != NULL) {
        closedir(entries);
    }
    return bytes;
}

static uint64_t blob_bytes(const struct local_place *place)
{
    char path[100];

    snprintf(path, sizeof path, "%s/blobs", place->path);
    return folder_bytes(path);
}

static void test_versions_move_to_colder_classes_and_stay_what_they_are(void **state)
{
    struct local_place *place = *state;
    struct error error = {0};
    struct object before;
    struct object after;
    struct object_put encrypted = {
        .bucket = "one", .key = "secret", .owner = TEST_OWNER, .encryption = ENCRYPTION_AES256};

    make_bucket(place, "one");
    put_text(place, "one", "small", "text");
    put_text(place, "one", "k", large_text(place));
    must(try_put(place, &encrypted, large_text(place), LARGE, NULL, &after, &error), &error);
    must(object_head(place->store, &(struct object_place){"one", "k", NULL}, place->arena, &before, &error), &error);
    set_rules(place, "{\"Rules\": [{\"Status\": \"Enabled\", \"Filter\": {}, \"Transitions\": ["
                     "{\"Days\": 10, \"StorageClass\": \"STANDARD_IA\"}, {\"Days\": 30, \"StorageClass\": "
                     "\"GLACIER_IR\"}]}]}");
    assert_int_equal(run_in(place, 5).moved, 0);
    assert_true(blob_bytes(place) >= 2 * LARGE);
    assert_int_equal(run_in(place, 12).moved, 3);
    assert_true(blob_bytes(place) < 2 * LARGE * 2 / 3);
    assert_int_equal(count_blobs(place), 2);
    assert_int_equal(run_in(place, 12).moved, 0);
    assert_string_equal(text_of(place, "one", "k", NULL), large_text(place));
    assert_string_equal(text_of(place, "one", "secret", NULL), large_text(place));
    assert_string_equal(text_of(place, "one", "small", NULL), "text");
    must(object_head(place->store, &(struct object_place){"one", "k", NULL}, place->arena, &after, &error), &error);
    assert_string_equal(after.storage_class, "STANDARD_IA");
    assert_string_equal(after.etag, before.etag);
    assert_string_equal(after.sha256, before.sha256);
    assert_int_equal(after.modified_us, before.modified_us);
    assert_int_equal(run_in(place, 40).moved, 3);
    must(object_head(place->store, &(struct object_place){"one", "k", NULL}, place->arena, &after, &error), &error);
    assert_string_equal(after.storage_class, "GLACIER_IR");
    assert_string_equal(text_of(place, "one", "k", NULL), large_text(place));
    assert_int_equal(count_events(place, "LifecycleTransition"), 6);
    /* Out of the cold again, by a copy. */
    must(object_copy(place->store, &(struct object_place){"one", "k", NULL}, NULL, NULL,
                     &(struct object_put){.bucket = "one", .key = "k", .owner = TEST_OWNER}, place->arena, &after,
                     &error),
         &error);
    assert_string_equal(after.storage_class, "STANDARD");
    assert_true(blob_bytes(place) >= LARGE);
}

static void put_part(struct local_place *place, const char *id, unsigned number, char letter, size_t size,
                     struct upload_named *named)
{
    struct error error = {0};
    struct upload_part part;
    char *bytes = arena_take(place->arena, size, NULL);
    struct put *put = upload_part_begin(place->store, "one", "parts", id, number, NULL, 0, &error);

    memset(bytes, letter, size);
    must(put != NULL && object_put_write(put, bytes, size, &error) &&
             upload_part_finish(put, &(struct put_expected){0}, place->arena, &part, &error),
         &error);
    object_put_abandon(put);
    named[number - 1] = (struct upload_named){.number = number, .etag = part.etag};
}

static void test_an_object_of_parts_moves_with_its_parts(void **state)
{
    struct local_place *place = *state;
    struct error error = {0};
    struct object object;
    struct upload_named named[2];
    struct object_checksum checksum = {0};
    uint64_t offset = 0;
    uint64_t size_bytes = 0;
    char byte = 0;

    make_bucket(place, "one");
    const char *id =
        upload_create(place->store, &(struct object_put){.bucket = "one", .key = "parts", .owner = TEST_OWNER},
                      &checksum, place->arena, &error);

    must(id != NULL, &error);
    put_part(place, id, 1, 'a', UPLOAD_MIN_PART_BYTES, named);
    put_part(place, id, 2, 'b', 10, named);
    must(upload_complete(
             place->store,
             &(struct upload_complete){.bucket = "one", .key = "parts", .id = id, .parts = named, .part_count = 2},
             place->arena, &object, &error),
         &error);
    const char *etag = object.etag;

    set_rules(place, "{\"Rules\": [{\"Status\": \"Enabled\", \"Filter\": {}, \"Transitions\": [{\"Days\": 0, "
                     "\"StorageClass\": \"GLACIER\"}]}]}");
    assert_int_equal(run_in(place, 1).moved, 1);
    assert_true(blob_bytes(place) < 100000);
    struct object_place where = {"one", "parts", NULL};
    struct object_reader *reader = object_open(place->store, &where, NULL, place->arena, &object, &error);

    must(reader != NULL, &error);
    assert_string_equal(object.etag, etag);
    assert_int_equal(object_read(reader, &byte, 1, UPLOAD_MIN_PART_BYTES - 1, &error), 1);
    assert_int_equal(byte, 'a');
    assert_int_equal(object_read(reader, &byte, 1, UPLOAD_MIN_PART_BYTES, &error), 1);
    assert_int_equal(byte, 'b');
    object_close(reader);
    must(object_part_range(place->store, &where, 2, &offset, &size_bytes, &checksum, &error), &error);
    assert_int_equal(offset, UPLOAD_MIN_PART_BYTES);
    assert_int_equal(size_bytes, 10);
    delete_key(place, "one", "parts", NULL);
    assert_int_equal(count_blobs(place), 0);
}

static void test_uploads_that_were_left_are_aborted(void **state)
{
    struct local_place *place = *state;
    struct error error = {0};
    struct object_checksum checksum = {0};
    struct object_put options = {.bucket = "one", .key = "logs/a", .owner = TEST_OWNER};

    make_bucket(place, "one");
    must(upload_create(place->store, &options, &checksum, place->arena, &error) != NULL, &error);
    options.key = "other";
    must(upload_create(place->store, &options, &checksum, place->arena, &error) != NULL, &error);
    set_rules(place, "{\"Rules\": [{\"Status\": \"Enabled\", \"Filter\": {\"Prefix\": \"logs/\"}, "
                     "\"AbortIncompleteMultipartUpload\": {\"DaysAfterInitiation\": 3}}]}");
    assert_int_equal(run_in(place, 2).uploads_aborted, 0);
    assert_int_equal(run_in(place, 5).uploads_aborted, 1);
}

static void test_a_large_bucket_goes_in_steps_and_can_be_stopped(void **state)
{
    struct local_place *place = *state;

    make_bucket(place, "one");
    set_versioning(place, "one", true);
    for (int i = 0; i < 1200; i++) {
        char key[32];

        snprintf(key, sizeof key, "k%04d", i / 2);
        put_text(place, "one", key, "x");
    }
    set_rules(place, "{\"Rules\": [{\"Status\": \"Enabled\", \"Filter\": {}, \"Expiration\": {\"Days\": 1}, "
                     "\"NoncurrentVersionExpiration\": {\"NoncurrentDays\": 1}}]}");
    struct lifecycle_counts counts = run_in(place, 2);

    assert_int_equal(counts.expired, 600);
    assert_int_equal(counts.removed, 600);
    lifecycle_stop(place->store);
    assert_int_equal(run_in(place, 9).removed, 0);
}

static void test_documents_that_are_no_rules_are_refused(void **state)
{
    struct local_place *place = *state;
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"Rules\": 1}",
        "{\"Rules\": [{\"Status\": \"Enabled\", \"Expiration\": {\"Days\": -1}}]}",
        "{\"Rules\": [{\"Status\": \"Enabled\", \"Expiration\": {\"Days\": \"1\"}}]}",
        "{\"Rules\": [{\"Status\": \"Enabled\", \"Expiration\": {\"Date\": \"tomorrow\"}}]}",
        "{\"Rules\": [{\"Status\": \"Enabled\", \"Filter\": {\"Prefix\": 1}}]}",
        "{\"Rules\": [{\"Status\": \"Enabled\", \"Filter\": {\"Tag\": {\"Key\": \"a\"}}}]}",
        "{\"Rules\": [{\"Status\": \"Enabled\", \"Transitions\": [{\"Days\": 1}]}]}",
        "{\"Rules\": [{\"Status\": \"Enabled\", \"Transitions\": [{\"Days\": 1, \"StorageClass\": \"ICE\"}]}]}",
    };

    for (size_t b = 0; b < sizeof bad / sizeof bad[0]; b++) {
        struct lifecycle_rules rules;
        struct error error = {0};

        assert_false(lifecycle_rules_read(bad[b], place->arena, &rules, &error));
        assert_true(error.message[0] != '\0');
    }
    make_bucket(place, "one");
    set_rules(place, "{\"Rules\": 1}");
    assert_int_equal(run_in(place, 1).failed, 1);
}

#define LOCAL_TEST(test) cmocka_unit_test_setup_teardown(test, local_place_setup, local_place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_objects_expire_at_the_midnight_after_their_days),
        LOCAL_TEST(test_rules_look_only_at_what_their_filter_names),
        LOCAL_TEST(test_versions_age_from_when_they_were_followed),
        LOCAL_TEST(test_an_expired_version_hides_behind_a_marker_which_goes_when_alone),
        LOCAL_TEST(test_locked_versions_stay),
        LOCAL_TEST(test_versions_move_to_colder_classes_and_stay_what_they_are),
        LOCAL_TEST(test_an_object_of_parts_moves_with_its_parts),
        LOCAL_TEST(test_uploads_that_were_left_are_aborted),
        LOCAL_TEST(test_a_large_bucket_goes_in_steps_and_can_be_stopped),
        LOCAL_TEST(test_documents_that_are_no_rules_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
