/* A trace opened for reading, and lookups in it. */
#include "kpi/trace.h"

#include <string.h>

#include "base/memory.h"
#include "kpi/run.h"

/* From so many keys in one block on it is cheaper to unpack its keys than to look each up in the packed ones. */
#define UNPACK_FROM 12

struct trace *trace_open(const struct trace_shape *shape, const struct run_place *runs, size_t count,
                         struct error *error)
{
    struct trace *trace = memory_zeroed(sizeof *trace + count * sizeof trace->runs[0], error);

    if (trace == NULL) {
        return NULL;
    }
    trace->shape = *shape;
    for (size_t r = 0; r < count; r++) {
        if (!run_open(&trace->runs[r], shape, &runs[r], error)) {
            trace_close(trace);
            return NULL;
        }
        trace->count++;
    }
    return trace;
}

void trace_close(struct trace *trace)
{
    if (trace == NULL) {
        return;
    }
    for (size_t r = 0; r < trace->count; r++) {
        run_close(&trace->runs[r]);
    }
    memory_free(trace);
}

uint64_t trace_entries(const struct trace *trace)
{
    uint64_t entries = 0;

    for (size_t r = 0; r < trace->count; r++) {
        entries += trace->runs[r].footer.entries;
    }
    return entries;
}

/* One lookup of many keys in one run. */
struct probe {
    const struct run *run;
    int64_t *const *keys;
    size_t count;
    bool *found;
    int64_t *const *values;
    struct run_page page;
    struct run_block block;
    int64_t unpacked[TRACE_MAX_KEYS][RUN_BLOCK_ENTRIES];
};

static int compare_key(const struct probe *probe, size_t i, const int64_t *key)
{
    for (int k = 0; k < probe->run->shape.keys; k++) {
        if (probe->keys[k][i] != key[k]) {
            return probe->keys[k][i] < key[k] ? -1 : 1;
        }
    }
    return 0;
}

static bool take(struct probe *probe, size_t i, unsigned entry, struct error *error)
{
    const struct trace_shape *shape = &probe->run->shape;

    for (int v = 0; v < shape->values; v++) {
        int64_t value = block_value(&probe->block, shape->keys + v, entry);

        if (shape->merge == TRACE_REPLACE) {
            probe->values[v][i] = value;
        } else if (!values_add(&probe->values[v][i], value, error)) {
            return false;
        }
    }
    probe->found[i] = true;
    return true;
}

/* Looks keys `from` … `to - 1`, which ascend, up in the unpacked block. */
static bool probe_unpacked(struct probe *probe, size_t from, size_t to, struct error *error)
{
    const struct run_block *block = &probe->block;
    int keys = probe->run->shape.keys;
    unsigned entry = 0;

    for (int k = 0; k < keys; k++) {
        if (!block_unpack(block, k, probe->unpacked[k])) {
            return run_corrupt(probe->run, (uint64_t)((const uint8_t *)block->high - probe->run->data),
                               "a block has another number of keys than it says", error);
        }
    }
    for (size_t i = from; i < to; i++) {
        int order = -1;

        for (; entry < block->count; entry++) {
            order = 0;
            for (int k = 0; order == 0 && k < keys; k++) {
                int64_t here = probe->unpacked[k][entry];

                order = (here > probe->keys[k][i]) - (here < probe->keys[k][i]);
            }
            if (order >= 0) {
                break;
            }
        }
        if (entry < block->count && order == 0 && !(probe->found[i] && probe->run->shape.merge == TRACE_REPLACE) &&
            !take(probe, i, entry, error)) {
            return false;
        }
    }
    return true;
}

static bool probe_packed(struct probe *probe, size_t from, size_t to, struct error *error)
{
    const struct run *run = probe->run;

    for (size_t i = from; i < to; i++) {
        int64_t key[TRACE_MAX_KEYS];
        int64_t there[TRACE_MAX_KEYS];

        if (probe->found[i] && run->shape.merge == TRACE_REPLACE) {
            continue;
        }
        for (int k = 0; k < run->shape.keys; k++) {
            key[k] = probe->keys[k][i];
        }
        unsigned entry = block_seek(run, &probe->block, key);

        if (entry == probe->block.count) {
            continue;
        }
        block_key(run, &probe->block, entry, there);
        if (key_compare(key, there, run->shape.keys) == 0 && !take(probe, i, entry, error)) {
            return false;
        }
    }
    return true;
}

/* Whether key `i` comes before entry 0 of block `in_page` of the page at hand. */
static bool before_block(const struct probe *probe, size_t i, uint64_t in_page)
{
    for (int k = 0; k < probe->run->shape.keys; k++) {
        int64_t first = probe->page.first[(uint64_t)k * probe->page.blocks + in_page];

        if (probe->keys[k][i] != first) {
            return probe->keys[k][i] < first;
        }
    }
    return false;
}

/* Where the keys from `i` on that ascend and belong to block `number` end. */
static size_t keys_of_block(const struct probe *probe, size_t i, uint64_t number)
{
    uint64_t next = number % RUN_PAGE_BLOCKS + 1;
    const int64_t *last = probe->run->footer.last;
    bool last_of_page = next == probe->page.blocks;
    bool last_of_run = number + 1 == probe->run->footer.blocks;
    size_t to = i + 1;

    /* Past the last block of a page the page table would have to be asked; that key finds its page on its own. */
    for (; to < probe->count && !(last_of_page && !last_of_run); to++) {
        int64_t before[TRACE_MAX_KEYS];

        for (int k = 0; k < probe->run->shape.keys; k++) {
            before[k] = probe->keys[k][to - 1];
        }
        if (compare_key(probe, to, before) < 0 ||
            (last_of_run ? compare_key(probe, to, last) > 0 : !before_block(probe, to, next))) {
            break;
        }
    }
    return to;
}

static bool probe_run(struct probe *probe, struct error *error)
{
    const struct run *run = probe->run;
    size_t i = 0;

    while (i < probe->count) {
        int64_t key[TRACE_MAX_KEYS];
        uint64_t number = 0;

        if ((probe->found[i] && run->shape.merge == TRACE_REPLACE) || compare_key(probe, i, run->footer.first) < 0 ||
            compare_key(probe, i, run->footer.last) > 0) {
            i++;
            continue;
        }
        for (int k = 0; k < run->shape.keys; k++) {
            key[k] = probe->keys[k][i];
        }
        if (!run_find_block(run, key, &number, &probe->page, error) ||
            !run_block(run, number, &probe->page, &probe->block, error)) {
            return false;
        }
        size_t to = keys_of_block(probe, i, number);

        if (!(to - i >= UNPACK_FROM ? probe_unpacked : probe_packed)(probe, i, to, error)) {
            return false;
        }
        i = to;
    }
    return true;
}

/* Sums that came to nothing are not there. */
static void forget_zeros(const struct trace *trace, size_t count, bool *found, int64_t *const *values)
{
    if (trace->shape.merge != TRACE_ADD || trace->shape.values == 0) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        bool any = false;

        for (int v = 0; v < trace->shape.values; v++) {
            any |= values[v][i] != 0;
        }
        found[i] = any;
    }
}

bool trace_probe(const struct trace *trace, int64_t *const *keys, size_t count, bool *found, int64_t *const *values,
                 struct error *error)
{
    struct probe probe = {.keys = keys, .count = count, .found = found, .values = values};

    memset(found, 0, count * sizeof *found);
    for (int v = 0; v < trace->shape.values; v++) {
        memset(values[v], 0, count * sizeof(int64_t));
    }
    /* From the newest on, so that under TRACE_REPLACE what was found need not be looked for again. */
    for (size_t r = trace->count; r-- > 0;) {
        probe.run = &trace->runs[r];
        if (probe.run->footer.entries > 0 && !probe_run(&probe, error)) {
            return false;
        }
    }
    forget_zeros(trace, count, found, values);
    return true;
}
