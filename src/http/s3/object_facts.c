#include "http/s3/object_facts.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "http/date.h"
#include "http/s3/put_headers.h"

static const char *prefixed(const struct s3_request *request, const char *prefix, const char *name)
{
    char header[64];

    snprintf(header, sizeof header, "%s%s", prefix, name);
    return s3_header(request, header);
}

void s3_conditions_read(const struct s3_request *request, const char *prefix, struct object_conditions *conditions)
{
    const char *modified = prefixed(request, prefix, "if-modified-since");
    const char *unmodified = prefixed(request, prefix, "if-unmodified-since");

    *conditions = (struct object_conditions){
        .if_match = prefixed(request, prefix, "if-match"),
        .if_none_match = prefixed(request, prefix, "if-none-match"),
    };
    if (modified != NULL && !http_date_parse(modified, &conditions->if_modified_since_us)) {
        conditions->if_modified_since_us = 0;
    }
    if (unmodified != NULL && !http_date_parse(unmodified, &conditions->if_unmodified_since_us)) {
        conditions->if_unmodified_since_us = 0;
    }
}

/* Makes of "it is not there" what S3 tells this caller. Returns false. */
static bool tell_missing(struct s3_request *request, const struct object *object, struct error *error)
{
    if (error == NULL || error->name == NULL) {
        return false;
    }
    bool marker = object->delete_marker && object->version_id != NULL;

    if (marker) {
        request->marker_version = object->version_id;
        request->marker_modified_us = object->modified_us;
    }
    if (strcmp(error->name, "NoSuchKey") == 0 && request->caller.identity == NULL && request->caller.account != NULL &&
        strcmp(request->caller.account, request->bucket->owner) == 0) {
        return false;
    }
    if (strcmp(error->name, "NoSuchKey") == 0) {
        struct error denied = {0};

        if (!s3_allow(request, "s3:ListBucket", request->bucket, NULL, &denied)) {
            *error = denied;
        }
    }
    return false;
}

bool s3_object_find(struct s3_request *request, struct object *object, struct error *error)
{
    const struct object_place place = s3_place(request);

    return object_head(request->store, &place, request->arena, object, error) || tell_missing(request, object, error);
}

static bool read_key(struct s3_request *request, bool *given, struct error *error)
{
    return s3_customer_key(request, "x-amz-server-side-encryption-customer-", request->customer_key, given, error);
}

struct object_reader *s3_object_open(struct s3_request *request, struct object *object, struct error *error)
{
    const struct object_place place = s3_place(request);
    bool given = false;

    if (!read_key(request, &given, error)) {
        return NULL;
    }
    struct object_reader *reader =
        object_open(request->store, &place, given ? request->customer_key : NULL, request->arena, object, error);

    if (reader == NULL) {
        tell_missing(request, object, error);
    } else if (given && object->encryption != ENCRYPTION_CUSTOMER) {
        object_close(reader);
        error_set_named(error, ERROR_INVALID, "InvalidRequest",
                        "The encryption parameters are not applicable to this object.");
        return NULL;
    }
    return reader;
}

bool s3_object_check_key(struct s3_request *request, const struct object *object, struct error *error)
{
    uint8_t md5[DIGEST_MAX_BYTES];
    char text[2 * DIGEST_MAX_BYTES];
    bool given = false;

    if (!read_key(request, &given, error)) {
        return false;
    }
    if (given && object->encryption != ENCRYPTION_CUSTOMER) {
        return error_set_named(error, ERROR_INVALID, "InvalidRequest",
                               "The encryption parameters are not applicable to this object.");
    }
    if (object->encryption != ENCRYPTION_CUSTOMER) {
        return true;
    }
    if (!given) {
        return error_set_named(error, ERROR_INVALID, "InvalidRequest",
                               "The object was stored using a form of Server Side Encryption. The correct parameters "
                               "must be provided to retrieve the object.");
    }
    if (!digest_once(DIGEST_MD5, request->customer_key, 32, md5, error)) {
        return false;
    }
    digest_base64(md5, 16, text);
    return strcmp(text, object->customer_key_md5) == 0 ||
           error_set_named(error, ERROR_DENIED, "AccessDenied",
                           "The provided encryption key does not match the key that the object was stored with.");
}

/* The overrides that a signed request may ask for: response-content-type and so on. */
static const struct override {
    const char *query, *header;
} overrides[] = {
    {"response-cache-control", "Cache-Control"},       {"response-content-disposition", "Content-Disposition"},
    {"response-content-encoding", "Content-Encoding"}, {"response-content-language", "Content-Language"},
    {"response-content-type", "Content-Type"},         {"response-expires", "Expires"},
};
enum { OVERRIDES = sizeof overrides / sizeof overrides[0] };

static bool answer_content_headers(struct s3_request *request, const struct object *object, struct error *error)
{
    const char *overriding[OVERRIDES] = {0};
    bool typed = false;

    for (size_t i = 0; request->exchange->query_count > 0 && i < OVERRIDES; i++) {
        overriding[i] = s3_query(request, overrides[i].query);
        if (overriding[i] == NULL) {
            continue;
        }
        if (request->caller.account == NULL) {
            return error_set_named(error, ERROR_INVALID, "InvalidRequest",
                                   "Request specific response headers cannot be used for anonymous GET requests.");
        }
        typed = typed || strcmp(overrides[i].header, "Content-Type") == 0;
        if (!answer_header(request->exchange, overrides[i].header, overriding[i], error)) {
            return false;
        }
    }
    for (size_t i = 0; i < object->header_count; i++) {
        const struct store_field *field = &object->headers[i];
        bool overridden = false;

        for (size_t j = 0; j < OVERRIDES; j++) {
            overridden = overridden || (overriding[j] != NULL && strcmp(overrides[j].header, field->name) == 0);
        }
        typed = typed || strcmp(field->name, "Content-Type") == 0;
        if (!overridden && !answer_header(request->exchange, field->name, field->value, error)) {
            return false;
        }
    }
    return typed || answer_header(request->exchange, "Content-Type", "binary/octet-stream", error);
}

static bool answer_lock(struct s3_request *request, const struct object *object, struct error *error)
{
    struct exchange *exchange = request->exchange;
    char until[32];

    if (object->legal_hold && !answer_header(exchange, "x-amz-object-lock-legal-hold", "ON", error)) {
        return false;
    }
    if (object->lock_mode == LOCK_NONE) {
        return true;
    }
    clock_format_rfc3339(object->lock_until_us, until);
    return answer_header(exchange, "x-amz-object-lock-mode",
                         object->lock_mode == LOCK_COMPLIANCE ? "COMPLIANCE" : "GOVERNANCE", error) &&
           answer_header(exchange, "x-amz-object-lock-retain-until-date", until, error);
}

bool s3_object_facts(struct s3_request *request, const struct object *object, struct error *error)
{
    struct exchange *exchange = request->exchange;
    char modified[30];

    http_date_format(object->modified_us, modified);
    if (!answer_header(exchange, "Last-Modified", modified, error) || !s3_answer_etag(request, object->etag, error) ||
        !answer_header(exchange, "Accept-Ranges", "bytes", error) || !answer_content_headers(request, object, error) ||
        !s3_answer_version(request, request->bucket, object->version_id, error) ||
        !s3_answer_encryption(request, object->encryption, object->customer_key_md5, error)) {
        return false;
    }
    for (size_t i = 0; i < object->metadata_count; i++) {
        const char *name = arena_format(request->arena, error, "x-amz-meta-%s", object->metadata[i].name);

        if (name == NULL || !answer_header(exchange, name, object->metadata[i].value, error)) {
            return false;
        }
    }
    if (strcmp(object->storage_class, "STANDARD") != 0 &&
        !answer_header(exchange, "x-amz-storage-class", object->storage_class, error)) {
        return false;
    }
    return (object->tag_count == 0 ||
            answer_header_format(exchange, error, "x-amz-tagging-count", "%u", object->tag_count)) &&
           answer_lock(request, object, error);
}
