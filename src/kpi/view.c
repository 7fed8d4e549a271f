#include "kpi/view.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "kpi/key_mix.h"

/* ---- maps ---- */

/* Dense where the keys' span is not much more than their count, else a table at most half full. */
static bool map_open(struct key_map *map, int64_t least, int64_t most, uint64_t count, struct error *error)
{
    uint64_t span = count ? (uint64_t)most - (uint64_t)least + 1 : 0;
    if (span <= count * 4 + 4096) {
        map->least = least;
        map->span = span;
        map->slots = memory_array(span + 1, sizeof *map->slots, error);
        if (map->slots) memset(map->slots, 0xff, (span + 1) * sizeof *map->slots);
        return map->slots != NULL;
    }
    uint64_t slots = 1024;
    while (slots < count * 2) slots *= 2;
    map->mask = slots - 1;
    map->keys = memory_array(slots, sizeof *map->keys, error);
    map->slots = memory_array(slots, sizeof *map->slots, error);
    if (!map->keys || !map->slots) return false;
    memset(map->slots, 0xff, slots * sizeof *map->slots);
    return true;
}

static void map_enter(struct key_map *map, int64_t key, uint32_t slot)
{
    if (!map->keys) {
        map->slots[(uint64_t)key - (uint64_t)map->least] = slot;
        return;
    }
    uint64_t i = key_mix(key) & map->mask;
    while (map->slots[i] != SLOT_NONE && map->keys[i] != key) i = (i + 1) & map->mask;
    map->keys[i] = key;
    map->slots[i] = slot;
}

static inline uint32_t map_find(const struct key_map *map, int64_t key)
{
    if (!map->keys) {
        uint64_t place = (uint64_t)key - (uint64_t)map->least;
        return map->slots[place < map->span ? place : map->span];
    }
    for (uint64_t i = key_mix(key) & map->mask;; i = (i + 1) & map->mask) {
        if (map->slots[i] == SLOT_NONE || map->keys[i] == key) return map->slots[i];
    }
}

static void map_close(struct key_map *map)
{
    memory_free(map->slots);
    memory_free(map->keys);
}

/* ---- views ---- */

static void map_rows(struct view *view)
{
    int64_t keys[ROWS_PORTION];
    for (size_t item = 0; item < view->rows->count; item++) {
        const struct rows *rows = &view->rows->items[item];
        const struct column *column = &rows->batch->column[view->dataset->key_field];
        for (size_t from = 0; from < rows->batch->rows; from += ROWS_PORTION) {
            size_t count = rows->batch->rows - from < ROWS_PORTION ? rows->batch->rows - from : ROWS_PORTION;
            column_unpack(column, from, count, keys);
            uint32_t slot = view->first_slot[item] + (uint32_t)from;
            for (size_t i = 0; i < count; i++, slot++) {
                if (!rows_is_dead(rows, from + i)) map_enter(&view->of_rows, keys[i], slot);
            }
        }
    }
}

bool view_open(struct view *view, const struct kpi_dataset *dataset, const struct row_list *rows, struct error *error)
{
    *view = (struct view){.dataset = dataset, .rows = rows};
    int64_t least = INT64_MAX, most = INT64_MIN;
    uint64_t count = 0;
    size_t items = rows ? rows->count : 0;
    view->first_slot = memory_array(items + 1, sizeof *view->first_slot, error);
    if (!view->first_slot) return false;
    for (size_t i = 0; i < items; i++) {
        const struct batch *batch = rows->items[i].batch;
        view->first_slot[i] = (uint32_t)count;
        count += batch->rows;
        if (batch->rows == 0) continue;
        const struct column *key = &batch->column[dataset->key_field];
        least = key->base < least ? key->base : least;
        most = key->high > most ? key->high : most;
    }
    if (count >= SLOT_NONE) {
        return error_set(error, ERROR_LIMIT, "%s: more than 4,294,967,294 rows in one step", dataset->name);
    }
    view->row_slots = view->slots = (uint32_t)count;
    if (!map_open(&view->of_rows, least, most, count, error)) return false;
    if (rows) map_rows(view);
    return true;
}

static int compare_keys(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static size_t keep_unknown(const struct view *view, int64_t *wanted, size_t count)
{
    bool ascending = true;
    for (size_t i = 1; i < count && ascending; i++) ascending = wanted[i - 1] <= wanted[i];
    if (!ascending) qsort(wanted, count, sizeof *wanted, compare_keys);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t slot;
        if (wanted[i] == TERM_NULL || (kept && wanted[kept - 1] == wanted[i])) continue;
        view_find(view, &wanted[i], 1, &slot);
        if (slot == SLOT_NONE) wanted[kept++] = wanted[i];
    }
    return kept;
}

bool view_extend(struct view *view, const struct trace *trace, int64_t *wanted, size_t count, struct error *error)
{
    count = keep_unknown(view, wanted, count);
    if (count == 0 || trace_entries(trace) == 0) return true;
    bool good = false;
    int columns = view->dataset->parent_column_count;
    int64_t *place = memory_array(count, sizeof *place, error);
    bool *found = memory_array(count, sizeof *found, error);
    int64_t *values[TRACE_MAX_VALUES] = {place};
    if (!place || !found) goto done;
    for (int c = 0; c < columns; c++) {
        values[c + 1] = view->found_values[c] = memory_array(count, sizeof *place, error);
        if (!view->found_values[c]) goto done;
    }
    if (!trace_probe(trace, (int64_t *const[]){wanted}, count, found, values, error)) goto done;
    uint32_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (!found[i]) continue;
        wanted[kept] = wanted[i];
        for (int c = 0; c < columns; c++) view->found_values[c][kept] = view->found_values[c][i];
        kept++;
    }
    view->slots = view->row_slots + kept;
    good = map_open(&view->of_found, wanted[0], kept ? wanted[kept - 1] : 0, kept, error);
    for (uint32_t i = 0; good && i < kept; i++) map_enter(&view->of_found, wanted[i], view->row_slots + i);
done:
    memory_free(place);
    memory_free(found);
    return good;
}

bool view_bounds(const struct view *view, int position, int64_t *low, int64_t *high)
{
    const int64_t *values = view->found_values[position];
    bool any = false;
    for (uint32_t i = 0; i < view->slots - view->row_slots; i++) {
        if (values[i] == COLUMN_NULL) continue;
        *low = values[i] < *low ? values[i] : *low;
        *high = values[i] > *high ? values[i] : *high;
        any = true;
    }
    return any;
}

struct filling {
    struct view *view;
    struct coding *codings;
};

static bool fill_item(void *context, size_t item, unsigned worker, struct error *error)
{
    (void)worker;
    struct filling *filling = context;
    struct view *view = filling->view;
    const struct batch *batch = view->rows->items[item].batch;
    int64_t values[ROWS_PORTION];
    for (int c = 0; c < view->dataset->parent_column_count; c++) {
        for (size_t from = 0; from < batch->rows; from += ROWS_PORTION) {
            size_t count = batch->rows - from < ROWS_PORTION ? batch->rows - from : ROWS_PORTION;
            if (!rows_evaluate(view->dataset, view->dataset->parent_columns[c], batch, from, count, values, error) ||
                !coding_encode(&filling->codings[c], values, count, view->codes[c] + view->first_slot[item] + from,
                               error)) {
                return false;
            }
        }
    }
    return true;
}

bool view_fill(struct view *view, struct team *team, struct coding *codings, struct error *error)
{
    uint32_t found = view->slots - view->row_slots;
    for (int c = 0; c < view->dataset->parent_column_count; c++) {
        view->codes[c] = memory_array((size_t)view->slots + 1, sizeof *view->codes[c], error);
        if (!view->codes[c]) return false;
        view->codes[c][view->slots] = CODE_NULL;
        if (found &&
            !coding_encode(&codings[c], view->found_values[c], found, view->codes[c] + view->row_slots, error)) {
            return false;
        }
    }
    struct filling filling = {.view = view, .codings = codings};
    return !view->rows || team_run(team, view->rows->count, fill_item, &filling, error);
}

void view_find(const struct view *view, const int64_t *keys, size_t count, uint32_t *slots)
{
    if (view->of_rows.keys) {
        for (size_t i = 0; i < count; i++) slots[i] = map_find(&view->of_rows, keys[i]);
    } else {
        struct key_map map = view->of_rows; /* dense */
        for (size_t i = 0; i < count; i++) {
            uint64_t place = (uint64_t)keys[i] - (uint64_t)map.least;
            slots[i] = map.slots[place < map.span ? place : map.span];
        }
    }
    if (view->slots == view->row_slots) return;
    for (size_t i = 0; i < count; i++) {
        if (slots[i] == SLOT_NONE) slots[i] = map_find(&view->of_found, keys[i]);
    }
}

void view_close(struct view *view)
{
    memory_free(view->first_slot);
    map_close(&view->of_rows);
    map_close(&view->of_found);
    for (int c = 0; c < KPI_MAX_COLUMNS; c++) {
        memory_free(view->found_values[c]);
        memory_free(view->codes[c]);
    }
    *view = (struct view){0};
}
