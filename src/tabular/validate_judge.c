#include "tabular/validate_judge.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "tabular/validate_reasons.h"

/* A few hundred rows under work. */
struct chunk {
    struct job *job;
    size_t row, count;
    size_t bad_rows;
    uint64_t broken[KERNEL_WORDS];   /* records wrong as a whole: their cells are not judged */
    uint64_t rejected[KERNEL_WORDS]; /* all rows that do not stay */
    uint64_t warned[KERNEL_WORDS];
    uint64_t conditional[KERNEL_WORDS]; /* rows that break a conditional rule */
    uint32_t first_breach[KERNEL_ROWS]; /* index + 1 in the worker's breaches; 0: none */
    struct cells cells;                 /* of the column under work */
};

static inline bool bit_at(const uint64_t *bits, size_t i)
{
    return (bits[i / 64] >> (i % 64) & 1) != 0;
}

static inline void set_bit(uint64_t *bits, size_t i)
{
    bits[i / 64] |= UINT64_C(1) << (i % 64);
}

static bool push_breach(struct chunk *chunk, size_t i, size_t field, const struct verdict *verdict, struct error *error)
{
    struct worker *worker = chunk->job->worker;
    if (worker->breach_count == worker->breach_capacity) {
        size_t capacity = worker->breach_capacity * 2 + KERNEL_ROWS;
        struct breach *breaches = memory_resize(worker->breaches, capacity, sizeof *breaches, error);
        if (breaches == NULL) return false;
        worker->breaches = breaches;
        worker->breach_capacity = capacity;
    }
    worker->breaches[worker->breach_count++] = (struct breach){
        .field = (uint32_t)field,
        .next = chunk->first_breach[i],
        .broken = verdict->broken,
        .text = verdict->text,
    };
    chunk->first_breach[i] = (uint32_t)worker->breach_count;
    set_bit(chunk->rejected, i);
    return true;
}

/* From whole seconds to microseconds, for all values of a field so far, since one has a fraction. */
static void refine_unit(struct chunk *chunk, size_t field, int64_t *values)
{
    struct job *job = chunk->job;
    uint64_t unit = (uint64_t)job->worker->units[field];
    int64_t *kept = job_keeps(job, field) ? job->worker->values[field] : values;
    size_t count = (size_t)(values - kept) + chunk->count;
    for (size_t i = 0; i < count; i++)
        if (kept[i] != COLUMN_NULL) kept[i] = (int64_t)((uint64_t)kept[i] * unit);
    job->worker->units[field] = 1;
}

/* One cell that its kernel doubts. */
static bool judge_cell(struct chunk *chunk, size_t field, size_t i, int64_t *values, struct error *error)
{
    struct job *job = chunk->job;
    const struct schema *schema = job->plan->schema;
    const struct kernel *kernel = &job->plan->kernels[field];
    struct str text = cell_at(&chunk->cells, i);
    struct verdict verdict;
    field_judge(schema, &schema->fields[field], text, job->validation->options.terms, &verdict);
    if (verdict.failed)
        return error_set(error, ERROR_MEMORY, "out of memory for the values of column %s", schema->fields[field].name);
    if (verdict.broken != 0) return push_breach(chunk, i, field, &verdict, error);
    if (verdict.warned != 0) set_bit(chunk->warned, i);
    if (schema->fields[field].kind == COLUMN_TEXT) return true;
    if (verdict.warned == 0 && kernel->cached) kernel_cache_put(job->caches[field], text, verdict.value);
    int64_t *unit = &job->worker->units[field];
    if (verdict.value != COLUMN_NULL && verdict.value % *unit != 0) refine_unit(chunk, field, values);
    values[i] = verdict.value == COLUMN_NULL ? COLUMN_NULL : verdict.value / *unit;
    return true;
}

/* Spans of the texts of a column that batches hold. */
static void take_texts(const struct chunk *chunk, const struct field *field, int64_t *values)
{
    for (size_t i = 0; i < chunk->count; i++) {
        struct str text = cell_at(&chunk->cells, i);
        if (field->trim && text.length > 0 &&
            ((unsigned char)text.data[0] <= ' ' || (unsigned char)text.data[text.length - 1] <= ' '))
            text = str_trim(text);
        bool missing = false;
        for (size_t j = 0; j < field->missing_count; j++) missing = missing || str_equal(field->missing[j], text);
        uint32_t start = (uint32_t)(text.data - chunk->cells.data);
        values[i] = !missing             ? text_span(start, start + (uint32_t)text.length)
                    : field->has_default ? TEXT_DEFAULT
                                         : COLUMN_NULL;
    }
}

static bool judge_field(struct chunk *chunk, size_t field, struct error *error)
{
    struct job *job = chunk->job;
    const struct kernel *kernel = &job->plan->kernels[field];
    bool keeps = job_keeps(job, field);
    if (kernel->idle && !keeps) return true;
    int64_t scratch[KERNEL_ROWS + 16];
    int64_t *values = keeps ? job->worker->values[field] + job->kept : scratch;
    chunk->cells = records_cells(job->worker, &job->records, (size_t)job_column(job, field), chunk->row, chunk->count);
    uint64_t doubtful[KERNEL_WORDS] = {0};
    if (!kernel->idle) kernel->run(kernel, job->caches[field], &chunk->cells, values, doubtful);
    if (job->worker->units[field] != kernel->unit)
        for (size_t i = 0; i < chunk->count; i++)
            if (values[i] != COLUMN_NULL) values[i] = (int64_t)((uint64_t)values[i] * (uint64_t)kernel->unit);
    for (size_t word = 0; word < KERNEL_WORDS; word++)
        for (uint64_t bits = doubtful[word] & ~chunk->broken[word]; bits != 0; bits &= bits - 1)
            if (!judge_cell(chunk, field, word * 64 + (size_t)__builtin_ctzll(bits), values, error)) return false;
    if (keeps && kernel->field->kind == COLUMN_TEXT) take_texts(chunk, kernel->field, values);
    return true;
}

/* Marks the rows whose records are wrong as a whole, and counts them. */
static size_t mark_broken(struct chunk *chunk)
{
    const struct job *job = chunk->job;
    size_t count = 0;
    if (job->records.plain) return 0;
    for (size_t i = 0; i < chunk->count; i++)
        if (job->worker->records[chunk->row + i].broken != RULE_COUNT) {
            set_bit(chunk->broken, i);
            count++;
        }
    memcpy(chunk->rejected, chunk->broken, sizeof chunk->rejected);
    return count;
}

static void mark_conditions(struct chunk *chunk)
{
    struct job *job = chunk->job;
    const struct schema *schema = job->plan->schema;
    for (size_t rule = 0; rule < schema->condition_count; rule++)
        for (size_t i = 0; i < chunk->count; i++) {
            if (bit_at(chunk->broken, i) || !reasons_condition(job, &schema->conditions[rule], chunk->row + i))
                continue;
            set_bit(chunk->conditional, i);
            set_bit(chunk->rejected, i);
        }
}

/* Tells the reasons of each rejected row. */
static bool reject_rows(struct chunk *chunk, struct error *error)
{
    struct job *job = chunk->job;
    for (size_t word = 0; word < KERNEL_WORDS; word++)
        for (uint64_t bits = chunk->rejected[word]; bits != 0; bits &= bits - 1) {
            size_t i = word * 64 + (size_t)__builtin_ctzll(bits);
            if (!reasons_tell(job, chunk->row + i, chunk->first_breach[i], bit_at(chunk->conditional, i), error))
                return false;
            if (job->stopped) return true;
        }
    return true;
}

/* Moves what stays of a chunk together. */
static void keep_some(struct chunk *chunk)
{
    struct job *job = chunk->job;
    struct worker *worker = job->worker;
    uint32_t staying[KERNEL_ROWS];
    size_t count = 0;
    for (size_t i = 0; i < chunk->count; i++) {
        staying[count] = (uint32_t)i;
        count += !bit_at(chunk->rejected, i);
    }
    for (size_t field = 0; field < job->plan->schema->field_count; field++) {
        if (!job_keeps(job, field)) continue;
        int64_t *values = worker->values[field] + job->kept;
        for (size_t i = 0; i < count; i++) values[i] = values[staying[i]];
    }
    for (size_t i = 0; i < count; i++)
        worker->lines[job->kept + i] = records_row(worker, &job->records, chunk->row + staying[i]).line;
    job->scattered = true;
    job->kept += count;
}

static void keep_all(struct chunk *chunk)
{
    struct job *job = chunk->job;
    uint32_t *lines = job->worker->lines + job->kept;
    if (job->records.plain) {
        for (size_t i = 0; i < chunk->count; i++) lines[i] = (uint32_t)(chunk->row + i);
    } else {
        for (size_t i = 0; i < chunk->count; i++) {
            lines[i] = job->worker->records[chunk->row + i].line;
            job->scattered = job->scattered || lines[i] != job->kept + i;
        }
    }
    job->kept += chunk->count;
}

/* Appends the rows that stay, as they came, to the block's valid rows, unless so far those are all its bytes. */
static void copy_valid(struct chunk *chunk, bool some_rejected)
{
    struct job *job = chunk->job;
    struct worker *worker = job->worker;
    if (job->valid_whole && !some_rejected) return;
    if (job->valid_whole)
        buffer_append(&worker->valid, job->records.data, records_row(worker, &job->records, chunk->row).start);
    job->valid_whole = false;
    for (size_t i = 0; i < chunk->count; i++) {
        if (bit_at(chunk->rejected, i)) continue;
        struct record record = records_row(worker, &job->records, chunk->row + i);
        size_t end = record.end + (job->records.data[record.end] == '\r') + 1u;
        buffer_append(&worker->valid, job->records.data + record.start, end - record.start);
    }
}

static bool finish_chunk(struct chunk *chunk, struct error *error)
{
    struct job *job = chunk->job;
    size_t rejected = 0;
    size_t warned = 0;
    for (size_t word = 0; word < KERNEL_WORDS; word++) {
        rejected += (size_t)__builtin_popcountll(chunk->rejected[word]);
        warned += (size_t)__builtin_popcountll(chunk->warned[word] & ~chunk->rejected[word]);
    }
    job->counts.rejected += rejected;
    job->counts.warned += warned;
    if (rejected > 0 && !reject_rows(chunk, error)) return false;
    if (job->state->file->valid_fd >= 0) copy_valid(chunk, rejected > 0);
    if (rejected > 0)
        keep_some(chunk);
    else
        keep_all(chunk);
    return true;
}

bool judge_chunk(struct job *job, size_t row, size_t count, struct error *error)
{
    struct chunk chunk = {.job = job, .row = row, .count = count};
    job->worker->breach_count = 0;
    bool some = mark_broken(&chunk) < count;
    /* Where all records are broken there may be no cells at all. */
    for (size_t column = 0; column < job->records.columns && some; column++) {
        int field = job->state->head.map.field_of_column[column];
        if (field >= 0 && !judge_field(&chunk, (size_t)field, error)) return false;
    }
    mark_conditions(&chunk);
    return finish_chunk(&chunk, error);
}
