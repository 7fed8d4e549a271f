/* Parquet's encodings of integers (parquet-format: Encodings.md), the writing half.
 *
 * Each appends to a buffer and leaves its failure, if any, in the buffer.
 */
#ifndef AISLE_TABULAR_PARQUET_ENCODE_H
#define AISLE_TABULAR_PARQUET_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

/* Bits that the largest of 0 … `most` needs; 0 for 0. */
unsigned encode_bit_width(uint64_t most);

/* RLE / bit-packing hybrid of `count` values that each fit in `width` (0 to 32) bits. */
void encode_hybrid(struct buffer *into, const uint32_t *values, size_t count, unsigned width);

/* The hybrid for `count` times the same value, without an array. */
void encode_hybrid_run(struct buffer *into, uint32_t value, size_t count, unsigned width);

/* DELTA_BINARY_PACKED with blocks of 128 in four miniblocks. `of_int32`: the column is INT32, and differences wrap at
 * 32 bits, so that none takes more bits than the type has. */
void encode_delta(struct buffer *into, const int64_t *values, size_t count, bool of_int32);

/* PLAIN booleans, a bit a value, from 0 and 1. */
void encode_booleans(struct buffer *into, const int64_t *values, size_t count);

/* PLAIN INT32 and INT64. */
void encode_plain(struct buffer *into, const int64_t *values, size_t count, bool of_int32);

#endif
