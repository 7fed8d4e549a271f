#include <string.h>

#include "base/json.h"
#include "kpi/spec_load.h"

/* A measure being read. */
struct reading {
    struct loading *load;
    int table; /* its index */
    struct kpi_measure *measure;
    json_t *object;
    const char *where; /* 'table "day": measure "orders"' */
};

/* What a measure is worked out by. */
struct verb {
    const char *name;
    enum kpi_measure_kind kind;
    size_t arguments; /* measures; 0: over the rows of a dataset */
};

static const struct verb verbs[] = {{"count", MEASURE_COUNT, 0},       {"sum", MEASURE_SUM, 0},
                                    {"distinct", MEASURE_DISTINCT, 0}, {"min", MEASURE_MIN, 0},
                                    {"max", MEASURE_MAX, 0},           {"ratio", MEASURE_RATIO, 2},
                                    {"mean_gap", MEASURE_MEAN_GAP, 3}, {"rank", MEASURE_RANK, 1}};

static bool refuse(const struct reading *reading, const char *rule)
{
    return error_set(reading->load->error, ERROR_INVALID, "%s: %s: %s", reading->load->path, reading->where, rule);
}

static bool load_condition(const struct reading *reading, const char *name, json_t *values, bool negated)
{
    struct loading *load = reading->load;
    struct kpi_measure *measure = reading->measure;
    struct kpi_dataset *dataset = &load->spec->datasets[measure->dataset];
    int column = spec_resolve(load, dataset, name);
    if (column < 0) return false;
    struct kpi_condition *condition = &measure->conditions[measure->condition_count++];
    condition->column = column;
    condition->negated = negated;
    condition->value_count = json_array_size(values);
    condition->values =
        arena_zeroed(load->arena, (condition->value_count + 1) * sizeof *condition->values, load->error);
    if (!condition->values) return false;
    bool fits = dataset->columns[column].kind == COLUMN_TERM && condition->value_count > 0;
    for (size_t i = 0; i < condition->value_count && fits; i++) {
        json_t *value = json_array_get(values, i);
        fits = json_is_string(value);
        if (!fits) break;
        char *text = arena_text(load->arena, json_string_value(value), json_string_length(value), load->error);
        if (!text) return false;
        condition->values[i] = str_slice(text, json_string_length(value));
    }
    if (fits) return true;
    return error_set(load->error, ERROR_INVALID,
                     "%s: %s: the condition on \"%s\" must be a column of interned strings and a list of texts",
                     load->path, reading->where, name);
}

static bool load_conditions(const struct reading *reading)
{
    struct loading *load = reading->load;
    struct kpi_measure *measure = reading->measure;
    json_t *where, *where_not, *values;
    const char *name;
    if (!spec_section(load, reading->object, "where", JSON_OBJECT, reading->where, &where) ||
        !spec_section(load, reading->object, "where_not", JSON_OBJECT, reading->where, &where_not)) {
        return false;
    }
    size_t count = json_object_size(where) + json_object_size(where_not);
    measure->conditions = arena_zeroed(load->arena, (count + 1) * sizeof *measure->conditions, load->error);
    if (!measure->conditions) return false;
    json_object_foreach (where, name, values) {
        if (!load_condition(reading, name, values, false)) return false;
    }
    json_object_foreach (where_not, name, values) {
        if (!load_condition(reading, name, values, true)) return false;
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

/* The table's keys as columns of the measure's dataset. Every dataset of a table must give them the same kind. */
static bool resolve_keys(const struct reading *reading, struct kpi_dataset *dataset)
{
    struct loading *load = reading->load;
    struct kpi_table *table = &load->spec->tables[reading->table];
    for (int k = 0; k < table->key_count; k++) {
        int key = spec_resolve(load, dataset, table->keys[k]);
        if (key < 0) return error_prefix(load->error, "table \"%s\"", table->name);
        enum column_kind kind = dataset->columns[key].kind;
        if (kind != COLUMN_TERM && kind != COLUMN_DATE && kind != COLUMN_INTEGER) {
            return error_set(load->error, ERROR_INVALID,
                             "%s: %s: the key \"%s\" must be a text, a date or a whole number in \"%s\"", load->path,
                             reading->where, table->keys[k], dataset->name);
        }
        if (table->key_kinds[k] != COLUMN_ABSENT && table->key_kinds[k] != kind) {
            return error_set(load->error, ERROR_INVALID,
                             "%s: %s: the key \"%s\" of \"%s\" is of another type than in the datasets of the measures "
                             "before",
                             load->path, reading->where, table->keys[k], dataset->name);
        }
        table->key_kinds[k] = kind;
    }
    return true;
}

static bool load_base_measure(const struct reading *reading, const struct verb *verb)
{
    struct loading *load = reading->load;
    struct kpi_spec *spec = load->spec;
    struct kpi_measure *measure = reading->measure;
    json_t *from = json_need(reading->object, "from", JSON_STRING, reading->where, load->error);
    if (!from) return error_prefix(load->error, "%s", load->path);
    if (json_object_get(reading->object, "per")) return refuse(reading, "\"per\" goes with \"ratio\" alone");
    measure->dataset = kpi_dataset_find(spec, json_string_value(from));
    if (measure->dataset < 0) {
        return error_set(load->error, ERROR_INVALID, "%s: %s: there is no dataset \"%s\" to take it from", load->path,
                         reading->where, json_string_value(from));
    }
    struct kpi_dataset *dataset = &spec->datasets[measure->dataset];
    if (dataset->partition_column < 0) {
        return error_set(load->error, ERROR_INVALID,
                         "%s: %s: \"from\" must name a dataset that has the partition \"%s\"; \"%s\" has it not",
                         load->path, reading->where, spec->partition, dataset->name);
    }
    if (!resolve_keys(reading, dataset)) return false;
    json_t *argument = json_object_get(reading->object, verb->name);
    if (json_is_string(argument)) {
        measure->column = spec_resolve(load, dataset, json_string_value(argument));
        if (measure->column < 0) return error_prefix(load->error, "%s", reading->where);
    } else if (measure->kind != MEASURE_COUNT || !json_is_true(argument)) {
        return error_set(load->error, ERROR_INVALID, "%s: %s: \"%s\" takes %s", load->path, reading->where, verb->name,
                         measure->kind == MEASURE_COUNT ? "true or a column" : "a column");
    }
    return load_conditions(reading);
}

/* The kind of what a base measure gives, and where it is added up. */
static bool finish_base_measure(const struct reading *reading)
{
    struct kpi_spec *spec = reading->load->spec;
    struct kpi_table *table = &spec->tables[reading->table];
    struct kpi_measure *measure = reading->measure;
    const struct kpi_column *column =
        measure->column >= 0 ? &spec->datasets[measure->dataset].columns[measure->column] : NULL;
    bool number = column && (column->kind == COLUMN_INTEGER || column->kind == COLUMN_DECIMAL);
    bool extreme = measure->kind == MEASURE_MIN || measure->kind == MEASURE_MAX;
    measure->result = COLUMN_INTEGER;
    if (measure->kind == MEASURE_SUM && !number) return refuse(reading, "only numbers have a sum");
    if (extreme && !number && column->kind != COLUMN_DATE) {
        return refuse(reading, "only numbers and dates have a smallest and a largest ({\"date\": X} makes a date of a "
                               "timestamp)");
    }
    if (extreme || measure->kind == MEASURE_SUM) {
        measure->result = column->kind;
        measure->sum_scale = column->scale;
    }
    bool by_value = extreme || measure->kind == MEASURE_DISTINCT, by_day = kpi_table_by_day(table);
    if (by_value && !by_day) measure->multiset = share_multiset(spec, reading->table, measure);
    if (measure->kind == MEASURE_DISTINCT && by_day) measure->set = spec->set_count++;
    if (!extreme || by_day) measure->accumulator = table->accumulator_count++;
    if (extreme && measure->scale >= 0 && measure->scale != measure->sum_scale) {
        return refuse(reading, "\"scale\" is not for the smallest and the largest, which are shown as they are");
    }
    if (measure->scale < 0) measure->scale = measure->sum_scale;
    if (measure->result == COLUMN_INTEGER && measure->scale > 0) measure->result = COLUMN_DECIMAL;
    return true;
}

static int measure_find(const struct kpi_table *table, const char *name)
{
    for (int i = 0; i < table->measure_count; i++) {
        if (strcmp(table->measures[i].name, name) == 0) return i;
    }
    return -1;
}

/* Whether a measure can be the n-th argument of a derived one. */
static bool argument_fits(enum kpi_measure_kind kind, size_t n, const struct kpi_measure *argument)
{
    bool whole = argument->result == COLUMN_INTEGER;
    if (kind == MEASURE_RATIO) return argument->result != COLUMN_DATE;
    return kind == MEASURE_RANK || whole || (n < 2 && argument->result == COLUMN_DATE);
}

static bool load_derived_measure(const struct reading *reading, const struct verb *verb)
{
    struct loading *load = reading->load;
    struct kpi_table *table = &load->spec->tables[reading->table];
    struct kpi_measure *measure = reading->measure;
    json_t *list = json_object_get(reading->object, verb->name), *per = json_object_get(reading->object, "per");
    bool fits = json_is_array(list) ? json_array_size(list) == verb->arguments : verb->arguments == 1;
    for (size_t i = 0; i < verb->arguments; i++) {
        json_t *item = json_is_array(list) ? json_array_get(list, i) : list;
        measure->argument[i] = fits && json_is_string(item) ? measure_find(table, json_string_value(item)) : -1;
        if (measure->argument[i] < 0) {
            return error_set(load->error, ERROR_INVALID,
                             "%s: %s: \"%s\" takes %zu measure(s) of the same table declared before it", load->path,
                             reading->where, verb->name, verb->arguments);
        }
        if (!argument_fits(measure->kind, i, &table->measures[measure->argument[i]])) {
            return error_set(load->error, ERROR_INVALID, "%s: %s: \"%s\" cannot be made of \"%s\": it takes %s",
                             load->path, reading->where, verb->name, json_string_value(item),
                             measure->kind == MEASURE_RATIO ? "numbers" : "two dates or whole numbers, and a count");
        }
    }
    if (per && measure->kind != MEASURE_RATIO) return refuse(reading, "\"per\" goes with \"ratio\" alone");
    if (per && (!json_is_integer(per) || json_integer_value(per) < 1 || json_integer_value(per) > 1000000000)) {
        return refuse(reading, "\"per\" must be a whole number from 1 to 1,000,000,000");
    }
    if (per) measure->per = json_integer_value(per);
    for (size_t i = 0; i < 3; i++) {
        static const char *const base_only[] = {"from", "where", "where_not"};
        if (!json_object_get(reading->object, base_only[i])) continue;
        return refuse(reading, "\"from\", \"where\" and \"where_not\" go with the measures that it is made of");
    }
    measure->result = measure->kind == MEASURE_RANK ? COLUMN_INTEGER : COLUMN_DECIMAL;
    if (measure->kind == MEASURE_RANK && measure->scale > 0) return refuse(reading, "a rank has no decimals");
    if (measure->scale < 0) measure->scale = measure->kind == MEASURE_RANK ? 0 : 4;
    return true;
}

/* The one verb that a measure has. */
static const struct verb *find_verb(const struct reading *reading)
{
    const struct verb *found = NULL;
    for (size_t v = 0; v < sizeof verbs / sizeof *verbs; v++) {
        if (!json_object_get(reading->object, verbs[v].name)) continue;
        if (found) {
            error_set(reading->load->error, ERROR_INVALID,
                      "%s: %s: has both \"%s\" and \"%s\"; make two measures of it", reading->load->path,
                      reading->where, found->name, verbs[v].name);
            return NULL;
        }
        found = &verbs[v];
    }
    if (!found) refuse(reading, "needs one of count, sum, distinct, min, max, ratio, mean_gap, rank");
    return found;
}

static bool name_is_free(const struct reading *reading, const char *name)
{
    const struct kpi_table *table = &reading->load->spec->tables[reading->table];
    bool taken = measure_find(table, name) >= 0;
    for (int k = 0; k < table->key_count; k++) taken |= strcmp(table->keys[k], name) == 0;
    return !taken || refuse(reading, "the table has a key or a measure of that name already");
}

static bool read_measure(const struct reading *reading)
{
    struct loading *load = reading->load;
    struct kpi_measure *measure = reading->measure;
    json_t *hidden = json_object_get(reading->object, "hidden"), *scale = json_object_get(reading->object, "scale");
    if (hidden && !json_is_boolean(hidden)) return refuse(reading, "\"hidden\" must be true or false");
    measure->hidden = json_is_true(hidden);
    if (scale &&
        (!json_is_integer(scale) || json_integer_value(scale) < 0 || json_integer_value(scale) > SPEC_SCALE_MOST)) {
        return refuse(reading, "\"scale\" must be a whole number from 0 to 12");
    }
    measure->scale = scale ? (int)json_integer_value(scale) : -1;
    const struct verb *verb = find_verb(reading);
    if (!verb) return false;
    measure->kind = verb->kind;
    bool good = verb->arguments > 0 ? load_derived_measure(reading, verb)
                                    : load_base_measure(reading, verb) && finish_base_measure(reading);
    load->spec->tables[reading->table].measure_count += good;
    return good;
}

static bool load_measure(struct loading *load, int table_index, size_t number, json_t *object)
{
    static const char *const known[] = {"name", "from",     "where", "where_not", "scale", "hidden",   "per",  "count",
                                        "sum",  "distinct", "min",   "max",       "ratio", "mean_gap", "rank", NULL};
    struct kpi_table *table = &load->spec->tables[table_index];
    struct reading reading = {.load = load, .table = table_index, .object = object};
    reading.where = arena_format(load->arena, load->error, "table \"%s\": measure %zu", table->name, number);
    json_t *name = reading.where ? json_need(object, "name", JSON_STRING, reading.where, load->error) : NULL;
    if (!name) return error_prefix(load->error, "%s", load->path);
    if (table->measure_count == KPI_MAX_MEASURES) {
        return error_set(load->error, ERROR_INVALID, "%s: table \"%s\" has more than %d measures", load->path,
                         table->name, KPI_MAX_MEASURES);
    }
    struct kpi_measure *measure = reading.measure = &table->measures[table->measure_count];
    *measure =
        (struct kpi_measure){.column = -1, .accumulator = -1, .multiset = -1, .set = -1, .per = 1, .dataset = -1};
    measure->name = spec_name(load, json_string_value(name), reading.where);
    if (!measure->name) return false;
    reading.where = arena_format(load->arena, load->error, "table \"%s\": measure \"%s\"", table->name, measure->name);
    if (!reading.where) return false;
    if (!json_only(object, known, reading.where, load->error)) return error_prefix(load->error, "%s", load->path);
    return name_is_free(&reading, measure->name) && read_measure(&reading);
}

static bool load_keys(struct loading *load, struct kpi_table *table, json_t *keys)
{
    if (json_array_size(keys) == 0 || json_array_size(keys) > KPI_MAX_KEYS) {
        return error_set(load->error, ERROR_INVALID, "%s: table \"%s\" must have 1 to %d key columns", load->path,
                         table->name, KPI_MAX_KEYS);
    }
    size_t i;
    json_t *item;
    json_array_foreach (keys, i, item) {
        if (!json_is_string(item)) {
            return error_set(load->error, ERROR_INVALID, "%s: table \"%s\": \"key\" is a list of column names",
                             load->path, table->name);
        }
        table->keys[i] = arena_text(load->arena, json_string_value(item), json_string_length(item), load->error);
        if (!table->keys[i]) return false;
        for (size_t k = 0; k < i; k++) {
            if (strcmp(table->keys[k], table->keys[i]) != 0) continue;
            return error_set(load->error, ERROR_INVALID, "%s: table \"%s\" has the key \"%s\" twice", load->path,
                             table->name, table->keys[i]);
        }
        if (strcmp(table->keys[i], load->spec->partition) == 0) table->partition_key = (int)i;
        table->key_count++;
    }
    return true;
}

static bool load_titles(struct loading *load, struct kpi_table *table, json_t *object, const char *where)
{
    const char *title = json_text_or(object, "title", table->name, where, load->error);
    const char *dynamodb = title ? json_text_or(object, "dynamodb", table->name, where, load->error) : NULL;
    if (!dynamodb) return error_prefix(load->error, "%s", load->path);
    table->title = arena_text(load->arena, title, strlen(title), load->error);
    table->dynamodb_name = table->title ? arena_text(load->arena, dynamodb, strlen(dynamodb), load->error) : NULL;
    return table->dynamodb_name != NULL;
}

static bool load_table(struct loading *load, json_t *object, const char *where)
{
    static const char *const known[] = {"name", "title", "dynamodb", "key", "measures", NULL};
    struct kpi_spec *spec = load->spec;
    json_t *name = json_need(object, "name", JSON_STRING, where, load->error);
    if (!name) return error_prefix(load->error, "%s", load->path);
    if (kpi_table_find(spec, json_string_value(name))) {
        return error_set(load->error, ERROR_INVALID, "%s: table \"%s\" is there twice", load->path,
                         json_string_value(name));
    }
    if (spec->table_count == KPI_MAX_TABLES) {
        return error_set(load->error, ERROR_INVALID, "%s: more than %d tables", load->path, KPI_MAX_TABLES);
    }
    struct kpi_table *table = &spec->tables[spec->table_count];
    *table = (struct kpi_table){.partition_key = -1, .accumulator_count = 1};
    table->name = spec_name(load, json_string_value(name), where);
    where = table->name ? arena_format(load->arena, load->error, "table \"%s\"", table->name) : NULL;
    if (!where) return false;
    json_t *keys = json_need(object, "key", JSON_ARRAY, where, load->error);
    json_t *measures = keys ? json_need(object, "measures", JSON_ARRAY, where, load->error) : NULL;
    if (!measures || !json_only(object, known, where, load->error)) return error_prefix(load->error, "%s", load->path);
    if (!load_titles(load, table, object, where) || !load_keys(load, table, keys)) return false;
    int index = spec->table_count++;
    size_t i;
    json_t *item;
    json_array_foreach (measures, i, item) {
        if (!load_measure(load, index, i + 1, item)) return false;
    }
    if (table->key_kinds[0] != COLUMN_ABSENT) return true;
    return error_set(load->error, ERROR_INVALID, "%s: table \"%s\" needs a measure over the rows of a dataset",
                     load->path, table->name);
}

/* Whether `name` stands in the comma-separated list. */
static bool in_list(const char *list, const char *name)
{
    size_t length = strlen(name);
    while (*list) {
        size_t part = strcspn(list, ",");
        if (part == length && memcmp(list, name, part) == 0) return true;
        list += part + (list[part] == ',');
    }
    return false;
}

/* Says that a table is not there, and which are. */
static bool no_table(struct loading *load, json_t *tables, const char *name)
{
    struct buffer names;
    size_t i;
    json_t *item;
    buffer_init(&names, 0);
    json_array_foreach (tables, i, item) {
        const char *known = json_string_value(json_object_get(item, "name"));
        if (known) buffer_append_format(&names, "%s%s", names.length ? ", " : "", known);
    }
    const char *list = buffer_text(&names);
    error_set(load->error, ERROR_USAGE, "%s has no table \"%s\"; there are: %s", load->path, name,
              list && *list ? list : "none");
    buffer_free(&names);
    return false;
}

bool spec_load_tables(struct loading *load, json_t *root, const char *only)
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
        const char *where = arena_format(load->arena, load->error, "table %zu", i + 1);
        if (only && !(name && in_list(only, name))) continue;
        if (!where || !load_table(load, item, where)) return false;
    }
    for (const char *part = only; part && *part;) {
        size_t length = strcspn(part, ",");
        char *name = arena_text(load->arena, part, length, load->error);
        if (!name) return false;
        if (!kpi_table_find(spec, name)) return no_table(load, tables, name);
        part += length + (part[length] == ',');
    }
    return true;
}
