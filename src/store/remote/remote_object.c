/* Objects as wholes: looking, copying, deleting, and URLs to them. */
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "base/clock.h"
#include "store/remote/remote_private.h"

/* Larger objects are copied in parts. */
#define MOST_COPY_BYTES (UINT64_C(5) << 30)
#define COPY_PART_BYTES (UINT64_C(512) << 20)

static bool take_metadata(const struct aws_response *response, struct arena *arena, struct store_object *object,
                          struct error *error)
{
    static const char prefix[] = "x-amz-meta-";
    struct store_field *fields = arena_take(arena, (response->header_count + 1) * sizeof *fields, error);
    if (!fields) return false;
    for (size_t i = 0; i < response->header_count; i++) {
        const struct sign_field *header = &response->headers[i];
        if (!str_starts_with(header->name, prefix)) continue;
        const char *name =
            arena_text(arena, header->name.data + sizeof prefix - 1, header->name.length - (sizeof prefix - 1), error);
        const char *value = name ? arena_text(arena, header->value.data, header->value.length, error) : NULL;
        if (!value) return false;
        fields[object->metadata_count++] = (struct store_field){name, value};
    }
    object->metadata = fields;
    return true;
}

/* SHA-256 of the whole object, where the server keeps one; "" else. */
static const char *sha256_of(const struct aws_response *response, struct arena *arena, struct error *error)
{
    const char *given = aws_response_header(response, "x-amz-checksum-sha256");
    uint8_t value[32];
    char hex[65];
    if (!given || !digest_from_base64(given, value, sizeof value)) return "";
    digest_hex(value, sizeof value, hex);
    return arena_text(arena, hex, 64, error);
}

static const char *header_or(const struct aws_response *response, const char *name, const char *fallback)
{
    const char *value = aws_response_header(response, name);
    return value ? value : fallback;
}

bool remote_object_of(const struct aws_response *response, const char *key, struct arena *arena,
                      struct store_object *object, struct error *error)
{
    const char *length = header_or(response, "content-length", "0"),
               *range = aws_response_header(response, "content-range");
    const char *total = range ? strrchr(range, '/') : NULL;
    const char *version = header_or(response, "x-amz-version-id", ""), *type = header_or(response, "content-type", "");
    time_t modified = curl_getdate(header_or(response, "last-modified", ""), NULL);
    *object = (struct store_object){.key = arena_text(arena, key, strlen(key), error),
                                    .version_id = arena_text(arena, version, strlen(version), error),
                                    .size_bytes = strtoull(total ? total + 1 : length, NULL, 10),
                                    .modified_us = modified < 0 ? 0 : (int64_t)modified * 1000000,
                                    .etag = remote_etag(header_or(response, "etag", ""), arena, error),
                                    .sha256 = sha256_of(response, arena, error),
                                    .content_type = arena_text(arena, type, strlen(type), error)};
    return object->key && object->version_id && object->etag && object->sha256 && object->content_type &&
           take_metadata(response, arena, object, error);
}

bool remote_head(struct store *store, const char *bucket, const char *key, struct arena *arena,
                 struct store_object *object, struct error *error)
{
    struct remote_call call = {.method = "HEAD", .bucket = bucket, .key = key};
    struct aws_response response;
    remote_header(&call, "x-amz-checksum-mode", "ENABLED");
    bool good = remote_send(remote_of(store), &call, &response, error) &&
                remote_object_of(&response, key, arena, object, error);
    aws_response_free(&response);
    return good;
}

bool remote_has(struct remote *remote, const char *bucket, const char *key, const char *etag)
{
    struct error ignored;
    struct store_object object;
    struct arena *arena = arena_new(0, &ignored);
    bool has =
        arena && remote_head(&remote->store, bucket, key, arena, &object, &ignored) && strcmp(object.etag, etag) == 0;
    if (arena) arena_free(arena);
    return has;
}

bool remote_put_headers(struct remote_call *call, const struct store_put *put, struct arena *arena, struct error *error)
{
    remote_header(call, "content-type", put->content_type ? put->content_type : "application/octet-stream");
    for (size_t i = 0; i < put->metadata_count; i++) {
        const char *name = arena_format(arena, error, "x-amz-meta-%s", put->metadata[i].name);
        if (!name) return false;
        remote_header(call, name, put->metadata[i].value);
    }
    return true;
}

bool remote_put_conditions(struct remote_call *call, const struct store_put *put, struct arena *arena,
                           struct error *error)
{
    const char *match = put->if_match ? arena_format(arena, error, "\"%s\"", put->if_match) : NULL;
    if (put->if_match && !match) return false;
    remote_header(call, "if-match", match);
    remote_header(call, "if-none-match", put->only_if_absent ? "*" : NULL);
    return true;
}

bool remote_object_made(const struct store_put *put, const struct aws_response *response, const char *etag,
                        uint64_t size_bytes, struct arena *arena, struct store_object *object, struct error *error)
{
    const char *type = put->content_type ? put->content_type : "application/octet-stream";
    struct store_field *fields = arena_take(arena, (put->metadata_count + 1) * sizeof *fields, error);
    if (!fields || !remote_object_of(response, put->key, arena, object, error)) return false;
    for (size_t i = 0; i < put->metadata_count; i++) {
        const struct store_field *field = &put->metadata[i];
        const char *name = arena_text(arena, field->name, strlen(field->name), error);
        const char *value = name ? arena_text(arena, field->value, strlen(field->value), error) : NULL;
        if (!value) return false;
        fields[i] = (struct store_field){name, value};
    }
    if (etag) object->etag = remote_etag(etag, arena, error);
    if (object->modified_us == 0) object->modified_us = clock_now_us();
    object->content_type = arena_text(arena, type, strlen(type), error);
    object->size_bytes = size_bytes;
    object->metadata = fields;
    object->metadata_count = put->metadata_count;
    return object->etag && object->content_type;
}

/* A copy keeps the type and metadata of its source unless it is given others. */
static bool copy_at_once(struct remote *remote, const char *source, const char *etag, const struct store_put *to,
                         struct arena *arena, struct error *error)
{
    struct remote_call call = {.method = "PUT", .bucket = to->bucket, .key = to->key, .error_body = true};
    bool anew = to->content_type || to->metadata_count > 0;
    const char *match = arena_format(arena, error, "\"%s\"", etag);
    if (!match) return false;
    remote_header(&call, "x-amz-copy-source", source);
    remote_header(&call, "x-amz-copy-source-if-match", match);
    remote_header(&call, "x-amz-metadata-directive", anew ? "REPLACE" : "COPY");
    struct aws_response response;
    if ((anew && !remote_put_headers(&call, to, arena, error)) || !remote_put_conditions(&call, to, arena, error)) {
        return false;
    }
    bool good = remote_send(remote, &call, &response, error);
    aws_response_free(&response);
    return good;
}

static bool copy_in_parts(struct remote *remote, const char *source, const struct store_object *object,
                          const struct store_put *to, struct arena *arena, struct error *error)
{
    bool anew = to->content_type || to->metadata_count > 0;
    struct store_put put = *to;
    struct store_object made;
    if (!anew) {
        put.content_type = *object->content_type ? object->content_type : NULL;
        put.metadata = object->metadata;
        put.metadata_count = object->metadata_count;
    }
    struct remote_upload *upload = remote_upload_begin(remote, &put, true, error);
    bool good = upload != NULL;
    for (uint64_t at = 0; good && at < object->size_bytes; at += COPY_PART_BYTES) {
        uint64_t left = object->size_bytes - at;
        good = remote_upload_copy(upload, source, object->etag, at, left < COPY_PART_BYTES ? left : COPY_PART_BYTES,
                                  error);
    }
    good = good && remote_upload_finish(upload, arena, &made, error);
    if (upload) remote_upload_end(upload);
    return good;
}

bool remote_copy(struct store *store, const char *bucket, const char *key, const struct store_put *to,
                 struct error *error)
{
    struct remote *remote = remote_of(store);
    struct store_object object;
    struct arena *arena = arena_new(0, error);
    if (!arena) return false;
    const char *encoded = sign_encode(str_of(key), true, arena, error);
    const char *source = encoded ? arena_format(arena, error, "/%s/%s", bucket, encoded) : NULL;
    bool good = source && remote_head(store, bucket, key, arena, &object, error) &&
                (object.size_bytes > MOST_COPY_BYTES ? copy_in_parts(remote, source, &object, to, arena, error)
                                                     : copy_at_once(remote, source, object.etag, to, arena, error));
    arena_free(arena);
    return good;
}

bool remote_delete(struct store *store, const char *bucket, const char *key, struct error *error)
{
    struct remote_call call = {.method = "DELETE", .bucket = bucket, .key = key};
    struct aws_response response;
    struct error own = {0};
    bool good = remote_send(remote_of(store), &call, &response, &own);
    aws_response_free(&response);
    if (!good && own.name && strcmp(own.name, "NoSuchKey") == 0) return true;
    if (!good && error) *error = own;
    return good;
}

const char *remote_presign(struct store *store, const char *method, const char *bucket, const char *key,
                           int64_t expires_seconds, struct arena *arena, struct error *error)
{
    struct remote *remote = remote_of(store);
    const char *host_prefix = NULL, *path = NULL;
    if (!remote_place(remote, bucket, key, arena, &host_prefix, &path, error)) return NULL;
    return aws_client_presign(remote->client, method, host_prefix, path, "", expires_seconds, arena, error);
}
