/* One step of the engine from within: shared by the files that carry it out. */
#ifndef AISLE_KPI_STEP_H
#define AISLE_KPI_STEP_H

#include "kpi/cleaned.h"
#include "kpi/engine.h"
#include "kpi/fact.h"
#include "kpi/group.h"
#include "kpi/view.h"

/* Partitions, in any order and more than once. */
struct day_list {
    int64_t *items;
    size_t count, capacity;
};

struct engine {
    struct engine_options options;
    struct state *state;
    struct cleaned *cleaned; /* NULL without a folder */
    struct engine_counts counts[KPI_MAX_DATASETS];
    struct day_list days;      /* partitions touched */
    struct day_list open_days; /* of these, whose tables by day are still to be worked out, from the cleaned rows */
    int64_t next_pending;
    bool rebuilding; /* rows come from cleaned files: they are not counted */
    bool rebuilt;
};

/* A place of the state whose rows were read back, and what becomes of them. */
struct loaded {
    int dataset;
    int64_t place;
    struct rows rows;
    struct key_row *keys; /* ascending; made when first needed */
    uint64_t *removed;    /* a bit a row: not in the place any more */
    uint64_t *leaving;    /* counts -1, with the parents of old */
    uint64_t *arriving;   /* counts +1 again, with the parents of now */
    bool changed;         /* its files must be written anew */
    bool written;
};

struct step {
    struct engine *engine;
    const struct kpi_spec *spec;
    struct row_list slice[KPI_MAX_DATASETS];    /* the new rows */
    struct row_list arriving[KPI_MAX_DATASETS]; /* rows of the state that come again or for the first time */
    struct row_list leaving[KPI_MAX_DATASETS];
    struct loaded *loaded;
    size_t loaded_count, loaded_capacity;
    struct entry_list waits; /* changes of the trace of that name */
    struct coding partition;
    struct coding *codings[KPI_MAX_DATASETS]; /* of each dataset's parent columns */
    struct view fresh[KPI_MAX_DATASETS];      /* parents as they are now */
    struct view old[KPI_MAX_DATASETS];        /* and as they were */
    struct fact fact[KPI_MAX_DATASETS];
    struct joined new_rows[KPI_MAX_DATASETS]; /* of slice */
    struct joined come[KPI_MAX_DATASETS];     /* of arriving */
    struct joined gone[KPI_MAX_DATASETS];     /* of leaving */
    struct gains *gains;                      /* by worker */
    int64_t pending_place;                    /* of rows that this step leaves waiting; 0: none yet */
    bool *whole;                              /* by partition: all its rows are in the step */
    bool days_only;                           /* the rows stand already; tables by day alone are worked out from them */
};

void step_free(struct step *step);

static inline bool bit_is_set(const uint64_t *bits, size_t i)
{
    return (bits[i >> 6] >> (i & 63) & 1) != 0;
}

static inline void bit_set(uint64_t *bits, size_t i)
{
    bits[i >> 6] |= UINT64_C(1) << (i & 63);
}

/* history.c: what the new rows meet in the state. Fills arriving, leaving and waits, kills rows that change nothing. */
bool step_meet_history(struct step *step, struct error *error);

/* The place read back, once. NULL on failure. */
struct loaded *step_load(struct step *step, int dataset, int64_t place, struct error *error);
struct loaded *step_loaded(struct step *step, int dataset, int64_t place); /* NULL: was not read */

/* days.c: remembers the partitions that joining found rows in, and tells which of them are whole. Called again, of all
 * that was joined since. */
bool step_note_days(struct step *step, struct error *error);

/* join.c: views, facts, joining, and rows without a parent. */
bool step_join(struct step *step, struct error *error);

/* settle.c: gains to traces. */
bool step_settle(struct step *step, struct error *error);

/* writeback.c: key indexes, cleaned and pending files. */
bool step_write_back(struct step *step, struct error *error);

#endif
