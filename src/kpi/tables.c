#include "kpi/tables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "kpi/group.h"
#include "tabular/datetime.h"
#include "tabular/number.h"

/* A table on its way from traces to a result. */
struct loading {
    const struct state *state;
    const struct kpi_spec *spec;
    const struct kpi_table *table;
    struct entry_list entries;           /* keys and accumulators */
    int64_t *least[KPI_MAX_MEASURES];    /* by measure, of MIN and MAX: the value, by row */
    int64_t *measured[KPI_MAX_MEASURES]; /* every measure, by row, in its shown scale */
    __int128 *exact[KPI_MAX_MEASURES];   /* unrounded, at exact_scale */
    int exact_scale[KPI_MAX_MEASURES];
};

static bool append_portion(void *context, const struct entries *portion, struct error *error)
{
    struct loading *load = context;
    struct trace_shape shape = table_shape(load->table);
    if (!entry_list_reserve(&load->entries, &shape, portion->count, error)) return false;
    size_t at = load->entries.entries.count, size = portion->count * sizeof(int64_t);
    for (int k = 0; k < shape.keys; k++) memcpy(load->entries.entries.key[k] + at, portion->key[k], size);
    for (int v = 0; v < shape.values; v++) memcpy(load->entries.entries.value[v] + at, portion->value[v], size);
    load->entries.entries.count += portion->count;
    return true;
}

/* ---- smallest and largest, from multisets ---- */

struct extremes {
    struct loading *load;
    int multiset;
    size_t row; /* groups come in the same order in both traces */
};

static int compare_group(const struct loading *load, size_t row, const struct entries *portion, size_t i)
{
    for (int k = 0; k < load->table->key_count; k++) {
        int64_t a = load->entries.entries.key[k][row], b = portion->key[k][i];
        if (a != b) return a < b ? -1 : 1;
    }
    return 0;
}

static bool note_extremes(void *context, const struct entries *portion, struct error *error)
{
    (void)error;
    struct extremes *extremes = context;
    struct loading *load = extremes->load;
    for (size_t i = 0; i < portion->count; i++) {
        int order = -1;
        while (extremes->row < load->entries.entries.count &&
               (order = compare_group(load, extremes->row, portion, i)) < 0) {
            extremes->row++;
        }
        if (extremes->row == load->entries.entries.count) return true;
        if (order > 0) continue; /* a group whose rows do not show */
        int64_t value = portion->key[load->table->key_count][i];
        for (int m = 0; m < load->table->measure_count; m++) {
            const struct kpi_measure *measure = &load->table->measures[m];
            if (measure->multiset != extremes->multiset || !load->least[m]) continue;
            int64_t *there = &load->least[m][extremes->row];
            if (*there == COLUMN_NULL || measure->kind == MEASURE_MAX) *there = value;
        }
    }
    return true;
}

static bool load_extremes(struct loading *load, const int64_t *prefix, int prefix_keys, struct error *error)
{
    size_t rows = load->entries.entries.count;
    bool needed[KPI_MAX_MEASURES] = {false};
    for (int m = 0; m < load->table->measure_count; m++) {
        const struct kpi_measure *measure = &load->table->measures[m];
        if (measure->kind != MEASURE_MIN && measure->kind != MEASURE_MAX) continue;
        load->least[m] = memory_array(rows + 1, sizeof(int64_t), error);
        if (!load->least[m]) return false;
        for (size_t i = 0; i < rows; i++) load->least[m][i] = COLUMN_NULL;
        needed[m] = true;
        for (int other = 0; other < m; other++) {
            if (load->least[other] && load->table->measures[other].multiset == measure->multiset) needed[m] = false;
        }
    }
    for (int m = 0; m < load->table->measure_count; m++) {
        if (!needed[m]) continue;
        /* all measures of a multiset are filled by one walk, so their arrays must be there first */
        struct extremes extremes = {.load = load, .multiset = load->table->measures[m].multiset};
        if (!trace_scan(state_trace(load->state, STATE_MULTISET, extremes.multiset), prefix, prefix_keys, NULL, NULL,
                        note_extremes, &extremes, error)) {
            return false;
        }
    }
    return true;
}

/* ---- measures ---- */

static __int128 power_of_ten(int exponent)
{
    __int128 power = 1;
    for (int i = 0; i < exponent; i++) power *= 10;
    return power;
}

/* numerator / denominator, rounded half up (away from zero); the denominator is positive. */
static __int128 divide_half_up(__int128 numerator, __int128 denominator)
{
    __int128 half = denominator / 2 + denominator % 2;
    bool negative = numerator < 0;
    __int128 magnitude = negative ? -numerator : numerator;
    __int128 quotient = magnitude / denominator;
    if (magnitude % denominator >= half) quotient++;
    return negative ? -quotient : quotient;
}

static int64_t round_to(__int128 value, int from_scale, int to_scale)
{
    __int128 rounded = from_scale > to_scale ? divide_half_up(value, power_of_ten(from_scale - to_scale))
                                             : value * power_of_ten(to_scale - from_scale);
    return rounded > INT64_MAX || rounded <= INT64_MIN ? COLUMN_NULL : (int64_t)rounded;
}

static void work_out_ratio(struct loading *load, const struct kpi_measure *measure, size_t row, int64_t *out)
{
    int a = measure->argument[0], b = measure->argument[1];
    __int128 numerator = load->exact[a][row], denominator = load->exact[b][row] * measure->per;
    *out = COLUMN_NULL;
    if (load->measured[a][row] == COLUMN_NULL || load->measured[b][row] == COLUMN_NULL || denominator == 0) return;
    int shift = measure->scale + load->exact_scale[b] - load->exact_scale[a];
    if (shift >= 0) {
        numerator *= power_of_ten(shift);
    } else {
        denominator *= power_of_ten(-shift);
    }
    if (denominator < 0) {
        numerator = -numerator;
        denominator = -denominator;
    }
    *out = round_to(divide_half_up(numerator, denominator), 0, 0);
}

static void work_out_gap(struct loading *load, const struct kpi_measure *measure, size_t row, int64_t *out)
{
    int64_t first = load->measured[measure->argument[0]][row], last = load->measured[measure->argument[1]][row];
    int64_t count = load->measured[measure->argument[2]][row];
    *out = COLUMN_NULL;
    if (first == COLUMN_NULL || last == COLUMN_NULL || count < 2) return;
    *out = round_to(divide_half_up(((__int128)last - first) * power_of_ten(measure->scale), count - 1), 0, 0);
}

struct ranked {
    int64_t value;
    size_t row;
};

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->value != y->value) return x->value > y->value ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

static int compare_ranked_ascending(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->value != y->value) return x->value < y->value ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

/* Rows by value, largest first; equal values share the rank of the first of them. */
static bool work_out_rank(const int64_t *values, size_t rows, int64_t *out, struct error *error)
{
    struct ranked *order = memory_array(rows + 1, sizeof *order, error);
    if (!order) return false;
    for (size_t i = 0; i < rows; i++) order[i] = (struct ranked){values[i], i};
    qsort(order, rows, sizeof *order, compare_ranked);
    for (size_t i = 0; i < rows; i++) {
        bool tied = i > 0 && order[i].value == order[i - 1].value;
        out[order[i].row] = tied ? out[order[i - 1].row] : (int64_t)i + 1;
    }
    memory_free(order);
    return true;
}

static bool work_out(struct loading *load, int m, struct error *error)
{
    const struct kpi_measure *measure = &load->table->measures[m];
    size_t rows = load->entries.entries.count;
    int64_t *out = load->measured[m] = memory_array(rows + 1, sizeof *out, error);
    __int128 *exact = load->exact[m] = memory_array(rows + 1, sizeof *exact, error);
    if (!out || !exact) return false;
    load->exact_scale[m] = measure->accumulator >= 0 ? measure->sum_scale : measure->scale;
    if (measure->kind == MEASURE_RANK && !work_out_rank(load->measured[measure->argument[0]], rows, out, error))
        return false;
    for (size_t i = 0; i < rows; i++) {
        if (measure->accumulator >= 0) {
            exact[i] = load->entries.entries.value[measure->accumulator][i];
            out[i] = round_to(exact[i], measure->sum_scale, measure->scale);
            continue;
        }
        if (measure->kind == MEASURE_RATIO) work_out_ratio(load, measure, i, &out[i]);
        if (measure->kind == MEASURE_MEAN_GAP) work_out_gap(load, measure, i, &out[i]);
        if (load->least[m]) out[i] = load->least[m][i];
        exact[i] = out[i];
    }
    return true;
}

/* ---- choosing and ordering rows ---- */

static int compare_value(const struct terms *terms, enum column_kind kind, int64_t a, int64_t b)
{
    if (kind == COLUMN_TERM) return a == b ? 0 : terms_compare(terms, a, b);
    return (a > b) - (a < b);
}

struct ordering {
    const struct loading *load;
    const struct terms *terms;
};

static int compare_rows(const void *a, const void *b, void *context)
{
    const struct ordering *ordering = context;
    const struct loading *load = ordering->load;
    for (int k = 0; k < load->table->key_count; k++) {
        int order =
            compare_value(ordering->terms, load->table->key_kinds[k], load->entries.entries.key[k][*(const size_t *)a],
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

static bool row_within(const struct loading *load, const struct terms *terms, const struct kpi_filter *filter,
                       const int64_t *wanted, size_t row)
{
    for (int k = 0; k < load->table->key_count; k++) {
        int64_t value = load->entries.entries.key[k][row];
        if (filter->key[k] && value != wanted[k]) return false;
        bool bounded = filter->from_day != INT64_MIN || filter->to_day != INT64_MAX;
        if (!bounded) continue;
        if (load->table->key_kinds[k] == COLUMN_DATE && (value < filter->from_day || value > filter->to_day))
            return false;
        if (load->table->key_kinds[k] == COLUMN_TERM && strstr(load->table->keys[k], "month") &&
            !month_within(terms, value, filter->from_day, filter->to_day))
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

static void name_columns(struct loading *load, struct kpi_result *result, int *measure_of)
{
    const struct kpi_table *table = load->table;
    result->table = table;
    result->key_count = table->key_count;
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

static bool fill_result(struct loading *load, const struct terms *terms, const struct kpi_filter *filter,
                        const int64_t *wanted, struct kpi_result *result, struct error *error)
{
    int measure_of[KPI_MAX_KEYS + KPI_MAX_MEASURES] = {0};
    size_t rows = load->entries.entries.count;
    size_t *order = memory_array(rows + 1, sizeof *order, error);
    if (!order) return false;
    for (size_t i = 0; i < rows; i++) {
        if (row_within(load, terms, filter, wanted, i)) order[result->rows++] = i;
    }
    struct ordering ordering = {.load = load, .terms = terms};
    qsort_r(order, result->rows, sizeof *order, compare_rows, &ordering);
    name_columns(load, result, measure_of);
    bool good = true;
    for (int c = 0; good && c < result->column_count; c++) {
        const int64_t *from = c < result->key_count ? load->entries.entries.key[c] : load->measured[measure_of[c]];
        result->values[c] = memory_array(result->rows + 1, sizeof(int64_t), error);
        good = result->values[c] != NULL;
        for (size_t i = 0; good && i < result->rows; i++) result->values[c][i] = from[order[i]];
    }
    memory_free(order);
    return good;
}

bool kpi_read(const struct state *state, const struct kpi_spec *spec, const struct terms *terms,
              const struct kpi_table *table, const struct kpi_filter *filter, struct kpi_result *result,
              struct error *error)
{
    *result = (struct kpi_result){.table = table};
    struct loading load = {.state = state, .spec = spec, .table = table};
    int64_t wanted[KPI_MAX_KEYS] = {0};
    bool known = true;
    for (int k = 0; k < table->key_count; k++) {
        if (filter->key[k]) known &= kpi_key_value(terms, table->key_kinds[k], filter->key[k], &wanted[k]);
    }
    int prefix_keys = filter->key[0] ? 1 : 0;
    /* a rank is among all rows, so these are read even when few are asked for */
    for (int m = 0; m < table->measure_count; m++)
        prefix_keys = table->measures[m].kind == MEASURE_RANK ? 0 : prefix_keys;
    bool good = true;
    if (known) {
        good = trace_scan(state_trace(state, STATE_TABLE, (int)(table - spec->tables)), wanted, prefix_keys, NULL, NULL,
                          append_portion, &load, error) &&
               load_extremes(&load, wanted, prefix_keys, error);
    }
    for (int m = 0; good && m < table->measure_count; m++) good = work_out(&load, m, error);
    good = good && fill_result(&load, terms, filter, wanted, result, error);
    for (int m = 0; m < KPI_MAX_MEASURES; m++) {
        memory_free(load.least[m]);
        memory_free(load.measured[m]);
        memory_free(load.exact[m]);
    }
    entries_free(&load.entries.entries);
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
        qsort(order, result->rows, sizeof *order, descending ? compare_ranked : compare_ranked_ascending);
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
                         "%s was made under another version of %s/kpis.json; the next run brings it up to date",
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
