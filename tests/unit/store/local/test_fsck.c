/* fsck: a sound store has no problem; each kind of damage is found and named; a repair loses nothing that is whole, and
 * leaves nothing to be found. */
#include "store/local/fsck.h"

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/local/blob.h"
#include "store/local/upload.h"
#include "support/local_store.h"

static const uint8_t customer_key[32] = "a key of the customer, 32 bytes";

static char found[8000];

static void note(void *context, const struct fsck_problem *problem)
{
    (void)context;
    assert_true(strlen(problem->what) > 10);
    size_t used = strlen(found);
    snprintf(found + used, sizeof found - used, "%s%s ", problem->kind, problem->repair != NULL ? "+" : "");
}

static struct fsck_counts check(struct local_place *place, bool deep, bool repair)
{
    struct error error = {0};
    struct fsck_counts counts;
    struct folder *folder = folder_open(place->path, repair ? FOLDER_WRITE : FOLDER_READ, &error);
    struct fsck_options options = {.folder = folder, .deep = deep, .repair = repair, .problem = note};

    must(folder != NULL, &error);
    found[0] = '\0';
    must(fsck_objects(&options, &counts, &error), &error);
    folder_close(folder);
    return counts;
}

static char *letters(struct local_place *place, char letter, size_t size)
{
    char *text = arena_take(place->arena, size + 1, NULL);

    memset(text, letter, size);
    text[size] = '\0';
    return text;
}

/* Letters that do not shrink much. */
static char *noise(struct local_place *place, size_t size)
{
    char *text = letters(place, 'n', size);
    uint32_t x = 1;

    for (size_t i = 0; i < size; i++) {
        x = x * 1664525 + 1013904223;
        text[i] = (char)('0' + (x >> 20) % 64);
    }
    return text;
}

static void put(struct local_place *place, struct object_put options, const char *text)
{
    struct error error = {0};
    struct object object;

    options.bucket = "one";
    options.owner = TEST_OWNER;
    must(try_put(place, &options, text, strlen(text), NULL, &object, &error), &error);
}

static struct upload_part send(struct local_place *place, const char *key, const char *id, unsigned number,
                               const char *text)
{
    struct error error = {0};
    struct put_expected none = {0};
    struct upload_part part;
    struct put *writer = upload_part_begin(place->store, "one", key, id, number, NULL, 0, &error);

    must(writer != NULL && object_put_write(writer, text, strlen(text), &error) &&
             upload_part_finish(writer, &none, place->arena, &part, &error),
         &error);
    object_put_abandon(writer);
    return part;
}

/* Bodies of every form, small and large; versions, copies, an upload that is done and one that is not. */
static void fill(struct local_place *place)
{
    struct error error = {0};
    struct object object;
    struct object_checksum none = {0};

    make_bucket(place, "one");
    put(place, (struct object_put){.key = "small"}, "small text");
    put(place, (struct object_put){.key = "big"}, letters(place, 'b', 5000));
    put(place, (struct object_put){.key = "secret", .encryption = ENCRYPTION_AES256}, letters(place, 's', 6000));
    put(place, (struct object_put){.key = "little-secret", .encryption = ENCRYPTION_AES256}, "psst");
    put(place, (struct object_put){.key = "theirs", .encryption = ENCRYPTION_CUSTOMER, .customer_key = customer_key},
        letters(place, 't', 7000));
    put(place, (struct object_put){.key = "cold", .storage_class = "GLACIER_IR"}, noise(place, 300000));
    must(object_copy(place->store, &(struct object_place){"one", "big", NULL}, NULL, NULL,
                     &(struct object_put){.bucket = "one", .key = "copy", .owner = TEST_OWNER}, place->arena, &object,
                     &error),
         &error);
    set_versioning(place, "one", true);
    put(place, (struct object_put){.key = "versions"}, letters(place, 'v', 5000));
    put(place, (struct object_put){.key = "versions"}, letters(place, 'w', 5000));
    struct object_put options = {.bucket = "one", .key = "parts", .owner = TEST_OWNER};
    const char *id = upload_create(place->store, &options, &none, place->arena, &error);

    must(id != NULL, &error);
    struct upload_part first = send(place, "parts", id, 1, letters(place, 'p', 5 << 20));
    struct upload_part second = send(place, "parts", id, 2, "end");
    struct upload_named named[] = {{1, first.etag, NULL}, {2, second.etag, NULL}};
    struct upload_complete complete = {.bucket = "one", .key = "parts", .id = id, .parts = named, .part_count = 2};

    must(upload_complete(place->store, &complete, place->arena, &object, &error), &error);
    options.key = "open";
    id = upload_create(place->store, &options, &none, place->arena, &error);
    must(id != NULL, &error);
    send(place, "open", id, 1, letters(place, 'o', 4000));
}

static void sql(struct local_place *place, const char *statement)
{
    char path[100];
    sqlite3 *db = NULL;

    snprintf(path, sizeof path, "%s/aisle.db", place->path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, statement, NULL, NULL, NULL) != SQLITE_OK) fail_msg("%s: %s", statement, sqlite3_errmsg(db));
    sqlite3_close(db);
}

/* The path of the blob that holds an object of the key. */
static const char *blob_of(struct local_place *place, const char *key)
{
    static char blob[200];
    char path[100], query[400];
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;

    snprintf(path, sizeof path, "%s/aisle.db", place->path);
    snprintf(
        query, sizeof query,
        "SELECT blob FROM body WHERE id IN (SELECT body FROM object WHERE key = '%s' UNION SELECT p.body FROM piece "
        "p JOIN object o ON o.body = p.whole WHERE o.key = '%s' UNION SELECT body FROM part p JOIN upload u ON u.id "
        "= p.upload WHERE u.key = '%s') AND blob IS NOT NULL ORDER BY id DESC",
        key, key, key);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, query, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    blob_path(place->path, (const char *)sqlite3_column_text(statement, 0), blob, sizeof blob);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return blob;
}

static void change_blob(struct local_place *place, const char *key, int how)
{
    struct error error = {0};
    struct buffer bytes = {0};
    const char *path = blob_of(place, key);

    must(file_load(path, &bytes, &error), &error);
    if (how == 0) {
        assert_int_equal(unlink(path), 0);
    } else if (how == 1) {
        assert_int_equal(truncate(path, (off_t)bytes.length - 1), 0);
    } else {
        bytes.data[bytes.length / 2] ^= 4;
        must(file_store(path, bytes.data, bytes.length, &error), &error);
    }
    buffer_free(&bytes);
}

static void test_a_sound_store_has_no_problem(void **state)
{
    struct local_place *place = *state;

    fill(place);
    struct fsck_counts beside = check(place, true, false); /* its owner is there */

    assert_string_equal(found, "");
    assert_int_equal(beside.unread_bodies, 1);
    local_place_close(place);
    struct fsck_counts counts = check(place, true, true);

    assert_string_equal(found, "");
    assert_int_equal(counts.versions, 10);
    assert_int_equal(counts.problems + counts.repaired, 0);
    assert_true(counts.read_bytes > 5 << 20);
    local_place_open(place);
    assert_int_equal(count_blobs(place), counts.blobs);
}

/* What each damage is found as, without and with reading; and which key is not served after the repair. */
static void test_each_damage_is_found_and_repaired(void **state)
{
    static const struct {
        const char *key; /* whose blob is changed; NULL: the statement is run */
        int how;         /* 0 removed, 1 cut, 2 a bit changed */
        const char *statement, *shallow, *deep, *gone;
    } cases[] = {
        {"big", 0, NULL, "missing_body missing_body ", "missing_body missing_body ", "big"},
        {"big", 1, NULL, "damaged_body damaged_body ", "damaged_body damaged_body ", "copy"},
        {"big", 2, NULL, "", "damaged_body damaged_body ", "copy"},
        {"secret", 2, NULL, "", "damaged_body ", "secret"},
        {"cold", 2, NULL, "", "damaged_body ", "cold"},
        {"theirs", 0, NULL, "missing_body ", "missing_body ", "theirs"},
        {"parts", 0, NULL, "missing_body ", "missing_body ", "parts"},
        {"parts", 2, NULL, "", "damaged_body ", "parts"},
        {"open", 0, NULL, "lost_part ", "lost_part ", NULL},
        {NULL, 0, "UPDATE body SET refs = 7 WHERE blob IS NOT NULL AND refs = 2", "wrong_references ",
         "wrong_references ", NULL},
        {NULL, 0, "UPDATE body SET bytes = 'smull text' WHERE bytes = CAST('small text' AS BLOB)", "", "damaged_body ",
         "small"},
        {NULL, 0, "DELETE FROM object WHERE key = 'secret'", "unused_body ", "unused_body ", "secret"},
        {NULL, 0, "DELETE FROM body WHERE id = (SELECT body FROM object WHERE key = 'small')", "missing_body ",
         "missing_body ", "small"},
        {NULL, 0, "UPDATE object SET size_bytes = 5 WHERE key = 'small'", "damaged_body ", "damaged_body ", "small"},
        {NULL, 0, "UPDATE piece SET offset = offset + 1 WHERE ordinal = 1", "damaged_body ", "damaged_body ", "parts"},
        {NULL, 0, "UPDATE object SET hash = zeroblob(48) WHERE key = 'secret'", "", "damaged_body ", "secret"},
        {NULL, 0, "UPDATE body SET wrapped = zeroblob(60) WHERE id = (SELECT body FROM object WHERE key = 'secret')",
         "", "damaged_body ", "secret"},
        {NULL, 0, "DELETE FROM upload WHERE key = 'open'", "lost_part ", "lost_part ", NULL},
    };

    static const char *const keys[] = {"small", "big", "secret", "little-secret", "cold", "copy", "versions", "parts"};

    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        void *own = NULL;
        struct error error = {0};
        struct object object;

        assert_int_equal(local_place_setup(&own), 0);
        struct local_place *place = own;

        fill(place);
        local_place_close(place);
        if (cases[c].key != NULL) {
            change_blob(place, cases[c].key, cases[c].how);
        } else {
            sql(place, cases[c].statement);
        }
        check(place, false, false);
        if (strcmp(found, cases[c].shallow) != 0) fail_msg("case %zu: %s", c, found);
        check(place, true, false);
        if (strcmp(found, cases[c].deep) != 0) fail_msg("case %zu, deep: %s", c, found);
        struct fsck_counts counts = check(place, true, true);

        assert_int_equal(counts.problems, counts.repaired);
        assert_true(counts.problems > 0);
        check(place, true, true);
        assert_string_equal(found, "");
        local_place_open(place);
        for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
            const char *text = get_text(place, &(struct object_place){"one", keys[k], NULL}, NULL, &object, &error);
            bool damaged = cases[c].gone != NULL && (strcmp(keys[k], cases[c].gone) == 0 ||
                                                     (cases[c].key != NULL && strcmp(cases[c].key, "big") == 0 &&
                                                      (strcmp(keys[k], "big") == 0 || strcmp(keys[k], "copy") == 0)));

            if (damaged) {
                assert_null(text);
                assert_string_equal(error.name, "NoSuchKey");
            } else {
                must(text != NULL, &error);
                assert_true(strcmp(keys[k], "versions") != 0 || text[0] == 'w');
            }
        }
        /* The store goes on: what was quarantined can be put again, and everything deleted. */
        put(place, (struct object_put){.key = "big"}, letters(place, 'n', 5000));
        assert_int_equal(text_of(place, "one", "big", NULL)[0], 'n');
        local_place_close(place);
        check(place, true, true);
        assert_string_equal(found, "");
        local_place_open(place);
        local_place_teardown(&own);
    }
}

static void test_unnamed_files_are_kept_elsewhere(void **state)
{
    struct local_place *place = *state;
    struct error error = {0};
    char path[200];
    struct stat status;

    fill(place);
    snprintf(path, sizeof path, "%s/blobs/AB", place->path);
    must(file_make_folders(path, &error), &error);
    snprintf(path, sizeof path, "%s/blobs/AB/01ARZ3NDEKTSV4RRFFQ69G5FAV", place->path);
    must(file_store(path, "bytes", 5, &error), &error);
    check(place, false, false); /* beside its owner it may be on the way */
    assert_string_equal(found, "");
    local_place_close(place);
    check(place, false, true);
    assert_string_equal(found, "unnamed_file+ ");
    assert_int_equal(stat(path, &status), -1);
    snprintf(path, sizeof path, "%s/lost+found/01ARZ3NDEKTSV4RRFFQ69G5FAV", place->path);
    assert_int_equal(stat(path, &status), 0);
    check(place, false, true);
    assert_string_equal(found, "");
    local_place_open(place);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, local_place_setup, local_place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_sound_store_has_no_problem),
        cmocka_unit_test(test_each_damage_is_found_and_repaired),
        TEST(test_unnamed_files_are_kept_elsewhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
