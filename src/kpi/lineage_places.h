/* Which places can hold rows of a group, as far as the state tells without reading rows. */
#ifndef AISLE_KPI_LINEAGE_PLACES_H
#define AISLE_KPI_LINEAGE_PLACES_H

#include "kpi/tables.h"

/* The first keys of a group. */
struct lineage_keys {
    int count;
    const char *const *texts;
    int64_t values[KPI_MAX_KEYS];
};

/* Leaves of `places` those where rows of the dataset can have these keys of the table. What narrows them: a key that is
 * the day, its month, or the key of the dataset or of the parent that gives the day; and tables and multisets that hold
 * these keys, or some of them, by day. */
bool lineage_narrow(const struct kpi_store *store, const struct kpi_table *table, const struct lineage_keys *keys,
                    int dataset, int64_t *places, size_t *count, struct error *error);

/* Whether a measure of the table is over the rows of a dataset itself. */
bool lineage_is_over(const struct kpi_table *table, int dataset);

#endif
