#include "tabular/kernel_forms.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#include "tabular/kernel_cells.h"

#define AVX2 __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt")))
#define AVX2_INLINE static inline __attribute__((always_inline, target("avx2,bmi,bmi2,lzcnt,popcnt")))

/* Four cells: the eight bytes before each one's end, and its length. */
struct four {
    __m128i ends;
    __m256i words, lengths;
};

AVX2_INLINE struct four load_four(const struct cells *cells, size_t i)
{
    __m128i ends = _mm_loadu_si128((const __m128i *)(cells->ends + i));
    __m128i starts = _mm_loadu_si128((const __m128i *)(cells->starts + i));
    starts = _mm_add_epi32(starts, _mm_set1_epi32((int)cells->skip));
    return (struct four){
        .ends = ends,
        .words = _mm256_i32gather_epi64((const long long *)(const void *)(cells->data - 8), ends, 1),
        .lengths = _mm256_cvtepu32_epi64(_mm_sub_epi32(ends, starts)),
    };
}

/* Bits to shift so that only the last `length` bytes of a word stay: 64 and more when none does. */
AVX2_INLINE __m256i junk_bits(__m256i lengths, int64_t bytes)
{
    return _mm256_sub_epi64(_mm256_set1_epi64x(bytes * 8), _mm256_slli_epi64(lengths, 3));
}

/* Words of digits, first digit lowest, with zeros where `shift` says that there is junk. */
AVX2_INLINE __m256i digits_of(__m256i words, __m256i shift)
{
    __m256i keep = _mm256_sllv_epi64(_mm256_set1_epi64x(-1), shift);
    return _mm256_and_si256(_mm256_xor_si256(words, _mm256_set1_epi8('0')), keep);
}

/* All ones in the lanes where every byte is at most 9. */
AVX2_INLINE __m256i are_digits(__m256i digits)
{
    return _mm256_cmpeq_epi64(_mm256_min_epu8(digits, _mm256_set1_epi8(9)), digits);
}

/* Eight digits a lane to their number. */
AVX2_INLINE __m256i number_of(__m256i digits)
{
    __m256i pairs = _mm256_maddubs_epi16(digits, _mm256_set1_epi16(1 << 8 | 10));
    __m256i fours = _mm256_madd_epi16(pairs, _mm256_set1_epi32(1 << 16 | 100));
    __m256i high = _mm256_mul_epu32(fours, _mm256_set1_epi64x(10000));
    return _mm256_add_epi64(high, _mm256_srli_epi64(fours, 32));
}

/* Four numbers of at most 16 digits, or of at most 8 when none is `wide`. */
struct numbers {
    __m256i values;
    __m256i fine;    /* lanes of digits alone, at least one and not too many */
    __m256i leading; /* lanes that begin with a zero */
};

AVX2_INLINE struct numbers four_numbers(const struct cells *cells, const struct four *four)
{
    const __m256i zero = _mm256_setzero_si256();
    const __m256i byte = _mm256_set1_epi64x(0xff);
    __m256i long_lanes = _mm256_cmpgt_epi64(four->lengths, _mm256_set1_epi64x(8));
    __m256i shift = junk_bits(four->lengths, 8);
    if (__builtin_expect(_mm256_testz_si256(long_lanes, long_lanes), 1)) {
        __m256i digits = digits_of(four->words, shift);
        __m256i first = _mm256_and_si256(digits, _mm256_sllv_epi64(byte, shift));
        return (struct numbers){
            .values = number_of(digits),
            .fine = _mm256_andnot_si256(_mm256_cmpeq_epi64(four->lengths, zero), are_digits(digits)),
            .leading = _mm256_cmpeq_epi64(first, zero),
        };
    }
    __m256i high_shift = junk_bits(four->lengths, 16);
    __m256i high_words = _mm256_i32gather_epi64((const long long *)(const void *)(cells->data - 16), four->ends, 1);
    /* Of a length below 8 all of the high word is junk, above 8 none of the low one. */
    __m256i low = digits_of(four->words, _mm256_max_epi32(shift, zero));
    __m256i high = digits_of(high_words, high_shift);
    __m256i first =
        _mm256_or_si256(_mm256_andnot_si256(long_lanes, _mm256_and_si256(low, _mm256_sllv_epi64(byte, shift))),
                        _mm256_and_si256(high, _mm256_sllv_epi64(byte, high_shift)));
    __m256i too_long = _mm256_cmpgt_epi64(four->lengths, _mm256_set1_epi64x(16));
    __m256i not_fine = _mm256_or_si256(too_long, _mm256_cmpeq_epi64(four->lengths, zero));
    return (struct numbers){
        .values = _mm256_add_epi64(number_of(low), _mm256_mul_epu32(number_of(high), _mm256_set1_epi64x(100000000))),
        .fine = _mm256_andnot_si256(not_fine, _mm256_and_si256(are_digits(low), are_digits(high))),
        .leading = _mm256_cmpeq_epi64(first, zero),
    };
}

/* Stores four values, null where the cell is empty. Returns a bit for each that is not fine. */
AVX2_INLINE unsigned store_four(const struct kernel *kernel, __m256i lengths, __m256i numbers, __m256i fine,
                                int64_t *values)
{
    __m256i empty = _mm256_cmpeq_epi64(lengths, _mm256_setzero_si256());
    __m256i stored = _mm256_blendv_epi8(numbers, _mm256_set1_epi64x(COLUMN_NULL), empty);
    _mm256_storeu_si256((__m256i *)values, stored);
    if (kernel->null_taken) fine = _mm256_or_si256(fine, empty);
    return ~(unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(fine)) & 15u;
}

AVX2_INLINE __m256i within_bounds(const struct kernel *kernel, __m256i values)
{
    __m256i below = _mm256_cmpgt_epi64(_mm256_set1_epi64x(kernel->least), values);
    __m256i above = _mm256_cmpgt_epi64(values, _mm256_set1_epi64x(kernel->most));
    return _mm256_xor_si256(_mm256_or_si256(below, above), _mm256_set1_epi64x(-1));
}

/* One cell by its own, and whether it lies within the bounds. */
AVX2_INLINE bool one_fine(const struct kernel *kernel, bool fine, int64_t value)
{
    return fine && (value == COLUMN_NULL || (value >= kernel->least && value <= kernel->most));
}

AVX2 static void run_term(const struct kernel *kernel, const struct kernel_cache *cache, const struct cells *cells,
                          int64_t *values, uint64_t *doubtful)
{
    size_t i = 0;
    for (; i + 4 <= cells->count; i += 4) {
        struct four four = load_four(cells, i);
        struct numbers numbers = four_numbers(cells, &four);
        __m256i single = _mm256_cmpeq_epi64(four.lengths, _mm256_set1_epi64x(1));
        __m256i canonical = _mm256_or_si256(single, _mm256_xor_si256(numbers.leading, _mm256_set1_epi64x(-1)));
        __m256i fine = _mm256_and_si256(numbers.fine, canonical);
        unsigned bad = store_four(kernel, four.lengths, numbers.values, fine, values + i);
        for (unsigned left = bad; left != 0; left &= left - 1) {
            size_t j = i + (size_t)__builtin_ctz(left);
            doubtful[j / 64] |= (uint64_t)!kernel_term(kernel, cache, cell_at(cells, j), &values[j]) << (j % 64);
        }
    }
    for (; i < cells->count; i++)
        doubtful[i / 64] |= (uint64_t)!kernel_term(kernel, cache, cell_at(cells, i), &values[i]) << (i % 64);
}

/* As kernel_cache_find, for a text that a vector holds. */
AVX2_INLINE bool find_text(const struct kernel_cache *cache, struct str text, int64_t *value)
{
    static const char ones_then_zeros[64] = {
        -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
        -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
    };
    if (text.length - 1 >= KERNEL_CACHE_TEXT) return false;
    __m256i keep = _mm256_loadu_si256((const __m256i *)(ones_then_zeros + KERNEL_CACHE_TEXT - text.length));
    __m256i bytes = _mm256_and_si256(_mm256_loadu_si256((const __m256i *)text.data), keep);
    size_t slot = kernel_cache_slot(text);
    for (size_t way = 0; way < 2; way++, slot ^= 1) {
        __m256i there = _mm256_loadu_si256((const __m256i *)cache->slots[slot].text);
        __m256i difference = _mm256_xor_si256(there, bytes);
        *value = cache->slots[slot].value;
        if (_mm256_testz_si256(difference, difference) && cache->slots[slot].length == text.length) return true;
    }
    return false;
}

/* Any type of which a column repeats its texts. */
AVX2 static void run_cached(const struct kernel *kernel, const struct kernel_cache *cache, const struct cells *cells,
                            int64_t *values, uint64_t *doubtful)
{
    for (size_t i = 0; i < cells->count; i++) {
        struct str text = cell_at(cells, i);
        bool null = text.length == 0 && kernel->null_taken;
        bool fine = null || find_text(cache, text, &values[i]);
        values[i] = null ? COLUMN_NULL : values[i];
        doubtful[i / 64] |= (uint64_t)!fine << (i % 64);
    }
}

AVX2 static void run_integer(const struct kernel *kernel, const struct kernel_cache *cache, const struct cells *cells,
                             int64_t *values, uint64_t *doubtful)
{
    (void)cache;
    size_t i = 0;
    for (; i + 4 <= cells->count; i += 4) {
        struct four four = load_four(cells, i);
        struct numbers numbers = four_numbers(cells, &four);
        __m256i fine = _mm256_and_si256(numbers.fine, within_bounds(kernel, numbers.values));
        unsigned bad = store_four(kernel, four.lengths, numbers.values, fine, values + i);
        for (unsigned left = bad; left != 0; left &= left - 1) {
            size_t j = i + (size_t)__builtin_ctz(left);
            bool taken = kernel_integer(kernel, cell_at(cells, j), &values[j]);
            doubtful[j / 64] |= (uint64_t)!one_fine(kernel, taken, values[j]) << (j % 64);
        }
    }
    for (; i < cells->count; i++) {
        bool taken = kernel_integer(kernel, cell_at(cells, i), &values[i]);
        doubtful[i / 64] |= (uint64_t)!one_fine(kernel, taken, values[i]) << (i % 64);
    }
}

/* Four decimals of at most eight bytes, times ten to the power of `scale`. */
AVX2_INLINE __m256i four_decimals(const struct four *four, int scale, __m256i *fine)
{
    const __m256i zero = _mm256_setzero_si256();
    const __m256i ones = _mm256_set1_epi64x(-1);
    const __m256i powers = _mm256_setr_epi32(1, 10, 100, 1000, 10000, 100000, 1000000, 10000000);
    __m256i digits = digits_of(four->words, junk_bits(four->lengths, 8));
    /* The lowest point, as a byte of ones, and the bytes on either side of it; without a point all are before it. */
    __m256i points = _mm256_cmpeq_epi8(digits, _mm256_set1_epi8('.' ^ '0'));
    __m256i lowest = _mm256_and_si256(points, _mm256_sub_epi64(zero, points));
    __m256i point = _mm256_sub_epi64(_mm256_slli_epi64(lowest, 8), lowest);
    __m256i before = _mm256_add_epi64(lowest, ones);
    __m256i after = _mm256_xor_si256(_mm256_or_si256(before, point), ones);
    __m256i none = _mm256_cmpeq_epi64(point, zero);
    /* The digits before the point move up over it. */
    __m256i move = _mm256_andnot_si256(none, _mm256_set1_epi64x(8));
    __m256i closed =
        _mm256_or_si256(_mm256_and_si256(digits, after), _mm256_sllv_epi64(_mm256_and_si256(digits, before), move));
    __m256i places = _mm256_sad_epu8(_mm256_and_si256(after, _mm256_set1_epi8(1)), zero);
    __m256i missing = _mm256_sub_epi64(_mm256_set1_epi64x(scale), places);
    __m256i power = _mm256_permutevar8x32_epi32(powers, missing);
    __m256i value = _mm256_mul_epu32(number_of(closed), power);
    /* At least one digit on each side that is there; places not above the scale, by at most seven below it. */
    __m256i point_bytes = _mm256_srli_epi64(move, 3);
    __m256i whole = _mm256_sub_epi64(_mm256_sub_epi64(four->lengths, places), point_bytes);
    __m256i bad = _mm256_cmpgt_epi64(_mm256_set1_epi64x(1), whole);
    bad = _mm256_or_si256(bad, _mm256_andnot_si256(none, _mm256_cmpeq_epi64(places, zero)));
    bad = _mm256_or_si256(bad, _mm256_cmpgt_epi64(zero, missing));
    bad = _mm256_or_si256(bad, _mm256_cmpgt_epi64(missing, _mm256_set1_epi64x(7)));
    bad = _mm256_or_si256(bad, _mm256_cmpgt_epi64(four->lengths, _mm256_set1_epi64x(8)));
    *fine = _mm256_andnot_si256(bad, are_digits(closed));
    return value;
}

AVX2 static void run_decimal(const struct kernel *kernel, const struct kernel_cache *cache, const struct cells *cells,
                             int64_t *values, uint64_t *doubtful)
{
    (void)cache;
    int scale = kernel->field->scale;
    size_t i = 0;
    for (; i + 4 <= cells->count; i += 4) {
        struct four four = load_four(cells, i);
        __m256i fine;
        __m256i decimals = four_decimals(&four, scale, &fine);
        fine = _mm256_and_si256(fine, within_bounds(kernel, decimals));
        unsigned bad = store_four(kernel, four.lengths, decimals, fine, values + i);
        for (unsigned left = bad; left != 0; left &= left - 1) {
            size_t j = i + (size_t)__builtin_ctz(left);
            bool taken = kernel_decimal(kernel, cell_at(cells, j), &values[j]);
            doubtful[j / 64] |= (uint64_t)!one_fine(kernel, taken, values[j]) << (j % 64);
        }
    }
    for (; i < cells->count; i++) {
        bool taken = kernel_decimal(kernel, cell_at(cells, i), &values[i]);
        doubtful[i / 64] |= (uint64_t)!one_fine(kernel, taken, values[i]) << (i % 64);
    }
}

/* What a cell of date and time looks like: for each byte the least and how far above it the greatest is. The first 16
 * bytes are `head`, those from the fourth on `tail`. */
struct shape {
    __m256i head_least, head_span;
    __m256i tail_least, tail_span;
    uint32_t length;
};

AVX2_INLINE struct shape shape_of(uint32_t length, char separator)
{
    char least[32] = "0000-00-00?00:00:::::::::::::00"; /* of tail only the last three bytes are looked at */
    unsigned char span[32] = {9,   9,   9,   9,   0,   1,   9,   0,   3,   9,   0,   2,   9,   0, 5, 9,
                              255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0, 5, 9};
    least[10] = separator;
    least[29] = ':';
    least[30] = '0';
    least[31] = '0';
    if (length == 10) {
        memset(span + 10, 255, 6);
        memset(span + 29, 255, 3);
    }
    return (struct shape){
        .head_least = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)least)),
        .head_span = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)span)),
        .tail_least = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(least + 16))),
        .tail_span = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(span + 16))),
        .length = length,
    };
}

AVX2_INLINE __m256i load_two(const char *first, const char *second)
{
    __m256i one = _mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)first));
    return _mm256_inserti128_si256(one, _mm_loadu_si128((const __m128i *)second), 1);
}

/* Two cells, one a lane: their pairs of digits as 16-bit numbers (century, year, month, day, hour, minute, second, 0),
 * and whether each half of a lane is of the shape. */
struct two {
    __m256i pairs, fits;
};

AVX2_INLINE struct two two_moments(const struct shape *shape, const char *first, const char *second)
{
    const __m256i from_head =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, -1, -1, -1, -1));
    const __m256i from_tail =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 14, 15, -1, -1));
    __m256i head = _mm256_sub_epi8(load_two(first, second), shape->head_least);
    __m256i tail = _mm256_sub_epi8(load_two(first + 3, second + 3), shape->tail_least);
    __m256i above = _mm256_or_si256(_mm256_subs_epu8(head, shape->head_span), _mm256_subs_epu8(tail, shape->tail_span));
    __m256i digits = _mm256_or_si256(_mm256_shuffle_epi8(head, from_head), _mm256_shuffle_epi8(tail, from_tail));
    return (struct two){
        .pairs = _mm256_maddubs_epi16(digits, _mm256_set1_epi16(1 << 8 | 10)),
        .fits = _mm256_cmpeq_epi64(above, _mm256_setzero_si256()),
    };
}

struct days_and_seconds {
    __m256i days, seconds;
    __m256i real; /* lanes of the shape, and of a day and hour that exist */
};

/* Eight moments from four pairs of cells: 0 and 4, 1 and 5, 2 and 6, 3 and 7. */
AVX2_INLINE struct days_and_seconds eight_moments(const struct two two[4], bool has_time)
{
    const __m256i byte = _mm256_set1_epi32(0xff);
    const __m256i zero = _mm256_setzero_si256();
    /* Cells 0, 1 | 4, 5 and 2, 3 | 6, 7, eight bytes each; then their halves, cells in order. */
    __m256 low = _mm256_castsi256_ps(_mm256_packus_epi16(two[0].pairs, two[1].pairs));
    __m256 high = _mm256_castsi256_ps(_mm256_packus_epi16(two[2].pairs, two[3].pairs));
    __m256i date = _mm256_castps_si256(_mm256_shuffle_ps(low, high, 0x88));
    __m256i time = _mm256_castps_si256(_mm256_shuffle_ps(low, high, 0xdd));
    __m256i fits =
        _mm256_packs_epi16(_mm256_packs_epi32(two[0].fits, two[1].fits), _mm256_packs_epi32(two[2].fits, two[3].fits));
    fits = _mm256_cmpeq_epi32(fits, _mm256_set1_epi32(-1));
    __m256i century = _mm256_and_si256(date, byte);
    __m256i year_in_century = _mm256_and_si256(_mm256_srli_epi32(date, 8), byte);
    __m256i month = _mm256_and_si256(_mm256_srli_epi32(date, 16), byte);
    __m256i day = _mm256_srli_epi32(date, 24);
    __m256i year = _mm256_maddubs_epi16(date, _mm256_set1_epi32(1 << 8 | 100));
    __m256i first_of_century = _mm256_cmpeq_epi32(year_in_century, zero);
    /* Years that begin in March put the leap day last. */
    __m256i early = _mm256_cmpgt_epi32(_mm256_set1_epi32(3), month);
    __m256i march_year = _mm256_add_epi32(year, early);
    __m256i march_century = _mm256_add_epi32(century, _mm256_and_si256(early, first_of_century));
    __m256i march_month =
        _mm256_add_epi32(_mm256_sub_epi32(month, _mm256_set1_epi32(3)), _mm256_and_si256(early, _mm256_set1_epi32(12)));
    /* (979 m + 15) / 32 are the days before month m: 0, 31, 61, 92, … */
    __m256i month_days = _mm256_srli_epi32(
        _mm256_add_epi32(_mm256_madd_epi16(march_month, _mm256_set1_epi32(979)), _mm256_set1_epi32(15)), 5);
    __m256i days = _mm256_srli_epi32(_mm256_madd_epi16(march_year, _mm256_set1_epi32(1461)), 2);
    days = _mm256_sub_epi32(days, march_century);
    days = _mm256_add_epi32(days, _mm256_srli_epi32(march_century, 2));
    days = _mm256_add_epi32(_mm256_add_epi32(days, month_days), _mm256_sub_epi32(day, _mm256_set1_epi32(719469)));
    /* The last day of the month. */
    __m256i leap_digits = _mm256_blendv_epi8(year_in_century, century, first_of_century);
    __m256i leap = _mm256_cmpeq_epi32(_mm256_and_si256(leap_digits, _mm256_set1_epi32(3)), zero);
    __m256i odd = _mm256_and_si256(_mm256_add_epi32(month, _mm256_srli_epi32(month, 3)), _mm256_set1_epi32(1));
    __m256i last =
        _mm256_blendv_epi8(_mm256_add_epi32(odd, _mm256_set1_epi32(30)), _mm256_sub_epi32(_mm256_set1_epi32(28), leap),
                           _mm256_cmpeq_epi32(month, _mm256_set1_epi32(2)));
    __m256i bad = _mm256_cmpgt_epi32(day, last);
    bad = _mm256_or_si256(bad, _mm256_cmpgt_epi32(month, _mm256_set1_epi32(12)));
    bad = _mm256_or_si256(bad, _mm256_cmpeq_epi32(_mm256_min_epi32(_mm256_min_epi32(day, month), year), zero));
    __m256i seconds = zero;
    if (has_time) {
        __m256i hour = _mm256_and_si256(time, byte);
        bad = _mm256_or_si256(bad, _mm256_cmpgt_epi32(hour, _mm256_set1_epi32(23)));
        seconds = _mm256_maddubs_epi16(time, _mm256_set1_epi32(1 << 16 | 1 << 8 | 60));
        seconds = _mm256_madd_epi16(seconds, _mm256_set1_epi32(1 << 16 | 60));
    }
    return (struct days_and_seconds){days, seconds, _mm256_andnot_si256(bad, fits)};
}

/* The length and, of timestamps, the separator that the first cell that is not empty has; the others most likely too.
 */
AVX2_INLINE uint32_t guess_shape(const struct kernel *kernel, const struct cells *cells, char *separator)
{
    *separator = 'T';
    if (kernel->unit == 1) return 10;
    for (size_t i = 0; i < cells->count; i++) {
        struct str text = cell_at(cells, i);
        if (text.length == 0) continue;
        if (text.length == 10 && kernel->any_format) return 10;
        *separator = text.length == 19 && text.data[10] == ' ' ? ' ' : 'T';
        break;
    }
    return 19;
}

/* Stores eight values of days * day + seconds, null where the cell is empty. `fits` are bits of those of the shape;
 * returns bits of those that are not fine. */
AVX2_INLINE unsigned store_eight(const struct kernel *kernel, const struct cells *cells, size_t i,
                                 const struct shape *shape, const struct days_and_seconds *moments, int64_t *values)
{
    __m256i day = _mm256_set1_epi64x(kernel->unit == 1 ? 1 : 86400);
    __m256i lengths = _mm256_sub_epi32(_mm256_loadu_si256((const __m256i *)(cells->ends + i)),
                                       _mm256_loadu_si256((const __m256i *)(cells->starts + i)));
    lengths = _mm256_sub_epi32(lengths, _mm256_set1_epi32((int)cells->skip));
    __m256i empty = _mm256_cmpeq_epi32(lengths, _mm256_setzero_si256());
    __m256i fine = _mm256_and_si256(_mm256_cmpeq_epi32(lengths, _mm256_set1_epi32((int)shape->length)), moments->real);
    for (int half = 0; half < 2; half++) {
        __m128i days = half == 0 ? _mm256_castsi256_si128(moments->days) : _mm256_extracti128_si256(moments->days, 1);
        __m128i seconds =
            half == 0 ? _mm256_castsi256_si128(moments->seconds) : _mm256_extracti128_si256(moments->seconds, 1);
        __m128i nulls = half == 0 ? _mm256_castsi256_si128(empty) : _mm256_extracti128_si256(empty, 1);
        __m256i value =
            _mm256_add_epi64(_mm256_mul_epi32(_mm256_cvtepi32_epi64(days), day), _mm256_cvtepi32_epi64(seconds));
        value = _mm256_blendv_epi8(value, _mm256_set1_epi64x(COLUMN_NULL), _mm256_cvtepi32_epi64(nulls));
        _mm256_storeu_si256((__m256i *)(values + i + (size_t)half * 4), value);
    }
    unsigned nulls_taken = kernel->null_taken ? (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(empty)) : 0;
    return ~((unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(fine)) | nulls_taken) & 0xff;
}

AVX2 static void run_moment(const struct kernel *kernel, const struct kernel_cache *cache, const struct cells *cells,
                            int64_t *values, uint64_t *doubtful)
{
    (void)cache;
    char separator;
    uint32_t length = guess_shape(kernel, cells, &separator);
    struct shape shape = shape_of(length, separator);
    size_t i = 0;
    for (; i + 8 <= cells->count; i += 8) {
        struct two two[4];
        for (size_t j = 0; j < 4; j++)
            two[j] = two_moments(&shape, cell_at(cells, i + j).data, cell_at(cells, i + j + 4).data);
        struct days_and_seconds moments = eight_moments(two, length == 19);
        unsigned bad = store_eight(kernel, cells, i, &shape, &moments, values);
        for (unsigned left = bad; left != 0; left &= left - 1) {
            size_t j = i + (size_t)__builtin_ctz(left);
            struct str text = cell_at(cells, j);
            bool taken =
                kernel->unit == 1 ? kernel_date(kernel, text, &values[j]) : kernel_timestamp(kernel, text, &values[j]);
            doubtful[j / 64] |= (uint64_t)!taken << (j % 64);
        }
    }
    for (; i < cells->count; i++) {
        struct str text = cell_at(cells, i);
        bool taken =
            kernel->unit == 1 ? kernel_date(kernel, text, &values[i]) : kernel_timestamp(kernel, text, &values[i]);
        doubtful[i / 64] |= (uint64_t)!taken << (i % 64);
    }
    if (kernel->bounded) kernel_bounds(kernel, values, cells->count, doubtful);
}

kernel_function *kernel_avx2(const struct kernel *kernel)
{
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi2")) return NULL;
    if (kernel->cached && !kernel->plain_terms) return run_cached;
    switch (kernel->field->kind) {
    case COLUMN_TERM:
        return run_term;
    case COLUMN_INTEGER:
        return run_integer;
    case COLUMN_DECIMAL:
        return run_decimal;
    case COLUMN_DATE:
    case COLUMN_TIMESTAMP:
        return run_moment;
    default:
        return NULL;
    }
}

#else

kernel_function *kernel_avx2(const struct kernel *kernel)
{
    (void)kernel;
    return NULL;
}

#endif
