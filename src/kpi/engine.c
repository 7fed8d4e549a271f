#include "kpi/engine.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "kpi/dedupe.h"
#include "kpi/step.h"

/* Cleaned rows that are read back at once: some hundred megabytes. */
#define STEP_ROWS 4000000

/* ---- the engine ---- */

/* Pending files are numbered on from the largest there is. */
static bool number_pending(struct engine *engine, struct error *error)
{
    for (int d = 0; d < engine->options.spec->dataset_count; d++) {
        int64_t *places;
        size_t count;
        if (!cleaned_places(engine->cleaned, d, &places, &count, error)) return false;
        for (size_t i = 0; i < count; i++) {
            int64_t number = places[i] - PLACE_PENDING + 1;
            engine->next_pending = number > engine->next_pending ? number : engine->next_pending;
        }
        memory_free(places);
    }
    return true;
}

/* Feeds the rows of one dataset, some places at a time. */
static bool rebuild_dataset(struct engine *engine, int dataset, const int64_t *places, size_t count,
                            struct error *error)
{
    struct row_list lists[KPI_MAX_DATASETS] = {{0}};
    size_t rows = 0;
    bool good = true;
    for (size_t i = 0; good && i < count; i++) {
        struct rows read;
        good = cleaned_take(engine->cleaned, dataset, places[i], &read, error);
        if (!good) break;
        rows += read.batch->rows;
        good = row_list_add(&lists[dataset], read, error);
        if (good && rows >= engine->options.step_rows) {
            good = engine_step(engine, lists, error);
            rows = 0;
        }
    }
    good = good && engine_step(engine, lists, error);
    row_list_free(&lists[dataset]);
    return good;
}

/* Feeds all cleaned and pending rows through the engine again, parents first, and so writes them anew: what the state
 * of an edited spec is made from. */
static bool rebuild(struct engine *engine, struct error *error)
{
    bool good = true;
    struct engine_counts saved[KPI_MAX_DATASETS];
    memcpy(saved, engine->counts, sizeof saved);
    engine->rebuilding = engine->rebuilt = true;
    for (int d = 0; good && d < engine->options.spec->dataset_count; d++) {
        int64_t *places;
        size_t count;
        good = cleaned_places(engine->cleaned, d, &places, &count, error);
        if (!good) break;
        good = rebuild_dataset(engine, d, places, count, error);
        memory_free(places);
    }
    memcpy(engine->counts, saved, sizeof saved);
    engine->rebuilding = false;
    return good;
}

struct engine *engine_new(const struct engine_options *options, struct error *error)
{
    bool stale = false;
    struct engine *engine = memory_zeroed(sizeof *engine, error);
    if (!engine) return NULL;
    engine->options = *options;
    if (engine->options.step_rows == 0) engine->options.step_rows = STEP_ROWS;
    engine->state = state_open(options->spec, options->folder, &stale, error);
    bool good = engine->state != NULL;
    if (good && options->folder) {
        engine->cleaned = cleaned_open(options->spec, options->folder, options->change, options->run, options->terms,
                                       team_size(options->team), error);
        good = engine->cleaned && number_pending(engine, error);
        if (good && stale) good = rebuild(engine, error);
    }
    if (good) return engine;
    engine_free(engine);
    return NULL;
}

void engine_free(struct engine *engine)
{
    if (!engine) return;
    state_close(engine->state);
    cleaned_close(engine->cleaned);
    memory_free(engine->days.items);
    memory_free(engine->open_days.items);
    memory_free(engine);
}

const struct engine_counts *engine_counts(const struct engine *engine, int dataset)
{
    return &engine->counts[dataset];
}

const struct state *engine_state(const struct engine *engine)
{
    return engine->state;
}

bool engine_rebuilt(const struct engine *engine)
{
    return engine->rebuilt;
}

uint64_t engine_days(const struct engine *engine)
{
    return engine->days.count;
}

/* ---- a step ---- */

static bool dedupe_dataset(void *context, size_t dataset, unsigned worker, struct error *error)
{
    (void)worker;
    struct step *step = context;
    struct dedupe_result result;
    if (!dedupe_rows(&step->spec->datasets[dataset], &step->slice[dataset], &result, error)) return false;
    step->engine->counts[dataset].duplicate += result.duplicates;
    step->engine->counts[dataset].differing += result.differing;
    return true;
}

static bool run_step(struct step *step, struct error *error)
{
    struct engine *engine = step->engine;
    bool kept = engine->options.folder != NULL;
    if (!team_run(engine->options.team, (size_t)step->spec->dataset_count, dedupe_dataset, step, error)) return false;
    if (kept && !step_meet_history(step, error)) return false;
    for (int d = 0; d < step->spec->dataset_count; d++) engine->counts[d].valid += row_list_live(&step->slice[d]);
    if (!step_join(step, error)) return false;
    return step_settle(step, error) && (!kept || step_write_back(step, error));
}

void step_free(struct step *step)
{
    for (int d = 0; d < step->spec->dataset_count; d++) {
        row_list_free(&step->slice[d]);
        row_list_free(&step->arriving[d]);
        row_list_free(&step->leaving[d]);
        view_close(&step->fresh[d]);
        view_close(&step->old[d]);
        joined_free(&step->new_rows[d]);
        joined_free(&step->come[d]);
        joined_free(&step->gone[d]);
        fact_close(&step->fact[d]);
        const struct kpi_dataset *dataset = &step->spec->datasets[d];
        for (int c = 0; step->codings[d] && c < dataset->parent_column_count; c++) {
            if (dataset->parent_columns[c] != dataset->partition_column) coding_free(&step->codings[d][c]);
        }
        memory_free(step->codings[d]);
    }
    coding_free(&step->partition);
    memory_free(step->whole);
    for (size_t i = 0; i < step->loaded_count; i++) {
        struct loaded *loaded = &step->loaded[i];
        batch_free(loaded->rows.batch);
        memory_free(loaded->rows.sources);
        memory_free(loaded->rows.source_lines);
        memory_free(loaded->keys);
        memory_free(loaded->removed);
        memory_free(loaded->leaving);
        memory_free(loaded->arriving);
    }
    memory_free(step->loaded);
    entries_free(&step->waits.entries);
    unsigned workers = team_size(step->engine->options.team);
    for (unsigned w = 0; step->gains && w < workers; w++) gains_free(&step->gains[w], step->spec);
    memory_free(step->gains);
    memory_free(step);
}

bool engine_step(struct engine *engine, struct row_list *lists, struct error *error)
{
    struct step *step = memory_zeroed(sizeof *step, error);
    if (!step) {
        for (int d = 0; d < engine->options.spec->dataset_count; d++) row_list_free(&lists[d]);
        return false;
    }
    step->engine = engine;
    step->spec = engine->options.spec;
    for (int d = 0; d < step->spec->dataset_count; d++) {
        step->slice[d] = lists[d];
        lists[d] = (struct row_list){0};
    }
    bool good = run_step(step, error);
    step_free(step);
    return good;
}

bool engine_finish(struct engine *engine, struct error *error)
{
    const struct engine_options *options = &engine->options;
    if (!options->folder) return true;
    return engine_close_days(engine, error) && cleaned_finish(engine->cleaned, error) &&
           state_save_terms(options->folder, options->terms, options->change, options->run, error) &&
           state_commit(engine->state, options->change, options->run, error);
}
