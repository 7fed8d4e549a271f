#include <string.h>

#include "base/memory.h"
#include "tabular/validate_batch.h"
#include "tabular/validate_judge.h"

static bool reserve_values(struct worker *worker, const struct schema *schema, size_t rows, struct error *error)
{
    if (schema->field_count > worker->value_fields) {
        int64_t **values = memory_resize(worker->values, schema->field_count, sizeof *values, error);
        if (values == NULL) return false;
        worker->values = values;
        for (; worker->value_fields < schema->field_count; worker->value_fields++)
            worker->values[worker->value_fields] = NULL;
        int64_t *units = memory_resize(worker->units, schema->field_count, sizeof *units, error);
        if (units == NULL) return false;
        worker->units = units;
    }
    /* Kernels may write a whole vector past the last row. */
    size_t room = rows + KERNEL_ROWS;
    if (room <= worker->value_capacity) return true;
    worker->value_capacity = 0;
    for (size_t i = 0; i < worker->value_fields; i++) {
        memory_free(worker->values[i]);
        worker->values[i] = NULL;
    }
    memory_free(worker->lines);
    worker->lines = memory_array(room, sizeof *worker->lines, error);
    if (worker->lines == NULL) return false;
    worker->value_capacity = room;
    return true;
}

/* Room for the values of the fields that batches hold, and the units they begin with. */
static bool prepare_fields(struct job *job, struct error *error)
{
    struct worker *worker = job->worker;
    const struct schema *schema = job->plan->schema;
    if (!reserve_values(worker, schema, job->records.rows, error)) return false;
    for (size_t i = 0; i < schema->field_count; i++) {
        worker->units[i] = job->plan->kernels[i].unit;
        if (worker->values[i] != NULL || !job_keeps(job, i)) continue;
        worker->values[i] = memory_array(worker->value_capacity, sizeof **worker->values, error);
        if (worker->values[i] == NULL) return false;
    }
    return true;
}

/* The caches of a plan's columns, made when a worker first meets it. */
static bool prepare_caches(struct job *job, struct error *error)
{
    const struct validation *validation = job->validation;
    struct worker *worker = job->worker;
    if (worker->caches == NULL) worker->caches = memory_zeroed(validation->plan_count * sizeof *worker->caches, error);
    if (worker->caches == NULL) return false;
    size_t fields = job->plan->schema->field_count;
    struct kernel_cache **caches = worker->caches[job->plan->number];
    if (caches == NULL) {
        caches = memory_zeroed(fields * sizeof(struct kernel_cache *), error);
        if (caches == NULL) return false;
        worker->caches[job->plan->number] = caches;
    }
    for (size_t i = 0; i < fields; i++) {
        if (caches[i] != NULL || !job->plan->kernels[i].cached) continue;
        caches[i] = memory_array(1, sizeof *caches[i], error);
        if (caches[i] == NULL) return false;
        kernel_cache_init(caches[i]);
    }
    job->caches = caches;
    return true;
}

static bool prepare_verdicts(struct worker *worker, size_t fields, struct error *error)
{
    if (fields <= worker->verdict_capacity) return true;
    struct verdict *verdicts = memory_resize(worker->verdicts, fields, sizeof *verdicts, error);
    if (verdicts == NULL) return false;
    worker->verdicts = verdicts;
    worker->verdict_capacity = fields;
    return true;
}

/* Writes what the block made to its files, after what the blocks before it made. */
static bool write_output(struct job *job, struct error *error)
{
    struct worker *worker = job->worker;
    struct str rejects = str_slice(worker->rejects.data, worker->rejects.length);
    struct str valid = str_slice(worker->valid.data, worker->valid.length);
    if (!buffer_check(&worker->rejects, error) || !buffer_check(&worker->valid, error) ||
        !buffer_check(&worker->reasons, error))
        return false;
    if (job->valid_whole) valid = str_slice(job->records.data, job->records.size);
    struct chain *chain = &job->validation->chain;
    chain_render(chain, job->index, &(struct chain_output){rejects.length, valid.length});
    struct chain_output before;
    if ((rejects.length == 0 && valid.length == 0) || !chain_wait_output(chain, job->index, &before)) return true;
    return output_write(job->state, &before, rejects, valid, error);
}

static void add_report(struct job *job)
{
    struct file_report *report = &job->state->file->report;
    pthread_mutex_lock(&job->validation->lock);
    report->read += job->records.rows;
    report->rejected += job->counts.rejected;
    report->warned += job->counts.warned;
    for (size_t i = 0; i < RULE_COUNT; i++) report->broken[i] += job->counts.broken[i];
    pthread_mutex_unlock(&job->validation->lock);
}

static bool judge_rows(struct job *job, struct error *error)
{
    struct worker *worker = job->worker;
    if (!prepare_fields(job, error) || !prepare_caches(job, error) ||
        !prepare_verdicts(worker, job->plan->schema->field_count, error))
        return false;
    for (size_t row = 0; row < job->records.rows; row += KERNEL_ROWS) {
        size_t left = job->records.rows - row;
        if (!judge_chunk(job, row, left < KERNEL_ROWS ? left : KERNEL_ROWS, error)) return false;
        if (job->stopped) return true;
    }
    return !job->validation->options.batches || job->kept == 0 || batch_build(job, error);
}

/* Judges the records of a block that were read. */
static bool judge_loaded(struct job *job, struct loaded *loaded, struct error *error)
{
    struct worker *worker = job->worker;
    buffer_clear(&worker->rejects);
    buffer_clear(&worker->valid);
    buffer_clear(&worker->reasons);
    if (loaded->size > 0) {
        if (!records_find(worker, loaded, job->state, &job->records, error)) return false;
        job->first_line = loaded->lines + 1;
    }
    chain_count(&job->validation->chain, job->index, job->records.rows);
    job->valid_whole =
        job->state->file->valid_fd >= 0 && loaded->size > 0 && job->records.rows == worker->index.record_count;
    if (job->records.rows > 0 && !judge_rows(job, error)) return false;
    if (job->stopped) return true;
    add_report(job);
    return write_output(job, error);
}

bool block_judge(struct validation *validation, size_t index, struct worker *worker, bool look_only,
                 struct error *error)
{
    struct block *block = &validation->blocks[index];
    struct file_state *state = &validation->files[block->file];
    struct loaded loaded;
    bool wanted;
    if (!block_load(validation, index, worker, &loaded, &wanted, error)) return false;
    if (!wanted || look_only) return true;
    struct job job = {
        .validation = validation,
        .state = state,
        .plan = state->plan,
        .block = block,
        .index = index,
        .worker = worker,
    };
    return judge_loaded(&job, &loaded, error);
}

void worker_release(struct worker *worker, const struct validation *validation)
{
    memory_free(worker->bytes);
    memory_free(worker->index.ends);
    memory_free(worker->index.record_ends);
    memory_free(worker->records);
    memory_free(worker->firsts);
    for (size_t i = 0; i < worker->value_fields; i++) memory_free(worker->values[i]);
    memory_free(worker->values);
    memory_free(worker->units);
    memory_free(worker->lines);
    for (size_t plan = 0; worker->caches != NULL && plan < validation->plan_count; plan++) {
        size_t fields = validation->plans[plan].schema->field_count;
        for (size_t i = 0; worker->caches[plan] != NULL && i < fields; i++) memory_free(worker->caches[plan][i]);
        memory_free(worker->caches[plan]);
    }
    memory_free(worker->caches);
    memory_free(worker->verdicts);
    memory_free(worker->breaches);
    buffer_free(&worker->rejects);
    buffer_free(&worker->valid);
    buffer_free(&worker->reasons);
}
