/* Values of a column as plain text, and the columns that CSV and JSON lines are written from. */
#ifndef AISLE_TABULAR_VALUE_TEXT_H
#define AISLE_TABULAR_VALUE_TEXT_H

#include "base/buffer.h"
#include "base/str.h"
#include "tabular/column.h"
#include "tabular/term.h"

/* A column to be written. Of text columns `texts` is set ({NULL, 0} is null), of others `values` (COLUMN_NULL is null);
 * COLUMN_ABSENT needs neither. */
struct value_column {
    const char *name;
    enum column_kind kind;
    int scale;          /* of decimals */
    int least_decimals; /* zeros at the end of a decimal are left out, but never to fewer decimals than this; no other
                           digit is ever left out */
    const int64_t *values;
    const struct str *texts;
};

/* Appends a value that is neither null nor of a text column: a whole number, a decimal ("-12.50"), a date
 * ("2025-04-01"), a timestamp (RFC 3339 in UTC, "2025-04-01T12:30:00Z", with as many decimals of a second as it has),
 * "true" or "false", or the text of a term. Years outside 0000 to 9999 have a sign and as many digits as they need. */
void value_append(struct buffer *into, const struct value_column *column, const struct terms *terms, int64_t value);

#endif
