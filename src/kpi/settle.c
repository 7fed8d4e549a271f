#include <string.h>

#include "base/memory.h"
#include "kpi/step.h"

enum gain { GAIN_TABLE, GAIN_ERASED, GAIN_MULTISET };

static struct entry_list *gain_of(const struct gains *gains, enum gain gain, int index)
{
    return gain == GAIN_TABLE    ? &gains->tables[index]
           : gain == GAIN_ERASED ? &gains->erased[index]
                                 : &gains->multisets[index];
}

/* All workers' gains of one trace as one sorted run. */
static bool collect(struct step *step, const struct trace_shape *shape, enum gain gain, int index,
                    struct entry_list *all, struct error *error)
{
    unsigned workers = team_size(step->engine->options.team);
    for (unsigned w = 0; w < workers; w++) {
        struct entry_list *part = gain_of(&step->gains[w], gain, index);
        if (all->entries.count == 0) {
            entries_free(&all->entries);
            *all = *part;
            *part = (struct entry_list){0};
            continue;
        }
        if (!entry_list_reserve(all, shape, part->entries.count, error)) return false;
        size_t at = all->entries.count, more = part->entries.count * sizeof(int64_t);
        for (int k = 0; k < shape->keys && more; k++) memcpy(all->entries.key[k] + at, part->entries.key[k], more);
        for (int v = 0; v < shape->values && more; v++)
            memcpy(all->entries.value[v] + at, part->entries.value[v], more);
        all->entries.count += part->entries.count;
        entries_free(&part->entries);
        *part = (struct entry_list){0};
    }
    return all->entries.count == 0 || entries_sort(&all->entries, shape, error);
}

/* How many of each value there were before; NULL when there was nothing. */
static bool counts_before(const struct trace *trace, const struct entries *entries, int keys, int64_t **before,
                          struct error *error)
{
    *before = NULL;
    if (trace_entries(trace) == 0 || entries->count == 0) return true;
    int64_t *values = memory_array(entries->count, sizeof *values, error);
    bool *found = memory_array(entries->count, sizeof *found, error);
    int64_t *columns[TRACE_MAX_KEYS];
    for (int k = 0; k < keys; k++) columns[k] = entries->key[k];
    bool good =
        values && found && trace_probe(trace, columns, entries->count, found, (int64_t *const[]){values}, error);
    memory_free(found);
    if (good) {
        *before = values;
    } else {
        memory_free(values);
    }
    return good;
}

/* A multiset's changes as changes of the table's distinct counts. */
static bool count_distinct(struct step *step, int multiset, const struct entries *entries, struct entry_list *list,
                           struct error *error)
{
    const struct kpi_spec *spec = step->spec;
    int table_index = spec->multisets[multiset].table;
    const struct kpi_table *table = &spec->tables[table_index];
    struct trace_shape shape = table_shape(table);
    int64_t *before;
    if (!counts_before(state_trace(step->engine->state, STATE_MULTISET, multiset), entries, table->key_count + 1,
                       &before, error)) {
        return false;
    }
    bool good = true, same_group = false;
    size_t at = 0;
    for (size_t i = 0; good && i < entries->count; i++) {
        int64_t was = before ? before[i] : 0, is = was + entries->value[0][i];
        if (is < 0) {
            good = error_set(error, ERROR_CORRUPT, "table \"%s\": a value would occur less than never", table->name);
            break;
        }
        int64_t difference = (is > 0) - (was > 0);
        if (difference == 0) continue;
        for (int k = 0; same_group && k < table->key_count; k++)
            same_group = list->entries.key[k][at] == entries->key[k][i];
        if (!same_group) {
            good = entry_list_reserve(list, &shape, 1, error);
            if (!good) break;
            at = list->entries.count++;
            for (int k = 0; k < shape.keys; k++) list->entries.key[k][at] = entries->key[k][i];
            for (int v = 0; v < shape.values; v++) list->entries.value[v][at] = 0;
            same_group = true;
        }
        for (int m = 0; m < table->measure_count; m++) {
            const struct kpi_measure *measure = &table->measures[m];
            if (measure->kind == MEASURE_DISTINCT && measure->multiset == multiset) {
                list->entries.value[measure->accumulator][at] += difference;
            }
        }
    }
    memory_free(before);
    return good;
}

/* Extremes under way as the values that they stand for. */
static void finish_extremes(const struct kpi_table *table, struct entries *entries)
{
    for (int m = 0; m < table->measure_count; m++) {
        const struct kpi_measure *measure = &table->measures[m];
        if (measure->kind != MEASURE_MIN && measure->kind != MEASURE_MAX) continue;
        int64_t *values = entries->value[measure->accumulator];
        for (size_t i = 0; i < entries->count; i++) values[i] = extreme_value(measure->kind, (uint64_t)values[i]);
    }
}

/* A table by day: groups that lost rows end, and those of days that were worked out stand from now on. A group has an
 * entry from each dataset that has rows in it; these add up. */
static bool settle_by_day(struct step *step, int table, unsigned lane, struct error *error)
{
    const struct engine_options *options = &step->engine->options;
    struct trace_shape shape = table_shape(&step->spec->tables[table]), adding = shape;
    struct entry_list erased = {0}, changes = {0};
    adding.merge = TRACE_ADD;
    bool good = collect(step, &shape, GAIN_ERASED, table, &erased, error) &&
                state_append(step->engine->state, options->change, options->run, lane, STATE_TABLE, table,
                             &erased.entries, error) &&
                collect(step, &adding, GAIN_TABLE, table, &changes, error);
    if (good) finish_extremes(&step->spec->tables[table], &changes.entries);
    good = good && state_append(step->engine->state, options->change, options->run, lane, STATE_TABLE, table,
                                &changes.entries, error);
    entries_free(&erased.entries);
    entries_free(&changes.entries);
    return good;
}

/* A table and the multisets that its measures stand on. */
static bool settle_table(void *context, size_t index, unsigned worker, struct error *error)
{
    struct step *step = context;
    const struct engine_options *options = &step->engine->options;
    int table = (int)index;
    struct entry_list *own = &step->gains[0].tables[table]; /* distinct counts are added to what the workers found */
    bool good = true;
    if (kpi_table_by_day(&step->spec->tables[table])) return settle_by_day(step, table, worker, error);
    if (step->days_only) return true;
    for (int m = 0; good && m < step->spec->multiset_count; m++) {
        if (step->spec->multisets[m].table != table) continue;
        struct trace_shape shape = multiset_shape(step->spec, m);
        struct entry_list changes = {0};
        good = collect(step, &shape, GAIN_MULTISET, m, &changes, error) &&
               count_distinct(step, m, &changes.entries, own, error) &&
               state_append(step->engine->state, options->change, options->run, worker, STATE_MULTISET, m,
                            &changes.entries, error);
        entries_free(&changes.entries);
    }
    struct trace_shape shape = table_shape(&step->spec->tables[table]);
    struct entry_list changes = {0};
    good = good && collect(step, &shape, GAIN_TABLE, table, &changes, error) &&
           state_append(step->engine->state, options->change, options->run, worker, STATE_TABLE, table,
                        &changes.entries, error);
    entries_free(&changes.entries);
    return good;
}

bool step_settle(struct step *step, struct error *error)
{
    return team_run(step->engine->options.team, (size_t)step->spec->table_count, settle_table, step, error);
}
