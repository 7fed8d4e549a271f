#include "http/s3/listing.h"

#include <string.h>

#include "http/s3/body.h"

bool s3_listing_encoding(struct s3_request *request, bool *url, struct error *error)
{
    const char *encoding = s3_query(request, "encoding-type");

    *url = encoding != NULL && strcmp(encoding, "url") == 0;
    return encoding == NULL || encoding[0] == '\0' || *url ||
           s3_bad_argument(request, "encoding-type", encoding, "Invalid Encoding Method specified in Request", error);
}

bool s3_listing_read(struct s3_request *request, struct s3_listing *listing, struct error *error)
{
    const char *prefix = s3_query(request, "prefix"), *delimiter = s3_query(request, "delimiter");

    listing->options = (struct object_listing){
        .bucket = request->bucket_name,
        .prefix = prefix != NULL ? prefix : "",
        .delimiter = delimiter != NULL ? delimiter : "",
        .after = "",
    };
    return s3_query_number(request, "max-keys", S3_MOST_LISTED, S3_MOST_LISTED, &listing->options.most, error) &&
           s3_listing_encoding(request, &listing->url, error);
}

void s3_listing_rest(struct buffer *out, const struct s3_listing *listing, bool truncated)
{
    xml_leaf_number(out, "MaxKeys", listing->options.most);
    if (listing->options.delimiter[0] != '\0') {
        s3_xml_key(out, "Delimiter", listing->options.delimiter, listing->url);
    }
    if (listing->url) {
        xml_leaf_text(out, "EncodingType", "url");
    }
    xml_leaf_bool(out, "IsTruncated", truncated);
}

void s3_listing_facts(struct buffer *out, const struct object *object)
{
    xml_leaf_time(out, "LastModified", object->modified_us);
    s3_xml_etag(out, object->etag);
    if (object->checksum.present) {
        xml_leaf_text(out, "ChecksumAlgorithm", s3_checksum_name(object->checksum.kind));
        xml_leaf_text(out, "ChecksumType", object->checksum.composite ? "COMPOSITE" : "FULL_OBJECT");
    }
    xml_leaf_number(out, "Size", (int64_t)object->size_bytes);
    xml_leaf_text(out, "StorageClass", object->storage_class);
}

const char *s3_token(struct s3_request *request, const char *key, struct error *error)
{
    size_t length = strlen(key);
    char *token = arena_take(request->arena, (length + 2) / 3 * 4 + 1, error);

    if (token != NULL) {
        digest_base64((const uint8_t *)key, length, token);
    }
    return token;
}

const char *s3_token_read(struct s3_request *request, const char *token)
{
    size_t length = strlen(token);
    size_t size = length / 4 * 3;
    char *key = arena_zeroed(request->arena, size + 1, NULL);

    while (length > 0 && token[length - 1] == '=') {
        length--;
        size -= size > 0;
    }
    if (key == NULL || size == 0 || !digest_from_base64(token, (uint8_t *)key, size) ||
        !str_is_utf8(str_of(key), NULL)) {
        return NULL;
    }
    return key;
}
