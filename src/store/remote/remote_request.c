#include <stdio.h>
#include <string.h>
#include <time.h>

#include "store/remote/remote_private.h"

/* What S3's names mean here. Source: Amazon S3 API Reference, "Error responses". */
struct failure {
    const char *name;
    enum error_code code;
};

static const struct failure failures[] = {
    {"AccessDenied", ERROR_DENIED},
    {"AuthorizationHeaderMalformed", ERROR_DENIED},
    {"BadDigest", ERROR_INVALID},
    {"BucketAlreadyExists", ERROR_CONFLICT},
    {"BucketAlreadyOwnedByYou", ERROR_CONFLICT},
    {"BucketNotEmpty", ERROR_CONFLICT},
    {"ConditionalRequestConflict", ERROR_CONFLICT},
    {"EntityTooLarge", ERROR_LIMIT},
    {"EntityTooSmall", ERROR_INVALID},
    {"ExpiredToken", ERROR_DENIED},
    {"IncompleteBody", ERROR_INVALID},
    {"InternalError", ERROR_IO},
    {"InvalidAccessKeyId", ERROR_DENIED},
    {"InvalidArgument", ERROR_INVALID},
    {"InvalidBucketName", ERROR_INVALID},
    {"InvalidObjectState", ERROR_CONFLICT},
    {"InvalidPart", ERROR_INVALID},
    {"InvalidPartOrder", ERROR_INVALID},
    {"InvalidRange", ERROR_INVALID},
    {"InvalidRequest", ERROR_INVALID},
    {"InvalidToken", ERROR_DENIED},
    {"KeyTooLongError", ERROR_INVALID},
    {"MalformedXML", ERROR_INVALID},
    {"MethodNotAllowed", ERROR_INVALID},
    {"NoSuchBucket", ERROR_NOT_FOUND},
    {"NoSuchKey", ERROR_NOT_FOUND},
    {"NoSuchUpload", ERROR_NOT_FOUND},
    {"NoSuchVersion", ERROR_NOT_FOUND},
    {"NotImplemented", ERROR_INVALID},
    {"OperationAborted", ERROR_CONFLICT},
    {"PermanentRedirect", ERROR_INVALID},
    {"PreconditionFailed", ERROR_CONFLICT},
    {"RequestTimeTooSkewed", ERROR_DENIED},
    {"RequestTimeout", ERROR_IO},
    {"ServiceUnavailable", ERROR_LIMIT},
    {"SignatureDoesNotMatch", ERROR_DENIED},
    {"SlowDown", ERROR_LIMIT},
    {"XAmzContentSHA256Mismatch", ERROR_INVALID},
};

static const struct failure *failure_named(const char *name)
{
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        if (strcmp(failures[i].name, name) == 0) return &failures[i];
    }
    return NULL;
}

/* The name of a failure that came without one, such as every answer to HEAD. */
static const char *name_of_status(int status, bool key)
{
    switch (status) {
    case 403:
        return "AccessDenied";
    case 404:
        return key ? "NoSuchKey" : "NoSuchBucket";
    case 412:
        return "PreconditionFailed";
    case 416:
        return "InvalidRange";
    case 503:
        return "SlowDown";
    default:
        return "";
    }
}

static enum error_code code_of_status(int status)
{
    switch (status) {
    case 401:
    case 403:
        return ERROR_DENIED;
    case 404:
        return ERROR_NOT_FOUND;
    case 409:
    case 412:
        return ERROR_CONFLICT;
    case 413:
    case 429:
    case 503:
        return ERROR_LIMIT;
    default:
        return status >= 500 ? ERROR_IO : ERROR_INVALID;
    }
}

static bool report(const struct remote *remote, const struct remote_call *call, const struct aws_response *response,
                   struct error *error)
{
    struct error ignored;
    const char *slash = call->key ? "/" : "", *key = call->key ? call->key : "";
    const char *bucket = call->bucket ? call->bucket : "";
    const struct xml_element *root =
        response->body.length > 0 ? xml_read(response->body.data, response->body.length, response->arena, &ignored)
                                  : NULL;
    const char *given = root ? xml_text(root, "Code", "") : "", *message = root ? xml_text(root, "Message", "") : "";
    const char *name = *given ? given : name_of_status(response->status, call->key != NULL);
    const struct failure *known = failure_named(name);
    const char *region = aws_response_header(response, "x-amz-bucket-region");
    const char *own_region = aws_client_region(remote->client);
    bool elsewhere = region && strcmp(region, own_region) != 0;
    return error_set_named(error, known ? known->code : code_of_status(response->status), known ? known->name : NULL,
                           "%s s3://%s%s%s at %s: HTTP %d%s%s%s%s%s%s%s", call->method, bucket, slash, key,
                           aws_client_endpoint(remote->client), response->status, *name ? " " : "", name,
                           *message ? ": " : "", message, elsewhere ? "; the bucket is in the region " : "",
                           elsewhere ? region : "", elsewhere ? ": set AWS_REGION to it" : "");
}

void remote_header(struct remote_call *call, const char *name, const char *value)
{
    if (!value) return;
    if (call->header_count < REMOTE_MOST_HEADERS) {
        call->headers[call->header_count] = (struct sign_field){str_of(name), str_of(value)};
    }
    call->header_count++;
}

bool remote_place(const struct remote *remote, const char *bucket, const char *key, struct arena *arena,
                  const char **host_prefix, const char **path, struct error *error)
{
    /* A certificate of *.HOST does not stand for names with dots. */
    bool by_host = bucket && remote->virtual_host && (!aws_client_is_tls(remote->client) || !strchr(bucket, '.'));
    const char *first = bucket && !by_host ? sign_encode(str_of(bucket), false, arena, error) : "";
    const char *second = first && key ? sign_encode(str_of(key), true, arena, error) : "";
    *host_prefix = by_host ? bucket : NULL;
    *path = first && second ? arena_format(arena, error, "/%s%s%s", first, key && *first ? "/" : "", second) : NULL;
    return *path != NULL;
}

void remote_query(struct buffer *query, const char *name, const char *value, struct arena *arena, struct error *error)
{
    const char *encoded = sign_encode(str_of(value), false, arena, error);
    query->failed |= !encoded;
    buffer_append_format(query, "%s%s=%s", query->length > 0 ? "&" : "", name, encoded ? encoded : "");
}

bool remote_send(struct remote *remote, const struct remote_call *call, struct aws_response *response,
                 struct error *error)
{
    *response = (struct aws_response){0};
    if (call->header_count > REMOTE_MOST_HEADERS) {
        return error_set(error, ERROR_LIMIT, "s3://%s/%s: more headers and metadata than the %d that fit", call->bucket,
                         call->key ? call->key : "", REMOTE_MOST_HEADERS);
    }
    struct arena *arena = arena_new(0, error);
    const char *host_prefix = NULL, *path = NULL;
    if (!arena) return false;
    bool good = remote_place(remote, call->bucket, call->key, arena, &host_prefix, &path, error);
    if (good) {
        struct aws_request request = {.method = call->method,
                                      .host_prefix = host_prefix,
                                      .path = path,
                                      .query = call->query ? call->query : "",
                                      .headers = call->headers,
                                      .header_count = call->header_count,
                                      .body = call->body,
                                      .body_bytes = call->body_bytes,
                                      .body_fd = call->body_fd,
                                      .body_offset = call->body_offset,
                                      .payload_hash = call->payload_hash,
                                      .take = call->take,
                                      .restart = call->restart,
                                      .context = call->context,
                                      .error_body = call->error_body};
        good = aws_client_send(remote->client, &request, response, error);
    }
    arena_free(arena);
    if (good && (response->status < 200 || response->status > 299)) return report(remote, call, response, error);
    return good;
}

const struct xml_element *remote_xml(const struct remote *remote, const struct aws_response *response, const char *root,
                                     struct error *error)
{
    const struct xml_element *element =
        xml_read(response->body.data ? response->body.data : "", response->body.length, response->arena, error);
    if (!element) {
        error_prefix(error, "the answer of %s", aws_client_endpoint(remote->client));
        return NULL;
    }
    if (strcmp(element->name, root) == 0) return element;
    error_set(error, ERROR_INVALID, "%s answers with <%s> where S3 has <%s>: is it an S3 server?",
              aws_client_endpoint(remote->client), element->name, root);
    return NULL;
}

int64_t remote_time(const char *text)
{
    struct tm parts = {0};
    int64_t fraction_us = 0;
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &parts);
    if (!rest) return 0;
    if (*rest == '.') {
        int64_t unit_us = 100000;
        for (rest++; *rest >= '0' && *rest <= '9'; rest++) {
            fraction_us += (*rest - '0') * unit_us;
            unit_us /= 10;
        }
    }
    return (int64_t)timegm(&parts) * 1000000 + fraction_us;
}

const char *remote_etag(const char *text, struct arena *arena, struct error *error)
{
    size_t length = strlen(text);
    bool quoted = length >= 2 && text[0] == '"' && text[length - 1] == '"';
    return arena_text(arena, text + quoted, length - 2 * (size_t)quoted, error);
}
