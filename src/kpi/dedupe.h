/* Of several rows with one key in one step, the newest stands: the one with the latest of the schema's version
 * timestamps, then the one that arrived later. The others are marked dead and counted. */
#ifndef AISLE_KPI_DEDUPE_H
#define AISLE_KPI_DEDUPE_H

#include "kpi/rows.h"

struct dedupe_result {
    uint64_t duplicates; /* rows marked dead */
    uint64_t differing;  /* of these, how many do not say the same as the row that stands */
};

bool dedupe_rows(const struct kpi_dataset *dataset, struct row_list *list, struct dedupe_result *result,
                 struct error *error);

/* The latest of a row's version timestamps, COLUMN_NULL when it has none. */
int64_t row_version(const struct kpi_dataset *dataset, const struct batch *batch, size_t row);

/* Whether two rows hold the same values in every field. */
bool rows_equal(const struct batch *a, size_t row_a, const struct batch *b, size_t row_b);

#endif
