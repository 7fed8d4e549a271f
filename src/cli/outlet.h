/* Where exported rows go: CSV, JSON lines or Parquet, to a file or to standard output. */
#ifndef AISLE_CLI_OUTLET_H
#define AISLE_CLI_OUTLET_H

#include <stdio.h>

#include "base/error.h"
#include "tabular/value_text.h"

enum outlet_format { OUTLET_CSV, OUTLET_JSON_LINES, OUTLET_PARQUET };

struct outlet;

/* `path` NULL is standard output, which must not be a terminal for Parquet. A file is written beside its place as
 * PATH.part and gets its name in outlet_finish; what was there under that name stays until then. Names and kinds of
 * `columns` are used; they, `path` and `terms` are borrowed until outlet_free. */
struct outlet *outlet_open(enum outlet_format format, const char *path, const struct value_column *columns,
                           size_t count, const struct terms *terms, struct error *error);

/* Writes all `rows` rows of columns that are named as the outlet's. */
bool outlet_write(struct outlet *outlet, const struct value_column *columns, size_t rows, struct error *error);

bool outlet_finish(struct outlet *outlet, struct error *error);

/* Without outlet_finish nothing is left of a file. */
void outlet_free(struct outlet *outlet);

#endif
