/* A table on its way from traces to results: what the files of kpi/tables share. */
#ifndef AISLE_KPI_TABLES_PRIVATE_H
#define AISLE_KPI_TABLES_PRIVATE_H

#include "kpi/gains.h"
#include "kpi/tables.h"

/* A range of a key column of traces, for trace_scan; NULL: no bound. */
struct range {
    int64_t from, to;
    const int64_t *from_or_all, *to_or_all;
};

struct loading {
    const struct kpi_view *view;
    const struct kpi_table *table;
    const struct kpi_filter *filter;
    int64_t wanted[KPI_MAX_KEYS]; /* the filter's keys */
    int prefix_keys;              /* of these, how many are looked for in the traces */
    struct range range;           /* of the key column after them */
    bool in_windows;
    bool (*visit)(void *context, struct kpi_result *result, struct error *error);
    void *context;
    struct entry_list entries;           /* keys and accumulators */
    int64_t *measured[KPI_MAX_MEASURES]; /* by row, in its shown scale; NULL: shown as it is accumulated */
};

/* Works out every measure of the rows that are loaded. */
bool loading_measure(struct loading *load, struct error *error);

/* A measure by row as it is shown. */
const int64_t *loading_shown(const struct loading *load, int measure);

/* Frees what was worked out. */
void loading_forget(struct loading *load);

/* A row of a number and where it stood; ordered by the number, then by the place. */
struct ranked {
    int64_t value;
    size_t row;
};
int ranked_descending(const void *a, const void *b);
int ranked_ascending(const void *a, const void *b);

#endif
