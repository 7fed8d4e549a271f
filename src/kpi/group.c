#include "kpi/group.h"

#include <string.h>

#include "kpi/group_plan.h"

/* ---- counting one portion ---- */

/* Which rows a measure counts: its conditions hold, its value and the group are there. */
static void select_rows(const struct measure_plan *plan, const struct worker_state *state, const uint32_t *group,
                        size_t count, uint8_t *selected)
{
    for (size_t i = 0; i < count; i++) selected[i] = group[i] != TALLY_NONE;
    for (size_t c = 0; c < plan->measure->condition_count; c++) {
        const struct code_condition *condition = &plan->conditions[c];
        const uint32_t *codes = state->words[condition->word];
        uint8_t any[ROWS_PORTION] = {0};
        for (size_t v = 0; v < condition->count; v++) {
            uint32_t wanted = condition->codes[v];
            for (size_t i = 0; i < count; i++) any[i] |= codes[i] == wanted;
        }
        uint8_t flip = condition->negated;
        for (size_t i = 0; i < count; i++) selected[i] &= any[i] ^ flip;
    }
    if (!plan->value || plan->value->raw) return;
    const uint32_t *codes = state->words[plan->value->word];
    for (size_t i = 0; i < count; i++) selected[i] &= codes[i] != CODE_NULL;
}

static bool add_value(const struct group_input *input, const struct measure_plan *plan, int64_t *sum, int64_t value,
                      struct error *error)
{
    int64_t weighted;
    if (!__builtin_mul_overflow(value, (int64_t)input->weight, &weighted) &&
        !__builtin_add_overflow(*sum, weighted, sum)) {
        return true;
    }
    return error_set(error, ERROR_LIMIT, "measure \"%s\": the sum goes beyond 64 bits; a value of %lld is among it",
                     plan->measure->name, (long long)value);
}

/* As add_sums for rows of one group, of which as many are counted in registers. False when it does not fit. */
static bool add_to_one(const struct measure_plan *plan, const struct worker_state *state, int64_t *sum, int weight,
                       const uint8_t *selected, size_t count)
{
    uint64_t rows = 0, distances = 0;
    for (size_t i = 0; i < count; i++) rows += selected[i];
    if (plan->measure->kind == MEASURE_SUM) {
        const uint32_t *codes = state->words[plan->value->word];
        for (size_t i = 0; i < count; i++) distances += codes[i] & (uint32_t) - (int32_t)selected[i];
    }
    __int128 more = plan->measure->kind == MEASURE_SUM ? (__int128)plan->value->coding->base * rows + distances : rows;
    __int128 total = *sum + more * weight;
    *sum = (int64_t)total;
    return total == *sum;
}

/* Whether a measure's values, if it has any, are codes that are distances. */
static bool is_plain(const struct measure_plan *plan)
{
    return !plan->value || (!plan->value->raw && plan->value->coding->kind == CODING_OFFSET);
}

static bool add_sums(const struct group_input *input, const struct measure_plan *plan, struct worker_state *state,
                     struct tally *groups, const uint32_t *group, const uint8_t *selected, size_t count,
                     struct error *error)
{
    size_t stride = (size_t)groups->sums;
    int64_t *sum = groups->sum + plan->measure->accumulator;
    const uint32_t *low = plan->value ? state->words[plan->value->word] : NULL;
    const uint32_t *high = low && plan->value->raw ? state->words[plan->value->word + 1] : NULL;
    if (plan->measure->kind == MEASURE_COUNT) {
        for (size_t i = 0; i < count; i++) {
            if (!selected[i]) continue;
            bool null = high && (int64_t)((uint64_t)high[i] << 32 | low[i]) == COLUMN_NULL;
            sum[group[i] * stride] += null ? 0 : input->weight;
        }
        return true;
    }
    int64_t base = plan->value->coding->base;
    if (!high && input->weight == 1 && plan->value->coding->kind == CODING_OFFSET) {
        bool wrapped = false;
        for (size_t i = 0; i < count; i++) {
            if (!selected[i]) continue;
            int64_t *to = &sum[group[i] * stride];
            wrapped |= __builtin_add_overflow(*to, base + low[i], to);
        }
        return !wrapped ||
               error_set(error, ERROR_LIMIT, "measure \"%s\": a sum goes beyond 64 bits", plan->measure->name);
    }
    for (size_t i = 0; i < count; i++) {
        if (!selected[i]) continue;
        int64_t value = high ? (int64_t)((uint64_t)high[i] << 32 | low[i])
                             : (plan->value->coding->kind == CODING_OFFSET ? base + low[i]
                                                                           : coding_value(plan->value->coding, low[i]));
        if (value == COLUMN_NULL) continue;
        if (!add_value(input, plan, &sum[group[i] * stride], value, error)) return false;
    }
    return true;
}

static bool add_multiset(const struct group_input *input, const struct measure_plan *plan,
                         const struct worker_state *state, const uint32_t *group, const uint8_t *selected, size_t count,
                         struct error *error)
{
    const uint32_t *codes = state->words[plan->value->word];
    struct tally *multiset = &state->multisets[plan->measure->multiset];
    for (size_t i = 0; i < count; i++) {
        if (!selected[i]) continue;
        uint32_t key[4] = {group[i], codes[i]};
        uint32_t entry = tally_at(multiset, key, error);
        if (entry == TALLY_NONE) return false;
        multiset->sum[entry] += input->weight;
    }
    return true;
}

/* Counts each value once for its group. */
static bool count_distinct(const struct measure_plan *plan, const struct worker_state *state, struct tally *groups,
                           const uint32_t *group, const uint8_t *selected, size_t count, struct error *error)
{
    const uint32_t *codes = state->words[plan->value->word];
    struct pair_set *set = &state->sets[plan->measure->set];
    size_t stride = (size_t)groups->sums;
    int64_t *sum = groups->sum + plan->measure->accumulator;
    if (!pair_set_reserve(set, count, error)) return false;
    for (size_t i = 0; i < count; i++) {
        if (selected[i]) sum[group[i] * stride] += pair_set_add(set, group[i], codes[i]);
    }
    return true;
}

static void take_extremes(const struct measure_plan *plan, const struct worker_state *state, struct tally *groups,
                          const uint32_t *group, const uint8_t *selected, size_t count)
{
    const uint32_t *codes = state->words[plan->value->word];
    size_t stride = (size_t)groups->sums;
    int64_t *extremes = groups->sum + plan->measure->accumulator;
    for (size_t i = 0; i < count; i++) {
        if (!selected[i]) continue;
        int64_t *to = &extremes[group[i] * stride];
        uint64_t extreme = extreme_of(plan->measure->kind, coding_value(plan->value->coding, codes[i]));
        if (extreme > (uint64_t)*to) *to = (int64_t)extreme;
    }
}

/* As find_groups for one key whose codes are few: a table instead of a search. */
static bool find_groups_direct(const struct table_plan *plan, struct worker_state *state, int index, size_t count,
                               uint32_t *group, struct error *error)
{
    struct tally *groups = &state->groups[index];
    uint32_t *direct = state->direct[index];
    const uint32_t *codes = state->words[plan->keys[plan->hashed[0]]->word];
    for (size_t i = 0; i < count; i++) {
        uint32_t code = codes[i];
        group[i] = code == CODE_NULL ? TALLY_NONE : direct[code];
        if (group[i] != TALLY_NONE || code == CODE_NULL) continue;
        group[i] = direct[code] = tally_enter(groups, &code, error);
        if (group[i] == TALLY_NONE) return false;
    }
    return true;
}

static bool find_groups(const struct table_plan *plan, const struct worker_state *state, struct tally *groups,
                        size_t count, uint32_t *group, struct error *error)
{
    uint32_t key[KPI_MAX_KEYS + 1] = {0};
    uint32_t last[KPI_MAX_KEYS + 1] = {0}, last_group = TALLY_NONE;
    for (size_t i = 0; i < count; i++) {
        bool null = false, same = last_group != TALLY_NONE;
        for (int k = 0; k < plan->hashed_count; k++) {
            key[k] = state->words[plan->keys[plan->hashed[k]]->word][i];
            null |= key[k] == CODE_NULL;
            same &= key[k] == last[k];
        }
        if (null) {
            group[i] = TALLY_NONE;
            continue;
        }
        if (!same) {
            last_group = tally_at(groups, key, error);
            if (last_group == TALLY_NONE) return false;
            memcpy(last, key, sizeof last);
        }
        group[i] = last_group;
    }
    return true;
}

/* The groups of another plan, entered here under the same numbers. */
static bool copy_groups(const struct tally *from, struct tally *to, struct error *error)
{
    while (to->count < from->count) {
        if (tally_enter(to, from->keys + (size_t)to->count * (size_t)from->words, error) == TALLY_NONE) return false;
    }
    return true;
}

/* The group of each row of the portion in a table. NULL on failure. */
static const uint32_t *group_of_rows(const struct plan *plan, struct worker_state *state, int index, size_t count,
                                     struct error *error)
{
    const struct table_plan *table = &plan->tables[index];
    if (table->dense) return state->words[table->keys[0]->word];
    struct tally *groups = &state->groups[index];
    int like = table->groups_like;
    if (like >= 0 && (state->days || !plan->tables[like].by_day)) {
        return copy_groups(&state->groups[like], groups, error) ? state->group[like] : NULL;
    }
    uint32_t *group = state->group[index];
    bool good = state->direct[index] ? find_groups_direct(table, state, index, count, group, error)
                                     : find_groups(table, state, groups, count, group, error);
    return good ? group : NULL;
}

/* Whether a measure's multiset is filled otherwise than row by row: by another measure that shares it, or at the end of
 * the partition by the rows of groups. */
static bool is_filled_elsewhere(const struct table_plan *table, const struct measure_plan *measure,
                                const struct worker_state *state)
{
    if (measure->measure->multiset < 0) return false;
    bool of_groups = table->dense ? table->rows_like >= 0 && state->days : true;
    return !measure->fills_multiset || (measure->counts_rows && of_groups);
}

/* Counts by value: distinct ones and extremes. */
static bool group_values(const struct plan *plan, const struct table_plan *table, const struct measure_plan *measure,
                         struct worker_state *state, const uint32_t *group, const uint8_t *selected, size_t count,
                         struct error *error)
{
    struct tally *groups = &state->groups[table - plan->tables];
    if (table->dense) return dense_add(measure, state, group, selected, count, error);
    if (measure->measure->multiset >= 0)
        return add_multiset(plan->input, measure, state, group, selected, count, error);
    if (measure->measure->set >= 0) return count_distinct(measure, state, groups, group, selected, count, error);
    take_extremes(measure, state, groups, group, selected, count);
    return true;
}

static bool group_measure(const struct plan *plan, const struct table_plan *table, const struct measure_plan *measure,
                          struct worker_state *state, const uint32_t *group, size_t count, bool uniform,
                          struct error *error)
{
    uint8_t selected[ROWS_PORTION];
    const struct group_input *input = plan->input;
    struct tally *groups = &state->groups[table - plan->tables];
    enum kpi_measure_kind kind = measure->measure->kind;
    if (is_filled_elsewhere(table, measure, state)) return true;
    select_rows(measure, state, group, count, selected);
    if (kind != MEASURE_COUNT && kind != MEASURE_SUM) {
        return group_values(plan, table, measure, state, group, selected, count, error);
    }
    if (uniform && group[0] == TALLY_NONE) return true;
    if (uniform && is_plain(measure)) {
        int64_t *sum = groups->sum + group[0] * (size_t)groups->sums + measure->measure->accumulator;
        return add_to_one(measure, state, sum, input->weight, selected, count) ||
               error_set(error, ERROR_LIMIT, "measure \"%s\": a sum goes beyond 64 bits", measure->measure->name);
    }
    return add_sums(input, measure, state, groups, group, selected, count, error);
}

/* Whether all rows are of one group. */
static bool is_uniform(const uint32_t *group, size_t count)
{
    uint32_t difference = 0;
    for (size_t i = 1; i < count; i++) difference |= group[i] ^ group[0];
    return difference == 0;
}

static void count_rows(struct tally *groups, int weight, const uint32_t *group, size_t count, bool uniform)
{
    size_t stride = (size_t)groups->sums;
    if (uniform) {
        if (group[0] != TALLY_NONE) groups->sum[group[0] * stride] += weight * (int64_t)count;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (group[i] != TALLY_NONE) groups->sum[group[i] * stride] += weight;
    }
}

static bool group_portion(const struct plan *plan, struct worker_state *state, size_t count, struct error *error)
{
    const struct group_input *input = plan->input;
    const struct fact_column *partition = fact_column_find(input->fact, input->fact->dataset->partition_column);
    if (partition) state->partition_value = state->words[partition->word][0];
    for (int t = 0; t < plan->table_count; t++) {
        const struct table_plan *table = &plan->tables[t];
        struct tally *groups = &state->groups[t];
        if (table->by_day && !state->days) continue;
        const uint32_t *group = group_of_rows(plan, state, t, count, error);
        if (!group) return false;
        if (table->by_day) state->partition_codes[t] = state->words[table->keys[table->spec->partition_key]->word][0];
        if (table->by_day && input->weight < 0) continue; /* that the group is there is all that is asked */
        bool uniform = is_uniform(group, count);
        count_rows(groups, input->weight, group, count, uniform);
        for (int m = 0; m < table->measure_count; m++) {
            if (!group_measure(plan, table, &table->measures[m], state, group, count, uniform, error)) return false;
        }
    }
    return true;
}

/* ---- one partition ---- */

/* The columns that tuples do not hold: the partition's own value, and those that are the same everywhere. */
static bool fill_settled(const struct plan *plan, struct worker_state *state, uint32_t partition, struct error *error)
{
    const struct fact *fact = plan->input->fact;
    for (int c = 0; c < fact->column_count; c++) {
        const struct fact_column *column = &fact->columns[c];
        if (!column->settled) continue;
        bool own = column->column == fact->dataset->partition_column;
        int64_t value = own ? coding_value(plan->input->partition, partition) : column->coding->base;
        uint32_t code;
        if (!coding_encode(column->coding, &value, 1, &code, error)) return false;
        uint32_t *words = state->settled[column->word - fact->words];
        for (size_t i = 0; i < ROWS_PORTION; i++) words[i] = code;
        state->words[column->word] = words;
    }
    return true;
}

/* Places for piles are made ahead of need, so there may be none of a partition, nor a code that it has. */
static bool group_partition(void *context, size_t partition, unsigned worker, struct error *error)
{
    const struct plan *plan = context;
    struct worker_state *state = &plan->workers[worker];
    const struct joined *joined = plan->input->joined;
    int data_words = plan->input->fact->data_words;
    if (!joined_has(joined, (uint32_t)partition)) return true;
    state->days = plan->input->weight < 0 || (plan->input->whole && plan->input->whole[partition]);
    state->day = coding_value(plan->input->partition, (uint32_t)partition);
    if (!fill_settled(plan, state, (uint32_t)partition, error)) return false;
    for (unsigned w = 0; w < joined->workers; w++) {
        if (partition >= joined->worker[w].partitions) continue;
        for (const struct pile *pile = joined->worker[w].piles[partition]; pile; pile = pile->next) {
            for (uint32_t from = 0; from < pile->rows; from += ROWS_PORTION) {
                size_t count = pile->rows - from < ROWS_PORTION ? pile->rows - from : ROWS_PORTION;
                for (int word = 0; word < data_words; word++) state->words[word] = pile_word(pile, word) + from;
                if (!group_portion(plan, state, count, error)) return false;
            }
        }
    }
    return dense_add_groups(plan, state, error) && group_hand_out(plan, state, &plan->gains[worker], false, error);
}

bool group_rows(const struct group_input *input, struct team *team, struct gains *gains, struct error *error)
{
    struct plan plan = {.gains = gains};
    unsigned workers = team_size(team);
    if (joined_rows(input->joined) == 0) return true;
    bool good = plan_open(&plan, input, workers, error);
    if (good) good = team_run(team, joined_partitions(input->joined), group_partition, &plan, error);
    good = good && dense_finish(&plan, team, error);
    for (unsigned w = 0; good && w < workers; w++)
        good = group_hand_out(&plan, &plan.workers[w], &gains[w], true, error);
    plan_free(&plan, workers);
    return good;
}
