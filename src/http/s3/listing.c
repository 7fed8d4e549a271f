#include "http/s3/listing.h"

#include <string.h>

#include "base/clock.h"
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

/* Puts a text where there is room for it. */
static inline char *put(char *to, const char *text)
{
    size_t length = strlen(text);

    memcpy(to, text, length);
    return to + length;
}

static char *put_number(char *to, uint64_t number)
{
    char digits[20];
    size_t count = 0;

    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (count > 0) {
        *to++ = digits[--count];
    }
    return to;
}

/* The time's text: most objects of a page are of the same second as the one before. */
static char *put_time(char *to, struct s3_listing *listing, int64_t time_us)
{
    int64_t second = time_us / 1000000;

    if (second != listing->second || listing->time[0] == '\0') {
        clock_format_rfc3339(second * 1000000, listing->time);
        listing->second = second;
    }
    unsigned thousandths = (unsigned)(time_us / 1000 % 1000);

    listing->time[20] = (char)('0' + thousandths / 100);
    listing->time[21] = (char)('0' + thousandths / 10 % 10);
    listing->time[22] = (char)('0' + thousandths % 10);
    return put(to, listing->time);
}

void s3_listing_facts(struct buffer *out, struct s3_listing *listing, const struct object *object)
{
    enum { MOST_FIXED = 400 };
    char *room = buffer_room(out, MOST_FIXED + strlen(object->etag) + strlen(object->storage_class));
    char *to = room;

    if (room == NULL) {
        return;
    }
    to = put_time(put(to, "<LastModified>"), listing, object->modified_us);
    to = put(put(put(to, "</LastModified><ETag>&quot;"), object->etag), "&quot;</ETag>");
    if (object->checksum.present) {
        to = put(put(to, "<ChecksumAlgorithm>"), s3_checksum_name(object->checksum.kind));
        to = put(to, "</ChecksumAlgorithm><ChecksumType>");
        to = put(put(to, object->checksum.composite ? "COMPOSITE" : "FULL_OBJECT"), "</ChecksumType>");
    }
    to = put_number(put(to, "<Size>"), object->size_bytes);
    to = put(put(put(to, "</Size><StorageClass>"), object->storage_class), "</StorageClass>");
    buffer_advance(out, (size_t)(to - room));
}

void s3_listing_owner(struct buffer *out, struct s3_listing *listing, const char *account)
{
    if (listing->owner == NULL || strcmp(listing->owner, account) != 0) {
        listing->owner = access_canonical_id(account, listing->owner_id, NULL) ? account : NULL;
        out->failed = out->failed || listing->owner == NULL;
    }
    buffer_append_text(out, "<Owner><ID>");
    buffer_append_text(out, listing->owner_id);
    buffer_append_text(out, "</ID></Owner>");
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
