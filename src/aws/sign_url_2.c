#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "aws/sign_canonical.h"
#include "base/digest.h"

enum { MOST_PARAMETERS = 64, SIGNATURE_BYTES = 20, LONGEST_SECONDS = 604800, MOST_HEADERS = 256 };

#define MICROSECONDS INT64_C(1000000)

/* Parameters that are part of the resource, and so are signed. */
static const char *const signed_parameters[] = {
    "acl",
    "cors",
    "delete",
    "lifecycle",
    "location",
    "logging",
    "notification",
    "object-lock",
    "partNumber",
    "policy",
    "requestPayment",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "restore",
    "select",
    "select-type",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "website",
    NULL,
};

static bool refuse(struct error *error, const char *what)
{
    return error_set_named(error, ERROR_DENIED, "AccessDenied", "%s", what);
}

static bool is_one_of(const char *name, const char *const *names)
{
    while (*names != NULL && strcmp(*names, name) != 0) {
        names++;
    }
    return *names != NULL;
}

static const struct sign_field *find_header(const struct sign_request *request, const char *lower_case)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (sign_name_is(request->headers[i].name, lower_case)) {
            return &request->headers[i];
        }
    }
    return NULL;
}

bool sign_url_2_read(const struct sign_request *request, struct arena *arena, struct sign_claim *claim,
                     struct error *error)
{
    const char *id = NULL;
    const char *expires = NULL;
    const char *signature = NULL;
    struct str query = request->query;
    struct sign_field pair;

    memset(claim, 0, sizeof *claim);
    claim->form = SIGN_URL_2;
    claim->payload_hash = SIGN_UNSIGNED;
    while (sign_next_pair(&query, &pair)) {
        const char *name = sign_decode_form(pair.name, arena, error);
        const char *value = name == NULL ? NULL : sign_decode_form(pair.value, arena, error);

        if (value == NULL) {
            return false;
        }
        const char **to = strcmp(name, "AWSAccessKeyId") == 0         ? &id
                          : strcmp(name, "Expires") == 0              ? &expires
                          : strcmp(name, "Signature") == 0            ? &signature
                          : strcmp(name, "x-amz-security-token") == 0 ? &claim->session_token
                                                                      : NULL;

        if (to != NULL && *to != NULL) {
            return refuse(error, "A parameter of the presigned URL is given twice");
        }
        if (to != NULL) {
            *to = value;
        } else if (!is_one_of(name, signed_parameters)) {
            return error_set_named(error, ERROR_USAGE, "InvalidRequest",
                                   "Signature Version 2 does not sign the parameter %.60s; use AWS4-HMAC-SHA256", name);
        }
    }
    uint8_t bytes[SIGNATURE_BYTES];

    if (id == NULL || expires == NULL || signature == NULL || find_header(request, "authorization") != NULL) {
        return refuse(error, "Query-string authentication requires the Signature, Expires and AWSAccessKeyId "
                             "parameters, and no other way to sign");
    }
    if (expires[0] == '\0' || strspn(expires, "0123456789") != strlen(expires) || strlen(expires) > 12) {
        return refuse(error, "Invalid date (should be seconds since epoch)");
    }
    if (!digest_from_base64(signature, bytes, sizeof bytes)) {
        return refuse(error, "The Signature of the presigned URL is not one of Signature Version 2");
    }
    claim->access_key_id = id;
    claim->expires_seconds = strtoll(expires, NULL, 10);
    digest_base64(bytes, sizeof bytes, claim->signature);
    return true;
}

struct line {
    const char *name, *value;
    size_t place; /* as it came */
};

static int compare_lines(const void *left, const void *right)
{
    const struct line *a = left;
    const struct line *b = right;
    int order = strcmp(a->name, b->name);

    return order != 0 ? order : a->place < b->place ? -1 : a->place > b->place;
}

static const char *lower_case(struct str name, struct arena *arena, struct error *error)
{
    char *lower = arena_text(arena, name.data, name.length, error);

    for (char *c = lower; c != NULL && *c != '\0'; c++) {
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + ('a' - 'A') : *c);
    }
    return lower;
}

/* "x-amz-a:1,2\n" of each header that begins so, and of the token, which the query holds in a URL. */
static bool append_headers(struct buffer *out, const struct sign_request *request, const struct sign_claim *claim,
                           struct arena *arena, struct error *error)
{
    struct line lines[MOST_HEADERS + 1];
    size_t count = 0;

    for (size_t i = 0; i < request->header_count; i++) {
        struct str name = request->headers[i].name;
        struct str value = str_trim(request->headers[i].value);

        if (name.length <= 6 || !sign_name_is(str_slice(name.data, 6), "x-amz-")) {
            continue;
        }
        if (count == MOST_HEADERS) {
            return error_set_named(error, ERROR_USAGE, "InvalidRequest", "too many headers are signed");
        }
        lines[count].place = i;
        lines[count].name = lower_case(name, arena, error);
        lines[count].value = lines[count].name == NULL ? NULL : arena_text(arena, value.data, value.length, error);
        if (lines[count].value == NULL) {
            return false;
        }
        count++;
    }
    if (claim->session_token != NULL) {
        lines[count++] = (struct line){"x-amz-security-token", claim->session_token, SIZE_MAX};
    }
    qsort(lines, count, sizeof *lines, compare_lines);
    for (size_t i = 0; i < count; i++) {
        bool again = i > 0 && strcmp(lines[i].name, lines[i - 1].name) == 0;

        buffer_append_text(out, again ? "," : lines[i].name);
        buffer_append_text(out, again ? "" : ":");
        buffer_append_text(out, lines[i].value);
        if (i + 1 == count || strcmp(lines[i].name, lines[i + 1].name) != 0) {
            buffer_append_char(out, '\n');
        }
    }
    return true;
}

/* "/bucket/key?acl&versionId=1": the path as it came, and the signed parameters in order, their values decoded. */
static bool append_resource(struct buffer *out, const struct sign_request *request, const char *host_bucket,
                            struct arena *arena, struct error *error)
{
    struct line lines[MOST_PARAMETERS];
    struct str query = request->query;
    struct sign_field pair;
    size_t count = 0;

    if (host_bucket != NULL) {
        buffer_append_char(out, '/');
        buffer_append_text(out, host_bucket);
    }
    buffer_append_str(out, request->path);
    while (sign_next_pair(&query, &pair)) {
        const char *name = sign_decode_form(pair.name, arena, error);
        const char *value = name == NULL ? NULL : sign_decode_form(pair.value, arena, error);

        if (value == NULL) {
            return false;
        }
        if (!is_one_of(name, signed_parameters)) {
            continue;
        }
        if (count == MOST_PARAMETERS) {
            return error_set_named(error, ERROR_USAGE, "InvalidRequest", "the presigned URL has too many parameters");
        }
        lines[count] = (struct line){name, value, count};
        count++;
    }
    qsort(lines, count, sizeof *lines, compare_lines);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && strcmp(lines[i].name, lines[i - 1].name) == 0) {
            return refuse(error, "A parameter of the presigned URL is given twice");
        }
        buffer_append_char(out, i == 0 ? '?' : '&');
        buffer_append_text(out, lines[i].name);
        if (lines[i].value[0] != '\0') {
            buffer_append_char(out, '=');
            buffer_append_text(out, lines[i].value);
        }
    }
    return true;
}

static void append_value(struct buffer *out, const struct sign_request *request, const char *header)
{
    const struct sign_field *field = find_header(request, header);

    if (field != NULL) {
        buffer_append_str(out, str_trim(field->value));
    }
    buffer_append_char(out, '\n');
}

bool sign_url_2_check(const struct sign_request *request, const struct sign_claim *claim, const char *secret_access_key,
                      const char *host_bucket, int64_t now_us, struct arena *arena, struct error *error)
{
    struct buffer text __attribute__((cleanup(buffer_free))) = {0};
    unsigned char value[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    char signature[2 * SIGNATURE_BYTES];

    if (now_us / MICROSECONDS > claim->expires_seconds) {
        return refuse(error, "Request has expired");
    }
    if (claim->expires_seconds - now_us / MICROSECONDS > LONGEST_SECONDS) {
        return refuse(error, "A presigned URL is good for at most a week");
    }
    buffer_append_str(&text, request->method);
    buffer_append_char(&text, '\n');
    append_value(&text, request, "content-md5");
    append_value(&text, request, "content-type");
    buffer_append_format(&text, "%lld\n", (long long)claim->expires_seconds);
    if (!append_headers(&text, request, claim, arena, error) ||
        !append_resource(&text, request, host_bucket, arena, error) || !buffer_check(&text, error)) {
        return false;
    }
    if (HMAC(EVP_sha1(), secret_access_key, (int)strlen(secret_access_key), (const unsigned char *)text.data,
             text.length, value, &length) == NULL ||
        length != SIGNATURE_BYTES) {
        return error_set(error, ERROR_INTERNAL, "OpenSSL could not make a signature");
    }
    digest_base64(value, SIGNATURE_BYTES, signature);
    return digest_equal(signature, claim->signature, strlen(signature)) ||
           error_set_named(error, ERROR_DENIED, "SignatureDoesNotMatch",
                           "The request signature we calculated does not match the signature you provided. Check your "
                           "key and signing method. The string to sign is \"%s\".",
                           buffer_text(&text) == NULL ? "" : text.data);
}
