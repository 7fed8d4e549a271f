/* Text tables: columns aligned, numbers to the right, bars where asked for, fitted to the terminal.
 *
 * The first rows (TABLE_MEASURED of them) are held back to learn the widths; from then on rows are written as they
 * come, so that a table of any length takes bounded memory. On a terminal that is too narrow, titles break after "_"
 * and spaces, then bars get shorter and go, then long texts are cut with an ellipsis, then columns on the right are
 * left out, which a last line says; a number, a date or an id is never cut. Where the stream is no terminal nothing is
 * left out.
 */
#ifndef AISLE_CLI_TABLE_H
#define AISLE_CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/error.h"
#include "base/str.h"
#include "cli/terminal.h"

#define TABLE_MEASURED 2000

enum table_kind {
    TABLE_TEXT,   /* to the left, cut where there is no room */
    TABLE_WHOLE,  /* to the left, never cut: dates, ids */
    TABLE_NUMBER, /* to the right; an empty cell shows as "-" */
    TABLE_BAR,    /* a bar for a value, as a share of the column's largest */
};

struct table_column {
    const char *title;
    enum table_kind kind;
    double full; /* TABLE_BAR: the value of a full bar; 0: the largest of the rows that are held back */
};

struct table;

/* A table that is written to `out`, with a header. `columns` is copied, titles are borrowed. */
struct table *table_new(FILE *out, const struct terminal *terminal, const struct table_column *columns, size_t count,
                        struct error *error);
void table_free(struct table *table);

/* Numbers with thousands separators. */
void table_separate_thousands(struct table *table);

/* The next cell of the row that is being made; a row's cells come in the columns' order. Failures are kept and told by
 * table_finish. */
void table_text(struct table *table, struct str text);
void table_bar(struct table *table, double value);
void table_blank(struct table *table);

/* Ends the row; cells that did not come are blank. */
void table_end_row(struct table *table);

/* As table_end_row, for a last row of sums: a line above it, and no part in the bars' scale. */
void table_end_totals(struct table *table);

/* Writes what is left. */
bool table_finish(struct table *table, struct error *error);

#endif
