/* Parquet's encodings of integers (parquet-format: Encodings.md), the reading half.
 *
 * The input is anybody's: each returns false when the bytes do not hold what they must, and never reads past
 * `size` + DECODE_PADDING bytes, which must be readable and whose content does not matter.
 */
#ifndef AISLE_TABULAR_PARQUET_DECODE_H
#define AISLE_TABULAR_PARQUET_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DECODE_PADDING = 16 };

/* RLE / bit-packing hybrid of exactly `count` values of `width` (0 to 32) bits. */
bool decode_hybrid(const uint8_t *data, size_t size, unsigned width, uint32_t *values, size_t count);

/* The hybrid of definition levels, 0 (null) or 1, as a byte each; `*present` is how many are 1. */
bool decode_levels(const uint8_t *data, size_t size, uint8_t *levels, size_t count, size_t *present);

/* DELTA_BINARY_PACKED of exactly `count` values; `*used` (may be NULL) is the number of bytes they took. Sums wrap, as
 * the format says. */
bool decode_delta(const uint8_t *data, size_t size, int64_t *values, size_t count, size_t *used);

/* PLAIN booleans, a bit a value. */
bool decode_booleans(const uint8_t *data, size_t size, int64_t *values, size_t count);

#endif
