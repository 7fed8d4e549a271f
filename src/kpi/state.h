/* The engine's memory between runs: one trace for each thing it must know again.
 *
 *   keys/DATASET     key -> place, then the columns that children use            TRACE_REPLACE
 *   table/NAME       the table's keys -> its accumulators                        TRACE_REPLACE by day, else TRACE_ADD
 *   multiset/N       keys of a table not by day and a value -> how often         TRACE_ADD
 *   waits            dataset waited for, key waited for, dataset, key -> 1       TRACE_ADD
 *
 * A place is the partition (days since 1970) whose cleaned file holds the row, PLACE_WHOLE for a dataset that is kept
 * whole, or PLACE_PENDING + n for the n-th pending file. The runs that a change adds lie in one new file,
 * state/RUN.pack; which runs are current is the document "kpi/PIPELINE".
 */
#ifndef AISLE_KPI_STATE_H
#define AISLE_KPI_STATE_H

#include "base/arena.h"
#include "kpi/spec.h"
#include "kpi/trace.h"
#include "store/folder.h"
#include "tabular/term.h"

#define PLACE_WHOLE 0
#define PLACE_PENDING (INT64_C(1) << 40)

struct state;

enum state_kind { STATE_KEYS, STATE_TABLE, STATE_MULTISET, STATE_WAITS };

/* The state of a pipeline in a folder, as the last commit left it. `folder` NULL: an empty one in temporary files, for
 * KPIs that are not to be kept. `stale` is set when it was made under another spec, or by a program that kept another
 * state; it is empty then. */
struct state *state_open(const struct kpi_spec *spec, struct folder *folder, bool *stale, struct error *error);
void state_close(struct state *state);

struct trace_shape state_shape(const struct kpi_spec *spec, enum state_kind kind, int index);
const struct trace *state_trace(const struct state *state, enum state_kind kind, int index);

/* Appends a run; it is seen by state_trace at once. `change` and `run` name where packs go (NULL for a temporary
 * state). Entries must be sorted; none are nothing. Threads may append to different traces at once, each in a lane of
 * its own (0 … STATE_LANES - 1), which is a pack of its own. */
bool state_append(struct state *state, struct change *change, const char *run, unsigned lane, enum state_kind kind,
                  int index, const struct entries *entries, struct error *error);

/* Merges the tiers that are due, names the new pack and forgets packs that no run needs, and writes the document. */
bool state_commit(struct state *state, struct change *change, const char *run, struct error *error);

/* Loads the dictionary texts of a folder, and adds those entered since to a change. */
bool state_load_terms(struct folder *folder, struct terms *terms, struct error *error);
bool state_save_terms(struct folder *folder, struct terms *terms, struct change *change, const char *run,
                      struct error *error);

#endif
