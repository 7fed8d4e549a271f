#include "http/s3/put_headers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http/s3/acl.h"
#include "http/s3/lock.h"

enum { MOST_METADATA_BYTES = 2048, MOST_HEADERS = 8 };

static const char *const content_headers[] = {
    "Cache-Control",
    "Content-Disposition",
    "Content-Encoding",
    "Content-Language",
    "Content-Type",
    "Expires",
    "x-amz-website-redirect-location",
    NULL,
};

/* Content-Encoding without "aws-chunked", which is only how the bytes came. NULL with no error: nothing is left. */
static const char *stored_encoding(struct s3_request *request, const char *value, struct error *error)
{
    size_t size = strlen(value) + 1, length = 0;
    char *kept = arena_take(request->arena, size, error);

    while (kept != NULL && *value != '\0') {
        size_t item = strcspn(value, ",");
        struct str coding = str_trim(str_slice(value, item));

        if (coding.length > 0 && !(coding.length == 11 && strncasecmp(coding.data, "aws-chunked", 11) == 0)) {
            length += (size_t)snprintf(kept + length, size - length, "%s%.*s", length > 0 ? "," : "", STR_ARGS(coding));
        }
        value += item + (value[item] == ',');
    }
    if (kept != NULL) {
        kept[length] = '\0';
    }
    return kept;
}

static bool check_redirect(const struct s3_request *request, struct error *error)
{
    const char *to = s3_header(request, "x-amz-website-redirect-location");

    return to == NULL || to[0] == '/' || strncmp(to, "http://", 7) == 0 || strncmp(to, "https://", 8) == 0 ||
           error_set_named(error, ERROR_INVALID, "InvalidRedirectLocation",
                           "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.");
}

bool s3_put_content_headers(struct s3_request *request, struct error *error)
{
    struct store_field *fields = arena_take(request->arena, MOST_HEADERS * sizeof *fields, error);
    size_t count = 0;

    for (size_t i = 0; fields != NULL && content_headers[i] != NULL; i++) {
        const char *value = s3_header(request, content_headers[i]);

        if (value != NULL && strcmp(content_headers[i], "Content-Encoding") == 0) {
            value = stored_encoding(request, value, error);
            if (value == NULL) {
                return false;
            }
        }
        if (value != NULL && value[0] != '\0') {
            fields[count++] = (struct store_field){content_headers[i], value};
        }
    }
    request->put.headers = fields;
    request->put.header_count = count;
    return fields != NULL;
}

static bool is_metadata(struct str name)
{
    return name.length > 11 && strncasecmp(name.data, "x-amz-meta-", 11) == 0;
}

static char *lower_name(struct s3_request *request, struct str name, struct error *error)
{
    char *text = arena_text(request->arena, name.data + 11, name.length - 11, error);

    for (char *c = text; c != NULL && *c != '\0'; c++) {
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
    }
    return text;
}

/* Adds a pair, or joins its value to that of the same name by a comma. */
static bool add_metadata(struct s3_request *request, struct store_field *fields, size_t *count,
                         const struct sign_field *header, struct error *error)
{
    const char *name = lower_name(request, header->name, error);
    const char *value = arena_text(request->arena, header->value.data, header->value.length, error);

    if (name == NULL || value == NULL) {
        return false;
    }
    for (size_t i = 0; i < *count; i++) {
        if (strcmp(fields[i].name, name) == 0) {
            fields[i].value = arena_format(request->arena, error, "%s,%s", fields[i].value, value);
            return fields[i].value != NULL;
        }
    }
    fields[(*count)++] = (struct store_field){name, value};
    return true;
}

bool s3_put_metadata(struct s3_request *request, struct error *error)
{
    size_t all = 0, wanted = 0, count = 0, bytes = 0;
    const struct sign_field *headers = s3_headers(request, &all);

    for (size_t i = 0; i < all; i++) {
        wanted += is_metadata(headers[i].name);
    }
    if (wanted == 0) {
        return true;
    }
    struct store_field *fields = arena_take(request->arena, wanted * sizeof *fields, error);

    for (size_t i = 0; fields != NULL && i < all; i++) {
        if (is_metadata(headers[i].name) && !add_metadata(request, fields, &count, &headers[i], error)) {
            return false;
        }
    }
    for (size_t i = 0; fields != NULL && i < count; i++) {
        bytes += strlen(fields[i].name) + strlen(fields[i].value);
    }
    if (bytes > MOST_METADATA_BYTES) {
        s3_extra(request, "MaxSizeAllowed", "2048");
        return error_set_named(error, ERROR_INVALID, "MetadataTooLarge", "the metadata has %zu bytes, more than %d",
                               bytes, MOST_METADATA_BYTES);
    }
    request->put.metadata = fields;
    request->put.metadata_count = count;
    return fields != NULL;
}

static bool decode_tag(struct s3_request *request, const char *text, size_t length, const char **decoded,
                       struct error *error)
{
    char *copy = arena_text(request->arena, text, length, error);

    for (char *c = copy; c != NULL && *c != '\0'; c++) {
        *c = (char)(*c == '+' ? ' ' : *c);
    }
    if (copy == NULL) {
        return false;
    }
    *decoded = sign_decode(str_of(copy), request->arena, error);
    return *decoded != NULL;
}

bool s3_tags_from_text(struct s3_request *request, const char *text, struct store_field **tags, size_t *count,
                       struct error *error)
{
    size_t wanted = 1;

    for (const char *c = text; *c != '\0'; c++) {
        wanted += *c == '&';
    }
    *tags = arena_take(request->arena, wanted * sizeof **tags, error);
    *count = 0;
    while (*tags != NULL && *text != '\0') {
        size_t pair = strcspn(text, "&");
        const char *equals = memchr(text, '=', pair);
        size_t name = equals != NULL ? (size_t)(equals - text) : pair;
        struct store_field *tag = &(*tags)[*count];

        if (pair > 0) {
            if (!decode_tag(request, text, name, &tag->name, error) ||
                !decode_tag(request, equals != NULL ? equals + 1 : "", equals != NULL ? pair - name - 1 : 0,
                            &tag->value, error)) {
                return s3_bad_argument(request, "x-amz-tagging", s3_header(request, "x-amz-tagging"),
                                       "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL "
                                       "query parameters without tag name duplicates.",
                                       error);
            }
            ++*count;
        }
        text += pair + (text[pair] == '&');
    }
    return *tags != NULL && s3_tags_check(request, *tags, *count, OBJECT_MAX_TAGS, error);
}

/* Characters of UTF-8 text. */
static size_t characters(const char *text)
{
    size_t count = 0;

    for (; *text != '\0'; text++) {
        count += ((unsigned char)*text & 0xC0) != 0x80;
    }
    return count;
}

/* Letters, digits and spaces of any language, and + - = . _ : / @. */
static bool tag_characters(const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;

        if (c < 0x80 && !(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') &&
            strchr(" +-=._:/@", c) == NULL) {
            return false;
        }
    }
    return true;
}

bool s3_tags_check(struct s3_request *request, const struct store_field *tags, size_t count, size_t most,
                   struct error *error)
{
    if (count > most) {
        return error_set_named(error, ERROR_INVALID, "BadRequest", "%s cannot be greater than %zu",
                               most == OBJECT_MAX_TAGS ? "Object tags" : "Bucket tag count", most);
    }
    for (size_t i = 0; i < count; i++) {
        size_t length = characters(tags[i].name);

        if (length == 0 || length > 128 || !tag_characters(tags[i].name)) {
            s3_extra(request, "TagKey", tags[i].name);
            return error_set_named(error, ERROR_INVALID, "InvalidTag", "The TagKey you have provided is invalid");
        }
        if (characters(tags[i].value) > 256 || !tag_characters(tags[i].value)) {
            s3_extra(request, "TagKey", tags[i].name);
            s3_extra(request, "TagValue", tags[i].value);
            return error_set_named(error, ERROR_INVALID, "InvalidTag", "The TagValue you have provided is invalid");
        }
        if (strncmp(tags[i].name, "aws:", 4) == 0) {
            return error_set_named(error, ERROR_INVALID, "InvalidTag",
                                   "System tags cannot be added/updated by requester");
        }
        for (size_t j = 0; j < i; j++) {
            if (strcmp(tags[i].name, tags[j].name) == 0) {
                s3_extra(request, "TagKey", tags[i].name);
                return error_set_named(error, ERROR_INVALID, "InvalidTag",
                                       "Cannot provide multiple Tags with the same key");
            }
        }
    }
    return true;
}

/* SSE-C keys go over the wire: only where nobody else reads it. */
static bool private_wire(const struct exchange *exchange)
{
    return exchange->tls || strncmp(exchange->client_ip, "127.", 4) == 0 || strcmp(exchange->client_ip, "::1") == 0;
}

bool s3_customer_key(struct s3_request *request, const char *prefix, uint8_t key[32], bool *given, struct error *error)
{
    char name[128];
    uint8_t md5[DIGEST_MAX_BYTES], found[DIGEST_MAX_BYTES];

    snprintf(name, sizeof name, "%salgorithm", prefix);
    const char *algorithm = s3_header(request, name);

    snprintf(name, sizeof name, "%skey-MD5", prefix);
    const char *key_md5 = s3_header(request, name);

    snprintf(name, sizeof name, "%skey", prefix);
    const char *text = s3_header(request, name);

    *given = algorithm != NULL || text != NULL || key_md5 != NULL;
    if (!*given) {
        return true;
    }
    if (!private_wire(request->exchange)) {
        return error_set_named(error, ERROR_INVALID, "InvalidRequest",
                               "Requests specifying Server Side Encryption with Customer provided keys must be made "
                               "over a secure connection.");
    }
    if (algorithm == NULL || strcmp(algorithm, "AES256") != 0) {
        snprintf(name, sizeof name, "%salgorithm", prefix);
        return error_set_named(error, ERROR_INVALID,
                               algorithm == NULL ? "InvalidArgument" : "InvalidEncryptionAlgorithmError",
                               "Requests specifying Server Side Encryption with Customer provided keys must provide a "
                               "valid encryption algorithm.");
    }
    if (text == NULL || !digest_from_base64(text, key, 32)) {
        return error_set_named(error, ERROR_INVALID, "InvalidArgument",
                               "The secret key was invalid for the specified algorithm.");
    }
    if (!digest_once(DIGEST_MD5, key, 32, found, error)) {
        return false;
    }
    if (key_md5 == NULL || !digest_from_base64(key_md5, md5, 16) || !digest_equal(md5, found, 16)) {
        return error_set_named(error, ERROR_INVALID, "InvalidArgument",
                               "The calculated MD5 hash of the key did not match the hash that was provided.");
    }
    return true;
}

static bool read_encryption(struct s3_request *request, struct error *error)
{
    const char *kind = s3_header(request, "x-amz-server-side-encryption");
    bool given = false;

    if (!s3_customer_key(request, "x-amz-server-side-encryption-customer-", request->customer_key, &given, error)) {
        return false;
    }
    if (kind == NULL && !given) {
        return true;
    }
    if (kind != NULL && given) {
        return s3_bad_argument(request, "x-amz-server-side-encryption", kind,
                               "Server Side Encryption with Customer provided key is incompatible with the encryption "
                               "method specified",
                               error);
    }
    if (given) {
        request->put.encryption = ENCRYPTION_CUSTOMER;
        request->put.customer_key = request->customer_key;
        return true;
    }
    if (strncmp(kind, "aws:kms", 7) == 0) {
        return error_set_named(error, ERROR_INVALID, "NotImplemented",
                               "Encryption with keys of AWS KMS is not implemented; AES256 is.");
    }
    if (strcmp(kind, "AES256") != 0) {
        return error_set_named(error, ERROR_INVALID, "InvalidEncryptionAlgorithmError", "not AES256");
    }
    request->put.encryption = ENCRYPTION_AES256;
    return true;
}

static bool read_storage_class(struct s3_request *request, struct error *error)
{
    static const char *const known[] = {"STANDARD",   "REDUCED_REDUNDANCY",  "STANDARD_IA",
                                        "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER",
                                        "GLACIER_IR", "DEEP_ARCHIVE",        NULL};
    const char *given = s3_header(request, "x-amz-storage-class");
    size_t i = 0;

    while (given != NULL && known[i] != NULL && strcmp(known[i], given) != 0) {
        i++;
    }
    if (given != NULL && known[i] == NULL) {
        s3_extra(request, "StorageClassRequested", given);
        return error_set_named(error, ERROR_INVALID, "InvalidStorageClass", "no storage class is called %s", given);
    }
    request->put.storage_class = given;
    return true;
}

bool s3_put_conditions(struct s3_request *request, struct object_conditions *conditions, struct error *error)
{
    conditions->if_match = s3_header(request, "If-Match");
    conditions->if_none_match = s3_header(request, "If-None-Match");
    if (conditions->if_none_match != NULL && strcmp(conditions->if_none_match, "*") != 0) {
        s3_extra(request, "Header", "If-None-Match");
        return error_set_named(error, ERROR_INVALID, "NotImplemented",
                               "A header you provided implies functionality that is not implemented");
    }
    if (conditions->if_match != NULL && strcmp(conditions->if_match, "*") == 0) {
        s3_extra(request, "Header", "If-Match");
        return error_set_named(error, ERROR_INVALID, "NotImplemented",
                               "A header you provided implies functionality that is not implemented");
    }
    return true;
}

static bool read_tags(struct s3_request *request, struct error *error)
{
    const char *text = s3_header(request, "x-amz-tagging");
    const struct object_place place = s3_place(request);
    struct store_field *tags = NULL;

    if (text == NULL) {
        return true;
    }
    if (!s3_tags_from_text(request, text, &tags, &request->put.tag_count, error)) {
        return false;
    }
    request->put.tags = tags;
    return s3_allow(request, "s3:PutObjectTagging", request->bucket, &place, error);
}

bool s3_put_from_headers(struct s3_request *request, struct error *error)
{
    struct object_put *put = &request->put;

    put->bucket = request->bucket_name;
    put->key = request->key;
    put->owner = request->caller.account != NULL ? request->caller.account : request->bucket->owner;
    put->request_id = request->exchange->id;
    put->source_ip = request->exchange->client_ip;
    return check_redirect(request, error) && s3_put_content_headers(request, error) &&
           s3_put_metadata(request, error) && read_tags(request, error) && read_storage_class(request, error) &&
           read_encryption(request, error) && s3_put_conditions(request, &request->put.conditions, error) &&
           s3_put_acl(request, error) && s3_put_lock(request, error);
}
