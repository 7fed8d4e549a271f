/* The scan for processors with AVX-512 and VBMI2, chosen at run time: a comparison gives its bit mask at once, and one
 * instruction packs the positions of up to 64 separators. */
#include "tabular/csv_scan_forms.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include "tabular/csv_scan_block.h"

#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi2,bmi,bmi2,pclmul,popcnt")))

/* What is looked for, in each byte of a vector. */
struct needles {
    __m512i delimiter;
    __m512i quote;
    __m512i newline;
    uint64_t quote_bits; /* 0 when there is no quoting, else all ones */
};

/* What the blocks so far held, byte by byte or bit by bit. */
struct sums {
    __m512i all;   /* OR: the highest bit says a byte past ASCII */
    __m512i least; /* minimum: 0 says a NUL */
    uint64_t returns;
};

static TARGET inline struct needles needles_of(const struct csv_dialect *dialect)
{
    return (struct needles){
        .delimiter = _mm512_set1_epi8(dialect->delimiter),
        .quote = _mm512_set1_epi8(dialect->quote),
        .newline = _mm512_set1_epi8('\n'),
        .quote_bits = dialect->quote == '\0' ? 0 : ~UINT64_C(0),
    };
}

/* Bytes that are not `real` read as the filler. */
static TARGET inline __m512i load(const char *block, uint64_t real)
{
    return _mm512_mask_loadu_epi8(_mm512_set1_epi8(CSV_FILLER), real, block);
}

/* Writes `first` + the place of each of `count` bits, sixteen at a time. */
static TARGET inline void write_ends(uint32_t *ends, uint64_t bits, uint32_t first, unsigned count)
{
    const __m512i places =
        _mm512_set_epi8(63, 62, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46, 45, 44, 43, 42, 41, 40,
                        39, 38, 37, 36, 35, 34, 33, 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16,
                        15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    const __m512i start = _mm512_set1_epi32((int)first);
    __m512i packed = _mm512_maskz_compress_epi8(bits, places);
    unsigned written = 0;

    do {
        __m512i wide = _mm512_cvtepu8_epi32(_mm512_castsi512_si128(packed));

        _mm512_storeu_si512(ends + written, _mm512_add_epi32(wide, start));
        packed = _mm512_alignr_epi64(_mm512_setzero_si512(), packed, 2);
        written += 16;
    } while (__builtin_expect(written < count, 0));
}

/* One block that begins at `at`, of which the bits in `real` count. */
static TARGET inline void scan_block(struct csv_scan_state *state, struct sums *sums, const struct needles *needles,
                                     const char *data, size_t at, uint64_t real)
{
    __m512i block = load(data, real);
    uint64_t newlines = _mm512_cmpeq_epi8_mask(block, needles->newline) & real;
    uint64_t separators = (_mm512_cmpeq_epi8_mask(block, needles->delimiter) & real) | newlines;
    uint64_t quotes = _mm512_cmpeq_epi8_mask(block, needles->quote) & real & needles->quote_bits;

    sums->all = _mm512_or_si512(sums->all, block);
    sums->least = _mm512_min_epu8(sums->least, block);
    sums->returns |= _mm512_cmpeq_epi8_mask(block, _mm512_set1_epi8('\r'));
    if ((quotes | state->inside) != 0) {
        csv_scan_unquoted(state, quotes, csv_scan_prefix_xor_clmul(quotes), &separators, &newlines);
    }
    unsigned count = (unsigned)__builtin_popcountll(separators);

    write_ends(state->ends, separators, (uint32_t)at, count);
    csv_scan_advance(state, separators, newlines, count);
}

TARGET bool csv_scan_avx512(const char *data, size_t size, const struct csv_dialect *dialect, struct csv_index *index,
                            size_t *consumed)
{
    const struct needles needles = needles_of(dialect);
    struct csv_scan_state state = csv_scan_begin(index);
    struct sums sums = {_mm512_setzero_si512(), _mm512_set1_epi8(-1), 0};
    size_t at = 0;

    for (; at + CSV_BLOCK <= size; at += CSV_BLOCK) {
        scan_block(&state, &sums, &needles, data + at, at, ~UINT64_C(0));
    }
    if (at < size) {
        scan_block(&state, &sums, &needles, data + at, at, csv_scan_real(size - at));
    }
    index->traits.has_cr = sums.returns != 0;
    index->traits.has_nul = _mm512_testn_epi8_mask(sums.least, sums.least) != 0;
    index->traits.has_non_ascii = _mm512_movepi8_mask(sums.all) != 0;
    csv_scan_finish(&state, index, consumed);
    return state.inside != 0;
}

static TARGET inline void facts_of_block(struct csv_block_facts *facts, uint64_t *inside, const struct needles *needles,
                                         const char *data, size_t at, size_t size, uint64_t real)
{
    __m512i block = load(data, real);
    uint64_t newlines = _mm512_cmpeq_epi8_mask(block, needles->newline) & real;
    uint64_t quotes = _mm512_cmpeq_epi8_mask(block, needles->quote) & real & needles->quote_bits;
    uint64_t quoted = *inside;

    if (quotes != 0) {
        quoted = csv_scan_carry(inside, csv_scan_prefix_xor_clmul(quotes));
    }
    csv_facts_note(facts, size, at, newlines, quoted);
}

TARGET void csv_block_facts_avx512(const char *data, size_t size, const struct csv_dialect *dialect,
                                   struct csv_block_facts *facts)
{
    const struct needles needles = needles_of(dialect);
    uint64_t inside = 0;
    size_t at = 0;

    *facts = (struct csv_block_facts){.first_newline_outside = size, .first_newline_inside = size};
    for (; at + CSV_BLOCK <= size; at += CSV_BLOCK) {
        facts_of_block(facts, &inside, &needles, data + at, at, size, ~UINT64_C(0));
    }
    if (at < size) {
        facts_of_block(facts, &inside, &needles, data + at, at, size, csv_scan_real(size - at));
    }
    facts->odd_quotes = inside != 0;
}

bool csv_scan_has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi2") &&
           __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("pclmul") &&
           __builtin_cpu_supports("popcnt");
}

#else

bool csv_scan_avx512(const char *data, size_t size, const struct csv_dialect *dialect, struct csv_index *index,
                     size_t *consumed)
{
    return csv_scan_portable(data, size, dialect, index, consumed);
}

void csv_block_facts_avx512(const char *data, size_t size, const struct csv_dialect *dialect,
                            struct csv_block_facts *facts)
{
    csv_block_facts_portable(data, size, dialect, facts);
}

bool csv_scan_has_avx512(void)
{
    return false;
}

#endif
