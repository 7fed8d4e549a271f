#include "store/store.h"

#include <string.h>

#include "store/store_port.h"

#define SCHEME "s3://"

void store_free(struct store *store)
{
    if (store) store->verbs->free(store);
}

bool store_head(struct store *store, const char *bucket, const char *key, struct arena *arena,
                struct store_object *object, struct error *error)
{
    return store->verbs->head(store, bucket, key, arena, object, error);
}

struct store_reader *store_open(struct store *store, const char *bucket, const char *key, struct error *error)
{
    return store->verbs->open(store, bucket, key, error);
}

const struct store_object *store_reader_object(const struct store_reader *reader)
{
    return reader->verbs->reader_object(reader);
}

ssize_t store_read(struct store_reader *reader, void *data, size_t size, uint64_t offset, struct error *error)
{
    return reader->verbs->read(reader, data, size, offset, error);
}

void store_close(struct store_reader *reader)
{
    if (reader) reader->verbs->close(reader);
}

struct store_writer *store_create(struct store *store, const struct store_put *put, struct error *error)
{
    return store->verbs->create(store, put, error);
}

bool store_write(struct store_writer *writer, const void *data, size_t size, struct error *error)
{
    return writer->verbs->write(writer, data, size, error);
}

bool store_finish(struct store_writer *writer, struct arena *arena, struct store_object *object, struct error *error)
{
    return writer->verbs->finish(writer, arena, object, error);
}

void store_abandon(struct store_writer *writer)
{
    if (writer) writer->verbs->abandon(writer);
}

bool store_upload(struct store *store, const struct store_put *put, const char *path, struct error *error)
{
    return store->verbs->upload(store, put, path, error);
}

bool store_download(struct store *store, const char *bucket, const char *key, const char *path, struct error *error)
{
    return store->verbs->download(store, bucket, key, path, error);
}

bool store_copy(struct store *store, const char *bucket, const char *key, const struct store_put *to,
                struct error *error)
{
    return store->verbs->copy(store, bucket, key, to, error);
}

bool store_delete(struct store *store, const char *bucket, const char *key, struct error *error)
{
    return store->verbs->delete (store, bucket, key, error);
}

bool store_list(struct store *store, const char *bucket, const struct store_listing *listing,
                bool (*visit)(void *context, const struct store_object *object, bool is_prefix, struct error *error),
                void *context, struct error *error)
{
    return store->verbs->list(store, bucket, listing, visit, context, error);
}

bool store_list_buckets(struct store *store,
                        bool (*visit)(void *context, const char *bucket, int64_t created_us, struct error *error),
                        void *context, struct error *error)
{
    return store->verbs->list_buckets(store, visit, context, error);
}

bool store_make_bucket(struct store *store, const char *bucket, struct error *error)
{
    return store->verbs->make_bucket(store, bucket, error);
}

bool store_remove_bucket(struct store *store, const char *bucket, struct error *error)
{
    return store->verbs->remove_bucket(store, bucket, error);
}

const char *store_presign(struct store *store, const char *method, const char *bucket, const char *key,
                          int64_t expires_seconds, struct arena *arena, struct error *error)
{
    return store->verbs->presign(store, method, bucket, key, expires_seconds, arena, error);
}

bool store_is_url(const char *text)
{
    return strncmp(text, SCHEME, sizeof SCHEME - 1) == 0;
}

bool store_url(const char *text, struct arena *arena, const char **bucket, const char **key, struct error *error)
{
    if (!store_is_url(text)) {
        return error_set(error, ERROR_USAGE, "'%s' is no " SCHEME "BUCKET/KEY", text);
    }
    const char *rest = text + sizeof SCHEME - 1;
    size_t length = strcspn(rest, "/");
    if (length == 0) return error_set(error, ERROR_USAGE, "'%s' names no bucket: write " SCHEME "BUCKET/KEY", text);
    if (length > 255) return error_set(error, ERROR_USAGE, "'%s': a bucket's name has at most 63 characters", text);
    const char *slash = rest + length;
    *bucket = arena_text(arena, rest, length, error);
    *key = *bucket ? arena_text(arena, slash + (*slash == '/'), strlen(slash + (*slash == '/')), error) : NULL;
    return *key != NULL;
}
