/* What the C library (aisle.h) stands on: rows of a finished validation as Arrow streams. */
#ifndef AISLE_TASK_LIBRARY_H
#define AISLE_TASK_LIBRARY_H

#include "base/arena.h"
#include "tabular/arrow.h"
#include "tabular/csv_walk.h"

/* All that the batches of a stream need. Taken over by the stream. */
struct library_rows {
    struct arena *arena;   /* holds the schema */
    struct schema *schema; /* of the batches */
    struct terms *terms;
    struct batch **batches;
    size_t batch_count;
};

void library_rows_free(struct library_rows *rows);

/* A stream of the batches. On failure `rows` stay the caller's. */
bool library_stream_rows(struct ArrowArrayStream *out, struct library_rows *rows, struct error *error);

/* A stream of row_number, rejection_reasons and row, from the reject stream that validation wrote to `fd` (`size`
 * bytes). The descriptor is taken over. */
bool library_stream_rejects(struct ArrowArrayStream *out, int fd, uint64_t size, const struct csv_dialect *dialect,
                            struct error *error);

#endif
