/* Parquet files (github.com/apache/parquet-format), written for and read from the field's other engines.
 *
 * Written: format version 2.6 logical types, data pages V1, one or more row groups, PLAIN, RLE_DICTIONARY,
 * DELTA_BINARY_PACKED, DELTA_LENGTH_BYTE_ARRAY and DELTA_BYTE_ARRAY (chosen for each column of a row group from a
 * sample of it), SNAPPY where that gains a quarter, ZSTD where it gains a tenth, and uncompressed where not, least and
 * largest value and null count of each column. Every column is OPTIONAL with definition levels. Read: the same, and
 * what DuckDB, Polars, pyarrow and Spark write of flat columns: data pages V1 and V2, REQUIRED columns,
 * PLAIN_DICTIONARY, BYTE_STREAM_SPLIT, INT32/INT64/FIXED_LEN_BYTE_ARRAY/INT96 forms of the types below. Nested columns,
 * encryption and other codecs (GZIP) are a clear error. A file may be anybody's: what it claims is checked against its
 * size before memory is taken, and no content of it does worse than an error or other values.
 */
#ifndef AISLE_TABULAR_PARQUET_H
#define AISLE_TABULAR_PARQUET_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "tabular/column.h"
#include "tabular/term.h"

enum parquet_codec { PARQUET_UNCOMPRESSED, PARQUET_SNAPPY, PARQUET_ZSTD };

struct parquet_field {
    const char *name;
    enum column_kind kind; /* TERM and TEXT are written as STRING, INTEGER INT64, DECIMAL DECIMAL(18, scale) on
                              INT64, DATE, TIMESTAMP(MICROS, UTC), BOOLEAN. Not ABSENT */
    int scale;
};

struct parquet_writer;

/* Begins a file on an open descriptor of an empty file. `terms` renders term codes. The file is complete
 * after parquet_finish; syncing and naming it is the caller's. */
struct parquet_writer *parquet_create(int fd, const char *path, const struct parquet_field *fields, size_t field_count,
                                      enum parquet_codec codec, const struct terms *terms, struct error *error);

/* Values of one column for one row group. Of text columns `texts` is set ({NULL, 0} is null), of others `values`
 * (COLUMN_NULL is null). */
struct parquet_values {
    const int64_t *values;
    const struct str *texts;
};

/* Writes one row group of `rows` rows, `values` holding one entry a field. */
bool parquet_write_group(struct parquet_writer *writer, const struct parquet_values *values, size_t rows,
                         struct error *error);

/* Writes the footer; `*size_bytes` is the length of the file. */
bool parquet_finish(struct parquet_writer *writer, uint64_t *size_bytes, struct error *error);

/* Makes the writer begin another file of the same fields, codec and terms, whatever became of the last one; its memory
 * is used again, so that many small files are cheap. */
bool parquet_restart(struct parquet_writer *writer, int fd, const char *path, struct error *error);

void parquet_writer_free(struct parquet_writer *writer);

struct parquet_reader;

/* Opens a file and reads its footer. */
struct parquet_reader *parquet_open(const char *path, struct error *error);
void parquet_reader_free(struct parquet_reader *reader);

size_t parquet_field_count(const struct parquet_reader *reader);
/* STRING columns are of kind TEXT. Decimals of any precision are read as long as a value fits 64 bits; nanoseconds are
 * cut to microseconds. Floats and doubles are read as TEXT in the shortest form that gives the same number, times of
 * day as "23:59:59.5", UUIDs in hexadecimal, bytes as they are. */
const struct parquet_field *parquet_field_at(const struct parquet_reader *reader, size_t field);
int parquet_find(const struct parquet_reader *reader, const char *name); /* -1: none */
size_t parquet_group_count(const struct parquet_reader *reader);
/* At most 8192 for each byte of the file. */
uint64_t parquet_group_rows(const struct parquet_reader *reader, size_t group);
uint64_t parquet_row_count(const struct parquet_reader *reader);

/* Decodes one column of one row group. TEXT columns go to `values` as terms when `terms` is not NULL, else to
 * `texts`, whose bytes live until the next call for the same reader or its end. `values` or `texts` has room for
 * parquet_group_rows elements. */
bool parquet_read_column(struct parquet_reader *reader, size_t group, size_t field, struct terms *terms,
                         int64_t *values, struct str *texts, struct error *error);

#endif
