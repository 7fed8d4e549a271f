/* Uploads in parts. Source: Amazon S3 User Guide, "Uploading and copying objects using multipart upload". */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "store/remote/remote_private.h"

#define READ_STEP_BYTES ((size_t)256 << 10)

struct sent_part {
    char etag[80];
    uint8_t crc[8];
    uint64_t size_bytes;
};

struct remote_upload {
    struct remote *remote;
    const struct store_put *put;
    struct arena *arena;
    struct team *team; /* of the first parts on */
    const char *id;    /* encoded for a query */
    struct sent_part *parts;
    size_t count, capacity;
    bool copied;
    bool finished;
    const struct remote_part *sending; /* while a team is at it */
};

static bool digest_file(const struct remote_part *part, struct digest *digest, struct error *error)
{
    char *block = memory_array(1, READ_STEP_BYTES, error);
    bool good = block != NULL;
    for (uint64_t at = 0; good && at < part->size_bytes;) {
        size_t wanted = part->size_bytes - at < READ_STEP_BYTES ? (size_t)(part->size_bytes - at) : READ_STEP_BYTES;
        ssize_t got = file_read_at(part->fd, block, wanted, part->offset + at, "the file to send", error);
        if (got >= 0 && (size_t)got < wanted) {
            error_set(error, ERROR_CONFLICT, "the file became shorter while it was sent: send it again");
        }
        good = got == (ssize_t)wanted && digest_add(digest, block, wanted, error);
        at += wanted;
    }
    memory_free(block);
    return good;
}

struct digest *remote_part_digest(const struct remote_part *part, unsigned kinds, struct error *error)
{
    struct digest *digest = digest_new(kinds, error);
    bool good = digest && (part->bytes || part->size_bytes == 0
                               ? part->size_bytes == 0 || digest_add(digest, part->bytes, part->size_bytes, error)
                               : digest_file(part, digest, error));
    if (good) return digest;
    if (digest) digest_free(digest);
    return NULL;
}

bool remote_part_body(const struct remote *remote, const struct remote_part *part, struct remote_call *call,
                      uint8_t crc[8], struct arena *arena, struct error *error)
{
    bool hashed = !aws_client_is_tls(remote->client);
    unsigned kinds = 1u << DIGEST_CRC64NVME | (hashed ? 1u << DIGEST_SHA256 : 0);
    uint8_t value[DIGEST_MAX_BYTES];
    struct digest *digest = remote_part_digest(part, kinds, error);
    char *hex = arena_take(arena, 65, error), *base64 = arena_take(arena, 16, error);
    bool good = digest && hex && base64 && digest_value(digest, DIGEST_CRC64NVME, value, error);
    if (good) {
        memcpy(crc, value, 8);
        digest_base64(value, 8, base64);
        good = !hashed || digest_value(digest, DIGEST_SHA256, value, error);
    }
    if (good) {
        digest_hex(value, 32, hex);
        remote_header(call, "x-amz-checksum-crc64nvme", base64);
        call->payload_hash = hashed ? hex : SIGN_UNSIGNED;
        call->body = part->bytes;
        call->body_bytes = part->size_bytes;
        call->body_fd = part->fd;
        call->body_offset = part->offset;
    }
    if (digest) digest_free(digest);
    return good;
}

static bool begin(struct remote_upload *upload, struct error *error)
{
    const struct store_put *put = upload->put;
    struct remote_call call = {.method = "POST", .bucket = put->bucket, .key = put->key, .query = "uploads="};
    if (!remote_put_headers(&call, put, upload->arena, error)) return false;
    if (!upload->copied) {
        remote_header(&call, "x-amz-checksum-algorithm", "CRC64NVME");
        remote_header(&call, "x-amz-checksum-type", "FULL_OBJECT");
    }
    struct aws_response response;
    bool good = remote_send(upload->remote, &call, &response, error);
    const struct xml_element *root =
        good ? remote_xml(upload->remote, &response, "InitiateMultipartUploadResult", error) : NULL;
    if (root) upload->id = sign_encode(str_of(xml_text(root, "UploadId", "")), false, upload->arena, error);
    aws_response_free(&response);
    return upload->id != NULL;
}

struct remote_upload *remote_upload_begin(struct remote *remote, const struct store_put *put, bool copied,
                                          struct error *error)
{
    struct remote_upload *upload = memory_zeroed(sizeof *upload, error);
    if (!upload) return NULL;
    *upload = (struct remote_upload){.remote = remote, .put = put, .copied = copied, .arena = arena_new(0, error)};
    if (upload->arena && begin(upload, error)) return upload;
    remote_upload_end(upload);
    return NULL;
}

/* Room for more parts, whose number S3 limits. */
static bool reserve(struct remote_upload *upload, size_t more, struct error *error)
{
    size_t needed = upload->count + more;
    if (needed > REMOTE_MOST_PARTS) {
        return error_set(error, ERROR_LIMIT, "s3://%s/%s is larger than %d parts hold: write it from a file",
                         upload->put->bucket, upload->put->key, REMOTE_MOST_PARTS);
    }
    if (needed <= upload->capacity) return true;
    size_t capacity = upload->capacity ? upload->capacity * 2 : 64;
    if (capacity < needed) capacity = needed;
    struct sent_part *grown = memory_resize(upload->parts, capacity, sizeof *grown, error);
    if (!grown) return false;
    upload->parts = grown;
    upload->capacity = capacity;
    return true;
}

static bool keep_etag(struct sent_part *sent, const char *etag, size_t number, struct error *error)
{
    size_t length = etag ? strlen(etag) : 0;
    if (length == 0 || length >= sizeof sent->etag) {
        return error_set(error, ERROR_INVALID, "part %zu was taken without an ETag: is it an S3 server?", number);
    }
    memcpy(sent->etag, etag, length + 1);
    return true;
}

static const char *part_query(const struct remote_upload *upload, size_t number, struct arena *arena,
                              struct error *error)
{
    return arena_format(arena, error, "partNumber=%zu&uploadId=%s", number, upload->id);
}

static bool send_part(void *context, size_t index, unsigned worker, struct error *error)
{
    (void)worker;
    struct remote_upload *upload = context;
    size_t place = upload->count + index;
    struct sent_part *sent = &upload->parts[place];
    struct arena *arena = arena_new(0, error);
    if (!arena) return false;
    struct remote_call call = {.method = "PUT",
                               .bucket = upload->put->bucket,
                               .key = upload->put->key,
                               .query = part_query(upload, place + 1, arena, error)};
    struct aws_response response = {0};
    bool good = call.query &&
                remote_part_body(upload->remote, &upload->sending[index], &call, sent->crc, arena, error) &&
                remote_send(upload->remote, &call, &response, error) &&
                keep_etag(sent, aws_response_header(&response, "etag"), place + 1, error);
    sent->size_bytes = upload->sending[index].size_bytes;
    aws_response_free(&response);
    arena_free(arena);
    return good;
}

bool remote_upload_send(struct remote_upload *upload, const struct remote_part *parts, size_t count,
                        struct error *error)
{
    if (!reserve(upload, count, error)) return false;
    if (!upload->team && count > 1) upload->team = team_new(upload->remote->parallel, error);
    if (!upload->team && count > 1) return false;
    upload->sending = parts;
    bool good = count > 1 ? team_run(upload->team, count, send_part, upload, error)
                          : count == 0 || send_part(upload, 0, 0, error);
    upload->sending = NULL;
    if (good) upload->count += count;
    return good;
}

bool remote_upload_copy(struct remote_upload *upload, const char *source, const char *etag, uint64_t offset,
                        uint64_t size_bytes, struct error *error)
{
    if (!reserve(upload, 1, error)) return false;
    struct sent_part *sent = &upload->parts[upload->count];
    *sent = (struct sent_part){0};
    char range[64], match[96];
    snprintf(range, sizeof range, "bytes=%llu-%llu", (unsigned long long)offset,
             (unsigned long long)(offset + size_bytes - 1));
    snprintf(match, sizeof match, "\"%s\"", etag);
    struct remote_call call = {.method = "PUT",
                               .bucket = upload->put->bucket,
                               .key = upload->put->key,
                               .query = part_query(upload, upload->count + 1, upload->arena, error),
                               .error_body = true};
    remote_header(&call, "x-amz-copy-source", source);
    remote_header(&call, "x-amz-copy-source-range", range);
    remote_header(&call, "x-amz-copy-source-if-match", match);
    struct aws_response response = {0};
    bool good = call.query && remote_send(upload->remote, &call, &response, error);
    const struct xml_element *root = good ? remote_xml(upload->remote, &response, "CopyPartResult", error) : NULL;
    good = root && keep_etag(sent, xml_text(root, "ETag", ""), upload->count + 1, error);
    sent->size_bytes = size_bytes;
    if (good) upload->count++;
    aws_response_free(&response);
    return good;
}

static void list_parts(const struct remote_upload *upload, struct buffer *body)
{
    xml_open_root(body, "CompleteMultipartUpload");
    for (size_t i = 0; i < upload->count; i++) {
        const struct sent_part *part = &upload->parts[i];
        char base64[16];
        digest_base64(part->crc, sizeof part->crc, base64);
        xml_open(body, "Part");
        if (!upload->copied) xml_leaf_text(body, "ChecksumCRC64NVME", base64);
        xml_leaf_text(body, "ETag", part->etag);
        xml_leaf_number(body, "PartNumber", (int64_t)i + 1);
        xml_close(body, "Part");
    }
    xml_close(body, "CompleteMultipartUpload");
}

/* The checksum of all parts as one, and how long they are. */
static bool join_parts(const struct remote_upload *upload, uint8_t crc[8], uint64_t *size_bytes, struct error *error)
{
    *size_bytes = upload->parts[0].size_bytes;
    memcpy(crc, upload->parts[0].crc, 8);
    for (size_t i = 1; i < upload->count; i++) {
        const struct sent_part *part = &upload->parts[i];
        uint8_t joined[8];
        if (!digest_join(DIGEST_CRC64NVME, crc, part->crc, part->size_bytes, joined, error)) return false;
        memcpy(crc, joined, 8);
        *size_bytes += part->size_bytes;
    }
    return true;
}

/* The ETag that S3 gives an object of parts: the MD5 of their MD5s, which their own ETags are. "" when they are not. */
static bool etag_of_parts(const struct remote_upload *upload, char etag[64], struct error *error)
{
    struct digest *digest = digest_new(1u << DIGEST_MD5, error);
    bool good = digest != NULL, plain = true;
    uint8_t md5[DIGEST_MAX_BYTES];
    char hex[33], first[33];
    for (size_t i = 0; good && plain && i < upload->count; i++) {
        const char *text = upload->parts[i].etag + (upload->parts[i].etag[0] == '"');
        memcpy(first, text, 32);
        first[32] = '\0';
        plain = strlen(text) >= 32 && digest_from_hex(first, md5, 16);
        good = !plain || digest_add(digest, md5, 16, error);
    }
    good = good && digest_value(digest, DIGEST_MD5, md5, error);
    if (good) {
        digest_hex(md5, 16, hex);
        snprintf(etag, 64, "%s-%zu", plain ? hex : "", upload->count);
    }
    if (digest) digest_free(digest);
    return good;
}

/* Whether the completion took place though the answer that said so was lost. */
static bool completed_before(struct remote_upload *upload, const struct error *why, unsigned attempts)
{
    struct error ignored;
    char etag[64];
    bool lost = attempts > 1 && why->name &&
                (strcmp(why->name, "NoSuchUpload") == 0 || strcmp(why->name, "PreconditionFailed") == 0);
    return lost && etag_of_parts(upload, etag, &ignored) &&
           remote_has(upload->remote, upload->put->bucket, upload->put->key, etag);
}

static bool complete(struct remote_upload *upload, const struct buffer *body, struct arena *arena,
                     struct store_object *object, struct error *error)
{
    const struct store_put *put = upload->put;
    uint8_t crc[8];
    uint64_t size_bytes = 0;
    if (!join_parts(upload, crc, &size_bytes, error)) return false;
    char base64[16], size[24];
    digest_base64(crc, sizeof crc, base64);
    snprintf(size, sizeof size, "%llu", (unsigned long long)size_bytes);
    struct remote_call call = {.method = "POST",
                               .bucket = put->bucket,
                               .key = put->key,
                               .query = arena_format(arena, error, "uploadId=%s", upload->id),
                               .body = body->data,
                               .body_bytes = body->length,
                               .error_body = true};
    if (!upload->copied) {
        remote_header(&call, "x-amz-checksum-crc64nvme", base64);
        remote_header(&call, "x-amz-checksum-type", "FULL_OBJECT");
    }
    remote_header(&call, "x-amz-mp-object-size", size);
    struct aws_response response = {0};
    struct error own = {0};
    if (!call.query || !remote_put_conditions(&call, put, arena, error)) return false;
    bool good = remote_send(upload->remote, &call, &response, &own), found = false;
    const struct xml_element *root =
        good ? remote_xml(upload->remote, &response, "CompleteMultipartUploadResult", &own) : NULL;
    if (!good) found = completed_before(upload, &own, response.attempts);
    upload->finished = good || found;
    good = root ? remote_object_made(put, &response, xml_text(root, "ETag", ""), size_bytes, arena, object, &own)
                : found && remote_head(&upload->remote->store, put->bucket, put->key, arena, object, &own);
    if (!good && error) *error = own;
    aws_response_free(&response);
    return good;
}

bool remote_upload_finish(struct remote_upload *upload, struct arena *arena, struct store_object *object,
                          struct error *error)
{
    struct buffer body __attribute__((cleanup(buffer_free))) = {0};
    list_parts(upload, &body);
    return buffer_check(&body, error) && complete(upload, &body, arena, object, error);
}

static void abort_upload(struct remote_upload *upload)
{
    struct error error = {0};
    struct aws_response response = {0};
    struct remote_call call = {.method = "DELETE",
                               .bucket = upload->put->bucket,
                               .key = upload->put->key,
                               .query = arena_format(upload->arena, &error, "uploadId=%s", upload->id)};
    if (!call.query || !remote_send(upload->remote, &call, &response, &error)) {
        log_event(LOG_WARN, "upload_not_aborted", "bucket", "s", call.bucket, "key", "s", call.key, "problem", "s",
                  error.message, NULL);
    }
    aws_response_free(&response);
}

void remote_upload_end(struct remote_upload *upload)
{
    if (upload->id && !upload->finished) abort_upload(upload);
    if (upload->team) team_free(upload->team);
    if (upload->arena) arena_free(upload->arena);
    memory_free(upload->parts);
    memory_free(upload);
}
