/* A local store in a folder of its own, with short words for what tests do to it. */
#ifndef AISLE_TESTS_SUPPORT_LOCAL_STORE_H
#define AISLE_TESTS_SUPPORT_LOCAL_STORE_H

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "store/local/bucket.h"
#include "store/local/object.h"
#include "support/unit.h"

#define TEST_OWNER "000000000000"

struct local_place {
    char path[64];
    struct arena *arena;
    struct folder *folder;
    struct local_store *store;
    uint32_t inline_bytes;
};

static inline void must(bool good, const struct error *error)
{
    if (!good) fail_msg("%s: %s", error->name != NULL ? error->name : "", error->message);
}

static inline void local_place_open(struct local_place *place)
{
    struct error error = {0};
    place->folder = folder_open(place->path, FOLDER_WRITE, &error);
    must(place->folder != NULL, &error);
    place->store =
        local_open(&(struct local_options){.folder = place->folder, .inline_bytes = place->inline_bytes}, &error);
    must(place->store != NULL, &error);
}

static inline void local_place_close(struct local_place *place)
{
    local_close(place->store);
    folder_close(place->folder);
    place->store = NULL;
    place->folder = NULL;
}

static inline int local_place_setup(void **state)
{
    struct error error = {0};
    struct local_place *place = memory_zeroed(sizeof *place, &error);
    snprintf(place->path, sizeof place->path, "/tmp/aisle-test-local-XXXXXX");
    if (mkdtemp(place->path) == NULL) return -1;
    place->arena = arena_new(0, &error);
    place->inline_bytes = 1000;
    local_place_open(place);
    *state = place;
    return 0;
}

static inline int local_place_teardown(void **state)
{
    struct local_place *place = *state;
    if (place->store != NULL) local_place_close(place);
    file_remove_tree(place->path, NULL);
    arena_free(place->arena);
    memory_free(place);
    return 0;
}

static inline void make_bucket(struct local_place *place, const char *name)
{
    struct error error = {0};
    must(bucket_create(place->store, &(struct bucket_create){.name = name, .owner = TEST_OWNER}, &error), &error);
}

static inline void set_versioning(struct local_place *place, const char *name, bool on)
{
    struct error error = {0};
    must(bucket_set(place->store, name, BUCKET_VERSIONING,
                    on ? "{\"Status\": \"Enabled\"}" : "{\"Status\": \"Suspended\"}", &error),
         &error);
}

/* False with the error of the step that failed. `expected` NULL: nothing is. */
static inline bool try_put(struct local_place *place, const struct object_put *options, const void *data, size_t size,
                           const struct put_expected *expected, struct object *object, struct error *error)
{
    struct put *put = object_put_begin(place->store, options, error);
    struct put_expected none = {0};
    bool good = put != NULL && object_put_write(put, data, size, error) &&
                object_put_finish(put, expected != NULL ? expected : &none, place->arena, object, error);
    object_put_abandon(put);
    return good;
}

static inline struct object put_text(struct local_place *place, const char *bucket, const char *key, const char *text)
{
    struct error error = {0};
    struct object object;
    struct object_put options = {.bucket = bucket, .key = key, .owner = TEST_OWNER, .event = "ObjectCreated:Put"};
    must(try_put(place, &options, text, strlen(text), NULL, &object, &error), &error);
    return object;
}

/* The body as a text in the arena; NULL with the error. */
static inline const char *get_text(struct local_place *place, const struct object_place *where, const uint8_t *key,
                                   struct object *object, struct error *error)
{
    struct object_reader *reader = object_open(place->store, where, key, place->arena, object, error);
    if (reader == NULL) return NULL;
    char *text = arena_take(place->arena, object->size_bytes + 1, error);
    ssize_t got = object_read(reader, text, object->size_bytes + 10, 0, error);
    object_close(reader);
    if (got < 0) return NULL;
    assert_int_equal(got, object->size_bytes);
    text[got] = '\0';
    return text;
}

static inline const char *text_of(struct local_place *place, const char *bucket, const char *key, const char *version)
{
    struct error error = {0};
    struct object object;
    const char *text = get_text(place, &(struct object_place){bucket, key, version}, NULL, &object, &error);
    must(text != NULL, &error);
    return text;
}

static inline struct object_deleted delete_key(struct local_place *place, const char *bucket, const char *key,
                                               const char *version)
{
    struct error error = {0};
    struct object_delete delete = {.bucket = bucket, .key = key, .version_id = version, .owner = TEST_OWNER};
    struct object_deleted deleted;
    must(object_delete(place->store, &delete, 1, place->arena, &deleted, &error), &error);
    return deleted;
}

static inline size_t count_files(const char *folder)
{
    DIR *entries = opendir(folder);
    size_t count = 0;
    for (struct dirent *entry = NULL; entries != NULL && (entry = readdir(entries)) != NULL;) {
        char path[600];
        if (entry->d_name[0] == '.') continue;
        assert_true(snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) < (int)sizeof path);
        count += entry->d_type == DT_DIR ? count_files(path) : 1;
    }
    if (entries != NULL) closedir(entries);
    return count;
}

/* Files under blobs/. */
static inline size_t count_blobs(const struct local_place *place)
{
    char path[100];
    snprintf(path, sizeof path, "%s/blobs", place->path);
    return count_files(path);
}

#endif
