/* Tiers: when runs are merged, and merging them. */
#include <string.h>

#include "base/memory.h"
#include "kpi/run.h"

#define TIER_BITS 2 /* a tier is 4 times the one below */
#define TIER_RUNS 3 /* so many of one tier may stand; one more merges them */

static unsigned tier_of(uint64_t entries)
{
    return entries > 0 ? (63 - (unsigned)__builtin_clzll(entries)) / TIER_BITS : 0;
}

/* How many runs left of `first` a merged run of `total` entries should take in at once, adding theirs to it: the
 * smaller tiers next to it, or else TIER_RUNS or more of its own tier. */
static size_t absorbed(const uint64_t *entries, size_t first, uint64_t *total)
{
    unsigned tier = tier_of(*total);
    uint64_t sum = *total;
    size_t count = 0;

    while (count < first && tier_of(entries[first - 1 - count]) < tier) {
        sum += entries[first - 1 - count++];
    }
    if (count == 0) {
        while (count < first && tier_of(entries[first - 1 - count]) == tier) {
            sum += entries[first - 1 - count++];
        }
        if (count < TIER_RUNS) {
            return 0;
        }
    }
    *total = sum;
    return count;
}

/* Once all is merged tiers fall from the oldest run to the newest, at most TIER_RUNS of each. A new run that stands
 * right of smaller tiers is written once more with them; any other merge lifts each entry by a tier at least. */
void trace_due(const uint64_t *entries, size_t runs, uint64_t ceiling, size_t *first, size_t *count)
{
    *first = 0;
    *count = 0;
    for (size_t end = runs; end > 1; end--) {
        size_t begin = end - 1;
        uint64_t total = entries[begin];
        size_t more = absorbed(entries, begin, &total);

        while (more > 0 && (ceiling == 0 || total <= ceiling)) {
            begin -= more;
            more = absorbed(entries, begin, &total);
        }
        if (begin < end - 1) {
            *first = begin;
            *count = end - begin;
            return;
        }
    }
}

bool trace_merge_runs(const struct trace *trace, size_t first, size_t count, int fd, const char *path, uint64_t *offset,
                      struct run_place *place, struct error *error)
{
    struct merger_bounds all;
    struct entries portion = {0};

    for (int k = 0; k < TRACE_MAX_KEYS; k++) {
        all.low[k] = INT64_MIN;
        all.high[k] = INT64_MAX;
    }
    struct run_writer *writer = run_writer_new(fd, path, *offset, &trace->shape, error);
    struct merger *merger = writer != NULL ? merger_new(trace->runs + first, count, &trace->shape, &all, error) : NULL;
    bool good = merger != NULL;

    while (good && (good = merger_next(merger, &portion, error)) && portion.count > 0) {
        good = run_writer_add(writer, &portion, error);
    }
    good = good && run_writer_finish(writer, offset, place, error);
    merger_free(merger);
    run_writer_free(writer);
    return good;
}
