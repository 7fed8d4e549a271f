#include "tabular/validate_reasons.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

/* Reasons that are put in order without going through all ranks of the schema. */
#define FEW_REASONS 16

struct reason {
    uint16_t rank;
    enum rule rule;
    const struct breach *breach;
};

/* The verdict on one cell of a row, or on a column that the file lacks. Terms are not entered. */
static void judge_again(const struct job *job, size_t index, size_t row, struct verdict *verdict)
{
    const struct schema *schema = job->plan->schema;
    const struct field *field = &schema->fields[index];
    int column = job_column(job, index);
    if (column < 0) {
        *verdict = (struct verdict){.present = field->has_default, .text = field->default_text};
        return;
    }
    struct cells cells = records_cells(job->worker, &job->records, (size_t)column, row, 1);
    field_judge(schema, field, cell_at(&cells, 0), NULL, verdict);
    job->worker->held_row = SIZE_MAX; /* one row is not the rows under work */
}

bool reasons_condition(const struct job *job, const struct condition_rule *rule, size_t row)
{
    struct verdict *verdicts = job->worker->verdicts;
    judge_again(job, (size_t)rule->require_field, row, &verdicts[rule->require_field]);
    if (verdicts[rule->require_field].present) return false;
    judge_again(job, (size_t)rule->when_field, row, &verdicts[rule->when_field]);
    return condition_is_broken(rule, verdicts);
}

/* The reasons of a few breaches, in the schema's order; false when there are too many for that. */
static bool tell_few(const struct job *job, uint32_t breach, struct buffer *into)
{
    const struct schema *schema = job->plan->schema;
    struct reason reasons[FEW_REASONS];
    size_t count = 0;
    for (; breach != 0; breach = job->worker->breaches[breach - 1].next) {
        const struct breach *one = &job->worker->breaches[breach - 1];
        for (uint32_t rules = one->broken; rules != 0; rules &= rules - 1) {
            if (count == FEW_REASONS) return false;
            enum rule rule = (enum rule)__builtin_ctz(rules);
            struct reason reason = {schema->order[one->field * RULE_COUNT + rule], rule, one};
            size_t place = count++;
            for (; place > 0 && reasons[place - 1].rank > reason.rank; place--) reasons[place] = reasons[place - 1];
            reasons[place] = reason;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (i > 0) buffer_append_text(into, ", ");
        field_reason(&schema->fields[reasons[i].breach->field], reasons[i].rule, reasons[i].breach->text, into);
    }
    return true;
}

/* The reasons of any row, all its cells judged again. */
static void tell_all(const struct job *job, size_t row, uint32_t *broken, struct buffer *into)
{
    const struct schema *schema = job->plan->schema;
    struct verdict *verdicts = job->worker->verdicts;
    for (size_t i = 0; i < schema->field_count; i++) judge_again(job, i, row, &verdicts[i]);
    schema_row_reasons(schema, verdicts, into, broken);
}

/* The reason of a record that is wrong as a whole. */
static void tell_record(const struct job *job, const struct record *record, struct buffer *into)
{
    char value[64] = "";
    if (record->broken == RULE_FIELDS)
        snprintf(value, sizeof value, "%" PRIu32 " instead of %zu", record->fields, job->records.columns);
    field_reason(NULL, (enum rule)record->broken, str_of(value), into);
}

/* The number of a row in its file (the header is row 1); false when the block is not wanted any more. */
static bool row_number(struct job *job, size_t row, uint64_t *number)
{
    if (!job->numbered) {
        job->stopped = !chain_wait_rows(&job->validation->chain, job->index, &job->rows_before);
        job->numbered = true;
    }
    *number = job->rows_before + row + 2;
    return !job->stopped;
}

bool reasons_tell(struct job *job, size_t row, uint32_t breach, bool conditional, struct error *error)
{
    struct worker *worker = job->worker;
    struct record record = records_row(worker, &job->records, row);
    struct buffer *reasons = &worker->reasons;
    buffer_clear(reasons);
    uint32_t broken = 0;
    uint64_t number;
    if (!row_number(job, row, &number)) return true;
    if (record.broken != RULE_COUNT) {
        broken = 1U << record.broken;
        tell_record(job, &record, reasons);
    } else {
        for (uint32_t i = breach; i != 0; i = worker->breaches[i - 1].next) broken |= worker->breaches[i - 1].broken;
        if (conditional || !tell_few(job, breach, reasons)) tell_all(job, row, &broken, reasons);
    }
    for (uint32_t rules = broken; rules != 0; rules &= rules - 1) job->counts.broken[__builtin_ctz(rules)]++;
    char *padding = buffer_room(reasons, OUTPUT_PADDING);
    if (padding != NULL && job->state->file->rejects_fd >= 0) {
        memset(padding, 0, OUTPUT_PADDING);
        bool remade = record.broken != RULE_COUNT && !job->state->file->rejects_raw;
        const struct reject_row reject = {
            .record = str_slice(job->records.data + record.start, record.end - record.start),
            .columns = remade ? job->records.columns : 0,
            .reasons = str_slice(reasons->data, reasons->length),
            .number = number,
        };
        output_reject(&worker->rejects, &job->state->dialect, &reject);
    }
    return buffer_check(reasons, error) && buffer_check(&worker->rejects, error);
}
