#include "kpi/spec_load.h"

#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/json.h"
#include "kpi/trace.h"

#define NAME_LONGEST 64

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

char *spec_name(struct loading *load, const char *name, const char *what)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    size_t length = strlen(name);
    if (length > 0 && length <= NAME_LONGEST && strspn(name, letters) == length) {
        return arena_text(load->arena, name, length, load->error);
    }
    error_set(load->error, ERROR_INVALID, "%s: %s \"%.80s\": a name is 1 to %d letters, digits, _ and -", load->path,
              what, name, NAME_LONGEST);
    return NULL;
}

bool spec_section(struct loading *load, json_t *object, const char *key, json_type type, const char *where,
                  json_t **section)
{
    *section = json_object_get(object, key);
    if (!*section) return true;
    *section = json_need(object, key, type, where, load->error);
    return *section || error_prefix(load->error, "%s", load->path);
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

int spec_resolve(struct loading *load, struct kpi_dataset *dataset, const char *name)
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
    int column_index = spec_resolve(load, other, dot + 1);
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

/* The column for an argument of an operator; one of a joined dataset gets a column under its whole name. */
static int resolve(struct loading *load, struct kpi_dataset *dataset, const char *text)
{
    if (!strchr(text, '.')) return spec_resolve(load, dataset, text);
    int found = kpi_column_find(dataset, text);
    if (found >= 0) return found;
    const char *kept = arena_text(load->arena, text, strlen(text), load->error);
    return kept ? resolve_parent(load, dataset, text, kept) : -1;
}

/* Checks the kinds of an operator's arguments and gives the result its kind. */
static bool type_operator(struct loading *load, const struct kpi_dataset *dataset, struct kpi_column *column)
{
    const struct kpi_column *a = &dataset->columns[column->argument[0]];
    const struct kpi_column *b = column->argument[1] >= 0 ? &dataset->columns[column->argument[1]] : a;
    const char *needs = a->kind == COLUMN_TIMESTAMP && b->kind == COLUMN_TIMESTAMP ? NULL : "timestamps";
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
        needs = numbers && column->scale <= SPEC_SCALE_MOST ? NULL : "numbers whose decimals together are at most 12";
        break;
    }
    if (!needs) return true;
    return error_set(load->error, ERROR_INVALID, "%s: column \"%s.%s\" is of the wrong type: it is made of %s",
                     load->path, dataset->name, column->name, needs);
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
    for (size_t k = 0; k < sizeof known / sizeof *known && json_object_size(expression) == 1; k++) {
        json_t *arguments = json_object_get(expression, known[k].name);
        if (!arguments) continue;
        int index[2] = {-1, -1};
        bool fits =
            json_is_array(arguments) ? json_array_size(arguments) == known[k].arguments : known[k].arguments == 1;
        for (size_t i = 0; i < known[k].arguments; i++) {
            json_t *item = json_is_array(arguments) ? json_array_get(arguments, i) : arguments;
            if (!fits || !json_is_string(item)) {
                return error_set(load->error, ERROR_INVALID, "%s: column \"%s.%s\": \"%s\" takes %zu column name(s)",
                                 load->path, dataset->name, name, known[k].name, known[k].arguments);
            }
            index[i] = resolve(load, dataset, json_string_value(item));
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
                     "%s: column \"%s.%s\": an expression is a name, or one of date, month, seconds and multiply of "
                     "names",
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
    int source = spec_resolve(load, dataset, text);
    if (source < 0) return false;
    struct kpi_column *column = add_column(load, dataset, name);
    if (!column) return false;
    struct kpi_column copy = dataset->columns[source];
    copy.name = name;
    *column = copy;
    return true;
}

static bool load_join(struct loading *load, struct kpi_dataset *dataset, const char *parent, json_t *field)
{
    int index = kpi_dataset_find(load->spec, parent);
    if (index < 0 || &load->spec->datasets[index] == dataset) {
        return error_set(load->error, ERROR_INVALID,
                         "%s: dataset \"%s\": it joins \"%s\", but no dataset before it has that name", load->path,
                         dataset->name, parent);
    }
    if (dataset->join_count == KPI_MAX_JOINS) {
        return error_set(load->error, ERROR_INVALID, "%s: dataset \"%s\" has more than %d joins", load->path,
                         dataset->name, KPI_MAX_JOINS);
    }
    int own = json_is_string(field) ? schema_find(dataset->schema, str_of(json_string_value(field))) : -1;
    if (own < 0) {
        return error_set(load->error, ERROR_INVALID,
                         "%s: dataset \"%s\": join \"%s\" must name a field of \"%s\" that holds its key", load->path,
                         dataset->name, parent, dataset->name);
    }
    if (dataset->schema->fields[own].kind != COLUMN_TERM) {
        return error_set(load->error, ERROR_INVALID,
                         "%s: dataset \"%s\": join field \"%s\" must be a string with \"intern\": true in its schema",
                         load->path, dataset->name, json_string_value(field));
    }
    dataset->joins[dataset->join_count++] = (struct kpi_join){.dataset = index, .field = own};
    load->spec->datasets[index].has_children = true;
    return true;
}

static bool load_joins(struct loading *load, struct kpi_dataset *dataset, json_t *joins)
{
    const char *parent;
    json_t *field;
    json_object_foreach (joins, parent, field) {
        if (!load_join(load, dataset, parent, field)) return false;
    }
    return true;
}

static bool load_schema(struct loading *load, struct kpi_dataset *dataset, json_t *object, const char *where)
{
    json_t *path = json_need(object, "schema", JSON_STRING, where, load->error);
    if (!path) return error_prefix(load->error, "%s", load->path);
    const char *full = arena_format(load->arena, load->error, "%s/%s", load->folder, json_string_value(path));
    if (!full || !file_load(full, &load->hashed, load->error)) return false;
    dataset->schema = schema_load(load->arena, full, load->error);
    if (!dataset->schema) return false;
    if (dataset->schema->primary_key_count != 1 ||
        dataset->schema->fields[dataset->schema->primary_key[0]].kind != COLUMN_TERM) {
        return error_set(load->error, ERROR_INVALID,
                         "%s: its primaryKey must be one string field with \"intern\": true", full);
    }
    if (dataset->schema->field_count > KPI_MAX_FIELDS) {
        return error_set(load->error, ERROR_INVALID, "%s: has %zu fields; a KPI spec takes schemas of at most %d", full,
                         dataset->schema->field_count, KPI_MAX_FIELDS);
    }
    dataset->key_field = dataset->schema->primary_key[0];
    return true;
}

static bool load_cleaned(struct loading *load, struct kpi_dataset *dataset, json_t *names)
{
    size_t i;
    json_t *item;
    json_array_foreach (names, i, item) {
        int index = json_is_string(item) ? kpi_column_find(dataset, json_string_value(item)) : -1;
        if (index < 0 || column_depends(dataset, index)) {
            return error_set(load->error, ERROR_INVALID,
                             "%s: dataset \"%s\": \"cleaned\" must name columns of it that need no joined dataset; "
                             "\"%s\" is none",
                             load->path, dataset->name, json_is_string(item) ? json_string_value(item) : "it");
        }
        for (int c = 0; c < dataset->cleaned_count; c++) {
            if (dataset->cleaned[c] != index) continue;
            return error_set(load->error, ERROR_INVALID, "%s: dataset \"%s\": \"cleaned\" names \"%s\" twice",
                             load->path, dataset->name, json_string_value(item));
        }
        dataset->cleaned[dataset->cleaned_count++] = index;
    }
    return true;
}

static bool load_dataset(struct loading *load, const char *name, json_t *object)
{
    static const char *const known[] = {"schema", "joins", "columns", "cleaned", NULL};
    struct kpi_spec *spec = load->spec;
    json_t *joins, *columns, *cleaned;
    if (spec->dataset_count == KPI_MAX_DATASETS) {
        return error_set(load->error, ERROR_INVALID, "%s: more than %d datasets", load->path, KPI_MAX_DATASETS);
    }
    struct kpi_dataset *dataset = &spec->datasets[spec->dataset_count];
    *dataset = (struct kpi_dataset){.partition_column = -1, .partition_join = -1};
    dataset->name = spec_name(load, name, "dataset");
    const char *where = dataset->name ? arena_format(load->arena, load->error, "dataset \"%s\"", name) : NULL;
    if (!where) return false;
    if (!json_only(object, known, where, load->error)) return error_prefix(load->error, "%s", load->path);
    spec->dataset_count++;
    if (!load_schema(load, dataset, object, where) ||
        !spec_section(load, object, "joins", JSON_OBJECT, where, &joins) ||
        !spec_section(load, object, "columns", JSON_OBJECT, where, &columns) ||
        !spec_section(load, object, "cleaned", JSON_ARRAY, where, &cleaned) || !load_joins(load, dataset, joins)) {
        return false;
    }
    const char *column;
    json_t *expression;
    json_object_foreach (columns, column, expression) {
        if (*column == '\0' || strchr(column, '.')) {
            return error_set(load->error, ERROR_INVALID,
                             "%s: %s: a column cannot be named \"%s\": dots stand between "
                             "a joined dataset and its column",
                             load->path, where, column);
        }
        const char *kept = arena_text(load->arena, column, strlen(column), load->error);
        if (!kept || !load_column(load, dataset, kept, expression)) return false;
    }
    return load_cleaned(load, dataset, cleaned);
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
    bool any = false;
    for (int i = 0; i < spec->dataset_count; i++) {
        struct kpi_dataset *dataset = &spec->datasets[i];
        dataset->partition_column = kpi_column_find(dataset, spec->partition);
        if (dataset->partition_column < 0 && schema_find(dataset->schema, str_of(spec->partition)) >= 0) {
            dataset->partition_column = spec_resolve(load, dataset, spec->partition);
            if (dataset->partition_column < 0) return false;
        }
        if (dataset->partition_column < 0) continue;
        any = true;
        const struct kpi_column *column = &dataset->columns[dataset->partition_column];
        if (column->kind != COLUMN_DATE || !always_there(spec, dataset, dataset->partition_column)) {
            return error_set(load->error, ERROR_INVALID,
                             "%s: the partition \"%s\" of \"%s\" must be a date made of required fields", load->path,
                             spec->partition, dataset->name);
        }
        if (column->operator== OPERATOR_PARENT) dataset->partition_join = column->join;
    }
    return any || error_set(load->error, ERROR_INVALID, "%s: no dataset has the partition \"%s\" as a column",
                            load->path, spec->partition);
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
static bool mark_parent_use(struct loading *load)
{
    struct kpi_spec *spec = load->spec;
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
        if (dataset->parent_column_count < TRACE_MAX_VALUES) continue; /* the place of a row takes one */
        return error_set(load->error, ERROR_INVALID,
                         "%s: dataset \"%s\": joined datasets take %d columns of it, and %d is the most", load->path,
                         dataset->name, dataset->parent_column_count, TRACE_MAX_VALUES - 1);
    }
    return true;
}

static bool load_root(struct loading *load, json_t *root, const char *only)
{
    static const char *const known[] = {"pipeline", "partition", "datasets", "tables", NULL};
    struct kpi_spec *spec = load->spec;
    json_t *pipeline = json_need(root, "pipeline", JSON_STRING, load->path, load->error);
    json_t *partition = json_need(root, "partition", JSON_STRING, load->path, load->error);
    json_t *datasets = json_need(root, "datasets", JSON_OBJECT, load->path, load->error);
    if (!pipeline || !partition || !datasets || !json_only(root, known, load->path, load->error)) return false;
    spec->pipeline = spec_name(load, json_string_value(pipeline), "pipeline");
    spec->partition = spec->pipeline ? spec_name(load, json_string_value(partition), "partition") : NULL;
    if (!spec->pipeline || !spec->partition) return false;
    const char *name;
    json_t *item;
    json_object_foreach (datasets, name, item) {
        if (!load_dataset(load, name, item)) return false;
    }
    return load_partition(load) && spec_load_tables(load, root, only) && mark_parent_use(load);
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
    if (!buffer_check(&load.hashed, error) || !digest_sha256_hex(load.hashed.data, load.hashed.length, hash, error))
        goto done;
    load.spec->text_hash = arena_text(arena, hash, 64, error);
    good = load.spec->text_hash != NULL;
done:
    if (!good && load.spec) kpi_spec_free(load.spec);
    json_decref(root);
    buffer_free(&load.hashed);
    return good ? load.spec : NULL;
}

int kpi_parent_position(const struct kpi_dataset *parent, int column)
{
    for (int i = 0; i < parent->parent_column_count; i++) {
        if (parent->parent_columns[i] == column) return i;
    }
    return -1;
}

void kpi_fields_used(const struct kpi_dataset *dataset, bool *fields)
{
    if (dataset->has_children) fields[dataset->key_field] = true;
    for (int j = 0; j < dataset->join_count; j++) fields[dataset->joins[j].field] = true;
    for (int c = 0; c < dataset->column_count; c++) {
        if (dataset->columns[c].field >= 0 && dataset->columns[c].used) fields[dataset->columns[c].field] = true;
    }
}

void kpi_spec_free(struct kpi_spec *spec)
{
    for (int i = 0; spec && i < spec->dataset_count; i++) {
        if (spec->datasets[i].schema) schema_free(spec->datasets[i].schema);
        spec->datasets[i].schema = NULL;
    }
}
