/* From a KPI back to the rows it was worked out from, and the files and lines they came from. */
#ifndef AISLE_KPI_LINEAGE_H
#define AISLE_KPI_LINEAGE_H

#include "kpi/tables.h"

/* A cleaned row of a group. Everything is borrowed until the visit returns. */
struct lineage_row {
    const struct kpi_dataset *dataset;
    const struct batch *batch; /* its columns are the schema's fields */
    size_t row;
    int64_t source; /* number of the file it came from: folder_source tells which */
    int64_t line;   /* in that file */
};

/* Walks the rows of every dataset that the table's measures are over and that belong to the groups whose first
 * `key_count` keys (as texts, in the table's order) are `keys`: dataset by dataset, in each by day. A row is in the
 * group whether or not a measure's condition leaves it out. `visit` returns false to stop, with `error` set when it
 * failed. ERROR_USAGE when a key cannot be what the table has there. Rows come from the files as they are current now.
 */
bool lineage_walk(const struct kpi_store *store, const struct kpi_table *table, const char *const *keys, int key_count,
                  bool (*visit)(void *context, const struct lineage_row *row, struct error *error), void *context,
                  struct error *error);

#endif
