#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "kpi/step.h"

/* A place with this many files is written anew as one when it gains rows. */
#define MOST_FILES 8

/* References that grow. */
struct references {
    row_reference *items;
    size_t count, capacity;
};

static bool reference_room(struct references *references, size_t more, struct error *error)
{
    if (references->count + more <= references->capacity) return true;
    size_t capacity =
        references->capacity * 2 > references->count + more ? references->capacity * 2 : references->count + more + 64;
    row_reference *items = memory_resize(references->items, capacity, sizeof *items, error);
    if (!items) return false;
    references->items = items;
    references->capacity = capacity;
    return true;
}

static int compare_references(const void *a, const void *b)
{
    row_reference x = *(const row_reference *)a, y = *(const row_reference *)b;
    return (x > y) - (x < y);
}

static void sort_references(struct references *references)
{
    for (size_t i = 1; i < references->count; i++) {
        if (references->items[i - 1] <= references->items[i]) continue;
        qsort(references->items, references->count, sizeof *references->items, compare_references);
        return;
    }
}

/* The tuples of one partition, in order of arrival, as stretches. */
struct runs {
    struct tuple_run *items;
    size_t count, capacity, rows;
};

static bool add_run(struct runs *runs, struct tuple_run run, struct error *error)
{
    if (runs->count == runs->capacity) {
        size_t capacity = runs->capacity ? runs->capacity * 2 : 64;
        struct tuple_run *items = memory_resize(runs->items, capacity, sizeof *items, error);
        if (!items) return false;
        runs->items = items;
        runs->capacity = capacity;
    }
    runs->items[runs->count++] = run;
    runs->rows += run.count;
    return true;
}

/* The stretches of a pile, one for each item that its rows came from. */
static bool list_pile(const struct pile *pile, const struct fact *fact, struct runs *runs, struct error *error)
{
    const uint32_t *items = pile_word(pile, fact->reference_word);
    for (uint32_t from = 0; from < pile->rows;) {
        uint32_t end = from + 1;
        while (end < pile->rows && items[end] == items[from]) end++;
        if (!add_run(runs, (struct tuple_run){pile, from, end - from, items[from], fact->reference_word + 1}, error))
            return false;
        from = end;
    }
    return true;
}

static int compare_runs(const void *a, const void *b)
{
    const struct tuple_run *x = a, *y = b;
    if (x->item != y->item) return x->item < y->item ? -1 : 1;
    const uint32_t *first = pile_word(x->pile, x->row_word), *second = pile_word(y->pile, y->row_word);
    return (first[x->from] > second[y->from]) - (first[x->from] < second[y->from]);
}

static bool joined_runs(const struct joined *joined, const struct fact *fact, uint32_t partition, struct runs *runs,
                        struct error *error)
{
    for (unsigned w = 0; joined->worker && w < joined->workers; w++) {
        if (partition >= joined->worker[w].partitions) continue;
        for (const struct pile *pile = joined->worker[w].piles[partition]; pile; pile = pile->next) {
            if (!list_pile(pile, fact, runs, error)) return false;
        }
    }
    if (runs->count) qsort(runs->items, runs->count, sizeof *runs->items, compare_runs);
    return true;
}

/* All live rows of a list. */
static bool live_references(const struct row_list *list, struct references *references, struct error *error)
{
    references->count = 0;
    for (size_t item = 0; item < list->count; item++) {
        const struct rows *rows = &list->items[item];
        if (!reference_room(references, rows->batch->rows, error)) return false;
        for (size_t row = 0; row < rows->batch->rows; row++) {
            if (!rows_is_dead(rows, row)) references->items[references->count++] = (row_reference)item << 32 | row;
        }
    }
    return true;
}

/* ---- cleaned files ---- */

struct place_job {
    int dataset;
    uint32_t partition;
    int64_t place;
    struct loaded *loaded; /* the place's old rows, when it is written anew */
};

struct writing_back {
    struct step *step;
    struct place_job *jobs;
    size_t count, capacity;
};

static bool add_job(struct writing_back *all, struct place_job job, struct error *error)
{
    if (all->count == all->capacity) {
        size_t capacity = all->capacity ? all->capacity * 2 : 128;
        struct place_job *jobs = memory_resize(all->jobs, capacity, sizeof *jobs, error);
        if (!jobs) return false;
        all->jobs = jobs;
        all->capacity = capacity;
    }
    all->jobs[all->count++] = job;
    return true;
}

/* Decides whether a place that gains rows is written anew, and reads it if so. */
static bool prepare_place(struct writing_back *all, int dataset, uint32_t partition, int64_t place, struct error *error)
{
    struct step *step = all->step;
    struct place_job job = {.dataset = dataset, .partition = partition, .place = place};
    job.loaded = step_loaded(step, dataset, place);
    if (job.loaded && !job.loaded->changed) job.loaded = NULL;
    /* while rebuilding, a place may hold rows that are still to be fed */
    if (!job.loaded && !step->engine->rebuilding &&
        cleaned_files(step->engine->cleaned, dataset, place) >= MOST_FILES) {
        job.loaded = step_load(step, dataset, place, error);
        if (!job.loaded) return false;
        job.loaded->changed = true;
    }
    return add_job(all, job, error);
}

/* The rows of a loaded place that stay in it. */
static bool kept_references(const struct loaded *loaded, struct references *references, struct error *error)
{
    references->count = 0;
    if (!reference_room(references, loaded->rows.batch->rows, error)) return false;
    for (size_t row = 0; row < loaded->rows.batch->rows; row++) {
        if (!bit_is_set(loaded->removed, row)) references->items[references->count++] = row;
    }
    return true;
}

static bool write_place(void *context, size_t index, unsigned worker, struct error *error)
{
    const struct writing_back *all = context;
    const struct place_job *job = &all->jobs[index];
    struct step *step = all->step;
    bool whole = step->spec->datasets[job->dataset].partition_column < 0;
    struct references kept = {0}, live = {0};
    struct runs fresh = {0}, come = {0};
    struct row_list old = {0};
    const struct fact *fact = &step->fact[job->dataset];
    bool good = whole ? live_references(&step->slice[job->dataset], &live, error)
                      : joined_runs(&step->new_rows[job->dataset], fact, job->partition, &fresh, error) &&
                            joined_runs(&step->come[job->dataset], fact, job->partition, &come, error);
    if (good && job->loaded) {
        old = (struct row_list){.items = &job->loaded->rows, .count = 1};
        good = kept_references(job->loaded, &kept, error);
    }
    struct cleaned_rows lists[] = {{.list = &old, .references = kept.items, .count = kept.count},
                                   {.list = &step->arriving[job->dataset],
                                    .count = come.rows,
                                    .fact = fact,
                                    .runs = come.items,
                                    .run_count = come.count},
                                   {.list = &step->slice[job->dataset],
                                    .count = fresh.rows,
                                    .fact = fact,
                                    .runs = fresh.items,
                                    .run_count = fresh.count},
                                   {.list = &step->slice[job->dataset], .references = live.items, .count = live.count}};
    good = good && cleaned_write(step->engine->cleaned, worker, job->dataset, job->place, lists,
                                 sizeof lists / sizeof *lists, error);
    memory_free(kept.items);
    memory_free(live.items);
    memory_free(fresh.items);
    memory_free(come.items);
    return good;
}

static bool prepare_dataset(struct writing_back *all, int dataset, struct error *error)
{
    struct step *step = all->step;
    if (step->spec->datasets[dataset].partition_column < 0) {
        return row_list_live(&step->slice[dataset]) == 0 || prepare_place(all, dataset, 0, PLACE_WHOLE, error);
    }
    for (uint32_t p = 0; p < coding_count(&step->partition); p++) {
        if (!joined_has(&step->new_rows[dataset], p) && !joined_has(&step->come[dataset], p)) continue;
        if (!prepare_place(all, dataset, p, coding_value(&step->partition, p), error)) return false;
    }
    return true;
}

/* Places that only lose rows are written anew too, or end when nothing is left. */
static bool prepare_losses(struct writing_back *all, struct error *error)
{
    struct step *step = all->step;
    size_t gaining = all->count;
    for (size_t i = 0; i < step->loaded_count; i++) {
        struct loaded *loaded = &step->loaded[i];
        bool listed = !loaded->changed;
        for (size_t j = 0; j < gaining && !listed; j++) {
            listed = all->jobs[j].dataset == loaded->dataset && all->jobs[j].place == loaded->place;
        }
        struct place_job job = {
            .dataset = loaded->dataset, .partition = CODE_NULL, .place = loaded->place, .loaded = loaded};
        if (!listed && !add_job(all, job, error)) return false;
    }
    return true;
}

static bool write_places(struct step *step, struct error *error)
{
    struct writing_back all = {.step = step};
    bool good = true;
    for (int d = 0; good && d < step->spec->dataset_count; d++) good = prepare_dataset(&all, d, error);
    good = good && prepare_losses(&all, error);
    for (size_t j = 0; good && j < all.count; j++) {
        struct place_job *job = &all.jobs[j];
        job->loaded = step_loaded(step, job->dataset, job->place); /* the list may have moved as it grew */
        if (job->loaded && !job->loaded->changed) job->loaded = NULL;
        if (job->loaded) good = cleaned_drop(step->engine->cleaned, job->dataset, job->place, error);
    }
    good = good && team_run(step->engine->options.team, all.count, write_place, &all, error);
    memory_free(all.jobs);
    return good;
}

/* ---- pending rows ---- */

static bool orphan_references(struct step *step, int dataset, const struct row_list *list, const struct joined *joined,
                              struct references *references, struct error *error)
{
    const struct kpi_dataset *d = &step->spec->datasets[dataset];
    struct trace_shape shape = state_shape(step->spec, STATE_WAITS, 0);
    references->count = 0;
    for (unsigned w = 0; joined->worker && w < joined->workers; w++) {
        size_t count = joined->worker[w].orphan_count;
        if (!reference_room(references, count, error) || !entry_list_reserve(&step->waits, &shape, count, error))
            return false;
        for (size_t i = 0; i < count; i++) {
            const struct orphan *orphan = &joined->worker[w].orphans[i];
            const struct batch *batch = list->items[orphan->item].batch;
            size_t at = step->waits.entries.count++;
            step->waits.entries.key[0][at] = d->joins[orphan->join].dataset;
            column_unpack(&batch->column[d->joins[orphan->join].field], orphan->row, 1,
                          &step->waits.entries.key[1][at]);
            step->waits.entries.key[2][at] = dataset;
            column_unpack(&batch->column[d->key_field], orphan->row, 1, &step->waits.entries.key[3][at]);
            step->waits.entries.value[0][at] = 1;
            references->items[references->count++] = (row_reference)orphan->item << 32 | orphan->row;
        }
    }
    sort_references(references);
    return true;
}

static bool write_pending(struct step *step, int dataset, struct error *error)
{
    struct references fresh = {0}, come = {0};
    bool good = orphan_references(step, dataset, &step->slice[dataset], &step->new_rows[dataset], &fresh, error) &&
                orphan_references(step, dataset, &step->arriving[dataset], &step->come[dataset], &come, error);
    if (good && fresh.count + come.count > 0) {
        if (step->pending_place == 0) step->pending_place = PLACE_PENDING + step->engine->next_pending++;
        struct cleaned_rows lists[] = {
            {.list = &step->arriving[dataset], .references = come.items, .count = come.count},
            {.list = &step->slice[dataset], .references = fresh.items, .count = fresh.count}};
        good = cleaned_write(step->engine->cleaned, 0, dataset, step->pending_place, lists, 2, error);
    }
    memory_free(fresh.items);
    memory_free(come.items);
    return good;
}

/* ---- key indexes ---- */

struct indexing {
    struct step *step;
    int dataset;
    const struct row_list *list;
    struct entries *entries;
    const size_t *first; /* of each item its first entry */
};

static int64_t row_place(const struct step *step, int dataset, const struct rows *rows, size_t row)
{
    if (step->spec->datasets[dataset].partition_column < 0) return PLACE_WHOLE;
    uint32_t code = rows->partition[row];
    return code == CODE_NULL ? step->pending_place : coding_value(&step->partition, code);
}

/* Which rows of an item belong in the index: the living, and those that this step set aside to wait. */
static bool is_indexed(const struct rows *rows, size_t row, const uint64_t *waiting)
{
    return !rows_is_dead(rows, row) || (waiting && bit_is_set(waiting, row));
}

static bool index_item(struct indexing *indexing, size_t item, const uint64_t *waiting, struct error *error)
{
    struct step *step = indexing->step;
    const struct kpi_dataset *d = &step->spec->datasets[indexing->dataset];
    const struct rows *rows = &indexing->list->items[item];
    int64_t values[ROWS_PORTION];
    for (size_t from = 0; from < rows->batch->rows; from += ROWS_PORTION) {
        size_t count = rows->batch->rows - from < ROWS_PORTION ? rows->batch->rows - from : ROWS_PORTION;
        size_t start = indexing->entries->count, at = start;
        column_unpack(&rows->batch->column[d->key_field], from, count, values);
        for (size_t i = 0; i < count; i++) {
            if (!is_indexed(rows, from + i, waiting)) continue;
            indexing->entries->key[0][at] = values[i];
            indexing->entries->value[0][at++] = row_place(step, indexing->dataset, rows, from + i);
        }
        for (int c = 0; c < d->parent_column_count; c++) {
            if (!rows_evaluate(d, d->parent_columns[c], rows->batch, from, count, values, error)) return false;
            at = start;
            for (size_t i = 0; i < count; i++) {
                if (is_indexed(rows, from + i, waiting)) indexing->entries->value[c + 1][at++] = values[i];
            }
        }
        indexing->entries->count = at;
    }
    return true;
}

/* The rows of an item that wait, as bits. NULL without an error when none does. */
static uint64_t *waiting_rows(const struct rows *rows, const struct joined *joined, size_t item, struct error *error)
{
    uint64_t *bits = NULL;
    for (unsigned w = 0; joined->worker && w < joined->workers; w++) {
        for (size_t i = 0; i < joined->worker[w].orphan_count; i++) {
            const struct orphan *orphan = &joined->worker[w].orphans[i];
            if (orphan->item != item) continue;
            if (!bits) bits = memory_zeroed((rows->batch->rows / 64 + 1) * sizeof *bits, error);
            if (!bits) return NULL;
            bit_set(bits, orphan->row);
        }
    }
    return bits;
}

static bool has_orphans(const struct joined *joined)
{
    for (unsigned w = 0; joined->worker && w < joined->workers; w++) {
        if (joined->worker[w].orphan_count > 0) return true;
    }
    return false;
}

static bool index_list(struct step *step, int dataset, const struct row_list *list, const struct joined *joined,
                       struct entry_list *entries, struct error *error)
{
    struct trace_shape shape = state_shape(step->spec, STATE_KEYS, dataset);
    struct indexing indexing = {.step = step, .dataset = dataset, .list = list, .entries = &entries->entries};
    bool any_waiting = has_orphans(joined);
    for (size_t item = 0; item < list->count; item++) {
        const struct rows *rows = &list->items[item];
        if (!entry_list_reserve(entries, &shape, rows->batch->rows, error)) return false;
        error->code = ERROR_NONE;
        uint64_t *waiting = any_waiting ? waiting_rows(rows, joined, item, error) : NULL;
        bool good = error->code == ERROR_NONE && index_item(&indexing, item, waiting, error);
        memory_free(waiting);
        if (!good) return false;
    }
    return true;
}

static bool index_dataset(void *context, size_t dataset, unsigned worker, struct error *error)
{
    struct step *step = context;
    const struct engine_options *options = &step->engine->options;
    int d = (int)dataset;
    struct trace_shape shape = state_shape(step->spec, STATE_KEYS, d);
    struct entry_list list = {0};
    bool good =
        index_list(step, d, &step->slice[d], &step->new_rows[d], &list, error) &&
        index_list(step, d, &step->arriving[d], &step->come[d], &list, error) &&
        entries_sort(&list.entries, &shape, error) &&
        state_append(step->engine->state, options->change, options->run, worker, STATE_KEYS, d, &list.entries, error);
    entries_free(&list.entries);
    return good;
}

bool step_write_back(struct step *step, struct error *error)
{
    const struct engine_options *options = &step->engine->options;
    struct trace_shape shape = state_shape(step->spec, STATE_WAITS, 0);
    if (!write_places(step, error)) return false;
    for (int d = 0; d < step->spec->dataset_count; d++) {
        if (step->spec->datasets[d].partition_column >= 0 && !write_pending(step, d, error)) return false;
    }
    return team_run(options->team, (size_t)step->spec->dataset_count, index_dataset, step, error) &&
           entries_sort(&step->waits.entries, &shape, error) &&
           state_append(step->engine->state, options->change, options->run, 0, STATE_WAITS, 0, &step->waits.entries,
                        error);
}
