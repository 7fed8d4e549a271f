#include "kpi/group.h"

#include <string.h>

#include "base/memory.h"
#include "kpi/pair_set.h"
#include "kpi/tally.h"

/* Codes up to here are looked up in a table. */
#define DIRECT_CODES 256

/* A condition with its values as codes of the tuple. */
struct code_condition {
    int word;
    bool negated;
    uint32_t *codes;
    size_t count;
};

struct measure_plan {
    const struct kpi_measure *measure;
    const struct fact_column *value; /* NULL: every row counts */
    struct code_condition *conditions;
    bool fills_multiset; /* the one of those that share it which fills it */
    bool counts_rows;    /* of that multiset the only value in a partition is the partition, so the rows of
                            the group are its count */
};

struct table_plan {
    int table;
    const struct kpi_table *spec;
    const struct fact_column *keys[KPI_MAX_KEYS];
    int hashed[KPI_MAX_KEYS]; /* keys that vary within a partition */
    int hashed_count;
    bool per_partition; /* handed out with every partition, so groups never outgrow the cache */
    int groups_like;    /* an earlier plan whose groups have the same keys and numbers, -1: none */
    struct measure_plan measures[KPI_MAX_MEASURES];
    int measure_count;
};

struct plan {
    const struct group_input *input;
    struct table_plan *tables;
    int table_count;
    struct gains *gains;
    struct worker_state *workers;
};

/* What one worker holds while it goes through partitions. */
struct worker_state {
    struct tally *groups;     /* by table plan; key: the hashed keys' codes (one zero word when there are none) */
    struct tally *multisets;  /* by multiset of the spec; key: group number, value code */
    struct pair_set *counted; /* the same where only the number of values is wanted */
    uint32_t (*words)[ROWS_PORTION];
    uint32_t (*direct)[DIRECT_CODES]; /* by table plan: the group of a code, TALLY_NONE where there is none yet */
    uint32_t (*group)[ROWS_PORTION];  /* by table plan: the group of each row of the portion */
    uint32_t partition_codes[KPI_MAX_COLUMNS]; /* by table plan: the partition key's code */
    uint32_t partition_value;                  /* the partition column's own code, where a multiset is over it */
};

/* ---- lists of entries ---- */

struct trace_shape table_shape(const struct kpi_table *table)
{
    return (struct trace_shape){.keys = table->key_count, .values = table->accumulator_count, .merge = TRACE_ADD};
}

struct trace_shape multiset_shape(const struct kpi_spec *spec, int multiset)
{
    return (struct trace_shape){
        .keys = spec->tables[spec->multisets[multiset].table].key_count + 1, .values = 1, .merge = TRACE_ADD};
}

bool entry_list_reserve(struct entry_list *list, const struct trace_shape *shape, size_t more, struct error *error)
{
    if (list->entries.count + more <= list->capacity) return true;
    size_t capacity = list->capacity * 2 > list->entries.count + more ? list->capacity * 2 : list->entries.count + more;
    for (int k = 0; k < shape->keys; k++) {
        int64_t *grown = memory_resize(list->entries.key[k], capacity, sizeof *grown, error);
        if (!grown) return false;
        list->entries.key[k] = grown;
    }
    for (int v = 0; v < shape->values; v++) {
        int64_t *grown = memory_resize(list->entries.value[v], capacity, sizeof *grown, error);
        if (!grown) return false;
        list->entries.value[v] = grown;
    }
    list->capacity = capacity;
    return true;
}

bool gains_new(struct gains *gains, const struct kpi_spec *spec, struct error *error)
{
    gains->tables = memory_zeroed(((size_t)spec->table_count + 1) * sizeof *gains->tables, error);
    gains->multisets = memory_zeroed(((size_t)spec->multiset_count + 1) * sizeof *gains->multisets, error);
    return gains->tables && gains->multisets;
}

void gains_free(struct gains *gains, const struct kpi_spec *spec)
{
    for (int t = 0; gains->tables && t < spec->table_count; t++) entries_free(&gains->tables[t].entries);
    for (int m = 0; gains->multisets && m < spec->multiset_count; m++) entries_free(&gains->multisets[m].entries);
    memory_free(gains->tables);
    memory_free(gains->multisets);
    *gains = (struct gains){0};
}

/* ---- planning ---- */

static bool plan_conditions(const struct group_input *input, struct measure_plan *plan, struct error *error)
{
    const struct kpi_measure *measure = plan->measure;
    plan->conditions = memory_zeroed((measure->condition_count + 1) * sizeof *plan->conditions, error);
    if (!plan->conditions) return false;
    for (size_t c = 0; c < measure->condition_count; c++) {
        const struct kpi_condition *condition = &measure->conditions[c];
        const struct fact_column *column = fact_column_find(input->fact, condition->column);
        struct code_condition *coded = &plan->conditions[c];
        coded->word = column->word;
        coded->negated = condition->negated;
        coded->codes = memory_array(condition->value_count + 1, sizeof *coded->codes, error);
        if (!coded->codes) return false;
        for (size_t v = 0; v < condition->value_count; v++) {
            int64_t code = term_of(input->terms, condition->values[v], error);
            if (code == TERM_NULL) return false;
            bool near = code >= column->coding->base && (uint64_t)(code - column->coding->base) < CODE_NULL;
            if (column->coding->kind == CODING_OFFSET && !near) continue; /* no row has that value */
            if (!coding_encode(column->coding, &code, 1, &coded->codes[coded->count++], error)) return false;
        }
    }
    return true;
}

static bool plan_table(const struct group_input *input, int table, int dataset, struct table_plan *plan,
                       struct error *error)
{
    const struct kpi_table *spec = &input->spec->tables[table];
    *plan = (struct table_plan){.table = table, .spec = spec};
    for (int m = 0; m < spec->measure_count; m++) {
        const struct kpi_measure *measure = &spec->measures[m];
        if (measure->dataset != dataset) continue;
        struct measure_plan *mine = &plan->measures[plan->measure_count++];
        mine->measure = measure;
        mine->value = measure->column >= 0 ? fact_column_find(input->fact, measure->column) : NULL;
        mine->fills_multiset = measure->multiset >= 0 && input->spec->multisets[measure->multiset].measure == measure;
        mine->counts_rows = mine->fills_multiset && measure->condition_count == 0 &&
                            measure->column == input->fact->dataset->partition_column;
        plan->per_partition |= mine->counts_rows;
        if (!plan_conditions(input, mine, error)) return false;
    }
    for (int k = 0; plan->measure_count > 0 && k < spec->key_count; k++) {
        plan->keys[k] = fact_column_find(input->fact, kpi_column_find(input->fact->dataset, spec->keys[k]));
        if (k != spec->partition_key) plan->hashed[plan->hashed_count++] = k;
    }
    plan->per_partition |= spec->partition_key >= 0;
    return true;
}

static bool same_keys(const struct table_plan *a, const struct table_plan *b)
{
    bool same = a->per_partition && b->per_partition && a->hashed_count == b->hashed_count;
    for (int k = 0; same && k < a->hashed_count; k++) same = a->keys[a->hashed[k]] == b->keys[b->hashed[k]];
    return same;
}

/* Tables grouped by the same keys within a partition need each row looked up only once. */
static void share_groups(struct plan *plan)
{
    for (int t = 0; t < plan->table_count; t++) {
        plan->tables[t].groups_like = -1;
        for (int other = t - 1; other >= 0; other--) {
            if (same_keys(&plan->tables[t], &plan->tables[other])) plan->tables[t].groups_like = other;
        }
    }
}

static void plan_free(struct plan *plan, unsigned workers)
{
    for (int t = 0; plan->tables && t < plan->table_count; t++) {
        for (int m = 0; m < plan->tables[t].measure_count; m++) {
            struct measure_plan *measure = &plan->tables[t].measures[m];
            for (size_t c = 0; measure->conditions && c < measure->measure->condition_count; c++) {
                memory_free(measure->conditions[c].codes);
            }
            memory_free(measure->conditions);
        }
    }
    for (unsigned w = 0; plan->workers && w < workers; w++) {
        struct worker_state *state = &plan->workers[w];
        for (int t = 0; state->groups && t < plan->table_count; t++) tally_close(&state->groups[t]);
        for (int m = 0; state->multisets && m < plan->input->spec->multiset_count; m++)
            tally_close(&state->multisets[m]);
        for (int m = 0; state->counted && m < plan->input->spec->multiset_count; m++)
            pair_set_close(&state->counted[m]);
        memory_free(state->counted);
        memory_free(state->groups);
        memory_free(state->multisets);
        memory_free(state->words);
        memory_free(state->group);
        memory_free(state->direct);
    }
    memory_free(plan->workers);
    memory_free(plan->tables);
}

static bool worker_open(struct plan *plan, struct worker_state *state, struct error *error)
{
    const struct kpi_spec *spec = plan->input->spec;
    state->groups = memory_zeroed(((size_t)plan->table_count + 1) * sizeof *state->groups, error);
    state->multisets = memory_zeroed(((size_t)spec->multiset_count + 1) * sizeof *state->multisets, error);
    state->words = memory_array((size_t)plan->input->fact->arrays, sizeof *state->words, error);
    state->counted = memory_zeroed(((size_t)spec->multiset_count + 1) * sizeof *state->counted, error);
    state->direct = memory_array((size_t)plan->table_count + 1, sizeof *state->direct, error);
    state->group = memory_array((size_t)plan->table_count + 1, sizeof *state->group, error);
    if (!state->groups || !state->multisets || !state->words || !state->group || !state->direct || !state->counted)
        return false;
    memset(state->direct, 0xff, ((size_t)plan->table_count + 1) * sizeof *state->direct);
    for (int t = 0; t < plan->table_count; t++) {
        int words = plan->tables[t].hashed_count ? plan->tables[t].hashed_count : 1;
        if (!tally_open(&state->groups[t], words, plan->tables[t].spec->accumulator_count, error)) return false;
    }
    for (int m = 0; m < spec->multiset_count; m++) {
        if (!tally_open(&state->multisets[m], 2, 1, error) || !pair_set_open(&state->counted[m], error)) return false;
    }
    return true;
}

static bool plan_open(struct plan *plan, const struct group_input *input, unsigned workers, struct error *error)
{
    const struct kpi_spec *spec = input->spec;
    int dataset = (int)(input->fact->dataset - spec->datasets);
    plan->input = input;
    plan->tables = memory_zeroed(((size_t)spec->table_count + 1) * sizeof *plan->tables, error);
    plan->workers = memory_zeroed(workers * sizeof *plan->workers, error);
    if (!plan->tables || !plan->workers) return false;
    for (int t = 0; t < spec->table_count; t++) {
        struct table_plan *table = &plan->tables[plan->table_count];
        bool good = plan_table(input, t, dataset, table, error);
        plan->table_count += table->measure_count > 0;
        if (!good) return false;
    }
    share_groups(plan);
    for (unsigned w = 0; w < workers; w++) {
        if (!worker_open(plan, &plan->workers[w], error)) return false;
    }
    return true;
}

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
                         const struct worker_state *state, struct tally *multiset, const uint32_t *group,
                         const uint8_t *selected, size_t count, struct error *error)
{
    const uint32_t *codes = state->words[plan->value->word];
    for (size_t i = 0; i < count; i++) {
        if (!selected[i]) continue;
        uint32_t key[4] = {group[i], codes[i]};
        uint32_t entry = tally_at(multiset, key, error);
        if (entry == TALLY_NONE) return false;
        multiset->sum[entry] += input->weight;
    }
    return true;
}

/* Counts each value once for its group, where the multiset itself is not wanted. */
static bool count_distinct(const struct measure_plan *plan, const struct worker_state *state, struct pair_set *counted,
                           struct tally *groups, const uint32_t *group, const uint8_t *selected, size_t count,
                           struct error *error)
{
    const uint32_t *codes = state->words[plan->value->word];
    size_t stride = (size_t)groups->sums;
    int64_t *sum = groups->sum + plan->measure->accumulator;
    if (!pair_set_reserve(counted, count, error)) return false;
    for (size_t i = 0; i < count; i++) {
        if (selected[i]) sum[group[i] * stride] += pair_set_add(counted, group[i], codes[i]);
    }
    return true;
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
        group[i] = code == CODE_NULL ? TALLY_NONE : direct[code & (DIRECT_CODES - 1)];
        if (group[i] != TALLY_NONE || code == CODE_NULL) continue;
        uint32_t key[KPI_MAX_KEYS + 1] = {code};
        group[i] = direct[code & (DIRECT_CODES - 1)] = tally_at(groups, key, error);
        if (group[i] == TALLY_NONE) return false;
    }
    return true;
}

/* Whether the codes of a table's only varying key are so few. */
static bool is_direct(const struct table_plan *plan)
{
    if (plan->hashed_count != 1) return false;
    const struct coding *coding = plan->keys[plan->hashed[0]]->coding;
    return coding->kind == CODING_DICTIONARY && coding_count(coding) <= DIRECT_CODES;
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

static bool group_portion(const struct plan *plan, struct worker_state *state, size_t count, struct error *error)
{
    const struct group_input *input = plan->input;
    const struct fact_column *partition = fact_column_find(input->fact, input->fact->dataset->partition_column);
    if (partition) state->partition_value = state->words[partition->word][0];
    uint8_t selected[ROWS_PORTION];
    for (int t = 0; t < plan->table_count; t++) {
        const struct table_plan *table = &plan->tables[t];
        struct tally *groups = &state->groups[t];
        uint32_t *group = state->group[t];
        if (table->groups_like >= 0) {
            group = state->group[table->groups_like];
            if (!copy_groups(&state->groups[table->groups_like], groups, error)) return false;
        } else if (!(is_direct(table) ? find_groups_direct(table, state, t, count, group, error)
                                      : find_groups(table, state, groups, count, group, error))) {
            return false;
        }
        for (size_t i = 0; i < count; i++) {
            if (group[i] != TALLY_NONE) groups->sum[group[i] * (size_t)groups->sums] += input->weight;
        }
        if (table->spec->partition_key >= 0) {
            state->partition_codes[t] = state->words[table->keys[table->spec->partition_key]->word][0];
        }
        for (int m = 0; m < table->measure_count; m++) {
            const struct measure_plan *measure = &table->measures[m];
            select_rows(measure, state, group, count, selected);
            bool summed = measure->measure->kind == MEASURE_COUNT || measure->measure->kind == MEASURE_SUM;
            if (summed && !add_sums(input, measure, state, groups, group, selected, count, error)) return false;
            if (!measure->fills_multiset || measure->counts_rows) continue;
            int multiset = measure->measure->multiset;
            bool here = input->count_here && multiset_counted_here(input->spec, multiset);
            if (!(here
                      ? count_distinct(measure, state, &state->counted[multiset], groups, group, selected, count, error)
                      : add_multiset(input, measure, state, &state->multisets[multiset], group, selected, count,
                                     error))) {
                return false;
            }
        }
    }
    return true;
}

/* ---- handing out ---- */

static int64_t group_key(const struct table_plan *plan, const struct worker_state *state, int plan_index,
                         uint32_t group, int k)
{
    uint32_t code = state->partition_codes[plan_index];
    if (k != plan->spec->partition_key) {
        int place = 0;
        while (plan->hashed[place] != k) place++;
        code = state->groups[plan_index].keys[(size_t)group * (size_t)state->groups[plan_index].words + (size_t)place];
    }
    return coding_value(plan->keys[k]->coding, code);
}

bool multiset_counted_here(const struct kpi_spec *spec, int multiset)
{
    const struct kpi_table *table = &spec->tables[spec->multisets[multiset].table];
    int distinct = 0, others = 0;
    for (int m = 0; m < table->measure_count; m++) {
        if (table->measures[m].multiset != multiset) continue;
        distinct += table->measures[m].kind == MEASURE_DISTINCT;
        others += table->measures[m].kind != MEASURE_DISTINCT;
    }
    return table->partition_key >= 0 && distinct == 1 && others == 0;
}

static bool hand_out_multiset(const struct plan *plan, struct worker_state *state, struct gains *gains, int plan_index,
                              int multiset, struct error *error)
{
    const struct table_plan *table = &plan->tables[plan_index];
    struct tally *values = &state->multisets[multiset];
    const struct kpi_spec *spec = plan->input->spec;
    if (plan->input->count_here && multiset_counted_here(spec, multiset)) {
        pair_set_clear(&state->counted[multiset]);
    } else {
        struct entry_list *list = &gains->multisets[multiset];
        struct trace_shape shape = multiset_shape(spec, multiset);
        if (!entry_list_reserve(list, &shape, values->count, error)) return false;
        const struct fact_column *column = fact_column_find(plan->input->fact, spec->multisets[multiset].column);
        for (uint32_t i = 0; i < values->count; i++) {
            size_t at = list->entries.count++;
            for (int k = 0; k < table->spec->key_count; k++) {
                list->entries.key[k][at] = group_key(table, state, plan_index, values->keys[(size_t)i * 2], k);
            }
            list->entries.key[table->spec->key_count][at] =
                coding_value(column->coding, values->keys[(size_t)i * 2 + 1]);
            list->entries.value[0][at] = values->sum[i];
        }
    }
    tally_clear(values);
    return true;
}

/* A multiset over the partition column: each group has the partition once for each of its rows. */
static bool hand_out_rows(const struct plan *plan, const struct worker_state *state, struct gains *gains,
                          int plan_index, int multiset, struct error *error)
{
    const struct table_plan *table = &plan->tables[plan_index];
    const struct tally *groups = &state->groups[plan_index];
    struct entry_list *list = &gains->multisets[multiset];
    struct trace_shape shape = multiset_shape(plan->input->spec, multiset);
    if (groups->count == 0) return true; /* then no partition may have been seen, and nothing coded */
    const struct fact_column *column =
        fact_column_find(plan->input->fact, plan->input->fact->dataset->partition_column);
    int64_t value = coding_value(column->coding, state->partition_value);
    if (!entry_list_reserve(list, &shape, groups->count, error)) return false;
    for (uint32_t g = 0; g < groups->count; g++) {
        size_t at = list->entries.count++;
        for (int k = 0; k < table->spec->key_count; k++) {
            list->entries.key[k][at] = group_key(table, state, plan_index, g, k);
        }
        list->entries.key[table->spec->key_count][at] = value;
        list->entries.value[0][at] = groups->sum[(size_t)g * (size_t)groups->sums];
    }
    return true;
}

static bool hand_out_table(const struct plan *plan, struct worker_state *state, struct gains *gains, int plan_index,
                           struct error *error)
{
    const struct table_plan *table = &plan->tables[plan_index];
    struct tally *groups = &state->groups[plan_index];
    struct entry_list *list = &gains->tables[table->table];
    struct trace_shape shape = table_shape(table->spec);
    if (!entry_list_reserve(list, &shape, groups->count, error)) return false;
    for (uint32_t g = 0; g < groups->count; g++) {
        size_t at = list->entries.count++;
        for (int k = 0; k < shape.keys; k++) list->entries.key[k][at] = group_key(table, state, plan_index, g, k);
        for (int v = 0; v < shape.values; v++) {
            list->entries.value[v][at] = groups->sum[(size_t)g * (size_t)groups->sums + (size_t)v];
        }
    }
    tally_clear(groups);
    memset(state->direct[plan_index], 0xff, sizeof state->direct[plan_index]);
    return true;
}

/* A table that outgrows the cache is handed out early; what is handed out twice adds up again when entries are sorted.
 */
#define KEPT_ENTRIES 60000

/* At the end of a partition, or of all (`last`): what belongs to it goes out, and what has grown large. A multiset over
 * the partition's own column goes out with each partition even where its table does not, for its values never come
 * again. */
static bool hand_out(const struct plan *plan, struct worker_state *state, struct gains *gains, bool last,
                     struct error *error)
{
    for (int t = 0; t < plan->table_count; t++) {
        const struct table_plan *table = &plan->tables[t];
        bool all = last || table->per_partition || state->groups[t].count > KEPT_ENTRIES;
        for (int m = 0; m < table->measure_count; m++) {
            if (!table->measures[m].fills_multiset) continue;
            int multiset = table->measures[m].measure->multiset;
            if (table->measures[m].counts_rows) {
                if (!hand_out_rows(plan, state, gains, t, multiset, error)) return false;
                continue;
            }
            bool due = all || state->multisets[multiset].count > KEPT_ENTRIES;
            if (due && !hand_out_multiset(plan, state, gains, t, multiset, error)) return false;
        }
        if (all && !hand_out_table(plan, state, gains, t, error)) return false;
    }
    return true;
}

/* ---- one partition ---- */

static void transpose(const uint32_t *tuples, size_t count, int words, int wanted, uint32_t (*out)[ROWS_PORTION])
{
    for (int w = 0; w < wanted; w++) {
        const uint32_t *from = tuples + w;
        for (size_t i = 0; i < count; i++) out[w][i] = from[i * (size_t)words];
    }
}

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
        for (size_t i = 0; i < ROWS_PORTION; i++) state->words[column->word][i] = code;
    }
    return true;
}

static bool has_rows(const struct joined *joined, size_t partition)
{
    for (unsigned w = 0; w < joined->workers; w++) {
        if (partition < joined->worker[w].partitions && joined->worker[w].piles[partition]) return true;
    }
    return false;
}

/* Places for piles are made ahead of need, so there may be none of a partition, nor a code that it has. */
static bool group_partition(void *context, size_t partition, unsigned worker, struct error *error)
{
    const struct plan *plan = context;
    struct worker_state *state = &plan->workers[worker];
    const struct joined *joined = plan->input->joined;
    int words = plan->input->fact->words, data_words = plan->input->fact->data_words;
    if (!has_rows(joined, partition)) return true;
    if (!fill_settled(plan, state, (uint32_t)partition, error)) return false;
    for (unsigned w = 0; w < joined->workers; w++) {
        if (partition >= joined->worker[w].partitions) continue;
        for (const struct pile *pile = joined->worker[w].piles[partition]; pile; pile = pile->next) {
            for (uint32_t from = 0; from < pile->rows; from += ROWS_PORTION) {
                size_t count = pile->rows - from < ROWS_PORTION ? pile->rows - from : ROWS_PORTION;
                transpose(pile->words + (size_t)from * (size_t)words, count, words, data_words, state->words);
                if (!group_portion(plan, state, count, error)) return false;
            }
        }
    }
    return hand_out(plan, state, &plan->gains[worker], false, error);
}

bool group_rows(const struct group_input *input, struct team *team, struct gains *gains, struct error *error)
{
    struct plan plan = {.gains = gains};
    unsigned workers = team_size(team);
    bool good = plan_open(&plan, input, workers, error);
    if (good) good = team_run(team, joined_partitions(input->joined), group_partition, &plan, error);
    for (unsigned w = 0; good && w < workers; w++) good = hand_out(&plan, &plan.workers[w], &gains[w], true, error);
    plan_free(&plan, workers);
    return good;
}
