#include "kpi/fact.h"

#include <string.h>

#include "base/memory.h"

const struct fact_column *fact_column_find(const struct fact *fact, int column)
{
    for (int i = 0; i < fact->column_count; i++) {
        if (fact->columns[i].column == column) return &fact->columns[i];
    }
    return NULL;
}

/* Which columns of the dataset the tables use; `grouped` are those that must have 32-bit codes. */
static void mark_used(const struct kpi_spec *spec, int dataset, bool *used, bool *grouped)
{
    const struct kpi_dataset *d = &spec->datasets[dataset];
    for (int t = 0; t < spec->table_count; t++) {
        const struct kpi_table *table = &spec->tables[t];
        bool concerned = false;
        for (int m = 0; m < table->measure_count; m++) {
            const struct kpi_measure *measure = &table->measures[m];
            if (measure->dataset != dataset) continue;
            concerned = true;
            if (measure->column >= 0) {
                used[measure->column] = true;
                grouped[measure->column] |= measure->kind != MEASURE_COUNT && measure->kind != MEASURE_SUM;
            }
            for (size_t c = 0; c < measure->condition_count; c++) {
                used[measure->conditions[c].column] = grouped[measure->conditions[c].column] = true;
            }
        }
        for (int k = 0; concerned && k < table->key_count; k++) {
            int column = kpi_column_find(d, table->keys[k]);
            used[column] = grouped[column] = true;
        }
    }
}

static bool known_bounds(const struct kpi_dataset *dataset, const struct row_list *const *lists, size_t count,
                         int column, int64_t *low, int64_t *high)
{
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        int64_t least, most;
        if (!row_list_bounds(lists[i], dataset, column, &least, &most)) continue;
        *low = !any || least < *low ? least : *low;
        *high = !any || most > *high ? most : *high;
        any = true;
    }
    return any;
}

/* Bounds of a field over all lists, and the unit of its values. */
static struct fact_field measure_field(const struct row_list *const *lists, size_t list_count, size_t f)
{
    struct fact_field field = {.word = -1, .unit = 1};
    bool any = false;
    int64_t low = 0, high = 0, unit = 1;
    for (size_t l = 0; l < list_count; l++) {
        int64_t least, most, own;
        if (!row_list_field_bounds(lists[l], (int)f, &least, &most, &own)) continue;
        low = !any || least < low ? least : low;
        high = !any || most > high ? most : high;
        unit = !any || own < unit ? own : unit;
        any = true;
    }
    field.base = low;
    field.unit = unit;
    field.raw = ((uint64_t)high - (uint64_t)low) / (uint64_t)unit >= CODE_NULL;
    return field;
}

/* Whether a field has one and the same value, or none, in all rows. */
static bool field_is_settled(const struct row_list *const *lists, size_t count, size_t f, int64_t *value)
{
    bool any = false;
    for (size_t l = 0; l < count; l++) {
        for (size_t i = 0; i < lists[l]->count; i++) {
            const struct column *column = &lists[l]->items[i].batch->column[f];
            bool null = column->kind == COLUMN_ABSENT || (column->width == 0 && column->has_null);
            int64_t here = null ? COLUMN_NULL : column->base;
            if ((!null && column->width > 0) || (any && here != *value)) return false;
            *value = here;
            any = true;
        }
    }
    return any;
}

/* The tuple column that holds a field in the same code; NULL when none does. */
static const struct fact_column *column_of_field(const struct fact *fact, size_t f, const struct fact_field *field)
{
    for (int i = 0; i < fact->column_count; i++) {
        const struct fact_column *column = &fact->columns[i];
        const struct kpi_column *definition = &fact->dataset->columns[column->column];
        if (definition->operator== OPERATOR_FIELD && definition->field ==(int) f && !column->settled && !column->raw &&
            column->coding->kind == CODING_OFFSET && column->coding->base == field->base && field->unit == 1)
            return column;
    }
    return NULL;
}

/* Places for every field that no column holds, two words where its values lie too far apart for one, and for the
 * reference. */
static void lay_out_fields(struct fact *fact, const struct row_list *const *lists, size_t list_count)
{
    const struct schema *schema = fact->dataset->schema;
    for (size_t f = 0; f < schema->field_count; f++) {
        struct fact_field *field = &fact->fields[f];
        *field = (struct fact_field){.word = -1};
        if (schema->fields[f].kind == COLUMN_TEXT) continue;
        int64_t value = COLUMN_NULL;
        if (field_is_settled(lists, list_count, f, &value)) {
            *field = (struct fact_field){.word = -1, .settled = true, .base = value};
            continue;
        }
        *field = measure_field(lists, list_count, f);
        const struct fact_column *column = column_of_field(fact, f, field);
        field->word = column ? column->word : fact->words;
        if (!column) fact->words += field->raw ? 2 : 1;
    }
    fact->reference_word = fact->words;
    fact->words += 2;
}

/* Whether a column is one and the same value in all rows. */
static bool is_constant(const struct kpi_dataset *dataset, const struct row_list *const *lists, size_t count,
                        int column)
{
    const struct kpi_column *c = &dataset->columns[column];
    const struct column *first = NULL;
    for (size_t l = 0; l < count && c->operator== OPERATOR_FIELD; l++) {
        for (size_t i = 0; i < lists[l]->count; i++) {
            const struct column *values = &lists[l]->items[i].batch->column[c->field];
            if (values->kind == COLUMN_ABSENT || values->width > 0 || values->has_null) return false;
            if (first && first->base != values->base) return false;
            first = values;
        }
    }
    return first != NULL;
}

/* Settled columns have their place after all that tuples hold. */
static void place_settled(struct fact *fact)
{
    fact->arrays = fact->words;
    for (int i = 0; i < fact->column_count; i++) {
        if (fact->columns[i].settled) fact->columns[i].word = fact->arrays++;
    }
}

bool fact_open(struct fact *fact, const struct kpi_spec *spec, int dataset, const struct row_list *const *lists,
               size_t list_count, struct coding *const *parents, bool with_rows, struct error *error)
{
    const struct kpi_dataset *d = &spec->datasets[dataset];
    bool used[KPI_MAX_COLUMNS] = {false}, grouped[KPI_MAX_COLUMNS] = {false};
    *fact = (struct fact){.dataset = d, .reference_word = -1};
    mark_used(spec, dataset, used, grouped);
    for (int c = 0; c < d->column_count; c++) {
        if (d->columns[c].operator== OPERATOR_PARENT) {
            int parent = d->joins[d->columns[c].join].dataset;
            fact->parent_coding[c] =
                &parents[parent][kpi_parent_position(&spec->datasets[parent], d->columns[c].parent_column)];
        }
        if (!used[c]) continue;
        struct fact_column *column = &fact->columns[fact->column_count];
        *column = (struct fact_column){.column = c, .word = fact->words, .join = -1};
        if (d->columns[c].operator== OPERATOR_PARENT) {
            const struct kpi_dataset *parent = &spec->datasets[d->joins[d->columns[c].join].dataset];
            column->join = d->columns[c].join;
            column->position = kpi_parent_position(parent, d->columns[c].parent_column);
            column->coding = &parents[d->joins[column->join].dataset][column->position];
        } else {
            int64_t low = INT64_MIN + 1, high = INT64_MAX;
            bool known = column_needs_parent(d, c) || known_bounds(d, lists, list_count, c, &low, &high);
            column->coding = &fact->own[fact->column_count];
            if (!coding_choose(column->coding, known, low, high, grouped[c], error)) return false;
            column->raw = column->coding->kind == CODING_RAW;
        }
        column->settled = c == d->partition_column || (!column->raw && is_constant(d, lists, list_count, c));
        if (!column->settled) fact->words += column->raw ? 2 : 1;
        fact->column_count++;
    }
    fact->data_words = fact->words;
    if (with_rows) lay_out_fields(fact, lists, list_count);
    if (fact->words == 0) fact->words = 1;
    place_settled(fact);
    return true;
}

void fact_close(struct fact *fact)
{
    for (int i = 0; i < fact->column_count; i++) coding_free(&fact->own[i]);
}
