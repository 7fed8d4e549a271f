/* A trace: a sorted map that only ever grows by runs, kept on disk in tiers.
 *
 * Everything that the engine remembers between runs is a trace: which keys of a dataset were taken and where their
 * rows lie, the partial sums of each KPI group, how often each distinct value occurs in each group, which lines wait
 * for which key. One commit appends one sorted run to each trace it touches; a reader merges the runs. Entries are
 * tuples of int64: `keys` key columns, ordered column by column as signed numbers, then `values` value columns.
 *
 * Two runs that hold the same key combine by the trace's merge:
 *   TRACE_ADD      values add up (overflow is an error); a key whose values are all zero is not there;
 *   TRACE_REPLACE  the newer run's values stand.
 *
 * A run on disk is blocks of up to 256 entries, each column packed as narrow as its block's values, a directory of the
 * blocks' first keys, a footer with counts, first and last key, and a checksum (XXH3) for each block and each page of
 * the directory. run_format.c tells the layout byte by byte.
 */
#ifndef AISLE_KPI_TRACE_H
#define AISLE_KPI_TRACE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define TRACE_MAX_KEYS 4
#define TRACE_MAX_VALUES 25 /* a table's measures and its count of rows */

enum trace_merge { TRACE_ADD, TRACE_REPLACE };

struct trace_shape {
    int keys;
    int values;
    enum trace_merge merge;
};

/* Entries by column, sorted by key, no key twice. */
struct entries {
    size_t count;
    int64_t *key[TRACE_MAX_KEYS];
    int64_t *value[TRACE_MAX_VALUES];
};

/* Room for `capacity` entries of a shape; entries_free frees the columns. */
bool entries_new(struct entries *entries, const struct trace_shape *shape, size_t capacity, struct error *error);
void entries_free(struct entries *entries);

/* Sorts entries by key (radix sort, any order in) and merges equal keys by the shape's merge, later ones being
 * newer; under TRACE_ADD drops those that come to nothing. */
bool entries_sort(struct entries *entries, const struct trace_shape *shape, struct error *error);

/* Where a run lies: part of a file, so that one commit's runs share one file and one sync. */
struct run_place {
    const char *path;
    uint64_t offset;
    uint64_t size;
    uint64_t entries;
};

/* Appends the encoded run to an open file, at `*offset`, which moves on (past a few zero bytes that put the run at a
 * multiple of 8); fills all of `place` but `path`. The entries must be as entries_sort leaves them; that keys ascend is
 * tested (ERROR_INTERNAL). No entries give a place of size 0. */
bool run_write(int fd, const char *path, uint64_t *offset, const struct trace_shape *shape,
               const struct entries *entries, struct run_place *place, struct error *error);

struct trace;

/* Opens a trace of `count` runs, oldest first (0 runs: an empty trace). Files are mapped, not read; a checksum is
 * tested when its block is first used. Files must not be cut short while they are mapped. The shape must be the one the
 * runs were written with. */
struct trace *trace_open(const struct trace_shape *shape, const struct run_place *runs, size_t count,
                         struct error *error);
void trace_close(struct trace *trace);

/* Entries over all runs, counting a key once for each run that holds it. */
uint64_t trace_entries(const struct trace *trace);

/* Looks up `count` keys (columns as in struct entries; any order, fastest when ascending). `found[i]` says whether
 * key i is there and values[v][i] is set then (0 otherwise). Safe from several threads at once. */
bool trace_probe(const struct trace *trace, int64_t *const *keys, size_t count, bool *found, int64_t *const *values,
                 struct error *error);

/* Walks the merged entries whose first `prefix_keys` key columns equal `prefix` (0: all) and, when `from` / `to` are
 * not NULL, whose next key column lies in *from … *to, in key order, some at a time: `visit` gets each portion.
 * `visit` returns false to stop (then with `error` set it is a failure). */
bool trace_scan(const struct trace *trace, const int64_t *prefix, int prefix_keys, const int64_t *from,
                const int64_t *to, bool (*visit)(void *context, const struct entries *portion, struct error *error),
                void *context, struct error *error);

/* Which runs should be merged into one now that the trace has these: sizes in entries, oldest first. Gives the range
 * [*first, *first + *count) of neighbours, or count 0 when nothing is due. Tiers grow by a factor of 4, so that an
 * entry is rewritten about log4(n) times and a trace of n entries has at most about 3 log4(n) runs. `ceiling` is the
 * most entries worth rewriting now (0: any). */
void trace_due(const uint64_t *entries, size_t runs, uint64_t ceiling, size_t *first, size_t *count);

/* Merges runs `first` … `first + count - 1` of the trace into one run, streamed with bounded memory to `fd` as
 * run_write does. Under TRACE_ADD keys that come to nothing within the range vanish, as they add nothing to any other
 * run; under TRACE_REPLACE no key does. `fd` may be a file that
 * the trace's own runs lie in, for it is only appended to. */
bool trace_merge_runs(const struct trace *trace, size_t first, size_t count, int fd, const char *path, uint64_t *offset,
                      struct run_place *place, struct error *error);

/* Reads a whole run and checks every checksum and order; for fsck and for fuzzing. */
bool run_verify(const struct trace_shape *shape, const struct run_place *place, struct error *error);

#endif
