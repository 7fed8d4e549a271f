#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "tabular/parquet.h"
#include "tabular/parquet_decode.h"
#include "tabular/parquet_meta.h"
#include "tabular/parquet_page.h"
#include "tabular/parquet_values.h"

/* What decoding one column may hold beside the caller's arrays: texts built from prefixes and unpacked pages are
 * larger than the file, but not without end. */
enum { LEAST_ARENA_BYTES = 64 * 1024 * 1024, ARENA_BYTES_A_BYTE = 4096 };

struct parquet_reader {
    char *path;
    int fd;
    uint64_t size;
    struct parquet_footer footer;
    struct parquet_packer packer;
    struct arena *arena; /* of the column at hand */
    uint8_t *chunk;      /* its bytes */
    size_t chunk_room;
    uint8_t *levels;
    uint32_t *indices;
    size_t rows_room; /* of both */
    struct str *scratch;
    size_t scratch_room;
};

/* One column of one row group on its way out. */
struct column_read {
    struct parquet_reader *reader;
    const struct parquet_leaf *leaf;
    struct value_sink sink;
    struct page_source source;
    uint64_t rows;
    uint64_t done;
    bool has_dictionary;
    uint32_t dictionary_count;
    int64_t *dictionary_numbers;
    struct str *dictionary_texts;
};

/* Reads exactly `size` bytes. */
static bool read_exactly(struct parquet_reader *reader, void *data, size_t size, uint64_t offset, struct error *error)
{
    ssize_t got = file_read_at(reader->fd, data, size, offset, reader->path, error);

    if (got >= 0 && (size_t)got < size) {
        return error_set(error, ERROR_CONFLICT, "the file became shorter while it was read");
    }
    return got >= 0;
}

static bool read_footer(struct parquet_reader *reader, struct error *error)
{
    uint8_t tail[PARQUET_TAIL_SIZE];
    uint32_t footer_size = 0;

    if (reader->size < PARQUET_MAGIC_SIZE + PARQUET_TAIL_SIZE) {
        return error_set(error, ERROR_INVALID, "not a Parquet file: it has only %llu bytes",
                         (unsigned long long)reader->size);
    }
    if (!read_exactly(reader, tail, sizeof tail, reader->size - sizeof tail, error)) {
        return false;
    }
    if (memcmp(tail + sizeof footer_size, "PARE", PARQUET_MAGIC_SIZE) == 0) {
        return error_set(error, ERROR_INVALID, "the Parquet file is encrypted, which is not supported");
    }
    if (memcmp(tail + sizeof footer_size, PARQUET_MAGIC, PARQUET_MAGIC_SIZE) != 0) {
        return error_set(
            error, ERROR_INVALID,
            "not a whole Parquet file: it does not end with PAR1, so it is of another format or was cut off");
    }
    memcpy(&footer_size, tail, sizeof footer_size);
    if (footer_size > reader->size - PARQUET_MAGIC_SIZE - PARQUET_TAIL_SIZE) {
        return error_set(error, ERROR_CORRUPT, "the Parquet file is damaged: its footer claims %u bytes", footer_size);
    }
    uint8_t *footer = memory_array(footer_size + DECODE_PADDING, 1, error);
    bool read = footer != NULL &&
                read_exactly(reader, footer, footer_size, reader->size - PARQUET_TAIL_SIZE - footer_size, error) &&
                footer_read(&reader->footer, footer, footer_size, reader->size, error);

    memory_free(footer);
    return read;
}

static bool open_file(struct parquet_reader *reader, struct error *error)
{
    struct stat status;

    reader->fd = open(reader->path, O_RDONLY | O_CLOEXEC);
    if (reader->fd < 0) {
        return error_set_errno(error, errno, "cannot open");
    }
    if (fstat(reader->fd, &status) != 0) {
        return error_set_errno(error, errno, "cannot look at the file");
    }
    if (!S_ISREG(status.st_mode)) {
        return error_set(error, ERROR_INVALID, "not a regular file");
    }
    reader->size = (uint64_t)status.st_size;
    return true;
}

static struct arena *column_arena(uint64_t file_size, struct error *error)
{
    uint64_t most = file_size < (SIZE_MAX - LEAST_ARENA_BYTES) / ARENA_BYTES_A_BYTE
                        ? file_size * ARENA_BYTES_A_BYTE + LEAST_ARENA_BYTES
                        : SIZE_MAX;

    return arena_new((size_t)most, error);
}

struct parquet_reader *parquet_open(const char *path, struct error *error)
{
    struct parquet_reader *reader = memory_zeroed(sizeof *reader, error);

    if (reader == NULL) {
        return NULL;
    }
    reader->fd = -1;
    reader->path = memory_copy_text(path, strlen(path), error);
    if (reader->path == NULL) {
        parquet_reader_free(reader);
        return NULL;
    }
    if (open_file(reader, error) && read_footer(reader, error)) {
        reader->arena = column_arena(reader->size, error);
    }
    if (reader->arena == NULL) {
        error_prefix(error, "%s", path);
        parquet_reader_free(reader);
        return NULL;
    }
    return reader;
}

void parquet_reader_free(struct parquet_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    if (reader->fd >= 0) {
        close(reader->fd);
    }
    packer_free(&reader->packer);
    footer_free(&reader->footer);
    arena_free(reader->arena);
    memory_free(reader->chunk);
    memory_free(reader->levels);
    memory_free(reader->indices);
    memory_free(reader->scratch);
    memory_free(reader->path);
    memory_free(reader);
}

size_t parquet_field_count(const struct parquet_reader *reader)
{
    return reader->footer.leaf_count;
}

const struct parquet_field *parquet_field_at(const struct parquet_reader *reader, size_t field)
{
    return &reader->footer.leaves[field].field;
}

int parquet_find(const struct parquet_reader *reader, const char *name)
{
    for (size_t i = 0; i < reader->footer.leaf_count && i <= INT_MAX; i++) {
        if (strcmp(reader->footer.leaves[i].field.name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

size_t parquet_group_count(const struct parquet_reader *reader)
{
    return reader->footer.group_count;
}

uint64_t parquet_group_rows(const struct parquet_reader *reader, size_t group)
{
    return reader->footer.group_rows[group];
}

uint64_t parquet_row_count(const struct parquet_reader *reader)
{
    return reader->footer.rows;
}

static bool grow_rooms(struct parquet_reader *reader, uint64_t chunk_size, uint64_t rows, struct error *error)
{
    if (chunk_size + DECODE_PADDING > reader->chunk_room) {
        memory_free(reader->chunk);
        reader->chunk_room = 0;
        reader->chunk = memory_array((size_t)chunk_size + DECODE_PADDING, 1, error);
        if (reader->chunk == NULL) {
            return false;
        }
        reader->chunk_room = (size_t)chunk_size + DECODE_PADDING;
    }
    if (rows > reader->rows_room) {
        memory_free(reader->levels);
        memory_free(reader->indices);
        reader->rows_room = 0;
        reader->levels = memory_array((size_t)rows, sizeof *reader->levels, error);
        reader->indices = memory_array((size_t)rows, sizeof *reader->indices, error);
        if (reader->levels == NULL || reader->indices == NULL) {
            return false;
        }
        reader->rows_room = (size_t)rows;
    }
    return true;
}

static bool read_dictionary(struct column_read *read, const struct page *page, struct error *error)
{
    size_t count = page->values;
    size_t value_size = read->leaf->type == TYPE_INT32 || read->leaf->type == TYPE_BYTE_ARRAY ? 4
                        : read->leaf->type == TYPE_INT64                                      ? 8
                                                                                              : read->leaf->size;

    if (read->has_dictionary || value_size == 0 || count > page->size / value_size) {
        return error_set(error, ERROR_CORRUPT, "a dictionary is damaged");
    }
    if (page->encoding != ENCODING_PLAIN && page->encoding != ENCODING_PLAIN_DICTIONARY) {
        return error_set(error, ERROR_INVALID, "a dictionary in encoding %d is not supported", (int)page->encoding);
    }
    read->has_dictionary = true;
    read->dictionary_count = page->values;
    if (value_sink_texts(&read->sink)) {
        read->dictionary_texts = arena_take(read->reader->arena, count * sizeof *read->dictionary_texts + 1, error);
    } else {
        read->dictionary_numbers = arena_take(read->reader->arena, count * sizeof *read->dictionary_numbers + 1, error);
    }
    return (read->dictionary_texts != NULL || read->dictionary_numbers != NULL) &&
           values_decode(&read->sink, ENCODING_PLAIN, page->data, page->size, count, read->dictionary_numbers,
                         read->dictionary_texts, error);
}

/* Values given as indices into the dictionary: the bit width, then hybrid runs. */
static bool read_indexed(struct column_read *read, const struct page *page, size_t count, int64_t *numbers,
                         struct str *texts, struct error *error)
{
    uint32_t *indices = read->reader->indices;
    uint32_t most = 0;

    if (count == 0) {
        return true;
    }
    if (!read->has_dictionary || page->size < 1 ||
        !decode_hybrid(page->data + 1, page->size - 1, page->data[0], indices, count)) {
        return error_set(error, ERROR_CORRUPT, "a page is damaged: its dictionary indices cannot be read");
    }
    for (size_t i = 0; i < count; i++) {
        most = indices[i] > most ? indices[i] : most;
    }
    if (most >= read->dictionary_count) {
        return error_set(error, ERROR_CORRUPT, "a page is damaged: it refers to value %u of a dictionary of %u", most,
                         read->dictionary_count);
    }
    if (texts != NULL) {
        for (size_t i = 0; i < count; i++) {
            texts[i] = read->dictionary_texts[indices[i]];
        }
    } else {
        for (size_t i = 0; i < count; i++) {
            numbers[i] = read->dictionary_numbers[indices[i]];
        }
    }
    return true;
}

/* Moves `present` values at the front to where the levels say, nulls between them. From the end, so in place. */
static void spread_numbers(const uint8_t *levels, size_t count, size_t present, int64_t *numbers)
{
    for (size_t i = count; i-- > 0;) {
        numbers[i] = levels[i] != 0 ? numbers[--present] : COLUMN_NULL;
    }
}

static void spread_texts(const uint8_t *levels, size_t count, size_t present, struct str *texts)
{
    for (size_t i = count; i-- > 0;) {
        texts[i] = levels[i] != 0 ? texts[--present] : (struct str){NULL, 0};
    }
}

static bool read_data(struct column_read *read, const struct page *page, int64_t *numbers, struct str *texts,
                      struct error *error)
{
    uint8_t *levels = read->reader->levels;
    size_t present = page->values;

    if (page->levels != NULL && !decode_levels(page->levels, page->level_size, levels, page->values, &present)) {
        return error_set(error, ERROR_CORRUPT, "a page is damaged: its definition levels cannot be read");
    }
    bool indexed = page->encoding == ENCODING_RLE_DICTIONARY || page->encoding == ENCODING_PLAIN_DICTIONARY;

    if (indexed ? !read_indexed(read, page, present, numbers, texts, error)
                : present > 0 && !values_decode(&read->sink, page->encoding, page->data, page->size, present, numbers,
                                                texts, error)) {
        return false;
    }
    if (present < page->values && texts != NULL) {
        spread_texts(levels, page->values, present, texts);
    } else if (present < page->values) {
        spread_numbers(levels, page->values, present, numbers);
    }
    return true;
}

static bool read_pages(struct column_read *read, int64_t *numbers, struct str *texts, struct error *error)
{
    while (read->done < read->rows) {
        struct page page;
        struct error page_error = {0};

        if (!page_next(&read->source, &page, &page_error)) {
            return page_error.code == ERROR_NONE
                       ? error_set(error, ERROR_CORRUPT, "its pages end after %llu of %llu values",
                                   (unsigned long long)read->done, (unsigned long long)read->rows)
                       : error_set(error, page_error.code, "%s", page_error.message);
        }
        if (page.dictionary) {
            if (!read_dictionary(read, &page, error)) {
                return false;
            }
            continue;
        }
        if (page.values > read->rows - read->done) {
            return error_set(error, ERROR_CORRUPT, "its pages hold more values than the row group has rows");
        }
        if (!read_data(read, &page, numbers != NULL ? numbers + read->done : NULL,
                       texts != NULL ? texts + read->done : NULL, error)) {
            return false;
        }
        read->done += page.values;
    }
    return true;
}

bool parquet_read_column(struct parquet_reader *reader, size_t group, size_t field, struct terms *terms,
                         int64_t *values, struct str *texts, struct error *error)
{
    const struct parquet_leaf *leaf = &reader->footer.leaves[field];
    const struct parquet_chunk *chunk = &reader->footer.chunks[group * reader->footer.leaf_count + field];
    struct column_read read = {.reader = reader, .leaf = leaf, .rows = reader->footer.group_rows[group]};

    arena_reset(reader->arena);
    read.sink = (struct value_sink){.leaf = leaf,
                                    .terms = leaf->field.kind == COLUMN_TEXT ? terms : NULL,
                                    .arena = reader->arena,
                                    .scratch = reader->scratch,
                                    .scratch_room = reader->scratch_room};
    bool done = grow_rooms(reader, chunk->size, read.rows, error) &&
                read_exactly(reader, reader->chunk, (size_t)chunk->size, chunk->start, error);

    if (done) {
        bool to_texts = value_sink_texts(&read.sink);

        memset(reader->chunk + chunk->size, 0, DECODE_PADDING);
        read.source = (struct page_source){.data = reader->chunk,
                                           .size = (size_t)chunk->size,
                                           .codec = chunk->codec,
                                           .optional = leaf->optional,
                                           .packer = &reader->packer,
                                           .arena = reader->arena};
        done = read_pages(&read, to_texts ? NULL : values, to_texts ? texts : NULL, error);
    }
    reader->scratch = read.sink.scratch;
    reader->scratch_room = read.sink.scratch_room;
    return done ||
           error_prefix(error, "%s: row group %zu, column \"%.200s\"", reader->path, group + 1, leaf->field.name);
}
