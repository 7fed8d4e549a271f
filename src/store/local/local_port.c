/* The local store as the port that tasks use. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "store/local/local_private.h"
#include "store/store_port.h"

#define COPY_BYTES ((size_t)256 << 10)
#define PAGE_KEYS 1000

struct local_port {
    struct store store; /* first */
    struct local_store *local;
    char owner[64];
};

struct local_reader {
    struct store_reader reader; /* first */
    struct object_reader *object;
    struct arena *arena;
    struct store_object told;
};

struct local_writer {
    struct store_writer writer; /* first */
    struct put *put;
};

static struct local_port *port_of(struct store *store)
{
    return (struct local_port *)(void *)store;
}

static const struct store_verbs verbs;

static void free_port(struct store *store)
{
    memory_free(port_of(store));
}

static const char *content_type(const struct object *object)
{
    for (size_t h = 0; h < object->header_count; h++) {
        if (strcasecmp(object->headers[h].name, "Content-Type") == 0) {
            return object->headers[h].value;
        }
    }
    return "";
}

static void tell(const struct object *object, struct store_object *told)
{
    *told = (struct store_object){
        .key = object->key,
        .version_id = strcmp(object->version_id, "null") == 0 ? "" : object->version_id,
        .size_bytes = object->size_bytes,
        .modified_us = object->modified_us,
        .etag = object->etag,
        .sha256 = object->sha256,
        .content_type = content_type(object),
        .metadata = object->metadata,
        .metadata_count = object->metadata_count,
    };
}

static bool head(struct store *store, const char *bucket, const char *key, struct arena *arena,
                 struct store_object *told, struct error *error)
{
    struct object object;

    if (!object_head(port_of(store)->local, &(struct object_place){bucket, key, NULL}, arena, &object, error)) {
        return false;
    }
    tell(&object, told);
    return true;
}

static void close_reader(struct store_reader *reader)
{
    struct local_reader *local = (struct local_reader *)(void *)reader;

    if (local != NULL) {
        object_close(local->object);
        arena_free(local->arena);
        memory_free(local);
    }
}

static struct store_reader *open_reader(struct store *store, const char *bucket, const char *key, struct error *error)
{
    struct local_reader *reader = memory_zeroed(sizeof *reader, error);
    struct object object;

    if (reader == NULL) {
        return NULL;
    }
    reader->reader.verbs = &verbs;
    reader->arena = arena_new(0, error);
    if (reader->arena != NULL) {
        reader->object = object_open(port_of(store)->local, &(struct object_place){bucket, key, NULL}, NULL,
                                     reader->arena, &object, error);
    }
    if (reader->object == NULL) {
        close_reader(&reader->reader);
        return NULL;
    }
    tell(&object, &reader->told);
    return &reader->reader;
}

static const struct store_object *reader_object(const struct store_reader *reader)
{
    return &((const struct local_reader *)(const void *)reader)->told;
}

static ssize_t read_object(struct store_reader *reader, void *data, size_t size, uint64_t offset, struct error *error)
{
    return object_read(((struct local_reader *)(void *)reader)->object, data, size, offset, error);
}

/* What the port's options are as the local store's. `headers` holds one. */
static struct object_put options_of(const struct local_port *port, const struct store_put *put, const char *event,
                                    struct store_field *headers)
{
    headers->name = "Content-Type";
    headers->value = put->content_type != NULL ? put->content_type : "application/octet-stream";
    return (struct object_put){
        .bucket = put->bucket,
        .key = put->key,
        .owner = port->owner,
        .headers = headers,
        .header_count = 1,
        .metadata = put->metadata,
        .metadata_count = put->metadata_count,
        .conditions = {.if_match = put->if_match, .if_none_match = put->only_if_absent ? "*" : NULL},
        .event = event,
    };
}

static void abandon(struct store_writer *writer)
{
    struct local_writer *local = (struct local_writer *)(void *)writer;

    if (local != NULL) {
        object_put_abandon(local->put);
        memory_free(local);
    }
}

static struct store_writer *create(struct store *store, const struct store_put *put, struct error *error)
{
    struct local_writer *writer = memory_zeroed(sizeof *writer, error);
    struct store_field header;
    struct object_put options = options_of(port_of(store), put, "ObjectCreated:Put", &header);

    if (writer == NULL) {
        return NULL;
    }
    writer->writer.verbs = &verbs;
    writer->put = object_put_begin(port_of(store)->local, &options, error);
    if (writer->put == NULL) {
        abandon(&writer->writer);
        return NULL;
    }
    return &writer->writer;
}

static bool write_object(struct store_writer *writer, const void *data, size_t size, struct error *error)
{
    return object_put_write(((struct local_writer *)(void *)writer)->put, data, size, error);
}

static bool finish(struct store_writer *writer, struct arena *arena, struct store_object *told, struct error *error)
{
    struct object object;

    if (!object_put_finish(((struct local_writer *)(void *)writer)->put, &(struct put_expected){0}, arena, &object,
                           error)) {
        return false;
    }
    tell(&object, told);
    return true;
}

static bool send_file(struct store_writer *writer, int fd, const char *path, char *piece, struct error *error)
{
    struct arena *arena = arena_new(0, error);
    struct store_object told;
    uint64_t offset = 0;
    ssize_t got = arena != NULL ? 1 : -1;

    while (got > 0) {
        got = file_read_at(fd, piece, COPY_BYTES, offset, path, error);
        if (got > 0 && !write_object(writer, piece, (size_t)got, error)) {
            got = -1;
        }
        offset += got > 0 ? (uint64_t)got : 0;
    }
    bool good = got == 0 && finish(writer, arena, &told, error);

    arena_free(arena);
    return good;
}

static bool upload(struct store *store, const struct store_put *put, const char *path, struct error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return error_set_errno(error, errno, "%s cannot be read", path);
    }
    char *piece = memory_array(COPY_BYTES, 1, error);
    struct store_writer *writer = piece != NULL ? create(store, put, error) : NULL;
    bool good = writer != NULL && send_file(writer, fd, path, piece, error);

    abandon(writer);
    memory_free(piece);
    close(fd);
    return good;
}

static bool fetch(struct store_reader *reader, int fd, const char *path, char *piece, struct error *error)
{
    uint64_t offset = 0;
    ssize_t got = 1;

    while (got > 0) {
        got = read_object(reader, piece, COPY_BYTES, offset, error);
        if (got > 0 && !file_write(fd, piece, (size_t)got, path, error)) {
            got = -1;
        }
        offset += got > 0 ? (uint64_t)got : 0;
    }
    return got == 0;
}

static bool download(struct store *store, const char *bucket, const char *key, const char *path, struct error *error)
{
    struct store_reader *reader = open_reader(store, bucket, key, error);
    char *piece = reader != NULL ? memory_array(COPY_BYTES, 1, error) : NULL;
    bool good = false;

    if (piece != NULL) {
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

        good = fd >= 0 ? fetch(reader, fd, path, piece, error)
                       : error_set_errno(error, errno, "%s cannot be written", path);
        if (fd >= 0) {
            close(fd);
            if (!good) {
                file_remove(path, NULL);
            }
        }
    }
    memory_free(piece);
    close_reader(reader);
    return good;
}

static bool copy(struct store *store, const char *bucket, const char *key, const struct store_put *to,
                 struct error *error)
{
    struct local_port *port = port_of(store);
    struct arena *arena = arena_new(0, error);
    struct object source;
    struct object made;
    struct object_place place = {bucket, key, NULL};
    struct store_field header;
    struct object_put options = options_of(port, to, "ObjectCreated:Copy", &header);
    bool good = arena != NULL && object_head(port->local, &place, arena, &source, error);

    if (good && to->content_type == NULL && to->metadata_count == 0) {
        options.headers = source.headers;
        options.header_count = source.header_count;
        options.metadata = source.metadata;
        options.metadata_count = source.metadata_count;
    }
    good = good && object_copy(port->local, &place, NULL, NULL, &options, arena, &made, error);
    arena_free(arena);
    return good;
}

static bool delete_object(struct store *store, const char *bucket, const char *key, struct error *error)
{
    struct local_port *port = port_of(store);
    struct arena *arena = arena_new(0, error);
    struct object_delete delete = {.bucket = bucket, .key = key, .owner = port->owner};
    struct object_deleted deleted = {0};
    bool good = arena != NULL && object_delete(port->local, &delete, 1, arena, &deleted, error);

    if (good && !deleted.ok) {
        if (error != NULL) {
            *error = deleted.error;
        }
        good = false;
    }
    arena_free(arena);
    return good;
}

/* Objects and prefixes of a page, merged in the order of their bytes. */
static bool visit_page(const struct object_page *page,
                       bool (*visit)(void *context, const struct store_object *object, bool is_prefix,
                                     struct error *error),
                       void *context, struct error *error)
{
    size_t o = 0;
    size_t p = 0;

    while (o < page->object_count || p < page->prefix_count) {
        struct store_object told = {.version_id = "", .etag = "", .sha256 = "", .content_type = ""};
        bool prefix =
            o == page->object_count || (p < page->prefix_count && strcmp(page->prefixes[p], page->objects[o].key) < 0);

        if (prefix) {
            told.key = page->prefixes[p++];
        } else {
            tell(&page->objects[o++], &told);
        }
        if (!visit(context, &told, prefix, error)) {
            return false;
        }
    }
    return true;
}

static bool list(struct store *store, const char *bucket, const struct store_listing *listing,
                 bool (*visit)(void *context, const struct store_object *object, bool is_prefix, struct error *error),
                 void *context, struct error *error)
{
    struct arena *arenas[2] = {arena_new(0, error), NULL}; /* of the page, and of the one that the next key is from */
    const char *after = listing->start_after;
    struct object_page page = {.truncated = true};
    bool good = arenas[0] != NULL && (arenas[1] = arena_new(0, error)) != NULL;

    for (unsigned turn = 0; good && page.truncated; turn++) {
        struct object_listing asked = {.bucket = bucket,
                                       .prefix = listing->prefix,
                                       .delimiter = listing->delimiter,
                                       .after = after,
                                       .most = PAGE_KEYS};

        arena_reset(arenas[turn % 2]);
        good = object_list(port_of(store)->local, &asked, arenas[turn % 2], &page, error) &&
               visit_page(&page, visit, context, error);
        after = page.next_key;
    }
    arena_free(arenas[0]);
    arena_free(arenas[1]);
    return good;
}

static bool list_buckets(struct store *store,
                         bool (*visit)(void *context, const char *bucket, int64_t created_us, struct error *error),
                         void *context, struct error *error)
{
    struct local_port *port = port_of(store);
    struct arena *arena = arena_new(0, error);
    struct bucket *buckets = NULL;
    size_t count = 0;
    bool good = arena != NULL && bucket_list(port->local, arena, port->owner, &buckets, &count, error);

    for (size_t b = 0; good && b < count; b++) {
        good = visit(context, buckets[b].name, buckets[b].created_us, error);
    }
    arena_free(arena);
    return good;
}

static bool make_bucket(struct store *store, const char *bucket, struct error *error)
{
    struct local_port *port = port_of(store);
    struct bucket_create create = {.name = bucket, .owner = port->owner};
    struct error failure = {0};

    if (bucket_create(port->local, &create, &failure) ||
        (failure.name != NULL && strcmp(failure.name, "BucketAlreadyOwnedByYou") == 0)) {
        return true;
    }
    if (error != NULL) {
        *error = failure;
    }
    return false;
}

static bool remove_bucket(struct store *store, const char *bucket, struct error *error)
{
    return bucket_remove(port_of(store)->local, bucket, error);
}

static const char *presign(struct store *store, const char *method, const char *bucket, const char *key,
                           int64_t expires_seconds, struct arena *arena, struct error *error)
{
    (void)store;
    (void)method;
    (void)expires_seconds;
    (void)arena;
    error_set(error, ERROR_USAGE,
              "%s/%s lies in a data folder that no server is asked for: a URL needs the address of one", bucket, key);
    return NULL;
}

static const struct store_verbs verbs = {
    .free = free_port,
    .head = head,
    .open = open_reader,
    .reader_object = reader_object,
    .read = read_object,
    .close = close_reader,
    .create = create,
    .write = write_object,
    .finish = finish,
    .abandon = abandon,
    .upload = upload,
    .download = download,
    .copy = copy,
    .delete = delete_object,
    .list = list,
    .list_buckets = list_buckets,
    .make_bucket = make_bucket,
    .remove_bucket = remove_bucket,
    .presign = presign,
};

struct store *local_port(struct local_store *store, const char *owner, struct error *error)
{
    struct local_port *port = memory_zeroed(sizeof *port, error);

    if (port == NULL) {
        return NULL;
    }
    port->store.verbs = &verbs;
    port->local = store;
    snprintf(port->owner, sizeof port->owner, "%s", owner);
    return &port->store;
}
