#include "tabular/validate_records.h"

#include <string.h>

#include "base/memory.h"

/* Whether every record has the header's number of fields. A blank line is one field, so a single column never is. */
static bool is_regular(const struct csv_index *index, size_t columns)
{
    if (columns < 2 || index->field_count != index->record_count * columns) return false;
    uint32_t wrong = 0;
    for (size_t i = 0; i < index->record_count; i++) wrong |= index->record_ends[i] ^ (uint32_t)((i + 1) * columns);
    return wrong == 0;
}

static bool reserve_records(struct worker *worker, size_t records, size_t columns, struct error *error)
{
    if (records > worker->record_capacity) {
        memory_free(worker->records);
        worker->record_capacity = 0;
        worker->records = memory_array(records, sizeof *worker->records, error);
        if (worker->records == NULL) return false;
        worker->record_capacity = records;
    }
    size_t cells = records * columns;
    if (cells > worker->cell_capacity) {
        memory_free(worker->starts);
        memory_free(worker->ends);
        worker->cell_capacity = 0;
        worker->starts = memory_array(cells, sizeof *worker->starts, error);
        worker->ends = memory_array(cells, sizeof *worker->ends, error);
        if (worker->starts == NULL || worker->ends == NULL) return false;
        worker->cell_capacity = cells;
    }
    return true;
}

/* What a loop over irregular records carries. */
struct taking {
    struct worker *worker;
    struct records *records;
    const struct file_state *state;
    char *data;
    size_t stride; /* of the columns in starts and ends */
    bool has_nul, utf8;
};

/* Sets starts and ends of a row's cells; false when one is quoted wrongly. */
static bool take_cells(struct taking *taking, size_t row, const struct record *record, size_t first, size_t fields)
{
    struct worker *worker = taking->worker;
    struct records *records = taking->records;
    char quote = taking->state->dialect.quote;
    bool quotes = worker->index.traits.has_quote;
    uint32_t start = record->start;
    for (size_t column = 0; column < fields; column++) {
        uint32_t end = column + 1 == fields ? record->end : worker->index.ends[first + column];
        struct str text = str_slice(taking->data + start, end - start);
        if (quotes && memchr(text.data, quote, text.length) != NULL) {
            char *room = taking->data + records->spill;
            if (!csv_field_value(text.data, text.length, quote, room, &text.data, &text.length)) return false;
            records->spill += text.data == room ? text.length : 0;
        }
        if (column < records->columns) {
            size_t cell = column * taking->stride + row;
            worker->starts[cell] = (uint32_t)(text.data - taking->data);
            worker->ends[cell] = (uint32_t)(text.data + text.length - taking->data);
        }
        start = end + 1;
    }
    return true;
}

/* What is wrong with a record as a whole; RULE_COUNT when nothing is. Its cells are set. */
static enum rule take_record(struct taking *taking, size_t row, const struct record *record, size_t first)
{
    struct str bytes = str_slice(taking->data + record->start, record->end - record->start);
    size_t wrong;
    if ((taking->has_nul && memchr(bytes.data, 0, bytes.length) != NULL) ||
        (!taking->utf8 && !str_is_utf8(bytes, &wrong)))
        return RULE_ENCODING;
    if (!take_cells(taking, row, record, first, record->fields)) return RULE_QUOTING;
    return record->fields == taking->records->columns ? RULE_COUNT : RULE_FIELDS;
}

/* A broken record's cells are empty, so that kernels may run over them. */
static void clear_cells(struct taking *taking, size_t row)
{
    for (size_t column = 0; column < taking->records->columns; column++) {
        taking->worker->starts[column * taking->stride + row] = 0;
        taking->worker->ends[column * taking->stride + row] = 0;
    }
}

static uint32_t newlines_in(const char *data, size_t size)
{
    uint32_t count = 0;
    for (const char *at = data, *end = data + size; (at = memchr(at, '\n', (size_t)(end - at))) != NULL; at++) count++;
    return count;
}

static void take_records(struct taking *taking)
{
    const struct csv_index *index = &taking->worker->index;
    struct records *records = taking->records;
    uint32_t start = 0;
    uint32_t line = 0;
    size_t first = 0;
    records->rows = 0;
    for (size_t i = 0; i < index->record_count; i++) {
        size_t after = index->record_ends[i];
        uint32_t newline = index->ends[after - 1];
        struct record *record = &taking->worker->records[records->rows];
        *record = (struct record){.start = start, .end = newline, .line = line, .fields = (uint32_t)(after - first)};
        record->end -= newline > start && taking->data[newline - 1] == '\r';
        if (record->fields > 1 || record->end > record->start) {
            record->broken = (uint8_t)take_record(taking, records->rows, record, first);
            if (record->broken != RULE_COUNT) clear_cells(taking, records->rows);
            records->rows++;
        }
        line += 1 + (index->traits.has_quote ? newlines_in(taking->data + start, newline - start) : 0);
        start = newline + 1;
        first = after;
    }
}

bool records_find(struct worker *worker, struct loaded *loaded, const struct file_state *state, struct records *records,
                  struct error *error)
{
    size_t consumed;
    if (!worker_scan(worker, loaded, &state->dialect, &consumed, error)) return false;
    worker->held_row = SIZE_MAX;
    const struct csv_index *index = &worker->index;
    const struct csv_traits *traits = &index->traits;
    size_t wrong;
    bool utf8 = !traits->has_non_ascii || str_is_utf8(str_slice(loaded->data, loaded->size), &wrong);
    *records = (struct records){
        .data = loaded->data,
        .size = loaded->size,
        .rows = index->record_count,
        .columns = state->head.map.column_count,
        .ascii = !traits->has_non_ascii,
        .has_cr = traits->has_cr,
    };
    records->plain = utf8 && !traits->has_quote && !traits->has_nul && is_regular(index, records->columns);
    if (records->plain) return true;
    size_t begin = (size_t)(loaded->data - worker_data(worker));
    records->spill = loaded->size + CSV_PADDING;
    if (!worker_reserve(worker, begin + loaded->size + 1, traits->has_quote ? loaded->size : 0, error) ||
        !reserve_records(worker, index->record_count, records->columns, error))
        return false;
    loaded->data = worker_data(worker) + begin;
    records->data = loaded->data;
    struct taking taking = {
        .worker = worker,
        .records = records,
        .state = state,
        .data = loaded->data,
        .stride = index->record_count,
        .has_nul = traits->has_nul,
        .utf8 = utf8,
    };
    take_records(&taking);
    return true;
}

struct record records_row(const struct worker *worker, const struct records *records, size_t row)
{
    if (!records->plain) return worker->records[row];
    const uint32_t *ends = worker->index.ends;
    uint32_t start = row == 0 ? 0 : ends[row * records->columns - 1] + 1;
    uint32_t end = ends[(row + 1) * records->columns - 1];
    end -= records->has_cr && end > start && records->data[end - 1] == '\r';
    return (struct record){.start = start, .end = end, .line = (uint32_t)row, .broken = RULE_COUNT};
}

/* Where cells of a column end, collected from the scan. */
static const uint32_t *column_ends(struct worker *worker, const struct records *records, size_t column, size_t row,
                                   size_t count)
{
    uint32_t *room = worker->column_ends[column % 2];
    if (worker->held_row != row) worker->held_column[0] = worker->held_column[1] = SIZE_MAX;
    if (worker->held_column[column % 2] == column) return room;
    size_t columns = records->columns;
    const uint32_t *ends = worker->index.ends + row * columns + column;
    for (size_t i = 0; i < count; i++) room[i] = ends[i * columns];
    worker->held_row = row;
    worker->held_column[column % 2] = column;
    return room;
}

/* Where the lines before rows end. No delimiter stands before the very first cell; -1 is in its place. */
static const uint32_t *line_ends(struct worker *worker, const struct records *records, size_t row, size_t count)
{
    uint32_t *room = worker->column_ends[1];
    const uint32_t *ends = worker->index.ends + row * records->columns;
    room[0] = row == 0 ? UINT32_MAX : ends[-1];
    for (size_t i = 1; i < count; i++) room[i] = ends[i * records->columns - 1];
    worker->held_column[1] = SIZE_MAX;
    return room;
}

struct cells records_cells(struct worker *worker, const struct records *records, size_t column, size_t row,
                           size_t count)
{
    struct cells cells = {.data = records->data, .count = count, .ascii = records->ascii};
    if (!records->plain) {
        size_t first = column * worker->index.record_count + row;
        cells.starts = worker->starts + first;
        cells.ends = worker->ends + first;
        return cells;
    }
    cells.starts =
        column == 0 ? line_ends(worker, records, row, count) : column_ends(worker, records, column - 1, row, count);
    cells.ends = column_ends(worker, records, column, row, count);
    cells.skip = 1;
    if (records->has_cr && column + 1 == records->columns) {
        uint32_t *ends = worker->column_ends[column % 2];
        for (size_t i = 0; i < count; i++)
            ends[i] -= ends[i] > cells.starts[i] + 1 && records->data[ends[i] - 1] == '\r';
        worker->held_column[column % 2] = SIZE_MAX;
    }
    return cells;
}
