#include "tabular/thrift_compact.h"

/* Structs and lists that a reader passes over may be nested this deep; Parquet's own go to 5. */
enum { SKIP_DEPTH = 32, VARINT_BYTES = 10 };

static void fail(struct thrift_reader *reader)
{
    reader->failed = true;
    reader->at = reader->end;
}

static size_t bytes_left(const struct thrift_reader *reader)
{
    return (size_t)(reader->end - reader->at);
}

static uint8_t take_byte(struct thrift_reader *reader)
{
    if (reader->at >= reader->end) {
        fail(reader);
        return 0;
    }
    return *reader->at++;
}

static uint64_t take_varint(struct thrift_reader *reader)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < VARINT_BYTES; i++) {
        uint8_t byte = take_byte(reader);

        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if ((byte & 0x80) == 0) {
            return value;
        }
    }
    fail(reader);
    return 0;
}

static int64_t take_zigzag(struct thrift_reader *reader)
{
    uint64_t value = take_varint(reader);

    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

static void take_bytes(struct thrift_reader *reader, uint64_t size)
{
    if (size > bytes_left(reader)) {
        fail(reader);
    } else {
        reader->at += size;
    }
}

bool thrift_next(struct thrift_reader *reader, struct thrift_field *field)
{
    uint8_t head = take_byte(reader);

    if (reader->failed || head == THRIFT_STOP) {
        return false;
    }
    int64_t id = head >> 4 != 0 ? (int64_t)field->id + (head >> 4) : take_zigzag(reader);

    if ((head & 0x0f) > THRIFT_STRUCT || id < INT16_MIN || id > INT16_MAX) {
        fail(reader);
    }
    field->type = (enum thrift_type)(head & 0x0f);
    field->id = (int32_t)id;
    return !reader->failed;
}

/* Element type and count of the list or set at hand. */
static uint32_t take_list_head(struct thrift_reader *reader, enum thrift_type *element)
{
    uint8_t head = take_byte(reader);
    uint64_t count = head >> 4;

    if (count == 15) {
        count = take_varint(reader);
    }
    *element = (enum thrift_type)(head & 0x0f);
    if (count > bytes_left(reader)) {
        fail(reader);
    }
    return reader->failed ? 0 : (uint32_t)count;
}

static void skip_value(struct thrift_reader *reader, enum thrift_type type, bool in_list, unsigned depth);

static void skip_map(struct thrift_reader *reader, unsigned depth)
{
    uint64_t count = take_varint(reader);
    uint8_t types = count > 0 ? take_byte(reader) : 0;

    if (count > bytes_left(reader)) {
        fail(reader);
    }
    for (uint64_t i = 0; i < count && !reader->failed; i++) {
        skip_value(reader, (enum thrift_type)(types >> 4), true, depth + 1);
        skip_value(reader, (enum thrift_type)(types & 0x0f), true, depth + 1);
    }
}

static void skip_list(struct thrift_reader *reader, unsigned depth)
{
    enum thrift_type element;
    uint32_t count = take_list_head(reader, &element);

    for (uint32_t i = 0; i < count && !reader->failed; i++) {
        skip_value(reader, element, true, depth + 1);
    }
}

static void skip_struct(struct thrift_reader *reader, unsigned depth)
{
    struct thrift_field field = {0};

    while (thrift_next(reader, &field)) {
        skip_value(reader, field.type, false, depth + 1);
    }
}

static void skip_value(struct thrift_reader *reader, enum thrift_type type, bool in_list, unsigned depth)
{
    if (depth > SKIP_DEPTH) {
        fail(reader);
        return;
    }
    switch (type) {
    case THRIFT_TRUE:
    case THRIFT_FALSE: /* a struct's field holds the value in its type, a list a byte each */
        take_bytes(reader, in_list ? 1 : 0);
        break;
    case THRIFT_BYTE:
        take_bytes(reader, 1);
        break;
    case THRIFT_I16:
    case THRIFT_I32:
    case THRIFT_I64:
        take_varint(reader);
        break;
    case THRIFT_DOUBLE:
        take_bytes(reader, 8);
        break;
    case THRIFT_BINARY:
        take_bytes(reader, take_varint(reader));
        break;
    case THRIFT_LIST:
    case THRIFT_SET:
        skip_list(reader, depth);
        break;
    case THRIFT_MAP:
        skip_map(reader, depth);
        break;
    case THRIFT_STRUCT:
        skip_struct(reader, depth);
        break;
    case THRIFT_STOP:
    default:
        fail(reader);
        break;
    }
}

void thrift_skip(struct thrift_reader *reader, enum thrift_type type)
{
    skip_value(reader, type, false, 0);
}

bool thrift_boolean(struct thrift_reader *reader, const struct thrift_field *field)
{
    if (field->type != THRIFT_TRUE && field->type != THRIFT_FALSE) {
        fail(reader);
    }
    return field->type == THRIFT_TRUE;
}

int64_t thrift_integer(struct thrift_reader *reader, const struct thrift_field *field)
{
    if (field->type == THRIFT_BYTE) {
        return (int8_t)take_byte(reader);
    }
    if (field->type != THRIFT_I16 && field->type != THRIFT_I32 && field->type != THRIFT_I64) {
        fail(reader);
        return 0;
    }
    int64_t value = take_zigzag(reader);

    return reader->failed ? 0 : value;
}

int32_t thrift_i32(struct thrift_reader *reader, const struct thrift_field *field)
{
    int64_t value = thrift_integer(reader, field);

    if (value < INT32_MIN || value > INT32_MAX) {
        fail(reader);
        return 0;
    }
    return (int32_t)value;
}

struct str thrift_binary(struct thrift_reader *reader, const struct thrift_field *field)
{
    if (field->type != THRIFT_BINARY) {
        fail(reader);
        return str_slice("", 0);
    }
    uint64_t size = take_varint(reader);
    const uint8_t *start = reader->at;

    take_bytes(reader, size);
    return reader->failed ? str_slice("", 0) : str_slice((const char *)start, (size_t)size);
}

bool thrift_struct(struct thrift_reader *reader, const struct thrift_field *field)
{
    if (field->type != THRIFT_STRUCT) {
        fail(reader);
    }
    return !reader->failed;
}

uint32_t thrift_list(struct thrift_reader *reader, const struct thrift_field *field, enum thrift_type element)
{
    enum thrift_type found;

    if (field->type != THRIFT_LIST) {
        fail(reader);
        return 0;
    }
    uint32_t count = take_list_head(reader, &found);

    if (count > 0 && found != element) {
        fail(reader);
        return 0;
    }
    return count;
}

static void put_varint(struct buffer *into, uint64_t value)
{
    char bytes[VARINT_BYTES];
    size_t size = 0;

    while (value >= 0x80) {
        bytes[size++] = (char)(value | 0x80);
        value >>= 7;
    }
    bytes[size++] = (char)value;
    buffer_append(into, bytes, size);
}

static void put_zigzag(struct buffer *into, int64_t value)
{
    put_varint(into, ((uint64_t)value << 1) ^ (uint64_t)(value >> 63));
}

static void put_head(struct thrift_writer *writer, int32_t id, enum thrift_type type)
{
    int32_t *last = &writer->last_id[writer->depth - 1];
    int32_t step = id - *last;

    if (step >= 1 && step <= 15) {
        buffer_append_char(writer->into, (char)(step << 4 | (int)type));
    } else {
        buffer_append_char(writer->into, (char)type);
        put_zigzag(writer->into, id);
    }
    *last = id;
}

void thrift_begin(struct thrift_writer *writer)
{
    writer->last_id[writer->depth++] = 0;
}

void thrift_end(struct thrift_writer *writer)
{
    buffer_append_char(writer->into, THRIFT_STOP);
    writer->depth--;
}

void thrift_put_struct(struct thrift_writer *writer, int32_t id)
{
    put_head(writer, id, THRIFT_STRUCT);
    thrift_begin(writer);
}

void thrift_put_boolean(struct thrift_writer *writer, int32_t id, bool value)
{
    put_head(writer, id, value ? THRIFT_TRUE : THRIFT_FALSE);
}

void thrift_put_i32(struct thrift_writer *writer, int32_t id, int32_t value)
{
    put_head(writer, id, THRIFT_I32);
    put_zigzag(writer->into, value);
}

void thrift_put_i64(struct thrift_writer *writer, int32_t id, int64_t value)
{
    put_head(writer, id, THRIFT_I64);
    put_zigzag(writer->into, value);
}

void thrift_put_binary(struct thrift_writer *writer, int32_t id, struct str value)
{
    put_head(writer, id, THRIFT_BINARY);
    thrift_item_binary(writer, value);
}

void thrift_put_list(struct thrift_writer *writer, int32_t id, enum thrift_type element, uint32_t count)
{
    put_head(writer, id, THRIFT_LIST);
    if (count < 15) {
        buffer_append_char(writer->into, (char)(count << 4 | (uint32_t)element));
    } else {
        buffer_append_char(writer->into, (char)(0xf0 | (int)element));
        put_varint(writer->into, count);
    }
}

void thrift_item_i32(struct thrift_writer *writer, int32_t value)
{
    put_zigzag(writer->into, value);
}

void thrift_item_binary(struct thrift_writer *writer, struct str value)
{
    put_varint(writer->into, value.length);
    buffer_append_str(writer->into, value);
}
