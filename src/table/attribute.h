/* Attribute values: what items are made of, in memory, as JSON and as stored bytes.
 *
 * Values are trees in an arena and are not changed once made; texts may point into the bytes they were read from.
 * Source: Amazon DynamoDB API Reference, AttributeValue, and Developer Guide, "Item sizes and formats".
 */
#ifndef AISLE_TABLE_ATTRIBUTE_H
#define AISLE_TABLE_ATTRIBUTE_H

#include <jansson.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "table/decimal.h"

#define ATTRIBUTE_MAX_DEPTH 32
#define ITEM_MAX_BYTES (400 * 1024)

enum attribute_type {
    ATTRIBUTE_STRING,
    ATTRIBUTE_NUMBER,
    ATTRIBUTE_BINARY,
    ATTRIBUTE_STRING_SET,
    ATTRIBUTE_NUMBER_SET,
    ATTRIBUTE_BINARY_SET,
    ATTRIBUTE_BOOL,
    ATTRIBUTE_NULL,
    ATTRIBUTE_LIST,
    ATTRIBUTE_MAP,
    ATTRIBUTE_TYPES
};

struct attribute;

struct attribute_member;

struct attribute {
    enum attribute_type type;
    union {
        struct str text;              /* STRING: UTF-8; BINARY: any bytes */
        const struct decimal *number; /* NUMBER */
        bool boolean;                 /* BOOL */
        struct {
            const struct attribute *items; /* LIST in order; sets: scalars ascending (attribute_compare), none twice */
            size_t count;
        } list;
        struct {
            const struct attribute_member *members; /* ascending by the bytes of their names */
            size_t count;
        } map;
    } as;
};

struct attribute_member {
    struct str name;
    struct attribute value;
};

/* "S", "N", "B", "SS", "NS", "BS", "BOOL", "NULL", "L", "M"; and back: false when it is none of them. */
const char *attribute_type_name(enum attribute_type type);
bool attribute_type_of(const char *name, enum attribute_type *type);

/* {"S": "text"} and its like. Errors have DynamoDB's names and words: ValidationException, SerializationException. */
bool attribute_from_json(const json_t *json, struct arena *arena, struct attribute *attribute, struct error *error);
/* {"name": {"S": …}, …}: an item, or a map of an expression's values. */
bool attribute_map_from_json(const json_t *json, struct arena *arena, struct attribute *map, struct error *error);
void attribute_to_json(struct buffer *out, const struct attribute *attribute);
void attribute_map_to_json(struct buffer *out, const struct attribute *map); /* without the {"M": …} around it */

/* The member of a map, NULL when there is none. */
const struct attribute *attribute_find(const struct attribute *map, struct str name);

/* A map with one member more, replaced, or (`value` NULL) taken away. The old one is as it was. */
bool attribute_with(const struct attribute *map, struct str name, const struct attribute *value, struct arena *arena,
                    struct attribute *changed, struct error *error);

/* Whether both are the same value; numbers by value, sets whatever their order was. */
bool attribute_equal(const struct attribute *a, const struct attribute *b);

/* The order of two scalars of one type: strings and binaries by bytes, numbers by value. */
int attribute_compare(const struct attribute *a, const struct attribute *b);

/* Sorts a set's scalars. False with a ValidationException when two are equal. */
bool attribute_sort_set(struct attribute *items, size_t count, struct error *error);

/* What a value, or a map as an item, counts for in bytes (limits, consumed capacity). */
uint64_t attribute_bytes(const struct attribute *attribute);
uint64_t attribute_item_bytes(const struct attribute *map);

/* Stored form: a byte of type, then the value; lengths as LEB128. Reading checks all of it (ERROR_CORRUPT) and points
 * into `data`. */
void attribute_store(struct buffer *out, const struct attribute *attribute);
bool attribute_load(const void *data, size_t size, struct arena *arena, struct attribute *attribute,
                    struct error *error);

#endif
