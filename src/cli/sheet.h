/* Rows of typed values as what was asked for: an aligned table, CSV (RFC 4180, lines ended by LF), a JSON array of
 * objects, or JSON lines. */
#ifndef AISLE_CLI_SHEET_H
#define AISLE_CLI_SHEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "tabular/column.h"
#include "tabular/term.h"

enum sheet_form { SHEET_TABLE, SHEET_CSV, SHEET_JSON, SHEET_JSON_LINES };

struct sheet_column {
    const char *name;
    enum column_kind kind; /* not COLUMN_TEXT */
    int scale;
    bool additive; /* SHEET_TABLE: summed in a last row */
};

#define SHEET_NO_BAR SIZE_MAX

struct sheet_options {
    enum sheet_form form;
    FILE *out;
    const struct terms *terms;
    size_t bar;       /* SHEET_TABLE: the column whose values bars show, SHEET_NO_BAR for none */
    int64_t bar_full; /* the value of a full bar; 0: the largest of the first rows */
    bool thousands;   /* SHEET_TABLE: with thousands separators */
};

struct sheet;

/* `columns` is borrowed until sheet_free. */
struct sheet *sheet_new(const struct sheet_column *columns, size_t count, const struct sheet_options *options,
                        struct error *error);

/* Writes a row, a value for each column (COLUMN_NULL: an empty cell, null in JSON). */
bool sheet_row(struct sheet *sheet, const int64_t *values, struct error *error);

/* Writes what ends the sheet: sums below a table of more than one row, the bracket that closes a JSON array. */
bool sheet_finish(struct sheet *sheet, struct error *error);
void sheet_free(struct sheet *sheet);

#endif
