#include <string.h>

#include "kpi/group_plan.h"

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

static bool hand_out_multiset(const struct plan *plan, struct worker_state *state, struct gains *gains, int plan_index,
                              int multiset, struct error *error)
{
    const struct table_plan *table = &plan->tables[plan_index];
    struct tally *values = &state->multisets[multiset];
    const struct kpi_spec *spec = plan->input->spec;
    struct entry_list *list = &gains->multisets[multiset];
    struct trace_shape shape = multiset_shape(spec, multiset);
    if (!entry_list_reserve(list, &shape, values->count, error)) return false;
    const struct fact_column *column = fact_column_find(plan->input->fact, spec->multisets[multiset].column);
    for (uint32_t i = 0; i < values->count; i++) {
        size_t at = list->entries.count++;
        for (int k = 0; k < table->spec->key_count; k++) {
            list->entries.key[k][at] = group_key(table, state, plan_index, values->keys[(size_t)i * 2], k);
        }
        list->entries.key[table->spec->key_count][at] = coding_value(column->coding, values->keys[(size_t)i * 2 + 1]);
        list->entries.value[0][at] = values->sum[i];
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
    bool erases = table->by_day && plan->input->weight < 0;
    struct entry_list *list = erases ? &gains->erased[table->table] : &gains->tables[table->table];
    struct trace_shape shape = table_shape(table->spec);
    if (!entry_list_reserve(list, &shape, groups->count, error)) return false;
    for (uint32_t g = 0; g < groups->count; g++) {
        size_t at = list->entries.count++;
        for (int k = 0; k < shape.keys; k++) list->entries.key[k][at] = group_key(table, state, plan_index, g, k);
        for (int v = 0; v < shape.values; v++) {
            list->entries.value[v][at] = groups->sum[(size_t)g * (size_t)groups->sums + (size_t)v];
        }
    }
    for (int m = 0; m < table->measure_count; m++) {
        int set = table->measures[m].measure->set;
        if (set >= 0 && state->sets[set].count > 0) pair_set_clear(&state->sets[set]);
    }
    uint32_t *direct = state->direct[plan_index];
    for (uint32_t g = 0; direct && g < groups->count; g++) direct[groups->keys[g]] = TALLY_NONE;
    tally_clear(groups);
    return true;
}

/* A table that outgrows the cache is handed out early; what is handed out twice adds up again when entries are sorted.
 */
#define KEPT_ENTRIES 60000

/* A multiset over the partition's own column goes out with each partition even where its table does not, for its
 * values never come again. */
bool group_hand_out(const struct plan *plan, struct worker_state *state, struct gains *gains, bool last,
                    struct error *error)
{
    for (int t = 0; t < plan->table_count; t++) {
        const struct table_plan *table = &plan->tables[t];
        if (table->dense) continue;
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
