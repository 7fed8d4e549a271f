#include "tabular/validate.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "tabular/validate_internal.h"
#include "tabular/validate_output.h"

#define BLOCK_BYTES_DEFAULT ((size_t)512 << 10)
/* Above this, offsets within a block that grew to its last record's end would not fit. */
#define RECORD_CEILING_MOST ((size_t)512 << 20)

void file_break(struct validation *validation, size_t index, uint64_t line, const char *problem)
{
    struct file_state *state = &validation->files[validation->blocks[index].file];
    struct file_report *report = &state->file->report;
    pthread_mutex_lock(&validation->lock);
    if (index < state->broken_block) {
        state->broken_block = index;
        report->verdict = FILE_BROKEN;
        report->problem_line = line;
        snprintf(report->problem, sizeof report->problem, "%s", problem);
    }
    pthread_mutex_unlock(&validation->lock);
    chain_stop(&validation->chain, index + 1, state->first_block + state->block_count);
}

/* The plan of a schema, made for the first file that has it. */
static const struct plan *plan_for(struct validation *validation, const struct schema *schema, struct error *error)
{
    for (size_t i = 0; i < validation->plan_count; i++)
        if (validation->plans[i].schema == schema) return &validation->plans[i];
    struct plan *plan = &validation->plans[validation->plan_count];
    plan->schema = schema;
    plan->number = validation->plan_count;
    plan->kernels = arena_zeroed(validation->arena, schema->field_count * sizeof *plan->kernels, error);
    if (plan->kernels == NULL) return NULL;
    enum kernel_tier tier = kernel_best_tier();
    for (size_t i = 0; i < schema->field_count; i++)
        kernel_choose(&plan->kernels[i], &schema->fields[i], tier, validation->options.terms);
    validation->plan_count++;
    return plan;
}

/* Takes a file in: its plan, its head, and how many blocks it has. */
static bool open_file(struct validation *validation, struct validate_file *file, struct error *error)
{
    struct file_state *state = &validation->files[validation->file_count++];
    *state = (struct file_state){
        .file = file,
        .plan = plan_for(validation, file->schema, error),
        .dialect = {file->schema->delimiter, file->schema->quote},
        .broken_block = NO_BLOCK,
    };
    file->report = (struct file_report){.verdict = FILE_TAKEN};
    if (state->plan == NULL || !head_read(validation, state, error)) return false;
    if (file->report.verdict != FILE_TAKEN) return true;
    if (!output_begin(state, error)) return false;
    uint64_t size = file->source->size - state->head.data_start;
    size_t block_bytes = validation->options.block_bytes;
    state->block_count = (size_t)((size + block_bytes - 1) / block_bytes);
    validation->block_count += state->block_count;
    validation->bytes_total += size;
    return true;
}

static void list_blocks(struct validation *validation)
{
    size_t next = 0;
    size_t block_bytes = validation->options.block_bytes;
    for (size_t i = 0; i < validation->file_count; i++) {
        struct file_state *state = &validation->files[i];
        state->first_block = next;
        uint64_t left = state->file->source->size - state->head.data_start;
        for (size_t j = 0; j < state->block_count; j++) {
            struct block *block = &validation->blocks[next++];
            block->file = (uint32_t)i;
            block->offset = state->head.data_start + (uint64_t)j * block_bytes;
            block->size = left < block_bytes ? (size_t)left : block_bytes;
            block->last = j + 1 == state->block_count;
            left -= block->size;
        }
    }
}

static void begin_chain(struct validation *validation)
{
    memset(validation->chain.links, 0, validation->block_count * sizeof *validation->chain.links);
    for (size_t i = 0; i < validation->file_count; i++)
        if (validation->files[i].block_count > 0)
            chain_begin(&validation->chain, validation->files[i].first_block, validation->files[i].head.lines);
    for (size_t i = 0; i < validation->file_count; i++) {
        const struct file_state *state = &validation->files[i];
        if (state->broken_block != NO_BLOCK)
            chain_stop(&validation->chain, state->first_block, state->first_block + state->block_count);
    }
}

/* What a team works at. */
struct work {
    struct validation *validation;
    size_t first;
    bool look_only;
};

static bool work_block(void *context, size_t index, unsigned number, struct error *error)
{
    struct work *work = context;
    struct validation *validation = work->validation;
    size_t block = work->first + index;
    if (!block_judge(validation, block, &validation->workers[number], work->look_only, error)) {
        chain_stop(&validation->chain, block + 1, validation->block_count);
        return false;
    }
    if (work->look_only) return true;
    pthread_mutex_lock(&validation->lock);
    validation->bytes_done += validation->blocks[block].size;
    if (validation->options.progress != NULL)
        validation->options.progress(validation->options.progress_context, validation->bytes_done,
                                     validation->bytes_total);
    pthread_mutex_unlock(&validation->lock);
    return true;
}

/* Passes over all files to learn which are broken, and gets ready to judge them. */
static bool look_over(struct validation *validation, struct error *error)
{
    struct work work = {.validation = validation, .look_only = true};
    if (!team_run(validation->team, validation->block_count, work_block, &work, error)) return false;
    begin_chain(validation);
    return true;
}

static void take_options(struct validation *validation, const struct validate_options *options)
{
    validation->options = *options;
    struct validate_options *taken = &validation->options;
    taken->block_bytes = taken->block_bytes == 0 ? BLOCK_BYTES_DEFAULT : taken->block_bytes;
    taken->record_ceiling = taken->record_ceiling == 0 ? RECORD_CEILING_DEFAULT : taken->record_ceiling;
    if (taken->record_ceiling > RECORD_CEILING_MOST) taken->record_ceiling = RECORD_CEILING_MOST;
    if (taken->block_bytes > RECORD_CEILING_MOST) taken->block_bytes = RECORD_CEILING_MOST;
}

static bool prepare(struct validation *validation, struct validate_file *files, size_t count, struct error *error)
{
    validation->arena = arena_new(0, error);
    validation->files = memory_zeroed((count + 1) * sizeof *validation->files, error);
    validation->plans = memory_zeroed((count + 1) * sizeof *validation->plans, error);
    validation->workers = memory_zeroed(team_size(validation->team) * sizeof *validation->workers, error);
    if (validation->arena == NULL || validation->files == NULL || validation->plans == NULL ||
        validation->workers == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!open_file(validation, &files[i], error)) return false;
    validation->blocks = memory_zeroed((validation->block_count + 1) * sizeof *validation->blocks, error);
    if (validation->blocks == NULL || !chain_init(&validation->chain, validation->block_count, error)) return false;
    list_blocks(validation);
    begin_chain(validation);
    size_t slice = validation->options.slice_bytes;
    return slice == 0 || validation->bytes_total <= slice || look_over(validation, error);
}

struct validation *validation_new(struct team *team, struct validate_file *files, size_t count,
                                  const struct validate_options *options, struct error *error)
{
    struct validation *validation = memory_zeroed(sizeof *validation, error);
    if (validation == NULL) return NULL;
    pthread_mutex_init(&validation->lock, NULL);
    validation->team = team;
    take_options(validation, options);
    if (!prepare(validation, files, count, error)) {
        validation_free(validation);
        return NULL;
    }
    return validation;
}

/* Blocks of the next slice: at least one. */
static size_t slice_blocks(const struct validation *validation)
{
    size_t slice = validation->options.slice_bytes;
    size_t left = validation->block_count - validation->next_block;
    if (slice == 0) return left;
    uint64_t bytes = 0;
    size_t count = 0;
    while (count < left && (count == 0 || bytes + validation->blocks[validation->next_block + count].size <= slice))
        bytes += validation->blocks[validation->next_block + count++].size;
    return count;
}

/* Reports of broken files count nothing; those of others get the size of what was written. */
static bool finish_file(struct validation *validation, struct file_state *state, struct error *error)
{
    struct file_report *report = &state->file->report;
    if (!csv_source_finish(state->file->source, error)) return false;
    if (report->verdict != FILE_TAKEN) {
        report->read = report->rejected = report->warned = 0;
        memset(report->broken, 0, sizeof report->broken);
        return true;
    }
    uint64_t rows = 0;
    struct chain_output output = {0};
    if (state->block_count > 0)
        chain_total(&validation->chain, state->first_block + state->block_count - 1, &rows, &output);
    report->rejects_size = output_rejects_size(state, output.rejects);
    return true;
}

/* Hands out the batches of blocks `first` … `end` - 1, those of broken files aside. */
static bool collect(struct validation *validation, size_t first, size_t end, struct batch ***batches,
                    size_t *batch_count, struct error *error)
{
    struct batch **list = memory_array(end - first + 1, sizeof *list, error);
    if (list == NULL) return false;
    size_t count = 0;
    for (size_t i = first; i < end; i++) {
        struct block *block = &validation->blocks[i];
        if (validation->files[block->file].broken_block != NO_BLOCK)
            batch_free(block->batch);
        else if (block->batch != NULL)
            list[count++] = block->batch;
        block->batch = NULL;
    }
    if (count == 0) {
        memory_free(list);
        return true;
    }
    *batches = list;
    *batch_count = count;
    return true;
}

bool validation_next(struct validation *validation, struct batch ***batches, size_t *batch_count, bool *done,
                     struct error *error)
{
    *batches = NULL;
    *batch_count = 0;
    size_t first = validation->next_block;
    size_t count = slice_blocks(validation);
    struct work work = {.validation = validation, .first = first};
    if (!team_run(validation->team, count, work_block, &work, error)) return false;
    validation->next_block += count;
    *done = validation->next_block == validation->block_count;
    for (size_t i = 0; *done && i < validation->file_count; i++)
        if (!finish_file(validation, &validation->files[i], error)) return false;
    return collect(validation, first, first + count, batches, batch_count, error);
}

void validation_free(struct validation *validation)
{
    if (validation == NULL) return;
    for (size_t i = 0; validation->blocks != NULL && i < validation->block_count; i++)
        batch_free(validation->blocks[i].batch);
    for (unsigned i = 0; validation->workers != NULL && i < team_size(validation->team); i++)
        worker_release(&validation->workers[i], validation);
    chain_free(&validation->chain);
    memory_free(validation->workers);
    memory_free(validation->blocks);
    memory_free(validation->plans);
    memory_free(validation->files);
    arena_free(validation->arena);
    pthread_mutex_destroy(&validation->lock);
    memory_free(validation);
}
