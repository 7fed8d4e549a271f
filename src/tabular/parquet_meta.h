/* Parquet's metadata (parquet-format: parquet.thrift): the numbers it uses, the footer and the page headers.
 *
 * Shared by the writer and the reader; everything outside goes through tabular/parquet.h.
 */
#ifndef AISLE_TABULAR_PARQUET_META_H
#define AISLE_TABULAR_PARQUET_META_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "tabular/parquet.h"
#include "tabular/thrift_compact.h"

#define PARQUET_MAGIC "PAR1"

enum { PARQUET_MAGIC_SIZE = 4, PARQUET_TAIL_SIZE = 8 /* length of the footer, magic */ };

enum parquet_type {
    TYPE_BOOLEAN = 0,
    TYPE_INT32 = 1,
    TYPE_INT64 = 2,
    TYPE_INT96 = 3,
    TYPE_FLOAT = 4,
    TYPE_DOUBLE = 5,
    TYPE_BYTE_ARRAY = 6,
    TYPE_FIXED_LEN_BYTE_ARRAY = 7,
};

enum parquet_encoding {
    ENCODING_PLAIN = 0,
    ENCODING_PLAIN_DICTIONARY = 2,
    ENCODING_RLE = 3,
    ENCODING_BIT_PACKED = 4,
    ENCODING_DELTA_BINARY_PACKED = 5,
    ENCODING_DELTA_LENGTH_BYTE_ARRAY = 6,
    ENCODING_DELTA_BYTE_ARRAY = 7,
    ENCODING_RLE_DICTIONARY = 8,
    ENCODING_BYTE_STREAM_SPLIT = 9,
};

enum parquet_stored_codec {
    STORED_UNCOMPRESSED = 0,
    STORED_SNAPPY = 1,
    STORED_GZIP = 2,
    STORED_LZO = 3,
    STORED_BROTLI = 4,
    STORED_LZ4 = 5,
    STORED_ZSTD = 6,
    STORED_LZ4_RAW = 7,
};

enum parquet_page_type { PAGE_DATA = 0, PAGE_INDEX = 1, PAGE_DICTIONARY = 2, PAGE_DATA_V2 = 3 };

/* How a stored value becomes one of the field's kind. */
enum parquet_form {
    FORM_AS_IS,       /* BOOLEAN, INT32, INT64: the number */
    FORM_UNSIGNED_32, /* INT32 holding a UINT32 */
    FORM_UNSIGNED_64, /* INT64 holding a UINT64; over INT64_MAX is an error */
    FORM_MULTIPLIED,  /* the number times `factor` */
    FORM_DIVIDED,     /* the number divided by `factor`, towards minus infinity */
    FORM_INT96,       /* nanoseconds of the day, then a Julian day */
    FORM_BIG_DECIMAL, /* big-endian two's complement */
    FORM_FLOAT,       /* to text */
    FORM_DOUBLE,      /* to text */
    FORM_HALF,        /* IEEE 754 binary16, to text */
    FORM_TIME,        /* the number times `factor` is nanoseconds of the day; to text */
    FORM_TEXT,        /* the bytes */
    FORM_UUID,        /* 16 bytes, to text */
};

/* A column as the footer's schema describes it. */
struct parquet_leaf {
    struct parquet_field field; /* the name lives in the footer's bytes' copy */
    enum parquet_type type;
    enum parquet_form form;
    int64_t factor;
    uint32_t size; /* bytes of a FIXED_LEN_BYTE_ARRAY */
    bool optional;
};

/* Where a column of a row group lies. */
struct parquet_chunk {
    uint64_t start;  /* its first page, a dictionary perhaps */
    uint64_t size;   /* bytes of all its pages */
    uint64_t values; /* rows, nulls included */
    int32_t codec;
};

struct parquet_footer {
    struct parquet_leaf *leaves;
    size_t leaf_count;
    char *names;
    uint64_t *group_rows;
    struct parquet_chunk *chunks; /* leaf_count a group */
    size_t group_count;
    size_t group_room;
    uint64_t rows;
};

/* Parses a footer of a file of `file_size` bytes. What it describes lies within the file. Every failure says what is
 * wrong; the caller puts the path before it. The footer is freed by the caller in any case. */
bool footer_read(struct parquet_footer *footer, const uint8_t *data, size_t size, uint64_t file_size,
                 struct error *error);
void footer_free(struct parquet_footer *footer);

struct parquet_page_header {
    int32_t type; /* enum parquet_page_type, or one not known */
    int32_t encoding;
    int32_t level_encoding;
    uint32_t raw_size; /* bytes when unpacked, V2's levels included */
    uint32_t stored_size;
    uint32_t values;
    uint32_t level_size;      /* V2: bytes of definition levels, never packed */
    uint32_t repetition_size; /* V2 */
    bool packed;              /* V2: values are compressed where the chunk is */
};

/* Parses the page header at `data`, at most `size` bytes; `*used` is its length. False when it is not one. */
bool page_header_read(struct parquet_page_header *header, const uint8_t *data, size_t size, size_t *used);

/* Appends a page header as the writer makes them: V1, levels in RLE. */
void page_header_write(struct buffer *into, const struct parquet_page_header *header);

/* Smallest and largest value of a column chunk, in the bytes of the PLAIN encoding without a length. */
struct parquet_bounds {
    bool known;
    struct str least;
    struct str most;
};

/* A column chunk as the writer made it. */
struct parquet_written {
    uint64_t start;
    uint64_t data_start; /* first data page; the same as `start` without a dictionary */
    uint64_t raw_size;   /* headers included */
    uint64_t stored_size;
    uint64_t values;
    uint64_t nulls;
    int32_t codec;
    int32_t encoding;
    struct parquet_bounds bounds;
};

/* The type and the form in which the writer keeps a kind. */
enum parquet_type parquet_type_of(enum column_kind kind);

/* Appends a column chunk's metadata, to be put into its row group's. */
void chunk_meta_write(struct buffer *into, const struct parquet_field *field, const struct parquet_written *chunk);

/* A row group as the writer made it. `columns` holds `column_count` results of chunk_meta_write. */
struct parquet_written_group {
    struct str columns;
    size_t column_count;
    uint64_t rows;
    uint64_t start;
    uint64_t raw_size;
    uint64_t stored_size;
};

/* Appends a row group's metadata, to be put into the footer. */
void group_meta_write(struct buffer *into, const struct parquet_written_group *group);

/* Appends the footer, its length and the magic. `groups` holds `group_count` results of group_meta_write. */
void footer_write(struct buffer *into, const struct parquet_field *fields, size_t count, struct str groups,
                  size_t group_count, uint64_t rows);

#endif
