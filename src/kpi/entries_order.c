/* Radix sort of entries.
 *
 * Many entries are first split into chunks that fit a processor's cache and follow one another in key order: where the
 * first key column ascends already (entries mostly come partition by partition), between two of its values; else by the
 * highest bits of the keys. Each chunk is then sorted on its own.
 *
 * In a chunk the key columns, each as its distance from its least value, are taken as one long number of only as many
 * bits as they need. It is sorted in rounds, from its low end: an item is as many of its bits as leave room in 64 for
 * the place that the entry came from, and a stable counting sort goes over those bits. Mostly one round does, and then
 * the keys are read back from the items; only values are gathered by place.
 */
#include "kpi/entries_order.h"

#include <string.h>

#include "base/memory.h"
#include "kpi/run.h"

#define DIGIT_BITS 8
#define DIGIT_VALUES (1 << DIGIT_BITS)
#define MAX_DIGITS 8
#define CHUNK_ENTRIES ((size_t)1 << 14)
#define SPLIT_BITS 9
#define SPLITS (1 << SPLIT_BITS)

struct key_range {
    uint64_t least;
    unsigned bits;
    unsigned from; /* place of its lowest bit in the long number */
};

/* The long numbers of some neighbouring entries. */
struct layout {
    struct key_range ranges[TRACE_MAX_KEYS];
    int keys;
    unsigned bits;
};

struct chunk {
    struct entries entries; /* the columns of this chunk */
    const struct trace_shape *shape;
    struct layout layout;
    unsigned place_bits;
    uint64_t *items;
    uint64_t *scratch; /* as large as the items */
};

static unsigned bits_of(uint64_t value)
{
    return value > 0 ? 64 - (unsigned)__builtin_clzll(value) : 0;
}

static uint64_t mask_of(unsigned bits)
{
    return bits < 64 ? (UINT64_C(1) << bits) - 1 : UINT64_MAX;
}

static void measure(const struct entries *entries, int keys, struct layout *layout)
{
    layout->keys = keys;
    layout->bits = 0;
    for (int k = keys; k-- > 0;) {
        const int64_t *column = entries->key[k];
        int64_t low = INT64_MAX;
        int64_t high = INT64_MIN;

        for (size_t i = 0; i < entries->count; i++) {
            low = column[i] < low ? column[i] : low;
            high = column[i] > high ? column[i] : high;
        }
        layout->ranges[k] = (struct key_range){(uint64_t)low, bits_of((uint64_t)high - (uint64_t)low), layout->bits};
        layout->bits += layout->ranges[k].bits;
    }
}

/* The part of bits `from` … `from + width - 1` of the long number that comes from one key column. */
struct portion {
    bool any;
    uint64_t least, mask;
    unsigned right, left;
};

static struct portion portion_of(const struct key_range *range, unsigned from, unsigned width)
{
    bool any = range->bits > 0 && range->from < from + width && range->from + range->bits > from;

    return (struct portion){any, range->least, mask_of(width), from > range->from ? from - range->from : 0,
                            range->from > from ? range->from - from : 0};
}

static uint64_t portion_at(const struct portion *portion, int64_t value)
{
    return ((uint64_t)value - portion->least) >> portion->right << portion->left & portion->mask;
}

/* Puts bits `from` … `from + width - 1` of the long number over the place in each item. In the first round the items
 * stand in order of place. */
static void fill_items(const struct chunk *chunk, unsigned from, unsigned width)
{
    uint64_t place_mask = mask_of(chunk->place_bits);

    for (size_t i = 0; i < chunk->entries.count; i++) {
        chunk->items[i] = from == 0 ? i : chunk->items[i] & place_mask;
    }
    for (int k = 0; k < chunk->layout.keys; k++) {
        struct portion portion = portion_of(&chunk->layout.ranges[k], from, width);
        const int64_t *column = chunk->entries.key[k];

        for (size_t i = 0; portion.any && i < chunk->entries.count; i++) {
            uint64_t place = chunk->items[i] & place_mask;

            chunk->items[i] |= portion_at(&portion, column[place]) << chunk->place_bits;
        }
    }
}

/* Stable counting sorts over `width` bits from bit `low` on. */
static void sort_items(struct chunk *chunk, unsigned low, unsigned width)
{
    uint32_t counts[MAX_DIGITS][DIGIT_VALUES];
    size_t count = chunk->entries.count;
    unsigned digits = (width + DIGIT_BITS - 1) / DIGIT_BITS;

    memset(counts, 0, digits * sizeof counts[0]);
    for (size_t i = 0; i < count; i++) {
        uint64_t number = chunk->items[i] >> low;

        for (unsigned d = 0; d < digits; d++) {
            counts[d][number & (DIGIT_VALUES - 1)]++;
            number >>= DIGIT_BITS;
        }
    }
    for (unsigned d = 0; d < digits; d++) {
        unsigned shift = low + d * DIGIT_BITS;
        uint32_t *begin = counts[d];
        uint32_t sum = 0;

        if (begin[chunk->items[0] >> shift & (DIGIT_VALUES - 1)] == count) {
            continue;
        }
        for (size_t v = 0; v < DIGIT_VALUES; v++) {
            uint32_t here = begin[v];

            begin[v] = sum;
            sum += here;
        }
        const uint64_t *from = chunk->items;
        uint64_t *to = chunk->scratch;

        for (size_t i = 0; i < count; i++) {
            to[begin[from[i] >> shift & (DIGIT_VALUES - 1)]++] = from[i];
        }
        chunk->scratch = chunk->items;
        chunk->items = to;
    }
}

/* Reads the keys back from items that hold all of the long number. */
static void read_keys(const struct chunk *chunk)
{
    for (int k = 0; k < chunk->layout.keys; k++) {
        const struct key_range *range = &chunk->layout.ranges[k];
        int64_t *column = chunk->entries.key[k];
        unsigned shift = chunk->place_bits + range->from;
        uint64_t mask = mask_of(range->bits);

        for (size_t i = 0; i < chunk->entries.count && range->bits > 0; i++) {
            column[i] = (int64_t)(range->least + (chunk->items[i] >> shift & mask));
        }
    }
}

/* Puts a column into the order of the items. */
static void gather(const struct chunk *chunk, int64_t *column)
{
    uint64_t place_mask = mask_of(chunk->place_bits);

    for (size_t i = 0; i < chunk->entries.count; i++) {
        chunk->scratch[i] = (uint64_t)column[chunk->items[i] & place_mask];
    }
    memcpy(column, chunk->scratch, chunk->entries.count * sizeof *column);
}

static void sort_chunk(struct chunk *chunk)
{
    if (chunk->entries.count < 2) {
        return;
    }
    measure(&chunk->entries, chunk->shape->keys, &chunk->layout);
    chunk->place_bits = bits_of(chunk->entries.count - 1);
    unsigned room = 64 - chunk->place_bits;
    unsigned bits = chunk->layout.bits;

    for (unsigned from = 0; from < bits; from += room) {
        unsigned width = bits - from < room ? bits - from : room;

        fill_items(chunk, from, width);
        sort_items(chunk, chunk->place_bits, width);
    }
    if (bits == 0) {
        return;
    }
    if (bits <= room) {
        read_keys(chunk);
    }
    for (int c = bits <= room ? chunk->shape->keys : 0; c < chunk->shape->keys + chunk->shape->values; c++) {
        gather(chunk, entries_column(&chunk->entries, chunk->shape, c));
    }
}

/* Sorts the chunks that end at `ends`. */
static bool sort_chunks(const struct entries *entries, const struct trace_shape *shape, const size_t *ends,
                        size_t count, struct error *error)
{
    size_t largest = 0;

    for (size_t c = 0; c < count; c++) {
        size_t size = ends[c] - (c > 0 ? ends[c - 1] : 0);

        largest = size > largest ? size : largest;
    }
    uint64_t *items __attribute__((cleanup(memory_release))) = memory_array(largest, sizeof *items, error);
    uint64_t *scratch __attribute__((cleanup(memory_release))) = memory_array(largest, sizeof *scratch, error);

    if (items == NULL || scratch == NULL) {
        return false;
    }
    for (size_t c = 0; c < count; c++) {
        size_t begin = c > 0 ? ends[c - 1] : 0;
        struct chunk chunk = {.shape = shape, .items = items, .scratch = scratch};

        chunk.entries.count = ends[c] - begin;
        for (int k = 0; k < shape->keys; k++) {
            chunk.entries.key[k] = entries->key[k] + begin;
        }
        for (int v = 0; v < shape->values; v++) {
            chunk.entries.value[v] = entries->value[v] + begin;
        }
        sort_chunk(&chunk);
    }
    return true;
}

static bool first_key_ascends(const struct entries *entries)
{
    for (size_t i = 1; i < entries->count; i++) {
        if (entries->key[0][i] < entries->key[0][i - 1]) {
            return false;
        }
    }
    return true;
}

/* Chunks between values of the first key column, which ascends. Returns how many. */
static size_t split_by_value(const struct entries *entries, size_t *ends)
{
    size_t count = 0;
    size_t begin = 0;

    for (size_t i = CHUNK_ENTRIES; i < entries->count; i++) {
        if (i - begin >= CHUNK_ENTRIES && entries->key[0][i] != entries->key[0][i - 1]) {
            ends[count++] = begin = i;
        }
    }
    ends[count++] = entries->count;
    return count;
}

/* Moves a column's values to the chunks of their entries. It gets the scratch's memory, and its own becomes scratch. */
static void scatter(int64_t **column, int64_t **scratch, const uint16_t *chunk_of, size_t count, const size_t *begins)
{
    size_t next[SPLITS];
    int64_t *to = *scratch;

    memcpy(next, begins, sizeof next);
    for (size_t i = 0; i < count; i++) {
        to[next[chunk_of[i]]++] = (*column)[i];
    }
    *scratch = *column;
    *column = to;
}

/* Chunks by the highest bits of the long number; moves the entries there. */
static bool split_by_bits(struct entries *entries, const struct trace_shape *shape, size_t *ends, struct error *error)
{
    struct layout layout;
    size_t begins[SPLITS] = {0};
    size_t sum = 0;
    uint16_t *chunk_of __attribute__((cleanup(memory_release))) = memory_array(entries->count, sizeof *chunk_of, error);
    int64_t *scratch __attribute__((cleanup(memory_release))) = memory_array(entries->count, sizeof *scratch, error);

    if (chunk_of == NULL || scratch == NULL) {
        return false;
    }
    measure(entries, shape->keys, &layout);
    memset(chunk_of, 0, entries->count * sizeof *chunk_of);
    for (int k = 0; k < shape->keys; k++) {
        unsigned from = layout.bits > SPLIT_BITS ? layout.bits - SPLIT_BITS : 0;
        struct portion portion = portion_of(&layout.ranges[k], from, SPLIT_BITS);

        for (size_t i = 0; portion.any && i < entries->count; i++) {
            chunk_of[i] |= (uint16_t)portion_at(&portion, entries->key[k][i]);
        }
    }
    for (size_t i = 0; i < entries->count; i++) {
        begins[chunk_of[i]]++;
    }
    for (size_t s = 0; s < SPLITS; s++) {
        size_t here = begins[s];

        begins[s] = sum;
        sum += here;
        ends[s] = sum;
    }
    for (int k = 0; k < shape->keys; k++) {
        scatter(&entries->key[k], &scratch, chunk_of, entries->count, begins);
    }
    for (int v = 0; v < shape->values; v++) {
        scatter(&entries->value[v], &scratch, chunk_of, entries->count, begins);
    }
    return true;
}

bool entries_order(struct entries *entries, const struct trace_shape *shape, struct error *error)
{
    size_t most = entries->count / CHUNK_ENTRIES + 1;
    size_t count = 1;

    if (entries->count > UINT32_MAX) {
        return error_set(error, ERROR_LIMIT, "more than 4,294,967,295 entries at once; use a smaller memory limit");
    }
    most = most > SPLITS ? most : SPLITS;
    size_t *ends __attribute__((cleanup(memory_release))) = memory_array(most, sizeof *ends, error);

    if (ends == NULL) {
        return false;
    }
    ends[0] = entries->count;
    if (entries->count >= 4 * CHUNK_ENTRIES && first_key_ascends(entries)) {
        count = split_by_value(entries, ends);
    } else if (entries->count >= 4 * CHUNK_ENTRIES) {
        if (!split_by_bits(entries, shape, ends, error)) {
            return false;
        }
        count = SPLITS;
    }
    return sort_chunks(entries, shape, ends, count, error);
}
