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

static bool reserve_records(struct worker *worker, size_t records, struct error *error)
{
    if (records <= worker->record_capacity) return true;
    memory_free(worker->records);
    memory_free(worker->firsts);
    worker->record_capacity = 0;
    worker->records = memory_array(records, sizeof *worker->records, error);
    worker->firsts = memory_array(records, sizeof *worker->firsts, error);
    if (worker->records == NULL || worker->firsts == NULL) return false;
    worker->record_capacity = records;
    return true;
}

/* Makes room behind the scan's ends for those of cells that are written anew. */
static bool reserve_ends(struct worker *worker, size_t ends, struct error *error)
{
    if (ends <= worker->end_capacity) return true;
    uint32_t *grown = memory_resize(worker->index.ends, ends, sizeof *grown, error);
    if (grown == NULL) return false;
    worker->index.ends = grown;
    worker->end_capacity = ends;
    return true;
}

/* What a loop over irregular records carries. */
struct taking {
    struct worker *worker;
    struct records *records;
    const struct file_state *state;
    char *data;
    uint32_t spill; /* where the next unquoted record goes, from data */
    size_t ends;    /* used in the index */
    bool has_nul, utf8;
};

/* Writes a record's values without quotes to the spill, one byte between them, so that its cells lie as those of
 * others do. `first` is its first field and becomes its first cell. False when a field is quoted wrongly. */
static bool unquote(struct taking *taking, const struct record *record, uint32_t *first)
{
    struct worker *worker = taking->worker;
    const char quote = taking->state->dialect.quote;
    char *room = taking->data + taking->spill;
    uint32_t *ends = worker->index.ends + taking->ends;
    bool fits = record->fields == taking->records->columns;
    uint32_t start = record->start;
    *ends++ = taking->spill - 1;
    for (uint32_t i = 0; i < record->fields; i++) {
        uint32_t end = i + 1 == record->fields ? record->end : worker->index.ends[*first + i];
        const char *value;
        size_t size;
        if (!csv_field_value(taking->data + start, end - start, quote, room, &value, &size)) return false;
        if (value != room) memcpy(room, value, size);
        room += size;
        if (fits) *ends++ = (uint32_t)(room - taking->data);
        *room++ = 0;
        start = end + 1;
    }
    if (!fits) return true;
    *first = (uint32_t)taking->ends + 1;
    taking->ends += 1 + record->fields;
    taking->spill = (uint32_t)(room - taking->data);
    return true;
}

/* What is wrong with a record as a whole; RULE_COUNT when nothing is. `first` is where its cells end in the index. */
static enum rule take_record(struct taking *taking, const struct record *record, uint32_t *first)
{
    struct str bytes = str_slice(taking->data + record->start, record->end - record->start);
    size_t wrong;
    if ((taking->has_nul && memchr(bytes.data, 0, bytes.length) != NULL) ||
        (!taking->utf8 && !str_is_utf8(bytes, &wrong)))
        return RULE_ENCODING;
    bool quoted = taking->worker->index.traits.has_quote &&
                  memchr(bytes.data, taking->state->dialect.quote, bytes.length) != NULL;
    if (quoted && !unquote(taking, record, first)) return RULE_QUOTING;
    return record->fields == taking->records->columns ? RULE_COUNT : RULE_FIELDS;
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
    uint32_t first = 0;
    size_t row = 0;
    for (size_t i = 0; i < index->record_count; i++) {
        uint32_t after = index->record_ends[i];
        uint32_t newline = index->ends[after - 1];
        struct record *record = &taking->worker->records[row];
        uint32_t *cells = &taking->worker->firsts[row];
        *record = (struct record){.start = start, .end = newline, .line = line, .fields = after - first};
        record->end -= newline > start && taking->data[newline - 1] == '\r';
        if (record->fields > 1 || record->end > record->start) {
            *cells = first;
            record->broken = (uint8_t)take_record(taking, record, cells);
            /* A broken record shares the first cells of the block, so that kernels may run over them. */
            if (record->broken != RULE_COUNT) *cells = 0;
            row++;
        }
        line += 1 + (index->traits.has_quote ? newlines_in(taking->data + start, newline - start) : 0);
        start = newline + 1;
        first = after;
    }
    records->rows = row;
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
    size_t spill = traits->has_quote ? loaded->size : 0;
    size_t ends = index->field_count + (traits->has_quote ? index->field_count + index->record_count : 0);
    if (!worker_reserve(worker, begin + loaded->size + 1, spill, error) ||
        !reserve_records(worker, index->record_count, error) || !reserve_ends(worker, ends, error))
        return false;
    loaded->data = worker_data(worker) + begin;
    records->data = loaded->data;
    struct taking taking = {
        .worker = worker,
        .records = records,
        .state = state,
        .data = loaded->data,
        .spill = (uint32_t)(loaded->size + CSV_PADDING),
        .ends = index->field_count,
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
    const uint32_t *ends = worker->index.ends + column;
    size_t columns = records->columns;
    if (records->plain)
        for (size_t i = 0; i < count; i++) room[i] = ends[(row + i) * columns];
    else
        for (size_t i = 0; i < count; i++) room[i] = ends[worker->firsts[row + i]];
    worker->held_row = row;
    worker->held_column[column % 2] = column;
    return room;
}

/* Where what stands before the first cells of rows ends. Nothing stands before the very first one; -1 is in its place.
 */
static const uint32_t *line_ends(struct worker *worker, const struct records *records, size_t row, size_t count)
{
    uint32_t *room = worker->column_ends[1];
    const uint32_t *ends = worker->index.ends;
    for (size_t i = 0; i < count; i++) {
        size_t first = records->plain ? (row + i) * records->columns : worker->firsts[row + i];
        room[i] = first == 0 ? UINT32_MAX : ends[first - 1];
    }
    worker->held_column[1] = SIZE_MAX;
    return room;
}

struct cells records_cells(struct worker *worker, const struct records *records, size_t column, size_t row,
                           size_t count)
{
    const uint32_t *starts =
        column == 0 ? line_ends(worker, records, row, count) : column_ends(worker, records, column - 1, row, count);
    const uint32_t *ends = column_ends(worker, records, column, row, count);
    if (records->has_cr && column + 1 == records->columns) {
        uint32_t *last = worker->column_ends[column % 2];
        for (size_t i = 0; i < count; i++) {
            /* Cells that were written anew end where the value does, whose last byte may well be a CR. */
            bool as_came = records->plain || worker->firsts[row + i] <= worker->index.field_count;
            last[i] -= as_came && last[i] > starts[i] + 1 && records->data[last[i] - 1] == '\r';
        }
        worker->held_column[column % 2] = SIZE_MAX;
    }
    return (struct cells){
        .data = records->data, .starts = starts, .skip = 1, .ends = ends, .count = count, .ascii = records->ascii};
}
