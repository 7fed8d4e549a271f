#include "kpi/dedupe.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "kpi/key_mix.h"

/* A row whose key occurs more than once. */
struct candidate {
    int64_t key;
    int64_t version;
    uint32_t item;
    uint32_t row;
};

/* Keys seen so far: bits where the keys are dense numbers, else an open-addressing table. */
struct seen {
    int64_t least;
    uint64_t *bits;
    int64_t *keys;
    uint64_t mask;
};

/* Keys that occurred again. */
struct repeats {
    int64_t *keys;
    size_t count, capacity;
};

int64_t row_version(const struct kpi_dataset *dataset, const struct batch *batch, size_t row)
{
    int64_t latest = COLUMN_NULL;
    for (size_t i = 0; i < dataset->schema->version_count; i++) {
        int64_t value;
        column_unpack(&batch->column[dataset->schema->version_fields[i]], row, 1, &value);
        latest = value > latest ? value : latest;
    }
    return latest;
}

bool rows_equal(const struct batch *a, size_t row_a, const struct batch *b, size_t row_b)
{
    for (uint32_t c = 0; c < a->columns; c++) {
        const struct column *x = &a->column[c], *y = &b->column[c];
        if (x->kind == COLUMN_TEXT || y->kind == COLUMN_TEXT) {
            struct str text_a = x->kind == COLUMN_TEXT ? column_text(x, row_a) : (struct str){0};
            struct str text_b = y->kind == COLUMN_TEXT ? column_text(y, row_b) : (struct str){0};
            if (!str_equal(text_a, text_b)) return false;
            continue;
        }
        int64_t value_a, value_b;
        column_unpack(x, row_a, 1, &value_a);
        column_unpack(y, row_b, 1, &value_b);
        if (value_a != value_b) return false;
    }
    return true;
}

static bool seen_new(struct seen *seen, const struct kpi_dataset *dataset, const struct row_list *list,
                     struct error *error)
{
    int64_t least = INT64_MAX, most = INT64_MIN;
    uint64_t count = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct batch *batch = list->items[i].batch;
        if (batch->rows == 0) continue;
        const struct column *key = &batch->column[dataset->key_field];
        least = key->base < least ? key->base : least;
        most = key->high > most ? key->high : most;
        count += batch->rows;
    }
    *seen = (struct seen){.least = least};
    if (count == 0) return true;
    uint64_t span = (uint64_t)most - (uint64_t)least + 1;
    if (span <= count * 64 + 65536) {
        seen->bits = memory_zeroed((span / 64 + 1) * sizeof *seen->bits, error);
        return seen->bits != NULL;
    }
    uint64_t slots = 1024;
    while (slots < count * 2) slots *= 2;
    seen->mask = slots - 1;
    seen->keys = memory_array(slots, sizeof *seen->keys, error);
    if (!seen->keys) return false;
    for (uint64_t i = 0; i < slots; i++) seen->keys[i] = TERM_NULL;
    return true;
}

/* Enters a key; true when it was there. */
static inline bool seen_before(struct seen *seen, int64_t key)
{
    if (seen->bits) {
        uint64_t place = (uint64_t)key - (uint64_t)seen->least;
        uint64_t bit = UINT64_C(1) << (place & 63);
        bool there = (seen->bits[place >> 6] & bit) != 0;
        seen->bits[place >> 6] |= bit;
        return there;
    }
    uint64_t i = key_mix(key) & seen->mask;
    while (seen->keys[i] != TERM_NULL) {
        if (seen->keys[i] == key) return true;
        i = (i + 1) & seen->mask;
    }
    seen->keys[i] = key;
    return false;
}

static bool repeat_add(struct repeats *repeats, int64_t key, struct error *error)
{
    if (repeats->count == repeats->capacity) {
        size_t capacity = repeats->capacity ? repeats->capacity * 2 : 256;
        int64_t *keys = memory_resize(repeats->keys, capacity, sizeof *keys, error);
        if (!keys) return false;
        repeats->keys = keys;
        repeats->capacity = capacity;
    }
    repeats->keys[repeats->count++] = key;
    return true;
}

static bool find_repeats(const struct kpi_dataset *dataset, const struct row_list *list, struct repeats *repeats,
                         struct error *error)
{
    struct seen seen;
    if (!seen_new(&seen, dataset, list, error)) return false;
    bool good = true;
    int64_t keys[ROWS_PORTION];
    for (size_t item = 0; good && item < list->count; item++) {
        const struct batch *batch = list->items[item].batch;
        for (size_t from = 0; good && from < batch->rows; from += ROWS_PORTION) {
            size_t count = batch->rows - from < ROWS_PORTION ? batch->rows - from : ROWS_PORTION;
            column_unpack(&batch->column[dataset->key_field], from, count, keys);
            for (size_t i = 0; i < count; i++) {
                if (!seen_before(&seen, keys[i])) continue;
                good = repeat_add(repeats, keys[i], error);
                if (!good) break;
            }
        }
    }
    memory_free(seen.bits);
    memory_free(seen.keys);
    return good;
}

static int compare_candidates(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    if (x->version != y->version) return x->version < y->version ? -1 : 1;
    if (x->item != y->item) return x->item < y->item ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

/* A table of the repeated keys, at most half full; TERM_NULL is an empty slot. */
static int64_t *repeat_table(const struct repeats *repeats, uint64_t *mask, struct error *error)
{
    uint64_t slots = 64;
    while (slots < repeats->count * 2) slots *= 2;
    int64_t *table = memory_array(slots, sizeof *table, error);
    if (!table) return NULL;
    *mask = slots - 1;
    for (uint64_t i = 0; i < slots; i++) table[i] = TERM_NULL;
    for (size_t k = 0; k < repeats->count; k++) {
        uint64_t i = key_mix(repeats->keys[k]) & *mask;
        while (table[i] != TERM_NULL && table[i] != repeats->keys[k]) i = (i + 1) & *mask;
        table[i] = repeats->keys[k];
    }
    return table;
}

static bool table_has(const int64_t *table, uint64_t mask, int64_t key)
{
    uint64_t i = key_mix(key) & mask;
    while (table[i] != TERM_NULL && table[i] != key) i = (i + 1) & mask;
    return table[i] == key;
}

struct candidates {
    struct candidate *items;
    size_t count, capacity;
};

static bool candidate_add(struct candidates *list, struct candidate candidate, struct error *error)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 512;
        struct candidate *items = memory_resize(list->items, capacity, sizeof *items, error);
        if (!items) return false;
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = candidate;
    return true;
}

static bool collect(const struct kpi_dataset *dataset, const struct row_list *list, const int64_t *table, uint64_t mask,
                    struct candidates *candidates, struct error *error)
{
    int64_t keys[ROWS_PORTION];
    for (size_t item = 0; item < list->count; item++) {
        const struct batch *batch = list->items[item].batch;
        for (size_t from = 0; from < batch->rows; from += ROWS_PORTION) {
            size_t count = batch->rows - from < ROWS_PORTION ? batch->rows - from : ROWS_PORTION;
            column_unpack(&batch->column[dataset->key_field], from, count, keys);
            for (size_t i = 0; i < count; i++) {
                if (!table_has(table, mask, keys[i])) continue;
                struct candidate candidate = {.key = keys[i],
                                              .version = row_version(dataset, batch, from + i),
                                              .item = (uint32_t)item,
                                              .row = (uint32_t)(from + i)};
                if (!candidate_add(candidates, candidate, error)) return false;
            }
        }
    }
    return true;
}

/* Sorted candidates: in each run of one key the last stands, the others die. */
static bool settle(struct row_list *list, const struct candidates *candidates, struct dedupe_result *result,
                   struct error *error)
{
    for (size_t i = 0; i < candidates->count;) {
        size_t end = i + 1;
        while (end < candidates->count && candidates->items[end].key == candidates->items[i].key) end++;
        const struct candidate *winner = &candidates->items[end - 1];
        for (; i < end - 1; i++) {
            const struct candidate *loser = &candidates->items[i];
            if (!rows_kill(&list->items[loser->item], loser->row, error)) return false;
            result->duplicates++;
            result->differing +=
                !rows_equal(list->items[loser->item].batch, loser->row, list->items[winner->item].batch, winner->row);
        }
        i = end;
    }
    return true;
}

bool dedupe_rows(const struct kpi_dataset *dataset, struct row_list *list, struct dedupe_result *result,
                 struct error *error)
{
    *result = (struct dedupe_result){0};
    struct repeats repeats = {0};
    struct candidates candidates = {0};
    int64_t *table = NULL;
    uint64_t mask = 0;
    bool good = find_repeats(dataset, list, &repeats, error);
    if (good && repeats.count > 0) {
        table = repeat_table(&repeats, &mask, error);
        good = table && collect(dataset, list, table, mask, &candidates, error);
    }
    if (good && candidates.count > 0) {
        qsort(candidates.items, candidates.count, sizeof *candidates.items, compare_candidates);
        good = settle(list, &candidates, result, error);
    }
    memory_free(repeats.keys);
    memory_free(table);
    memory_free(candidates.items);
    return good;
}
