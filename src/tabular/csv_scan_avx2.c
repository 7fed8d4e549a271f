/* The scan for processors with AVX2 and carry-less multiplication, chosen at run time. */
#include "tabular/csv_scan_forms.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include "tabular/csv_scan_block.h"

#define TARGET __attribute__((target("avx2,bmi,bmi2,pclmul,popcnt")))

/* What is looked for, in each byte of a vector. */
struct needles {
    __m256i delimiter;
    __m256i quote;
    __m256i newline;
    uint64_t quote_bits; /* 0 when there is no quoting, else all ones */
};

/* What the blocks so far held, byte by byte. */
struct sums {
    __m256i all;   /* OR: the highest bit says a byte past ASCII */
    __m256i least; /* minimum: 0 says a NUL */
    __m256i returns;
};

static TARGET inline struct needles needles_of(const struct csv_dialect *dialect)
{
    return (struct needles){
        .delimiter = _mm256_set1_epi8(dialect->delimiter),
        .quote = _mm256_set1_epi8(dialect->quote),
        .newline = _mm256_set1_epi8('\n'),
        .quote_bits = dialect->quote == '\0' ? 0 : ~UINT64_C(0),
    };
}

static TARGET inline uint64_t equal_bits(__m256i low, __m256i high, __m256i needle)
{
    uint32_t low_bits = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, needle));
    uint32_t high_bits = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, needle));

    return (uint64_t)high_bits << 32 | low_bits;
}

static TARGET inline void sum_up(struct sums *sums, __m256i low, __m256i high)
{
    const __m256i carriage_return = _mm256_set1_epi8('\r');

    sums->all = _mm256_or_si256(sums->all, _mm256_or_si256(low, high));
    sums->least = _mm256_min_epu8(sums->least, _mm256_min_epu8(low, high));
    sums->returns = _mm256_or_si256(sums->returns, _mm256_or_si256(_mm256_cmpeq_epi8(low, carriage_return),
                                                                   _mm256_cmpeq_epi8(high, carriage_return)));
}

/* One block that begins at `at`, of which the bits in `real` count. */
static TARGET inline void scan_block(struct csv_scan_state *state, struct sums *sums, const struct needles *needles,
                                     const char *block, size_t at, uint64_t real)
{
    __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)block);
    __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(block + 32));
    uint64_t newlines = equal_bits(low, high, needles->newline) & real;
    uint64_t separators = (equal_bits(low, high, needles->delimiter) & real) | newlines;
    uint64_t quotes = equal_bits(low, high, needles->quote) & real & needles->quote_bits;

    sum_up(sums, low, high);
    if ((quotes | state->inside) != 0) {
        csv_scan_unquoted(state, quotes, csv_scan_prefix_xor_clmul(quotes), &separators, &newlines);
    }
    unsigned count = (unsigned)__builtin_popcountll(separators);

    csv_scan_write_ends(state->ends, separators, (uint32_t)at, count);
    csv_scan_advance(state, separators, newlines, count);
}

static TARGET void note_traits(const struct sums *sums, struct csv_traits *traits)
{
    const __m256i zero = _mm256_setzero_si256();

    traits->has_cr = _mm256_movemask_epi8(sums->returns) != 0;
    traits->has_nul = _mm256_movemask_epi8(_mm256_cmpeq_epi8(sums->least, zero)) != 0;
    traits->has_non_ascii = _mm256_movemask_epi8(sums->all) != 0;
}

TARGET bool csv_scan_avx2(const char *data, size_t size, const struct csv_dialect *dialect, struct csv_index *index,
                          size_t *consumed)
{
    const struct needles needles = needles_of(dialect);
    struct csv_scan_state state = csv_scan_begin(index);
    struct sums sums = {_mm256_setzero_si256(), _mm256_set1_epi8(-1), _mm256_setzero_si256()};
    size_t at = 0;

    for (; at + CSV_BLOCK <= size; at += CSV_BLOCK) {
        scan_block(&state, &sums, &needles, data + at, at, ~UINT64_C(0));
    }
    if (at < size) {
        char block[CSV_BLOCK];

        csv_scan_last_block(data + at, size - at, block);
        scan_block(&state, &sums, &needles, block, at, csv_scan_real(size - at));
    }
    note_traits(&sums, &index->traits);
    csv_scan_finish(&state, index, consumed);
    return state.inside != 0;
}

static TARGET inline void facts_of_block(struct csv_block_facts *facts, uint64_t *inside, const struct needles *needles,
                                         const char *block, size_t at, size_t size, uint64_t real)
{
    __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)block);
    __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(block + 32));
    uint64_t newlines = equal_bits(low, high, needles->newline) & real;
    uint64_t quotes = equal_bits(low, high, needles->quote) & real & needles->quote_bits;
    uint64_t quoted = *inside;

    if (quotes != 0) {
        quoted = csv_scan_carry(inside, csv_scan_prefix_xor_clmul(quotes));
    }
    csv_facts_note(facts, size, at, newlines, quoted);
}

TARGET void csv_block_facts_avx2(const char *data, size_t size, const struct csv_dialect *dialect,
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
        char block[CSV_BLOCK];

        csv_scan_last_block(data + at, size - at, block);
        facts_of_block(facts, &inside, &needles, block, at, size, csv_scan_real(size - at));
    }
    facts->odd_quotes = inside != 0;
}

bool csv_scan_has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
           __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("popcnt");
}

#else

bool csv_scan_avx2(const char *data, size_t size, const struct csv_dialect *dialect, struct csv_index *index,
                   size_t *consumed)
{
    return csv_scan_portable(data, size, dialect, index, consumed);
}

void csv_block_facts_avx2(const char *data, size_t size, const struct csv_dialect *dialect,
                          struct csv_block_facts *facts)
{
    csv_block_facts_portable(data, size, dialect, facts);
}

bool csv_scan_has_avx2(void)
{
    return false;
}

#endif
