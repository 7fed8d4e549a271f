#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "task/run_private.h"

static void set(json_t *object, const char *key, uint64_t value)
{
    json_object_set_new(object, key, json_integer((json_int_t)value));
}

static json_t *file_record(const struct run *run, const struct source_file *source)
{
    static const char *const fates[] = {"taken", "skipped", "invalid"};
    json_t *file = json_object();
    json_object_set_new(file, "file", json_string(source->file->path));
    json_object_set_new(file, "dataset", json_string(run->spec->datasets[source->file->dataset].name));
    json_object_set_new(file, "outcome", json_string(fates[source->fate]));
    if (source->why)
        json_object_set_new(file, source->fate == SOURCE_INVALID ? "problem" : "reason", json_string(source->why));
    if (source->fate == SOURCE_TAKEN) {
        const struct file_report *report = &run->validated[source->validated].report;
        set(file, "read", report->read);
        set(file, "rejected", report->rejected);
        if (report->warned) set(file, "warned", report->warned);
        if (*report->notice) json_object_set_new(file, "notice", json_string(report->notice));
        if (source->rejects) json_object_set_new(file, "rejects", json_string(source->rejects));
        json_t *reasons = json_object();
        for (int r = 0; r < RULE_COUNT; r++) {
            if (report->broken[r]) set(reasons, rule_name((enum rule)r), report->broken[r]);
        }
        if (json_object_size(reasons) > 0) json_object_set(file, "broken_rules", reasons);
        json_decref(reasons);
    }
    if (source->invalid) json_object_set_new(file, "kept_as", json_string(source->invalid));
    return file;
}

struct dataset_sums {
    uint64_t read, rejected, warned;
};

static void sum_reports(const struct run *run, struct dataset_sums sums[KPI_MAX_DATASETS])
{
    for (size_t i = 0; i < run->intake.count; i++) {
        const struct source_file *source = &run->sources[i];
        if (source->fate != SOURCE_TAKEN) continue;
        const struct file_report *report = &run->validated[source->validated].report;
        sums[source->file->dataset].read += report->read;
        sums[source->file->dataset].rejected += report->rejected;
        sums[source->file->dataset].warned += report->warned;
    }
}

/* What all runs together have made of the rows: the totals of before, this run, and rows that it moved. */
static bool add_totals(struct run *run, const struct dataset_sums *sums, struct error *error)
{
    char key[160];
    snprintf(key, sizeof key, "totals/%s", run->spec->pipeline);
    error->code = ERROR_NONE;
    const char *text = folder_document(run->folder, run->arena, key, error);
    if (!text && error->code != ERROR_NONE) return false;
    json_t *before = text ? json_read(text, strlen(text), key, error) : json_object();
    if (!before) return false;
    uint64_t failures = json_failures();
    json_t *totals = json_object();
    for (int d = 0; d < run->spec->dataset_count; d++) {
        const struct engine_counts *counts = engine_counts(run->engine, d);
        json_t *old = json_object_get(before, run->spec->datasets[d].name);
        uint64_t was[5];
        static const char *const names[] = {"read", "valid", "rejected", "duplicate", "pending"};
        for (int i = 0; i < 5; i++) was[i] = (uint64_t)json_integer_value(json_object_get(old, names[i]));
        json_t *now = json_object();
        set(now, "read", was[0] + sums[d].read);
        set(now, "valid", was[1] + counts->valid + counts->pending_resolved - counts->valid_replaced);
        set(now, "rejected", was[2] + sums[d].rejected);
        set(now, "duplicate", was[3] + counts->duplicate + counts->valid_replaced + counts->pending_replaced);
        set(now, "pending", was[4] + counts->pending - counts->pending_resolved - counts->pending_replaced);
        json_object_set_new(totals, run->spec->datasets[d].name, now);
    }
    json_decref(before);
    json_object_set(run->record, "totals", totals);
    struct buffer dumped;
    buffer_init(&dumped, 0);
    json_append(&dumped, totals, JSON_COMPACT);
    json_decref(totals);
    const char *now = buffer_text(&dumped);
    bool good =
        json_built(failures, error) && buffer_check(&dumped, error) && change_document(run->change, key, now, error);
    buffer_free(&dumped);
    return good;
}

static void decide_status(struct run *run, const struct dataset_sums *sums)
{
    uint64_t read = 0, rejected = 0;
    size_t taken = 0, invalid = 0;
    bool over = false;
    for (int d = 0; d < run->spec->dataset_count; d++) {
        const struct schema *schema = run->spec->datasets[d].schema;
        read += sums[d].read;
        rejected += sums[d].rejected;
        if (!schema->has_budget || sums[d].rejected == 0) continue;
        over |= sums[d].rejected > schema->budget_count ||
                (double)sums[d].rejected > schema->budget_share * (double)sums[d].read;
    }
    for (size_t i = 0; i < run->intake.count; i++) {
        taken += run->sources[i].fate == SOURCE_TAKEN;
        invalid += run->sources[i].fate == SOURCE_INVALID;
    }
    run->status = RUN_DONE;
    if (taken == 0)
        run->status = invalid ? RUN_VALIDATION_FAILED : RUN_NOTHING_NEW;
    else if (read > 0 && rejected == read)
        run->status = RUN_REJECTED_ALL;
    else if (over)
        run->status = RUN_OVER_BUDGET;
    else if (invalid)
        run->status = RUN_INVALID_FILES;
}

bool run_make_record(struct run *run, struct error *error)
{
    struct dataset_sums sums[KPI_MAX_DATASETS] = {{0}};
    uint64_t resolved = 0, replaced = 0;
    sum_reports(run, sums);
    decide_status(run, sums);
    char started[32];
    clock_format_rfc3339(run->started_us, started);
    uint64_t failures = json_failures();
    run->record = json_object();
    json_object_set_new(run->record, "run", json_string(run->id));
    json_object_set_new(run->record, "pipeline", json_string(run->spec->pipeline));
    json_object_set_new(run->record, "status", json_string(run_status_name(run->status)));
    json_object_set_new(run->record, "started", json_string(started));
    json_t *datasets = json_object();
    for (int d = 0; d < run->spec->dataset_count; d++) {
        const struct engine_counts *counts = engine_counts(run->engine, d);
        json_t *dataset = json_object();
        set(dataset, "read", sums[d].read);
        set(dataset, "valid", counts->valid);
        set(dataset, "rejected", sums[d].rejected);
        set(dataset, "duplicate", counts->duplicate);
        set(dataset, "pending", counts->pending);
        set(dataset, "differing", counts->differing);
        set(dataset, "warned", sums[d].warned);
        json_object_set_new(datasets, run->spec->datasets[d].name, dataset);
        resolved += counts->pending_resolved;
        replaced += counts->valid_replaced + counts->pending_replaced;
    }
    json_object_set_new(run->record, "datasets", datasets);
    set(run->record, "pending_resolved", resolved);
    set(run->record, "replaced", replaced);
    set(run->record, "days_recomputed", engine_days(run->engine));
    if (engine_rebuilt(run->engine)) json_object_set_new(run->record, "rebuilt", json_true());
    json_t *files = json_array();
    for (size_t i = 0; i < run->intake.count; i++) json_array_append_new(files, file_record(run, &run->sources[i]));
    json_object_set_new(run->record, "files", files);
    json_t *passed_by = json_array();
    for (size_t i = 0; i < run->intake.passed_by_count; i++) {
        json_array_append_new(passed_by, json_string(run->intake.passed_by[i]));
    }
    if (json_array_size(passed_by) > 0) json_object_set(run->record, "not_of_a_dataset", passed_by);
    json_decref(passed_by);
    return json_built(failures, error) && (!run->folder || run->temporary || add_totals(run, sums, error));
}

void run_set_seconds(struct run *run)
{
    double seconds = (double)(clock_monotonic_us() - run->started_monotonic_us) / 1e6;
    json_object_set_new(run->record, "seconds", json_real(seconds));
}
