/* What the vector forms of the CSV scan share: a block of 64 bytes as bit masks, one bit a byte, lowest first.
 *
 * Geoff Langdale and Daniel Lemire, "Parsing Gigabytes of JSON per Second", VLDB Journal 28 (2019): quoted regions
 * are the prefix XOR of the quote bits, and positions are written several at a time with no branch on how many are
 * real. Everything here is inlined into the forms, so that it is compiled for each one's instructions.
 */
#ifndef AISLE_TABULAR_CSV_SCAN_BLOCK_H
#define AISLE_TABULAR_CSV_SCAN_BLOCK_H

#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "tabular/csv_scan.h"

#define CSV_BLOCK 64
#define CSV_INLINE static inline __attribute__((always_inline))

/* Stands where a last block has no bytes: of no trait, and its bits are masked. */
#define CSV_FILLER 'a'

struct csv_scan_state {
    uint32_t *ends;        /* where the next goes */
    uint32_t *record_ends; /* where the next goes */
    uint32_t fields;       /* ends written so far */
    uint64_t inside;       /* all ones when the next block begins inside quotes, else 0 */
    uint64_t quotes;       /* OR of the quote bits seen */
};

CSV_INLINE struct csv_scan_state csv_scan_begin(const struct csv_index *index)
{
    return (struct csv_scan_state){.ends = index->ends, .record_ends = index->record_ends};
}

/* The bits of a block that are real when `size` (1 to 64) bytes are left. */
CSV_INLINE uint64_t csv_scan_real(size_t size)
{
    return ~UINT64_C(0) >> (CSV_BLOCK - size);
}

/* Copies the last `size` bytes, fewer than a block, to a whole one. */
CSV_INLINE void csv_scan_last_block(const char *data, size_t size, char block[CSV_BLOCK])
{
    memset(block, CSV_FILLER, CSV_BLOCK);
    memcpy(block, data, size);
}

/* Bit i of the result is the XOR of bits 0 … i. */
CSV_INLINE uint64_t csv_scan_prefix_xor(uint64_t bits)
{
    bits ^= bits << 1;
    bits ^= bits << 2;
    bits ^= bits << 4;
    bits ^= bits << 8;
    bits ^= bits << 16;
    bits ^= bits << 32;
    return bits;
}

#if defined(__x86_64__)
/* The same by carry-less multiplication. */
__attribute__((target("pclmul"))) CSV_INLINE uint64_t csv_scan_prefix_xor_clmul(uint64_t bits)
{
    __m128i product = _mm_clmulepi64_si128(_mm_set_epi64x(0, (long long)bits), _mm_set1_epi8(-1), 0);

    return (uint64_t)_mm_cvtsi128_si64(product);
}
#endif

/* `regions` is the prefix XOR of a block's quote bits. Returns the bits inside quotes, and carries over to the next
 * block whether it begins inside. */
CSV_INLINE uint64_t csv_scan_carry(uint64_t *inside, uint64_t regions)
{
    uint64_t quoted = regions ^ *inside;

    *inside = (uint64_t)((int64_t)quoted >> 63);
    return quoted;
}

/* Takes what is quoted from a block's separators and newlines; `regions` is the prefix XOR of `quotes`. */
CSV_INLINE void csv_scan_unquoted(struct csv_scan_state *state, uint64_t quotes, uint64_t regions, uint64_t *separators,
                                  uint64_t *newlines)
{
    uint64_t quoted = csv_scan_carry(&state->inside, regions);

    state->quotes |= quotes;
    *separators &= ~quoted;
    *newlines &= ~quoted;
}

CSV_INLINE uint64_t csv_scan_pop(uint64_t *bits)
{
    uint64_t at = (uint64_t)__builtin_ctzll(*bits | UINT64_C(1) << 63);

    *bits &= *bits - 1;
    return at;
}

/* Writes `first` + the place of each bit of `bits`. Up to 15 elements past the last are overwritten. */
CSV_INLINE void csv_scan_write_ends(uint32_t *ends, uint64_t bits, uint32_t first, unsigned count)
{
    for (unsigned i = 0; i < 8; i++) {
        ends[i] = first + (uint32_t)csv_scan_pop(&bits);
    }
    if (__builtin_expect(count > 8, 0)) {
        for (unsigned i = 8; i < 16; i++) {
            ends[i] = first + (uint32_t)csv_scan_pop(&bits);
        }
        for (unsigned i = 16; i < count; i++) {
            ends[i] = first + (uint32_t)csv_scan_pop(&bits);
        }
    }
}

/* Writes for each newline of a block how many fields end up to and with it. Lines are mostly longer than half a
 * block, so two are written always and more seldom. */
CSV_INLINE void csv_scan_write_records(struct csv_scan_state *state, uint64_t separators, uint64_t newlines)
{
    unsigned count = (unsigned)__builtin_popcountll(newlines);
    unsigned written = 0;

    do {
        uint64_t upto = newlines ^ (newlines - 1);

        state->record_ends[written++] = state->fields + (uint32_t)__builtin_popcountll(separators & upto);
        newlines &= newlines - 1;
        upto = newlines ^ (newlines - 1);
        state->record_ends[written++] = state->fields + (uint32_t)__builtin_popcountll(separators & upto);
        newlines &= newlines - 1;
    } while (__builtin_expect(written < count, 0));
    state->record_ends += count;
}

/* Goes past the `count` separators of a block, whose ends are written. */
CSV_INLINE void csv_scan_advance(struct csv_scan_state *state, uint64_t separators, uint64_t newlines, unsigned count)
{
    csv_scan_write_records(state, separators, newlines);
    state->ends += count;
    state->fields += count;
}

CSV_INLINE void csv_scan_finish(const struct csv_scan_state *state, struct csv_index *index, size_t *consumed)
{
    index->record_count = (size_t)(state->record_ends - index->record_ends);
    index->field_count = index->record_count > 0 ? index->record_ends[index->record_count - 1] : 0;
    *consumed = index->field_count > 0 ? (size_t)index->ends[index->field_count - 1] + 1 : 0;
    index->traits.has_quote = state->quotes != 0;
}

/* The newlines of one block, given the bits inside quotes when the whole begins outside. */
CSV_INLINE void csv_facts_note(struct csv_block_facts *facts, size_t size, size_t at, uint64_t newlines,
                               uint64_t quoted)
{
    facts->newlines += (uint64_t)__builtin_popcountll(newlines);
    if (facts->first_newline_outside == size && (newlines & ~quoted) != 0) {
        facts->first_newline_outside = at + (size_t)__builtin_ctzll(newlines & ~quoted);
    }
    if (facts->first_newline_inside == size && (newlines & quoted) != 0) {
        facts->first_newline_inside = at + (size_t)__builtin_ctzll(newlines & quoted);
    }
}

#endif
