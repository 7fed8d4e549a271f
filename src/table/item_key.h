/* Where items lie: bytes whose order is the order of their keys.
 *
 * A key is 2 bytes of a hash of the partition key (so that a scan's segments are ranges), its length in 2 bytes, the
 * partition key, and the sort key: numbers by decimal_encode, strings and binaries as they are. In an index the sort
 * key is followed by the item's own key, so its strings and binaries have a zero byte as 0x00 0xFF and end in 0x00
 * 0x01.
 */
#ifndef AISLE_TABLE_ITEM_KEY_H
#define AISLE_TABLE_ITEM_KEY_H

#include "base/buffer.h"
#include "table/definition.h"

#define KEY_MAX_PARTITION_BYTES 2048
#define KEY_MAX_SORT_BYTES 1024
#define KEY_SLOTS 65536

/* The key of an item of the table. ValidationException when a part is missing, of another type, empty or too long;
 * `item` may have other members. */
bool item_key(const struct key_schema *keys, const struct attribute *item, struct buffer *key, struct error *error);

/* As item_key for a map that must have the key's members and no others ("The provided key element does not match the
 * schema"). */
bool item_key_alone(const struct key_schema *keys, const struct attribute *given, struct buffer *key,
                    struct error *error);

/* The key of the item's entry in an index; false without an error when the item is not in it (it lacks the attributes).
 * `own` is its key in the table. */
bool item_index_key(const struct key_schema *keys, const struct attribute *item, struct str own, struct buffer *key,
                    struct error *error);

/* The range of keys that a query reads: from `low` on, and before `high`. */
bool item_key_range(const struct key_condition *condition, bool index, struct buffer *low, struct buffer *high,
                    struct error *error);

/* The keys of one of `total` segments of a scan. */
void item_key_segment(unsigned segment, unsigned total, struct buffer *low, struct buffer *high);

#endif
