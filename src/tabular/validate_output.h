/* Rejected rows with their reasons, and valid rows as they came, on their way to files. */
#ifndef AISLE_TABULAR_VALIDATE_OUTPUT_H
#define AISLE_TABULAR_VALIDATE_OUTPUT_H

#include "tabular/validate_records.h"

#define OUTPUT_PADDING 16

/* Appends a rejected row: its bytes, the reasons as one field (OUTPUT_PADDING bytes after them must be readable and
 * neither delimiter, quote nor newline), and its number. */
void output_reject(struct buffer *into, const struct csv_dialect *dialect, struct str record, struct str reasons,
                   uint64_t row_number);

/* Writes the header line of a file's valid rows. */
bool output_begin(const struct file_state *state, struct error *error);

/* Writes what a block made, in its place after the blocks before; the first reject brings the header along. */
bool output_write(const struct file_state *state, const struct chain_output *before, struct str rejects,
                  struct str valid, struct error *error);

/* Length of the reject stream that holds so many bytes of rows. */
uint64_t output_rejects_size(const struct file_state *state, uint64_t rows_size);

#endif
