/* Aisle as a C library: CSV files into validated Arrow batches.
 *
 * Link with -laisle. Results leave through the Arrow C stream interface, so any engine that takes it (pyarrow, Polars,
 * DuckDB, Spark through Arrow Java) reads them without copying; its structures come from that engine's headers, or from
 * arrow.apache.org/docs/format/CStreamInterface.html.
 */
#ifndef AISLE_H
#define AISLE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ArrowArrayStream;

struct aisle_counts {
    uint64_t read; /* data rows; always valid + rejected */
    uint64_t valid;
    uint64_t rejected;
};

/* Validates the CSV file `csv_path` (plain, gzip or zstd) against the Table Schema in `schema_path` with `threads`
 * threads (0: one for each processor).
 *
 * `valid` gives the valid rows in file order, a column for each field of the schema in its order and type. `rejected`,
 * which may be NULL, gives row_number (int64; the header is row 1), rejection_reasons (utf8) and row (binary, the
 * line as it came) of the others. Each is released by whoever imports it.
 *
 * Returns 0, or another number with a sentence that a user can act on in `message` (cut to `message_size` bytes with
 * the NUL): the schema is wrong, the file cannot be read, or it is broken as a whole. Then nothing is given. */
int aisle_validate_csv(const char *schema_path, const char *csv_path, unsigned threads, struct ArrowArrayStream *valid,
                       struct ArrowArrayStream *rejected, struct aisle_counts *counts, char *message,
                       size_t message_size);

#ifdef __cplusplus
}
#endif

#endif
