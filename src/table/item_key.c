#include "table/item_key.h"

#include <xxhash.h>

#define VALIDATION "ValidationException"

static bool invalid(struct error *error, const char *words)
{
    return error_set_named(error, ERROR_INVALID, VALIDATION, "%s", words);
}

static void append_number(struct buffer *key, const struct decimal *number)
{
    uint8_t code[DECIMAL_CODE_BYTES];

    buffer_append(key, code, decimal_encode(number, code));
}

static void append_partition(struct buffer *key, const struct attribute *value)
{
    uint8_t code[DECIMAL_CODE_BYTES];
    struct str bytes = value->type != ATTRIBUTE_NUMBER
                           ? value->as.text
                           : str_slice((const char *)code, decimal_encode(value->as.number, code));
    uint64_t hash = XXH3_64bits(bytes.data, bytes.length);
    uint8_t head[4] = {(uint8_t)(hash >> 8), (uint8_t)hash, (uint8_t)(bytes.length >> 8), (uint8_t)bytes.length};

    buffer_append(key, head, sizeof head);
    buffer_append_str(key, bytes);
}

/* With a zero byte told apart from the end. */
static void append_escaped(struct buffer *key, struct str bytes)
{
    for (size_t i = 0; i < bytes.length; i++) {
        buffer_append_char(key, bytes.data[i]);
        if (bytes.data[i] == '\0') {
            buffer_append_char(key, (char)0xFF);
        }
    }
}

static void append_sort(struct buffer *key, const struct attribute *value, bool index)
{
    if (value->type == ATTRIBUTE_NUMBER) {
        append_number(key, value->as.number);
    } else if (index) {
        append_escaped(key, value->as.text);
    } else {
        buffer_append_str(key, value->as.text);
    }
}

static void append_end(struct buffer *key, const struct attribute *value)
{
    if (value->type != ATTRIBUTE_NUMBER) {
        buffer_append(key, "\0\1", 2);
    }
}

/* A part of the table's key, as it must be. */
static const struct attribute *part(const struct attribute *item, struct str name, enum attribute_type type,
                                    size_t most, struct error *error)
{
    const struct attribute *value = attribute_find(item, name);

    if (value == NULL) {
        error_set_named(error, ERROR_INVALID, VALIDATION,
                        "One or more parameter values were invalid: Missing the key %.*s in the item", STR_ARGS(name));
        return NULL;
    }
    if (value->type != type) {
        error_set_named(error, ERROR_INVALID, VALIDATION,
                        "One or more parameter values were invalid: Type mismatch for key %.*s expected: %s actual: %s",
                        STR_ARGS(name), attribute_type_name(type), attribute_type_name(value->type));
        return NULL;
    }
    if (type != ATTRIBUTE_NUMBER && value->as.text.length == 0) {
        error_set_named(error, ERROR_INVALID, VALIDATION,
                        "One or more parameter values are not valid. The AttributeValue for a key attribute cannot "
                        "contain an empty %s value. Key: %.*s",
                        type == ATTRIBUTE_STRING ? "string" : "binary", STR_ARGS(name));
        return NULL;
    }
    if (type != ATTRIBUTE_NUMBER && value->as.text.length > most) {
        error_set_named(error, ERROR_INVALID, VALIDATION, "One or more parameter values were invalid: %s",
                        most == KEY_MAX_PARTITION_BYTES
                            ? "Size of hashkey has exceeded the maximum size limit of2048 bytes"
                            : "Aggregated size of all range keys has exceeded the size limit of 1024 bytes");
        return NULL;
    }
    return value;
}

bool item_key(const struct key_schema *keys, const struct attribute *item, struct buffer *key, struct error *error)
{
    const struct attribute *partition =
        part(item, keys->partition, keys->partition_type, KEY_MAX_PARTITION_BYTES, error);
    const struct attribute *sort = NULL;

    if (partition == NULL || (keys->sort.data != NULL &&
                              (sort = part(item, keys->sort, keys->sort_type, KEY_MAX_SORT_BYTES, error)) == NULL)) {
        return false;
    }
    append_partition(key, partition);
    if (sort != NULL) {
        append_sort(key, sort, false);
    }
    return buffer_check(key, error);
}

bool item_key_alone(const struct key_schema *keys, const struct attribute *given, struct buffer *key,
                    struct error *error)
{
    const struct attribute *partition = attribute_find(given, keys->partition);
    const struct attribute *sort = keys->sort.data != NULL ? attribute_find(given, keys->sort) : NULL;
    bool two = keys->sort.data != NULL;

    if (given->as.map.count != 1U + two) {
        return invalid(error, "The number of conditions on the keys is invalid");
    }
    if (partition == NULL || partition->type != keys->partition_type ||
        (two && (sort == NULL || sort->type != keys->sort_type))) {
        return invalid(error, "The provided key element does not match the schema");
    }
    return item_key(keys, given, key, error);
}

bool item_index_key(const struct key_schema *keys, const struct attribute *item, struct str own, struct buffer *key,
                    struct error *error)
{
    const struct attribute *partition = attribute_find(item, keys->partition);
    const struct attribute *sort = keys->sort.data != NULL ? attribute_find(item, keys->sort) : NULL;

    if (partition == NULL || (keys->sort.data != NULL && sort == NULL)) {
        return false;
    }
    append_partition(key, partition);
    if (sort != NULL) {
        append_sort(key, sort, true);
        append_end(key, sort);
    }
    buffer_append_str(key, own);
    return buffer_check(key, error);
}

/* The first bytes that come after all that begin with these: the last byte that can be is one more. Nothing is left of
 * bytes that are all 0xFF, which a key's length of at most 2,048 never is. */
static void after_all(struct buffer *bytes)
{
    while (bytes->length > 0 && (uint8_t)bytes->data[bytes->length - 1] == 0xFF) {
        bytes->length--;
    }
    if (bytes->length > 0) {
        bytes->data[bytes->length - 1] = (char)(bytes->data[bytes->length - 1] + 1);
    }
}

/* Right behind every entry with this sort key: in a table there is one, in an index its end and an item's key follow.
 */
static void after_sort(struct buffer *bytes, const struct attribute *value, bool index)
{
    append_sort(bytes, value, index);
    if (index) {
        append_end(bytes, value);
        after_all(bytes);
    } else {
        buffer_append_char(bytes, '\0');
    }
}

/* Where entries with this sort key begin; those of longer ones that begin with it come later. */
static void before_sort(struct buffer *bytes, const struct attribute *value, bool index)
{
    append_sort(bytes, value, index);
    if (index) {
        append_end(bytes, value);
    }
}

bool item_key_range(const struct key_condition *condition, bool index, struct buffer *low, struct buffer *high,
                    struct error *error)
{
    enum key_range range = condition->range;
    bool from = range == KEY_EQUAL || range == KEY_GREATER_OR_EQUAL || range == KEY_BETWEEN;
    const struct attribute *last = range == KEY_BETWEEN ? condition->high : condition->low;

    append_partition(low, condition->partition);
    append_partition(high, condition->partition);
    if (from) {
        before_sort(low, condition->low, index);
    } else if (range == KEY_GREATER) {
        after_sort(low, condition->low, index);
    } else if (range == KEY_BEGINS_WITH) {
        append_sort(low, condition->low, index);
    }
    if (range == KEY_LESS) {
        before_sort(high, condition->low, index);
    } else if (range == KEY_EQUAL || range == KEY_LESS_OR_EQUAL || range == KEY_BETWEEN) {
        after_sort(high, last, index);
    } else {
        if (range == KEY_BEGINS_WITH) {
            append_sort(high, condition->low, index);
        }
        after_all(high);
    }
    return buffer_check(low, error) && buffer_check(high, error);
}

static void append_slot(struct buffer *bytes, unsigned slot)
{
    uint8_t two[2] = {(uint8_t)(slot >> 8), (uint8_t)slot};

    buffer_append(bytes, two, sizeof two);
}

void item_key_segment(unsigned segment, unsigned total, struct buffer *low, struct buffer *high)
{
    unsigned first = (unsigned)((uint64_t)segment * KEY_SLOTS / total);
    unsigned last = (unsigned)((uint64_t)(segment + 1) * KEY_SLOTS / total);

    append_slot(low, first);
    if (last < KEY_SLOTS) {
        append_slot(high, last);
    } else {
        buffer_append(high, "\xFF\xFF\xFF", 3);
    }
}
