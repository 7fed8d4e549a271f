/* The tables of a data folder, in its database. */
#ifndef AISLE_TABLE_LOCAL_LOCAL_TABLES_H
#define AISLE_TABLE_LOCAL_LOCAL_TABLES_H

#include "store/local/local.h"
#include "table/tables.h"

struct local_tables_options {
    struct local_store *store; /* whose database it is; outlives the tables */
    const char *region;        /* for ARNs: "us-east-1" */
    const char *account;       /* "000000000000" */
};

struct tables *local_tables_open(const struct local_tables_options *options, struct error *error);

/* One round: items whose time to live has passed are removed, and what dropped tables have left. In steps, so that
 * others' writes come in between. */
bool local_tables_upkeep(struct tables *tables, int64_t now_us, uint64_t *expired, struct error *error);
/* Rounds end at their next step; for good. From any thread. */
void local_tables_stop(struct tables *tables);

#endif
