/* Tables across days with one key whose codes lie close together: a group's number is its key's code, so that rows find
 * it without a search, and what is counted by value is collected as packed numbers and counted by sorting. */
#include <string.h>

#include "base/memory.h"
#include "kpi/group_plan.h"

#define DIGIT_BITS 11
#define DIGIT_VALUES (1u << DIGIT_BITS)

/* Most bits of an item that count how often its value comes. */
#define COUNT_BITS 16

static unsigned bits_of(uint64_t most)
{
    return most > 0 ? 64 - (unsigned)__builtin_clzll(most) : 0;
}

/* The first and the last day among the joined partitions. */
static void day_bounds(const struct group_input *input, int64_t *least, int64_t *most)
{
    *least = INT64_MAX;
    *most = INT64_MIN;
    for (uint32_t p = 0; p < joined_partitions(input->joined); p++) {
        if (!joined_has(input->joined, p)) continue;
        int64_t day = coding_value(input->partition, p);
        *least = day < *least ? day : *least;
        *most = day > *most ? day : *most;
    }
}

/* How a measure's values are packed; false when they do not fit. */
static bool plan_items(const struct group_input *input, uint64_t groups, struct measure_plan *measure)
{
    uint64_t values = 0;
    if (measure->counts_rows) {
        int64_t most;
        day_bounds(input, &measure->first_day, &most);
        values = most >= measure->first_day ? (uint64_t)most - (uint64_t)measure->first_day + 1 : 1;
    } else {
        values = plan_code_range(measure->value->coding);
    }
    unsigned bits = bits_of(groups) + bits_of(values);
    if (bits >= 64) return false;
    measure->count_bits = 64 - bits < COUNT_BITS ? 64 - bits : COUNT_BITS;
    measure->group_shift = measure->count_bits + bits_of(values);
    return true;
}

void plan_dense(const struct group_input *input, uint64_t rows, struct table_plan *table)
{
    if (table->by_day || table->spec->key_count != 1) return;
    uint64_t range = plan_code_range(table->keys[0]->coding);
    bool dense = range <= 1024 + 4 * rows;
    for (int m = 0; dense && m < table->measure_count; m++) {
        if (table->measures[m].fills_multiset) dense = plan_items(input, range, &table->measures[m]);
    }
    table->dense = dense;
    table->range = range;
    table->per_partition &= !dense;
}

static bool reserve_items(struct item_list *list, size_t more, struct error *error)
{
    if (list->count + more <= list->capacity) return true;
    size_t capacity = list->capacity * 2 > list->count + more ? list->capacity * 2 : list->count + more;
    uint64_t *items = memory_resize(list->items, capacity, sizeof *items, error);
    if (!items) return false;
    list->items = items;
    list->capacity = capacity;
    return true;
}

bool dense_add(const struct measure_plan *measure, struct worker_state *state, const uint32_t *group,
               const uint8_t *selected, size_t count, struct error *error)
{
    struct item_list *list = &state->items[measure->measure->multiset];
    if (!reserve_items(list, count, error)) return false;
    uint64_t *to = list->items + list->count;
    unsigned group_shift = measure->group_shift, value_shift = measure->count_bits;
    uint64_t day = (uint64_t)(state->day - measure->first_day) << value_shift;
    const uint32_t *codes = measure->counts_rows ? NULL : state->words[measure->value->word];
    for (size_t i = 0; i < count; i++) {
        *to = (uint64_t)group[i] << group_shift | (codes ? (uint64_t)codes[i] << value_shift : day);
        to += selected[i];
    }
    list->count = (size_t)(to - list->items);
    return true;
}

bool dense_add_groups(const struct plan *plan, struct worker_state *state, struct error *error)
{
    for (int t = 0; t < plan->table_count; t++) {
        const struct table_plan *table = &plan->tables[t];
        if (!table->dense || table->rows_like < 0 || !state->days) continue;
        const struct tally *groups = &state->groups[table->rows_like];
        for (int m = 0; m < table->measure_count; m++) {
            const struct measure_plan *measure = &table->measures[m];
            if (!measure->counts_rows) continue;
            struct item_list *list = &state->items[measure->measure->multiset];
            uint64_t day = (uint64_t)(state->day - measure->first_day) << measure->count_bits;
            for (uint32_t g = 0; g < groups->count; g++) {
                int64_t left = groups->sum[(size_t)g * (size_t)groups->sums], most = INT64_C(1) << measure->count_bits;
                uint64_t item = (uint64_t)groups->keys[g] << measure->group_shift | day;
                for (; left > 0; left -= most) {
                    if (!reserve_items(list, 1, error)) return false;
                    list->items[list->count++] = item | (uint64_t)((left < most ? left : most) - 1);
                }
            }
        }
    }
    return true;
}

/* ---- what came together ---- */

/* Sorts by the bits from `from` on; an item's value is below 2^to. Returns which of both arrays has them. */
static uint64_t *sort_items(uint64_t *items, uint64_t *scratch, size_t count, unsigned from, unsigned to)
{
    for (; from < to; from += DIGIT_BITS) {
        size_t begins[DIGIT_VALUES] = {0}, sum = 0;
        for (size_t i = 0; i < count; i++) begins[items[i] >> from & (DIGIT_VALUES - 1)]++;
        for (size_t v = 0; v < DIGIT_VALUES; v++) {
            size_t here = begins[v];
            begins[v] = sum;
            sum += here;
        }
        for (size_t i = 0; i < count; i++) scratch[begins[items[i] >> from & (DIGIT_VALUES - 1)]++] = items[i];
        uint64_t *sorted = scratch;
        scratch = items;
        items = sorted;
    }
    return items;
}

/* Sorted items as entries: one for each group and value. */
static bool items_to_entries(const struct plan *plan, const struct table_plan *table,
                             const struct measure_plan *measure, const uint64_t *items, size_t count,
                             struct error *error)
{
    int multiset = measure->measure->multiset;
    struct entry_list *list = &plan->gains[0].multisets[multiset];
    struct trace_shape shape = multiset_shape(plan->input->spec, multiset);
    size_t different = 0;
    for (size_t i = 0; i < count; i++)
        different += i == 0 || items[i] >> measure->count_bits != items[i - 1] >> measure->count_bits;
    if (!entry_list_reserve(list, &shape, different, error)) return false;
    uint64_t count_mask = (UINT64_C(1) << measure->count_bits) - 1;
    uint64_t value_mask = (UINT64_C(1) << (measure->group_shift - measure->count_bits)) - 1;
    for (size_t i = 0; i < count;) {
        uint64_t value = items[i] >> measure->count_bits;
        int64_t times = 0;
        for (; i < count && items[i] >> measure->count_bits == value; i++)
            times += 1 + (int64_t)(items[i] & count_mask);
        size_t at = list->entries.count++;
        uint32_t group = (uint32_t)(value >> (measure->group_shift - measure->count_bits));
        list->entries.key[0][at] = coding_value(table->keys[0]->coding, group);
        list->entries.key[1][at] = measure->counts_rows
                                       ? measure->first_day + (int64_t)(value & value_mask)
                                       : coding_value(measure->value->coding, (uint32_t)(value & value_mask));
        list->entries.value[0][at] = times * plan->input->weight;
    }
    return true;
}

static bool finish_multiset(const struct plan *plan, unsigned workers, const struct table_plan *table,
                            const struct measure_plan *measure, struct error *error)
{
    size_t count = 0;
    int multiset = measure->measure->multiset;
    for (unsigned w = 0; w < workers; w++) count += plan->workers[w].items[multiset].count;
    if (count == 0) return true;
    uint64_t *items = memory_array(count, sizeof *items, error);
    uint64_t *scratch = memory_array(count, sizeof *scratch, error);
    bool good = items && scratch;
    size_t at = 0;
    for (unsigned w = 0; good && w < workers; w++) {
        struct item_list *list = &plan->workers[w].items[multiset];
        if (list->count) memcpy(items + at, list->items, list->count * sizeof *items);
        at += list->count;
        memory_free(list->items);
        *list = (struct item_list){0};
    }
    if (good) {
        unsigned end = measure->group_shift + bits_of(table->range);
        const uint64_t *sorted = sort_items(items, scratch, count, measure->count_bits, end);
        good = items_to_entries(plan, table, measure, sorted, count, error);
    }
    memory_free(items);
    memory_free(scratch);
    return good;
}

static bool is_empty(const int64_t *sums, size_t stride)
{
    int64_t any = 0;
    for (size_t v = 0; v < stride; v++) any |= sums[v];
    return any == 0;
}

/* Adds the other workers' sums to the first one's. */
static bool add_up(const struct plan *plan, unsigned workers, int index, struct error *error)
{
    const struct table_plan *table = &plan->tables[index];
    int64_t *all = plan->workers[0].groups[index].sum;
    size_t sums = table->range * (size_t)table->spec->accumulator_count;
    bool wrapped = false;
    for (unsigned w = 1; w < workers; w++) {
        const int64_t *more = plan->workers[w].groups[index].sum;
        for (size_t i = 0; i < sums; i++) wrapped |= __builtin_add_overflow(all[i], more[i], &all[i]);
    }
    return !wrapped || error_set(error, ERROR_LIMIT, "table \"%s\": a sum goes beyond 64 bits", table->spec->name);
}

static bool finish_table(const struct plan *plan, unsigned workers, int index, struct error *error)
{
    const struct table_plan *table = &plan->tables[index];
    if (!add_up(plan, workers, index, error)) return false;
    const int64_t *sums = plan->workers[0].groups[index].sum;
    size_t stride = (size_t)table->spec->accumulator_count, count = 0;
    struct entry_list *list = &plan->gains[0].tables[table->table];
    struct trace_shape shape = table_shape(table->spec);
    for (uint64_t g = 0; g < table->range; g++) count += !is_empty(sums + g * stride, stride);
    if (!entry_list_reserve(list, &shape, count, error)) return false;
    for (uint64_t g = 0; g < table->range; g++) {
        if (is_empty(sums + g * stride, stride)) continue;
        size_t at = list->entries.count++;
        list->entries.key[0][at] = coding_value(table->keys[0]->coding, (uint32_t)g);
        for (size_t v = 0; v < stride; v++) list->entries.value[v][at] = sums[g * stride + v];
    }
    return true;
}

struct finishing {
    const struct plan *plan;
    unsigned workers;
};

static bool finish(void *context, size_t index, unsigned worker, struct error *error)
{
    (void)worker;
    const struct finishing *finishing = context;
    const struct table_plan *table = &finishing->plan->tables[index];
    if (!table->dense) return true;
    for (int m = 0; m < table->measure_count; m++) {
        if (table->measures[m].fills_multiset &&
            !finish_multiset(finishing->plan, finishing->workers, table, &table->measures[m], error)) {
            return false;
        }
    }
    return finish_table(finishing->plan, finishing->workers, (int)index, error);
}

bool dense_finish(const struct plan *plan, struct team *team, struct error *error)
{
    struct finishing finishing = {.plan = plan, .workers = team_size(team)};
    return team_run(team, (size_t)plan->table_count, finish, &finishing, error);
}
