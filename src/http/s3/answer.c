#include "http/s3/answer.h"

#include <stdio.h>
#include <string.h>

#include "http/s3/body.h"

struct buffer *s3_xml_begin(struct s3_request *request, const char *root, struct error *error)
{
    struct buffer *out = answer_body(request->exchange);

    if (!answer_header(request->exchange, "Content-Type", "application/xml", error)) {
        return NULL;
    }
    xml_declare(out);
    xml_open_root(out, root);
    return out;
}

bool s3_xml_end(struct s3_request *request, const char *root, struct error *error)
{
    struct buffer *out = answer_body(request->exchange);

    xml_close(out, root);
    return buffer_check(out, error);
}

bool s3_answer_common(struct s3_request *request, struct error *error)
{
    struct exchange *exchange = request->exchange;

    return answer_header(exchange, "x-amz-request-id", exchange->id, error) &&
           answer_header(exchange, "x-amz-id-2", request->s3->host_id, error);
}

bool s3_answer_etag(struct s3_request *request, const char *etag, struct error *error)
{
    return answer_header_format(request->exchange, error, "ETag", "\"%s\"", etag);
}

bool s3_answer_version(struct s3_request *request, const struct bucket *bucket, const char *version_id,
                       struct error *error)
{
    if (version_id == NULL || version_id[0] == '\0' || bucket->versioning == VERSIONING_NEVER) {
        return true;
    }
    return answer_header(request->exchange, "x-amz-version-id", version_id, error);
}

bool s3_answer_encryption(struct s3_request *request, enum object_encryption encryption, const char *customer_key_md5,
                          struct error *error)
{
    struct exchange *exchange = request->exchange;

    switch (encryption) {
    case ENCRYPTION_NONE:
        return true;
    case ENCRYPTION_AES256:
        return answer_header(exchange, "x-amz-server-side-encryption", "AES256", error);
    case ENCRYPTION_CUSTOMER:
        return answer_header(exchange, "x-amz-server-side-encryption-customer-algorithm", "AES256", error) &&
               (customer_key_md5 == NULL ||
                answer_header(exchange, "x-amz-server-side-encryption-customer-key-MD5", customer_key_md5, error));
    }
    return true;
}

bool s3_answer_checksum(struct s3_request *request, const struct object_checksum *checksum, struct error *error)
{
    return !checksum->present ||
           (answer_header(request->exchange, s3_checksum_header(checksum->kind), checksum->value, error) &&
            answer_header(request->exchange, "x-amz-checksum-type", checksum->composite ? "COMPOSITE" : "FULL_OBJECT",
                          error));
}

void s3_xml_owner(struct buffer *out, const char *element, const char *account)
{
    char id[65] = "";

    if (!access_canonical_id(account, id, NULL)) {
        out->failed = true;
        return;
    }
    xml_open(out, element);
    xml_leaf_text(out, "ID", id);
    xml_close(out, element);
}

void s3_xml_etag(struct buffer *out, const char *etag)
{
    buffer_append_text(out, "<ETag>&quot;");
    buffer_append_text(out, etag);
    buffer_append_text(out, "&quot;</ETag>");
}

void s3_xml_checksum_value(struct buffer *out, const struct object_checksum *checksum)
{
    char element[32];

    if (checksum->present) {
        snprintf(element, sizeof element, "Checksum%s", s3_checksum_name(checksum->kind));
        xml_leaf_text(out, element, checksum->value);
    }
}

void s3_xml_checksum(struct buffer *out, const struct object_checksum *checksum)
{
    if (checksum->present) {
        s3_xml_checksum_value(out, checksum);
        xml_leaf_text(out, "ChecksumType", checksum->composite ? "COMPOSITE" : "FULL_OBJECT");
    }
}

static void append_percent_encoded(struct buffer *out, const char *text)
{
    static const char digits[] = "0123456789ABCDEF";
    char *room = buffer_room(out, 3 * strlen(text));

    if (room == NULL) {
        return;
    }
    char *end = room;

    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
            c == '_' || c == '~' || c == '/') {
            *end++ = (char)c;
        } else {
            *end++ = '%';
            *end++ = digits[c >> 4];
            *end++ = digits[c & 15];
        }
    }
    buffer_advance(out, (size_t)(end - room));
}

void s3_xml_key(struct buffer *out, const char *element, const char *key, bool url)
{
    if (!url) {
        xml_leaf_text(out, element, key);
        return;
    }
    xml_open(out, element);
    append_percent_encoded(out, key);
    xml_close(out, element);
}
