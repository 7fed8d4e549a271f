/* Writing objects: from memory as it comes, and from files. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "store/remote/remote_private.h"

/* Parts of a stream, whose length nobody knows, become twice as large every so many. */
#define PARTS_BEFORE_DOUBLING 2000

struct remote_writer {
    struct store_writer writer;
    struct remote *remote;
    struct arena *arena;
    struct store_put put;
    struct remote_upload *upload; /* once it is more than one part */
    struct buffer *slots;         /* as many as go at once */
    unsigned used;                /* full ones; the next one is being filled */
    size_t sent;
};

/* Whether a conditional put took place though the answer that said so was lost. */
static bool put_before(struct remote *remote, const struct store_put *put, const struct remote_part *part,
                       const struct error *why, unsigned attempts)
{
    struct error ignored;
    uint8_t md5[DIGEST_MAX_BYTES];
    char hex[33];
    bool lost = attempts > 1 && why->name && strcmp(why->name, "PreconditionFailed") == 0;
    struct digest *digest = lost ? remote_part_digest(part, 1u << DIGEST_MD5, &ignored) : NULL;
    bool good = digest && digest_value(digest, DIGEST_MD5, md5, &ignored);
    if (good) digest_hex(md5, 16, hex);
    if (digest) digest_free(digest);
    return good && remote_has(remote, put->bucket, put->key, hex);
}

static bool put_at_once(struct remote *remote, const struct store_put *put, const struct remote_part *part,
                        struct arena *arena, struct store_object *object, struct error *error)
{
    struct remote_call call = {.method = "PUT", .bucket = put->bucket, .key = put->key};
    struct aws_response response = {0};
    struct error own = {0};
    uint8_t crc[8];
    if (!remote_put_headers(&call, put, arena, error) || !remote_put_conditions(&call, put, arena, error) ||
        !remote_part_body(remote, part, &call, crc, arena, error)) {
        return false;
    }
    bool sent = remote_send(remote, &call, &response, &own), good = false;
    if (sent) {
        good = remote_object_made(put, &response, NULL, part->size_bytes, arena, object, &own);
    } else if (put_before(remote, put, part, &own, response.attempts)) {
        good = remote_head(&remote->store, put->bucket, put->key, arena, object, &own);
    }
    if (!good && error) *error = own;
    aws_response_free(&response);
    return good;
}

static bool copy_put(struct remote_writer *writer, const struct store_put *put, struct error *error)
{
    struct arena *arena = writer->arena;
    writer->put = *put;
    const char **texts[] = {&writer->put.bucket, &writer->put.key, &writer->put.content_type, &writer->put.if_match};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (*texts[i]) *texts[i] = arena_text(arena, *texts[i], strlen(*texts[i]), error);
    }
    struct store_field *fields = arena_take(arena, (put->metadata_count + 1) * sizeof *fields, error);
    for (size_t i = 0; fields && i < put->metadata_count; i++) {
        fields[i].name = arena_text(arena, put->metadata[i].name, strlen(put->metadata[i].name), error);
        fields[i].value = arena_text(arena, put->metadata[i].value, strlen(put->metadata[i].value), error);
        if (!fields[i].name || !fields[i].value) return false;
    }
    writer->put.metadata = fields;
    return fields && writer->put.bucket && writer->put.key && !put->content_type == !writer->put.content_type &&
           !put->if_match == !writer->put.if_match;
}

struct store_writer *remote_create(struct store *store, const struct store_put *put, struct error *error)
{
    struct remote *remote = remote_of(store);
    struct remote_writer *writer = memory_zeroed(sizeof *writer, error);
    if (!writer) return NULL;
    writer->writer.verbs = store->verbs;
    writer->remote = remote;
    writer->arena = arena_new(0, error);
    writer->slots = memory_zeroed(remote->parallel * sizeof *writer->slots, error);
    if (writer->arena && writer->slots && copy_put(writer, put, error)) return &writer->writer;
    remote_abandon(&writer->writer);
    return NULL;
}

/* Sends the slots that are full, and the one that is being filled with `rest`. */
static bool send_slots(struct remote_writer *writer, bool rest, struct error *error)
{
    struct remote_part parts[64];
    size_t count = 0;
    if (!writer->upload) writer->upload = remote_upload_begin(writer->remote, &writer->put, false, error);
    if (!writer->upload) return false;
    for (unsigned i = 0; i < writer->used + rest; i++) {
        const struct buffer *slot = &writer->slots[i];
        if (slot->length > 0) parts[count++] = (struct remote_part){.bytes = slot->data, .size_bytes = slot->length};
    }
    bool good = remote_upload_send(writer->upload, parts, count, error);
    for (unsigned i = 0; i < writer->remote->parallel; i++) buffer_clear(&writer->slots[i]);
    writer->used = 0;
    writer->sent += count;
    return good;
}

bool remote_write(struct store_writer *given, const void *data, size_t size, struct error *error)
{
    struct remote_writer *writer = (struct remote_writer *)given;
    const char *from = data;
    while (size > 0) {
        struct buffer *slot = &writer->slots[writer->used];
        uint64_t full = writer->remote->part_bytes << (writer->sent / PARTS_BEFORE_DOUBLING);
        size_t piece = full - slot->length < size ? (size_t)(full - slot->length) : size;
        buffer_append(slot, from, piece);
        if (!buffer_check(slot, error)) return false;
        from += piece;
        size -= piece;
        if (slot->length == full) writer->used++;
        if (writer->used == writer->remote->parallel && !send_slots(writer, false, error)) return false;
    }
    return true;
}

bool remote_finish(struct store_writer *given, struct arena *arena, struct store_object *object, struct error *error)
{
    struct remote_writer *writer = (struct remote_writer *)given;
    if (!writer->upload && writer->used == 0) {
        const struct buffer *slot = &writer->slots[0];
        struct remote_part part = {.bytes = slot->data, .size_bytes = slot->length};
        return put_at_once(writer->remote, &writer->put, &part, arena, object, error);
    }
    return send_slots(writer, true, error) && remote_upload_finish(writer->upload, arena, object, error);
}

void remote_abandon(struct store_writer *given)
{
    struct remote_writer *writer = (struct remote_writer *)given;
    if (writer->upload) remote_upload_end(writer->upload);
    for (unsigned i = 0; writer->slots && i < writer->remote->parallel; i++) buffer_free(&writer->slots[i]);
    memory_free(writer->slots);
    if (writer->arena) arena_free(writer->arena);
    memory_free(writer);
}

static bool send_file(struct remote_upload *upload, int fd, uint64_t size_bytes, uint64_t part_bytes,
                      struct error *error)
{
    size_t count = (size_t)((size_bytes + part_bytes - 1) / part_bytes);
    struct remote_part *parts = memory_array(count, sizeof *parts, error);
    if (!parts) return false;
    for (size_t i = 0; i < count; i++) {
        uint64_t at = i * part_bytes, left = size_bytes - at;
        parts[i] = (struct remote_part){.fd = fd, .offset = at, .size_bytes = left < part_bytes ? left : part_bytes};
    }
    bool good = remote_upload_send(upload, parts, count, error);
    memory_free(parts);
    return good;
}

/* What is sent must be the file of one moment. */
static bool is_unchanged(int fd, const struct stat *before, const char *path, struct error *error)
{
    struct stat now;
    if (fstat(fd, &now) != 0) return error_set_errno(error, errno, "%s cannot be examined", path);
    return (now.st_size == before->st_size && now.st_mtim.tv_sec == before->st_mtim.tv_sec &&
            now.st_mtim.tv_nsec == before->st_mtim.tv_nsec) ||
           error_set(error, ERROR_CONFLICT, "%s changed while it was sent: send it again when it is complete", path);
}

static bool upload_in_parts(struct remote *remote, const struct store_put *put, int fd, const struct stat *status,
                            const char *path, struct error *error)
{
    uint64_t size_bytes = (uint64_t)status->st_size, part_bytes = remote->part_bytes, step = UINT64_C(1) << 20;
    uint64_t least = (size_bytes + REMOTE_MOST_PARTS - 1) / REMOTE_MOST_PARTS;
    if (part_bytes < least) part_bytes = (least + step - 1) / step * step;
    struct store_object object;
    struct arena *arena = arena_new(0, error);
    struct remote_upload *upload = arena ? remote_upload_begin(remote, put, false, error) : NULL;
    bool good = upload && send_file(upload, fd, size_bytes, part_bytes, error) &&
                is_unchanged(fd, status, path, error) && remote_upload_finish(upload, arena, &object, error);
    if (upload) remote_upload_end(upload);
    if (arena) arena_free(arena);
    return good;
}

static bool upload_at_once(struct remote *remote, const struct store_put *put, int fd, const struct stat *status,
                           struct error *error)
{
    struct store_object object;
    struct remote_part part = {.fd = fd, .size_bytes = (uint64_t)status->st_size};
    struct arena *arena = arena_new(0, error);
    bool good = arena && put_at_once(remote, put, &part, arena, &object, error);
    if (arena) arena_free(arena);
    return good;
}

bool remote_upload_file(struct store *store, const struct store_put *put, const char *path, struct error *error)
{
    struct remote *remote = remote_of(store);
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return error_set_errno(error, errno, "%s cannot be opened", path);
    bool good = fstat(fd, &status) == 0 || error_set_errno(error, errno, "%s cannot be examined", path);
    if (good && !S_ISREG(status.st_mode)) good = error_set(error, ERROR_INVALID, "%s is not a regular file", path);
    good = good &&
           ((uint64_t)status.st_size <= remote->part_bytes ? upload_at_once(remote, put, fd, &status, error)
                                                           : upload_in_parts(remote, put, fd, &status, path, error));
    close(fd);
    return good;
}
