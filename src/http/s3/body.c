#include "http/s3/body.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http/s3/form.h"
#include "http/s3/operation.h"

enum {
    MOST_DOCUMENT_BYTES = 4 << 20, /* DeleteObjects of 1,000 longest keys takes 2 MiB, CompleteMultipartUpload 1.5 */
};

static const struct checksum_form {
    const char *name, *header;
} checksum_forms[DIGEST_KINDS] = {
    [DIGEST_CRC32] = {"CRC32", "x-amz-checksum-crc32"},
    [DIGEST_CRC32C] = {"CRC32C", "x-amz-checksum-crc32c"},
    [DIGEST_CRC64NVME] = {"CRC64NVME", "x-amz-checksum-crc64nvme"},
    [DIGEST_SHA1] = {"SHA1", "x-amz-checksum-sha1"},
    [DIGEST_SHA256] = {"SHA256", "x-amz-checksum-sha256"},
};

const char *s3_checksum_name(enum digest_kind kind)
{
    return checksum_forms[kind].name;
}

const char *s3_checksum_header(enum digest_kind kind)
{
    return checksum_forms[kind].header;
}

bool s3_checksum_kind(const char *name, enum digest_kind *kind)
{
    for (unsigned i = 0; i < DIGEST_KINDS; i++) {
        if (checksum_forms[i].name != NULL && strcasecmp(checksum_forms[i].name, name) == 0) {
            *kind = (enum digest_kind)i;
            return true;
        }
    }
    return false;
}

bool s3_checksum_valid(enum digest_kind kind, const char *base64)
{
    uint8_t bytes[DIGEST_MAX_BYTES];

    return digest_from_base64(base64, bytes, digest_bytes(kind));
}

/* The checksum that one of the trailers named in x-amz-trailer will hold. */
static bool read_trailer(struct s3_request *request, const char *names, struct error *error)
{
    struct s3_body *body = &request->body;

    for (unsigned i = 0; i < DIGEST_KINDS; i++) {
        const char *header = checksum_forms[i].header;
        size_t length = header != NULL ? strlen(header) : 0;
        const char *at = header != NULL ? strcasestr(names, header) : NULL;

        /* "x-amz-checksum-crc32" begins "x-amz-checksum-crc32c", too. */
        if (at != NULL && (at[length] == '\0' || at[length] == ',' || at[length] == ' ')) {
            body->trailer = header;
            body->expected.checksum_given = true;
            body->expected.checksum_kind = (enum digest_kind)i;
            return true;
        }
    }
    return strcasestr(names, "x-amz-checksum-") == NULL ||
           error_set_named(error, ERROR_INVALID, "InvalidRequest",
                           "The value specified in the x-amz-trailer header is not supported");
}

/* A checksum that is not known cannot be checked, so that it is not passed over. */
static bool checksums_known(const struct s3_request *request, struct error *error)
{
    static const char *const more[] = {"x-amz-checksum-algorithm", "x-amz-checksum-type", "x-amz-checksum-mode", NULL};
    size_t count = 0;
    const struct sign_field *headers = s3_headers(request, &count);

    for (size_t i = 0; i < count; i++) {
        struct str name = headers[i].name;
        bool known = name.length < 15 || strncasecmp(name.data, "x-amz-checksum-", 15) != 0;

        for (unsigned kind = 0; kind < DIGEST_KINDS && !known; kind++) {
            const char *header = checksum_forms[kind].header;

            known = header != NULL && strlen(header) == name.length && strncasecmp(header, name.data, name.length) == 0;
            if (known && headers[i].value.length == 0) {
                return error_set_named(error, ERROR_INVALID, "InvalidRequest", "Value for %s header is invalid.",
                                       header);
            }
        }
        for (size_t j = 0; more[j] != NULL && !known; j++) {
            known = strlen(more[j]) == name.length && strncasecmp(more[j], name.data, name.length) == 0;
        }
        if (!known) {
            return error_set_named(error, ERROR_INVALID, "InvalidRequest",
                                   "The algorithm type you specified in x-amz-checksum- header is invalid.");
        }
    }
    return true;
}

static bool read_checksum(struct s3_request *request, struct error *error)
{
    struct put_expected *expected = &request->body.expected;
    const char *algorithm = s3_header(request, "x-amz-sdk-checksum-algorithm");
    const char *trailer = s3_header(request, "x-amz-trailer");
    enum digest_kind named = DIGEST_MD5;

    for (unsigned i = 0; i < DIGEST_KINDS; i++) {
        const char *value = checksum_forms[i].header != NULL ? s3_header(request, checksum_forms[i].header) : NULL;

        if (value == NULL) {
            continue;
        }
        if (expected->checksum_given) {
            return error_set_named(
                error, ERROR_INVALID, "InvalidRequest",
                "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.");
        }
        if (!s3_checksum_valid((enum digest_kind)i, value)) {
            return error_set_named(error, ERROR_INVALID, "InvalidRequest", "Value for %s header is invalid.",
                                   checksum_forms[i].header);
        }
        expected->checksum_given = true;
        expected->checksum_kind = (enum digest_kind)i;
        expected->checksum_base64 = value;
    }
    if (trailer != NULL && !expected->checksum_given && !read_trailer(request, trailer, error)) {
        return false;
    }
    if (algorithm == NULL) {
        return true;
    }
    if (!s3_checksum_kind(algorithm, &named) || (expected->checksum_given && expected->checksum_kind != named)) {
        return error_set_named(error, ERROR_INVALID, "InvalidRequest",
                               "Value for x-amz-sdk-checksum-algorithm header is invalid.");
    }
    return expected->checksum_given ||
           error_set_named(error, ERROR_INVALID, "InvalidRequest",
                           "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or "
                           "x-amz-trailer headers were found.");
}

static bool read_md5(struct s3_request *request, struct error *error)
{
    const char *text = s3_header(request, "Content-MD5");
    uint8_t bytes[DIGEST_MAX_BYTES];

    if (text != NULL && !digest_from_base64(text, bytes, digest_bytes(DIGEST_MD5))) {
        s3_extra(request, "Content-MD5", text);
        return error_set_named(error, ERROR_INVALID, "InvalidDigest", "The Content-MD5 you specified was invalid.");
    }
    request->body.expected.md5_base64 = text;
    return true;
}

static bool take(void *context, const void *data, size_t size, struct error *error)
{
    struct s3_request *request = context;
    struct s3_body *body = &request->body;
    uint64_t most = request->s3->options.max_object_bytes;

    /* Of a form only the file's bytes count, which it gives on by itself. */
    if (request->operation->body == S3_FORM) {
        return form_add(body->form, data, size, error);
    }
    body->received_bytes += size;
    switch (request->operation->body) {
    case S3_NO_BODY:
    case S3_FORM:
        return true;
    case S3_DOCUMENT:
        if (body->received_bytes > MOST_DOCUMENT_BYTES) {
            return error_set_named(error, ERROR_LIMIT, "MaxMessageLengthExceeded",
                                   "the request's body is longer than %d bytes", MOST_DOCUMENT_BYTES);
        }
        buffer_append(&body->document, data, size);
        return buffer_check(&body->document, error);
    case S3_BYTES:
        if (body->received_bytes > most) {
            return error_set_named(error, ERROR_LIMIT, "EntityTooLarge", "the object is larger than the server takes");
        }
        return body->put == NULL || object_put_write(body->put, data, size, error);
    }
    return true;
}

static bool begin_chunks(struct s3_request *request, const char *payload, struct error *error)
{
    const char *decoded = s3_header(request, "x-amz-decoded-content-length");
    struct sign_chunks_options options = {
        .claim = &request->caller.claim,
        .key = request->caller.signing_key,
        .trailer_names = s3_header(request, "x-amz-trailer"),
        .decoded_bytes = UINT64_MAX,
        .take = take,
        .context = request,
    };

    if (strcmp(payload, SIGN_STREAMING) != 0 && strcmp(payload, SIGN_STREAMING_TRAILER) != 0 &&
        strcmp(payload, SIGN_UNSIGNED_TRAILER) != 0) {
        return s3_bad_argument(request, "x-amz-content-sha256", payload,
                               "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, "
                               "STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a "
                               "valid sha256 value.",
                               error);
    }
    if (decoded == NULL) {
        return error_set_named(error, ERROR_INVALID, "MissingContentLength", "x-amz-decoded-content-length is missing");
    }
    char *end = NULL;

    options.decoded_bytes = strtoull(decoded, &end, 10);
    if (*end != '\0' || decoded[0] < '0' || decoded[0] > '9' || strlen(decoded) > 19) {
        return s3_bad_argument(request, "x-amz-decoded-content-length", decoded,
                               "x-amz-decoded-content-length is not a whole number of bytes", error);
    }
    request->body.expected.size_given = true;
    request->body.expected.size_bytes = options.decoded_bytes;
    request->body.chunks = sign_chunks_new(&options, error);
    return request->body.chunks != NULL;
}

static bool read_payload(struct s3_request *request, struct error *error)
{
    const char *payload = request->caller.claim.payload_hash;
    uint8_t bytes[32];

    if (payload == NULL) {
        payload = s3_header(request, "x-amz-content-sha256");
    }
    if (payload == NULL || strcmp(payload, SIGN_UNSIGNED) == 0) {
        return true;
    }
    if (strlen(payload) == 64 && digest_from_hex(payload, bytes, sizeof bytes)) {
        request->body.expected.sha256_hex = payload;
        return true;
    }
    return begin_chunks(request, payload, error);
}

bool s3_body_checksums(struct s3_request *request, struct error *error)
{
    return checksums_known(request, error) && read_md5(request, error) &&
           ((request->operation->flags & S3_OWN_CHECKSUM) != 0 || read_checksum(request, error));
}

bool s3_body_begin(struct s3_request *request, struct error *error)
{
    struct exchange *exchange = request->exchange;
    struct put_expected *expected = &request->body.expected;
    enum s3_body_kind kind = request->operation->body;

    if (kind == S3_NO_BODY || kind == S3_FORM) {
        return true;
    }
    if (kind == S3_BYTES && !exchange->length_given && exchange_header(exchange, "Transfer-Encoding") == NULL) {
        return error_set_named(error, ERROR_INVALID, "MissingContentLength", "Content-Length is missing");
    }
    expected->size_given = exchange->length_given;
    expected->size_bytes = exchange->content_length;
    if (!read_payload(request, error) || !s3_body_checksums(request, error)) {
        return false;
    }
    uint64_t most = kind == S3_BYTES ? request->s3->options.max_object_bytes : MOST_DOCUMENT_BYTES;

    if (expected->size_given && expected->size_bytes > most) {
        return error_set_named(error, ERROR_LIMIT, kind == S3_BYTES ? "EntityTooLarge" : "MaxMessageLengthExceeded",
                               "the body is longer than %llu bytes", (unsigned long long)most);
    }
    return true;
}

unsigned s3_body_digests(const struct s3_request *request)
{
    return request->body.expected.checksum_given ? 1U << request->body.expected.checksum_kind : 0;
}

bool s3_body_add(struct s3_request *request, const void *data, size_t size, struct error *error)
{
    return request->body.chunks != NULL ? sign_chunks_add(request->body.chunks, data, size, error)
                                        : take(request, data, size, error);
}

/* Compares one digest of the gathered document with its text in base 64. */
static bool document_is(const struct buffer *document, enum digest_kind kind, const char *base64, bool *is,
                        struct error *error)
{
    uint8_t wanted[DIGEST_MAX_BYTES], found[DIGEST_MAX_BYTES];

    *is = digest_from_base64(base64, wanted, digest_bytes(kind));
    if (!digest_once(kind, document->data != NULL ? document->data : "", document->length, found, error)) {
        return false;
    }
    *is = *is && digest_equal(wanted, found, digest_bytes(kind));
    return true;
}

static bool check_document(struct s3_request *request, struct error *error)
{
    const struct put_expected *expected = &request->body.expected;
    const struct buffer *document = &request->body.document;
    uint8_t wanted[32], found[32];
    bool is = true;

    if (expected->sha256_hex != NULL) {
        if (!digest_once(DIGEST_SHA256, document->data != NULL ? document->data : "", document->length, found, error)) {
            return false;
        }
        if (!digest_from_hex(expected->sha256_hex, wanted, sizeof wanted) || !digest_equal(wanted, found, 32)) {
            return error_set_named(error, ERROR_INVALID, "XAmzContentSHA256Mismatch",
                                   "the body's SHA-256 is not that of x-amz-content-sha256");
        }
    }
    if (expected->md5_base64 != NULL && !document_is(document, DIGEST_MD5, expected->md5_base64, &is, error)) {
        return false;
    }
    if (!is) {
        return error_set_named(error, ERROR_INVALID, "BadDigest",
                               "The Content-MD5 you specified did not match what we received.");
    }
    if (expected->checksum_given && expected->checksum_base64 != NULL &&
        !document_is(document, expected->checksum_kind, expected->checksum_base64, &is, error)) {
        return false;
    }
    return is || error_set_named(error, ERROR_INVALID, "BadDigest",
                                 "The %s you specified did not match the calculated checksum.",
                                 s3_checksum_name(expected->checksum_kind));
}

bool s3_body_end(struct s3_request *request, struct error *error)
{
    struct s3_body *body = &request->body;

    if (body->chunks != NULL) {
        if (!sign_chunks_end(body->chunks, error)) {
            return false;
        }
        if (body->trailer != NULL) {
            const char *value = sign_chunks_trailer(body->chunks, body->trailer);

            if (value == NULL || !s3_checksum_valid(body->expected.checksum_kind, value)) {
                return error_set_named(error, ERROR_INVALID, "MalformedTrailerError",
                                       "The trailer %s, which x-amz-trailer names, %s.", body->trailer,
                                       value == NULL ? "did not come" : "is not a checksum of its kind");
            }
            body->expected.checksum_base64 = value;
        }
    }
    return request->operation->body != S3_DOCUMENT || check_document(request, error);
}

void s3_body_free(struct s3_request *request)
{
    struct s3_body *body = &request->body;

    sign_chunks_free(body->chunks);
    buffer_free(&body->document);
    form_free(body->form);
    if (body->put != NULL) {
        object_put_abandon(body->put);
    }
}
