/* What tables and multisets gain in a step: lists of entries (kpi/trace.h) that grow, one set of them for each worker.
 */
#ifndef AISLE_KPI_GAINS_H
#define AISLE_KPI_GAINS_H

#include "kpi/spec.h"
#include "kpi/trace.h"

/* Entries that grow, by column. */
struct entry_list {
    struct entries entries;
    size_t capacity;
};

struct gains {
    struct entry_list *tables;    /* by table: keys, then its accumulators */
    struct entry_list *erased;    /* by table by day: groups that lost rows, with all accumulators 0 */
    struct entry_list *multisets; /* by multiset: the table's keys and the value, then the count */
};

bool gains_new(struct gains *gains, const struct kpi_spec *spec, struct error *error);
void gains_free(struct gains *gains, const struct kpi_spec *spec);

/* Tables by day are replaced, day by day; what others gain adds up. */
struct trace_shape table_shape(const struct kpi_table *table);
struct trace_shape multiset_shape(const struct kpi_spec *spec, int multiset);

/* Makes room for `more` entries; the caller writes them at entries.count and raises it. */
bool entry_list_reserve(struct entry_list *list, const struct trace_shape *shape, size_t more, struct error *error);

/* An extreme under way: a number that is larger the more extreme the value is, and 0 for none, so that accumulators
 * begin at 0 and those of a group that stand in several entries add up. */
static inline uint64_t extreme_of(enum kpi_measure_kind kind, int64_t value)
{
    uint64_t above = (uint64_t)value ^ (uint64_t)INT64_MIN;
    return kind == MEASURE_MAX ? above : 0 - above;
}

/* The value again; COLUMN_NULL for none. */
static inline int64_t extreme_value(enum kpi_measure_kind kind, uint64_t extreme)
{
    return (int64_t)((kind == MEASURE_MAX ? extreme : 0 - extreme) ^ (uint64_t)INT64_MIN);
}

#endif
