#include "task/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "kpi/engine.h"
#include "tabular/validate.h"
#include "task/intake.h"

/* What becomes of one source file. */
enum source_fate { SOURCE_TAKEN, SOURCE_KNOWN, SOURCE_INVALID };

struct source_file {
    const struct intake_file *file;
    struct csv_source source;
    bool open;
    struct error failure; /* why it could not be opened */
    enum source_fate fate;
    const char *why;     /* it was passed over */
    int64_t number;      /* for lineage; 0: none */
    const char *rejects; /* path of its rejected rows within the folder, NULL: none are written */
    const char *invalid; /* path of its copy */
    size_t validated;    /* index among the files that are validated */
};

struct run {
    struct run_options options;
    struct arena *arena;
    struct kpi_spec *spec;
    struct team *team;
    struct terms *terms;
    struct folder *folder;
    struct change *change;
    struct engine *engine;
    const char *temporary_folder; /* for what is unpacked; NULL: the system's */
    const char *temporary;        /* the data folder of a KPI-only run that does not fit memory */
    char id[27];
    int64_t started_us, started_monotonic_us;
    struct intake intake;
    struct source_file *sources; /* by place in the intake */
    struct validate_file *validated;
    size_t validated_count;
    int64_t first_source;
    uint64_t input_bytes;
    uint64_t *file_bytes; /* by place in the intake */
    enum run_status status;
    json_t *record;
};

const char *run_status_name(enum run_status status)
{
    static const char *const names[] = {"DONE",        "NOTHING_NEW",  "INVALID_FILES",
                                        "OVER_BUDGET", "REJECTED_ALL", "VALIDATION_FAILED"};
    return names[status];
}

enum run_status run_status(const struct run *run)
{
    return run->status;
}

json_t *run_record(const struct run *run)
{
    return run->record;
}

const struct state *run_state(const struct run *run)
{
    return engine_state(run->engine);
}

const struct kpi_spec *run_spec(const struct run *run)
{
    return run->spec;
}

const struct terms *run_terms(const struct run *run)
{
    return run->terms;
}

struct run *run_new(const struct run_options *options, struct error *error)
{
    struct run *run = memory_zeroed(sizeof *run, error);
    if (!run) return NULL;
    run->options = *options;
    if (run->options.memory_limit == 0) run->options.memory_limit = memory_total_bytes() / 4;
    run->started_us = clock_now_us();
    run->started_monotonic_us = clock_monotonic_us();
    run->arena = arena_new(0, error);
    run->spec = run->arena ? kpi_spec_load(run->arena, options->pipeline_folder, options->tables, error) : NULL;
    run->team = run->spec ? team_new(options->threads, error) : NULL;
    run->terms = run->team ? terms_new(error) : NULL;
    if (run->terms && random_ulid(run->id, error)) return run;
    run_free(run);
    return NULL;
}

void run_free(struct run *run)
{
    if (!run) return;
    struct error ignored;
    engine_free(run->engine);
    for (size_t i = 0; run->sources && i < run->intake.count; i++) {
        if (run->sources[i].open) csv_source_close(&run->sources[i].source);
    }
    for (size_t i = 0; run->validated && i < run->validated_count; i++) {
        if (run->validated[i].rejects_fd >= 0) close(run->validated[i].rejects_fd);
    }
    if (run->change) change_abandon(run->change);
    if (run->folder) folder_close(run->folder);
    if (run->temporary) file_remove_tree(run->temporary, &ignored);
    if (run->terms) terms_free(run->terms);
    if (run->team) team_free(run->team);
    if (run->spec) kpi_spec_free(run->spec);
    if (run->arena) arena_free(run->arena);
    json_decref(run->record);
    memory_free(run->sources);
    memory_free(run->validated);
    memory_free(run);
}

/* ---- opening ---- */

/* How much input one step may cover: it holds about one and a half bytes in memory for each, and as much is left for
 * the sorting of its changes. */
static uint64_t slice_bytes(const struct run *run)
{
    uint64_t bytes = run->options.memory_limit / 3;
    return bytes < (1u << 20) ? 1u << 20 : bytes;
}

static bool input_size(struct run *run, struct error *error)
{
    run->file_bytes = arena_zeroed(run->arena, (run->intake.count + 1) * sizeof *run->file_bytes, error);
    if (!run->file_bytes) return false;
    for (size_t i = 0; i < run->intake.count; i++) {
        struct stat status;
        if (stat(run->intake.files[i].path, &status) != 0) {
            return error_set_errno(error, errno, "cannot look at %s", run->intake.files[i].path);
        }
        run->file_bytes[i] = (uint64_t)status.st_size;
        run->input_bytes += run->file_bytes[i];
    }
    return true;
}

/* A run that keeps nothing needs no folder, unless it must go in slices. */
static bool open_folder(struct run *run, struct error *error)
{
    if (run->options.kpi_only) {
        if (run->input_bytes <= slice_bytes(run)) return true;
        const char *base = getenv("TMPDIR");
        char *path = arena_format(run->arena, error, "%s/aisle-XXXXXX", base && *base ? base : "/tmp");
        if (!path) return false;
        if (!mkdtemp(path)) return error_set_errno(error, errno, "cannot make a temporary folder %s", path);
        run->temporary = path;
    }
    run->folder = folder_open(run->temporary ? run->temporary : run->options.data_folder, FOLDER_WRITE, error);
    if (!run->folder || !state_load_terms(run->folder, run->terms, error)) return false;
    run->change = change_new(run->folder, error);
    return run->change && folder_next_source(run->folder, &run->first_source, error);
}

/* The name by which a file goes on in the folder: its own, with what is above it flattened where names repeat. */
static const char *stored_name(struct run *run, const struct source_file *source, struct error *error)
{
    const char *slash = strrchr(source->file->path, '/');
    return arena_format(run->arena, error, "%s-%zu-%s", run->spec->datasets[source->file->dataset].name,
                        (size_t)(source - run->sources) + 1, slash ? slash + 1 : source->file->path);
}

static bool note_invalid(struct run *run, struct source_file *source, const char *problem, struct error *error)
{
    source->fate = SOURCE_INVALID;
    source->why = arena_text(run->arena, problem, strlen(problem), error);
    return source->why != NULL;
}

/* Whether what the run finds stays in the data folder. */
static bool keeps_state(const struct run *run)
{
    return run->folder && !run->temporary;
}

/* Whether another file of the dataset is as large: only then can the contents be the same. */
static bool has_twin(const struct run *run, size_t index)
{
    for (size_t i = 0; i < run->intake.count; i++) {
        if (i != index && run->file_bytes[i] == run->file_bytes[index] &&
            run->intake.files[i].dataset == run->intake.files[index].dataset) {
            return true;
        }
    }
    return false;
}

/* Whether the file's content is known: taken by an earlier run, or by an earlier file of this one. */
static bool check_known(struct run *run, size_t index, struct error *error)
{
    struct source_file *source = &run->sources[index];
    const char *dataset = run->spec->datasets[source->file->dataset].name;
    for (size_t i = 0; i < index; i++) {
        const struct source_file *other = &run->sources[i];
        if (other->fate != SOURCE_TAKEN || other->file->dataset != source->file->dataset ||
            run->file_bytes[i] != run->file_bytes[index] || strcmp(other->source.sha256, source->source.sha256) != 0) {
            continue;
        }
        source->fate = SOURCE_KNOWN;
        source->why = arena_format(run->arena, error, "same content as %s", other->file->path);
        return source->why != NULL;
    }
    struct folder_taken taken;
    if (run->options.reprocess || !keeps_state(run)) return true;
    if (!folder_taken(run->folder, run->arena, run->spec->pipeline, dataset, source->source.sha256, &taken, error))
        return false;
    if (!taken.taken) return true;
    source->fate = SOURCE_KNOWN;
    source->why = arena_format(run->arena, error, "its content was taken by run %s as %s (--reprocess takes it again)",
                               taken.run, taken.name);
    return source->why != NULL;
}

/* A file that cannot be read or unpacked is invalid; the others go on. */
static bool open_source(void *context, size_t index, unsigned worker, struct error *error)
{
    (void)worker;
    struct run *run = context;
    struct source_file *source = &run->sources[index];
    const struct schema *schema = run->spec->datasets[source->file->dataset].schema;
    struct csv_source_options options = {.encoding = (enum csv_encoding)schema->encoding,
                                         .hash = keeps_state(run) || has_twin(run, index),
                                         .temporary_folder = run->temporary_folder};
    if (csv_source_open(&source->source, source->file->path, &options, &source->failure)) {
        source->open = true;
    } else if (source->failure.code == ERROR_MEMORY) {
        *error = source->failure;
        return false;
    }
    return true;
}

static bool open_sources(struct run *run, struct error *error)
{
    run->sources = memory_zeroed((run->intake.count + 1) * sizeof *run->sources, error);
    if (!run->sources) return false;
    for (size_t i = 0; i < run->intake.count; i++) run->sources[i].file = &run->intake.files[i];
    if (keeps_state(run)) {
        run->temporary_folder = arena_format(run->arena, error, "%s/tmp", folder_path(run->folder));
        if (!run->temporary_folder) return false;
    }
    if (!team_run(run->team, run->intake.count, open_source, run, error)) return false;
    for (size_t i = 0; i < run->intake.count; i++) {
        struct source_file *source = &run->sources[i];
        bool good = !source->open            ? note_invalid(run, source, source->failure.message, error)
                    : *source->source.sha256 ? check_known(run, i, error)
                                             : true;
        if (!good) return false;
    }
    return true;
}

/* ---- validating ---- */

/* Fields that KPI-only runs need: keys, joins, versions, and what the spec's columns come from. */
static const bool *fields_needed(struct run *run, const struct kpi_dataset *dataset, struct error *error)
{
    bool *needed = arena_zeroed(run->arena, dataset->schema->field_count + 1, error);
    if (!needed) return NULL;
    needed[dataset->key_field] = true;
    for (int j = 0; j < dataset->join_count; j++) needed[dataset->joins[j].field] = true;
    for (size_t v = 0; v < dataset->schema->version_count; v++) needed[dataset->schema->version_fields[v]] = true;
    for (int c = 0; c < dataset->column_count; c++) {
        if (dataset->columns[c].field >= 0 && dataset->columns[c].used) needed[dataset->columns[c].field] = true;
    }
    return needed;
}

static bool prepare_rejects(struct run *run, struct source_file *source, struct validate_file *file,
                            struct error *error)
{
    if (!keeps_state(run)) return true;
    const char *name = stored_name(run, source, error);
    source->rejects = name ? arena_format(run->arena, error, "rejected/%s/%s.csv", run->id, name) : NULL;
    if (!source->rejects) return false;
    file->rejects_path = source->rejects;
    file->rejects_fd = change_create(run->change, source->rejects, error);
    return file->rejects_fd >= 0;
}

static bool prepare_validation(struct run *run, struct error *error)
{
    run->validated = memory_zeroed((run->intake.count + 1) * sizeof *run->validated, error);
    if (!run->validated) return false;
    for (size_t i = 0; i < run->intake.count; i++) {
        struct source_file *source = &run->sources[i];
        if (source->fate != SOURCE_TAKEN) continue;
        const struct kpi_dataset *dataset = &run->spec->datasets[source->file->dataset];
        source->validated = run->validated_count;
        source->number = run->first_source + (int64_t)run->validated_count;
        struct validate_file *file = &run->validated[run->validated_count++];
        *file = (struct validate_file){
            .source = &source->source, .schema = dataset->schema, .rejects_fd = -1, .valid_fd = -1};
        if (run->options.kpi_only) {
            file->keep = fields_needed(run, dataset, error);
            if (!file->keep) return false;
        }
        if (!prepare_rejects(run, source, file, error)) return false;
    }
    return true;
}

/* The source file behind the n-th validated file. */
static const struct source_file *source_of(const struct run *run, size_t validated)
{
    for (size_t i = 0; i < run->intake.count; i++) {
        if (run->sources[i].fate == SOURCE_TAKEN && run->sources[i].validated == validated) return &run->sources[i];
    }
    return NULL;
}

/* One slice's batches as lists by dataset, given to the engine. */
static bool take_slice(struct run *run, struct batch **batches, size_t count, struct error *error)
{
    struct row_list lists[KPI_MAX_DATASETS] = {{0}};
    bool good = true;
    for (size_t i = 0; i < count; i++) {
        const struct source_file *source = source_of(run, batches[i]->file);
        struct rows rows = {.batch = batches[i], .source = source->number};
        if (good) good = row_list_add(&lists[source->file->dataset], rows, error);
        if (!good) batch_free(batches[i]);
    }
    if (good) return engine_step(run->engine, lists, error);
    for (int d = 0; d < KPI_MAX_DATASETS; d++) row_list_free(&lists[d]);
    return false;
}

static void relay_progress(void *context, uint64_t done, uint64_t total)
{
    struct run *run = context;
    run->options.progress(run->options.progress_context, "reading", done, total);
}

static bool validate_all(struct run *run, struct error *error)
{
    struct validate_options options = {.terms = run->terms,
                                       .batches = true,
                                       .slice_bytes = run->folder ? slice_bytes(run) : 0,
                                       .progress = run->options.progress ? relay_progress : NULL,
                                       .progress_context = run};
    struct validation *validation = validation_new(run->team, run->validated, run->validated_count, &options, error);
    bool good = validation != NULL, done = false;
    while (good && !done) {
        struct batch **batches = NULL;
        size_t count = 0;
        good = validation_next(validation, &batches, &count, &done, error);
        if (good && count > 0) {
            if (run->options.progress) run->options.progress(run->options.progress_context, "computing", 0, 0);
            good = take_slice(run, batches, count, error);
        }
        memory_free(batches);
    }
    if (validation) validation_free(validation);
    return good;
}

/* ---- what could not be taken ---- */

static bool copy_file(struct run *run, const char *from, const char *to, uint64_t *size, struct error *error)
{
    *size = 0;
    int out = change_create(run->change, to, error);
    if (out < 0) return false;
    int in = open(from, O_RDONLY | O_CLOEXEC);
    bool good = true;
    char *block = memory_array(1, 1 << 16, error);
    ssize_t got = 0;
    while (good && in >= 0 && block && (got = file_read_at(in, block, 1 << 16, *size, from, error)) > 0) {
        good = file_write(out, block, (size_t)got, to, error);
        *size += (uint64_t)got;
    }
    good = good && block && got >= 0; /* a file that cannot be opened leaves an empty copy; the JSON says why */
    memory_free(block);
    if (in >= 0) close(in);
    close(out);
    return good;
}

static bool write_text(struct run *run, const char *path, const char *text, const char *role, const char *dataset,
                       struct error *error)
{
    int fd = change_create(run->change, path, error);
    if (fd < 0) return false;
    bool good = file_write(fd, text, strlen(text), path, error);
    close(fd);
    struct folder_file file = {
        .role = role, .dataset = dataset, .partition = "", .path = path, .size_bytes = strlen(text), .run = run->id};
    return good && change_name(run->change, &file, error);
}

static bool keep_invalid(struct run *run, struct source_file *source, uint64_t line, struct error *error)
{
    const char *name = stored_name(run, source, error);
    const char *dataset = run->spec->datasets[source->file->dataset].name;
    source->invalid = name ? arena_format(run->arena, error, "invalid/%s/%s", run->id, name) : NULL;
    const char *note = source->invalid ? arena_format(run->arena, error, "%s.json", source->invalid) : NULL;
    if (!note) return false;
    uint64_t size;
    if (!copy_file(run, source->file->path, source->invalid, &size, error)) return false;
    struct folder_file file = {.role = "invalid",
                               .dataset = dataset,
                               .partition = "",
                               .path = source->invalid,
                               .size_bytes = size,
                               .run = run->id};
    if (!change_name(run->change, &file, error)) return false;
    struct buffer text;
    buffer_init(&text, 1 << 20);
    buffer_append_text(&text, "{\"file\": ");
    json_append_string(&text, str_of(source->file->path));
    buffer_append_text(&text, ", \"dataset\": ");
    json_append_string(&text, str_of(dataset));
    buffer_append_text(&text, ", \"run\": ");
    json_append_string(&text, str_of(run->id));
    if (line) buffer_append_format(&text, ", \"line\": %llu", (unsigned long long)line);
    buffer_append_text(&text, ", \"problem\": ");
    json_append_string(&text, str_of(source->why));
    buffer_append_text(&text, "}\n");
    const char *body = buffer_text(&text);
    bool good = body ? write_text(run, note, body, "invalid", dataset, error) : buffer_check(&text, error);
    buffer_free(&text);
    return good;
}

/* Names reject files that hold rows, ends those that hold none, and sets invalid files aside. */
static bool settle_files(struct run *run, struct error *error)
{
    for (size_t i = 0; i < run->intake.count; i++) {
        struct source_file *source = &run->sources[i];
        uint64_t line = 0;
        if (source->fate == SOURCE_TAKEN) {
            struct validate_file *file = &run->validated[source->validated];
            if (file->report.verdict != FILE_TAKEN) {
                line = file->report.problem_line;
                if (!note_invalid(run, source, file->report.problem, error)) return false;
            }
            if (file->rejects_fd >= 0) close(file->rejects_fd);
            file->rejects_fd = -1;
            bool any = source->fate == SOURCE_TAKEN && file->report.rejected > 0;
            struct folder_file named = {.role = "rejected",
                                        .dataset = run->spec->datasets[source->file->dataset].name,
                                        .partition = "",
                                        .path = source->rejects,
                                        .rows = file->report.rejected,
                                        .size_bytes = file->report.rejects_size,
                                        .run = run->id};
            if (source->rejects && any && !change_name(run->change, &named, error)) return false;
            if (source->rejects && !any && !change_forget(run->change, source->rejects, error)) return false;
            if (!any) source->rejects = NULL;
        }
        if (source->fate == SOURCE_INVALID && run->change && !run->temporary &&
            !keep_invalid(run, source, line, error)) {
            return false;
        }
    }
    return true;
}

/* ---- the record ---- */

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

static bool make_record(struct run *run, struct error *error)
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

static void set_seconds(struct run *run)
{
    double seconds = (double)(clock_monotonic_us() - run->started_monotonic_us) / 1e6;
    json_object_set_new(run->record, "seconds", json_real(seconds));
}

/* ---- committing ---- */

static bool take_sources(struct run *run, struct error *error)
{
    for (size_t i = 0; i < run->intake.count; i++) {
        const struct source_file *source = &run->sources[i];
        if (source->fate != SOURCE_TAKEN) continue;
        struct folder_source taken = {.number = source->number,
                                      .run = run->id,
                                      .dataset = run->spec->datasets[source->file->dataset].name,
                                      .name = source->file->path,
                                      .sha256 = source->source.sha256,
                                      .size_bytes = source->source.stored_size,
                                      .rows = run->validated[source->validated].report.read};
        if (!change_take(run->change, run->spec->pipeline, &taken, error)) return false;
    }
    return true;
}

static bool commit(struct run *run, struct error *error)
{
    uint64_t failures = json_failures();
    set_seconds(run);
    struct buffer dumped;
    buffer_init(&dumped, 0);
    json_append(&dumped, run->record, JSON_COMPACT);
    const char *text = buffer_text(&dumped);
    struct folder_run record = {.id = run->id,
                                .pipeline = run->spec->pipeline,
                                .status = run_status_name(run->status),
                                .json = text,
                                .started_us = run->started_us,
                                .ended_us = clock_now_us()};
    bool good = json_built(failures, error) && buffer_check(&dumped, error) && take_sources(run, error) &&
                engine_finish(run->engine, error) && change_run(run->change, &record, error) &&
                change_commit(run->change, error);
    buffer_free(&dumped);
    return good;
}

static bool finish_sources(struct run *run, struct error *error)
{
    for (size_t i = 0; i < run->intake.count; i++) {
        struct source_file *source = &run->sources[i];
        if (source->fate == SOURCE_TAKEN && !csv_source_finish(&source->source, error)) return false;
    }
    return true;
}

bool run_execute(struct run *run, struct error *error)
{
    if (!intake_find(run->arena, run->spec, run->options.paths, run->options.path_count, &run->intake, error) ||
        !input_size(run, error) || !open_folder(run, error) || !open_sources(run, error) ||
        !prepare_validation(run, error)) {
        return false;
    }
    struct engine_options options = {.spec = run->spec,
                                     .terms = run->terms,
                                     .team = run->team,
                                     .folder = run->folder,
                                     .change = run->change,
                                     .run = run->id,
                                     .first_source = run->first_source};
    run->engine = engine_new(&options, error);
    if (!run->engine) return false;
    if (run->validated_count > 0 && !validate_all(run, error)) return false;
    if (!finish_sources(run, error) || !settle_files(run, error) || !make_record(run, error)) return false;
    if (keeps_state(run) && !commit(run, error)) return false;
    set_seconds(run);
    return true;
}
