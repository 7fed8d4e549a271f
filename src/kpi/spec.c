#include "kpi/spec.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/json.h"

/* Everything that reading one spec needs. */
struct loading {
    struct arena *arena;
    const char *folder;
    const char *path;
    struct kpi_spec *spec;
    struct buffer hashed; /* the texts that text_hash covers */
    struct error *error;
};

int kpi_dataset_find(const struct kpi_spec *spec, const char *name)
{
    for (int i = 0; i < spec->dataset_count; i++) {
        if (strcmp(spec->datasets[i].name, name) == 0) return i;
    }
    return -1;
}

const struct kpi_table *kpi_table_find(const struct kpi_spec *spec, const char *name)
{
    for (int i = 0; i < spec->table_count; i++) {
        if (strcmp(spec->tables[i].name, name) == 0) return &spec->tables[i];
    }
    return NULL;
}

int kpi_column_find(const struct kpi_dataset *dataset, const char *name)
{
    for (int i = 0; i < dataset->column_count; i++) {
        if (strcmp(dataset->columns[i].name, name) == 0) return i;
    }
    return -1;
}

static struct kpi_column *add_column(struct loading *load, struct kpi_dataset *dataset, const char *name)
{
    if (dataset->column_count == KPI_MAX_COLUMNS) {
        error_set(load->error, ERROR_INVALID, "%s: dataset \"%s\" has more than %d columns", load->path, dataset->name,
                  KPI_MAX_COLUMNS);
        return NULL;
    }
    struct kpi_column *column = &dataset->columns[dataset->column_count++];
    *column = (struct kpi_column){.name = name, .field = -1, .join = -1, .argument = {-1, -1}};
    return column;
}

/* The column for a plain name: one that is declared, or the field of the schema, which becomes a column now. */
static int resolve_name(struct loading *load, struct kpi_dataset *dataset, const char *name)
{
    int found = kpi_column_find(dataset, name);
    if (found >= 0) return found;
    int field = schema_find(dataset->schema, str_of(name));
    if (field < 0) {
        error_set(load->error, ERROR_INVALID, "%s: dataset \"%s\" has no field or column \"%s\"", load->path,
                  dataset->name, name);
        return -1;
    }
    const struct field *source = &dataset->schema->fields[field];
    if (source->kind == COLUMN_TEXT) {
        error_set(load->error, ERROR_INVALID,
                  "%s: \"%s.%s\" is free text; set \"intern\": true in its schema to group or join by it", load->path,
                  dataset->name, name);
        return -1;
    }
    struct kpi_column *column = add_column(load, dataset, source->name);
    if (!column) return -1;
    column->operator= OPERATOR_FIELD;
    column->field = field;
    column->kind = source->kind;
    column->scale = source->scale;
    return dataset->column_count - 1;
}

/* Whether a column needs a joined dataset. */
static bool column_depends(const struct kpi_dataset *dataset, int column)
{
    const struct kpi_column *c = &dataset->columns[column];
    return c->operator== OPERATOR_PARENT ||(c->argument[0] >= 0 && column_depends(dataset, c->argument[0])) ||
           (c->argument[1] >= 0 && column_depends(dataset, c->argument[1]));
}

/* The index of "parent.name" as seen from a dataset, under the name `as`. */
static int resolve_parent(struct loading *load, struct kpi_dataset *dataset, const char *path, const char *as)
{
    const char *dot = strchr(path, '.');
    char *parent = arena_text(load->arena, path, (size_t)(dot - path), load->error);
    if (!parent) return -1;
    int index = kpi_dataset_find(load->spec, parent);
    int join = -1;
    for (int i = 0; i < dataset->join_count && index >= 0; i++) {
        if (dataset->joins[i].dataset == index) join = i;
    }
    if (join < 0) {
        error_set(load->error, ERROR_INVALID, "%s: dataset \"%s\" does not join \"%s\", which \"%s\" needs", load->path,
                  dataset->name, parent, path);
        return -1;
    }
    struct kpi_dataset *other = &load->spec->datasets[index];
    int column_index = resolve_name(load, other, dot + 1);
    if (column_index < 0) return -1;
    if (column_depends(other, column_index)) {
        error_set(load->error, ERROR_INVALID, "%s: \"%s\" itself comes from a joined dataset; join that one directly",
                  load->path, path);
        return -1;
    }
    struct kpi_column *column = add_column(load, dataset, as);
    if (!column) return -1;
    column->operator= OPERATOR_PARENT;
    column->join = join;
    column->parent_column = column_index;
    column->kind = other->columns[column_index].kind;
    column->scale = other->columns[column_index].scale;
    return dataset->column_count - 1;
}

static int resolve(struct loading *load, struct kpi_dataset *dataset, const char *text, const char *as)
{
    return strchr(text, '.') ? resolve_parent(load, dataset, text, as) : resolve_name(load, dataset, text);
}

/* Checks the kinds of an operator's arguments and gives the result its kind. */
static bool type_operator(struct loading *load, const struct kpi_dataset *dataset, struct kpi_column *column)
{
    const struct kpi_column *a = &dataset->columns[column->argument[0]];
    const struct kpi_column *b = column->argument[1] >= 0 ? &dataset->columns[column->argument[1]] : a;
    bool times = a->kind == COLUMN_TIMESTAMP && b->kind == COLUMN_TIMESTAMP;
    bool numbers = (a->kind == COLUMN_INTEGER || a->kind == COLUMN_DECIMAL) &&
                   (b->kind == COLUMN_INTEGER || b->kind == COLUMN_DECIMAL);
    switch (column->operator) {
    case OPERATOR_DATE:
        column->kind = COLUMN_DATE;
        break;
    case OPERATOR_MONTH:
        column->kind = COLUMN_TERM;
        break;
    case OPERATOR_SECONDS:
        column->kind = COLUMN_INTEGER;
        break;
    default:
        column->scale = a->scale + b->scale;
        column->kind = column->scale > 0 ? COLUMN_DECIMAL : COLUMN_INTEGER;
        times = numbers && column->scale <= 12;
        break;
    }
    if (times) return true;
    return error_set(load->error, ERROR_INVALID, "%s: column \"%s.%s\": its arguments are of the wrong type",
                     load->path, dataset->name, column->name);
}

static bool load_operator(struct loading *load, struct kpi_dataset *dataset, const char *name, json_t *expression)
{
    static const struct {
        const char *name;
        enum kpi_operator operator;
        size_t arguments;
    } known[] = {{"date", OPERATOR_DATE, 1},
                 {"month", OPERATOR_MONTH, 1},
                 {"seconds", OPERATOR_SECONDS, 2},
                 {"multiply", OPERATOR_MULTIPLY, 2}};
    for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
        json_t *arguments = json_object_get(expression, known[k].name);
        if (!arguments) continue;
        int index[2] = {-1, -1};
        for (size_t i = 0; i < known[k].arguments; i++) {
            json_t *item = json_is_array(arguments) ? json_array_get(arguments, i) : (i == 0 ? arguments : NULL);
            if (!json_is_string(item)) {
                return error_set(load->error, ERROR_INVALID, "%s: column \"%s.%s\": \"%s\" takes %zu column name(s)",
                                 load->path, dataset->name, name, known[k].name, known[k].arguments);
            }
            index[i] = resolve(load, dataset, json_string_value(item), json_string_value(item));
            if (index[i] < 0) return false;
        }
        struct kpi_column *column = add_column(load, dataset, name);
        if (!column) return false;
        column->operator= known[k].operator;
        column->argument[0] = index[0];
        column->argument[1] = index[1];
        return type_operator(load, dataset, column);
    }
    return error_set(load->error, ERROR_INVALID,
                     "%s: column \"%s.%s\": an expression is a name, or date, month, seconds or multiply of names",
                     load->path, dataset->name, name);
}

static bool load_column(struct loading *load, struct kpi_dataset *dataset, const char *name, json_t *expression)
{
    if (kpi_column_find(dataset, name) >= 0) {
        return error_set(load->error, ERROR_INVALID, "%s: column \"%s.%s\" is there already", load->path, dataset->name,
                         name);
    }
    if (json_is_object(expression)) return load_operator(load, dataset, name, expression);
    if (!json_is_string(expression)) {
        return error_set(load->error, ERROR_INVALID, "%s: column \"%s.%s\": must be a name or an object", load->path,
                         dataset->name, name);
    }
    const char *text = json_string_value(expression);
    if (strchr(text, '.')) return resolve_parent(load, dataset, text, name) >= 0;
    int source = resolve_name(load, dataset, text);
    if (source < 0) return false;
    struct kpi_column *column = add_column(load, dataset, name);
    if (!column) return false;
    struct kpi_column copy = dataset->columns[source];
    copy.name = name;
    *column = copy;
    return true;
}

static bool load_joins(struct loading *load, struct kpi_dataset *dataset, json_t *joins)
{
    const char *parent;
    json_t *field;
    json_object_foreach (joins, parent, field) {
        int index = kpi_dataset_find(load->spec, parent);
        int own = json_is_string(field) ? schema_find(dataset->schema, str_of(json_string_value(field))) : -1;
        if (index < 0 || own < 0 || dataset->join_count == KPI_MAX_JOINS) {
            return error_set(load->error, ERROR_INVALID,
                             "%s: dataset \"%s\": join \"%s\" must name a dataset declared before it, and an own field",
                             load->path, dataset->name, parent);
        }
        if (dataset->schema->fields[own].kind != COLUMN_TERM) {
            return error_set(load->error, ERROR_INVALID, "%s: dataset \"%s\": join field \"%s\" must be interned",
                             load->path, dataset->name, json_string_value(field));
        }
        dataset->joins[dataset->join_count++] = (struct kpi_join){.dataset = index, .field = own};
        load->spec->datasets[index].has_children = true;
    }
    return true;
}

static bool load_schema(struct loading *load, struct kpi_dataset *dataset, json_t *object)
{
    json_t *path = json_need(object, "schema", JSON_STRING, dataset->name, load->error);
    if (!path) return error_prefix(load->error, "%s", load->path);
    const char *full = arena_format(load->arena, load->error, "%s/%s", load->folder, json_string_value(path));
    if (!full || !file_load(full, &load->hashed, load->error)) return false;
    dataset->schema = schema_load(load->arena, full, load->error);
    if (!dataset->schema) return false;
    if (dataset->schema->primary_key_count != 1 ||
        dataset->schema->fields[dataset->schema->primary_key[0]].kind != COLUMN_TERM) {
        return error_set(load->error, ERROR_INVALID, "%s: primaryKey must be one interned string field", full);
    }
    dataset->key_field = dataset->schema->primary_key[0];
    return true;
}

static bool load_dataset(struct loading *load, const char *name, json_t *object)
{
    static const char *const known[] = {"schema", "joins", "columns", "cleaned", NULL};
    struct kpi_spec *spec = load->spec;
    if (spec->dataset_count == KPI_MAX_DATASETS) {
        return error_set(load->error, ERROR_INVALID, "%s: more than %d datasets", load->path, KPI_MAX_DATASETS);
    }
    if (!json_only(object, known, name, load->error)) return error_prefix(load->error, "%s", load->path);
    struct kpi_dataset *dataset = &spec->datasets[spec->dataset_count];
    *dataset = (struct kpi_dataset){.partition_column = -1, .partition_join = -1};
    dataset->name = arena_text(load->arena, name, strlen(name), load->error);
    if (!dataset->name || !load_schema(load, dataset, object) ||
        !load_joins(load, dataset, json_object_get(object, "joins"))) {
        return false;
    }
    spec->dataset_count++;
    const char *column;
    json_t *expression;
    json_object_foreach (json_object_get(object, "columns"), column, expression) {
        const char *kept = arena_text(load->arena, column, strlen(column), load->error);
        if (!kept || !load_column(load, dataset, kept, expression)) return false;
    }
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(object, "cleaned"), i, item) {
        int index = json_is_string(item) ? kpi_column_find(dataset, json_string_value(item)) : -1;
        if (index < 0 || column_depends(dataset, index)) {
            return error_set(load->error, ERROR_INVALID,
                             "%s: dataset \"%s\": \"cleaned\" must name columns that need no joined dataset",
                             load->path, name);
        }
        dataset->cleaned[dataset->cleaned_count++] = index;
    }
    return true;
}

/* Whether a column has a value in every row: it comes from required fields only. */
static bool always_there(const struct kpi_spec *spec, const struct kpi_dataset *dataset, int column)
{
    const struct kpi_column *c = &dataset->columns[column];
    if (c->operator== OPERATOR_FIELD) return dataset->schema->fields[c->field].required;
    if (c->operator== OPERATOR_PARENT) {
        return always_there(spec, &spec->datasets[dataset->joins[c->join].dataset], c->parent_column);
    }
    return always_there(spec, dataset, c->argument[0]) &&
           (c->argument[1] < 0 || always_there(spec, dataset, c->argument[1]));
}

static bool load_partition(struct loading *load)
{
    struct kpi_spec *spec = load->spec;
    for (int i = 0; i < spec->dataset_count; i++) {
        struct kpi_dataset *dataset = &spec->datasets[i];
        dataset->partition_column = kpi_column_find(dataset, spec->partition);
        if (dataset->partition_column < 0) continue;
        const struct kpi_column *column = &dataset->columns[dataset->partition_column];
        if (column->kind != COLUMN_DATE || !always_there(spec, dataset, dataset->partition_column)) {
            return error_set(load->error, ERROR_INVALID,
                             "%s: the partition \"%s\" of \"%s\" must be a date made of required fields", load->path,
                             spec->partition, dataset->name);
        }
        if (column->operator== OPERATOR_PARENT) dataset->partition_join = column->join;
    }
    return true;
}

/* ---- tables ---- */

static bool load_conditions(struct loading *load, struct kpi_measure *measure, json_t *object, bool negated)
{
    struct kpi_dataset *dataset = &load->spec->datasets[measure->dataset];
    const char *name;
    json_t *values;
    json_object_foreach (object, name, values) {
        int column = resolve_name(load, dataset, name);
        if (column < 0) return false;
        if (dataset->columns[column].kind != COLUMN_TERM || !json_is_array(values)) {
            return error_set(load->error, ERROR_INVALID,
                             "%s: measure \"%s\": a condition is an interned column and a list", load->path,
                             measure->name);
        }
        struct kpi_condition *condition = &measure->conditions[measure->condition_count++];
        condition->column = column;
        condition->negated = negated;
        condition->value_count = json_array_size(values);
        condition->values =
            arena_zeroed(load->arena, (condition->value_count + 1) * sizeof *condition->values, load->error);
        if (!condition->values) return false;
        for (size_t i = 0; i < condition->value_count; i++) {
            json_t *value = json_array_get(values, i);
            char *text = arena_text(load->arena, json_string_value(value), json_string_length(value), load->error);
            if (!text) return false;
            condition->values[i] = str_slice(text, json_string_length(value));
        }
    }
    return true;
}

static bool same_conditions(const struct kpi_measure *a, const struct kpi_measure *b)
{
    if (a->condition_count != b->condition_count) return false;
    for (size_t i = 0; i < a->condition_count; i++) {
        const struct kpi_condition *x = &a->conditions[i], *y = &b->conditions[i];
        if (x->column != y->column || x->negated != y->negated || x->value_count != y->value_count) return false;
        for (size_t v = 0; v < x->value_count; v++) {
            if (!str_equal(x->values[v], y->values[v])) return false;
        }
    }
    return true;
}

/* The multiset of a measure, shared with the table's other measures over the same values. */
static int share_multiset(struct kpi_spec *spec, int table, const struct kpi_measure *measure)
{
    for (int i = 0; i < spec->multiset_count; i++) {
        const struct kpi_multiset *old = &spec->multisets[i];
        if (old->table == table && old->dataset == measure->dataset && old->column == measure->column &&
            same_conditions(old->measure, measure)) {
            return i;
        }
    }
    spec->multisets[spec->multiset_count] = (struct kpi_multiset){
        .table = table, .dataset = measure->dataset, .column = measure->column, .measure = measure};
    return spec->multiset_count++;
}

static bool load_base_measure(struct loading *load, struct kpi_table *table, struct kpi_measure *measure,
                              json_t *object, const char *verb)
{
    struct kpi_spec *spec = load->spec;
    json_t *from = json_need(object, "from", JSON_STRING, measure->name, load->error);
    if (!from) return error_prefix(load->error, "%s", load->path);
    measure->dataset = kpi_dataset_find(spec, json_string_value(from));
    if (measure->dataset < 0 || spec->datasets[measure->dataset].partition_column < 0) {
        return error_set(load->error, ERROR_INVALID,
                         "%s: measure \"%s.%s\": \"from\" must name a dataset that has \"%s\"", load->path, table->name,
                         measure->name, spec->partition);
    }
    struct kpi_dataset *dataset = &spec->datasets[measure->dataset];
    for (int k = 0; k < table->key_count; k++) {
        int key = resolve_name(load, dataset, table->keys[k]);
        if (key < 0) return error_prefix(load->error, "table \"%s\"", table->name);
        table->key_kinds[k] = dataset->columns[key].kind;
    }
    json_t *argument = json_object_get(object, verb);
    if (json_is_string(argument)) {
        measure->column = resolve_name(load, dataset, json_string_value(argument));
        if (measure->column < 0) return false;
    } else if (measure->kind != MEASURE_COUNT) {
        return error_set(load->error, ERROR_INVALID, "%s: measure \"%s.%s\": \"%s\" takes a column", load->path,
                         table->name, measure->name, verb);
    }
    json_t *where = json_object_get(object, "where"), *where_not = json_object_get(object, "where_not");
    size_t conditions = json_object_size(where) + json_object_size(where_not);
    measure->conditions = arena_zeroed(load->arena, (conditions + 1) * sizeof *measure->conditions, load->error);
    return measure->conditions && load_conditions(load, measure, where, false) &&
           load_conditions(load, measure, where_not, true);
}

static bool finish_base_measure(struct loading *load, int table_index, struct kpi_measure *measure)
{
    struct kpi_spec *spec = load->spec;
    struct kpi_table *table = &spec->tables[table_index];
    const struct kpi_column *column =
        measure->column >= 0 ? &spec->datasets[measure->dataset].columns[measure->column] : NULL;
    measure->result = COLUMN_INTEGER;
    if (measure->kind == MEASURE_SUM) {
        if (column->kind != COLUMN_INTEGER && column->kind != COLUMN_DECIMAL) {
            return error_set(load->error, ERROR_INVALID, "%s: measure \"%s.%s\": only numbers have a sum", load->path,
                             table->name, measure->name);
        }
        measure->result = column->kind;
        measure->sum_scale = column->scale;
    }
    if (measure->kind == MEASURE_MIN || measure->kind == MEASURE_MAX) {
        if (column->kind == COLUMN_TERM) {
            return error_set(load->error, ERROR_INVALID, "%s: measure \"%s.%s\": texts have no smallest or largest",
                             load->path, table->name, measure->name);
        }
        measure->result = column->kind;
        measure->sum_scale = column->scale;
        measure->scale = measure->scale < 0 ? column->scale : measure->scale;
    } else {
        measure->accumulator = table->accumulator_count++;
    }
    if (measure->kind == MEASURE_DISTINCT || measure->accumulator < 0) {
        measure->multiset = share_multiset(spec, table_index, measure);
    }
    if (measure->scale < 0) measure->scale = measure->sum_scale;
    return true;
}

static int measure_find(const struct kpi_table *table, const char *name)
{
    for (int i = 0; i < table->measure_count; i++) {
        if (strcmp(table->measures[i].name, name) == 0) return i;
    }
    return -1;
}

static bool load_derived_measure(struct loading *load, struct kpi_table *table, struct kpi_measure *measure,
                                 json_t *object, const char *verb, size_t arguments)
{
    json_t *list = json_object_get(object, verb);
    for (size_t i = 0; i < arguments; i++) {
        json_t *item = json_is_array(list) ? json_array_get(list, i) : (i == 0 ? list : NULL);
        measure->argument[i] = json_is_string(item) ? measure_find(table, json_string_value(item)) : -1;
        if (measure->argument[i] < 0) {
            return error_set(load->error, ERROR_INVALID,
                             "%s: measure \"%s.%s\": \"%s\" takes %zu measure(s) of the same table declared before it",
                             load->path, table->name, measure->name, verb, arguments);
        }
    }
    json_t *per = json_object_get(object, "per");
    measure->per = per ? json_integer_value(per) : 1;
    if (measure->per < 1) {
        return error_set(load->error, ERROR_INVALID, "%s: measure \"%s.%s\": \"per\" must be a positive whole number",
                         load->path, table->name, measure->name);
    }
    measure->result = measure->kind == MEASURE_RANK ? COLUMN_INTEGER : COLUMN_DECIMAL;
    if (measure->scale < 0) measure->scale = measure->kind == MEASURE_RANK ? 0 : 4;
    return true;
}

static bool load_measure(struct loading *load, int table_index, json_t *object)
{
    static const struct {
        const char *name;
        enum kpi_measure_kind kind;
        size_t arguments; /* 0: a base measure */
    } verbs[] = {{"count", MEASURE_COUNT, 0},       {"sum", MEASURE_SUM, 0},  {"distinct", MEASURE_DISTINCT, 0},
                 {"min", MEASURE_MIN, 0},           {"max", MEASURE_MAX, 0},  {"ratio", MEASURE_RATIO, 2},
                 {"mean_gap", MEASURE_MEAN_GAP, 3}, {"rank", MEASURE_RANK, 1}};
    static const char *const known[] = {"name", "from",     "where", "where_not", "scale", "hidden",   "per",  "count",
                                        "sum",  "distinct", "min",   "max",       "ratio", "mean_gap", "rank", NULL};
    struct kpi_table *table = &load->spec->tables[table_index];
    json_t *name = json_need(object, "name", JSON_STRING, table->name, load->error);
    if (!name || !json_only(object, known, json_string_value(name), load->error)) {
        return error_prefix(load->error, "%s: table \"%s\"", load->path, table->name);
    }
    if (table->measure_count == KPI_MAX_MEASURES || measure_find(table, json_string_value(name)) >= 0) {
        return error_set(load->error, ERROR_INVALID,
                         "%s: table \"%s\": measure \"%s\" is there already, or one too many", load->path, table->name,
                         json_string_value(name));
    }
    struct kpi_measure *measure = &table->measures[table->measure_count];
    *measure = (struct kpi_measure){.column = -1, .accumulator = -1, .multiset = -1, .per = 1, .dataset = -1};
    measure->name = arena_text(load->arena, json_string_value(name), json_string_length(name), load->error);
    measure->hidden = json_is_true(json_object_get(object, "hidden"));
    json_t *scale = json_object_get(object, "scale");
    measure->scale = scale ? (int)json_integer_value(scale) : -1;
    if (!measure->name) return false;
    for (size_t v = 0; v < sizeof verbs / sizeof *verbs; v++) {
        if (!json_object_get(object, verbs[v].name)) continue;
        measure->kind = verbs[v].kind;
        bool good = verbs[v].arguments > 0
                        ? load_derived_measure(load, table, measure, object, verbs[v].name, verbs[v].arguments)
                        : load_base_measure(load, table, measure, object, verbs[v].name) &&
                              finish_base_measure(load, table_index, measure);
        table->measure_count += good;
        return good;
    }
    return error_set(load->error, ERROR_INVALID,
                     "%s: measure \"%s.%s\" needs one of count, sum, distinct, min, max, ratio, mean_gap, rank",
                     load->path, table->name, measure->name);
}

/* Whether `name` stands in the comma-separated list; every name does when the list is NULL. */
static bool in_list(const char *list, const char *name)
{
    size_t length = strlen(name);
    while (list && *list) {
        size_t part = strcspn(list, ",");
        if (part == length && memcmp(list, name, part) == 0) return true;
        list += part + (list[part] == ',');
    }
    return false;
}

static bool load_table(struct loading *load, json_t *object)
{
    static const char *const known[] = {"name", "title", "dynamodb", "key", "measures", NULL};
    struct kpi_spec *spec = load->spec;
    struct kpi_table *table = &spec->tables[spec->table_count];
    *table = (struct kpi_table){.partition_key = -1, .accumulator_count = 1};
    json_t *name = json_need(object, "name", JSON_STRING, "table", load->error);
    json_t *keys = json_need(object, "key", JSON_ARRAY, "table", load->error);
    json_t *measures = json_need(object, "measures", JSON_ARRAY, "table", load->error);
    if (!name || !keys || !measures || !json_only(object, known, json_string_value(name), load->error)) {
        return error_prefix(load->error, "%s", load->path);
    }
    table->name = arena_text(load->arena, json_string_value(name), json_string_length(name), load->error);
    const char *title = json_text_or(object, "title", json_string_value(name), "table", load->error);
    const char *dynamodb = json_text_or(object, "dynamodb", json_string_value(name), "table", load->error);
    if (!table->name || !title || !dynamodb) return false;
    table->title = arena_text(load->arena, title, strlen(title), load->error);
    table->dynamodb_name = arena_text(load->arena, dynamodb, strlen(dynamodb), load->error);
    if (!table->title || !table->dynamodb_name) return false;
    if (json_array_size(keys) == 0 || json_array_size(keys) > KPI_MAX_KEYS) {
        return error_set(load->error, ERROR_INVALID, "%s: table \"%s\" must have 1 to %d key columns", load->path,
                         table->name, KPI_MAX_KEYS);
    }
    size_t i;
    json_t *item;
    json_array_foreach (keys, i, item) {
        if (!json_is_string(item)) {
            return error_set(load->error, ERROR_INVALID, "%s: table \"%s\": keys are names", load->path, table->name);
        }
        table->keys[i] = arena_text(load->arena, json_string_value(item), json_string_length(item), load->error);
        if (!table->keys[i]) return false;
        if (strcmp(table->keys[i], spec->partition) == 0) table->partition_key = (int)i;
        table->key_count++;
    }
    int index = spec->table_count++;
    json_array_foreach (measures, i, item) {
        if (!load_measure(load, index, item)) return false;
    }
    return true;
}

static bool load_tables(struct loading *load, json_t *root, const char *only)
{
    struct kpi_spec *spec = load->spec;
    json_t *tables = json_need(root, "tables", JSON_ARRAY, load->path, load->error);
    if (!tables) return false;
    size_t count = json_array_size(tables);
    spec->tables = arena_zeroed(load->arena, (count + 1) * sizeof *spec->tables, load->error);
    spec->multisets = arena_zeroed(load->arena, (count + 1) * KPI_MAX_MEASURES * sizeof *spec->multisets, load->error);
    if (!spec->tables || !spec->multisets) return false;
    size_t i;
    json_t *item;
    json_array_foreach (tables, i, item) {
        const char *name = json_string_value(json_object_get(item, "name"));
        if (only && !(name && in_list(only, name))) continue;
        if (!load_table(load, item)) return false;
    }
    for (const char *part = only; part && *part;) {
        size_t length = strcspn(part, ",");
        char *name = arena_text(load->arena, part, length, load->error);
        if (!name) return false;
        if (!kpi_table_find(spec, name)) {
            return error_set(load->error, ERROR_USAGE, "%s has no table \"%s\"", load->path, name);
        }
        part += length + (part[length] == ',');
    }
    return true;
}

/* A column that is used, and what it is made of. */
static void mark_used(struct kpi_spec *spec, struct kpi_dataset *dataset, int column)
{
    struct kpi_column *c = &dataset->columns[column];
    c->used = true;
    if (c->operator== OPERATOR_PARENT) {
        struct kpi_dataset *parent = &spec->datasets[dataset->joins[c->join].dataset];
        parent->columns[c->parent_column].for_parent_use = true;
        mark_used(spec, parent, c->parent_column);
    }
    for (int i = 0; i < 2; i++) {
        if (c->argument[i] >= 0) mark_used(spec, dataset, c->argument[i]);
    }
}

/* Which columns the tables need, and which of these children take from their parents: only those cost anything. */
static void mark_parent_use(struct kpi_spec *spec)
{
    for (int t = 0; t < spec->table_count; t++) {
        struct kpi_table *table = &spec->tables[t];
        for (int m = 0; m < table->measure_count; m++) {
            struct kpi_measure *measure = &table->measures[m];
            if (measure->dataset < 0) continue;
            struct kpi_dataset *dataset = &spec->datasets[measure->dataset];
            if (measure->column >= 0) mark_used(spec, dataset, measure->column);
            for (size_t c = 0; c < measure->condition_count; c++)
                mark_used(spec, dataset, measure->conditions[c].column);
            for (int k = 0; k < table->key_count; k++) {
                mark_used(spec, dataset, kpi_column_find(dataset, table->keys[k]));
            }
        }
    }
    for (int d = 0; d < spec->dataset_count; d++) {
        struct kpi_dataset *dataset = &spec->datasets[d];
        if (dataset->partition_column >= 0) mark_used(spec, dataset, dataset->partition_column);
        for (int i = 0; i < dataset->cleaned_count; i++) mark_used(spec, dataset, dataset->cleaned[i]);
    }
    for (int d = 0; d < spec->dataset_count; d++) {
        struct kpi_dataset *dataset = &spec->datasets[d];
        for (int c = 0; c < dataset->column_count; c++) {
            if (dataset->columns[c].for_parent_use) dataset->parent_columns[dataset->parent_column_count++] = c;
        }
    }
}

static bool load_root(struct loading *load, json_t *root, const char *only)
{
    static const char *const known[] = {"pipeline", "partition", "datasets", "tables", NULL};
    struct kpi_spec *spec = load->spec;
    json_t *pipeline = json_need(root, "pipeline", JSON_STRING, load->path, load->error);
    json_t *partition = json_need(root, "partition", JSON_STRING, load->path, load->error);
    json_t *datasets = json_need(root, "datasets", JSON_OBJECT, load->path, load->error);
    if (!pipeline || !partition || !datasets || !json_only(root, known, load->path, load->error)) return false;
    spec->pipeline = arena_text(load->arena, json_string_value(pipeline), json_string_length(pipeline), load->error);
    spec->partition = arena_text(load->arena, json_string_value(partition), json_string_length(partition), load->error);
    if (!spec->pipeline || !spec->partition) return false;
    const char *name;
    json_t *item;
    json_object_foreach (datasets, name, item) {
        if (!load_dataset(load, name, item)) return false;
    }
    if (!load_partition(load) || !load_tables(load, root, only)) return false;
    mark_parent_use(spec);
    return true;
}

struct kpi_spec *kpi_spec_load(struct arena *arena, const char *folder, const char *only, struct error *error)
{
    struct loading load = {.arena = arena, .folder = folder, .error = error};
    buffer_init(&load.hashed, (size_t)16 << 20);
    json_t *root = NULL;
    bool good = false;
    load.spec = arena_zeroed(arena, sizeof *load.spec, error);
    load.path = arena_format(arena, error, "%s/kpis.json", folder);
    if (!load.spec || !load.path || !file_load(load.path, &load.hashed, error)) goto done;
    root = json_read(load.hashed.data, load.hashed.length, load.path, error);
    if (!root || !load_root(&load, root, only)) goto done;
    if (only) buffer_append_text(&load.hashed, only);
    char hash[65];
    if (!buffer_check(&load.hashed, error) || !file_sha256_hex(load.hashed.data, load.hashed.length, hash, error))
        goto done;
    load.spec->text_hash = arena_text(arena, hash, 64, error);
    good = load.spec->text_hash != NULL;
done:
    if (!good && load.spec) kpi_spec_free(load.spec);
    json_decref(root);
    buffer_free(&load.hashed);
    return good ? load.spec : NULL;
}

void kpi_spec_free(struct kpi_spec *spec)
{
    for (int i = 0; spec && i < spec->dataset_count; i++) {
        if (spec->datasets[i].schema) schema_free(spec->datasets[i].schema);
        spec->datasets[i].schema = NULL;
    }
}
