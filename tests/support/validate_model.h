/* Validation as a plain loop over bytes and rows, and what it makes as text, to compare the real one with. */
#ifndef AISLE_TESTS_VALIDATE_MODEL_H
#define AISLE_TESTS_VALIDATE_MODEL_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/memory.h"
#include "support/reject_model.h"
#include "tabular/csv_scan.h"
#include "tabular/validate.h"

/* What validation makes of one file. */
struct outcome {
    enum file_verdict verdict;
    uint64_t problem_line;
    uint64_t read, rejected, warned, broken[RULE_COUNT];
    struct buffer rows;    /* a line for each row kept: its line in the file and its values */
    struct buffer rejects; /* the reject stream */
    struct buffer valid;   /* the valid stream */
};

static inline void outcome_init(struct outcome *outcome)
{
    memset(outcome, 0, sizeof *outcome);
    buffer_init(&outcome->rows, 0);
    buffer_init(&outcome->rejects, 0);
    buffer_init(&outcome->valid, 0);
}

static inline void outcome_free(struct outcome *outcome)
{
    buffer_free(&outcome->rows);
    buffer_free(&outcome->rejects);
    buffer_free(&outcome->valid);
}

static inline void model_value(struct buffer *into, enum column_kind kind, int64_t value, struct str text)
{
    if (kind == COLUMN_TEXT ? text.data == NULL : value == COLUMN_NULL)
        buffer_append_text(into, "|null");
    else if (kind == COLUMN_TEXT)
        buffer_append_format(into, "|<%.*s>", STR_ARGS(text));
    else
        buffer_append_format(into, "|%" PRId64, value);
}

/* The next record; false at the end of the data, or (with `unclosed` set) where a quote is not closed. */
static inline bool model_next(const char *data, const char *end, const struct csv_dialect *dialect,
                              struct model_record *record, bool *unclosed)
{
    *unclosed = false;
    if (data == end) return false;
    record->start = data;
    record->count = 0;
    record->newlines = 0;
    bool inside = false;
    const char *field = data;
    const char *at = data;
    for (; at < end; at++) {
        inside ^= dialect->quote != 0 && *at == dialect->quote;
        record->newlines += *at == '\n';
        if (inside || (*at != dialect->delimiter && *at != '\n')) continue;
        if (*at == '\n') break;
        if (record->count < MODEL_FIELDS) record->fields[record->count] = str_slice(field, (size_t)(at - field));
        record->count++;
        field = at + 1;
    }
    if (at == end && inside) {
        *unclosed = true;
        return false;
    }
    record->next = at < end ? at + 1 : at;
    record->end = at - (at > field && at[-1] == '\r');
    if (record->count < MODEL_FIELDS) record->fields[record->count] = str_slice(field, (size_t)(record->end - field));
    record->count++;
    return true;
}

static inline bool model_is_blank(const struct model_record *record)
{
    return record->count == 1 && record->start == record->end;
}

/* Judges a row; its reasons, if any, and the rules it breaks. */
static inline uint32_t model_judge(const struct schema *schema, const struct header_map *map,
                                   const struct model_record *record, struct terms *terms, struct verdict *verdicts,
                                   struct str *values, struct buffer *reasons)
{
    size_t wrong;
    struct str bytes = str_slice(record->start, (size_t)(record->end - record->start));
    char text[64] = "";
    uint32_t broken = 0;
    if (memchr(bytes.data, 0, bytes.length) != NULL || !str_is_utf8(bytes, &wrong)) {
        broken = 1U << RULE_ENCODING;
    } else {
        for (size_t i = 0; i < record->count && i < MODEL_FIELDS && broken == 0; i++) {
            char *room = (char *)malloc(record->fields[i].length + 1);
            values[i].length = 0;
            const char *value;
            size_t size;
            if (!csv_field_value(record->fields[i].data, record->fields[i].length, schema->quote, room, &value, &size))
                broken = 1U << RULE_QUOTING;
            values[i] = str_slice(memcpy(malloc(size + 1), value, size), size);
            free(room);
        }
        if (broken == 0 && record->count != map->column_count) {
            broken = 1U << RULE_FIELDS;
            snprintf(text, sizeof text, "%zu instead of %zu", record->count, map->column_count);
        }
    }
    if (broken != 0) {
        field_reason(NULL, (enum rule)__builtin_ctz(broken), str_of(text), reasons);
        return broken;
    }
    for (size_t i = 0; i < schema->field_count; i++) {
        const struct field *field = &schema->fields[i];
        int column = map->column_of_field[i];
        verdicts[i] = (struct verdict){.present = field->has_default,
                                       .text = field->default_text,
                                       .value = field->has_default ? field->default_value : COLUMN_NULL};
        if (column >= 0)
            field_judge(schema, field, values[column], terms, &verdicts[i]);
        else if (field->has_default && field->kind == COLUMN_TERM)
            verdicts[i].value = term_of(terms, field->default_text, NULL);
    }
    schema_row_reasons(schema, verdicts, reasons, &broken);
    return broken;
}

static inline void model_keep(struct outcome *outcome, const struct schema *schema, const bool *keep,
                              const struct verdict *verdicts, uint64_t line)
{
    bool warned = false;
    buffer_append_format(&outcome->rows, "%" PRIu64, line);
    for (size_t i = 0; i < schema->field_count; i++) {
        warned = warned || verdicts[i].warned != 0;
        struct str text = verdicts[i].present ? verdicts[i].text : (struct str){0};
        bool kept = keep == NULL || keep[i];
        model_value(&outcome->rows, schema->fields[i].kind, kept ? verdicts[i].value : COLUMN_NULL,
                    kept ? text : (struct str){0});
    }
    outcome->warned += warned;
    buffer_append_char(&outcome->rows, '\n');
}

static inline void model_rows(struct outcome *outcome, const struct schema *schema, const bool *keep,
                              struct terms *terms, const struct header_map *map, struct model_record *record,
                              const char *end, uint64_t line)
{
    const struct csv_dialect dialect = {schema->delimiter, schema->quote};
    struct model_record header = *record;
    size_t header_size = (size_t)(header.end - header.start);
    struct verdict *verdicts = calloc(schema->field_count + 1, sizeof *verdicts);
    bool unclosed;
    buffer_append(&outcome->valid, header.start, header_size);
    buffer_append_char(&outcome->valid, '\n');
    for (uint64_t number = 1; model_next(record->next, end, &dialect, record, &unclosed); line += record->newlines) {
        if (model_is_blank(record)) continue;
        struct str values[MODEL_FIELDS];
        size_t cells = record->count < MODEL_FIELDS ? record->count : MODEL_FIELDS;
        memset(values, 0, cells * sizeof *values);
        struct buffer reasons;
        buffer_init(&reasons, 0);
        uint32_t broken = model_judge(schema, map, record, terms, verdicts, values, &reasons);
        outcome->read++;
        number++;
        for (size_t i = 0; i < RULE_COUNT; i++) outcome->broken[i] += broken >> i & 1;
        if (broken != 0) {
            outcome->rejected++;
            bool whole = (broken & (1U << RULE_ENCODING | 1U << RULE_QUOTING | 1U << RULE_FIELDS)) == 0;
            model_reject(&outcome->rejects, schema, str_slice(header.start, header_size), record,
                         whole ? 0 : map->column_count, str_slice(reasons.data, reasons.length), number);
        } else {
            model_keep(outcome, schema, keep, verdicts, line);
            buffer_append(&outcome->valid, record->start, (size_t)(record->next - record->start));
            if (record->next[-1] != '\n') buffer_append_char(&outcome->valid, '\n');
        }
        buffer_free(&reasons);
        for (size_t i = 0; i < cells; i++) free((void *)(uintptr_t)values[i].data);
    }
    free(verdicts);
    if (unclosed) {
        outcome->verdict = FILE_BROKEN;
        outcome->read = outcome->rejected = outcome->warned = 0;
        memset(outcome->broken, 0, sizeof outcome->broken);
        buffer_clear(&outcome->rows);
    }
}

/* What validation must make of a file that begins with a header it can take. */
static inline void model_run(struct outcome *outcome, const struct schema *schema, const bool *keep, const char *data,
                             size_t size, struct terms *terms)
{
    const struct csv_dialect dialect = {schema->delimiter, schema->quote};
    struct model_record record;
    bool unclosed;
    uint64_t line = 1;
    struct error error = {0};
    outcome_init(outcome);
    record.next = data;
    do {
        if (!model_next(record.next, data + size, &dialect, &record, &unclosed)) {
            outcome->verdict = unclosed ? FILE_BROKEN : FILE_EMPTY;
            return;
        }
        line += record.newlines;
    } while (model_is_blank(&record));
    struct arena *arena = arena_new(0, &error);
    struct str names[MODEL_FIELDS];
    char *room = malloc(size + 1);
    char *next = room;
    for (size_t i = 0; i < record.count && i < MODEL_FIELDS; i++) {
        csv_field_value(record.fields[i].data, record.fields[i].length, schema->quote, next, &names[i].data,
                        &names[i].length);
        next += names[i].data == next ? names[i].length : 0;
    }
    struct header_map map = {0};
    if (record.count > MODEL_FIELDS || !schema_map_header(arena, schema, names, record.count, &map, &error) ||
        map.problem != NULL)
        outcome->verdict = FILE_BAD_HEADER;
    else
        model_rows(outcome, schema, keep, terms, &map, &record, data + size, line);
    free(room);
    arena_free(arena);
}

static inline void read_whole(int fd, struct buffer *into)
{
    off_t size = lseek(fd, 0, SEEK_END);
    char *room = buffer_room(into, (size_t)size + 1);
    if (room != NULL && pread(fd, room, (size_t)size, 0) == size) buffer_advance(into, (size_t)size);
}

static inline void render_batch(struct outcome *outcome, const struct schema *schema, const struct batch *batch)
{
    int64_t *values = malloc(((size_t)batch->rows + 1) * batch->columns * sizeof *values);
    for (size_t i = 0; i < batch->columns; i++)
        if (batch->column[i].kind != COLUMN_TEXT)
            column_unpack(&batch->column[i], 0, batch->rows, values + i * batch->rows);
    for (size_t row = 0; row < batch->rows; row++) {
        buffer_append_format(&outcome->rows, "%" PRIu64, batch_line(batch, row));
        for (size_t i = 0; i < batch->columns; i++) {
            bool text = batch->column[i].kind == COLUMN_TEXT;
            model_value(&outcome->rows, schema->fields[i].kind, text ? 0 : values[i * batch->rows + row],
                        text ? column_text(&batch->column[i], row) : (struct str){0});
        }
        buffer_append_char(&outcome->rows, '\n');
    }
    free(values);
}

struct real_options {
    struct team *team;
    size_t block_bytes, slice_bytes, record_ceiling;
};

/* What validation makes of a file of these bytes. False with `error` when it fails. */
static inline bool real_run(struct outcome *outcome, const struct schema *schema, const bool *keep, const char *data,
                            size_t size, struct terms *terms, const struct real_options *options, struct error *error)
{
    outcome_init(outcome);
    int fd = memfd_create("data", 0);
    int rejects = memfd_create("rejects", 0);
    int valid = memfd_create("valid", 0);
    bool written = size == 0 || write(fd, data, size) == (ssize_t)size;
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct csv_source source;
    bool opened = written && csv_source_open(&source, path, &(struct csv_source_options){0}, error);
    struct validate_file file = {
        .source = &source,
        .schema = schema,
        .keep = keep,
        .rejects_fd = rejects,
        .rejects_path = "rejects",
        .valid_fd = valid,
        .valid_path = "valid",
    };
    struct validate_options given = {
        .terms = terms,
        .block_bytes = options->block_bytes,
        .slice_bytes = options->slice_bytes,
        .record_ceiling = options->record_ceiling,
        .batches = true,
    };
    struct validation *validation = opened ? validation_new(options->team, &file, 1, &given, error) : NULL;
    bool done = validation == NULL;
    bool fine = validation != NULL;
    while (fine && !done) {
        struct batch **batches;
        size_t count;
        fine = validation_next(validation, &batches, &count, &done, error);
        for (size_t i = 0; fine && i < count; i++) {
            render_batch(outcome, schema, batches[i]);
            batch_free(batches[i]);
        }
        if (fine) memory_free(batches);
    }
    outcome->verdict = file.report.verdict;
    outcome->problem_line = file.report.problem_line;
    outcome->read = file.report.read;
    outcome->rejected = file.report.rejected;
    outcome->warned = file.report.warned;
    memcpy(outcome->broken, file.report.broken, sizeof outcome->broken);
    if (fine) {
        read_whole(rejects, &outcome->rejects);
        read_whole(valid, &outcome->valid);
    }
    fine = fine && (file.report.verdict != FILE_TAKEN || outcome->rejects.length == file.report.rejects_size);
    validation_free(validation);
    if (opened) csv_source_close(&source);
    close(fd);
    close(rejects);
    close(valid);
    return fine;
}

/* NULL when both say the same, else what differs. */
static inline const char *outcome_difference(const struct outcome *a, const struct outcome *b)
{
    if (a->verdict != b->verdict) return "verdict";
    if (a->read != b->read) return "rows read";
    if (a->rejected != b->rejected) return "rows rejected";
    if (a->warned != b->warned) return "rows warned of";
    if (memcmp(a->broken, b->broken, sizeof a->broken) != 0) return "rules broken";
    if (!str_equal(str_slice(a->rows.data, a->rows.length), str_slice(b->rows.data, b->rows.length)))
        return "rows kept";
    if (a->verdict != FILE_TAKEN) return NULL;
    if (!str_equal(str_slice(a->rejects.data, a->rejects.length), str_slice(b->rejects.data, b->rejects.length)))
        return "reject stream";
    if (!str_equal(str_slice(a->valid.data, a->valid.length), str_slice(b->valid.data, b->valid.length)))
        return "valid stream";
    return NULL;
}

#endif
