/* What comes with an object besides its bytes, between the structs that callers see and the packed form of a row. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/json.h"
#include "store/local/local_private.h"

/* By their numbers in the flags. */
static const char *const classes[] = {
    "STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA",      "INTELLIGENT_TIERING", "GLACIER_IR",
    "GLACIER",  "DEEP_ARCHIVE",       "SNOW",        "EXPRESS_ONEZONE",
};
#define CLASS_COUNT (sizeof classes / sizeof classes[0])

bool storage_class_number(const char *name, unsigned *number, struct error *error)
{
    for (*number = 0; *number < CLASS_COUNT; ++*number) {
        if (strcmp(name, classes[*number]) == 0) {
            return true;
        }
    }
    return error_set_named(error, ERROR_INVALID, "InvalidStorageClass", "\"%s\" is not a storage class", name);
}

const char *storage_class_name(unsigned number)
{
    return classes[number < CLASS_COUNT ? number : 0];
}

bool storage_class_compressed(unsigned number)
{
    static const bool compressed[CLASS_COUNT] = {[2] = true, [3] = true, [5] = true, [6] = true, [7] = true};

    return number < CLASS_COUNT && compressed[number];
}

static void pack_text(struct buffer *into, char letter, const char *name, const char *value)
{
    buffer_append_char(into, letter);
    buffer_append(into, name, strlen(name) + 1);
    buffer_append(into, value, strlen(value) + 1);
}

bool object_check_tags(const struct store_field *tags, size_t count, struct error *error)
{
    if (count > OBJECT_MAX_TAGS) {
        return error_set_named(error, ERROR_INVALID, "BadRequest", "an object may have no more than %d tags, not %zu",
                               OBJECT_MAX_TAGS, count);
    }
    for (size_t t = 0; t < count; t++) {
        if (tags[t].name[0] == '\0' || strlen(tags[t].name) > 128 * 4 || strlen(tags[t].value) > 256 * 4) {
            return error_set_named(error, ERROR_INVALID, "InvalidTag",
                                   "the tag \"%.200s\" is empty or longer than 128 (its value: 256) characters",
                                   tags[t].name);
        }
        for (size_t other = 0; other < t; other++) {
            if (strcmp(tags[t].name, tags[other].name) == 0) {
                return error_set_named(error, ERROR_INVALID, "InvalidTag", "the tag \"%.200s\" is given twice",
                                       tags[t].name);
            }
        }
    }
    return true;
}

static const char *lock_mode_name(enum object_lock_mode mode)
{
    return mode == LOCK_COMPLIANCE ? "COMPLIANCE" : "GOVERNANCE";
}

void object_pack_lock(struct buffer *into, enum object_lock_mode mode, int64_t until_us, bool legal_hold)
{
    char text[32];

    if (mode != LOCK_NONE) {
        snprintf(text, sizeof text, "%lld", (long long)until_us);
        pack_text(into, 'l', lock_mode_name(mode), text);
    }
    if (legal_hold) {
        pack_text(into, 'g', "", "ON");
    }
}

/* The retention that a bucket gives to what comes without one. */
static bool default_retention(const struct bucket *bucket, enum object_lock_mode *mode, int64_t *until_us,
                              struct error *error)
{
    const int64_t day_us = INT64_C(86400000000);
    const char *text = bucket->settings[BUCKET_OBJECT_LOCK];

    if (text == NULL || strstr(text, "DefaultRetention") == NULL) {
        return true;
    }
    json_t *document = json_read(text, strlen(text), "ObjectLockConfiguration", error);
    json_t *retention = json_object_get(json_object_get(document, "Rule"), "DefaultRetention");
    const char *name = json_string_value(json_object_get(retention, "Mode"));
    int64_t days = json_integer_value(json_object_get(retention, "Days")) +
                   365 * json_integer_value(json_object_get(retention, "Years"));

    if (name != NULL && days > 0 && days <= 36500) {
        *mode = strcmp(name, "COMPLIANCE") == 0 ? LOCK_COMPLIANCE : LOCK_GOVERNANCE;
        *until_us = clock_now_us() + days * day_us;
    }
    json_decref(document);
    return document != NULL;
}

static bool pack_lock(const struct object_put *options, const struct bucket *bucket, struct buffer *into,
                      struct error *error)
{
    enum object_lock_mode mode = options->lock_mode;
    int64_t until_us = options->lock_until_us;

    if (!bucket->object_lock) {
        return (mode == LOCK_NONE && !options->legal_hold) ||
               error_set_named(error, ERROR_INVALID, "InvalidRequest",
                               "the bucket \"%s\" was not made with object lock, so its objects cannot be locked",
                               bucket->name);
    }
    if (mode == LOCK_NONE && !default_retention(bucket, &mode, &until_us, error)) {
        return false;
    }
    if (mode != LOCK_NONE && until_us <= clock_now_us()) {
        return error_set_named(error, ERROR_INVALID, "InvalidArgument", "the retain until date must be in the future");
    }
    object_pack_lock(into, mode, until_us, options->legal_hold);
    return true;
}

static bool take_buffer(const struct buffer *from, struct arena *arena, struct packed *packed, struct error *error)
{
    if (!buffer_check(from, error)) {
        return false;
    }
    char *bytes = arena_take(arena, from->length + 1, error);

    if (bytes == NULL) {
        return false;
    }
    if (from->length > 0) {
        memcpy(bytes, from->data, from->length);
    }
    packed->bytes = bytes;
    packed->size = from->length;
    return true;
}

static bool pack_customer_key(const struct object_put *options, struct buffer *into, struct error *error)
{
    uint8_t md5[DIGEST_MAX_BYTES];
    char text[32];

    if (options->encryption != ENCRYPTION_CUSTOMER) {
        return true;
    }
    if (options->customer_key == NULL) {
        return error_set(error, ERROR_INTERNAL, "encryption with the customer's key without the key");
    }
    if (!digest_once(DIGEST_MD5, options->customer_key, KEY_BYTES, md5, error)) {
        return false;
    }
    digest_base64(md5, ETAG_BYTES, text);
    pack_text(into, 'k', "", text);
    return true;
}

bool object_pack(const struct object_put *options, const struct bucket *bucket, struct arena *arena,
                 struct packed *packed, struct error *error)
{
    struct buffer into __attribute__((cleanup(buffer_free))) = {0};
    unsigned class = 0;
    const char *owner = options->owner != NULL ? options->owner : bucket->owner;
    bool foreign = strcmp(owner, bucket->owner) != 0;

    if (!object_check_tags(options->tags, options->tag_count, error) ||
        (options->storage_class != NULL && !storage_class_number(options->storage_class, &class, error))) {
        return false;
    }
    for (size_t h = 0; h < options->header_count; h++) {
        pack_text(&into, 'h', options->headers[h].name, options->headers[h].value);
    }
    for (size_t m = 0; m < options->metadata_count; m++) {
        pack_text(&into, 'm', options->metadata[m].name, options->metadata[m].value);
    }
    for (size_t t = 0; t < options->tag_count; t++) {
        pack_text(&into, 't', options->tags[t].name, options->tags[t].value);
    }
    if (foreign) {
        pack_text(&into, 'o', "", owner);
    }
    if (options->acl != NULL) {
        pack_text(&into, 'a', "", options->acl);
    }
    size_t before_lock = into.length;

    if (!pack_lock(options, bucket, &into, error)) {
        return false;
    }
    bool locked = into.length > before_lock;

    if (!pack_customer_key(options, &into, error) || !take_buffer(&into, arena, packed, error)) {
        return false;
    }
    packed->flags = (unsigned)options->encryption << OBJECT_ENCRYPTION_SHIFT | class << OBJECT_CLASS_SHIFT |
                    (foreign ? OBJECT_OWNER : 0U) | (options->tag_count > 0 ? OBJECT_TAGGED : 0U) |
                    (locked ? OBJECT_LOCKED : 0U);
    return true;
}

bool object_pack_checksum(struct packed *packed, const struct object_checksum *checksum, struct arena *arena,
                          struct error *error)
{
    struct buffer into __attribute__((cleanup(buffer_free))) = {0};

    if (!checksum->present) {
        return true;
    }
    buffer_append(&into, packed->bytes, packed->size);
    pack_text(&into, 'c', "", checksum->value);
    packed->flags |=
        ((unsigned)checksum->kind + 1) << OBJECT_CHECKSUM_SHIFT | (checksum->composite ? OBJECT_COMPOSITE : 0U);
    return take_buffer(&into, arena, packed, error);
}

bool packed_next(const struct object_row *row, size_t *at, struct packed_text *text)
{
    if (*at >= row->detail_bytes) {
        return false;
    }
    const char *entry = row->detail + *at;
    const char *end = row->detail + row->detail_bytes;

    text->letter = *entry;
    text->name = entry + 1;
    const char *name_end = memchr(text->name, '\0', (size_t)(end - text->name));

    if (name_end == NULL || name_end + 1 >= end) {
        return false;
    }
    text->value = name_end + 1;
    const char *value_end = memchr(text->value, '\0', (size_t)(end - text->value));

    if (value_end == NULL) {
        return false;
    }
    *at = (size_t)(value_end + 1 - row->detail);
    return true;
}

/* One array in the order headers, metadata. */
static bool count_fields(const struct object_row *row, struct object *object)
{
    struct packed_text text;

    for (size_t at = 0; packed_next(row, &at, &text);) {
        object->header_count += text.letter == 'h';
        object->metadata_count += text.letter == 'm';
    }
    return object->header_count + object->metadata_count > 0;
}

static void unpack_text(const struct packed_text *text, struct object *object)
{
    switch (text->letter) {
    case 't':
        object->tag_count++;
        break;
    case 'o':
        object->owner = text->value;
        break;
    case 'c':
        snprintf(object->checksum.value, sizeof object->checksum.value, "%s", text->value);
        break;
    case 'k':
        object->customer_key_md5 = text->value;
        break;
    case 'l':
        object->lock_mode = strcmp(text->name, "COMPLIANCE") == 0 ? LOCK_COMPLIANCE : LOCK_GOVERNANCE;
        object->lock_until_us = strtoll(text->value, NULL, 10);
        break;
    case 'g':
        object->legal_hold = true;
        break;
    case 'a':
        object->acl = text->value;
        break;
    default:
        break;
    }
}

static bool unpack_detail(const struct object_row *row, struct arena *arena, struct object *object, struct error *error)
{
    struct object_row own = *row;
    struct packed_text text;
    struct store_field *headers = NULL;
    char *copy = arena_take(arena, row->detail_bytes, error);

    if (copy == NULL) {
        return false;
    }
    memcpy(copy, row->detail, row->detail_bytes);
    own.detail = copy;
    if (count_fields(&own, object)) {
        headers = arena_take(arena, (object->header_count + object->metadata_count) * sizeof *headers, error);
        if (headers == NULL) {
            return false;
        }
    }
    object->headers = headers;
    object->metadata = headers != NULL ? headers + object->header_count : NULL;
    struct store_field *metadata = headers != NULL ? headers + object->header_count : NULL;

    for (size_t at = 0; packed_next(&own, &at, &text);) {
        if (text.letter == 'h') {
            *headers++ = (struct store_field){text.name, text.value};
        } else if (text.letter == 'm') {
            *metadata++ = (struct store_field){text.name, text.value};
        } else {
            unpack_text(&text, object);
        }
    }
    return true;
}

/* The numbers among the flags. */
void object_unpack_flags(unsigned flags, struct object *object)
{
    unsigned checksum = flags >> OBJECT_CHECKSUM_SHIFT & OBJECT_NUMBER_MASK;

    object->delete_marker = (flags & OBJECT_MARKER) != 0;
    object->encryption = (enum object_encryption)(flags >> OBJECT_ENCRYPTION_SHIFT & OBJECT_NUMBER_MASK);
    object->storage_class = storage_class_name(flags >> OBJECT_CLASS_SHIFT & OBJECT_NUMBER_MASK);
    object->checksum.present = checksum > 0;
    object->checksum.kind = checksum > 0 ? (enum digest_kind)(checksum - 1) : DIGEST_MD5;
    object->checksum.composite = (flags & OBJECT_COMPOSITE) != 0;
}

bool object_unpack(const struct bucket *bucket, const char *key, const struct object_row *row, bool latest,
                   struct arena *arena, struct object *object, struct error *error)
{
    char etag[ETAG_CHARACTERS + 1];

    memset(object, 0, sizeof *object);
    object_unpack_flags(row->flags, object);
    object_row_etag(row, etag);
    object->latest = latest;
    object->size_bytes = row->size_bytes;
    object->modified_us = row->modified_us;
    object->part_count = row->part_count;
    object->sha256 = "";
    object->key = arena_text(arena, key, strlen(key), error);
    object->version_id = object->key != NULL ? version_id_of(bucket->id, row, arena, error) : NULL;
    object->etag = object->version_id != NULL ? arena_text(arena, etag, strlen(etag), error) : NULL;
    object->owner = object->etag != NULL ? arena_text(arena, bucket->owner, strlen(bucket->owner), error) : NULL;
    if (object->owner == NULL) {
        return false;
    }
    if (row->has_sha256) {
        char *hex = arena_take(arena, 2 * SHA256_BYTES + 1, error);

        if (hex == NULL) {
            return false;
        }
        digest_hex(row->sha256, SHA256_BYTES, hex);
        object->sha256 = hex;
    }
    return row->detail_bytes == 0 || unpack_detail(row, arena, object, error);
}
