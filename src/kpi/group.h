/* Grouping: from joined tuples to what each table and multiset gains.
 *
 * Every partition is grouped on its own, by one worker, with tables small enough for its cache. What comes out are
 * entries (kpi/trace.h) that add up, whatever was grouped where; rows that leave count with weight -1.
 */
#ifndef AISLE_KPI_GROUP_H
#define AISLE_KPI_GROUP_H

#include "base/thread.h"
#include "kpi/fact.h"
#include "kpi/trace.h"

/* Entries that grow, by column. */
struct entry_list {
    struct entries entries;
    size_t capacity;
};

struct gains {
    struct entry_list *tables;    /* by table: keys, then its accumulators */
    struct entry_list *multisets; /* by multiset: the table's keys and the value, then the count */
};

bool gains_new(struct gains *gains, const struct kpi_spec *spec, struct error *error);
void gains_free(struct gains *gains, const struct kpi_spec *spec);

struct trace_shape table_shape(const struct kpi_table *table);
struct trace_shape multiset_shape(const struct kpi_spec *spec, int multiset);

/* Makes room for `more` entries; the caller writes them at entries.count and raises it. */
bool entry_list_reserve(struct entry_list *list, const struct trace_shape *shape, size_t more, struct error *error);

struct group_input {
    const struct kpi_spec *spec;
    const struct fact *fact;
    const struct joined *joined;
    struct terms *terms;
    const struct coding *partition; /* by which the partitions are numbered */
    int weight;                     /* +1 or -1 */
    bool count_here; /* nothing is in the state and nothing will be: multisets of tables keyed by the partition
                        are counted at once and not handed out */
};

/* Groups all partitions into `gains` (one for each worker of the team). */
bool group_rows(const struct group_input *input, struct team *team, struct gains *gains, struct error *error);

/* Whether a multiset is counted within its partition under `count_here`: its values never meet another partition, and
 * one distinct count is all that is asked of it. */
bool multiset_counted_here(const struct kpi_spec *spec, int multiset);

#endif
