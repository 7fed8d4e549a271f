/* Rows of typed columns as what was asked for: an aligned table, CSV, a JSON array of objects, or JSON lines. */
#ifndef AISLE_CLI_SHEET_H
#define AISLE_CLI_SHEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "tabular/value_text.h"

enum sheet_form { SHEET_TABLE, SHEET_CSV, SHEET_JSON, SHEET_JSON_LINES };

#define SHEET_NO_BAR SIZE_MAX

struct sheet_options {
    enum sheet_form form;
    FILE *out;
    const struct terms *terms;
    /* of SHEET_TABLE alone: */
    const bool *additive; /* which columns are summed in a last row, one for each; NULL: none */
    size_t bar;           /* the column whose values bars show, SHEET_NO_BAR for none */
    int64_t bar_full;     /* the value of a full bar; 0: the largest of the first rows */
    bool thousands;       /* separated in numbers */
};

struct sheet;

/* Names and kinds of `columns` are used; they and the options' pointers are borrowed until sheet_free. */
struct sheet *sheet_new(const struct value_column *columns, size_t count, const struct sheet_options *options,
                        struct error *error);

/* Writes rows `from` … `from + rows - 1` of columns that are named as the sheet's. */
bool sheet_write(struct sheet *sheet, const struct value_column *columns, size_t from, size_t rows,
                 struct error *error);

/* Writes what ends the sheet: sums below a table of more than one row, the bracket that closes a JSON array. */
bool sheet_finish(struct sheet *sheet, struct error *error);
void sheet_free(struct sheet *sheet);

#endif
