/* Entries in memory: columns, sorted by key and merged. */
#include <string.h>

#include "base/memory.h"
#include "kpi/entries_order.h"
#include "kpi/run.h"

bool entries_new(struct entries *entries, const struct trace_shape *shape, size_t capacity, struct error *error)
{
    memset(entries, 0, sizeof *entries);
    for (int k = 0; k < shape->keys; k++) {
        entries->key[k] = memory_array(capacity, sizeof(int64_t), error);
        if (entries->key[k] == NULL) {
            entries_free(entries);
            return false;
        }
    }
    for (int v = 0; v < shape->values; v++) {
        entries->value[v] = memory_array(capacity, sizeof(int64_t), error);
        if (entries->value[v] == NULL) {
            entries_free(entries);
            return false;
        }
    }
    return true;
}

void entries_free(struct entries *entries)
{
    for (int k = 0; k < TRACE_MAX_KEYS; k++) {
        memory_free(entries->key[k]);
    }
    for (int v = 0; v < TRACE_MAX_VALUES; v++) {
        memory_free(entries->value[v]);
    }
    memset(entries, 0, sizeof *entries);
}

/* Entries that are few ascending stretches are merged, others sorted. */
#define MOST_STRETCHES 8

/* What one look at the keys tells. */
struct examined {
    bool repeats; /* some neighbours have the same key */
    size_t stretches;
    size_t ends[MOST_STRETCHES]; /* of the stretches, as far as there are not more */
};

static struct examined examine(const struct entries *entries, int keys)
{
    const int64_t *first = entries->key[0];
    struct examined found = {.stretches = 1, .ends = {entries->count}};

    for (size_t i = 1; i < entries->count; i++) {
        if (first[i] > first[i - 1]) {
            continue;
        }
        int k = 0;

        while (k < keys && entries->key[k][i] == entries->key[k][i - 1]) {
            k++;
        }
        if (k == keys) {
            found.repeats = true;
        } else if (entries->key[k][i] < entries->key[k][i - 1]) {
            if (found.stretches == MOST_STRETCHES) {
                found.stretches++;
                return found;
            }
            found.ends[found.stretches - 1] = i;
            found.ends[found.stretches++] = entries->count;
        }
    }
    return found;
}

static bool key_is_less(const struct entries *entries, int keys, size_t a, size_t b)
{
    for (int k = 0; k < keys; k++) {
        if (entries->key[k][a] != entries->key[k][b]) {
            return entries->key[k][a] < entries->key[k][b];
        }
    }
    return false;
}

/* Where entries [begin, middle) and [middle, end), both ascending, come from when merged; of equal keys the first. */
static void merge_order(const struct entries *entries, int keys, size_t begin, size_t middle, size_t end,
                        uint32_t *order)
{
    size_t a = begin;
    size_t b = middle;

    for (size_t i = 0; i < end - begin; i++) {
        bool second = a == middle || (b < end && key_is_less(entries, keys, b, a));

        order[i] = (uint32_t)(second ? b++ : a++);
    }
}

/* Merges the ascending stretches, the last two first, in place. */
static bool merge_stretches(struct entries *entries, const struct trace_shape *shape, struct examined *found,
                            struct error *error)
{
    if (entries->count > UINT32_MAX) {
        return error_set(error, ERROR_LIMIT, "more than 4,294,967,295 entries at once; use a smaller memory limit");
    }
    uint32_t *order __attribute__((cleanup(memory_release))) = memory_array(entries->count, sizeof *order, error);
    int64_t *scratch __attribute__((cleanup(memory_release))) = memory_array(entries->count, sizeof *scratch, error);

    if (order == NULL || scratch == NULL) {
        return false;
    }
    for (; found->stretches > 1; found->stretches--) {
        size_t middle = found->ends[found->stretches - 2];
        size_t begin = found->stretches > 2 ? found->ends[found->stretches - 3] : 0;

        merge_order(entries, shape->keys, begin, middle, entries->count, order);
        for (int c = 0; c < shape->keys + shape->values; c++) {
            int64_t *column = entries_column(entries, shape, c);

            for (size_t i = 0; i < entries->count - begin; i++) {
                scratch[i] = column[order[i]];
            }
            memcpy(column + begin, scratch, (entries->count - begin) * sizeof *column);
        }
    }
    return true;
}

static bool same_key(const struct entries *entries, int keys, size_t a, size_t b)
{
    for (int k = 0; k < keys; k++) {
        if (entries->key[k][a] != entries->key[k][b]) {
            return false;
        }
    }
    return true;
}

bool values_add(int64_t *sum, int64_t more, struct error *error)
{
    if (__builtin_add_overflow(*sum, more, sum)) {
        return error_set(error, ERROR_LIMIT,
                         "a total no longer fits in 64 bits (about 9.2e18 of its smallest unit); use a smaller scale");
    }
    return true;
}

/* Merges entry `from` into the earlier entry `to` of the same key. */
static bool merge_entry(struct entries *entries, const struct trace_shape *shape, size_t to, size_t from,
                        struct error *error)
{
    for (int v = 0; v < shape->values; v++) {
        if (shape->merge == TRACE_REPLACE) {
            entries->value[v][to] = entries->value[v][from];
        } else if (!values_add(&entries->value[v][to], entries->value[v][from], error)) {
            return false;
        }
    }
    return true;
}

static void move_entry(struct entries *entries, const struct trace_shape *shape, size_t to, size_t from)
{
    for (int c = 0; c < shape->keys + shape->values; c++) {
        int64_t *column = entries_column(entries, shape, c);

        column[to] = column[from];
    }
}

/* Merges neighbours with equal keys, in place. */
static bool merge_equal(struct entries *entries, const struct trace_shape *shape, struct error *error)
{
    size_t to = 0;

    for (size_t i = 1; i < entries->count; i++) {
        if (same_key(entries, shape->keys, to, i)) {
            if (!merge_entry(entries, shape, to, i, error)) {
                return false;
            }
        } else if (++to != i) {
            move_entry(entries, shape, to, i);
        }
    }
    entries->count = entries->count > 0 ? to + 1 : 0;
    return true;
}

bool values_are_zero(const struct entries *entries, int values, size_t i)
{
    for (int v = 0; v < values; v++) {
        if (entries->value[v][i] != 0) {
            return false;
        }
    }
    return values > 0;
}

static void drop_zeros(struct entries *entries, const struct trace_shape *shape)
{
    size_t to = 0;

    for (size_t i = 0; i < entries->count; i++) {
        if (values_are_zero(entries, shape->values, i)) {
            continue;
        }
        if (to != i) {
            move_entry(entries, shape, to, i);
        }
        to++;
    }
    entries->count = to;
}

bool entries_sort(struct entries *entries, const struct trace_shape *shape, struct error *error)
{
    struct examined found = examine(entries, shape->keys);
    bool ascends = found.stretches == 1;

    if (!ascends && found.stretches <= MOST_STRETCHES && !merge_stretches(entries, shape, &found, error)) {
        return false;
    }
    if (found.stretches > MOST_STRETCHES && !entries_order(entries, shape, error)) {
        return false;
    }
    if ((!ascends || found.repeats) && !merge_equal(entries, shape, error)) {
        return false;
    }
    if (shape->merge == TRACE_ADD) {
        drop_zeros(entries, shape);
    }
    return true;
}
