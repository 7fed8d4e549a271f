#include "kpi/tables_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "tabular/datetime.h"
#include "tabular/number.h"

/* Rows of a window, at least: it goes on to the next change of the first key. */
#define WINDOW_ROWS 65536

/* ---- choosing and ordering rows ---- */

static int compare_value(const struct terms *terms, enum column_kind kind, int64_t a, int64_t b)
{
    if (kind == COLUMN_TERM) return a == b ? 0 : terms_compare(terms, a, b);
    return (a > b) - (a < b);
}

static int compare_rows(const void *a, const void *b, void *context)
{
    const struct loading *load = context;
    for (int k = 0; k < load->table->key_count; k++) {
        int order = compare_value(load->view->terms, load->table->key_kinds[k],
                                  load->entries.entries.key[k][*(const size_t *)a],
                                  load->entries.entries.key[k][*(const size_t *)b]);
        if (order != 0) return order;
    }
    return 0;
}

/* Whether a key that is a month ("2025-03") overlaps the days from … to. */
static bool month_within(const struct terms *terms, int64_t code, int64_t from, int64_t to)
{
    char text[16];
    int64_t first, next;
    if (term_text(terms, code, text, 8) != 7) return true;
    memcpy(text + 7, "-01", 4);
    if (!date_parse(str_of(text), &first)) return true;
    struct civil civil = civil_of_days(first);
    civil.year += civil.month == 12;
    civil.month = civil.month % 12 + 1;
    next = days_of_civil(&civil);
    return first <= to && next > from;
}

static bool row_within(const struct loading *load, size_t row)
{
    const struct kpi_filter *filter = load->filter;
    for (int k = 0; k < load->table->key_count; k++) {
        int64_t value = load->entries.entries.key[k][row];
        if (filter->key[k] && value != load->wanted[k]) return false;
        bool bounded = filter->from_day != INT64_MIN || filter->to_day != INT64_MAX;
        if (!bounded) continue;
        if (load->table->key_kinds[k] == COLUMN_DATE && (value < filter->from_day || value > filter->to_day))
            return false;
        if (load->table->key_kinds[k] == COLUMN_TERM && strstr(load->table->keys[k], "month") &&
            !month_within(load->view->terms, value, filter->from_day, filter->to_day))
            return false;
    }
    return true;
}

bool kpi_key_value(const struct terms *terms, enum column_kind kind, const char *text, int64_t *value)
{
    if (kind == COLUMN_DATE) return date_parse(str_of(text), value);
    if (kind == COLUMN_INTEGER) return integer_parse(str_of(text), &number_format_default, value) == NUMBER_OK;
    if (kind != COLUMN_TERM) return false;
    *value = term_find(terms, str_of(text));
    return *value != TERM_NULL;
}

static void name_columns(const struct kpi_table *table, struct kpi_result *result, int *measure_of)
{
    *result = (struct kpi_result){.table = table, .key_count = table->key_count};
    for (int k = 0; k < table->key_count; k++) {
        result->columns[result->column_count++] =
            (struct kpi_output){.name = table->keys[k], .kind = table->key_kinds[k]};
    }
    for (int m = 0; m < table->measure_count; m++) {
        const struct kpi_measure *measure = &table->measures[m];
        if (measure->hidden) continue;
        measure_of[result->column_count] = m;
        result->columns[result->column_count++] =
            (struct kpi_output){.name = measure->name, .kind = measure->result, .scale = measure->scale};
    }
}

/* The rows that are wanted, ordered. What is copied is freed at once, so that no more than one column is held twice. */
static bool fill_result(struct loading *load, struct kpi_result *result, struct error *error)
{
    int measure_of[KPI_MAX_KEYS + KPI_MAX_MEASURES] = {0};
    size_t rows = load->entries.entries.count;
    size_t *order = memory_array(rows + 1, sizeof *order, error);
    if (!order) return false;
    name_columns(load->table, result, measure_of);
    for (size_t i = 0; i < rows; i++) {
        if (row_within(load, i)) order[result->rows++] = i;
    }
    qsort_r(order, result->rows, sizeof *order, compare_rows, load);
    bool good = true;
    for (int c = 0; good && c < result->column_count; c++) {
        int m = measure_of[c];
        const int64_t *from = c < result->key_count ? load->entries.entries.key[c] : loading_shown(load, m);
        result->values[c] = memory_array(result->rows + 1, sizeof(int64_t), error);
        good = result->values[c] != NULL;
        for (size_t i = 0; good && i < result->rows; i++) result->values[c][i] = from[order[i]];
        if (c < result->key_count) continue;
        memory_free(load->measured[m]);
        load->measured[m] = NULL;
    }
    memory_free(order);
    return good;
}

/* ---- reading ---- */

/* Makes a result of what is loaded, hands it on, and is ready to load more. */
static bool hand_on(struct loading *load, struct error *error)
{
    struct kpi_result result = {0};
    bool good = loading_measure(load, error) && fill_result(load, &result, error);
    loading_forget(load);
    if (load->in_windows)
        load->entries.entries.count = 0;
    else
        entries_free(&load->entries.entries);
    good = good && load->visit(load->context, &result, error);
    kpi_result_free(&result);
    return good;
}

/* Takes groups of a table by day that have no rows any more, from entry `from` on, out again. */
static void leave_out_erased(const struct trace_shape *shape, struct entries *entries, size_t from)
{
    size_t to = from;
    for (size_t i = from; i < entries->count; i++) {
        if (entries->value[0][i] == 0) continue;
        for (int k = 0; k < shape->keys && to < i; k++) entries->key[k][to] = entries->key[k][i];
        for (int v = 0; v < shape->values && to < i; v++) entries->value[v][to] = entries->value[v][i];
        to++;
    }
    entries->count = to;
}

static bool append(struct loading *load, const struct entries *portion, size_t from, size_t to, struct error *error)
{
    struct trace_shape shape = table_shape(load->table);
    struct entries *entries = &load->entries.entries;
    if (!entry_list_reserve(&load->entries, &shape, to - from, error)) return false;
    size_t size = (to - from) * sizeof(int64_t);
    for (int k = 0; k < shape.keys; k++) memcpy(entries->key[k] + entries->count, portion->key[k] + from, size);
    for (int v = 0; v < shape.values; v++) memcpy(entries->value[v] + entries->count, portion->value[v] + from, size);
    entries->count += to - from;
    if (kpi_table_by_day(load->table)) leave_out_erased(&shape, entries, entries->count - (to - from));
    return true;
}

static bool append_portion(void *context, const struct entries *portion, struct error *error)
{
    struct loading *load = context;
    const struct entries *entries = &load->entries.entries;
    size_t begin = 0;
    if (load->in_windows && entries->count >= WINDOW_ROWS) {
        size_t end = 0;
        while (end < portion->count && portion->key[0][end] == entries->key[0][entries->count - 1]) end++;
        if (!append(load, portion, 0, end, error)) return false;
        if (end < portion->count && !hand_on(load, error)) return false;
        begin = end;
    }
    return append(load, portion, begin, portion->count, error);
}

/* What of the traces must be read. A rank is among all rows, so these are read even when few are asked for. */
static void choose_scan(struct loading *load)
{
    const struct kpi_table *table = load->table;
    const struct kpi_filter *filter = load->filter;
    bool ranks = false;
    for (int m = 0; m < table->measure_count; m++) ranks |= table->measures[m].kind == MEASURE_RANK;
    if (ranks) return;
    load->prefix_keys = filter->key[0] ? 1 : 0;
    load->in_windows = load->prefix_keys == 0 && table->key_kinds[0] != COLUMN_TERM;
    if (load->prefix_keys == table->key_count || table->key_kinds[load->prefix_keys] != COLUMN_DATE) return;
    load->range = (struct range){.from = filter->from_day, .to = filter->to_day};
    load->range.from_or_all = &load->range.from;
    load->range.to_or_all = &load->range.to;
}

bool kpi_stream(const struct kpi_view *view, const struct kpi_table *table, const struct kpi_filter *filter,
                bool (*visit)(void *context, struct kpi_result *result, struct error *error), void *context,
                struct error *error)
{
    struct loading load = {.view = view, .table = table, .filter = filter, .visit = visit, .context = context};
    bool known = true;
    for (int k = 0; k < table->key_count; k++) {
        if (filter->key[k]) known &= kpi_key_value(view->terms, table->key_kinds[k], filter->key[k], &load.wanted[k]);
    }
    choose_scan(&load);
    struct range range = load.range;
    const int64_t *from = range.from_or_all ? &range.from : NULL, *to = range.to_or_all ? &range.to : NULL;
    bool good = !known || trace_scan(state_trace(view->state, STATE_TABLE, (int)(table - view->spec->tables)),
                                     load.wanted, load.prefix_keys, from, to, append_portion, &load, error);
    good = good && hand_on(&load, error);
    loading_forget(&load);
    entries_free(&load.entries.entries);
    return good;
}

/* Where a result of several windows grows together. */
struct collecting {
    struct kpi_result *result;
    size_t capacity;
};

static bool collect(void *context, struct kpi_result *window, struct error *error)
{
    struct collecting *collecting = context;
    struct kpi_result *result = collecting->result;
    size_t rows = result->rows + window->rows;
    if (collecting->capacity == 0) {
        *result = *window;
        *window = (struct kpi_result){0};
        collecting->capacity = rows + 1;
        return true;
    }
    bool grows = rows + 1 > collecting->capacity;
    size_t capacity = grows ? rows + rows / 2 + 2 : collecting->capacity;
    for (int c = 0; c < window->column_count; c++) {
        int64_t *grown = grows ? memory_resize(result->values[c], capacity, sizeof *grown, error) : result->values[c];
        if (!grown) return false;
        result->values[c] = grown;
        memcpy(grown + result->rows, window->values[c], window->rows * sizeof *grown);
    }
    result->rows = rows;
    collecting->capacity = capacity;
    return true;
}

bool kpi_read(const struct state *state, const struct kpi_spec *spec, const struct terms *terms,
              const struct kpi_table *table, const struct kpi_filter *filter, struct kpi_result *result,
              struct error *error)
{
    const struct kpi_view view = {state, spec, terms};
    struct collecting collecting = {.result = result};
    *result = (struct kpi_result){.table = table};
    bool good = kpi_stream(&view, table, filter, collect, &collecting, error);
    if (!good) kpi_result_free(result);
    return good;
}

void kpi_result_free(struct kpi_result *result)
{
    for (int c = 0; c < KPI_MAX_KEYS + KPI_MAX_MEASURES; c++) {
        memory_free(result->values[c]);
        result->values[c] = NULL;
    }
    result->rows = 0;
}

bool kpi_result_order(struct kpi_result *result, int column, bool descending, struct error *error)
{
    struct ranked *order = memory_array(result->rows + 1, sizeof *order, error);
    int64_t *moved = memory_array(result->rows + 1, sizeof *moved, error);
    bool good = order && moved;
    if (good) {
        int64_t null = descending ? INT64_MIN : INT64_MAX;
        for (size_t i = 0; i < result->rows; i++) {
            int64_t value = result->values[column][i];
            order[i] = (struct ranked){value == COLUMN_NULL ? null : value, i};
        }
        qsort(order, result->rows, sizeof *order, descending ? ranked_descending : ranked_ascending);
        for (int c = 0; c < result->column_count; c++) {
            for (size_t i = 0; i < result->rows; i++) moved[i] = result->values[c][order[i].row];
            memcpy(result->values[c], moved, result->rows * sizeof *moved);
        }
    }
    memory_free(order);
    memory_free(moved);
    return good;
}

/* ---- a store ---- */

bool kpi_store_open(struct kpi_store *store, const char *data_folder, const char *pipeline_folder, struct error *error)
{
    bool stale = false, reading = false;
    *store = (struct kpi_store){0};
    store->arena = arena_new(0, error);
    store->spec = store->arena ? kpi_spec_load(store->arena, pipeline_folder, NULL, error) : NULL;
    store->folder = store->spec ? folder_open(data_folder, FOLDER_READ, error) : NULL;
    bool good = store->folder && folder_read_begin(store->folder, error);
    reading = good;
    store->terms = good ? terms_new(error) : NULL;
    good = store->terms && state_load_terms(store->folder, store->terms, error);
    store->state = good ? state_open(store->spec, store->folder, &stale, error) : NULL;
    if (reading) folder_read_end(store->folder);
    good = store->state != NULL;
    if (good && stale) {
        good = error_set(error, ERROR_CONFLICT,
                         "%s was made under another version of %s/kpis.json, or by another version of aisle; the next "
                         "run brings it up to date",
                         data_folder, pipeline_folder);
    }
    if (!good) kpi_store_close(store);
    return good;
}

void kpi_store_close(struct kpi_store *store)
{
    state_close(store->state);
    if (store->terms) terms_free(store->terms);
    if (store->folder) folder_close(store->folder);
    if (store->spec) kpi_spec_free(store->spec);
    if (store->arena) arena_free(store->arena);
    *store = (struct kpi_store){0};
}
