#include "tabular/parquet_meta.h"

#include <string.h>

#include "base/memory.h"
#include "tabular/parquet_schema.h"

/* Rows a row group may claim for each byte of the file: runs of one value take next to nothing, but a caller sets
 * aside eight bytes a row, and a few hostile bytes must not make that gigabytes. */
enum { MOST_ROWS_A_BYTE = 8192 };

static bool corrupt(struct error *error, const char *what)
{
    return error_set(error, ERROR_CORRUPT, "the footer is damaged: %s; write the file again", what);
}

/* Members of a ColumnMetaData that the reader needs. */
struct column_facts {
    int64_t type;
    int64_t codec;
    int64_t values;
    int64_t size;
    int64_t data_start;
    int64_t dictionary_start;
    bool elsewhere;
    bool encrypted;
};

static void read_column_metadata(struct thrift_reader *reader, struct column_facts *facts)
{
    struct thrift_field field = {0};

    while (thrift_next(reader, &field)) {
        switch (field.id) {
        case 1:
            facts->type = thrift_i32(reader, &field);
            break;
        case 4:
            facts->codec = thrift_i32(reader, &field);
            break;
        case 5:
            facts->values = thrift_integer(reader, &field);
            break;
        case 7:
            facts->size = thrift_integer(reader, &field);
            break;
        case 9:
            facts->data_start = thrift_integer(reader, &field);
            break;
        case 11:
            facts->dictionary_start = thrift_integer(reader, &field);
            break;
        default:
            thrift_skip(reader, field.type);
            break;
        }
    }
}

static void read_column_chunk(struct thrift_reader *reader, struct column_facts *facts)
{
    struct thrift_field field = {0};

    while (thrift_next(reader, &field)) {
        if (field.id == 1) {
            facts->elsewhere = thrift_binary(reader, &field).length > 0;
        } else if (field.id == 3 && thrift_struct(reader, &field)) {
            read_column_metadata(reader, facts);
        } else {
            facts->encrypted = facts->encrypted || field.id == 8;
            thrift_skip(reader, field.type);
        }
    }
}

static bool chunk_from_facts(struct parquet_chunk *chunk, const struct column_facts *facts,
                             const struct parquet_leaf *leaf, uint64_t file_size, struct error *error)
{
    if (facts->encrypted || facts->elsewhere) {
        return error_set(error, ERROR_INVALID, "column \"%.200s\" is %s, which is not supported", leaf->field.name,
                         facts->encrypted ? "encrypted" : "kept in another file");
    }
    if (facts->type != (int64_t)leaf->type) {
        return corrupt(error, "a column chunk is of another type than its column");
    }
    /* Where a row group has no rows, writers say all sorts of things about where its pages would be. */
    if (facts->values == 0) {
        *chunk = (struct parquet_chunk){.codec = (int32_t)facts->codec};
        return true;
    }
    /* Some writers give 0 for no dictionary, and some put the dictionary first without saying so. */
    int64_t start = facts->dictionary_start > 0 && facts->dictionary_start < facts->data_start ? facts->dictionary_start
                                                                                               : facts->data_start;

    if (facts->values < 0 || facts->size < 0 || start < PARQUET_MAGIC_SIZE || (uint64_t)start > file_size ||
        (uint64_t)facts->size > file_size - (uint64_t)start) {
        return corrupt(error, "a column chunk lies outside the file");
    }
    *chunk = (struct parquet_chunk){
        .start = (uint64_t)start,
        .size = (uint64_t)facts->size,
        .values = (uint64_t)facts->values,
        .codec = (int32_t)facts->codec,
    };
    return true;
}

/* Makes room for one more group. */
static bool grow_groups(struct parquet_footer *footer, struct error *error)
{
    if (footer->group_count < footer->group_room) {
        return true;
    }
    size_t room = footer->group_room > 0 ? footer->group_room * 2 : 4;
    uint64_t *rows = memory_resize(footer->group_rows, room, sizeof *rows, error);

    if (rows == NULL) {
        return false;
    }
    footer->group_rows = rows;

    struct parquet_chunk *chunks = memory_resize(footer->chunks, room, footer->leaf_count * sizeof *chunks, error);

    if (chunks == NULL) {
        return false;
    }
    footer->chunks = chunks;
    footer->group_room = room;
    return true;
}

static bool read_columns(struct parquet_footer *footer, struct thrift_reader *reader, struct thrift_field *field,
                         uint64_t file_size, struct error *error)
{
    uint32_t count = thrift_list(reader, field, THRIFT_STRUCT);

    if (reader->failed || count != footer->leaf_count) {
        return corrupt(error, "a row group does not hold every column once");
    }
    for (uint32_t i = 0; i < count; i++) {
        struct column_facts facts = {.type = -1, .codec = -1, .values = -1, .size = -1};
        struct parquet_chunk *chunk = &footer->chunks[footer->group_count * footer->leaf_count + i];

        read_column_chunk(reader, &facts);
        if (reader->failed) {
            return corrupt(error, "a column chunk cannot be read");
        }
        if (!chunk_from_facts(chunk, &facts, &footer->leaves[i], file_size, error)) {
            return false;
        }
    }
    return true;
}

static bool read_group(struct parquet_footer *footer, struct thrift_reader *reader, uint64_t file_size,
                       struct error *error)
{
    struct thrift_field field = {0};
    int64_t rows = -1;
    bool has_columns = false;

    if (!grow_groups(footer, error)) {
        return false;
    }
    while (thrift_next(reader, &field)) {
        if (field.id == 1) {
            if (!read_columns(footer, reader, &field, file_size, error)) {
                return false;
            }
            has_columns = true;
        } else if (field.id == 3) {
            rows = thrift_integer(reader, &field);
        } else {
            thrift_skip(reader, field.type);
        }
    }
    if (reader->failed || rows < 0 || !has_columns) {
        return corrupt(error, "a row group cannot be read");
    }
    if ((uint64_t)rows / MOST_ROWS_A_BYTE > file_size) {
        return error_set(error, ERROR_LIMIT, "a row group claims %lld rows, more than %d for each byte of the file",
                         (long long)rows, MOST_ROWS_A_BYTE);
    }
    const struct parquet_chunk *chunks = &footer->chunks[footer->group_count * footer->leaf_count];

    for (size_t i = 0; i < footer->leaf_count; i++) {
        if (chunks[i].values != (uint64_t)rows) {
            return corrupt(error, "a column has another number of values than its row group has rows");
        }
    }
    footer->group_rows[footer->group_count++] = (uint64_t)rows;
    footer->rows += (uint64_t)rows;
    return true;
}

static bool read_groups(struct parquet_footer *footer, struct thrift_reader *reader, struct thrift_field *field,
                        uint64_t file_size, struct error *error)
{
    uint32_t count = thrift_list(reader, field, THRIFT_STRUCT);

    if (count > 0 && footer->leaf_count == 0) {
        return corrupt(error, "row groups come before the schema");
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!read_group(footer, reader, file_size, error)) {
            return false;
        }
    }
    return true;
}

bool footer_read(struct parquet_footer *footer, const uint8_t *data, size_t size, uint64_t file_size,
                 struct error *error)
{
    struct thrift_reader reader = {data, data + size, false};
    struct thrift_field field = {0};
    int64_t rows = -1;
    bool has_groups = false;

    *footer = (struct parquet_footer){0};
    while (thrift_next(&reader, &field)) {
        if (field.id == 2 && footer->leaf_count == 0) {
            if (!schema_read(footer, &reader, &field, error)) {
                return false;
            }
        } else if (field.id == 3) {
            rows = thrift_integer(&reader, &field);
        } else if (field.id == 4 && !has_groups) {
            if (!read_groups(footer, &reader, &field, file_size, error)) {
                return false;
            }
            has_groups = true;
        } else {
            thrift_skip(&reader, field.type);
        }
    }
    if (reader.failed || footer->leaf_count == 0 || rows < 0) {
        return corrupt(error, "its metadata cannot be read");
    }
    if (footer->rows != (uint64_t)rows) {
        return corrupt(error, "the row groups do not add up to the rows of the file");
    }
    return true;
}

void footer_free(struct parquet_footer *footer)
{
    memory_free(footer->leaves);
    memory_free(footer->names);
    memory_free(footer->group_rows);
    memory_free(footer->chunks);
    *footer = (struct parquet_footer){0};
}

static void read_data_header(struct thrift_reader *reader, struct parquet_page_header *header)
{
    struct thrift_field field = {0};

    while (thrift_next(reader, &field)) {
        if (field.id == 1) {
            header->values = (uint32_t)thrift_i32(reader, &field);
        } else if (field.id == 2) {
            header->encoding = thrift_i32(reader, &field);
        } else if (field.id == 3 && header->type == PAGE_DATA) {
            header->level_encoding = thrift_i32(reader, &field);
        } else {
            thrift_skip(reader, field.type);
        }
    }
}

static void read_data_header_v2(struct thrift_reader *reader, struct parquet_page_header *header)
{
    struct thrift_field field = {0};

    while (thrift_next(reader, &field)) {
        switch (field.id) {
        case 1:
            header->values = (uint32_t)thrift_i32(reader, &field);
            break;
        case 4:
            header->encoding = thrift_i32(reader, &field);
            break;
        case 5:
            header->level_size = (uint32_t)thrift_i32(reader, &field);
            break;
        case 6:
            header->repetition_size = (uint32_t)thrift_i32(reader, &field);
            break;
        case 7:
            header->packed = thrift_boolean(reader, &field);
            break;
        default:
            thrift_skip(reader, field.type);
            break;
        }
    }
}

bool page_header_read(struct parquet_page_header *header, const uint8_t *data, size_t size, size_t *used)
{
    struct thrift_reader reader = {data, data + size, false};
    struct thrift_field field = {0};

    *header = (struct parquet_page_header){
        .type = -1, .encoding = -1, .level_encoding = ENCODING_RLE, .values = UINT32_MAX, .packed = true};
    while (thrift_next(&reader, &field)) {
        if (field.id == 1) {
            header->type = thrift_i32(&reader, &field);
        } else if (field.id == 2) {
            header->raw_size = (uint32_t)thrift_i32(&reader, &field);
        } else if (field.id == 3) {
            header->stored_size = (uint32_t)thrift_i32(&reader, &field);
        } else if ((field.id == 5 || field.id == 7) && thrift_struct(&reader, &field)) {
            read_data_header(&reader, header);
        } else if (field.id == 8 && thrift_struct(&reader, &field)) {
            read_data_header_v2(&reader, header);
        } else {
            thrift_skip(&reader, field.type);
        }
    }
    *used = size - (size_t)(reader.end - reader.at);
    return !reader.failed && header->type >= 0 && header->raw_size <= INT32_MAX && header->stored_size <= INT32_MAX;
}
