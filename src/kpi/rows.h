/* Rows on their way through the engine: batches of one dataset, with what is known about each row. */
#ifndef AISLE_KPI_ROWS_H
#define AISLE_KPI_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "kpi/spec.h"
#include "tabular/column.h"

/* A batch with its lineage. Rows from files have one source and the batch's own lines; rows that come back from
 * cleaned or pending files have a source and a line each. */
struct rows {
    struct batch *batch;
    int64_t source; /* number of the source file (store/folder.h), when `sources` is NULL */
    int64_t *sources;
    int64_t *source_lines;
    uint64_t *dead;      /* a bit a row: takes no part any more (a duplicate, or pending); NULL: none */
    uint32_t *partition; /* code of each row's partition, where joining was asked to keep it; NULL: not */
    bool borrowed;       /* batch, sources and lines belong to somebody else */
};

/* All rows of one dataset that one step deals with, in order of arrival. */
struct row_list {
    struct rows *items;
    size_t count;
    size_t capacity;
};

bool row_list_add(struct row_list *list, struct rows rows, struct error *error);
void row_list_free(struct row_list *list); /* frees the batches too, unless they are borrowed */
uint64_t row_list_live(const struct row_list *list);

static inline bool rows_is_dead(const struct rows *rows, size_t row)
{
    return rows->dead && (rows->dead[row >> 6] >> (row & 63) & 1) != 0;
}

/* Marks a row dead; the bits are made when needed. */
bool rows_kill(struct rows *rows, size_t row, struct error *error);

int64_t rows_source(const struct rows *rows, size_t row);
int64_t rows_line(const struct rows *rows, size_t row);

/* Values of a column that needs no parent, for rows from … from + count - 1; COLUMN_NULL for null. A product that
 * does not fit 64 bits is an ERROR_LIMIT that names the column. `count` is at most ROWS_PORTION. */
#define ROWS_PORTION 1024
bool rows_evaluate(const struct kpi_dataset *dataset, int column, const struct batch *batch, size_t from, size_t count,
                   int64_t *values, struct error *error);

/* The operators alone, over values at hand (used where an argument comes from a parent). */
bool rows_operate(const struct kpi_column *column, const int64_t *a, const int64_t *b, size_t count, int64_t *values,
                  struct error *error);

/* Whether the column or one of its arguments comes from a joined dataset. */
bool column_needs_parent(const struct kpi_dataset *dataset, int column);

/* Smallest and largest value that a column of this list can have, as far as cheap to tell; INT64_MIN + 1 and
 * INT64_MAX when nothing is known. False when every value is null. Not for columns that need a parent. */
bool row_list_bounds(const struct row_list *list, const struct kpi_dataset *dataset, int column, int64_t *low,
                     int64_t *high);

/* The same for a field, and the largest unit in which all its values lie apart (1 or a second's microseconds). */
bool row_list_field_bounds(const struct row_list *list, int field, int64_t *low, int64_t *high, int64_t *unit);

#endif
