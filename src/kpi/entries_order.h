/* Ordering entries by key, equal keys in the order in which they came. */
#ifndef AISLE_KPI_ENTRIES_ORDER_H
#define AISLE_KPI_ENTRIES_ORDER_H

#include "kpi/trace.h"

/* Stable, for up to 2^32 - 1 entries (ERROR_LIMIT past that). On failure the entries are what they were, perhaps in
 * another order. */
bool entries_order(struct entries *entries, const struct trace_shape *shape, struct error *error);

#endif
