#include "cli/kpi_reading.h"

#include <stdio.h>
#include <string.h>

#include "cli/options.h"
#include "task/pipeline.h"

bool kpi_reading_open(struct kpi_store *store, const char *data_folder, const char *pipeline, struct error *error)
{
    *store = (struct kpi_store){0};
    struct arena *arena = arena_new(0, error);
    const char *folder = arena == NULL ? NULL : pipeline_folder(arena, pipeline, error);
    bool good = folder != NULL && kpi_store_open(store, data_folder, folder, error);
    if (folder != NULL && !good && error->code == ERROR_NOT_FOUND)
        error_set(
            error, ERROR_NOT_FOUND,
            "there are no KPI tables of '%s' in %s yet; 'aisle run %s PATH' makes them, and 'aisle sample %s' makes "
            "files to try it with",
            pipeline, data_folder, pipeline, pipeline);
    arena_free(arena);
    return good;
}

/* The table named `name` with an ending of `drop` characters replaced by `put`, also with "_day" after it. */
static const struct kpi_table *find_with_ending(const struct kpi_spec *spec, const char *name, size_t drop,
                                                const char *put)
{
    char word[100];
    size_t length = strlen(name);
    if (length <= drop || length >= sizeof word - sizeof "y_day") return NULL;
    size_t made = (size_t)snprintf(word, sizeof word, "%.*s%s", (int)(length - drop), name, put);
    const struct kpi_table *table = kpi_table_find(spec, word);
    if (table != NULL) return table;
    memcpy(word + made, "_day", sizeof "_day");
    return kpi_table_find(spec, word);
}

const struct kpi_table *kpi_reading_table(const struct kpi_spec *spec, const char *name, struct error *error)
{
    const struct kpi_table *table = find_with_ending(spec, name, 0, "");
    size_t length = strlen(name);
    if (table == NULL && length > 3 && strcmp(name + length - 3, "ies") == 0)
        table = find_with_ending(spec, name, 3, "y");
    if (table == NULL && length > 1 && name[length - 1] == 's') table = find_with_ending(spec, name, 1, "");
    if (table != NULL) return table;
    const char *names[64];
    size_t count = 0;
    for (int t = 0; t < spec->table_count && count + 1 < COUNT_OF(names); t++) names[count++] = spec->tables[t].name;
    names[count] = NULL;
    const char *nearest = options_nearest(name, names);
    if (nearest != NULL)
        error_set(error, ERROR_USAGE, "there is no table '%s'; did you mean '%s'?", name, nearest);
    else
        error_set(error, ERROR_USAGE, "there is no table '%s'; 'aisle kpi' lists them", name);
    return NULL;
}

bool kpi_reading_key(const struct kpi_table *table, const char *key, const char *value, struct kpi_filter *filter,
                     struct error *error)
{
    if (value == NULL) return true;
    for (int k = 0; k < table->key_count; k++) {
        bool wanted = key == NULL ? table->key_kinds[k] == COLUMN_TERM : strcmp(table->keys[k], key) == 0;
        if (!wanted) continue;
        filter->key[k] = value;
        return true;
    }
    return error_set(error, ERROR_USAGE, "the table '%s' has no %s to choose by", table->name,
                     key == NULL ? "key" : key);
}

static int column_of(const struct kpi_result *result, const char *name)
{
    for (int c = result->key_count; c < result->column_count; c++)
        if (strcmp(result->columns[c].name, name) == 0) return c;
    return -1;
}

static const struct kpi_measure *measure_of(const struct kpi_result *result, int column)
{
    for (int m = 0; m < result->table->measure_count; m++)
        if (strcmp(result->table->measures[m].name, result->columns[column].name) == 0)
            return &result->table->measures[m];
    return NULL;
}

bool kpi_reading_is_additive(const struct kpi_result *result, int column)
{
    const struct kpi_measure *measure = column < result->key_count ? NULL : measure_of(result, column);
    return measure != NULL && (measure->kind == MEASURE_SUM || measure->kind == MEASURE_COUNT);
}

int kpi_reading_main_column(const struct kpi_result *result)
{
    const struct kpi_table *table = result->table;
    int first_sum = -1;
    for (int m = 0; m < table->measure_count; m++)
        if (table->measures[m].kind == MEASURE_RANK)
            return column_of(result, table->measures[table->measures[m].argument[0]].name);
    for (int c = result->column_count - 1; c >= result->key_count; c--)
        if (kpi_reading_is_additive(result, c) && (first_sum < 0 || result->columns[c].kind == COLUMN_DECIMAL ||
                                                   result->columns[first_sum].kind != COLUMN_DECIMAL))
            first_sum = c;
    return first_sum;
}

void kpi_reading_columns(const struct kpi_result *result, struct value_column columns[KPI_READING_COLUMNS])
{
    for (int c = 0; c < result->column_count; c++) {
        const struct kpi_output *output = &result->columns[c];
        columns[c] = (struct value_column){.name = output->name,
                                           .kind = output->kind,
                                           .scale = output->scale,
                                           .least_decimals = output->scale,
                                           .values = result->values[c]};
    }
}

struct exporting {
    const struct kpi_view *view;
    enum outlet_format format;
    const char *path;
    struct value_column first[KPI_READING_COLUMNS]; /* what the outlet was opened with */
    struct outlet *outlet;
};

static bool export_rows(void *context, struct kpi_result *result, struct error *error)
{
    struct exporting *exporting = context;
    struct value_column columns[KPI_READING_COLUMNS];
    kpi_reading_columns(result, columns);
    if (exporting->outlet == NULL) {
        size_t count = (size_t)result->column_count;
        memcpy(exporting->first, columns, count * sizeof *columns);
        exporting->outlet =
            outlet_open(exporting->format, exporting->path, exporting->first, count, exporting->view->terms, error);
    }
    return exporting->outlet != NULL && outlet_write(exporting->outlet, columns, result->rows, error);
}

bool kpi_reading_export(const struct kpi_view *view, const struct kpi_table *table, const struct kpi_filter *filter,
                        enum outlet_format format, const char *path, struct error *error)
{
    struct exporting exporting = {.view = view, .format = format, .path = path};
    bool good =
        kpi_stream(view, table, filter, export_rows, &exporting, error) && outlet_finish(exporting.outlet, error);
    outlet_free(exporting.outlet);
    return good;
}
