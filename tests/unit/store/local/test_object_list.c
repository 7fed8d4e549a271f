/* Random puts, conditions, deletes, gets and listings against a plain list of versions that says what must come. */
#include "base/random.h"
#include "support/local_store.h"

#define MOST_ROWS 4000

/* One version; of a key, the later in the array is the newer. */
struct model_row {
    char key[24];
    char version[40];
    bool marker, gone;
    uint64_t size_bytes;
};

struct model {
    struct local_place *place;
    struct random random;
    struct model_row rows[MOST_ROWS];
    size_t count;
    enum bucket_versioning versioning;
};

static void random_key(struct model *model, char key[24])
{
    static const char *const pieces[] = {"a", "b", "/", "//", "ab", "é", "~", "a/", "0"};
    size_t count = 1 + random_below(&model->random, 4);

    key[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        const char *piece = pieces[random_below(&model->random, sizeof pieces / sizeof pieces[0])];

        memcpy(key + strlen(key), piece, strlen(piece) + 1);
    }
}

static void drop_null(struct model *model, const char *key)
{
    for (size_t r = 0; r < model->count; r++) {
        struct model_row *row = &model->rows[r];

        if (!row->gone && strcmp(row->key, key) == 0 && strcmp(row->version, "null") == 0) {
            row->gone = true;
        }
    }
}

static void add_row(struct model *model, const char *key, const char *version, bool marker, uint64_t size_bytes)
{
    struct model_row *row = &model->rows[model->count++];

    if (strcmp(version, "null") == 0) {
        drop_null(model, key);
    }
    snprintf(row->key, sizeof row->key, "%s", key);
    snprintf(row->version, sizeof row->version, "%s", version);
    row->marker = marker;
    row->gone = false;
    row->size_bytes = size_bytes;
}

/* The current version of a key; NULL: none, or a delete marker. */
static const struct model_row *current_row(const struct model *model, const char *key)
{
    const struct model_row *current = NULL;

    for (size_t r = 0; r < model->count; r++) {
        if (!model->rows[r].gone && strcmp(model->rows[r].key, key) == 0) {
            current = &model->rows[r];
        }
    }
    return current != NULL && !current->marker ? current : NULL;
}

/* A put under conditions that the model knows the outcome of; the body's length says what it is. */
static void put_if(struct model *model, const char *key, const char *text)
{
    const struct model_row *current = current_row(model, key);
    bool absent = random_below(&model->random, 2) == 0;
    struct object before = {.etag = "\"none\""};
    struct object object;
    struct error error = {0};

    if (current != NULL) {
        must(object_head(model->place->store, &(struct object_place){"one", key, NULL}, model->place->arena, &before,
                         &error),
             &error);
        assert_string_equal(before.version_id, current->version);
    }
    bool matches = random_below(&model->random, 2) == 0;
    struct object_put options = {.bucket = "one",
                                 .key = key,
                                 .owner = TEST_OWNER,
                                 .conditions = {.if_none_match = absent ? "*" : NULL,
                                                .if_match = absent    ? NULL
                                                            : matches ? before.etag
                                                                      : "\"0123\""}};
    bool good = try_put(model->place, &options, text, strlen(text), NULL, &object, &error);

    assert_int_equal(good, absent ? current == NULL : current != NULL && matches);
    if (good) {
        add_row(model, key, object.version_id, false, strlen(text));
    } else {
        assert_string_equal(error.name, current != NULL ? "PreconditionFailed" : "NoSuchKey");
    }
}

/* Any version, or the current one, by its bytes. */
static void check_body(struct model *model)
{
    const struct model_row *row = &model->rows[random_below(&model->random, model->count)];
    bool by_version = random_below(&model->random, 2) == 0;
    const struct model_row *wanted = by_version ? row : current_row(model, row->key);
    struct object_place place = {"one", row->key, by_version ? row->version : NULL};
    struct object object;
    struct error error = {0};
    const char *text = get_text(model->place, &place, NULL, &object, &error);

    if (by_version && row->gone && strcmp(row->version, "null") == 0) {
        return; /* there may be another of this id */
    }
    if (wanted == NULL || wanted->gone || wanted->marker) {
        assert_null(text);
        assert_string_equal(error.name, !by_version ? "NoSuchKey" : row->gone ? "NoSuchVersion" : "MethodNotAllowed");
    } else {
        must(text != NULL, &error);
        assert_int_equal(strlen(text), wanted->size_bytes);
        assert_string_equal(object.version_id, wanted->version);
    }
}

static void change_something(struct model *model)
{
    char key[24];
    char text[24] = "xxxxxxxxxxxxxxxxxxxxxxx";
    uint64_t dice = random_below(&model->random, 100);

    random_key(model, key);
    text[random_below(&model->random, sizeof text)] = '\0';
    if (dice < 15) {
        put_if(model, key, text);
    } else if (dice < 55) {
        struct object object = put_text(model->place, "one", key, text);

        add_row(model, key, object.version_id, false, strlen(text));
    } else if (dice < 75) {
        struct object_deleted deleted = delete_key(model->place, "one", key, NULL);

        assert_true(deleted.ok);
        assert_int_equal(deleted.marker_made, model->versioning != VERSIONING_NEVER);
        if (model->versioning == VERSIONING_NEVER) {
            drop_null(model, key);
        } else {
            add_row(model, key, deleted.version_id, true, 0);
        }
    } else if (dice < 98) {
        struct model_row *row = model->count > 0 ? &model->rows[random_below(&model->random, model->count)] : NULL;

        if (row != NULL && !row->gone) {
            struct object_deleted deleted = delete_key(model->place, "one", row->key, row->version);

            assert_true(deleted.ok);
            assert_int_equal(deleted.marker_deleted, row->marker);
            row->gone = true;
        }
    } else if (model->count > 300) {
        model->versioning = random_below(&model->random, 2) == 0 ? VERSIONING_ENABLED : VERSIONING_SUSPENDED;
        set_versioning(model->place, "one", model->versioning == VERSIONING_ENABLED);
    }
}

/* The newest version of the least key after `key` (or at it, versions after `place`), in order; NULL at the end. */
static const struct model_row *next_row(const struct model *model, const char *after, const struct model_row *last)
{
    const struct model_row *next = NULL;

    for (size_t r = 0; r < model->count; r++) {
        const struct model_row *row = &model->rows[r];
        int order = last != NULL ? strcmp(row->key, last->key) : strcmp(row->key, after) - (after[0] == '\0');

        if (row->gone || order < 0 || (order == 0 && (last == NULL ? after[0] != '\0' : row >= last))) {
            continue;
        }
        if (next == NULL || strcmp(row->key, next->key) < 0 || (strcmp(row->key, next->key) == 0 && row > next)) {
            next = row;
        }
    }
    return next;
}

/* What a listing of everything holds, a line each. */
static void model_list(const struct model *model, const struct object_listing *listing, struct buffer *lines)
{
    const struct model_row *last = NULL;
    char prefix[64] = "";

    if (strlen(listing->delimiter) > 0 && strncmp(listing->after, listing->prefix, strlen(listing->prefix)) == 0) {
        const char *found = strstr(listing->after + strlen(listing->prefix), listing->delimiter);

        if (found != NULL && found[strlen(listing->delimiter)] == '\0') {
            snprintf(prefix, sizeof prefix, "%s", listing->after);
        }
    }
    for (const struct model_row *row = NULL; (row = next_row(model, listing->after, last)) != NULL;) {
        bool newest = last == NULL || strcmp(last->key, row->key) != 0;
        const char *found = NULL;

        last = row;
        if (strncmp(row->key, listing->prefix, strlen(listing->prefix)) != 0 ||
            (!listing->versions && (!newest || row->marker))) {
            continue;
        }
        if (listing->delimiter[0] != '\0') {
            found = strstr(row->key + strlen(listing->prefix), listing->delimiter);
        }
        if (found != NULL) {
            size_t length = (size_t)(found - row->key) + strlen(listing->delimiter);

            if (strlen(prefix) != length || strncmp(prefix, row->key, length) != 0) {
                snprintf(prefix, sizeof prefix, "%.*s", (int)length, row->key);
                buffer_append_format(lines, "prefix %s\n", prefix);
            }
        } else {
            buffer_append_format(lines, "%s %s %d %d %llu\n", row->key, row->version, newest, row->marker,
                                 (unsigned long long)row->size_bytes);
        }
    }
}

static void page_lines(const struct object_page *page, struct buffer *lines)
{
    size_t p = 0;

    for (size_t o = 0; o <= page->object_count; o++) {
        const struct object *object = o < page->object_count ? &page->objects[o] : NULL;

        while (p < page->prefix_count && (object == NULL || strcmp(page->prefixes[p], object->key) < 0)) {
            buffer_append_format(lines, "prefix %s\n", page->prefixes[p++]);
        }
        if (object != NULL) {
            buffer_append_format(lines, "%s %s %d %d %llu\n", object->key, object->version_id, object->latest,
                                 object->delete_marker, (unsigned long long)object->size_bytes);
        }
    }
}

static void check_listing(struct model *model)
{
    static const char *const prefixes[] = {"", "", "a", "a/", "/", "é", "ab/", "zz", "b"};
    static const char *const delimiters[] = {"", "/", "/", "//", "b", "é"};
    struct object_listing listing = {
        .bucket = "one",
        .prefix = prefixes[random_below(&model->random, sizeof prefixes / sizeof prefixes[0])],
        .delimiter = delimiters[random_below(&model->random, sizeof delimiters / sizeof delimiters[0])],
        .after = "",
        .versions = random_below(&model->random, 2) == 0,
        .most = 1 + (unsigned)random_below(&model->random, random_below(&model->random, 2) == 0 ? 5 : 1000),
    };
    struct buffer wanted __attribute__((cleanup(buffer_free))) = {0};
    struct buffer got __attribute__((cleanup(buffer_free))) = {0};
    struct object_page page = {.truncated = true};
    struct error error = {0};
    char after[24];

    if (random_below(&model->random, 3) == 0) {
        random_key(model, after);
        listing.after = after;
    }
    model_list(model, &listing, &wanted);
    while (page.truncated) {
        must(object_list(model->place->store, &listing, model->place->arena, &page, &error), &error);
        assert_true(page.object_count + page.prefix_count <= listing.most);
        assert_true(!page.truncated || page.object_count + page.prefix_count == listing.most);
        page_lines(&page, &got);
        listing.after = page.next_key;
        listing.after_version = page.next_version;
    }
    buffer_append_char(&wanted, '.');
    buffer_append_char(&got, '.');
    assert_string_equal(buffer_text(&got), buffer_text(&wanted));
    arena_reset(model->place->arena);
}

static void test_listings_agree_with_a_plain_list(void **state)
{
    struct local_place *place = *state;
    struct error error = {0};
    struct model *model = memory_zeroed(sizeof *model, &error);

    model->place = place;
    random_seed(&model->random, 4711);
    make_bucket(place, "one");
    while (model->count < 1000) {
        change_something(model);
        if (model->count > 0) {
            check_body(model);
        }
        if (random_below(&model->random, 4) == 0) {
            check_listing(model);
        }
    }
    memory_free(model);
}

static void test_many_versions_and_deep_folders_are_passed_over(void **state)
{
    struct local_place *place = *state;
    struct error error = {0};
    struct object_page page;
    struct object_listing listing = {.bucket = "one", .prefix = "", .delimiter = "/", .after = "", .most = 1000};

    make_bucket(place, "one");
    set_versioning(place, "one", true);
    for (int i = 0; i < 60; i++) {
        char key[40];

        put_text(place, "one", "often", "x");
        snprintf(key, sizeof key, "folder/%03d/file", i);
        put_text(place, "one", key, "x");
    }
    put_text(place, "one", "zebra", "x");
    must(object_list(place->store, &listing, place->arena, &page, &error), &error);
    assert_int_equal(page.object_count, 2);
    assert_string_equal(page.objects[0].key, "often");
    assert_string_equal(page.objects[1].key, "zebra");
    assert_string_equal(page.objects[1].owner, TEST_OWNER);
    assert_string_equal(page.objects[1].etag, "9dd4e461268c8034f5c8564e155c67a6");
    assert_int_equal(page.prefix_count, 1);
    assert_string_equal(page.prefixes[0], "folder/");
    assert_false(page.truncated);
    listing.most = 0;
    must(object_list(place->store, &listing, place->arena, &page, &error), &error);
    assert_int_equal(page.object_count, 0);
    assert_false(page.truncated);
    listing.bucket = "two";
    assert_false(object_list(place->store, &listing, place->arena, &page, &error));
    assert_string_equal(error.name, "NoSuchBucket");
}

#define LOCAL_TEST(test) cmocka_unit_test_setup_teardown(test, local_place_setup, local_place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOCAL_TEST(test_listings_agree_with_a_plain_list),
        LOCAL_TEST(test_many_versions_and_deep_folders_are_passed_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
