/* JSON lines written (jsonlines.org): an object a row, one a line, with every column as a member.
 *
 * Whole numbers and decimals are JSON numbers with their exact decimal text, dates and timestamps strings, nulls null.
 * Bytes of a text that are not UTF-8 become U+FFFD. Failures stay in the buffer.
 */
#ifndef AISLE_TABULAR_JSON_LINES_H
#define AISLE_TABULAR_JSON_LINES_H

#include "tabular/value_text.h"

/* A value of a row as JSON, null included. `terms` renders term columns. */
void json_lines_value(struct buffer *into, const struct value_column *column, const struct terms *terms, size_t row);

/* Rows `from` … `from + rows - 1`, a line each. */
void json_lines_rows(struct buffer *into, const struct value_column *columns, size_t count, const struct terms *terms,
                     size_t from, size_t rows);

#endif
