#include <string.h>

#include "base/memory.h"
#include "kpi/key_mix.h"
#include "kpi/step.h"

/* Keys that were wanted lately, so that most that come again are told. */
#define RECENT_KEYS 16384

/* Keys of a join field in the live rows of a list that `view` does not know, each at least once. */
struct wanting {
    const struct view *view;
    const struct row_list *rows;
    int field;
    struct entry_list *wanted; /* by worker */
    int64_t **recent;          /* by worker; made when it first works */
};

static const struct trace_shape key_shape = {.keys = 1, .values = 1, .merge = TRACE_ADD};

static int64_t *recent_keys(struct wanting *wanting, unsigned worker, struct error *error)
{
    if (wanting->recent[worker]) return wanting->recent[worker];
    int64_t *recent = wanting->recent[worker] = memory_array(RECENT_KEYS, sizeof *recent, error);
    for (size_t i = 0; recent && i < RECENT_KEYS; i++) recent[i] = TERM_NULL;
    return recent;
}

static bool want_item(void *context, size_t item, unsigned worker, struct error *error)
{
    struct wanting *wanting = context;
    const struct rows *rows = &wanting->rows->items[item];
    struct entry_list *wanted = &wanting->wanted[worker];
    int64_t keys[ROWS_PORTION];
    uint32_t slots[ROWS_PORTION];
    int64_t *recent = recent_keys(wanting, worker, error);
    if (!recent) return false;
    for (size_t from = 0; from < rows->batch->rows; from += ROWS_PORTION) {
        size_t count = rows->batch->rows - from < ROWS_PORTION ? rows->batch->rows - from : ROWS_PORTION;
        column_unpack(&rows->batch->column[wanting->field], from, count, keys);
        view_find(wanting->view, keys, count, slots);
        if (!entry_list_reserve(wanted, &key_shape, count, error)) return false;
        for (size_t i = 0; i < count; i++) {
            int64_t *before = &recent[key_mix(keys[i]) % RECENT_KEYS];
            if (slots[i] != SLOT_NONE || keys[i] == *before || rows_is_dead(rows, from + i)) continue;
            *before = keys[i];
            wanted->entries.key[0][wanted->entries.count] = keys[i];
            wanted->entries.value[0][wanted->entries.count++] = 1;
        }
    }
    return true;
}

/* Adds what a list wants of a parent to `all`. */
static bool want(struct step *step, const struct view *view, const struct row_list *rows, int field,
                 struct entry_list *all, struct error *error)
{
    unsigned workers = team_size(step->engine->options.team);
    struct entry_list *wanted = memory_zeroed(workers * sizeof *wanted, error);
    int64_t **recent = memory_zeroed(workers * sizeof *recent, error);
    struct wanting wanting = {.view = view, .rows = rows, .field = field, .wanted = wanted, .recent = recent};
    bool good = wanted && recent && team_run(step->engine->options.team, rows->count, want_item, &wanting, error);
    for (unsigned w = 0; w < workers && wanted && recent; w++) {
        struct entries *entries = &wanted[w].entries;
        memory_free(recent[w]);
        good = good && entry_list_reserve(all, &key_shape, entries->count, error);
        for (size_t i = 0; good && i < entries->count; i++) {
            all->entries.key[0][all->entries.count] = entries->key[0][i];
            all->entries.value[0][all->entries.count++] = 1;
        }
        entries_free(entries);
    }
    memory_free(wanted);
    memory_free(recent);
    return good;
}

/* Gives a view slots for the keys that children want and the state knows. */
static bool extend_view(struct step *step, int parent, struct view *view, struct row_list *const *lists,
                        size_t list_count, struct error *error)
{
    const struct trace *trace = state_trace(step->engine->state, STATE_KEYS, parent);
    if (trace_entries(trace) == 0) return true;
    struct entry_list all = {0};
    bool good = true;
    for (int child = 0; good && child < step->spec->dataset_count; child++) {
        const struct kpi_dataset *d = &step->spec->datasets[child];
        for (int j = 0; good && j < d->join_count; j++) {
            if (d->joins[j].dataset != parent) continue;
            for (size_t l = 0; good && l < list_count; l++) {
                good = want(step, view, &lists[l][child], d->joins[j].field, &all, error);
            }
        }
    }
    good = good && entries_sort(&all.entries, &key_shape, error) &&
           view_extend(view, trace, all.entries.key[0], all.entries.count, error);
    entries_free(&all.entries);
    return good;
}

static bool choose_codings(struct step *step, int parent, struct error *error)
{
    const struct kpi_dataset *d = &step->spec->datasets[parent];
    struct coding *codings = memory_zeroed(((size_t)d->parent_column_count + 1) * sizeof *codings, error);
    step->codings[parent] = codings;
    if (!codings) return false;
    for (int c = 0; c < d->parent_column_count; c++) {
        int64_t low = INT64_MAX, high = INT64_MIN;
        if (d->parent_columns[c] == d->partition_column) {
            codings[c] = step->partition; /* so that children find their partition by the parent's code */
            continue;
        }
        bool known = row_list_bounds(&step->slice[parent], d, d->parent_columns[c], &low, &high);
        known |= view_bounds(&step->fresh[parent], c, &low, &high);
        known |= view_bounds(&step->old[parent], c, &low, &high);
        if (!coding_choose(&codings[c], known, low, high, true, error)) return false;
    }
    return true;
}

static bool open_views(struct step *step, int parent, struct error *error)
{
    struct row_list *now[] = {step->slice, step->arriving}, *before[] = {step->leaving};
    const struct kpi_dataset *d = &step->spec->datasets[parent];
    struct team *team = step->engine->options.team;
    return view_open(&step->fresh[parent], d, &step->slice[parent], error) &&
           extend_view(step, parent, &step->fresh[parent], now, 2, error) &&
           view_open(&step->old[parent], d, NULL, error) &&
           extend_view(step, parent, &step->old[parent], before, 1, error) && choose_codings(step, parent, error) &&
           view_fill(&step->fresh[parent], team, step->codings[parent], error) &&
           view_fill(&step->old[parent], team, step->codings[parent], error);
}

/* Rows that found no parent wait; they take no further part in the step. */
static bool set_aside(struct step *step, int dataset, struct row_list *rows, const struct joined *joined, bool is_new,
                      struct error *error)
{
    for (unsigned w = 0; joined->worker && w < joined->workers; w++) {
        for (size_t i = 0; i < joined->worker[w].orphan_count; i++) {
            const struct orphan *orphan = &joined->worker[w].orphans[i];
            if (!rows_kill(&rows->items[orphan->item], orphan->row, error)) return false;
        }
        if (!is_new) continue;
        step->engine->counts[dataset].valid -=
            joined->worker[w].orphan_count; /* counted before its parents were sought */
        step->engine->counts[dataset].pending += joined->worker[w].orphan_count;
    }
    return true;
}

/* Counts rows that waited and wait no more. */
static void count_resolved(struct step *step, int dataset)
{
    struct engine_counts *counts = &step->engine->counts[dataset];
    for (size_t i = 0; i < step->loaded_count; i++) {
        const struct loaded *loaded = &step->loaded[i];
        if (loaded->dataset != dataset || loaded->place < PLACE_PENDING) continue;
        for (size_t item = 0; item < step->arriving[dataset].count; item++) {
            const struct rows *rows = &step->arriving[dataset].items[item];
            if (rows->batch != loaded->rows.batch) continue;
            for (size_t row = 0; row < rows->batch->rows; row++) {
                if (rows_is_dead(rows, row)) continue;
                bool mine = rows_source(rows, row) >= step->engine->options.first_source;
                counts->pending -= mine;
                counts->valid += mine;
                counts->pending_resolved += !mine;
            }
        }
    }
}

static bool has_orphans(const struct joined *joined)
{
    for (unsigned w = 0; w < joined->workers; w++) {
        if (joined->worker[w].orphan_count > 0) return true;
    }
    return false;
}

/* Whether rows go on to cleaned files. */
static bool is_kept(const struct step *step)
{
    return step->engine->options.folder && !step->days_only;
}

static bool join_dataset(struct step *step, int dataset, struct error *error)
{
    struct engine *engine = step->engine;
    const struct row_list *lists[] = {&step->slice[dataset], &step->arriving[dataset], &step->leaving[dataset]};
    bool kept = is_kept(step);
    if (!fact_open(&step->fact[dataset], step->spec, dataset, lists, 3, step->codings, kept, error)) return false;
    struct join_input input = {.fact = &step->fact[dataset],
                               .rows = lists[0],
                               .views = step->fresh,
                               .partition = &step->partition,
                               .keep_partitions = kept};
    if (!join_rows(&step->new_rows[dataset], engine->options.team, &input, error)) return false;
    input.rows = lists[1];
    if (!join_rows(&step->come[dataset], engine->options.team, &input, error)) return false;
    input.rows = lists[2];
    input.views = step->old;
    if (!join_rows(&step->gone[dataset], engine->options.team, &input, error)) return false;
    if (has_orphans(&step->gone[dataset]) || (step->days_only && has_orphans(&step->new_rows[dataset]))) {
        return error_set(error, ERROR_CORRUPT, "a row of %s has lost its parent in the state",
                         step->spec->datasets[dataset].name);
    }
    if (!set_aside(step, dataset, &step->slice[dataset], &step->new_rows[dataset], true, error) ||
        !set_aside(step, dataset, &step->arriving[dataset], &step->come[dataset], false, error)) {
        return false;
    }
    count_resolved(step, dataset);
    return true;
}

static bool group_dataset(struct step *step, int dataset, struct error *error)
{
    struct engine *engine = step->engine;
    struct group_input input = {.spec = step->spec,
                                .fact = &step->fact[dataset],
                                .joined = &step->new_rows[dataset],
                                .terms = engine->options.terms,
                                .partition = &step->partition,
                                .weight = 1,
                                .across = !step->days_only,
                                .whole = step->whole};
    if (!group_rows(&input, engine->options.team, step->gains, error)) return false;
    input.whole = NULL;
    input.joined = &step->come[dataset];
    if (!group_rows(&input, engine->options.team, step->gains, error)) return false;
    input.joined = &step->gone[dataset];
    input.weight = -1;
    return group_rows(&input, engine->options.team, step->gains, error);
}

/* One dataset after the other; what is not needed again is freed at once. */
static bool join_in_turn(struct step *step, struct error *error)
{
    for (int d = 0; d < step->spec->dataset_count; d++) {
        if (step->spec->datasets[d].partition_column < 0) continue;
        if (!join_dataset(step, d, error) || !step_note_days(step, error)) return false;
        row_list_free(&step->slice[d]);
        if (!group_dataset(step, d, error)) return false;
        joined_free(&step->new_rows[d]);
    }
    return true;
}

/* Which partitions are whole is known once all datasets are joined. */
static bool join_all(struct step *step, struct error *error)
{
    for (int d = 0; d < step->spec->dataset_count; d++) {
        if (step->spec->datasets[d].partition_column >= 0 && !join_dataset(step, d, error)) return false;
    }
    if (!step_note_days(step, error)) return false;
    for (int d = 0; d < step->spec->dataset_count; d++) {
        if (step->spec->datasets[d].partition_column >= 0 && !group_dataset(step, d, error)) return false;
    }
    return true;
}

bool step_join(struct step *step, struct error *error)
{
    unsigned workers = team_size(step->engine->options.team);
    step->gains = memory_zeroed(workers * sizeof *step->gains, error);
    if (!step->gains) return false;
    for (unsigned w = 0; w < workers; w++) {
        if (!gains_new(&step->gains[w], step->spec, error)) return false;
    }
    if (!coding_choose(&step->partition, true, INT64_MIN + 1, INT64_MAX, true, error)) return false;
    for (int d = 0; d < step->spec->dataset_count; d++) {
        if (step->spec->datasets[d].has_children && !open_views(step, d, error)) return false;
    }
    return is_kept(step) ? join_all(step, error) : join_in_turn(step, error);
}
