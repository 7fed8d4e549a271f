/* From a block of a file to the bytes of its whole records. */
#ifndef AISLE_TABULAR_VALIDATE_LOAD_H
#define AISLE_TABULAR_VALIDATE_LOAD_H

#include "tabular/validate_internal.h"

/* The records of a block: each complete, ended by a newline (added after the last of a file where it is missing). */
struct loaded {
    char *data; /* in the worker's room */
    size_t size;
    uint64_t lines; /* newlines of the file before them */
};

/* Reads a block, learns its place and passes on the next one's, and reads on to the end of its last record. `size` is 0
 * when no record is this block's to judge. What breaks the file is told by file_break, and `*wanted` set to false, as
 * it is where an earlier block broke it. */
bool block_load(struct validation *validation, size_t index, struct worker *worker, struct loaded *loaded, bool *wanted,
                struct error *error);

/* Makes room in the worker for `size` bytes of a block and `spill` bytes behind them; what was read is kept. */
bool worker_reserve(struct worker *worker, size_t size, size_t spill, struct error *error);

/* Where the worker's block lies. */
static inline char *worker_data(const struct worker *worker)
{
    return worker->bytes + CSV_PADDING;
}

/* Finds the fields of the loaded records. */
bool worker_scan(struct worker *worker, const struct loaded *loaded, const struct csv_dialect *dialect,
                 size_t *consumed, struct error *error);

#endif
