#include <stdlib.h>

#include "base/memory.h"
#include "kpi/tables_private.h"
#include "tabular/value_text.h"

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
            if (measure->multiset != extremes->multiset || !load->measured[m]) continue;
            int64_t *there = &load->measured[m][extremes->row];
            if (*there == COLUMN_NULL || measure->kind == MEASURE_MAX) *there = value;
        }
    }
    return true;
}

/* Whether a measure is read from a multiset. */
static bool is_extreme(const struct kpi_measure *measure)
{
    return measure->multiset >= 0 && (measure->kind == MEASURE_MIN || measure->kind == MEASURE_MAX);
}

/* Scans the multisets for the groups that are loaded. */
static bool load_extremes(struct loading *load, struct error *error)
{
    const struct entries *entries = &load->entries.entries;
    const struct range *range = &load->range;
    bool seen[KPI_MAX_MEASURES] = {false};
    if (load->in_windows && entries->count > 0) {
        load->range.from = entries->key[0][0];
        load->range.to = entries->key[0][entries->count - 1];
        load->range.from_or_all = &load->range.from;
        load->range.to_or_all = &load->range.to;
    }
    /* all measures of a multiset are filled by one walk, so their arrays must be there first */
    for (int m = 0; m < load->table->measure_count; m++) {
        const struct kpi_measure *measure = &load->table->measures[m];
        if (!is_extreme(measure)) continue;
        load->measured[m] = memory_array(entries->count + 1, sizeof(int64_t), error);
        if (!load->measured[m]) return false;
        for (size_t i = 0; i < entries->count; i++) load->measured[m][i] = COLUMN_NULL;
        for (int other = 0; other < m; other++)
            seen[m] |=
                is_extreme(&load->table->measures[other]) && load->table->measures[other].multiset == measure->multiset;
    }
    for (int m = 0; m < load->table->measure_count && entries->count > 0; m++) {
        struct extremes extremes = {.load = load, .multiset = load->table->measures[m].multiset};
        if (!is_extreme(&load->table->measures[m]) || seen[m]) continue;
        if (!trace_scan(state_trace(load->view->state, STATE_MULTISET, extremes.multiset), load->wanted,
                        load->prefix_keys, range->from_or_all, range->to_or_all, note_extremes, &extremes, error))
            return false;
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

const int64_t *loading_shown(const struct loading *load, int m)
{
    if (load->measured[m]) return load->measured[m];
    return load->entries.entries.value[load->table->measures[m].accumulator];
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
    int64_t first = loading_shown(load, measure->argument[0])[row],
            last = loading_shown(load, measure->argument[1])[row];
    int64_t count = loading_shown(load, measure->argument[2])[row];
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
        value_append(&group, &key, load->view->terms, load->entries.entries.key[k][row]);
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

int ranked_descending(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->value != y->value) return x->value > y->value ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

int ranked_ascending(const void *a, const void *b)
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
    qsort(order, rows, sizeof *order, ranked_descending);
    for (size_t i = 0; i < rows; i++) {
        bool tied = i > 0 && order[i].value == order[i - 1].value;
        out[order[i].row] = tied ? out[order[i - 1].row] : (int64_t)i + 1;
    }
    memory_free(order);
    return true;
}

/* One measure of one group: a rounded sum, a ratio or a gap. */
static bool work_out_row(const struct loading *load, const struct kpi_measure *measure, size_t row, int64_t *out)
{
    if (measure->kind == MEASURE_RATIO) return work_out_ratio(load, measure, row, out);
    if (measure->kind == MEASURE_MEAN_GAP) return work_out_gap(load, measure, row, out);
    return quotient(load->entries.entries.value[measure->accumulator][row], 1, measure->scale - measure->sum_scale,
                    out);
}

static bool work_out(struct loading *load, int m, struct error *error)
{
    const struct kpi_measure *measure = &load->table->measures[m];
    size_t rows = load->entries.entries.count;
    bool as_it_is = measure->accumulator >= 0 && measure->scale == measure->sum_scale;
    if (as_it_is || is_extreme(measure)) return true;
    int64_t *out = load->measured[m] = memory_array(rows + 1, sizeof *out, error);
    if (!out) return false;
    if (measure->kind == MEASURE_RANK)
        return work_out_rank(loading_shown(load, measure->argument[0]), rows, out, error);
    for (size_t i = 0; i < rows; i++)
        if (!work_out_row(load, measure, i, &out[i])) return too_large(load, measure, i, error);
    return true;
}

bool loading_measure(struct loading *load, struct error *error)
{
    bool good = load_extremes(load, error);
    for (int m = 0; good && m < load->table->measure_count; m++) good = work_out(load, m, error);
    return good;
}

void loading_forget(struct loading *load)
{
    for (int m = 0; m < KPI_MAX_MEASURES; m++) {
        memory_free(load->measured[m]);
        load->measured[m] = NULL;
    }
}
