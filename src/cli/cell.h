/* One value of a table as text. */
#ifndef AISLE_CLI_CELL_H
#define AISLE_CLI_CELL_H

#include "base/buffer.h"
#include "tabular/column.h"
#include "tabular/term.h"

/* Appends a value of a kind other than text: decimals with all `scale` decimals ("12.50"), dates "2025-04-01",
 * timestamps in RFC 3339, booleans "true" and "false". A null is appended as nothing. */
void cell_append(struct buffer *into, enum column_kind kind, int scale, const struct terms *terms, int64_t value);

/* As cell_append, as a JSON value: numbers as they are, null as null, the rest as strings. */
void cell_append_json(struct buffer *into, enum column_kind kind, int scale, const struct terms *terms, int64_t value);

#endif
