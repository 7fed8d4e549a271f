/* The engine: batches of validated rows in, exact KPIs and cleaned rows out, one step at a time.
 *
 * A step deduplicates its rows among themselves and against the state, finds the parents of every row, and works out
 * what changes. Tables by day are worked out from all rows of the days that it touched: at once where the step holds
 * them all, else when the steps are over, from the cleaned rows. For other tables rows that are new count +1, and rows
 * that are replaced or whose parent changed leave with -1 and come again. The changes of all tables, indexes and
 * cleaned files of a run become visible together when the run's change commits.
 */
#ifndef AISLE_KPI_ENGINE_H
#define AISLE_KPI_ENGINE_H

#include "base/thread.h"
#include "kpi/rows.h"
#include "kpi/spec.h"
#include "kpi/state.h"

/* What became of the rows of one dataset in this run. read = valid + rejected + duplicate + pending holds once the
 * caller adds what validation read and rejected. */
struct engine_counts {
    uint64_t valid, duplicate, pending;
    uint64_t differing; /* duplicates that did not say the same as the row that stands */
    /* Rows of earlier runs that this one moved from one state to another. */
    uint64_t valid_replaced, pending_replaced, pending_resolved;
};

struct engine_options {
    const struct kpi_spec *spec;
    struct terms *terms;
    struct team *team;
    struct folder *folder; /* NULL: KPIs only, nothing is kept and no cleaned rows are written */
    struct change *change;
    const char *run;
    int64_t first_source; /* source numbers from here on are of this run */
    uint64_t step_rows;   /* cleaned rows that are read back at once, at least those of a day; 0: 4 million */
};

struct engine;

/* Rebuilds the state from the cleaned rows, which are written anew, when the spec has changed since. */
struct engine *engine_new(const struct engine_options *options, struct error *error);
void engine_free(struct engine *engine);

/* Takes in one step: `lists[d]` holds the rows of dataset d in order of arrival. They belong to the engine from now on,
 * also on failure. */
bool engine_step(struct engine *engine, struct row_list *lists, struct error *error);

/* Works out the days whose rows came in several steps; engine_state does not tell them before. Called once all steps
 * are done. */
bool engine_close_days(struct engine *engine, struct error *error);

/* Puts all that the steps did into the change (nothing to do without a folder). */
bool engine_finish(struct engine *engine, struct error *error);

const struct engine_counts *engine_counts(const struct engine *engine, int dataset);
uint64_t engine_days(const struct engine *engine); /* partitions whose KPIs were worked out anew */
const struct state *engine_state(const struct engine *engine);
bool engine_rebuilt(const struct engine *engine); /* the spec had changed */

#endif
