#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "kpi/dedupe.h"
#include "kpi/step.h"

/* A new row whose key is in the state. */
struct hit {
    uint32_t item, row;
    int64_t key, place;
};

struct hits {
    struct hit *items;
    size_t count, capacity;
};

struct key_row {
    int64_t key;
    uint32_t row;
};

/* A parent that children see differently now. */
struct changed_parent {
    int64_t key, old_place;
};

struct changed_parents {
    struct changed_parent *items;
    size_t count, capacity;
};

/* ---- places read back ---- */

struct loaded *step_loaded(struct step *step, int dataset, int64_t place)
{
    for (size_t i = 0; i < step->loaded_count; i++) {
        if (step->loaded[i].dataset == dataset && step->loaded[i].place == place) return &step->loaded[i];
    }
    return NULL;
}

struct loaded *step_load(struct step *step, int dataset, int64_t place, struct error *error)
{
    struct loaded *there = step_loaded(step, dataset, place);
    if (there) return there;
    if (step->loaded_count == step->loaded_capacity) {
        size_t capacity = step->loaded_capacity ? step->loaded_capacity * 2 : 32;
        struct loaded *grown = memory_resize(step->loaded, capacity, sizeof *grown, error);
        if (!grown) return NULL;
        step->loaded = grown;
        step->loaded_capacity = capacity;
    }
    struct loaded *loaded = &step->loaded[step->loaded_count];
    *loaded = (struct loaded){.dataset = dataset, .place = place};
    if (!cleaned_read(step->engine->cleaned, dataset, place, &loaded->rows, error)) return NULL;
    step->loaded_count++;
    size_t words = loaded->rows.batch->rows / 64 + 1;
    loaded->removed = memory_zeroed(words * sizeof(uint64_t), error);
    loaded->leaving = memory_zeroed(words * sizeof(uint64_t), error);
    loaded->arriving = memory_zeroed(words * sizeof(uint64_t), error);
    return loaded->removed && loaded->leaving && loaded->arriving ? loaded : NULL;
}

static int compare_key_rows(const void *a, const void *b)
{
    const struct key_row *x = a, *y = b;
    return (x->key > y->key) - (x->key < y->key);
}

static bool index_loaded(const struct step *step, struct loaded *loaded, struct error *error)
{
    if (loaded->keys) return true;
    const struct batch *batch = loaded->rows.batch;
    loaded->keys = memory_array(batch->rows + 1u, sizeof *loaded->keys, error);
    if (!loaded->keys) return false;
    int64_t keys[ROWS_PORTION];
    for (size_t from = 0; from < batch->rows; from += ROWS_PORTION) {
        size_t count = batch->rows - from < ROWS_PORTION ? batch->rows - from : ROWS_PORTION;
        column_unpack(&batch->column[step->spec->datasets[loaded->dataset].key_field], from, count, keys);
        for (size_t i = 0; i < count; i++) loaded->keys[from + i] = (struct key_row){keys[i], (uint32_t)(from + i)};
    }
    qsort(loaded->keys, batch->rows, sizeof *loaded->keys, compare_key_rows);
    return true;
}

/* The row of a key in a place; the state says that it is there. */
static bool find_row(const struct step *step, struct loaded *loaded, int64_t key, uint32_t *row, struct error *error)
{
    if (!index_loaded(step, loaded, error)) return false;
    struct key_row wanted = {.key = key};
    struct key_row *found = bsearch(&wanted, loaded->keys, loaded->rows.batch->rows, sizeof wanted, compare_key_rows);
    if (found) {
        *row = found->row;
        return true;
    }
    return error_set(error, ERROR_CORRUPT, "the index of %s names a row that its cleaned file does not hold",
                     step->spec->datasets[loaded->dataset].name);
}

/* ---- keys that are known ---- */

struct probing {
    struct step *step;
    int dataset;
    struct hits *hits; /* by worker */
};

static bool add_hit(struct hits *hits, struct hit hit, struct error *error)
{
    if (hits->count == hits->capacity) {
        size_t capacity = hits->capacity ? hits->capacity * 2 : 64;
        struct hit *items = memory_resize(hits->items, capacity, sizeof *items, error);
        if (!items) return false;
        hits->items = items;
        hits->capacity = capacity;
    }
    hits->items[hits->count++] = hit;
    return true;
}

static bool probe_item(void *context, size_t item, unsigned worker, struct error *error)
{
    struct probing *probing = context;
    const struct kpi_dataset *dataset = &probing->step->spec->datasets[probing->dataset];
    const struct rows *rows = &probing->step->slice[probing->dataset].items[item];
    const struct trace *trace = state_trace(probing->step->engine->state, STATE_KEYS, probing->dataset);
    int columns = 1 + dataset->parent_column_count;
    int64_t *room = memory_array((size_t)(columns + 1) * ROWS_PORTION, sizeof *room, error);
    if (!room) return false;
    int64_t *keys = room, *values[TRACE_MAX_VALUES];
    for (int v = 0; v < columns; v++) values[v] = room + (size_t)(v + 1) * ROWS_PORTION;
    bool found[ROWS_PORTION], good = true;
    for (size_t from = 0; good && from < rows->batch->rows; from += ROWS_PORTION) {
        size_t count = rows->batch->rows - from < ROWS_PORTION ? rows->batch->rows - from : ROWS_PORTION;
        column_unpack(&rows->batch->column[dataset->key_field], from, count, keys);
        good = trace_probe(trace, (int64_t *const[]){keys}, count, found, values, error);
        for (size_t i = 0; good && i < count; i++) {
            if (!found[i] || rows_is_dead(rows, from + i)) continue;
            struct hit hit = {(uint32_t)item, (uint32_t)(from + i), keys[i], values[0][i]};
            good = add_hit(&probing->hits[worker], hit, error);
        }
    }
    memory_free(room);
    return good;
}

static int compare_hits(const void *a, const void *b)
{
    const struct hit *x = a, *y = b;
    if (x->place != y->place) return x->place < y->place ? -1 : 1;
    if (x->item != y->item) return x->item < y->item ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

/* All new rows of a dataset whose key is known, by place. */
static bool find_hits(struct step *step, int dataset, struct hits *all, struct error *error)
{
    unsigned workers = team_size(step->engine->options.team);
    struct hits *hits = memory_zeroed(workers * sizeof *hits, error);
    if (!hits) return false;
    struct probing probing = {.step = step, .dataset = dataset, .hits = hits};
    bool good = team_run(step->engine->options.team, step->slice[dataset].count, probe_item, &probing, error);
    for (unsigned w = 0; w < workers; w++) {
        for (size_t i = 0; good && i < hits[w].count; i++) good = add_hit(all, hits[w].items[i], error);
        memory_free(hits[w].items);
    }
    memory_free(hits);
    if (good && all->count) qsort(all->items, all->count, sizeof *all->items, compare_hits);
    return good;
}

/* ---- waiting rows ---- */

/* Adds a change to the trace of waits. */
static bool add_wait(struct step *step, int parent, int64_t parent_key, int child, int64_t child_key, int64_t weight,
                     struct error *error)
{
    struct trace_shape shape = state_shape(step->spec, STATE_WAITS, 0);
    if (!entry_list_reserve(&step->waits, &shape, step->waits.entries.count < 64 ? 64 : 1, error)) return false;
    size_t at = step->waits.entries.count++;
    step->waits.entries.key[0][at] = parent;
    step->waits.entries.key[1][at] = parent_key;
    step->waits.entries.key[2][at] = child;
    step->waits.entries.key[3][at] = child_key;
    step->waits.entries.value[0][at] = weight;
    return true;
}

/* Takes back the wait of a pending row: it was entered under the first parent that the state does not know. */
static bool end_wait(struct step *step, int dataset, const struct loaded *loaded, uint32_t row, int64_t key,
                     struct error *error)
{
    const struct kpi_dataset *d = &step->spec->datasets[dataset];
    for (int j = 0; j < d->join_count; j++) {
        int64_t parent_key, room[TRACE_MAX_VALUES];
        int64_t *values[TRACE_MAX_VALUES];
        for (int v = 0; v < TRACE_MAX_VALUES; v++) values[v] = &room[v];
        bool found;
        column_unpack(&loaded->rows.batch->column[d->joins[j].field], row, 1, &parent_key);
        const struct trace *trace = state_trace(step->engine->state, STATE_KEYS, d->joins[j].dataset);
        if (!trace_probe(trace, (int64_t *const[]){&parent_key}, 1, &found, values, error)) return false;
        if (!found) return add_wait(step, d->joins[j].dataset, parent_key, dataset, key, -1, error);
    }
    return error_set(error, ERROR_CORRUPT, "a pending row of %s has all its parents", d->name);
}

struct waking {
    struct step *step;
    int parent;
    const struct view *view; /* of the parent's new rows */
};

/* A wait whose parent may have come: the row leaves its pending file and comes to be joined. */
static bool wake(struct waking *waking, int64_t parent_key, int64_t child, int64_t child_key, struct error *error)
{
    struct step *step = waking->step;
    uint32_t slot, row;
    view_find(waking->view, &parent_key, 1, &slot);
    if (slot == SLOT_NONE) return true;
    bool found;
    int64_t room[TRACE_MAX_VALUES], *values[TRACE_MAX_VALUES];
    for (int v = 0; v < TRACE_MAX_VALUES; v++) values[v] = &room[v];
    const struct trace *trace = state_trace(step->engine->state, STATE_KEYS, (int)child);
    if (!trace_probe(trace, (int64_t *const[]){&child_key}, 1, &found, values, error)) return false;
    if (!found || room[0] < PLACE_PENDING) {
        return error_set(error, ERROR_CORRUPT, "a row of %s waits but is not pending",
                         step->spec->datasets[child].name);
    }
    struct loaded *loaded = step_load(step, (int)child, room[0], error);
    if (!loaded || !find_row(step, loaded, child_key, &row, error)) return false;
    if (bit_is_set(loaded->removed, row)) return true; /* a newer version of it came too */
    bit_set(loaded->removed, row);
    bit_set(loaded->arriving, row);
    loaded->changed = true;
    return add_wait(step, waking->parent, parent_key, (int)child, child_key, -1, error);
}

static bool wake_portion(void *context, const struct entries *portion, struct error *error)
{
    for (size_t i = 0; i < portion->count; i++) {
        if (!wake(context, portion->key[1][i], portion->key[2][i], portion->key[3][i], error)) return false;
    }
    return true;
}

/* Looks for rows that wait for the new rows of a parent: through all waits when these are few, else by key. */
static bool wake_for(struct step *step, int parent, struct error *error)
{
    const struct trace *waits = state_trace(step->engine->state, STATE_WAITS, 0);
    struct row_list *rows = &step->slice[parent];
    if (trace_entries(waits) == 0 || rows->count == 0) return true;
    struct view view;
    bool good = view_open(&view, &step->spec->datasets[parent], rows, error);
    struct waking waking = {.step = step, .parent = parent, .view = &view};
    int64_t prefix[2] = {parent, 0};
    if (good && trace_entries(waits) <= row_list_live(rows) * 4 + 10000) {
        good = trace_scan(waits, prefix, 1, NULL, NULL, wake_portion, &waking, error);
    } else {
        for (size_t item = 0; good && item < rows->count; item++) {
            const struct rows *r = &rows->items[item];
            for (size_t i = 0; good && i < r->batch->rows; i++) {
                if (rows_is_dead(r, i)) continue;
                column_unpack(&r->batch->column[step->spec->datasets[parent].key_field], i, 1, &prefix[1]);
                good = trace_scan(waits, prefix, 2, NULL, NULL, wake_portion, &waking, error);
            }
        }
    }
    view_close(&view);
    return good;
}

/* ---- replacing ---- */

/* Counts a row of the state that gives way to a newer one. */
static void count_replaced(struct step *step, int dataset, const struct loaded *loaded, uint32_t row)
{
    struct engine_counts *counts = &step->engine->counts[dataset];
    bool mine = rows_source(&loaded->rows, row) >= step->engine->options.first_source;
    bool pending = loaded->place >= PLACE_PENDING;
    if (!mine) {
        counts->valid_replaced += !pending;
        counts->pending_replaced += pending;
        return;
    }
    counts->valid -= !pending;
    counts->pending -= pending;
    counts->duplicate++;
}

/* Whether children see the two rows of a parent differently. */
static bool seen_differently(const struct kpi_dataset *dataset, const struct batch *a, size_t row_a,
                             const struct batch *b, size_t row_b, bool *differ, struct error *error)
{
    *differ = false;
    for (int c = 0; c < dataset->parent_column_count; c++) {
        int64_t x, y;
        if (!rows_evaluate(dataset, dataset->parent_columns[c], a, row_a, 1, &x, error) ||
            !rows_evaluate(dataset, dataset->parent_columns[c], b, row_b, 1, &y, error)) {
            return false;
        }
        *differ |= x != y;
    }
    return true;
}

static bool add_changed(struct changed_parents *changed, struct changed_parent parent, struct error *error)
{
    if (changed->count == changed->capacity) {
        size_t capacity = changed->capacity ? changed->capacity * 2 : 64;
        struct changed_parent *items = memory_resize(changed->items, capacity, sizeof *items, error);
        if (!items) return false;
        changed->items = items;
        changed->capacity = capacity;
    }
    changed->items[changed->count++] = parent;
    return true;
}

/* Settles one new row against the row of the state that has its key. */
static bool settle_hit(struct step *step, int dataset, const struct hit *hit, struct changed_parents *changed,
                       struct error *error)
{
    const struct kpi_dataset *d = &step->spec->datasets[dataset];
    struct engine_counts *counts = &step->engine->counts[dataset];
    struct rows *fresh = &step->slice[dataset].items[hit->item];
    struct loaded *loaded = step_load(step, dataset, hit->place, error);
    uint32_t row;
    if (!loaded || !find_row(step, loaded, hit->key, &row, error)) return false;
    const struct batch *old = loaded->rows.batch;
    bool same = rows_equal(fresh->batch, hit->row, old, row);
    if (same || row_version(d, fresh->batch, hit->row) < row_version(d, old, row)) {
        counts->duplicate++;
        counts->differing += !same;
        return rows_kill(fresh, hit->row, error);
    }
    counts->differing++;
    count_replaced(step, dataset, loaded, row);
    bit_set(loaded->removed, row);
    loaded->arriving[row >> 6] &= ~(UINT64_C(1) << (row & 63)); /* it may have been moved with its parent */
    loaded->changed = true;
    if (hit->place >= PLACE_PENDING) return end_wait(step, dataset, loaded, row, hit->key, error);
    bit_set(loaded->leaving, row);
    bool differ = false;
    if (d->has_children && !seen_differently(d, fresh->batch, hit->row, old, row, &differ, error)) return false;
    return !differ || add_changed(changed, (struct changed_parent){hit->key, hit->place}, error);
}

/* ---- children of changed parents ---- */

static int compare_changed(const void *a, const void *b)
{
    const struct changed_parent *x = a, *y = b;
    return (x->key > y->key) - (x->key < y->key);
}

/* Lets the rows of one place whose parent changed leave and come again. */
static bool move_children(struct step *step, int child, int join, int64_t place, const struct changed_parents *changed,
                          struct error *error)
{
    bool any;
    int field = step->spec->datasets[child].joins[join].field;
    int64_t *keys = memory_array(changed->count + 1, sizeof *keys, error);
    if (!keys) return false;
    for (size_t i = 0; i < changed->count; i++) keys[i] = changed->items[i].key;
    bool good = cleaned_mentions(step->engine->cleaned, child, place, field, keys, changed->count, &any, error);
    memory_free(keys);
    if (!good || !any) return good;
    struct loaded *loaded = step_load(step, child, place, error);
    if (!loaded) return false;
    const struct batch *batch = loaded->rows.batch;
    for (size_t row = 0; row < batch->rows; row++) {
        struct changed_parent wanted = {0};
        column_unpack(&batch->column[field], row, 1, &wanted.key);
        if (bit_is_set(loaded->removed, row) ||
            !bsearch(&wanted, changed->items, changed->count, sizeof wanted, compare_changed)) {
            continue;
        }
        bit_set(loaded->removed, row);
        bit_set(loaded->leaving, row);
        bit_set(loaded->arriving, row);
        loaded->changed = true;
    }
    return true;
}

static bool move_all_children(struct step *step, int parent, struct changed_parents *changed, struct error *error)
{
    if (changed->count == 0) return true;
    qsort(changed->items, changed->count, sizeof *changed->items, compare_changed);
    for (int child = 0; child < step->spec->dataset_count; child++) {
        const struct kpi_dataset *d = &step->spec->datasets[child];
        for (int j = 0; j < d->join_count; j++) {
            if (d->joins[j].dataset != parent) continue;
            int64_t *places;
            size_t count;
            if (!cleaned_places(step->engine->cleaned, child, &places, &count, error)) return false;
            bool good = true;
            for (size_t p = 0; good && p < count; p++) {
                bool concerned = places[p] < PLACE_PENDING;
                if (concerned && d->partition_join == j) { /* children lie where their parent lay */
                    concerned = false;
                    for (size_t i = 0; i < changed->count && !concerned; i++) {
                        concerned = changed->items[i].old_place == places[p];
                    }
                }
                if (concerned) good = move_children(step, child, j, places[p], changed, error);
            }
            memory_free(places);
            if (!good) return false;
        }
    }
    return true;
}

/* ---- lists of what leaves and arrives ---- */

static bool list_marked(struct row_list *list, const struct loaded *loaded, const uint64_t *marked, struct error *error)
{
    size_t words = loaded->rows.batch->rows / 64 + 1;
    uint64_t any = 0;
    for (size_t w = 0; w < words; w++) any |= marked[w];
    if (!any) return true;
    struct rows rows = loaded->rows;
    rows.borrowed = true;
    rows.dead = memory_array(words, sizeof *rows.dead, error);
    if (!rows.dead) return false;
    for (size_t w = 0; w < words; w++) rows.dead[w] = ~marked[w];
    if (row_list_add(list, rows, error)) return true;
    memory_free(rows.dead);
    return false;
}

bool step_meet_history(struct step *step, struct error *error)
{
    for (int d = 0; d < step->spec->dataset_count; d++) {
        if (trace_entries(state_trace(step->engine->state, STATE_KEYS, d)) == 0) continue;
        struct hits hits = {0};
        struct changed_parents changed = {0};
        bool good = find_hits(step, d, &hits, error);
        for (size_t i = 0; good && i < hits.count; i++) good = settle_hit(step, d, &hits.items[i], &changed, error);
        good = good && move_all_children(step, d, &changed, error);
        memory_free(hits.items);
        memory_free(changed.items);
        if (!good) return false;
    }
    for (int d = 0; d < step->spec->dataset_count; d++) {
        if (step->spec->datasets[d].has_children && !wake_for(step, d, error)) return false;
    }
    for (size_t i = 0; i < step->loaded_count; i++) {
        const struct loaded *loaded = &step->loaded[i];
        if (!list_marked(&step->arriving[loaded->dataset], loaded, loaded->arriving, error) ||
            !list_marked(&step->leaving[loaded->dataset], loaded, loaded->leaving, error)) {
            return false;
        }
    }
    return true;
}
