/* What a server does beside answering: lifecycle rules and items' time to live, at their interval. */
#ifndef AISLE_CLI_UPKEEP_H
#define AISLE_CLI_UPKEEP_H

#include "http/metrics.h"
#include "store/local/local.h"
#include "table/tables.h"

struct upkeep;

/* Tells `metrics` of its families and begins; the first round comes at once. What fails goes to the log. */
struct upkeep *upkeep_start(struct local_store *store, struct tables *tables, struct metrics *metrics,
                            unsigned lifecycle_interval_seconds, struct error *error);
/* Breaks a round off between two steps, and waits. NULL is allowed. */
void upkeep_stop(struct upkeep *upkeep);

#endif
