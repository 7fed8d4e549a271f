#include "kpi/lineage.h"

#include "base/memory.h"
#include "kpi/cleaned.h"
#include "kpi/lineage_places.h"

struct walk {
    const struct kpi_store *store;
    const struct kpi_table *table;
    struct lineage_keys keys;
    struct cleaned *cleaned;
    bool (*visit)(void *context, const struct lineage_row *row, struct error *error);
    void *context;
    bool stopped; /* the visitor had enough */
};

static bool evaluate(const struct walk *walk, const struct kpi_dataset *dataset, int column, const struct batch *batch,
                     size_t from, size_t count, int64_t *values, struct error *error);

/* Values of a column of the parents of these rows, as the parent's key index holds them. */
static bool look_up(const struct walk *walk, const struct kpi_dataset *dataset, const struct kpi_column *column,
                    const struct batch *batch, size_t from, size_t count, int64_t *values, struct error *error)
{
    const struct kpi_join *join = &dataset->joins[column->join];
    const struct kpi_dataset *parent = &walk->store->spec->datasets[join->dataset];
    int position = 0;
    while (position < parent->parent_column_count && parent->parent_columns[position] != column->parent_column)
        position++;
    size_t columns = 1 + (size_t)parent->parent_column_count;
    int64_t keys[ROWS_PORTION];
    int64_t *key_columns[] = {keys};
    int64_t *found_values[TRACE_MAX_VALUES] = {NULL};
    bool found[ROWS_PORTION];
    int64_t *room = memory_array(columns * ROWS_PORTION, sizeof *room, error);
    if (room == NULL) return false;
    for (size_t c = 0; c < columns; c++) found_values[c] = room + c * ROWS_PORTION;
    column_unpack(&batch->column[join->field], from, count, keys);
    bool good = trace_probe(state_trace(walk->store->state, STATE_KEYS, join->dataset), key_columns, count, found,
                            found_values, error);
    for (size_t i = 0; i < count && good; i++) values[i] = found[i] ? found_values[1 + position][i] : COLUMN_NULL;
    memory_free(room);
    return good;
}

static bool operate(const struct walk *walk, const struct kpi_dataset *dataset, const struct kpi_column *column,
                    const struct batch *batch, size_t from, size_t count, int64_t *values, struct error *error)
{
    int64_t arguments[2][ROWS_PORTION];
    for (int i = 0; i < 2; i++)
        if (column->argument[i] >= 0 &&
            !evaluate(walk, dataset, column->argument[i], batch, from, count, arguments[i], error))
            return false;
    return rows_operate(column, arguments[0], arguments[1], count, values, error);
}

/* Values of a column for at most ROWS_PORTION rows, whether it needs parents or not. */
static bool evaluate(const struct walk *walk, const struct kpi_dataset *dataset, int column, const struct batch *batch,
                     size_t from, size_t count, int64_t *values, struct error *error)
{
    const struct kpi_column *definition = &dataset->columns[column];
    if (definition->operator== OPERATOR_PARENT)
        return look_up(walk, dataset, definition, batch, from, count, values, error);
    if (column_needs_parent(dataset, column))
        return operate(walk, dataset, definition, batch, from, count, values, error);
    return rows_evaluate(dataset, column, batch, from, count, values, error);
}

static bool visit_portion(struct walk *walk, const struct kpi_dataset *dataset, const struct rows *rows, size_t from,
                          size_t count, struct error *error)
{
    bool wanted[ROWS_PORTION];
    int64_t values[ROWS_PORTION];
    for (size_t i = 0; i < count; i++) wanted[i] = true;
    for (int k = 0; k < walk->keys.count; k++) {
        int column = kpi_column_find(dataset, walk->table->keys[k]);
        if (!evaluate(walk, dataset, column, rows->batch, from, count, values, error)) return false;
        for (size_t i = 0; i < count; i++) wanted[i] = wanted[i] && values[i] == walk->keys.values[k];
    }
    for (size_t i = 0; i < count && !walk->stopped; i++) {
        struct lineage_row row = {.dataset = dataset, .batch = rows->batch, .row = from + i};
        if (!wanted[i]) continue;
        row.source = rows_source(rows, row.row);
        row.line = rows_line(rows, row.row);
        error->code = ERROR_NONE;
        walk->stopped = !walk->visit(walk->context, &row, error);
    }
    return !walk->stopped || error->code == ERROR_NONE;
}

static bool visit_place(struct walk *walk, int dataset, int64_t place, struct error *error)
{
    struct row_list list = {0};
    if (!row_list_add(&list, (struct rows){0}, error)) return false;
    struct rows *rows = &list.items[0];
    bool good = cleaned_read(walk->cleaned, dataset, place, rows, error);
    for (size_t from = 0; good && from < rows->batch->rows && !walk->stopped; from += ROWS_PORTION) {
        size_t left = rows->batch->rows - from;
        good = visit_portion(walk, &walk->store->spec->datasets[dataset], rows, from,
                             left < ROWS_PORTION ? left : ROWS_PORTION, error);
    }
    row_list_free(&list);
    return good;
}

/* Whether a place has the keys that are plain fields, each in some row: their columns alone are read. */
static bool may_hold(const struct walk *walk, int dataset, int64_t place, bool *may, struct error *error)
{
    const struct kpi_dataset *definition = &walk->store->spec->datasets[dataset];
    *may = true;
    for (int k = 0; k < walk->keys.count && *may; k++) {
        const struct kpi_column *column = &definition->columns[kpi_column_find(definition, walk->table->keys[k])];
        if (column->operator== OPERATOR_FIELD && !cleaned_mentions(walk->cleaned, dataset, place, column->field,
                                                                   &walk->keys.values[k], 1, may, error))
            return false;
    }
    return true;
}

/* Rows that wait are in no group. */
static void leave_out_pending(int64_t *places, size_t *count)
{
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++)
        if (places[i] < PLACE_PENDING) places[kept++] = places[i];
    *count = kept;
}

static bool visit_dataset(struct walk *walk, int dataset, struct error *error)
{
    int64_t *places = NULL;
    size_t count = 0;
    bool good = cleaned_places(walk->cleaned, dataset, &places, &count, error);
    if (good) leave_out_pending(places, &count);
    good = good && lineage_narrow(walk->store, walk->table, &walk->keys, dataset, places, &count, error);
    for (size_t i = 0; i < count && good && !walk->stopped; i++) {
        bool may = true;
        good =
            may_hold(walk, dataset, places[i], &may, error) && (!may || visit_place(walk, dataset, places[i], error));
    }
    memory_free(places);
    return good;
}

/* The keys as values. `*possible` is false when one of them is a text that no row has. */
static bool take_keys(struct walk *walk, bool *possible, struct error *error)
{
    const struct kpi_table *table = walk->table;
    *possible = true;
    if (walk->keys.count > table->key_count)
        return error_set(error, ERROR_USAGE, "the table '%s' has %d key%s, not %d", table->name, table->key_count,
                         table->key_count == 1 ? "" : "s", walk->keys.count);
    for (int k = 0; k < walk->keys.count; k++) {
        enum column_kind kind = table->key_kinds[k];
        if (kpi_key_value(walk->store->terms, kind, walk->keys.texts[k], &walk->keys.values[k])) continue;
        if (kind != COLUMN_TERM)
            return error_set(error, ERROR_USAGE, "%s must be a %s, is '%s'", table->keys[k],
                             kind == COLUMN_DATE ? "date such as 2025-04-01" : "whole number", walk->keys.texts[k]);
        *possible = false;
    }
    return true;
}

bool lineage_walk(const struct kpi_store *store, const struct kpi_table *table, const char *const *keys, int key_count,
                  bool (*visit)(void *context, const struct lineage_row *row, struct error *error), void *context,
                  struct error *error)
{
    struct walk walk = {.store = store, .table = table, .visit = visit, .context = context};
    bool possible = false;
    walk.keys = (struct lineage_keys){.count = key_count, .texts = keys};
    if (!take_keys(&walk, &possible, error)) return false;
    if (!possible) return true;
    if (!folder_read_begin(store->folder, error)) return false;
    walk.cleaned = cleaned_open(store->spec, store->folder, NULL, "", store->terms, 1, error);
    bool good = walk.cleaned != NULL;
    for (int d = 0; d < store->spec->dataset_count && good && !walk.stopped; d++)
        if (lineage_is_over(table, d)) good = visit_dataset(&walk, d, error);
    cleaned_close(walk.cleaned);
    folder_read_end(store->folder);
    return good;
}
