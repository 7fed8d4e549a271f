#include "kpi/lineage_places.h"

#include <string.h>

#include "base/memory.h"
#include "tabular/datetime.h"

/* Where a key of a trace comes from: the number of a given key, or BY_DAY. */
#define BY_DAY (-1)

/* What the given keys are in a dataset: the one whose rows are looked for, or the ancestor that gives them their day.
 */
struct level {
    const struct kpi_dataset *dataset;
    int index;
    int column[KPI_MAX_KEYS];  /* -1: none of its columns */
    bool is_key[KPI_MAX_KEYS]; /* it is the dataset's own key */
};

struct narrowing {
    const struct kpi_store *store;
    const struct lineage_keys *keys;
    int64_t *places;
    size_t count;
    struct error *error;
};

bool lineage_is_over(const struct kpi_table *table, int dataset)
{
    for (int m = 0; m < table->measure_count; m++) {
        enum kpi_measure_kind kind = table->measures[m].kind;
        bool derived = kind == MEASURE_RATIO || kind == MEASURE_MEAN_GAP || kind == MEASURE_RANK;
        if (!derived && table->measures[m].dataset == dataset) return true;
    }
    return false;
}

/* Whether two columns of a dataset always have the same value, as far as their definitions tell. */
static bool is_same(const struct kpi_dataset *dataset, int a, int b)
{
    const struct kpi_column *x = &dataset->columns[a], *y = &dataset->columns[b];
    if (a == b) return true;
    if (x->operator!= y->operator) return false;
    if (x->operator== OPERATOR_FIELD) return x->field == y->field;
    return x->operator== OPERATOR_PARENT && x->join == y->join && x->parent_column == y->parent_column;
}

/* The given key that a column is; KPI_MAX_KEYS when it is none. */
static int key_of_column(const struct level *level, int key_count, int column)
{
    for (int k = 0; k < key_count; k++)
        if (level->column[k] >= 0 && is_same(level->dataset, level->column[k], column)) return k;
    return KPI_MAX_KEYS;
}

static void begin(const struct narrowing *narrowing, const struct kpi_table *table, int dataset, struct level *level)
{
    *level = (struct level){.dataset = &narrowing->store->spec->datasets[dataset], .index = dataset};
    for (int k = 0; k < narrowing->keys->count; k++) {
        level->column[k] = kpi_column_find(level->dataset, table->keys[k]);
        if (level->column[k] < 0) continue;
        const struct kpi_column *column = &level->dataset->columns[level->column[k]];
        level->is_key[k] = column->operator== OPERATOR_FIELD && column->field == level->dataset->key_field;
    }
}

/* Goes to the parent that gives rows their day; false when they have it of their own. */
static bool ascend(const struct narrowing *narrowing, struct level *level)
{
    const struct kpi_dataset *child = level->dataset;
    if (child->partition_join < 0) return false;
    const struct kpi_join *join = &child->joins[child->partition_join];
    struct level above = {.dataset = &narrowing->store->spec->datasets[join->dataset], .index = join->dataset};
    for (int k = 0; k < narrowing->keys->count; k++) {
        const struct kpi_column *column = level->column[k] >= 0 ? &child->columns[level->column[k]] : NULL;
        bool through = column && column->operator== OPERATOR_PARENT && column->join == child->partition_join;
        above.column[k] = through ? column->parent_column : -1;
        above.is_key[k] = column && column->operator== OPERATOR_FIELD && column->field == join->field;
        if (!through) continue;
        const struct kpi_column *own = &above.dataset->columns[above.column[k]];
        above.is_key[k] = own->operator== OPERATOR_FIELD && own->field == above.dataset->key_field;
    }
    *level = above;
    return true;
}

static void keep_places(struct narrowing *narrowing, const bool *kept)
{
    size_t count = 0;
    for (size_t i = 0; i < narrowing->count; i++)
        if (kept[i]) narrowing->places[count++] = narrowing->places[i];
    narrowing->count = count;
}

/* Keeps the places whose tuple a trace has: when it is a key index, there, and when it is a table, with rows. */
static bool keep_found(struct narrowing *narrowing, const struct trace *trace, const struct trace_shape *shape,
                       const int *sources, enum state_kind kind)
{
    size_t count = narrowing->count, columns = (size_t)(shape->keys + shape->values);
    int64_t *room = memory_array(columns * count + 1, sizeof *room, narrowing->error);
    bool *found = memory_array(count + 1, sizeof *found, narrowing->error);
    int64_t *key[TRACE_MAX_KEYS] = {NULL}, *value[TRACE_MAX_VALUES] = {NULL};
    bool good = room && found;
    for (int k = 0; good && k < shape->keys; k++) {
        key[k] = room + (size_t)k * count;
        for (size_t i = 0; i < count; i++)
            key[k][i] = sources[k] == BY_DAY ? narrowing->places[i] : narrowing->keys->values[sources[k]];
    }
    for (int v = 0; good && v < shape->values; v++) value[v] = room + (size_t)(shape->keys + v) * count;
    good = good && trace_probe(trace, key, count, found, value, narrowing->error);
    for (size_t i = 0; good && i < count; i++)
        found[i] = found[i] && (kind == STATE_KEYS ? value[0][i] == narrowing->places[i] : value[0][i] != 0);
    if (good) keep_places(narrowing, found);
    memory_free(found);
    memory_free(room);
    return good;
}

/* Which given keys, or the day, the keys of a table are. False when one is neither. */
static bool match_keys(const struct narrowing *narrowing, const struct level *level, const struct kpi_table *table,
                       int *sources, bool *by_day)
{
    *by_day = false;
    for (int k = 0; k < table->key_count; k++) {
        int column = kpi_column_find(level->dataset, table->keys[k]);
        if (column < 0) return false;
        bool day = is_same(level->dataset, column, level->dataset->partition_column);
        sources[k] = day ? BY_DAY : key_of_column(level, narrowing->keys->count, column);
        if (sources[k] == KPI_MAX_KEYS) return false;
        *by_day = *by_day || day;
    }
    return true;
}

static bool narrow_by_tables(struct narrowing *narrowing, const struct level *level)
{
    const struct kpi_spec *spec = narrowing->store->spec;
    int sources[TRACE_MAX_KEYS];
    bool by_day;
    for (int t = 0; t < spec->table_count; t++) {
        if (!lineage_is_over(&spec->tables[t], level->index) ||
            !match_keys(narrowing, level, &spec->tables[t], sources, &by_day) || !by_day)
            continue;
        struct trace_shape shape = state_shape(spec, STATE_TABLE, t);
        if (!keep_found(narrowing, state_trace(narrowing->store->state, STATE_TABLE, t), &shape, sources, STATE_TABLE))
            return false;
    }
    for (int m = 0; m < spec->multiset_count; m++) {
        const struct kpi_multiset *multiset = &spec->multisets[m];
        if (multiset->dataset != level->index || multiset->measure->condition_count > 0 ||
            !is_same(level->dataset, multiset->column, level->dataset->partition_column) ||
            !match_keys(narrowing, level, &spec->tables[multiset->table], sources, &by_day))
            continue;
        struct trace_shape shape = state_shape(spec, STATE_MULTISET, m);
        sources[shape.keys - 1] = BY_DAY;
        if (!keep_found(narrowing, state_trace(narrowing->store->state, STATE_MULTISET, m), &shape, sources,
                        STATE_MULTISET))
            return false;
    }
    return true;
}

static bool is_month_of_day(const struct level *level, int column)
{
    const struct kpi_dataset *dataset = level->dataset;
    const struct kpi_column *month = &dataset->columns[column], *day = &dataset->columns[dataset->partition_column];
    return month->operator== OPERATOR_MONTH && day->operator== OPERATOR_DATE &&
        is_same(dataset, month->argument[0], day->argument[0]);
}

static bool narrow_by_key(struct narrowing *narrowing, const struct level *level, int k)
{
    const struct kpi_store *store = narrowing->store;
    int column = level->column[k];
    if (level->is_key[k]) {
        struct trace_shape shape = state_shape(store->spec, STATE_KEYS, level->index);
        return keep_found(narrowing, state_trace(store->state, STATE_KEYS, level->index), &shape, &k, STATE_KEYS);
    }
    if (column < 0) return true;
    bool day = is_same(level->dataset, column, level->dataset->partition_column);
    if (!day && !is_month_of_day(level, column)) return true;
    bool *kept = memory_array(narrowing->count + 1, sizeof *kept, narrowing->error);
    if (!kept) return false;
    for (size_t i = 0; i < narrowing->count; i++) {
        char text[11];
        date_text(narrowing->places[i], text);
        text[7] = '\0'; /* 2025-03 */
        kept[i] =
            day ? narrowing->places[i] == narrowing->keys->values[k] : strcmp(text, narrowing->keys->texts[k]) == 0;
    }
    keep_places(narrowing, kept);
    memory_free(kept);
    return true;
}

bool lineage_narrow(const struct kpi_store *store, const struct kpi_table *table, const struct lineage_keys *keys,
                    int dataset, int64_t *places, size_t *count, struct error *error)
{
    struct narrowing narrowing = {.store = store, .keys = keys, .places = places, .count = *count, .error = error};
    struct level level;
    begin(&narrowing, table, dataset, &level);
    if (level.dataset->partition_column < 0) return true;
    do {
        for (int k = 0; k < keys->count; k++)
            if (!narrow_by_key(&narrowing, &level, k)) return false;
        if (!narrow_by_tables(&narrowing, &level)) return false;
    } while (ascend(&narrowing, &level));
    *count = narrowing.count;
    return true;
}
