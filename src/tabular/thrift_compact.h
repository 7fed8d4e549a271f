/* Thrift's compact protocol (thrift.apache.org: thrift-compact-protocol.md), as far as Parquet's metadata needs it.
 *
 * The reader never looks past its end and turns any malformed byte into `failed`, after which every call gives
 * zeros; so a caller checks once. The writer appends to a buffer, whose own failure is checked by the caller.
 */
#ifndef AISLE_TABULAR_THRIFT_COMPACT_H
#define AISLE_TABULAR_THRIFT_COMPACT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/str.h"

enum thrift_type {
    THRIFT_STOP = 0,
    THRIFT_TRUE = 1,
    THRIFT_FALSE = 2,
    THRIFT_BYTE = 3,
    THRIFT_I16 = 4,
    THRIFT_I32 = 5,
    THRIFT_I64 = 6,
    THRIFT_DOUBLE = 7,
    THRIFT_BINARY = 8,
    THRIFT_LIST = 9,
    THRIFT_SET = 10,
    THRIFT_MAP = 11,
    THRIFT_STRUCT = 12,
};

struct thrift_reader {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
};

/* A field of a struct: zero it before the first thrift_next of that struct. */
struct thrift_field {
    int32_t id;
    enum thrift_type type;
};

/* Steps to the next field of the struct; false at its end or on failure. The field's value must then be taken by one
 * of the calls below, or passed over. */
bool thrift_next(struct thrift_reader *reader, struct thrift_field *field);
void thrift_skip(struct thrift_reader *reader, enum thrift_type type);

/* Values of the field at hand; one of another type fails. */
bool thrift_boolean(struct thrift_reader *reader, const struct thrift_field *field);
int64_t thrift_integer(struct thrift_reader *reader, const struct thrift_field *field);
int32_t thrift_i32(struct thrift_reader *reader, const struct thrift_field *field);       /* more than 32 bits fails */
struct str thrift_binary(struct thrift_reader *reader, const struct thrift_field *field); /* points into the input */
bool thrift_struct(struct thrift_reader *reader, const struct thrift_field *field);

/* The number of elements of a list whose elements must be of type `element`; never more than bytes are left. */
uint32_t thrift_list(struct thrift_reader *reader, const struct thrift_field *field, enum thrift_type element);

enum { THRIFT_WRITER_DEPTH = 8 };

struct thrift_writer {
    struct buffer *into;
    unsigned depth; /* open structs; never over THRIFT_WRITER_DEPTH */
    int32_t last_id[THRIFT_WRITER_DEPTH];
};

/* A struct that stands by itself or as a list's element; closed by thrift_end. */
void thrift_begin(struct thrift_writer *writer);
void thrift_end(struct thrift_writer *writer);

/* Fields, in ascending order of id. */
void thrift_put_struct(struct thrift_writer *writer, int32_t id); /* closed by thrift_end */
void thrift_put_boolean(struct thrift_writer *writer, int32_t id, bool value);
void thrift_put_i32(struct thrift_writer *writer, int32_t id, int32_t value);
void thrift_put_i64(struct thrift_writer *writer, int32_t id, int64_t value);
void thrift_put_binary(struct thrift_writer *writer, int32_t id, struct str value);
void thrift_put_list(struct thrift_writer *writer, int32_t id, enum thrift_type element, uint32_t count);

/* Elements of a list that was just opened. */
void thrift_item_i32(struct thrift_writer *writer, int32_t value);
void thrift_item_binary(struct thrift_writer *writer, struct str value);

#endif
