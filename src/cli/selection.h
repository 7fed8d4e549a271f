/* The N rows with the largest or smallest value of a column, out of any number that pass by, in memory for N. */
#ifndef AISLE_CLI_SELECTION_H
#define AISLE_CLI_SELECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct selection {
    size_t columns;
    size_t most;      /* rows to keep */
    size_t by;        /* the column that decides */
    bool least_first; /* the smallest are wanted */
    int64_t *rows;    /* count * columns values, then the row's number; a heap with the worst kept row on top */
    size_t count;
    size_t capacity; /* rows there is room for */
    int64_t seen;
};

/* `most` at least 1. selection_free also after a failure. */
bool selection_init(struct selection *selection, size_t columns, size_t most, size_t by, bool least_first,
                    struct error *error);
void selection_free(struct selection *selection);

/* A row passes by; `values` has one value for each column. A null (COLUMN_NULL) in the deciding column comes after any
 * value, whichever end is wanted. */
bool selection_add(struct selection *selection, const int64_t *values, struct error *error);

/* Puts the rows in order, best first, those with equal values as they came. Nothing can be added afterwards. */
void selection_sort(struct selection *selection);
const int64_t *selection_row(const struct selection *selection, size_t index);

#endif
