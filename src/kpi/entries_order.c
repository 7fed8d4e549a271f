/* Radix sort of entries.
 *
 * The key columns, each as the distance from its least value, are put side by side in as few 64-bit words as hold their
 * bits (mostly one). Each word, from the last to the first, is sorted with the place that it came from by a stable
 * counting sort over only as many bytes as it has; then the columns are gathered once.
 */
#include "kpi/entries_order.h"

#include <string.h>

#include "base/memory.h"
#include "kpi/run.h"

#define DIGIT_BITS 11
#define DIGIT_VALUES (1 << DIGIT_BITS)

struct item {
    uint64_t word;
    uint64_t place;
};

/* Some neighbouring key columns that share a word. */
struct word_plan {
    int first, end;
    unsigned bits;
};

static unsigned bits_of(uint64_t value)
{
    return value > 0 ? 64 - (unsigned)__builtin_clzll(value) : 0;
}

struct key_range {
    uint64_t least;
    unsigned bits;
};

static struct key_range range_of(const int64_t *column, size_t count)
{
    int64_t low = INT64_MAX;
    int64_t high = INT64_MIN;

    for (size_t i = 0; i < count; i++) {
        low = column[i] < low ? column[i] : low;
        high = column[i] > high ? column[i] : high;
    }
    return (struct key_range){(uint64_t)low, bits_of((uint64_t)high - (uint64_t)low)};
}

/* Fills the items' words from the columns of a plan, at the places that the items have. */
static void fill_words(const struct entries *entries, const struct word_plan *plan, const struct key_range *ranges,
                       struct item *items)
{
    for (int k = plan->first; k < plan->end; k++) {
        const int64_t *column = entries->key[k];
        unsigned shift = k == plan->first ? 0 : ranges[k].bits;
        uint64_t least = ranges[k].least;

        for (size_t i = 0; i < entries->count; i++) {
            uint64_t word = k == plan->first ? 0 : items[i].word << shift;

            items[i].word = word | ((uint64_t)column[items[i].place] - least);
        }
    }
}

/* One stable pass over a digit. False when all items have the same and nothing moved. */
static bool scatter(const struct item *from, struct item *to, size_t count, unsigned shift)
{
    size_t begin[DIGIT_VALUES] = {0};
    size_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        begin[from[i].word >> shift & (DIGIT_VALUES - 1)]++;
    }
    if (begin[from[0].word >> shift & (DIGIT_VALUES - 1)] == count) {
        return false;
    }
    for (size_t d = 0; d < DIGIT_VALUES; d++) {
        size_t here = begin[d];

        begin[d] = sum;
        sum += here;
    }
    for (size_t i = 0; i < count; i++) {
        to[begin[from[i].word >> shift & (DIGIT_VALUES - 1)]++] = from[i];
    }
    return true;
}

/* Puts a column into the order of the items. */
static bool gather(int64_t **column, const struct item *items, size_t count, struct error *error)
{
    int64_t *ordered = memory_array(count, sizeof *ordered, error);

    if (ordered == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        ordered[i] = (*column)[items[i].place];
    }
    memory_free(*column);
    *column = ordered;
    return true;
}

/* Shares the key columns out among words, as many neighbours as fit in each, from the last; returns how many. */
static int plan_words(const struct key_range *ranges, int keys, struct word_plan *plans)
{
    int count = 0;

    for (int end = keys; end > 0; count++) {
        struct word_plan *plan = &plans[count];

        *plan = (struct word_plan){end - 1, end, ranges[end - 1].bits};
        while (plan->first > 0 && plan->bits + ranges[plan->first - 1].bits <= 64) {
            plan->first--;
            plan->bits += ranges[plan->first].bits;
        }
        end = plan->first;
    }
    return count;
}

bool entries_order(struct entries *entries, const struct trace_shape *shape, struct error *error)
{
    struct key_range ranges[TRACE_MAX_KEYS];
    struct word_plan plans[TRACE_MAX_KEYS];
    size_t count = entries->count;

    for (int k = 0; k < shape->keys; k++) {
        ranges[k] = range_of(entries->key[k], count);
    }
    int words = plan_words(ranges, shape->keys, plans);
    struct item *items = memory_array(count, sizeof *items, error);
    struct item *others = items != NULL ? memory_array(count, sizeof *others, error) : NULL;
    bool good = others != NULL;

    for (size_t i = 0; good && i < count; i++) {
        items[i].place = i;
    }
    for (int w = 0; good && w < words; w++) {
        fill_words(entries, &plans[w], ranges, items);
        for (unsigned shift = 0; shift < plans[w].bits; shift += DIGIT_BITS) {
            if (scatter(items, others, count, shift)) {
                struct item *swap = items;

                items = others;
                others = swap;
            }
        }
    }
    for (int k = 0; good && k < shape->keys; k++) {
        good = gather(&entries->key[k], items, count, error);
    }
    for (int v = 0; good && v < shape->values; v++) {
        good = gather(&entries->value[v], items, count, error);
    }
    memory_free(items);
    memory_free(others);
    return good;
}
