/* The records of a loaded block, and where the cells of each column lie. */
#ifndef AISLE_TABULAR_VALIDATE_RECORDS_H
#define AISLE_TABULAR_VALIDATE_RECORDS_H

#include "tabular/validate_load.h"

/* Plain records hold neither quotes nor NULs, are UTF-8, and have as many fields as the header: cell (r, c) ends at
 * ends[r * columns + c] of the scan, and begins after the end before. Others are listed in the worker's records, and
 * their cells end at ends[firsts[r] + c]; quoted ones are written anew behind the block. */
struct records {
    const char *data;
    size_t size;
    size_t rows;    /* blank lines left out */
    size_t columns; /* of the header */
    bool plain;
    bool ascii;
    bool has_cr;
};

/* Takes the loaded records apart. They may move: `loaded` and `records` then follow. */
bool records_find(struct worker *worker, struct loaded *loaded, const struct file_state *state, struct records *records,
                  struct error *error);

/* The record of a row. */
struct record records_row(const struct worker *worker, const struct records *records, size_t row);

/* The cells of a column for `count` rows from `row` on; valid until the next call. Columns in ascending order are
 * cheapest. */
struct cells records_cells(struct worker *worker, const struct records *records, size_t column, size_t row,
                           size_t count);

#endif
