#include "tabular/parquet_column.h"

#include <inttypes.h>
#include <string.h>

#include "base/memory.h"
#include "tabular/parquet_choice.h"
#include "tabular/parquet_encode.h"

enum {
    PAGE_ROWS = 32768,
    LARGEST_DICTIONARY = 16 * 1024 * 1024, /* bytes */
};

static const int64_t decimal_end = INT64_C(1000000000000000000); /* 18 digits */

/* A column of a row group on its way out. */
struct column_run {
    struct column_writer *writer;
    const struct parquet_field *field;
    struct parquet_values values;
    size_t rows;
    struct buffer *out;
    struct parquet_written *written;
    uint64_t out_start;
    int32_t encoding;
    bool codec_known;
    int64_t least; /* of numbers */
    int64_t most;
};

/* Rows of one page without their nulls. */
struct page_rows {
    size_t rows;
    size_t present;
    const int64_t *numbers; /* or */
    const struct str *texts;
};

void column_writer_free(struct column_writer *writer)
{
    packer_free(&writer->packer);
    distinct_free(&writer->distinct);
    text_encoder_free(&writer->texts);
    memory_free(writer->indices);
    memory_free(writer->dense_numbers);
    memory_free(writer->dense_texts);
    memory_free(writer->levels);
    buffer_free(&writer->values);
    buffer_free(&writer->page);
    buffer_free(&writer->dictionary);
    buffer_free(&writer->packed);
}

static bool is_text(const struct parquet_field *field)
{
    return field->kind == COLUMN_TEXT || field->kind == COLUMN_TERM;
}

/* Makes sure that `*array` has room for `count` elements; what it held is lost. */
static bool make_room(void **array, size_t *room, size_t count, size_t size, struct error *error)
{
    if (count <= *room) {
        return true;
    }
    memory_free(*array);
    *room = 0;
    *array = memory_array(count, size, error);
    if (*array == NULL) {
        return false;
    }
    *room = count;
    return true;
}

static int32_t stored_codec(enum parquet_codec codec)
{
    static const int32_t stored[] = {
        [PARQUET_UNCOMPRESSED] = STORED_UNCOMPRESSED, [PARQUET_SNAPPY] = STORED_SNAPPY, [PARQUET_ZSTD] = STORED_ZSTD};

    return stored[codec];
}

static bool put_page(struct column_run *run, enum parquet_page_type type, int32_t encoding, const struct buffer *raw,
                     size_t values, struct error *error)
{
    struct column_writer *writer = run->writer;
    const struct buffer *stored = raw;
    size_t start = run->out->length;

    if (run->written->codec != STORED_UNCOMPRESSED) {
        buffer_clear(&writer->packed);
        if (!packer_pack(&writer->packer, writer->codec, raw->data, raw->length, &writer->packed, error)) {
            return false;
        }
        stored = &writer->packed;
    }
    struct parquet_page_header header = {
        .type = (int32_t)type,
        .encoding = encoding,
        .raw_size = (uint32_t)raw->length,
        .stored_size = (uint32_t)stored->length,
        .values = (uint32_t)values,
    };

    page_header_write(run->out, &header);
    run->written->raw_size += run->out->length - start + raw->length;
    buffer_append(run->out, stored->data, stored->length);
    run->written->stored_size += run->out->length - start;
    return buffer_check(run->out, error);
}

/* Decides whether the chunk is compressed, by its dictionary or its first page, whichever is larger, and writes the
 * dictionary, which comes before the first page. */
static bool begin_pages(struct column_run *run, struct error *error)
{
    struct column_writer *writer = run->writer;
    const struct buffer *larger =
        writer->page.length >= writer->dictionary.length ? &writer->page : &writer->dictionary;
    bool gains = false;

    if (!packer_gains(&writer->packer, writer->codec, larger->data, larger->length, &gains, error)) {
        return false;
    }
    run->written->codec = gains ? stored_codec(writer->codec) : STORED_UNCOMPRESSED;
    run->written->start = run->out_start + run->out->length;
    if (run->encoding == ENCODING_RLE_DICTIONARY &&
        !put_page(run, PAGE_DICTIONARY, ENCODING_PLAIN, &writer->dictionary, writer->distinct.count, error)) {
        return false;
    }
    run->written->data_start = run->out_start + run->out->length;
    run->codec_known = true;
    return true;
}

/* Appends the definition levels of `rows` rows from `from` on, with their length before them. */
static bool put_levels(struct column_run *run, size_t from, const struct page_rows *page, struct error *error)
{
    struct buffer *into = &run->writer->page;
    uint32_t size = 0;

    buffer_clear(into);
    buffer_append(into, &size, sizeof size);
    if (page->present == page->rows || page->present == 0) {
        encode_hybrid_run(into, page->present > 0 ? 1 : 0, page->rows, 1);
    } else {
        if (!make_room((void **)&run->writer->levels, &run->writer->levels_room, page->rows, sizeof(uint32_t), error)) {
            return false;
        }
        for (size_t i = 0; i < page->rows; i++) {
            run->writer->levels[i] = run->values.texts != NULL ? run->values.texts[from + i].data != NULL
                                                               : run->values.values[from + i] != COLUMN_NULL;
        }
        encode_hybrid(into, run->writer->levels, page->rows, 1);
    }
    if (!buffer_check(into, error)) {
        return false;
    }
    size = (uint32_t)(into->length - sizeof size);
    memcpy(into->data, &size, sizeof size);
    return true;
}

/* Puts together and writes the page whose encoded values are in the writer. */
static bool finish_page(struct column_run *run, size_t from, const struct page_rows *page, struct error *error)
{
    struct column_writer *writer = run->writer;

    if (!buffer_check(&writer->values, error) || !put_levels(run, from, page, error)) {
        return false;
    }
    buffer_append(&writer->page, writer->values.data, writer->values.length);
    if (!buffer_check(&writer->page, error) || (!run->codec_known && !begin_pages(run, error))) {
        return false;
    }
    run->written->nulls += page->rows - page->present;
    return put_page(run, PAGE_DATA, run->encoding, &writer->page, page->rows, error);
}

static void add_bounds(struct column_run *run, const int64_t *numbers, size_t count)
{
    int64_t least = run->least;
    int64_t most = run->most;

    for (size_t i = 0; i < count; i++) {
        least = numbers[i] < least ? numbers[i] : least;
        most = numbers[i] > most ? numbers[i] : most;
    }
    run->least = least;
    run->most = most;
}

/* Numbers of rows from `from` on; where there is no null they stay where they are. */
static bool gather_numbers(struct column_run *run, size_t from, struct page_rows *page, struct error *error)
{
    const int64_t *values = run->values.values + from;
    struct column_writer *writer = run->writer;
    size_t nulls = 0;

    for (size_t i = 0; i < page->rows; i++) {
        nulls += values[i] == COLUMN_NULL;
    }
    page->present = page->rows - nulls;
    page->numbers = values;
    if (nulls == 0) {
        return true;
    }
    if (!make_room((void **)&writer->dense_numbers, &writer->numbers_room, page->rows, sizeof(int64_t), error)) {
        return false;
    }
    for (size_t i = 0, at = 0; i < page->rows && at < page->present; i++) {
        writer->dense_numbers[at] = values[i];
        at += values[i] != COLUMN_NULL;
    }
    page->numbers = writer->dense_numbers;
    return true;
}

static bool gather_texts(struct column_run *run, size_t from, struct page_rows *page, struct error *error)
{
    const struct str *values = run->values.texts + from;
    struct column_writer *writer = run->writer;

    if (!make_room((void **)&writer->dense_texts, &writer->texts_room, page->rows, sizeof(struct str), error)) {
        return false;
    }
    page->present = 0;
    for (size_t i = 0; i < page->rows; i++) {
        if (values[i].data != NULL) {
            writer->dense_texts[page->present++] = values[i];
        }
    }
    page->texts = writer->dense_texts;
    return true;
}

/* Cuts a page down to its first `taken` values that are not null and the nulls around them. */
static void cut_page(const struct column_run *run, size_t from, struct page_rows *page, size_t taken)
{
    size_t present = 0;

    for (size_t i = 0; i < page->rows; i++) {
        bool null = run->values.texts != NULL ? run->values.texts[from + i].data == NULL
                                              : run->values.values[from + i] == COLUMN_NULL;

        if (!null && present++ == taken) {
            page->rows = i;
            page->present = taken;
            return;
        }
    }
}

static bool encode_texts(struct column_run *run, size_t from, struct page_rows *page, struct error *error)
{
    struct text_input input = {page->numbers, page->texts, page->present};
    size_t taken = 0;

    if (!text_encoder_page(&run->writer->texts, &input, run->encoding, &run->writer->values, &run->writer->bounds,
                           &taken, error)) {
        return false;
    }
    if (taken < page->present) {
        cut_page(run, from, page, taken);
    }
    return true;
}

static void encode_numbers(struct column_run *run, const struct page_rows *page)
{
    struct buffer *into = &run->writer->values;

    add_bounds(run, page->numbers, page->present);
    if (run->field->kind == COLUMN_BOOLEAN) {
        encode_booleans(into, page->numbers, page->present);
    } else {
        encode_delta(into, page->numbers, page->present, run->field->kind == COLUMN_DATE);
    }
}

static bool write_plain_pages(struct column_run *run, struct error *error)
{
    for (size_t from = 0; from < run->rows;) {
        struct page_rows page = {.rows = run->rows - from < PAGE_ROWS ? run->rows - from : PAGE_ROWS};

        buffer_clear(&run->writer->values);
        if (run->values.texts != NULL ? !gather_texts(run, from, &page, error)
                                      : !gather_numbers(run, from, &page, error)) {
            return false;
        }
        if (!is_text(run->field)) {
            encode_numbers(run, &page);
        } else if (!encode_texts(run, from, &page, error)) {
            return false;
        }
        if (!finish_page(run, from, &page, error)) {
            return false;
        }
        from += page.rows;
    }
    return true;
}

static bool write_indexed_pages(struct column_run *run, struct error *error)
{
    struct column_writer *writer = run->writer;
    unsigned width = encode_bit_width(writer->distinct.count > 0 ? writer->distinct.count - 1 : 0);
    const uint32_t *indices = writer->indices;

    for (size_t from = 0; from < run->rows;) {
        struct page_rows page = {.rows = run->rows - from < PAGE_ROWS ? run->rows - from : PAGE_ROWS};

        for (size_t i = 0; i < page.rows; i++) {
            page.present += run->values.texts != NULL ? run->values.texts[from + i].data != NULL
                                                      : run->values.values[from + i] != COLUMN_NULL;
        }
        buffer_clear(&writer->values);
        buffer_append_char(&writer->values, (char)width);
        encode_hybrid(&writer->values, indices, page.present, width);
        if (!finish_page(run, from, &page, error)) {
            return false;
        }
        indices += page.present;
        from += page.rows;
    }
    return true;
}

/* Fills the dictionary page from the distinct values; `*fits` is false when it would be too large. */
static bool fill_dictionary(struct column_run *run, bool *fits, struct error *error)
{
    struct column_writer *writer = run->writer;
    struct distinct *distinct = &writer->distinct;

    buffer_clear(&writer->dictionary);
    *fits = true;
    if (!is_text(run->field)) {
        encode_plain(&writer->dictionary, distinct->numbers, distinct->count, run->field->kind == COLUMN_DATE);
        add_bounds(run, distinct->numbers, distinct->count);
        return buffer_check(&writer->dictionary, error);
    }
    for (size_t i = 0; i < distinct->count && *fits; i++) {
        struct str text = distinct->of_texts ? distinct->texts[i]
                                             : text_encoder_render(&writer->texts, 0, distinct->numbers[i], error);
        uint32_t length = (uint32_t)text.length;

        if (text.data == NULL) {
            return false;
        }
        *fits = text.length <= LARGEST_DICTIONARY && writer->dictionary.length <= LARGEST_DICTIONARY;
        if (*fits) {
            buffer_append(&writer->dictionary, &length, sizeof length);
            buffer_append_str(&writer->dictionary, text);
            text_bounds_add(&writer->bounds, text);
        }
    }
    return buffer_check(&writer->dictionary, error);
}

/* Turns every value into its index. When there are more distinct values than was guessed, or too long ones, another
 * encoding takes over, and nothing has been written yet. */
static bool index_values(struct column_run *run, size_t most, struct error *error)
{
    struct column_writer *writer = run->writer;
    size_t present = 0;
    bool fits = false;

    if (!make_room((void **)&writer->indices, &writer->indices_room, run->rows, sizeof(uint32_t), error)) {
        return false;
    }
    if (run->values.texts != NULL ? !distinct_index_texts(&writer->distinct, run->values.texts, run->rows, most,
                                                          writer->indices, &present, error)
                                  : !distinct_index_numbers(&writer->distinct, run->values.values, run->rows, most,
                                                            writer->indices, &present, error)) {
        return false;
    }
    if (writer->distinct.count <= most && !fill_dictionary(run, &fits, error)) {
        return false;
    }
    if (!fits) {
        buffer_clear(&writer->dictionary);
        run->encoding = choose_without_dictionary(run->field->kind);
    }
    return true;
}

static bool check_range(const struct column_run *run, struct error *error)
{
    const struct parquet_field *field = run->field;

    if (run->least > run->most) {
        return true;
    }
    if (field->kind == COLUMN_DECIMAL && (run->least <= -decimal_end || run->most >= decimal_end)) {
        return error_set(error, ERROR_LIMIT, "a decimal of column \"%.200s\" has more than 18 digits", field->name);
    }
    if (field->kind == COLUMN_DATE && (run->least < INT32_MIN || run->most > INT32_MAX)) {
        return error_set(error, ERROR_LIMIT, "a date of column \"%.200s\" lies beyond 32 bits of days", field->name);
    }
    return true;
}

static void keep_number_bounds(struct column_run *run)
{
    char(*room)[sizeof(int64_t)] = run->writer->number_bounds;
    enum parquet_type type = parquet_type_of(run->field->kind);
    size_t size = type == TYPE_BOOLEAN ? 1 : type == TYPE_INT32 ? 4 : 8;

    if (run->least > run->most) {
        return;
    }
    memcpy(room[0], &run->least, sizeof run->least);
    memcpy(room[1], &run->most, sizeof run->most);
    run->written->bounds = (struct parquet_bounds){true, str_slice(room[0], size), str_slice(room[1], size)};
}

static void keep_text_bounds(struct column_run *run)
{
    const struct text_bounds *bounds = &run->writer->bounds;

    if (bounds->any && !bounds->over) {
        run->written->bounds = (struct parquet_bounds){true, str_slice(bounds->least, bounds->least_length),
                                                       str_slice(bounds->most, bounds->most_length)};
    }
}

bool column_write(struct column_writer *writer, const struct parquet_field *field, const struct parquet_values *values,
                  size_t rows, struct buffer *out, uint64_t out_start, struct parquet_written *written,
                  struct error *error)
{
    struct choice choice = {0};
    struct column_run run = {.writer = writer,
                             .field = field,
                             .rows = rows,
                             .out = out,
                             .written = written,
                             .out_start = out_start,
                             .least = INT64_MAX,
                             .most = INT64_MIN};

    if (field->kind == COLUMN_TEXT) {
        run.values.texts = values->texts;
    } else {
        run.values.values = values->values;
    }
    *written = (struct parquet_written){.values = rows};
    writer->bounds.any = false;
    writer->bounds.over = false;
    buffer_clear(&writer->dictionary);
    if (!choose_encoding(&choice, field, &run.values, rows, &writer->distinct, &writer->texts, error)) {
        return false;
    }
    run.encoding = choice.encoding;
    if (run.encoding == ENCODING_RLE_DICTIONARY && !index_values(&run, choice.most_distinct, error)) {
        return false;
    }
    if (run.encoding == ENCODING_RLE_DICTIONARY ? !write_indexed_pages(&run, error) : !write_plain_pages(&run, error)) {
        return false;
    }
    written->encoding = run.encoding;
    if (is_text(field)) {
        keep_text_bounds(&run);
    } else {
        keep_number_bounds(&run);
    }
    return check_range(&run, error);
}
