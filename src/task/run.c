#include "task/run.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/random.h"
#include "store/local/local.h"
#include "task/run_private.h"

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
        if (run->sources[i].fetched_fd >= 0) close(run->sources[i].fetched_fd);
    }
    for (size_t i = 0; run->validated && i < run->validated_count; i++) {
        if (run->validated[i].rejects_fd >= 0) close(run->validated[i].rejects_fd);
    }
    if (run->change) change_abandon(run->change);
    store_free(run->own_store);
    if (run->local) local_close(run->local);
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

/* What a cleaned row takes in memory, at most, while days are worked out from it. */
#define CLEANED_ROW_BYTES 250

/* How much input one step may cover. A slice holds about three bytes in memory for each of them at its peak; input that
 * is taken in one step meets no earlier rows and needs two, or less than that where only KPIs are wanted. */
static uint64_t slice_bytes(const struct run *run, bool in_one)
{
    uint64_t limit = run->options.memory_limit;
    uint64_t bytes = !in_one ? limit / 4 : run->options.kpi_only ? limit / 2 : limit / 5 * 2;
    return bytes < (1u << 20) ? 1u << 20 : bytes;
}

/* Whether the input, by the size of its files, can be taken in one step. */
static bool is_taken_in_one(const struct run *run)
{
    return run->input_bytes <= slice_bytes(run, true);
}

static bool input_size(struct run *run, struct error *error)
{
    run->file_bytes = arena_zeroed(run->arena, (run->intake.count + 1) * sizeof *run->file_bytes, error);
    if (!run->file_bytes) return false;
    for (size_t i = 0; i < run->intake.count; i++) {
        const struct intake_file *file = &run->intake.files[i];
        struct stat status;
        if (!file->bucket && stat(file->path, &status) != 0) {
            return error_set_errno(error, errno, "cannot look at %s", file->path);
        }
        run->file_bytes[i] = file->bucket ? file->size_bytes : (uint64_t)status.st_size;
        run->input_bytes += run->file_bytes[i];
    }
    return true;
}

/* Rows in a folder are named by their dataset alone, so it belongs to the pipeline that keeps rows of it there. */
static bool check_owners(const struct run *run, struct error *error)
{
    static const char *const roles[] = {"cleaned", "pending"};
    const struct kpi_spec *spec = run->spec;
    for (int i = 0; i < 2 * spec->dataset_count; i++) {
        const char *dataset = spec->datasets[i / 2].name;
        const char *owner = folder_owner(run->folder, run->arena, roles[i % 2], dataset, error);
        if (owner == NULL && error->code != ERROR_NONE) return false;
        if (owner != NULL && strcmp(owner, spec->pipeline) != 0)
            return error_set(
                error, ERROR_CONFLICT,
                "%s holds the rows of a dataset \"%s\" of another pipeline than \"%s\", of \"%s\"; give each "
                "pipeline a data folder of its own, or give the dataset another name in kpis.json",
                folder_path(run->folder), dataset, spec->pipeline, owner);
    }
    return true;
}

/* A run that keeps nothing needs no folder, unless it must go in slices. */
static bool open_folder(struct run *run, struct error *error)
{
    if (run->options.kpi_only) {
        if (is_taken_in_one(run)) return true;
        const char *base = getenv("TMPDIR");
        char *path = arena_format(run->arena, error, "%s/aisle-XXXXXX", base && *base ? base : "/tmp");
        if (!path) return false;
        if (!mkdtemp(path)) return error_set_errno(error, errno, "cannot make a temporary folder %s", path);
        run->temporary = path;
    }
    run->folder = folder_open(run->temporary ? run->temporary : run->options.data_folder, FOLDER_WRITE, error);
    if (!run->folder || !check_owners(run, error) || !state_load_terms(run->folder, run->terms, error)) return false;
    run->change = change_new(run->folder, error);
    return run->change && folder_next_source(run->folder, &run->first_source, error);
}

/* Fields that KPI-only runs need: keys, versions, and what tables are worked out from. */
static const bool *fields_needed(struct run *run, const struct kpi_dataset *dataset, struct error *error)
{
    bool *needed = arena_zeroed(run->arena, dataset->schema->field_count + 1, error);
    if (!needed) return NULL;
    needed[dataset->key_field] = true;
    for (size_t v = 0; v < dataset->schema->version_count; v++) needed[dataset->schema->version_fields[v]] = true;
    kpi_fields_used(dataset, needed);
    return needed;
}

static bool prepare_rejects(struct run *run, struct source_file *source, struct validate_file *file,
                            struct error *error)
{
    if (!run_keeps_state(run)) return true;
    const char *name = run_stored_name(run, source, error);
    /* rejected rows are plain CSV, whatever the file was packed in */
    int stem = name ? (int)(strcasestr(name, ".csv") ? strcasestr(name, ".csv") - name : (ptrdiff_t)strlen(name)) : 0;
    source->rejects = name ? arena_format(run->arena, error, "rejected/%s/%.*s.csv", run->id, stem, name) : NULL;
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
    int64_t started_us = clock_monotonic_us();
    uint64_t rows_taken = 0;
    bool good = true;
    for (size_t i = 0; i < count; i++) {
        const struct source_file *source = source_of(run, batches[i]->file);
        rows_taken += batches[i]->rows;
        struct rows rows = {.batch = batches[i], .source = source->number};
        if (good) good = row_list_add(&lists[source->file->dataset], rows, error);
        if (!good) batch_free(batches[i]);
    }
    if (!good) {
        for (int d = 0; d < KPI_MAX_DATASETS; d++) row_list_free(&lists[d]);
        return false;
    }
    if (!engine_step(run->engine, lists, error)) return false;
    run->steps++;
    run_log_step(run, rows_taken, started_us);
    return true;
}

static void relay_progress(void *context, uint64_t done, uint64_t total)
{
    struct run *run = context;
    run->options.progress(run->options.progress_context, "reading", done, total);
}

static bool validate_all(struct run *run, struct error *error)
{
    bool in_one = is_taken_in_one(run); /* as far as told by files that may be packed */
    if (run->folder && !in_one) memory_return_early();
    struct validate_options options = {.terms = run->terms,
                                       .batches = true,
                                       .slice_bytes = run->folder ? slice_bytes(run, in_one) : 0,
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
    run_set_seconds(run);
    struct buffer dumped;
    buffer_init(&dumped, 0);
    json_append(&dumped, run->record, JSON_COMPACT | JSON_REAL_PRECISION(9));
    const char *text = buffer_text(&dumped);
    struct folder_run record = {.id = run->id,
                                .pipeline = run->spec->pipeline,
                                .status = run_status_name(run->status),
                                .json = text,
                                .started_us = run->started_us,
                                .ended_us = clock_now_us()};
    bool good = json_built(failures, error) && buffer_check(&dumped, error) && take_sources(run, error) &&
                engine_finish(run->engine, error) && change_run(run->change, &record, error) &&
                run_note_objects(run, error) &&
                (!run->options.output || change_output(run->change, run->options.output, error)) &&
                change_commit(run->change, error);
    buffer_free(&dumped);
    return good;
}

static bool find_files(struct run *run, struct error *error)
{
    /* The folder comes first only where its buckets are read: a wrong path makes no folder. */
    bool objects = run_reads_objects(run) || run->options.output;
    bool own = !run->options.store && !run->options.kpi_only && objects;
    if ((own && !open_folder(run, error)) || !run_open_store(run, error) || !run_check_output(run, error)) return false;
    struct intake_places places = {.paths = run->options.paths, .count = run->options.path_count, .store = run->store};
    if (!intake_find(run->arena, run->spec, &places, &run->intake, error) || !input_size(run, error)) return false;
    run_log_started(run);
    return own || open_folder(run, error);
}

static bool execute(struct run *run, struct error *error)
{
    if (!find_files(run, error) || !run_open_sources(run, error) || !prepare_validation(run, error)) {
        return false;
    }
    struct engine_options options = {.spec = run->spec,
                                     .terms = run->terms,
                                     .team = run->team,
                                     .folder = run->folder,
                                     .change = run->change,
                                     .run = run->id,
                                     .first_source = run->first_source,
                                     .step_rows = run->options.memory_limit / CLEANED_ROW_BYTES + 1};
    run->engine = engine_new(&options, error);
    if (!run->engine) return false;
    if (run->validated_count > 0 && !validate_all(run, error)) return false;
    if (!engine_close_days(run->engine, error)) return false;
    if (!run_finish_sources(run, error) || !run_settle_files(run, error) || !run_make_record(run, error)) return false;
    if (run_keeps_state(run) && !commit(run, error)) return false;
    run_set_seconds(run);
    return true;
}

bool run_execute(struct run *run, struct error *error)
{
    bool good = execute(run, error);
    run_log_ended(run, good ? NULL : error);
    return good;
}
