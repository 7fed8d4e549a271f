/* The scan in vectors of 16 bytes, which SIMDe makes of SSE2, NEON, or plain C, whatever the processor has. */
#include <simde/x86/sse2.h>

#include "tabular/csv_scan_block.h"
#include "tabular/csv_scan_forms.h"

#define LANES 4

struct block {
    simde__m128i lanes[LANES];
};

/* What is looked for, in each byte of a vector. */
struct needles {
    simde__m128i delimiter;
    simde__m128i quote;
    simde__m128i newline;
    uint64_t quote_bits; /* 0 when there is no quoting, else all ones */
};

/* What the blocks so far held, byte by byte. */
struct sums {
    simde__m128i all;   /* OR: the highest bit says a byte past ASCII */
    simde__m128i least; /* minimum: 0 says a NUL */
    simde__m128i returns;
};

CSV_INLINE struct needles needles_of(const struct csv_dialect *dialect)
{
    return (struct needles){
        .delimiter = simde_mm_set1_epi8(dialect->delimiter),
        .quote = simde_mm_set1_epi8(dialect->quote),
        .newline = simde_mm_set1_epi8('\n'),
        .quote_bits = dialect->quote == '\0' ? 0 : ~UINT64_C(0),
    };
}

CSV_INLINE struct block load(const char *data)
{
    struct block block;

    for (int i = 0; i < LANES; i++) {
        block.lanes[i] = simde_mm_loadu_si128((const simde__m128i *)(const void *)(data + 16 * i));
    }
    return block;
}

CSV_INLINE uint64_t equal_bits(const struct block *block, simde__m128i needle)
{
    uint64_t bits = 0;

    for (int i = 0; i < LANES; i++) {
        uint32_t part = (uint32_t)simde_mm_movemask_epi8(simde_mm_cmpeq_epi8(block->lanes[i], needle));

        bits |= (uint64_t)part << (16 * i);
    }
    return bits;
}

CSV_INLINE void sum_up(struct sums *sums, const struct block *block)
{
    const simde__m128i carriage_return = simde_mm_set1_epi8('\r');

    for (int i = 0; i < LANES; i++) {
        sums->all = simde_mm_or_si128(sums->all, block->lanes[i]);
        sums->least = simde_mm_min_epu8(sums->least, block->lanes[i]);
        sums->returns = simde_mm_or_si128(sums->returns, simde_mm_cmpeq_epi8(block->lanes[i], carriage_return));
    }
}

/* One block that begins at `at`, of which the bits in `real` count. */
CSV_INLINE void scan_block(struct csv_scan_state *state, struct sums *sums, const struct needles *needles,
                           const char *data, size_t at, uint64_t real)
{
    const struct block block = load(data);
    uint64_t newlines = equal_bits(&block, needles->newline) & real;
    uint64_t separators = (equal_bits(&block, needles->delimiter) & real) | newlines;
    uint64_t quotes = equal_bits(&block, needles->quote) & real & needles->quote_bits;

    sum_up(sums, &block);
    if ((quotes | state->inside) != 0) {
        csv_scan_unquoted(state, quotes, csv_scan_prefix_xor(quotes), &separators, &newlines);
    }
    unsigned count = (unsigned)__builtin_popcountll(separators);

    csv_scan_write_ends(state->ends, separators, (uint32_t)at, count);
    csv_scan_advance(state, separators, newlines, count);
}

static void note_traits(const struct sums *sums, struct csv_traits *traits)
{
    const simde__m128i zero = simde_mm_setzero_si128();

    traits->has_cr = simde_mm_movemask_epi8(sums->returns) != 0;
    traits->has_nul = simde_mm_movemask_epi8(simde_mm_cmpeq_epi8(sums->least, zero)) != 0;
    traits->has_non_ascii = simde_mm_movemask_epi8(sums->all) != 0;
}

bool csv_scan_portable(const char *data, size_t size, const struct csv_dialect *dialect, struct csv_index *index,
                       size_t *consumed)
{
    const struct needles needles = needles_of(dialect);
    struct csv_scan_state state = csv_scan_begin(index);
    struct sums sums = {simde_mm_setzero_si128(), simde_mm_set1_epi8(-1), simde_mm_setzero_si128()};
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

CSV_INLINE void facts_of_block(struct csv_block_facts *facts, uint64_t *inside, const struct needles *needles,
                               const char *data, size_t at, size_t size, uint64_t real)
{
    const struct block block = load(data);
    uint64_t newlines = equal_bits(&block, needles->newline) & real;
    uint64_t quotes = equal_bits(&block, needles->quote) & real & needles->quote_bits;
    uint64_t quoted = *inside;

    if (quotes != 0) {
        quoted = csv_scan_carry(inside, csv_scan_prefix_xor(quotes));
    }
    csv_facts_note(facts, size, at, newlines, quoted);
}

void csv_block_facts_portable(const char *data, size_t size, const struct csv_dialect *dialect,
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
