/* Rejected rows with their reasons, and valid rows as they came, on their way to files. */
#ifndef AISLE_TABULAR_VALIDATE_OUTPUT_H
#define AISLE_TABULAR_VALIDATE_OUTPUT_H

#include "tabular/validate_records.h"

#define OUTPUT_PADDING 16

struct reject_row {
    struct str record;  /* its bytes, without the line's end */
    size_t columns;     /* the header's number of cells, for a record that is wrong as a whole; 0: it goes as it is */
    struct str reasons; /* OUTPUT_PADDING bytes after them must be readable and neither delimiter, quote nor newline */
    uint64_t number;
};

/* Appends a rejected row: its record, the reasons as one cell, and its number. With `columns` the record gets that many
 * cells, so that what follows stands under its own header: a short one empty cells, while the rest of a long one, as it
 * came, becomes the text of the last cell; a cell that is quoted wrongly becomes one whose text it is. In a dialect
 * without quotes such texts have ';' (or ',', where ';' is the delimiter) for the delimiter and a space for a line's
 * end. */
void output_reject(struct buffer *into, const struct csv_dialect *dialect, const struct reject_row *row);

/* What the header of reject rows has after the file's own, with its newline; `room` holds it. */
#define OUTPUT_REJECT_COLUMNS 30
struct str output_reject_columns(char delimiter, char room[OUTPUT_REJECT_COLUMNS + 1]);

/* Writes the header line of a file's valid rows. */
bool output_begin(const struct file_state *state, struct error *error);

/* Writes what a block made, in its place after the blocks before; the first reject brings the header along. */
bool output_write(const struct file_state *state, const struct chain_output *before, struct str rejects,
                  struct str valid, struct error *error);

/* Length of the reject stream that holds so many bytes of rows. */
uint64_t output_rejects_size(const struct file_state *state, uint64_t rows_size);

#endif
