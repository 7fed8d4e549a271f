#include "kpi/tables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "kpi/group.h"
#include "tabular/datetime.h"
#include "tabular/number.h"
#include "tabular/value_text.h"

/* A table on its way from traces to a result. */
struct loading {
    const struct state *state;
    const struct kpi_spec *spec;
    const struct terms *terms;
    const struct kpi_table *table;
    struct entry_list entries;           /* keys and accumulators */
    int64_t *least[KPI_MAX_MEASURES];    /* by measure, of MIN and MAX: the value, by row */
    int64_t *measured[KPI_MAX_MEASURES]; /* every measure, by row, in its shown scale */
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

/* a * 10^shift / b, rounded half up (away from zero). `b` is not 0; a is within 65 bits, b within 94. False when the
 * quotient is beyond what a value can be. */
static bool quotient(__int128 a, __int128 b, int shift, int64_t *out)
{
    bool negative = (a < 0) != (b < 0);
    unsigned __int128 rest = (unsigned __int128)(a < 0 ? -a : a), divisor = (unsigned __int128)(b < 0 ? -b : b);
    for (; shift < 0 && divisor < (unsigned __int128)1 << 120; shift++) divisor *= 10;
    unsigned __int128 whole = rest / divisor;
    rest %= divisor;
    for (; shift > 0 && whole <= INT64_MAX; shift--) {
        whole = whole * 10 + rest * 10 / divisor;
        rest = rest * 10 % divisor;
    }
    whole += rest >= divisor - rest;
    if (whole > INT64_MAX) return false;
    *out = negative ? -(int64_t)whole : (int64_t)whole;
    return true;
}

/* A measure before it is rounded to be shown, and its scale. */
static int64_t exact_value(const struct loading *load, int m, size_t row, int *scale)
{
    const struct kpi_measure *measure = &load->table->measures[m];
    *scale = measure->accumulator >= 0 ? measure->sum_scale : measure->scale;
    return measure->accumulator >= 0 ? load->entries.entries.value[measure->accumulator][row] : load->measured[m][row];
}

static bool work_out_ratio(const struct loading *load, const struct kpi_measure *measure, size_t row, int64_t *out)
{
    int scale[2];
    int64_t a = exact_value(load, measure->argument[0], row, &scale[0]);
    int64_t b = exact_value(load, measure->argument[1], row, &scale[1]);
    *out = COLUMN_NULL;
    if (a == COLUMN_NULL || b == COLUMN_NULL || b == 0) return true;
    return quotient(a, (__int128)b * measure->per, measure->scale + scale[1] - scale[0], out);
}

static bool work_out_gap(const struct loading *load, const struct kpi_measure *measure, size_t row, int64_t *out)
{
    int64_t first = load->measured[measure->argument[0]][row], last = load->measured[measure->argument[1]][row];
    int64_t count = load->measured[measure->argument[2]][row];
    *out = COLUMN_NULL;
    if (first == COLUMN_NULL || last == COLUMN_NULL || count < 2) return true;
    return quotient((__int128)last - first, count - 1, measure->scale, out);
}

/* Says which measure of which group is beyond 64 bits. */
static bool too_large(const struct loading *load, const struct kpi_measure *measure, size_t row, struct error *error)
{
    const struct kpi_table *table = load->table;
    struct buffer group;
    buffer_init(&group, 0);
    for (int k = 0; k < table->key_count; k++) {
        const struct value_column key = {.kind = table->key_kinds[k]};
        if (k > 0) buffer_append_text(&group, ", ");
        value_append(&group, &key, load->terms, load->entries.entries.key[k][row]);
    }
    const char *text = buffer_text(&group);
    error_set(
        error, ERROR_LIMIT,
        "table \"%s\": \"%s\" of %s is too large to be shown with %d decimals (values are within 64 bits): give it "
        "a smaller \"scale\" in kpis.json",
        table->name, measure->name, text ? text : "a group", measure->scale);
    buffer_free(&group);
    return false;
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

/* One measure of one group, which is no rank. */
static bool work_out_row(struct loading *load, int m, size_t row)
{
    const struct kpi_measure *measure = &load->table->measures[m];
    int64_t *out = &load->measured[m][row];
    int scale;
    if (measure->accumulator >= 0) {
        int64_t exact = exact_value(load, m, row, &scale);
        return quotient(exact, 1, measure->scale - scale, out);
    }
    if (measure->kind == MEASURE_RATIO) return work_out_ratio(load, measure, row, out);
    if (measure->kind == MEASURE_MEAN_GAP) return work_out_gap(load, measure, row, out);
    if (load->least[m]) *out = load->least[m][row];
    return true;
}

static bool work_out(struct loading *load, int m, struct error *error)
{
    const struct kpi_measure *measure = &load->table->measures[m];
    size_t rows = load->entries.entries.count;
    int64_t *out = load->measured[m] = memory_array(rows + 1, sizeof *out, error);
    if (!out) return false;
    if (measure->kind == MEASURE_RANK) return work_out_rank(load->measured[measure->argument[0]], rows, out, error);
    for (size_t i = 0; i < rows; i++)
        if (!work_out_row(load, m, i)) return too_large(load, measure, i, error);
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
    struct loading load = {.state = state, .spec = spec, .terms = terms, .table = table};
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
