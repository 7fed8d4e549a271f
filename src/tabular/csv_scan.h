/* Where the fields of a CSV block end (RFC 4180), found 64 bytes at a time.
 *
 * The quote mask is a prefix XOR over the quote bits, so a doubled quote inside a quoted field needs no case of its
 * own. Four forms give the same answer: a scalar one that is the specification, a portable one (SIMDe), and ones
 * compiled for AVX2 and AVX-512; csv_scan picks at run time (AISLE_SIMD=scalar|portable|avx2|avx512 overrides).
 */
#ifndef AISLE_TABULAR_CSV_SCAN_H
#define AISLE_TABULAR_CSV_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct csv_dialect {
    char delimiter; /* ',' */
    char quote;     /* '"'; 0: no quoting */
};

/* What the scanned bytes hold, those of an unfinished last record too, so that later steps skip what cannot be there.
 */
struct csv_traits {
    bool has_quote;
    bool has_cr;
    bool has_nul;
    bool has_non_ascii;
};

struct csv_index {
    uint32_t *ends; /* for each field the offset of the delimiter or newline that ends it */
    size_t field_count;
    uint32_t *record_ends; /* for each record the number of fields up to and with its last (a prefix count) */
    size_t record_count;
    struct csv_traits traits;
};

/* Bytes that must be readable before and after the scanned bytes; their content does not matter. */
#define CSV_PADDING 64

/* Scans `size` bytes (at most 1 GiB) that begin at the start of a record, outside quotes. Every complete record
 * (ended by LF, or CRLF whose CR is left to the reader of the field) is indexed; an unfinished last one is not, and
 * `*consumed` is where it begins. `ends` and `record_ends` must have room for `size` + 64 elements each.
 * Returns whether the unfinished rest is inside a quoted field. A quote anywhere toggles, as in a prefix XOR; what a
 * quote in the middle of an unquoted field means is the field reader's to judge. */
bool csv_scan(const char *data, size_t size, const struct csv_dialect *dialect, struct csv_index *index,
              size_t *consumed);

/* Forms, for tests and benchmarks (csv_scan_forms.h has them all). csv_scan_avx2 may only be called when
 * csv_scan_has_avx2(). */
bool csv_scan_scalar(const char *data, size_t size, const struct csv_dialect *dialect, struct csv_index *index,
                     size_t *consumed);
bool csv_scan_portable(const char *data, size_t size, const struct csv_dialect *dialect, struct csv_index *index,
                       size_t *consumed);
bool csv_scan_avx2(const char *data, size_t size, const struct csv_dialect *dialect, struct csv_index *index,
                   size_t *consumed);
bool csv_scan_has_avx2(void);

/* What a block changes for the ones after it: quotes seen (only their parity matters), and the first newline
 * that is outside quotes if the block begins outside, and if it begins inside (`size` when there is none). Finding
 * these is one fast pass, so that blocks of one file can be scanned in parallel. */
struct csv_block_facts {
    bool odd_quotes;
    size_t first_newline_outside;
    size_t first_newline_inside;
    uint64_t newlines; /* all LF bytes, for physical line numbers */
};
void csv_block_facts(const char *data, size_t size, const struct csv_dialect *dialect, struct csv_block_facts *facts);

/* The value of a raw field [data, data + size) as it stands between its ends: a CR before a final LF is dropped by
 * the caller. An unquoted field is itself. A quoted one is unescaped into `room` (at least `size` bytes) when it
 * holds a doubled quote, else it points inside. Returns false, with the raw bytes as the value, when the quoting is
 * wrong: a quote inside an unquoted field, bytes after the closing quote, or no closing quote. */
bool csv_field_value(const char *data, size_t size, char quote, char *room, const char **value, size_t *value_size);

#endif
