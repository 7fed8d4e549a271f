/* Grouping: from joined tuples to what each table and multiset gains.
 *
 * Every partition is grouped on its own, by one worker, with tables small enough for its cache. What comes out for
 * tables by day are their groups of that day, as they are to stand; for other tables, entries that add up, whatever was
 * grouped where. Rows that leave count with weight -1; of tables by day they give the groups they leave.
 */
#ifndef AISLE_KPI_GROUP_H
#define AISLE_KPI_GROUP_H

#include "base/thread.h"
#include "kpi/fact.h"
#include "kpi/gains.h"

struct group_input {
    const struct kpi_spec *spec;
    const struct fact *fact;
    const struct joined *joined;
    struct terms *terms;
    const struct coding *partition; /* by which the partitions are numbered */
    int weight;                     /* +1 or -1 */
    bool across;                    /* tables that are not by day gain */
    const bool *whole; /* by partition, with weight +1: all its rows are here, so tables by day are worked out. NULL:
                          none is */
};

/* Groups all partitions into `gains` (one for each worker of the team). */
bool group_rows(const struct group_input *input, struct team *team, struct gains *gains, struct error *error);

#endif
