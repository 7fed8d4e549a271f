/* A view of a parent dataset: from key to slot, from slot to the columns that children use.
 *
 * Slots come first for the rows of the step at hand, then for keys found in the state. Children look parents up a
 * portion at a time and read the columns as codes (kpi/coding.h).
 */
#ifndef AISLE_KPI_VIEW_H
#define AISLE_KPI_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/thread.h"
#include "kpi/coding.h"
#include "kpi/rows.h"
#include "kpi/trace.h"

#define SLOT_NONE UINT32_MAX

/* From key to slot. */
struct key_map {
    int64_t least; /* dense: slots[key - least] */
    uint64_t span;
    uint32_t *slots; /* dense, with SLOT_NONE after the last; or the hash table's */
    int64_t *keys;   /* the hash table's; NULL when dense */
    uint64_t mask;
};

struct view {
    const struct kpi_dataset *dataset;
    const struct row_list *rows; /* live rows have the first slots; NULL: none */
    uint32_t *first_slot;        /* of each item of `rows` */
    uint32_t row_slots;          /* slots that rows took */
    uint32_t slots;
    struct key_map of_rows;
    struct key_map of_found; /* keys found in the state, slot row_slots + i */
    int64_t *found_values[KPI_MAX_COLUMNS];
    uint32_t *codes[KPI_MAX_COLUMNS]; /* by position in dataset->parent_columns, then by slot */
};

/* Maps the live rows (NULL: no rows). The list must outlive the view. */
bool view_open(struct view *view, const struct kpi_dataset *dataset, const struct row_list *rows, struct error *error);

/* Of `count` keys in `wanted`, those that have no slot yet and are in the state (`trace`: the dataset's key index) get
 * one. Sorts `wanted`. Called at most once, before view_fill. */
bool view_extend(struct view *view, const struct trace *trace, int64_t *wanted, size_t count, struct error *error);

/* Widens `*low` … `*high` to the values of a column (by position in parent_columns) of the keys found in the state.
 * False when there are none. */
bool view_bounds(const struct view *view, int position, int64_t *low, int64_t *high);

/* Codes the columns for every slot. `codings` stand in the order of parent_columns. */
bool view_fill(struct view *view, struct team *team, struct coding *codings, struct error *error);

void view_find(const struct view *view, const int64_t *keys, size_t count, uint32_t *slots);
void view_close(struct view *view);

#endif
