/* The second walk of a check: each bad row's reasons told by column and rule, with samples, and both files written
 * anew where keys move rows from the good to the bad. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "tabular/csv_walk.h"
#include "tabular/validate_output.h"
#include "task/check_state.h"

/* Bytes of a value or a reason that a sample keeps. */
#define SAMPLE_BYTES 300

/* Bytes of rows that are written at once. */
#define PENDING_BYTES ((size_t)1 << 20)

struct explain {
    struct check *check;
    struct header_map map;
    size_t columns;
    struct csv_record record;
    struct verdict *verdicts;
    struct check_finding *findings; /* by check_finding_at */
    size_t *warning_fields;
    size_t warning_field_count;
    uint64_t *first_rows, *first_lines; /* rows that repeated keys name, rising, and their lines */
    size_t first_count, first_next;
    const struct key_break *breaks; /* of the row */
    size_t break_count;
    size_t rejected_next, break_next;
    struct buffer reasons, reason;
    size_t reason_count;
    bool rewrite;
    bool failed; /* a sample could not be kept */
    struct error *error;
};

static struct check_finding *finding_at(const struct explain *explain, int field, enum rule rule, bool warning)
{
    size_t fields = explain->check->report->schema->field_count + 1;
    size_t index = ((size_t)warning * fields + (size_t)(field + 1)) * RULE_COUNT + rule;
    return &explain->findings[index];
}

static const char *keep_text(struct explain *explain, struct str text)
{
    size_t length = text.length;
    if (length > SAMPLE_BYTES) {
        length = SAMPLE_BYTES;
        while (length > 0 && ((unsigned char)text.data[length] & 0xC0) == 0x80) length--;
    }
    const char *kept = arena_text(explain->check->report->arena, length > 0 ? text.data : "", length, explain->error);
    explain->failed = explain->failed || !kept;
    return kept;
}

/* Counts a breach and keeps it while samples are wanted. */
static void note(struct explain *explain, int field, enum rule rule, bool warning, struct str value)
{
    struct check_finding *finding = finding_at(explain, field, rule, warning);
    size_t most = explain->check->options->samples;
    finding->field = field;
    finding->rule = rule;
    finding->warning = warning;
    if (finding->count++ >= most) return;
    if (!finding->samples)
        finding->samples = arena_zeroed(explain->check->report->arena, most * sizeof *finding->samples, explain->error);
    if (!finding->samples) {
        explain->failed = true;
        return;
    }
    finding->samples[finding->sample_count++] =
        (struct check_sample){.line = explain->record.line,
                              .row = explain->record.row,
                              .value = keep_text(explain, value),
                              .reason = keep_text(explain, str_slice(explain->reason.data, explain->reason.length))};
}

static uint64_t line_of_first(const struct explain *explain, uint64_t row)
{
    size_t low = 0, high = explain->first_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (explain->first_rows[middle] <= row)
            low = middle;
        else
            high = middle;
    }
    return explain->first_lines[low];
}

/* The reason for a broken key, in `explain->reason`, and its value. */
static struct str tell_key(struct explain *explain, const struct check_key *key, const struct key_break *item,
                           struct buffer *value)
{
    const struct schema *schema = explain->check->report->schema;
    const struct field *first = &schema->fields[key->fields[0]];
    struct buffer *reason = &explain->reason;
    for (size_t i = 0; i < key->width; i++) {
        if (i > 0) buffer_append_text(value, " + ");
        buffer_append_str(value, explain->verdicts[key->fields[i]].text);
    }
    struct str text = str_slice(value->data, value->length);
    if (first->message[key->rule]) {
        buffer_append_text(reason, first->message[key->rule]);
        return text;
    }
    for (size_t i = 0; i < key->width; i++)
        buffer_append_format(reason, "%s%s", i > 0 ? " + " : "", schema->fields[key->fields[i]].name);
    if (key->rule == RULE_REFERENCE)
        buffer_append_format(reason, ": must be in %s, is ",
                             key->reference->dataset[0] ? key->reference->dataset : "this file");
    else
        buffer_append_text(reason, key->width > 1 ? ": must be unique together, is " : ": must be unique, is ");
    buffer_append_str(reason, text);
    if (key->rule == RULE_UNIQUE)
        buffer_append_format(reason, ", first on line %" PRIu64, line_of_first(explain, item->first_row));
    return text;
}

static void push_reason(struct explain *explain, size_t field, enum rule rule, struct str value)
{
    if (explain->reason_count++ > 0) buffer_append_text(&explain->reasons, ", ");
    buffer_append(&explain->reasons, explain->reason.data, explain->reason.length);
    note(explain, (int)field, rule, false, value);
}

/* One reason of the row, told by schema_each_reason. */
static void visit(void *context, size_t field, enum rule rule, const char *message)
{
    struct explain *explain = context;
    const struct check *check = explain->check;
    const struct verdict *verdict = &explain->verdicts[field];
    if (rule == RULE_UNIQUE || rule == RULE_REFERENCE) {
        for (size_t i = 0; i < explain->break_count; i++) {
            const struct check_key *key = &check->keys[explain->breaks[i].set];
            struct buffer value __attribute__((cleanup(buffer_free))) = {0};
            if (key->rule != rule || (size_t)key->fields[0] != field) continue;
            buffer_clear(&explain->reason);
            struct str text = tell_key(explain, key, &explain->breaks[i], &value);
            explain->failed = !buffer_check(&value, explain->error) || explain->failed;
            push_reason(explain, field, rule, text);
        }
        return;
    }
    buffer_clear(&explain->reason);
    if (message)
        buffer_append_text(&explain->reason, message);
    else
        field_reason(&check->report->schema->fields[field], rule, verdict->text, &explain->reason);
    push_reason(explain, field, rule, verdict->text);
}

/* Tells what a field of a valid row only warns of. */
static bool note_warnings(struct explain *explain, size_t field)
{
    const struct verdict *verdict = &explain->verdicts[field];
    for (int rule = 0; rule < RULE_COUNT; rule++) {
        if ((verdict->warned & (1U << rule)) == 0) continue;
        buffer_clear(&explain->reason);
        field_reason(&explain->check->report->schema->fields[field], (enum rule)rule, verdict->text, &explain->reason);
        note(explain, (int)field, (enum rule)rule, true, verdict->text);
    }
    return verdict->warned != 0;
}

static void tell_broken_record(struct explain *explain)
{
    const struct csv_record *record = &explain->record;
    char value[64] = "";
    if (record->broken == RULE_FIELDS)
        snprintf(value, sizeof value, "%zu instead of %zu", record->field_count, explain->columns);
    buffer_clear(&explain->reason);
    field_reason(NULL, record->broken, str_of(value), &explain->reason);
    buffer_append(&explain->reasons, explain->reason.data, explain->reason.length);
    explain->reason_count = 1;
    note(explain, -1, record->broken, false, str_of(value));
}

/* Tells a row that breaks something; true in `*bad` when it is rejected. */
static bool tell_row(struct explain *explain, bool *bad)
{
    struct check *check = explain->check;
    const struct schema *schema = check->report->schema;
    const struct csv_record *record = &explain->record;
    buffer_clear(&explain->reasons);
    explain->reason_count = 0;
    if (record->broken != RULE_COUNT) {
        tell_broken_record(explain);
        *bad = true;
        return true;
    }
    if (!check_judge(check, &explain->map, record->fields, record->field_count, explain->verdicts, explain->error))
        return false;
    for (size_t i = 0; i < explain->break_count; i++) {
        const struct check_key *key = &check->keys[explain->breaks[i].set];
        struct verdict *verdict = &explain->verdicts[key->fields[0]];
        if (schema->fields[key->fields[0]].warning[key->rule])
            verdict->warned |= 1U << key->rule;
        else
            verdict->broken |= 1U << key->rule;
    }
    *bad = schema_each_reason(schema, explain->verdicts, visit, explain) > 0;
    bool warned = false;
    for (size_t f = 0; !*bad && f < schema->field_count; f++) warned = note_warnings(explain, f) || warned;
    check->report->warned += warned;
    return true;
}

/* The fields of a plainly valid row that might warn. */
static bool look_for_warnings(struct explain *explain)
{
    struct check *check = explain->check;
    const struct schema *schema = check->report->schema;
    bool warned = false;
    for (size_t i = 0; i < explain->warning_field_count; i++) {
        size_t f = explain->warning_fields[i];
        int column = explain->map.column_of_field[f];
        if (column < 0) continue;
        field_judge(schema, &schema->fields[f], explain->record.fields[column], check->terms, &explain->verdicts[f]);
        if (explain->verdicts[f].failed)
            return error_set(explain->error, ERROR_MEMORY, "out of memory for the values of column %s",
                             schema->fields[f].name);
        warned = note_warnings(explain, f) || warned;
    }
    check->report->warned += warned;
    return true;
}

static bool flush(struct check_output *output, size_t above, struct error *error)
{
    if (output->pending.length <= above) return true;
    bool good = buffer_check(&output->pending, error) &&
                file_write(output->fd, output->pending.data, output->pending.length, output->temporary, error);
    buffer_clear(&output->pending);
    return good;
}

/* Writes the row to the file where it now belongs. */
static bool write_row(struct explain *explain, bool bad)
{
    struct check *check = explain->check;
    struct str bytes = explain->record.bytes;
    struct check_output *output = bad ? &check->rejected : &check->valid;
    if (bad) {
        char *padding = buffer_room(&explain->reasons, OUTPUT_PADDING);
        if (!padding) return buffer_check(&explain->reasons, explain->error);
        memset(padding, 0, OUTPUT_PADDING);
        const struct reject_row row = {
            .record = bytes,
            .columns = explain->record.broken != RULE_COUNT ? explain->columns : 0,
            .reasons = str_slice(explain->reasons.data, explain->reasons.length),
            .number = explain->record.row,
        };
        output_reject(&output->pending, &check->dialect, &row);
    } else {
        buffer_append_str(&output->pending, bytes);
        buffer_append_text(&output->pending, bytes.data[bytes.length] == '\r' ? "\r\n" : "\n");
    }
    return buffer_check(&output->pending, explain->error) && flush(output, PENDING_BYTES, explain->error);
}

static bool start_rewrite(struct explain *explain)
{
    struct check *check = explain->check;
    struct str header = explain->record.bytes;
    struct buffer *valid = &check->valid.pending, *rejected = &check->rejected.pending;
    if (ftruncate(check->valid.fd, 0) != 0 || ftruncate(check->rejected.fd, 0) != 0)
        return error_set_errno(explain->error, errno, "%s could not be emptied", check->valid.temporary);
    buffer_append_str(valid, header);
    buffer_append_char(valid, '\n');
    buffer_append_str(rejected, header);
    char room[OUTPUT_REJECT_COLUMNS + 1];
    buffer_append_str(rejected, output_reject_columns(check->dialect.delimiter, room));
    return true;
}

/* Takes the breaks of the row that is reached, and notes its line when a repeated key names it. */
static bool reach_row(struct explain *explain)
{
    const struct check *check = explain->check;
    uint64_t row = explain->record.row;
    if (explain->first_next < explain->first_count && explain->first_rows[explain->first_next] == row)
        explain->first_lines[explain->first_next++] = explain->record.line;
    explain->breaks = check->breaks.items ? check->breaks.items + explain->break_next : NULL;
    explain->break_count = 0;
    while (explain->break_next < check->breaks.count && check->breaks.items[explain->break_next].row == row) {
        explain->break_next++;
        explain->break_count++;
    }
    bool rejected =
        explain->rejected_next < check->rejected_count && check->rejected_rows[explain->rejected_next] == row;
    explain->rejected_next += rejected;
    return rejected;
}

static bool explain_row(struct explain *explain)
{
    struct check_report *report = explain->check->report;
    bool rejected = reach_row(explain);
    bool bad = false;
    if (rejected || explain->break_count > 0) {
        if (!tell_row(explain, &bad)) return false;
        if (rejected && !bad)
            return error_set(explain->error, ERROR_INTERNAL, "row %" PRIu64 " was rejected and has no reason",
                             explain->record.row);
        report->rejected += bad && !rejected;
    } else if (explain->warning_field_count > 0 && !look_for_warnings(explain)) {
        return false;
    }
    if (explain->failed || !buffer_check(&explain->reason, explain->error) ||
        !buffer_check(&explain->reasons, explain->error))
        return false;
    return !explain->rewrite || write_row(explain, bad);
}

static bool walk_rows(struct explain *explain, struct csv_walk *walk)
{
    const struct check *check = explain->check;
    struct check_report *report = check->report;
    bool end;
    if (!csv_walk_next(walk, &explain->record, &end, explain->error)) return false;
    explain->columns = explain->record.field_count;
    if (end || !schema_map_header(report->arena, report->schema, explain->record.fields, explain->columns,
                                  &explain->map, explain->error))
        return !end ? false : error_set(explain->error, ERROR_INTERNAL, "the header is gone");
    if (explain->rewrite && !start_rewrite(explain)) return false;
    while (csv_walk_next(walk, &explain->record, &end, explain->error) && !end)
        if (!explain_row(explain)) return false;
    if (!end) return false;
    if (explain->rejected_next != check->rejected_count || explain->break_next != check->breaks.count)
        return error_set(explain->error, ERROR_INTERNAL, "%s: not every bad row was met again", check->options->path);
    return !explain->rewrite ||
           (flush(&explain->check->valid, 0, explain->error) && flush(&explain->check->rejected, 0, explain->error));
}

static int compare_rows(const void *a, const void *b)
{
    const uint64_t *one = a, *two = b;
    return (*one > *two) - (*one < *two);
}

/* The rows that repeated keys name, rising, each once. */
static bool list_first_rows(struct explain *explain)
{
    const struct key_breaks *breaks = &explain->check->breaks;
    explain->first_rows = memory_array(breaks->count + 1, sizeof *explain->first_rows, explain->error);
    explain->first_lines = memory_array(breaks->count + 1, sizeof *explain->first_lines, explain->error);
    if (!explain->first_rows || !explain->first_lines) return false;
    size_t count = 0;
    for (size_t i = 0; i < breaks->count; i++)
        if (breaks->items[i].first_row != 0) explain->first_rows[count++] = breaks->items[i].first_row;
    qsort(explain->first_rows, count, sizeof *explain->first_rows, compare_rows);
    for (size_t i = 0; i < count; i++)
        if (explain->first_count == 0 || explain->first_rows[explain->first_count - 1] != explain->first_rows[i])
            explain->first_rows[explain->first_count++] = explain->first_rows[i];
    return true;
}

static bool prepare(struct explain *explain)
{
    struct check *check = explain->check;
    const struct schema *schema = check->report->schema;
    struct arena *arena = check->report->arena;
    size_t count = 2 * (schema->field_count + 1) * RULE_COUNT;
    explain->findings = arena_zeroed(arena, count * sizeof *explain->findings, explain->error);
    explain->verdicts = arena_zeroed(arena, schema->field_count * sizeof *explain->verdicts, explain->error);
    explain->warning_fields = arena_take(arena, schema->field_count * sizeof *explain->warning_fields, explain->error);
    if (!explain->findings || !explain->verdicts || !explain->warning_fields) return false;
    for (size_t f = 0; f < schema->field_count; f++) {
        bool warns = false;
        for (int rule = 0; rule < RULE_COUNT; rule++) warns = warns || schema->fields[f].warning[rule];
        if (warns) explain->warning_fields[explain->warning_field_count++] = f;
    }
    const uint64_t *broken = check->file.report.broken;
    bool raw = check->file.rejects_raw && broken[RULE_ENCODING] + broken[RULE_QUOTING] + broken[RULE_FIELDS] > 0;
    explain->rewrite = check->options->out_folder && raw;
    for (size_t i = 0; check->options->out_folder && i < check->breaks.count; i++) {
        const struct check_key *key = &check->keys[check->breaks.items[i].set];
        explain->rewrite = explain->rewrite || !schema->fields[key->fields[0]].warning[key->rule];
    }
    return list_first_rows(explain);
}

static int compare_findings(const void *a, const void *b)
{
    const struct check_finding *one = a, *two = b;
    if (one->warning != two->warning) return one->warning ? 1 : -1;
    if (one->count != two->count) return one->count < two->count ? 1 : -1;
    if (one->field != two->field) return one->field < two->field ? -1 : 1;
    return (int)one->rule - (int)two->rule;
}

/* Moves the findings that there are together, and sorts them. */
static void hand_over(struct explain *explain)
{
    struct check_report *report = explain->check->report;
    size_t count = 2 * (report->schema->field_count + 1) * RULE_COUNT;
    for (size_t i = 0; i < count; i++)
        if (explain->findings[i].count > 0) explain->findings[report->finding_count++] = explain->findings[i];
    report->findings = explain->findings;
    qsort(report->findings, report->finding_count, sizeof *report->findings, compare_findings);
}

bool check_explain(struct check *check, struct error *error)
{
    struct explain explain = {.check = check, .error = error};
    struct csv_walk *walk = csv_walk_new(&check->source, &check->dialect, error);
    bool good = walk && prepare(&explain) && walk_rows(&explain, walk);
    if (good) hand_over(&explain);
    csv_walk_free(walk);
    memory_free(explain.first_rows);
    memory_free(explain.first_lines);
    buffer_free(&explain.reasons);
    buffer_free(&explain.reason);
    return good;
}
