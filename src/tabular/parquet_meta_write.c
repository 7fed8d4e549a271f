#include "tabular/parquet_meta.h"

enum repetition { OPTIONAL_FIELD = 1 };
enum converted_type { CONVERTED_UTF8 = 0, CONVERTED_DECIMAL = 5, CONVERTED_DATE = 6, CONVERTED_TIMESTAMP_MICROS = 10 };
enum logical_type { LOGICAL_STRING = 1, LOGICAL_DECIMAL = 5, LOGICAL_DATE = 6, LOGICAL_TIMESTAMP = 8 };
enum { TIME_UNIT_MICROS = 2, DECIMAL_PRECISION = 18, FORMAT_VERSION = 2 };

enum parquet_type parquet_type_of(enum column_kind kind)
{
    switch (kind) {
    case COLUMN_BOOLEAN:
        return TYPE_BOOLEAN;
    case COLUMN_DATE:
        return TYPE_INT32;
    case COLUMN_TERM:
    case COLUMN_TEXT:
        return TYPE_BYTE_ARRAY;
    case COLUMN_INTEGER:
    case COLUMN_DECIMAL:
    case COLUMN_TIMESTAMP:
    case COLUMN_ABSENT:
    default:
        return TYPE_INT64;
    }
}

/* A member of a union whose value is an empty struct. */
static void put_empty(struct thrift_writer *writer, int32_t id)
{
    thrift_put_struct(writer, id);
    thrift_end(writer);
}

static void put_timestamp(struct thrift_writer *writer)
{
    thrift_put_struct(writer, LOGICAL_TIMESTAMP);
    thrift_put_boolean(writer, 1, true); /* adjusted to UTC */
    thrift_put_struct(writer, 2);
    put_empty(writer, TIME_UNIT_MICROS);
    thrift_end(writer);
    thrift_end(writer);
}

static void put_decimal(struct thrift_writer *writer, int scale)
{
    thrift_put_struct(writer, LOGICAL_DECIMAL);
    thrift_put_i32(writer, 1, scale);
    thrift_put_i32(writer, 2, DECIMAL_PRECISION);
    thrift_end(writer);
}

/* The converted type of old readers (6 to 8) and the logical type (10). */
static void put_meaning(struct thrift_writer *writer, const struct parquet_field *field)
{
    switch (field->kind) {
    case COLUMN_TERM:
    case COLUMN_TEXT:
        thrift_put_i32(writer, 6, CONVERTED_UTF8);
        thrift_put_struct(writer, 10);
        put_empty(writer, LOGICAL_STRING);
        thrift_end(writer);
        break;
    case COLUMN_DECIMAL:
        thrift_put_i32(writer, 6, CONVERTED_DECIMAL);
        thrift_put_i32(writer, 7, field->scale);
        thrift_put_i32(writer, 8, DECIMAL_PRECISION);
        thrift_put_struct(writer, 10);
        put_decimal(writer, field->scale);
        thrift_end(writer);
        break;
    case COLUMN_DATE:
        thrift_put_i32(writer, 6, CONVERTED_DATE);
        thrift_put_struct(writer, 10);
        put_empty(writer, LOGICAL_DATE);
        thrift_end(writer);
        break;
    case COLUMN_TIMESTAMP:
        thrift_put_i32(writer, 6, CONVERTED_TIMESTAMP_MICROS);
        thrift_put_struct(writer, 10);
        put_timestamp(writer);
        thrift_end(writer);
        break;
    case COLUMN_INTEGER:
    case COLUMN_BOOLEAN:
    case COLUMN_ABSENT:
    default:
        break;
    }
}

static void put_schema(struct thrift_writer *writer, const struct parquet_field *fields, size_t count)
{
    thrift_put_list(writer, 2, THRIFT_STRUCT, (uint32_t)count + 1);
    thrift_begin(writer);
    thrift_put_binary(writer, 4, str_of("schema"));
    thrift_put_i32(writer, 5, (int32_t)count);
    thrift_end(writer);
    for (size_t i = 0; i < count; i++) {
        thrift_begin(writer);
        thrift_put_i32(writer, 1, (int32_t)parquet_type_of(fields[i].kind));
        thrift_put_i32(writer, 3, OPTIONAL_FIELD);
        thrift_put_binary(writer, 4, str_of(fields[i].name));
        put_meaning(writer, &fields[i]);
        thrift_end(writer);
    }
}

static void put_statistics(struct thrift_writer *writer, int32_t id, const struct parquet_written *chunk)
{
    thrift_put_struct(writer, id);
    thrift_put_i64(writer, 3, (int64_t)chunk->nulls);
    if (chunk->bounds.known) {
        thrift_put_binary(writer, 5, chunk->bounds.most);
        thrift_put_binary(writer, 6, chunk->bounds.least);
        thrift_put_boolean(writer, 7, true);
        thrift_put_boolean(writer, 8, true);
    }
    thrift_end(writer);
}

static void put_encodings(struct thrift_writer *writer, int32_t encoding)
{
    bool dictionary = encoding == ENCODING_RLE_DICTIONARY;

    thrift_put_list(writer, 2, THRIFT_I32, dictionary ? 3 : 2);
    thrift_item_i32(writer, ENCODING_RLE);
    thrift_item_i32(writer, encoding);
    if (dictionary) {
        thrift_item_i32(writer, ENCODING_PLAIN);
    }
}

void chunk_meta_write(struct buffer *into, const struct parquet_field *field, const struct parquet_written *chunk)
{
    struct thrift_writer members = {.into = into};
    struct thrift_writer *writer = &members;

    thrift_begin(writer);
    thrift_put_i64(writer, 2, 0); /* offset of a copy of the metadata: there is none */
    thrift_put_struct(writer, 3);
    thrift_put_i32(writer, 1, (int32_t)parquet_type_of(field->kind));
    put_encodings(writer, chunk->encoding);
    thrift_put_list(writer, 3, THRIFT_BINARY, 1);
    thrift_item_binary(writer, str_of(field->name));
    thrift_put_i32(writer, 4, chunk->codec);
    thrift_put_i64(writer, 5, (int64_t)chunk->values);
    thrift_put_i64(writer, 6, (int64_t)chunk->raw_size);
    thrift_put_i64(writer, 7, (int64_t)chunk->stored_size);
    thrift_put_i64(writer, 9, (int64_t)chunk->data_start);
    if (chunk->data_start != chunk->start) {
        thrift_put_i64(writer, 11, (int64_t)chunk->start);
    }
    put_statistics(writer, 12, chunk);
    thrift_end(writer);
    thrift_end(writer);
}

void group_meta_write(struct buffer *into, const struct parquet_written_group *group)
{
    struct thrift_writer writer = {.into = into};

    thrift_begin(&writer);
    thrift_put_list(&writer, 1, THRIFT_STRUCT, (uint32_t)group->column_count);
    buffer_append_str(into, group->columns);
    thrift_put_i64(&writer, 2, (int64_t)group->raw_size);
    thrift_put_i64(&writer, 3, (int64_t)group->rows);
    thrift_put_i64(&writer, 5, (int64_t)group->start);
    thrift_put_i64(&writer, 6, (int64_t)group->stored_size);
    thrift_end(&writer);
}

void footer_write(struct buffer *into, const struct parquet_field *fields, size_t count, struct str groups,
                  size_t group_count, uint64_t rows)
{
    struct thrift_writer writer = {.into = into};
    size_t start = into->length;

    thrift_begin(&writer);
    thrift_put_i32(&writer, 1, FORMAT_VERSION);
    put_schema(&writer, fields, count);
    thrift_put_i64(&writer, 3, (int64_t)rows);
    thrift_put_list(&writer, 4, THRIFT_STRUCT, (uint32_t)group_count);
    buffer_append_str(into, groups);
    thrift_put_binary(&writer, 6, str_of("aisle version " AISLE_VERSION));
    thrift_put_list(&writer, 7, THRIFT_STRUCT, (uint32_t)count); /* column orders: by the type, each */
    for (size_t i = 0; i < count; i++) {
        thrift_begin(&writer);
        put_empty(&writer, 1);
        thrift_end(&writer);
    }
    thrift_end(&writer);

    uint32_t size = (uint32_t)(into->length - start);

    buffer_append(into, &size, sizeof size);
    buffer_append(into, PARQUET_MAGIC, PARQUET_MAGIC_SIZE);
}

void page_header_write(struct buffer *into, const struct parquet_page_header *header)
{
    struct thrift_writer writer = {.into = into};

    thrift_begin(&writer);
    thrift_put_i32(&writer, 1, header->type);
    thrift_put_i32(&writer, 2, (int32_t)header->raw_size);
    thrift_put_i32(&writer, 3, (int32_t)header->stored_size);
    thrift_put_struct(&writer, header->type == PAGE_DICTIONARY ? 7 : 5);
    thrift_put_i32(&writer, 1, (int32_t)header->values);
    thrift_put_i32(&writer, 2, header->encoding);
    if (header->type == PAGE_DATA) {
        thrift_put_i32(&writer, 3, ENCODING_RLE);
        thrift_put_i32(&writer, 4, ENCODING_RLE);
    }
    thrift_end(&writer);
    thrift_end(&writer);
}
