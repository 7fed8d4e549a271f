#include "aws/sign.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "aws/sign_canonical.h"
#include "base/digest.h"

enum { MAXIMUM_HEADERS = 200, LONGEST_SECONDS = 604800 };

static int compare_names(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static const char *lower_case(struct str name, struct arena *arena, struct error *error)
{
    char *lower = arena_text(arena, name.data, name.length, error);

    for (size_t i = 0; lower != NULL && i < name.length; i++) {
        if (lower[i] >= 'A' && lower[i] <= 'Z') {
            lower[i] = (char)(lower[i] + ('a' - 'A'));
        }
    }
    return lower;
}

/* "host;x-amz-date" of both lists, in order, each name once. */
static bool list_names(const struct sign_field *headers, size_t count, const struct sign_field *more, size_t more_count,
                       struct arena *arena, struct str *list, struct error *error)
{
    const char *names[MAXIMUM_HEADERS];
    struct buffer text __attribute__((cleanup(buffer_free))) = {0};

    if (count + more_count > MAXIMUM_HEADERS) {
        return error_set(error, ERROR_LIMIT, "%zu headers are to be signed, at most %d can be", count + more_count,
                         MAXIMUM_HEADERS);
    }
    for (size_t i = 0; i < count + more_count; i++) {
        names[i] = lower_case(i < count ? headers[i].name : more[i - count].name, arena, error);
        if (names[i] == NULL) {
            return false;
        }
    }
    qsort(names, count + more_count, sizeof *names, compare_names);
    for (size_t i = 0; i < count + more_count; i++) {
        if (i > 0 && strcmp(names[i], names[i - 1]) == 0) {
            continue;
        }
        if (i > 0) {
            buffer_append_char(&text, ';');
        }
        buffer_append_text(&text, names[i]);
    }
    const char *copy = buffer_check(&text, error) ? arena_text(arena, text.data, text.length, error) : NULL;

    if (copy == NULL) {
        return false;
    }
    *list = str_slice(copy, text.length);
    return true;
}

static bool sign_with(const struct sign_parts *parts, const struct sign_credentials *credentials, char signature[65],
                      struct error *error)
{
    struct sign_key key;

    return sign_key_derive(credentials->secret_access_key, parts->scope, &key, error) &&
           sign_canonical(parts, &key, signature, NULL, NULL, error);
}

bool sign_headers(const struct sign_request *request, const struct sign_credentials *credentials,
                  const struct sign_scope *scope, int64_t now_us, const char *payload_hash, struct arena *arena,
                  struct sign_field **added, size_t *added_count, struct error *error)
{
    struct sign_field *fields = arena_take(arena, 4 * sizeof *fields, error);
    char *time = arena_take(arena, 17, error);
    char signature[65];
    size_t count = 0;

    if (fields == NULL || time == NULL) {
        return false;
    }
    sign_time_format(now_us, time);
    fields[count++] = (struct sign_field){str_of("x-amz-date"), str_of(time)};
    if (strcmp(scope->service, "s3") == 0) {
        fields[count++] = (struct sign_field){str_of("x-amz-content-sha256"), str_of(payload_hash)};
    }
    if (credentials->session_token != NULL) {
        fields[count++] = (struct sign_field){str_of("x-amz-security-token"), str_of(credentials->session_token)};
    }
    struct sign_parts parts = {.request = request,
                               .more = fields,
                               .more_count = count,
                               .scope = scope,
                               .signed_us = now_us,
                               .payload_hash = payload_hash};

    if (!list_names(request->headers, request->header_count, fields, count, arena, &parts.signed_headers, error) ||
        !sign_with(&parts, credentials, signature, error)) {
        return false;
    }
    const char *value = arena_format(
        arena, error, SIGN_ALGORITHM " Credential=%s/%s/%s/%s/aws4_request, SignedHeaders=%.*s, Signature=%s",
        credentials->access_key_id, scope->date, scope->region, scope->service, STR_ARGS(parts.signed_headers),
        signature);

    if (value == NULL) {
        return false;
    }
    fields[count++] = (struct sign_field){str_of("authorization"), str_of(value)};
    *added = fields;
    *added_count = count;
    return true;
}

static void append_parameter(struct buffer *out, const char *name, struct str value)
{
    if (out->length > 0) {
        buffer_append_char(out, '&');
    }
    buffer_append_text(out, name);
    buffer_append_char(out, '=');
    sign_append_encoded(out, value, false);
}

static bool append_claim(struct buffer *query, const struct sign_credentials *credentials,
                         const struct sign_parts *parts, int64_t expires_seconds, struct arena *arena,
                         struct error *error)
{
    const struct sign_scope *scope = parts->scope;
    char time[17];
    const char *credential = arena_format(arena, error, "%s/%s/%s/%s/aws4_request", credentials->access_key_id,
                                          scope->date, scope->region, scope->service);
    const char *expires = arena_format(arena, error, "%" PRId64, expires_seconds);

    if (credential == NULL || expires == NULL) {
        return false;
    }
    sign_time_format(parts->signed_us, time);
    append_parameter(query, "X-Amz-Algorithm", str_of(SIGN_ALGORITHM));
    append_parameter(query, "X-Amz-Credential", str_of(credential));
    append_parameter(query, "X-Amz-Date", str_of(time));
    append_parameter(query, "X-Amz-Expires", str_of(expires));
    if (credentials->session_token != NULL) {
        append_parameter(query, "X-Amz-Security-Token", str_of(credentials->session_token));
    }
    append_parameter(query, "X-Amz-SignedHeaders", parts->signed_headers);
    return buffer_check(query, error);
}

const char *sign_query(const struct sign_request *request, const struct sign_credentials *credentials,
                       const struct sign_scope *scope, int64_t now_us, int64_t expires_seconds, struct arena *arena,
                       struct error *error)
{
    struct buffer query __attribute__((cleanup(buffer_free))) = {0};
    struct sign_request with_claim = *request;
    struct sign_parts parts = {.request = &with_claim,
                               .scope = scope,
                               .signed_us = now_us,
                               .payload_hash = strcmp(scope->service, "s3") == 0 ? SIGN_UNSIGNED : SIGN_EMPTY_HASH,
                               .in_query = true};
    char signature[65];

    if (expires_seconds < 1 || expires_seconds > LONGEST_SECONDS) {
        error_set(error, ERROR_USAGE, "a presigned URL is good for 1 to %d seconds, not %" PRId64, LONGEST_SECONDS,
                  expires_seconds);
        return NULL;
    }
    buffer_append_str(&query, request->query);
    if (!list_names(request->headers, request->header_count, NULL, 0, arena, &parts.signed_headers, error) ||
        !append_claim(&query, credentials, &parts, expires_seconds, arena, error)) {
        return NULL;
    }
    with_claim.query = str_slice(query.data, query.length);
    if (!sign_with(&parts, credentials, signature, error)) {
        return NULL;
    }
    append_parameter(&query, "X-Amz-Signature", str_of(signature));
    return buffer_check(&query, error) ? arena_text(arena, query.data, query.length, error) : NULL;
}

const char *sign_encode(struct str text, bool keep_slashes, struct arena *arena, struct error *error)
{
    struct buffer out __attribute__((cleanup(buffer_free))) = {0};

    sign_append_encoded(&out, text, keep_slashes);
    return buffer_check(&out, error) ? arena_text(arena, out.data, out.length, error) : NULL;
}

const char *sign_decode(struct str text, struct arena *arena, struct error *error)
{
    char *decoded = arena_take(arena, text.length + 1, error);
    size_t length = 0;

    if (decoded == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if (c == '%') {
            struct str rest = str_slice(text.data + i, text.length - i);

            if (!sign_escape_read(rest, &c)) {
                error_set_named(error, ERROR_INVALID, "InvalidURI", "a percent sign begins no escape in the URI: %.*s",
                                (int)(rest.length < 20 ? rest.length : 20), rest.data);
                return NULL;
            }
            i += 2;
        }
        if (c == '\0') {
            error_set_named(error, ERROR_INVALID, "InvalidURI", "the URI holds a NUL");
            return NULL;
        }
        decoded[length++] = (char)c;
    }
    decoded[length] = '\0';
    return decoded;
}
