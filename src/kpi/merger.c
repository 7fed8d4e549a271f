/* Merging runs: a cursor on each, ordered by a heap on their next keys. Stretches of one run that no other run
 * interrupts are copied as a whole. */
#include <string.h>

#include "base/memory.h"
#include "kpi/run.h"

#define PORTION_ENTRIES 1024

/* A place in one run, in an unpacked block. */
struct cursor {
    const struct run *run;
    size_t age; /* place among the runs: larger is newer */
    uint64_t next_block;
    struct run_page page;
    uint64_t page_number;
    struct entries block; /* unpacked; its count ends where the bounds end */
    size_t at;
    bool last_block; /* nothing within the bounds comes after it */
};

struct merger {
    struct trace_shape shape;
    struct merger_bounds bounds;
    struct cursor *cursors;
    size_t cursor_count;
    struct cursor **heap; /* those that have entries left; the first one's is the next */
    size_t heap_count;
    struct entries portion;
};

/* Orders entry `i` of some columns against a key. */
static int compare_at(const struct entries *entries, size_t i, const int64_t *key, int keys)
{
    for (int k = 0; k < keys; k++) {
        if (entries->key[k][i] != key[k]) {
            return entries->key[k][i] < key[k] ? -1 : 1;
        }
    }
    return 0;
}

static int compare_entries(const struct entries *a, size_t i, const struct entries *b, size_t j, int keys)
{
    for (int k = 0; k < keys; k++) {
        if (a->key[k][i] != b->key[k][j]) {
            return a->key[k][i] < b->key[k][j] ? -1 : 1;
        }
    }
    return 0;
}

/* The first of entries `from` … `to` - 1 that is not less (`above`: that is greater) than the key; `to` when none is.
 */
static size_t seek(const struct entries *entries, size_t from, size_t to, const int64_t *key, int keys, bool above)
{
    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (compare_at(entries, middle, key, keys) < (above ? 1 : 0)) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

/* Unpacks the next block within the bounds; a count of 0 is the end. */
static bool cursor_load(struct cursor *cursor, const struct merger_bounds *bounds, struct error *error)
{
    const struct run *run = cursor->run;
    int keys = run->shape.keys;
    struct run_block block;

    cursor->at = 0;
    cursor->block.count = 0;
    if (cursor->last_block || cursor->next_block == run->footer.blocks) {
        return true;
    }
    if (cursor->next_block / RUN_PAGE_BLOCKS != cursor->page_number) {
        cursor->page_number = cursor->next_block / RUN_PAGE_BLOCKS;
        if (!run_page(run, cursor->page_number, &cursor->page, error)) {
            return false;
        }
    }
    if (!run_block(run, cursor->next_block, &cursor->page, &block, error)) {
        return false;
    }
    for (int c = 0; c < keys + run->shape.values; c++) {
        if (!block_unpack(&block, c, entries_column(&cursor->block, &run->shape, c))) {
            return run_corrupt(run, (uint64_t)((const uint8_t *)block.high - run->data),
                               "a block has another number of keys than it says", error);
        }
    }
    cursor->next_block++;
    cursor->block.count = block.count;
    if (compare_at(&cursor->block, block.count - 1, bounds->high, keys) > 0) {
        cursor->block.count = seek(&cursor->block, 0, block.count, bounds->high, keys, true);
        cursor->last_block = true;
    }
    return true;
}

/* Places a cursor at its first entry within the bounds. */
static bool cursor_open(struct cursor *cursor, const struct merger_bounds *bounds, struct error *error)
{
    const struct run *run = cursor->run;
    int keys = run->shape.keys;

    if (run->footer.entries == 0 || key_compare(run->footer.last, bounds->low, keys) < 0 ||
        key_compare(run->footer.first, bounds->high, keys) > 0) {
        cursor->last_block = true;
        return true;
    }
    if (!entries_new(&cursor->block, &run->shape, RUN_BLOCK_ENTRIES, error) ||
        !run_find_block(run, bounds->low, &cursor->next_block, &cursor->page, error)) {
        return false;
    }
    cursor->page_number = cursor->next_block / RUN_PAGE_BLOCKS;
    if (!cursor_load(cursor, bounds, error)) {
        return false;
    }
    cursor->at = seek(&cursor->block, 0, cursor->block.count, bounds->low, keys, false);
    return cursor->at < cursor->block.count || cursor_load(cursor, bounds, error);
}

/* Moves past `count` entries of the block at hand. */
static bool cursor_advance(struct cursor *cursor, size_t count, const struct merger_bounds *bounds, struct error *error)
{
    cursor->at += count;
    return cursor->at < cursor->block.count || cursor_load(cursor, bounds, error);
}

/* Whether the cursor at `a` of the heap comes before the one at `b`: by key, the older first. */
static bool comes_before(const struct merger *merger, size_t a, size_t b)
{
    const struct cursor *left = merger->heap[a];
    const struct cursor *right = merger->heap[b];
    int order = compare_entries(&left->block, left->at, &right->block, right->at, merger->shape.keys);

    return order != 0 ? order < 0 : left->age < right->age;
}

static void sift_down(struct merger *merger, size_t at)
{
    for (;;) {
        size_t least = at;

        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < merger->heap_count; child++) {
            if (comes_before(merger, child, least)) {
                least = child;
            }
        }
        if (least == at) {
            return;
        }
        struct cursor *swap = merger->heap[at];

        merger->heap[at] = merger->heap[least];
        merger->heap[least] = swap;
        at = least;
    }
}

/* Puts the heap in order again after its first cursor has moved. */
static void settle_first(struct merger *merger)
{
    if (merger->heap[0]->at >= merger->heap[0]->block.count) {
        merger->heap[0] = merger->heap[--merger->heap_count];
    }
    sift_down(merger, 0);
}

static bool open_cursors(struct merger *merger, const struct run *runs, struct error *error)
{
    for (size_t r = 0; r < merger->cursor_count; r++) {
        struct cursor *cursor = &merger->cursors[r];

        cursor->run = &runs[r];
        cursor->age = r;
        if (!cursor_open(cursor, &merger->bounds, error)) {
            return false;
        }
        if (cursor->at < cursor->block.count) {
            merger->heap[merger->heap_count++] = cursor;
        }
    }
    for (size_t at = merger->heap_count / 2; at-- > 0;) {
        sift_down(merger, at);
    }
    return true;
}

struct merger *merger_new(const struct run *runs, size_t count, const struct trace_shape *shape,
                          const struct merger_bounds *bounds, struct error *error)
{
    struct merger *merger = memory_zeroed(sizeof *merger, error);

    if (merger == NULL) {
        return NULL;
    }
    merger->shape = *shape;
    merger->bounds = *bounds;
    merger->cursor_count = count;
    merger->cursors = memory_zeroed(count * sizeof *merger->cursors, error);
    merger->heap = merger->cursors != NULL ? memory_zeroed(count * sizeof(struct cursor *), error) : NULL;
    if (merger->heap == NULL || !entries_new(&merger->portion, shape, PORTION_ENTRIES, error) ||
        !open_cursors(merger, runs, error)) {
        merger_free(merger);
        return NULL;
    }
    return merger;
}

void merger_free(struct merger *merger)
{
    if (merger == NULL) {
        return;
    }
    for (size_t r = 0; merger->cursors != NULL && r < merger->cursor_count; r++) {
        entries_free(&merger->cursors[r].block);
    }
    memory_free(merger->cursors);
    memory_free(merger->heap);
    entries_free(&merger->portion);
    memory_free(merger);
}

/* How many entries of the first cursor's block come before any other cursor's. */
static size_t alone(const struct merger *merger)
{
    const struct cursor *first = merger->heap[0];
    const struct cursor *second = merger->heap_count > 1 ? merger->heap[1] : NULL;
    int keys = merger->shape.keys;
    int64_t key[TRACE_MAX_KEYS];
    size_t left = first->block.count - first->at;

    if (second == NULL) {
        return left;
    }
    if (merger->heap_count > 2 && comes_before(merger, 2, 1)) {
        second = merger->heap[2];
    }
    for (int k = 0; k < keys; k++) {
        key[k] = second->block.key[k][second->at];
    }
    size_t step = 1;

    /* Doubling steps: short stretches are the rule where runs interleave. */
    while (step < left && compare_at(&first->block, first->at + step, key, keys) < 0) {
        step *= 2;
    }
    size_t end = first->at + (step < left ? step : left);

    return seek(&first->block, first->at + step / 2, end, key, keys, false) - first->at;
}

static bool emit_alone(struct merger *merger, size_t count, struct error *error)
{
    struct cursor *cursor = merger->heap[0];

    for (int c = 0; c < merger->shape.keys + merger->shape.values; c++) {
        memcpy(entries_column(&merger->portion, &merger->shape, c) + merger->portion.count,
               entries_column(&cursor->block, &merger->shape, c) + cursor->at, count * sizeof(int64_t));
    }
    merger->portion.count += count;
    if (!cursor_advance(cursor, count, &merger->bounds, error)) {
        return false;
    }
    settle_first(merger);
    return true;
}

/* Combines the entries of all cursors that stand at the same key, from the oldest to the newest. */
static bool emit_combined(struct merger *merger, struct error *error)
{
    struct entries *portion = &merger->portion;
    size_t to = portion->count;
    bool begun = false;

    do {
        struct cursor *cursor = merger->heap[0];

        for (int k = 0; k < merger->shape.keys; k++) {
            portion->key[k][to] = cursor->block.key[k][cursor->at];
        }
        for (int v = 0; v < merger->shape.values; v++) {
            int64_t value = cursor->block.value[v][cursor->at];

            if (!begun || merger->shape.merge == TRACE_REPLACE) {
                portion->value[v][to] = value;
            } else if (!values_add(&portion->value[v][to], value, error)) {
                return false;
            }
        }
        begun = true;
        if (!cursor_advance(cursor, 1, &merger->bounds, error)) {
            return false;
        }
        settle_first(merger);
    } while (merger->heap_count > 0 &&
             compare_entries(&merger->heap[0]->block, merger->heap[0]->at, portion, to, merger->shape.keys) == 0);
    if (merger->shape.merge != TRACE_ADD || !values_are_zero(portion, merger->shape.values, to)) {
        portion->count++;
    }
    return true;
}

bool merger_next(struct merger *merger, struct entries *portion, struct error *error)
{
    merger->portion.count = 0;
    while (merger->heap_count > 0 && merger->portion.count < PORTION_ENTRIES) {
        size_t space = PORTION_ENTRIES - merger->portion.count;
        size_t count = alone(merger);

        count = count < space ? count : space;
        if (!(count > 0 ? emit_alone(merger, count, error) : emit_combined(merger, error))) {
            return false;
        }
    }
    *portion = merger->portion;
    return true;
}

bool trace_scan(const struct trace *trace, const int64_t *prefix, int prefix_keys, const int64_t *from,
                const int64_t *to, bool (*visit)(void *context, const struct entries *portion, struct error *error),
                void *context, struct error *error)
{
    struct merger_bounds bounds;
    struct entries portion = {0};
    bool good = true;

    for (int k = 0; k < TRACE_MAX_KEYS; k++) {
        bounds.low[k] = k < prefix_keys ? prefix[k] : INT64_MIN;
        bounds.high[k] = k < prefix_keys ? prefix[k] : INT64_MAX;
    }
    if (prefix_keys < trace->shape.keys) {
        bounds.low[prefix_keys] = from != NULL ? *from : INT64_MIN;
        bounds.high[prefix_keys] = to != NULL ? *to : INT64_MAX;
    }
    if (key_compare(bounds.low, bounds.high, trace->shape.keys) > 0) {
        return true;
    }
    struct merger *merger = merger_new(trace->runs, trace->count, &trace->shape, &bounds, error);

    if (merger == NULL) {
        return false;
    }
    while ((good = merger_next(merger, &portion, error)) && portion.count > 0) {
        struct error stopped = {0};

        if (!visit(context, &portion, &stopped)) {
            good = stopped.code == ERROR_NONE;
            if (!good && error != NULL) {
                *error = stopped;
            }
            break;
        }
    }
    merger_free(merger);
    return good;
}
