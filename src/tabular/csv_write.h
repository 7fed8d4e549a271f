/* CSV written (RFC 4180), lines ended by LF.
 *
 * A field is quoted when it holds a comma, a quote, CR or LF, and when it is an empty text, so that an empty text ("")
 * and a null (nothing) stay apart. Failures stay in the buffer.
 */
#ifndef AISLE_TABULAR_CSV_WRITE_H
#define AISLE_TABULAR_CSV_WRITE_H

#include "tabular/value_text.h"

/* A text as a field. */
void csv_write_text(struct buffer *into, struct str text);

/* The names as a header line. */
void csv_write_header(struct buffer *into, const struct value_column *columns, size_t count);

/* Rows `from` … `from + rows - 1`, a line each. `terms` renders term columns. */
void csv_write_rows(struct buffer *into, const struct value_column *columns, size_t count, const struct terms *terms,
                    size_t from, size_t rows);

#endif
