#include "kpi/group_plan.h"

#include <string.h>

#include "base/memory.h"

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
    *plan = (struct table_plan){.table = table, .spec = spec, .by_day = kpi_table_by_day(spec)};
    bool concerned = plan->by_day ? input->weight < 0 || input->whole : input->across;
    for (int m = 0; concerned && m < spec->measure_count; m++) {
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
    plan->per_partition |= plan->by_day;
    return true;
}

uint64_t plan_code_range(const struct coding *coding)
{
    return coding->kind == CODING_DICTIONARY ? coding_count(coding) : (uint64_t)coding->span + 1;
}

/* Finds what dense tables over the rows of days need not count themselves. */
static int find_rows_like(const struct plan *plan, const struct table_plan *table)
{
    for (int t = 0; t < plan->table_count && plan->input->weight > 0; t++) {
        const struct table_plan *other = &plan->tables[t];
        if (other->by_day && other->hashed_count == 1 && other->keys[other->hashed[0]] == table->keys[0]) return t;
    }
    return -1;
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
        plan->tables[t].rows_like = plan->tables[t].dense ? find_rows_like(plan, &plan->tables[t]) : -1;
        for (int other = t - 1; other >= 0; other--) {
            if (same_keys(&plan->tables[t], &plan->tables[other])) plan->tables[t].groups_like = other;
        }
    }
}

void plan_free(struct plan *plan, unsigned workers)
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
        for (int s = 0; state->sets && s < plan->input->spec->set_count; s++) pair_set_close(&state->sets[s]);
        for (int m = 0; state->items && m < plan->input->spec->multiset_count; m++) memory_free(state->items[m].items);
        memory_free(state->sets);
        memory_free(state->items);
        memory_free(state->groups);
        memory_free(state->multisets);
        memory_free(state->words);
        memory_free(state->settled);
        memory_free(state->group);
        for (int t = 0; state->direct && t < plan->table_count; t++) memory_free(state->direct[t]);
        memory_free(state->direct);
    }
    memory_free(plan->workers);
    memory_free(plan->tables);
}

/* The table by which groups of a table by day with few codes are looked up; NULL when it has none. */
static bool open_direct(const struct plan *plan, const struct table_plan *table, uint32_t **direct, struct error *error)
{
    if (table->hashed_count != 1) return true;
    uint64_t range = plan_code_range(table->keys[table->hashed[0]]->coding);
    if (range > DIRECT_CODES || range > 256 + 4 * plan->rows) return true;
    *direct = memory_array(range + 1, sizeof **direct, error);
    if (*direct) memset(*direct, 0xff, (range + 1) * sizeof **direct);
    return *direct != NULL;
}

static bool worker_open(struct plan *plan, struct worker_state *state, struct error *error)
{
    const struct kpi_spec *spec = plan->input->spec;
    state->groups = memory_zeroed(((size_t)plan->table_count + 1) * sizeof *state->groups, error);
    state->multisets = memory_zeroed(((size_t)spec->multiset_count + 1) * sizeof *state->multisets, error);
    state->items = memory_zeroed(((size_t)spec->multiset_count + 1) * sizeof *state->items, error);
    const struct fact *fact = plan->input->fact;
    state->words = memory_array((size_t)fact->arrays + 1, sizeof *state->words, error);
    state->settled = memory_array((size_t)(fact->arrays - fact->words) + 1, sizeof *state->settled, error);
    state->sets = memory_zeroed(((size_t)spec->set_count + 1) * sizeof *state->sets, error);
    state->direct = memory_zeroed(((size_t)plan->table_count + 1) * sizeof *state->direct, error);
    state->group = memory_array((size_t)plan->table_count + 1, sizeof *state->group, error);
    if (!state->groups || !state->multisets || !state->words || !state->settled || !state->group || !state->direct ||
        !state->sets || !state->items) {
        return false;
    }
    for (int t = 0; t < plan->table_count; t++) {
        if (plan->tables[t].dense) {
            int sums = state->groups[t].sums = plan->tables[t].spec->accumulator_count;
            state->groups[t].sum = memory_zeroed(plan->tables[t].range * (size_t)sums * sizeof(int64_t), error);
            if (!state->groups[t].sum) return false;
            continue;
        }
        if (!open_direct(plan, &plan->tables[t], &state->direct[t], error)) return false;
        int words = plan->tables[t].hashed_count ? plan->tables[t].hashed_count : 1;
        if (!tally_open(&state->groups[t], words, plan->tables[t].spec->accumulator_count, error)) return false;
    }
    for (int m = 0; m < spec->multiset_count; m++) {
        if (!tally_open(&state->multisets[m], 2, 1, error)) return false;
    }
    for (int s = 0; s < spec->set_count; s++) {
        if (!pair_set_open(&state->sets[s], error)) return false;
    }
    return true;
}

bool plan_open(struct plan *plan, const struct group_input *input, unsigned workers, struct error *error)
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
    plan->rows = joined_rows(input->joined);
    for (int t = 0; t < plan->table_count; t++) plan_dense(input, plan->rows, &plan->tables[t]);
    share_groups(plan);
    for (unsigned w = 0; w < workers; w++) {
        if (!worker_open(plan, &plan->workers[w], error)) return false;
    }
    return true;
}
