/* Reading an object at any place: a window of it is kept, which grows while it is read from front to back. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "store/remote/remote_private.h"

#define FIRST_WINDOW_BYTES ((size_t)256 << 10)
#define LARGEST_WINDOW_BYTES ((size_t)8 << 20)

struct remote_reader {
    struct store_reader reader;
    struct remote *remote;
    struct arena *arena;
    const char *bucket;
    struct store_object object;
    const char *match; /* the ETag in quotes */
    const char *query; /* names the version, where there is one */
    struct buffer window;
    uint64_t window_offset;
    size_t wanted;       /* bytes of the window that is being fetched */
    size_t window_bytes; /* the next window's size */
};

static void range_of(char text[64], uint64_t offset, size_t size)
{
    snprintf(text, 64, "bytes=%llu-%llu", (unsigned long long)offset, (unsigned long long)(offset + size - 1));
}

/* Looks at the object and fetches its beginning by one request. */
static bool open_first(struct remote_reader *reader, const char *key, struct error *error)
{
    struct remote_call call = {.method = "GET", .bucket = reader->bucket, .key = key};
    struct aws_response response;
    struct error own = {0};
    char range[64];
    range_of(range, 0, FIRST_WINDOW_BYTES);
    remote_header(&call, "range", range);
    bool good = remote_send(reader->remote, &call, &response, &own);
    if (good) {
        good = remote_object_of(&response, key, reader->arena, &reader->object, &own);
        reader->window = response.body;
        response.body = (struct buffer){0};
    } else if (own.name && strcmp(own.name, "InvalidRange") == 0) {
        /* Nothing has no first byte. */
        good = remote_head(&reader->remote->store, reader->bucket, key, reader->arena, &reader->object, &own);
    }
    aws_response_free(&response);
    if (!good && error) *error = own;
    return good;
}

struct store_reader *remote_reader_open(struct store *store, const char *bucket, const char *key, struct error *error)
{
    struct remote_reader *reader = memory_zeroed(sizeof *reader, error);
    if (!reader) return NULL;
    reader->reader.verbs = store->verbs;
    reader->remote = remote_of(store);
    reader->window_bytes = FIRST_WINDOW_BYTES;
    reader->arena = arena_new(0, error);
    reader->bucket = reader->arena ? arena_text(reader->arena, bucket, strlen(bucket), error) : NULL;
    bool good = reader->bucket && open_first(reader, key, error);
    if (good) {
        const char *version = reader->object.version_id;
        bool versioned = *version && strcmp(version, "null") != 0;
        const char *encoded = sign_encode(str_of(version), false, reader->arena, error);
        reader->match = arena_format(reader->arena, error, "\"%s\"", reader->object.etag);
        reader->query = !encoded ? NULL : versioned ? arena_format(reader->arena, error, "versionId=%s", encoded) : "";
        good = reader->match && reader->query;
    }
    if (good) return &reader->reader;
    remote_reader_close(&reader->reader);
    return NULL;
}

const struct store_object *remote_reader_object(const struct store_reader *reader)
{
    return &((const struct remote_reader *)reader)->object;
}

static bool take_bytes(void *context, const void *data, size_t size, struct error *error)
{
    struct remote_reader *reader = context;
    if (size > reader->wanted - reader->window.length) {
        return error_set(error, ERROR_INVALID, "s3://%s/%s: %s gives more bytes than were asked for", reader->bucket,
                         reader->object.key, aws_client_endpoint(reader->remote->client));
    }
    buffer_append(&reader->window, data, size);
    return buffer_check(&reader->window, error);
}

static bool take_again(void *context, struct error *error)
{
    struct remote_reader *reader = context;
    (void)error;
    buffer_clear(&reader->window);
    return true;
}

/* Fills the window anew, in the memory that it has. */
static bool fetch(struct remote_reader *reader, uint64_t offset, size_t size, struct error *error)
{
    const struct store_object *object = &reader->object;
    struct remote_call call = {.method = "GET",
                               .bucket = reader->bucket,
                               .key = object->key,
                               .query = reader->query,
                               .take = take_bytes,
                               .restart = take_again,
                               .context = reader};
    struct aws_response response = {0};
    struct error own = {0};
    char range[64];
    range_of(range, offset, size);
    remote_header(&call, "range", range);
    remote_header(&call, "if-match", reader->match);
    buffer_clear(&reader->window);
    reader->window_offset = offset;
    reader->wanted = size;
    bool good = (buffer_room(&reader->window, size) || buffer_check(&reader->window, &own)) &&
                remote_send(reader->remote, &call, &response, &own);
    if (!good && own.name && strcmp(own.name, "PreconditionFailed") == 0) {
        error_set_named(&own, ERROR_CONFLICT, "PreconditionFailed",
                        "s3://%s/%s was written anew while it was read: read it again", reader->bucket, object->key);
    }
    if (good && reader->window.length != size) {
        good = error_set(&own, ERROR_IO, "s3://%s/%s: %s gives %zu bytes where %zu were asked for", reader->bucket,
                         object->key, aws_client_endpoint(reader->remote->client), reader->window.length, size);
    }
    if (!good) buffer_clear(&reader->window);
    aws_response_free(&response);
    if (!good && error) *error = own;
    return good;
}

/* Makes the window hold the byte at `offset`, and more of what is likely wanted next. */
static bool move_window(struct remote_reader *reader, uint64_t offset, size_t size, struct error *error)
{
    uint64_t end = reader->window_offset + reader->window.length, left = reader->object.size_bytes - offset;
    bool onward = offset == end;
    size_t wanted = onward ? reader->window_bytes * 2 : FIRST_WINDOW_BYTES;
    if (wanted < size) wanted = size;
    if (wanted > LARGEST_WINDOW_BYTES) wanted = LARGEST_WINDOW_BYTES;
    reader->window_bytes = wanted;
    return fetch(reader, offset, wanted < left ? wanted : (size_t)left, error);
}

ssize_t remote_read(struct store_reader *given, void *data, size_t size, uint64_t offset, struct error *error)
{
    struct remote_reader *reader = (struct remote_reader *)given;
    uint64_t length = reader->object.size_bytes;
    size_t done = 0;
    if (offset >= length) return 0;
    if (size > length - offset) size = (size_t)(length - offset);
    while (done < size) {
        uint64_t at = offset + done, start = reader->window_offset, end = start + reader->window.length;
        if (at < start || at >= end) {
            if (!move_window(reader, at, size - done, error)) return -1;
            continue;
        }
        size_t piece = end - at < size - done ? (size_t)(end - at) : size - done;
        memcpy((char *)data + done, reader->window.data + (at - start), piece);
        done += piece;
    }
    return (ssize_t)done;
}

void remote_reader_close(struct store_reader *given)
{
    struct remote_reader *reader = (struct remote_reader *)given;
    buffer_free(&reader->window);
    if (reader->arena) arena_free(reader->arena);
    memory_free(reader);
}
