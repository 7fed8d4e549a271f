/* The bytes of a run. All numbers are little-endian, all parts are multiples of 8 bytes, and offsets count from the
 * beginning of the run, which lies at a multiple of 8 in its file.
 *
 *   blocks     one after the other
 *   pages      of the directory
 *   page table
 *   footer     the last 112 bytes
 *
 * Block, of 256 entries (the last one of a run: 1 … 256)
 *   u64  XXH3 of all that follows in the block
 *   u32  number of the block
 *   u16  entries
 *   u8   low bits L of the first key column (0 … 56)
 *   u8   words H of its high bits
 *   i64  least value of each column, keys first (of the first key column: the first key)
 *   u8   width of each column in bits (0 … 56, or 64), plus 128 when it has nulls; of the first key column 0;
 *        zeros up to a multiple of 8
 *   first key column, Elias-Fano coded: H words of high bits, in which entry i with the distance d from the first key
 * sets bit (d >> L) + i; then the low L bits of each d, packed every other column: distances from the least value,
 * packed; in a column with nulls 0 is null (the least int64) and others are one more than the distance Packed bits fill
 * bytes from the lowest bit up; each packed column ends in zeros up to a multiple of 8 bytes. Elias-Fano (Elias 1974,
 * Fano 1971) takes about 2 + log2(range / entries) bits for an ascending number and finds one without unpacking the
 * others, and so does packing to a fixed width for the other columns: a lookup reads a few words of a block.
 *
 * Page, of the directory entries of 256 blocks
 *   u64  XXH3 of all that follows in the page
 *   u32  number of the page
 *   u32  blocks
 *   i64  first keys of the blocks, column by column
 *   u64  offset of each block, and of the last one's end
 *
 * Page table
 *   i64  first keys of the pages, column by column
 *   u64  offset of each page, and of the last one's end
 *
 * Footer
 *   "AISLERUN", u32 version 1, u8 key columns, u8 value columns, u8 merge, u8 0,
 *   u64 entries, u64 blocks, u64 pages, i64 first key [4], i64 last key [4] (unused columns 0),
 *   u64 XXH3 of the page table and the footer up to here
 */
#include <string.h>

#include "kpi/run.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "runs are read in place, so they need a little-endian machine");
_Static_assert(sizeof(struct run_footer) == 112, "the footer has no padding");

#define HEADER_BYTES 16
#define WIDTH_NULLS 128
#define MAX_PACKED_BITS 56 /* so that 8 bytes from any bit's byte on hold a whole number; only 64 is wider */
#define NULL_VALUE INT64_MIN

static uint64_t load64(const uint8_t *bytes)
{
    uint64_t word;

    memcpy(&word, bytes, sizeof word);
    return word;
}

static uint64_t mask_of(unsigned width)
{
    return width < 64 ? (UINT64_C(1) << width) - 1 : UINT64_MAX;
}

/* A packed number. Reads 8 bytes, so up to 8 past the last packed one: a footer always follows. */
static uint64_t packed_at(const uint8_t *bits, unsigned width, unsigned i)
{
    size_t bit = (size_t)width * i;

    return load64(bits + (bit >> 3)) >> (bit & 7) & mask_of(width);
}

static size_t packed_bytes(unsigned width, unsigned count)
{
    return ((size_t)width * count + 63) / 64 * 8;
}

static unsigned bits_of(uint64_t value)
{
    return value > 0 ? 64 - (unsigned)__builtin_clzll(value) : 0;
}

/* Packs numbers below 2^width into whole words; returns where they end. */
static uint64_t *pack(uint64_t *out, const uint64_t *numbers, unsigned count, unsigned width)
{
    uint64_t word = 0;
    unsigned filled = 0;

    if (width == 64) {
        memcpy(out, numbers, count * sizeof *numbers);
        return out + count;
    }
    if (width == 0) {
        return out;
    }
    for (unsigned i = 0; i < count; i++) {
        word |= numbers[i] << filled;
        filled += width;
        if (filled >= 64) {
            *out++ = word;
            filled -= 64;
            word = numbers[i] >> (width - filled);
        }
    }
    if (filled > 0) {
        *out++ = word;
    }
    return out;
}

/* Whether the keys ascend strictly. */
static bool keys_ascend(const struct trace_shape *shape, const struct entries *entries, size_t from, unsigned count)
{
    const int64_t *first = entries->key[0] + from;
    unsigned wrong = 0;

    if (shape->keys == 1) {
        for (unsigned i = 1; i < count; i++) {
            wrong += first[i] <= first[i - 1];
        }
        return wrong == 0;
    }
    for (unsigned i = 1; i < count; i++) {
        if (first[i] > first[i - 1]) {
            continue;
        }
        bool more = first[i] == first[i - 1];
        int k = 1;

        while (more && k < shape->keys && entries->key[k][from + i] == entries->key[k][from + i - 1]) {
            k++;
        }
        wrong += !more || k == shape->keys || entries->key[k][from + i] < entries->key[k][from + i - 1];
    }
    return wrong == 0;
}

/* The first key column, Elias-Fano coded; sets the header's fields and returns where it ends. */
static uint64_t *pack_first(const int64_t *keys, unsigned count, uint8_t *header, uint64_t *out)
{
    uint64_t numbers[RUN_BLOCK_ENTRIES];
    uint64_t range = (uint64_t)keys[count - 1] - (uint64_t)keys[0];
    unsigned quotient_bits = bits_of(range / count);
    unsigned low_bits = quotient_bits > 57 ? MAX_PACKED_BITS : quotient_bits > 0 ? quotient_bits - 1 : 0;
    unsigned words = (unsigned)(((range >> low_bits) + count + 63) / 64);
    uint64_t mask = mask_of(low_bits);

    memset(out, 0, words * sizeof *out);
    for (unsigned i = 0; i < count; i++) {
        uint64_t distance = (uint64_t)keys[i] - (uint64_t)keys[0];
        uint64_t bit = (distance >> low_bits) + i;

        out[bit >> 6] |= UINT64_C(1) << (bit & 63);
        numbers[i] = distance & mask;
    }
    header[14] = (uint8_t)low_bits;
    header[15] = (uint8_t)words;
    return pack(out + words, numbers, count, low_bits);
}

/* Any other column; returns where it ends. */
static uint64_t *pack_column(const int64_t *values, unsigned count, int64_t *least, uint8_t *width_byte, uint64_t *out)
{
    uint64_t numbers[RUN_BLOCK_ENTRIES];
    int64_t low = INT64_MAX;
    int64_t high = INT64_MIN;
    bool nulls = false;

    for (unsigned i = 0; i < count; i++) {
        int64_t for_low = values[i] == NULL_VALUE ? INT64_MAX : values[i];

        low = for_low < low ? for_low : low;
        high = values[i] > high ? values[i] : high;
        nulls |= values[i] == NULL_VALUE;
    }
    /* At most 2^64 - 2, as the least int64 is not among them: one more still fits. */
    unsigned width = high >= low ? bits_of((uint64_t)high - (uint64_t)low + nulls) : 0;

    width = width > MAX_PACKED_BITS ? 64 : width;
    for (unsigned i = 0; i < count; i++) {
        uint64_t number = (uint64_t)values[i] - (uint64_t)low + nulls;

        numbers[i] = nulls && values[i] == NULL_VALUE ? 0 : number;
    }
    *least = low;
    *width_byte = (uint8_t)(width | (nulls ? WIDTH_NULLS : 0));
    return pack(out, numbers, count, width);
}

size_t block_pack(const struct trace_shape *shape, const struct entries *entries, size_t from, unsigned count,
                  uint64_t number, uint8_t *bytes)
{
    int columns = shape->keys + shape->values;
    size_t width_bytes = ((size_t)columns + 7) / 8 * 8;
    int64_t *least = (int64_t *)(void *)(bytes + HEADER_BYTES);
    uint8_t *widths = (uint8_t *)(least + columns);
    uint64_t *out = (uint64_t *)(void *)(widths + width_bytes);
    uint32_t number32 = (uint32_t)number;
    uint16_t count16 = (uint16_t)count;

    if (!keys_ascend(shape, entries, from, count)) {
        return 0;
    }
    memcpy(bytes + 8, &number32, sizeof number32);
    memcpy(bytes + 12, &count16, sizeof count16);
    memset(widths, 0, width_bytes);
    least[0] = entries->key[0][from];
    out = pack_first(entries->key[0] + from, count, bytes, out);
    for (int c = 1; c < columns; c++) {
        out = pack_column(entries_column(entries, shape, c) + from, count, &least[c], &widths[c], out);
    }
    return (size_t)((uint8_t *)out - bytes);
}

bool block_parse(const struct trace_shape *shape, const uint8_t *bytes, size_t size, struct run_block *block)
{
    size_t columns = (size_t)shape->keys + (size_t)shape->values;
    size_t at = HEADER_BYTES + columns * 8 + (columns + 7) / 8 * 8;
    uint32_t number = 0;
    uint16_t count = 0;

    if (size < at) {
        return false;
    }
    memcpy(&number, bytes + 8, sizeof number);
    memcpy(&count, bytes + 12, sizeof count);
    block->number = number;
    block->count = count;
    block->low_bits = bytes[14];
    block->high_words = bytes[15];
    if (count == 0 || count > RUN_BLOCK_ENTRIES || block->low_bits > MAX_PACKED_BITS) {
        return false;
    }
    block->high = (const uint64_t *)(const void *)(bytes + at);
    at += block->high_words * sizeof(uint64_t);
    block->low = bytes + at;
    at += packed_bytes(block->low_bits, count);
    for (size_t c = 0; c < columns; c++) {
        unsigned width = bytes[HEADER_BYTES + columns * 8 + c];

        block->column[c].least = (int64_t)load64(bytes + HEADER_BYTES + c * 8);
        block->column[c].nulls = (width & WIDTH_NULLS) != 0;
        width &= WIDTH_NULLS - 1;
        if (width > 64 || (width > MAX_PACKED_BITS && width < 64) || (c == 0 && width > 0)) {
            return false;
        }
        block->column[c].width = (uint8_t)width;
        block->column[c].bits = bytes + at;
        at += c > 0 ? packed_bytes(width, count) : 0;
    }
    return at == size;
}

static int64_t number_to_value(const struct run_block *block, int column, uint64_t number)
{
    bool nulls = block->column[column].nulls;

    if (nulls && number == 0) {
        return NULL_VALUE;
    }
    return (int64_t)((uint64_t)block->column[column].least + number - nulls);
}

int64_t block_value(const struct run_block *block, int column, unsigned entry)
{
    return number_to_value(block, column, packed_at(block->column[column].bits, block->column[column].width, entry));
}

static bool unpack_first(const struct run_block *block, int64_t *into)
{
    uint64_t base = (uint64_t)block->column[0].least;
    unsigned entry = 0;

    for (unsigned word = 0; word < block->high_words; word++) {
        for (uint64_t bits = block->high[word]; bits != 0; bits &= bits - 1) {
            uint64_t bit = word * UINT64_C(64) + (unsigned)__builtin_ctzll(bits);

            if (entry == block->count) {
                return false;
            }
            into[entry] =
                (int64_t)(base + ((bit - entry) << block->low_bits | packed_at(block->low, block->low_bits, entry)));
            entry++;
        }
    }
    return entry == block->count;
}

bool block_unpack(const struct run_block *block, int column, int64_t *into)
{
    const uint8_t *bits = block->column[column].bits;
    unsigned width = block->column[column].width;
    uint64_t least = (uint64_t)block->column[column].least;
    uint64_t mask = mask_of(width);

    if (column == 0) {
        return unpack_first(block, into);
    }
    if (block->column[column].nulls) {
        for (unsigned i = 0; i < block->count; i++) {
            into[i] = block_value(block, column, i);
        }
        return true;
    }
    for (unsigned i = 0; i < block->count; i++) {
        size_t bit = (size_t)width * i;

        into[i] = (int64_t)(least + (load64(bits + (bit >> 3)) >> (bit & 7) & mask));
    }
    return true;
}

/* Bits that are set (Warren, Hacker's Delight, 5-1): the baseline x86-64 has no instruction for it. */
static unsigned ones(uint64_t word)
{
    word -= word >> 1 & UINT64_C(0x5555555555555555);
    word = (word & UINT64_C(0x3333333333333333)) + (word >> 2 & UINT64_C(0x3333333333333333));
    word = (word + (word >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (unsigned)(word * UINT64_C(0x0101010101010101) >> 56);
}

/* The place of the `rank`-th (from 0) bit that is set; 64 times the words when there are not so many. */
static unsigned select_bit(const uint64_t *words, unsigned count, unsigned rank, bool clear)
{
    for (unsigned w = 0; w < count; w++) {
        uint64_t word = clear ? ~words[w] : words[w];
        unsigned here = ones(word);

        if (rank < here) {
            while (rank-- > 0) {
                word &= word - 1;
            }
            return w * 64 + (unsigned)__builtin_ctzll(word);
        }
        rank -= here;
    }
    return count * 64;
}

void block_key(const struct run *run, const struct run_block *block, unsigned entry, int64_t *key)
{
    uint64_t high = select_bit(block->high, block->high_words, entry, false) - entry;

    key[0] = (int64_t)((uint64_t)block->column[0].least +
                       (high << block->low_bits | packed_at(block->low, block->low_bits, entry)));
    for (int k = 1; k < run->shape.keys; k++) {
        key[k] = block_value(block, k, entry);
    }
}

/* Orders an entry against a key when the high bits of their first columns are the same. */
static int compare_in_bucket(const struct run *run, const struct run_block *block, unsigned entry, uint64_t low,
                             const int64_t *key)
{
    uint64_t entry_low = packed_at(block->low, block->low_bits, entry);

    if (entry_low != low) {
        return entry_low < low ? -1 : 1;
    }
    for (int k = 1; k < run->shape.keys; k++) {
        int64_t value = block_value(block, k, entry);

        if (value != key[k]) {
            return value < key[k] ? -1 : 1;
        }
    }
    return 0;
}

unsigned block_seek(const struct run *run, const struct run_block *block, const int64_t *key)
{
    if (key[0] < block->column[0].least) {
        return 0;
    }
    uint64_t distance = (uint64_t)key[0] - (uint64_t)block->column[0].least;
    uint64_t high = distance >> block->low_bits;

    if (high >= block->high_words * UINT64_C(64)) {
        return block->count;
    }
    /* Entries whose high bits are `high` lie between the clear bits number high - 1 and high. */
    unsigned bucket = (unsigned)high;
    unsigned begin = bucket > 0 ? select_bit(block->high, block->high_words, bucket - 1, true) + 1 - bucket : 0;
    unsigned end = select_bit(block->high, block->high_words, bucket, true) - bucket;
    uint64_t low = distance & mask_of(block->low_bits);

    begin = begin < block->count ? begin : block->count;
    end = end < block->count ? end : block->count;
    while (begin < end) {
        unsigned middle = (begin + end) / 2;

        if (compare_in_bucket(run, block, middle, low, key) < 0) {
            begin = middle + 1;
        } else {
            end = middle;
        }
    }
    return begin;
}
