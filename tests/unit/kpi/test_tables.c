/* KPI tables as read: traces made by hand, and every measure, filter and order worked out plainly beside them. */
#include <stdio.h>

#include "base/random.h"
#include "kpi/tables.h"
#include "support/shop.h"
#include "support/torture.h"
#include "tabular/datetime.h"

static const char kpis[] =
    "{'pipeline': 'shop', 'partition': 'day', 'datasets': {"
    " 'products': {'schema': 'products.json'},"
    " 'orders': {'schema': 'orders.json', 'columns': {'day': {'date': 'created'}, 'month': {'month': 'created'},"
    "  'seconds': {'seconds': ['created', 'shipped']}}},"
    " 'lines': {'schema': 'lines.json', 'joins': {'orders': 'order_id'}, 'columns': {"
    "  'day': 'orders.day', 'month': 'orders.month', 'total': {'multiply': ['price', 'price']},"
    "  'eight': {'multiply': ['total', 'total']}, 'twelve': {'multiply': ['eight', 'total']}}}},"
    "'tables': ["
    " {'name': 'day', 'key': ['product_id', 'day'], 'measures': ["
    "  {'name': 'units', 'from': 'lines', 'sum': 'quantity'},"
    "  {'name': 'exact', 'from': 'lines', 'sum': 'total'},"
    "  {'name': 'whole', 'from': 'lines', 'sum': 'total', 'scale': 0},"
    "  {'name': 'tenths', 'from': 'lines', 'sum': 'total', 'scale': 1},"
    "  {'name': 'finer', 'from': 'lines', 'sum': 'total', 'scale': 6},"
    "  {'name': 'mean', 'ratio': ['tenths', 'units'], 'scale': 2},"
    "  {'name': 'hourly', 'ratio': ['exact', 'units'], 'per': 3600, 'scale': 3},"
    "  {'name': 'inverse', 'ratio': ['units', 'exact']},"
    "  {'name': 'of_ratio', 'ratio': ['mean', 'units'], 'scale': 1},"
    "  {'name': 'first', 'from': 'lines', 'min': 'price'},"
    "  {'name': 'last', 'from': 'lines', 'max': 'price'},"
    "  {'name': 'early', 'from': 'lines', 'min': 'quantity'},"
    "  {'name': 'late', 'from': 'lines', 'max': 'quantity'},"
    "  {'name': 'gap', 'mean_gap': ['early', 'late', 'units'], 'scale': 2},"
    "  {'name': 'secret', 'from': 'lines', 'count': true, 'hidden': true},"
    "  {'name': 'rank', 'rank': 'whole'}]},"
    " {'name': 'plain', 'key': ['product_id', 'day'], 'measures': ["
    "  {'name': 'units', 'from': 'lines', 'sum': 'quantity'}]},"
    " {'name': 'month', 'key': ['month'], 'measures': [{'name': 'n', 'from': 'orders', 'count': true}]},"
    " {'name': 'seconds', 'key': ['seconds'], 'measures': [{'name': 'n', 'from': 'orders', 'count': true}]},"
    " {'name': 'by_day', 'key': ['day', 'product_id'], 'measures': ["
    "  {'name': 'units', 'from': 'lines', 'sum': 'quantity'}, {'name': 'first', 'from': 'lines', 'min': 'price'},"
    "  {'name': 'last', 'from': 'lines', 'max': 'price'}, {'name': 'rate', 'ratio': ['units', 'last']}]},"
    " {'name': 'by_number', 'key': ['quantity', 'product_id'], 'measures': ["
    "  {'name': 'units', 'from': 'lines', 'sum': 'quantity'}, {'name': 'first', 'from': 'lines', 'min': 'price'},"
    "  {'name': 'last', 'from': 'lines', 'max': 'price'}, {'name': 'rate', 'ratio': ['units', 'last']}]},"
    " {'name': 'upward', 'key': ['product_id', 'day'], 'measures': ["
    "  {'name': 'units', 'from': 'lines', 'sum': 'quantity'}, {'name': 'twelve', 'from': 'lines', 'sum': 'twelve'},"
    "  {'name': 'shown', 'ratio': ['units', 'twelve'], 'scale': 12}]},"
    " {'name': 'downward', 'key': ['product_id', 'day'], 'measures': ["
    "  {'name': 'units', 'from': 'lines', 'sum': 'quantity'}, {'name': 'twelve', 'from': 'lines', 'sum': 'twelve'},"
    "  {'name': 'shown', 'ratio': ['twelve', 'units'], 'per': 1000000000, 'scale': 0}]},"
    " {'name': 'finer', 'key': ['product_id', 'day'], 'measures': ["
    "  {'name': 'units', 'from': 'lines', 'sum': 'quantity'}, {'name': 'twelve', 'from': 'lines', 'sum': 'twelve'},"
    "  {'name': 'shown', 'from': 'lines', 'sum': 'quantity', 'scale': 6}]},"
    " {'name': 'gap', 'key': ['product_id', 'day'], 'measures': ["
    "  {'name': 'units', 'from': 'lines', 'sum': 'quantity'}, {'name': 'twelve', 'from': 'lines', 'sum': 'twelve'},"
    "  {'name': 'other', 'from': 'lines', 'sum': 'quantity'}, {'name': 'n', 'from': 'lines', 'count': true},"
    "  {'name': 'shown', 'mean_gap': ['units', 'other', 'n'], 'scale': 12}]}]}";

enum { UNITS, EXACT, WHOLE, TENTHS, FINER, MEAN, HOURLY, INVERSE, OF_RATIO, FIRST, LAST, EARLY, LATE, GAP, RANK };

static const struct kpi_filter everything = {.from_day = INT64_MIN, .to_day = INT64_MAX};

struct world {
    struct shop shop;
    struct terms *terms;
    struct state *state;
};

static void open_world(struct world *world)
{
    struct error error = {0};
    bool stale;
    shop_open(&world->shop, kpis);
    world->terms = terms_new(&error);
    world->state = state_open(world->shop.spec, NULL, &stale, &error);
    assert_true(world->terms && world->state && !stale);
}

static void close_world(struct world *world)
{
    state_close(world->state);
    terms_free(world->terms);
    shop_close(&world->shop);
}

/* Appends a run to a trace: keys and values of each entry, one entry after the other. */
static void append(struct world *world, enum state_kind kind, int index, const int64_t *rows, size_t count)
{
    struct error error = {0};
    struct trace_shape shape = state_shape(world->shop.spec, kind, index);
    size_t wide = (size_t)(shape.keys + shape.values);
    struct entries entries;
    assert_true(entries_new(&entries, &shape, count + 1, &error));
    for (size_t i = 0; i < count; i++) {
        for (int k = 0; k < shape.keys; k++) entries.key[k][i] = rows[i * wide + (size_t)k];
        for (int v = 0; v < shape.values; v++) entries.value[v][i] = rows[i * wide + (size_t)(shape.keys + v)];
    }
    entries.count = count;
    assert_true(entries_sort(&entries, &shape, &error));
    if (!state_append(world->state, NULL, NULL, 0, kind, index, &entries, &error)) fail_msg("%s", error.message);
    entries_free(&entries);
}

static void read_table(const struct world *world, const char *name, const struct kpi_filter *filter,
                       struct kpi_result *result)
{
    struct error error = {0};
    const struct kpi_table *table = kpi_table_find(world->shop.spec, name);
    if (!kpi_read(world->state, world->shop.spec, world->terms, table, filter, result, &error)) {
        fail_msg("%s", error.message);
    }
}

/* numerator / denominator, the nearest whole number, the one farther from zero when two are as near. */
static int64_t nearest(__int128 numerator, __int128 denominator)
{
    bool negative = (numerator < 0) != (denominator < 0);
    __int128 n = numerator < 0 ? -numerator : numerator, d = denominator < 0 ? -denominator : denominator;
    __int128 quotient = (2 * n + d) / (2 * d);
    return (int64_t)(negative ? -quotient : quotient);
}

static term code(const struct world *world, const char *text)
{
    struct error error = {0};
    return term_of(world->terms, str_of(text), &error);
}

/* ---- measures ---- */

#define DAYS 500

static int64_t draw_sum(struct random *random)
{
    static const int64_t edges[] = {0, 1, -1, 4, 5, 49, 50, -50, -49, 150, -150, 4999, 5000, 5001, -5000, 1005000};
    uint64_t which = random_below(random, 32);
    if (which < 16) return edges[which];
    return (int64_t)random_below(random, UINT64_C(1) << (which + 8)) - (INT64_C(1) << (which + 6));
}

struct expected {
    int64_t units, total, low, high;
    bool values; /* whether `low` and `high` are */
};

static void check_row(const struct kpi_result *result, size_t row, const struct expected *e, const struct expected *all,
                      size_t count)
{
    int64_t *const *v = (int64_t *const *)result->values + result->key_count;
    const int64_t null = COLUMN_NULL;
    assert_int_equal(v[UNITS][row], e->units);
    assert_int_equal(v[EXACT][row], e->total);
    assert_int_equal(v[WHOLE][row], nearest(e->total, 10000));
    assert_int_equal(v[TENTHS][row], nearest(e->total, 1000));
    assert_int_equal(v[FINER][row], e->total * 100);
    /* ratios are of the exact sums, not of the rounded ones that are shown */
    int64_t mean = e->units ? nearest((__int128)e->total, (__int128)e->units * 100) : null;
    assert_int_equal(v[MEAN][row], mean);
    assert_int_equal(v[HOURLY][row], e->units ? nearest(e->total, (__int128)e->units * 36000) : null);
    assert_int_equal(v[INVERSE][row], e->total ? nearest((__int128)e->units * 100000000, e->total) : null);
    assert_int_equal(v[OF_RATIO][row], e->units ? nearest(mean, (__int128)e->units * 10) : null);
    assert_int_equal(v[FIRST][row], e->values ? e->low : null);
    assert_int_equal(v[LAST][row], e->values ? e->high : null);
    bool gap = e->values && e->units >= 2;
    assert_int_equal(v[GAP][row], gap ? nearest(((__int128)e->high - e->low) * 100, e->units - 1) : null);
    int64_t rank = 1;
    for (size_t i = 0; i < count; i++) rank += nearest(all[i].total, 10000) > nearest(e->total, 10000);
    assert_int_equal(v[RANK][row], rank);
}

/* Each day is a group of one product. The extremes stand for prices and for quantities alike. */
static void measures_are_exact(void **state)
{
    (void)state;
    static struct world world;
    static struct expected expected[DAYS];
    static int64_t sums[50 * 13];
    struct random random;
    struct kpi_result result;
    open_world(&world);
    random_seed(&random, 3);
    const struct kpi_table *table = kpi_table_find(world.shop.spec, "day");
    assert_int_equal(table->accumulator_count, 11);
    for (size_t i = 0; i < DAYS; i++) {
        struct expected *e = &expected[i];
        *e = (struct expected){.units = (int64_t)random_below(&random, 12) - 1, .total = draw_sum(&random)};
        e->values = random_below(&random, 5) > 0;
        size_t different = e->values ? 1 + random_below(&random, 3) : 0;
        for (size_t d = 0; d < different; d++) {
            int64_t value = (int64_t)random_below(&random, 1000) - 300;
            e->low = d == 0 || value < e->low ? value : e->low;
            e->high = d == 0 || value > e->high ? value : e->high;
        }
        int64_t low = e->values ? e->low : COLUMN_NULL, high = e->values ? e->high : COLUMN_NULL;
        const int64_t row[] = {7,        (int64_t)i, 1,    e->units, e->total, e->total, e->total,
                               e->total, low,        high, low,      high,     3};
        memcpy(sums + 13 * (i % 50), row, sizeof row);
        if (i % 50 == 49) append(&world, STATE_TABLE, 0, sums, 50);
    }
    read_table(&world, "day", &everything, &result);
    assert_int_equal(result.rows, DAYS);
    assert_int_equal(result.column_count, 2 + RANK + 1);
    assert_int_equal(result.columns[2 + TENTHS].scale, 1);
    assert_int_equal(result.columns[2 + TENTHS].kind, COLUMN_DECIMAL);
    assert_int_equal(result.columns[2 + UNITS].kind, COLUMN_INTEGER);
    for (int c = 0; c < result.column_count; c++) assert_string_not_equal(result.columns[c].name, "secret");
    for (size_t i = 0; i < DAYS; i++) {
        assert_int_equal(result.values[1][i], (int64_t)i);
        check_row(&result, i, &expected[i], expected, DAYS);
    }
    kpi_result_free(&result);
    close_world(&world);
}

/* No value is ever wrong in silence: between exact sums of up to 19 digits there may be 40, and what does not fit at
 * the end is told, with the group. */
static void values_at_the_limits(void **state)
{
    (void)state;
    static const int64_t E12 = 1000000000000, E18 = 1000000000000000000, most = INT64_MAX;
    static const struct {
        const char *table;
        int64_t units, twelve, third; /* of `finer` and `gap`: the sum that is shown, the other end */
        int64_t expected;             /* COLUMN_NULL: too large */
    } cases[] = {
        {"upward", 3, 9 * E18, 0, 333333},
        {"upward", -5, 9 * E18 - 1, 0, -555556},
        {"upward", 170, -E18 * 9, 0, -18888889},
        {"upward", 400 * E12, 9 * E18, 0, COLUMN_NULL}, /* 4e38, past 128 bits, on the way */
        {"upward", most, most, 0, COLUMN_NULL},
        {"upward", most, 1, 0, COLUMN_NULL},
        {"upward", -most, 1, 0, COLUMN_NULL},
        {"downward", most, 7, 0, 0}, /* 9.2e39 below the line */
        {"downward", most, most, 0, 0},
        {"downward", 1, most, 0, 0},
        {"downward", -1, -most, 0, 0},
        {"finer", 0, 0, 9223372036854, 9223372036854000000},
        {"finer", 0, 0, -9223372036854, -9223372036854000000},
        {"finer", 0, 0, 9223372036855, COLUMN_NULL},
        {"finer", 0, 0, -9223372036855, COLUMN_NULL},
        {"gap", -1, 0, 9223370, 4611685500000000000},
        {"gap", -most, 0, most, COLUMN_NULL},
        {"gap", 0, 0, 18446745, COLUMN_NULL},
    };
    static struct world world;
    struct error error = {0};
    open_world(&world);
    const int64_t product = code(&world, "P7");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct kpi_table *table = kpi_table_find(world.shop.spec, cases[i].table);
        const int64_t row[] = {product, (int64_t)i, 1, cases[i].units, cases[i].twelve, cases[i].third, 3};
        struct kpi_filter filter = {.key = {"P7"}, .from_day = INT64_MIN, .to_day = INT64_MAX};
        struct kpi_result result;
        struct terms *terms = world.terms;
        state_close(world.state);
        bool stale;
        world.state = state_open(world.shop.spec, NULL, &stale, &error);
        append(&world, STATE_TABLE, (int)(table - world.shop.spec->tables), row, 1);
        bool good = kpi_read(world.state, world.shop.spec, terms, table, &filter, &result, &error);
        assert_int_equal(good, cases[i].expected != COLUMN_NULL);
        if (good) {
            assert_int_equal(result.values[result.column_count - 1][0], cases[i].expected);
            kpi_result_free(&result);
            continue;
        }
        assert_int_equal(error.code, ERROR_LIMIT);
        assert_non_null(strstr(error.message, "\"shown\" of P7, 1970-01-"));
        assert_non_null(strstr(error.message, "smaller \"scale\""));
    }
    close_world(&world);
}

/* Groups of a day are replaced as the day is worked out anew; one whose rows have all left is not shown. */
static void groups_come_and_go(void **state)
{
    (void)state;
    static struct world world;
    struct kpi_result result;
    open_world(&world);
    append(&world, STATE_TABLE, 1, (int64_t[]){7, 1, 1, 5, 7, 2, 1, 6}, 2);
    append(&world, STATE_TABLE, 1, (int64_t[]){7, 1, 0, 0, 7, 2, 1, 16}, 2);
    read_table(&world, "plain", &everything, &result);
    assert_int_equal(result.rows, 1);
    assert_int_equal(result.values[1][0], 2);
    assert_int_equal(result.values[2][0], 16);
    kpi_result_free(&result);
    read_table(&world, "day", &everything, &result);
    assert_int_equal(result.rows, 0);
    kpi_result_free(&result);
    close_world(&world);
}

/* ---- windows ---- */

enum { STREAM_DAYS = 40, STREAM_PRODUCTS = 24000 };

/* The k-th product of a day: busy days have all, others few. */
static bool is_sold(int64_t day, int64_t product)
{
    return day % 7 == 0 || product % 1000 == day % 5;
}

struct watched {
    const struct world *world;
    size_t windows, rows;
    int64_t last_day, last_product;
    int64_t from, to;
    size_t fail_at; /* the window that fails; 0: none */
};

static bool watch(void *context, struct kpi_result *result, struct error *error)
{
    struct watched *watched = context;
    if (++watched->windows == watched->fail_at) return error_set(error, ERROR_LIMIT, "enough");
    for (size_t i = 0; i < result->rows; i++) {
        int64_t day = result->values[0][i], product = result->values[1][i] - code(watched->world, "0");
        assert_true(day >= watched->from && day <= watched->to && is_sold(day, product));
        assert_true(day > watched->last_day || (day == watched->last_day && product > watched->last_product));
        assert_true(day == watched->last_day || i == 0 || result->values[0][i - 1] == watched->last_day);
        assert_int_equal(result->values[2][i], day + product);
        assert_int_equal(result->values[3][i], product % 3 ? product : COLUMN_NULL);
        assert_int_equal(result->values[4][i], product % 3 ? product + 5 : COLUMN_NULL);
        watched->last_day = day;
        watched->last_product = product;
    }
    watched->rows += result->rows;
    return true;
}

static void fill_days(struct world *world)
{
    const int by_day = (int)(kpi_table_find(world->shop.spec, "by_day") - world->shop.spec->tables);
    const int by_number = (int)(kpi_table_find(world->shop.spec, "by_number") - world->shop.spec->tables);
    static int64_t rows[STREAM_PRODUCTS * 6], sums[STREAM_PRODUCTS * 4], prices[STREAM_PRODUCTS * 8];
    const int multiset = world->shop.spec->tables[by_number].measures[1].multiset;
    const int64_t zero = code(world, "0");
    for (int64_t day = 0; day < STREAM_DAYS; day++) {
        size_t count = 0, different = 0;
        for (int64_t product = 0; product < STREAM_PRODUCTS; product++) {
            if (!is_sold(day, product)) continue;
            int64_t first = product % 3 ? product : COLUMN_NULL, last = product % 3 ? product + 5 : COLUMN_NULL;
            memcpy(rows + 6 * count, (int64_t[]){day, zero + product, 1, day + product, first, last}, 6 * sizeof *rows);
            memcpy(sums + 4 * count++, (int64_t[]){day, zero + product, 1, day + product}, 4 * sizeof *sums);
            if (product % 3 == 0) continue;
            memcpy(prices + 4 * different++, (int64_t[]){day, zero + product, product, 1}, 4 * sizeof *prices);
            memcpy(prices + 4 * different++, (int64_t[]){day, zero + product, product + 5, 2}, 4 * sizeof *prices);
        }
        append(world, STATE_TABLE, by_day, rows, count);
        append(world, STATE_TABLE, by_number, sums, count);
        append(world, STATE_MULTISET, multiset, prices, different);
    }
}

/* A long table comes some days, or numbers, at a time, whole and in order, and with its least and largest values. */
static void long_tables_come_in_windows(void **state)
{
    (void)state;
    static struct world world;
    struct error error = {0};
    open_world(&world);
    fill_days(&world);
    const struct kpi_table *table = kpi_table_find(world.shop.spec, "by_number");
    const struct kpi_view view = {world.state, world.shop.spec, world.terms};
    for (int turn = 0; turn < 3; turn++) {
        bool bounded = turn == 2;
        if (turn > 0) table = kpi_table_find(world.shop.spec, "by_day");
        struct watched watched = {.world = &world, .last_day = -1, .from = bounded ? 6 : 0, .to = bounded ? 34 : 39};
        const struct kpi_filter filter = {.from_day = watched.from, .to_day = watched.to};
        size_t expected = 0;
        for (int64_t day = watched.from; day <= watched.to; day++)
            for (int64_t product = 0; product < STREAM_PRODUCTS; product++) expected += is_sold(day, product);
        if (!kpi_stream(&view, table, bounded ? &filter : &everything, watch, &watched, &error))
            fail_msg("%s", error.message);
        assert_int_equal(watched.rows, expected);
        assert_true(bounded || watched.windows > 1);
        struct kpi_result whole; /* what kpi_read puts together */
        read_table(&world, table->name, bounded ? &filter : &everything, &whole);
        struct watched again = {.world = &world, .last_day = -1, .from = watched.from, .to = watched.to};
        assert_int_equal(whole.rows, expected);
        assert_true(watch(&again, &whole, &error));
        kpi_result_free(&whole);
    }
    struct watched failing = {.world = &world, .last_day = -1, .to = 39, .fail_at = 1};
    assert_false(kpi_stream(&view, table, &everything, watch, &failing, &error));
    assert_string_equal(error.message, "enough");
    assert_int_equal(failing.windows, 1);
    close_world(&world);
}

/* ---- order and filters ---- */

static void make_plain(struct world *world)
{
    static const char *const products[] = {"P10", "P2", "a longer name than fits", "P1"};
    open_world(world);
    for (size_t p = 0; p < 4; p++) {
        for (int64_t day = 20150; day < 20155; day++) {
            append(world, STATE_TABLE, 1, (int64_t[]){code(world, products[p]), day, 1, day % 3}, 1);
        }
    }
}

static void rows_order_as_a_reader_expects(void **state)
{
    (void)state;
    static struct world world;
    struct error error = {0};
    struct kpi_result result;
    make_plain(&world);
    read_table(&world, "plain", &everything, &result);
    assert_int_equal(result.rows, 20);
    static const char *const in_order[] = {"P1", "P2", "P10", "a longer name than fits"};
    for (size_t i = 0; i < 20; i++) {
        assert_int_equal(result.values[0][i], code(&world, in_order[i / 5]));
        assert_int_equal(result.values[1][i], 20150 + (int64_t)(i % 5));
    }
    result.values[2][3] = COLUMN_NULL;
    for (int descending = 0; descending < 2; descending++) {
        assert_true(kpi_result_order(&result, 2, descending, &error));
        assert_int_equal(result.values[2][19], COLUMN_NULL);
        for (size_t i = 1; i < 19; i++) {
            int64_t before = result.values[2][i - 1], here = result.values[2][i];
            assert_true(descending ? before >= here : before <= here);
            bool kept = terms_compare(world.terms, result.values[0][i - 1], result.values[0][i]) <= 0;
            assert_true(before != here || kept); /* ties keep their order */
        }
    }
    kpi_result_free(&result);
    close_world(&world);
}

static size_t rows_with(const struct world *world, const char *table, struct kpi_filter filter)
{
    struct kpi_result result;
    read_table(world, table, &filter, &result);
    size_t rows = result.rows;
    for (size_t i = 0; i < rows; i++) {
        for (int k = 0; k < result.key_count; k++) {
            if (result.columns[k].kind != COLUMN_DATE) continue;
            assert_true(result.values[k][i] >= filter.from_day && result.values[k][i] <= filter.to_day);
        }
    }
    kpi_result_free(&result);
    return rows;
}

static void filters_choose_rows(void **state)
{
    (void)state;
    static struct world world;
    make_plain(&world);
    const int64_t least = INT64_MIN, most = INT64_MAX;
    assert_int_equal(rows_with(&world, "plain", (struct kpi_filter){{"P2"}, least, most}), 5);
    assert_int_equal(rows_with(&world, "plain", (struct kpi_filter){{"a longer name than fits"}, least, most}), 5);
    assert_int_equal(rows_with(&world, "plain", (struct kpi_filter){{"P3"}, least, most}), 0);
    assert_int_equal(rows_with(&world, "plain", (struct kpi_filter){{"a name never seen before"}, least, most}), 0);
    assert_int_equal(rows_with(&world, "plain", (struct kpi_filter){{NULL, "2025-03-05"}, least, most}), 4);
    assert_int_equal(rows_with(&world, "plain", (struct kpi_filter){{"P2", "2025-03-05"}, least, most}), 1);
    assert_int_equal(rows_with(&world, "plain", (struct kpi_filter){{NULL, "yesterday"}, least, most}), 0);
    assert_int_equal(rows_with(&world, "plain", (struct kpi_filter){{NULL}, 20151, 20152}), 8);
    assert_int_equal(rows_with(&world, "plain", (struct kpi_filter){{NULL}, 20154, most}), 4);
    assert_int_equal(rows_with(&world, "plain", (struct kpi_filter){{NULL}, least, 20149}), 0);
    assert_int_equal(rows_with(&world, "plain", (struct kpi_filter){{"P1"}, 20152, 20151}), 0);
    close_world(&world);
}

static int64_t day_of(const char *text)
{
    int64_t day;
    assert_true(date_parse(str_of(text), &day));
    return day;
}

/* A month is within when any of its days is. */
static void months_overlap_days(void **state)
{
    (void)state;
    static struct world world;
    static const char *const months[] = {"1969-12", "2023-12", "2024-01", "2024-02", "2024-03"};
    static const struct {
        const char *from, *to;
        size_t rows;
    } cases[] = {{"2024-02-29", "2024-02-29", 1}, {"2024-01-31", "2024-02-01", 2}, {"2024-03-01", "2030-01-01", 1},
                 {"2023-12-31", "2023-12-31", 1}, {"1969-12-31", "1970-01-01", 1}, {"1970-01-01", "2023-11-30", 0},
                 {"2024-02-10", "2024-02-20", 1}, {"1900-01-01", "2100-01-01", 5}};
    open_world(&world);
    for (size_t m = 0; m < 5; m++) append(&world, STATE_TABLE, 2, (int64_t[]){code(&world, months[m]), 2, 2}, 1);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct kpi_filter filter = {.from_day = day_of(cases[c].from), .to_day = day_of(cases[c].to)};
        assert_int_equal(rows_with(&world, "month", filter), cases[c].rows);
    }
    assert_int_equal(rows_with(&world, "month", (struct kpi_filter){{"2024-02"}, INT64_MIN, INT64_MAX}), 1);
    close_world(&world);
}

static void whole_numbers_are_keys_too(void **state)
{
    (void)state;
    static struct world world;
    struct kpi_result result;
    open_world(&world);
    for (int64_t s = 12; s > -12; s -= 3) append(&world, STATE_TABLE, 3, (int64_t[]){s, 1, 1}, 1);
    read_table(&world, "seconds", &everything, &result);
    for (size_t i = 0; i < result.rows; i++) assert_int_equal(result.values[0][i], -9 + 3 * (int64_t)i);
    kpi_result_free(&result);
    const int64_t least = INT64_MIN, most = INT64_MAX;
    assert_int_equal(rows_with(&world, "seconds", (struct kpi_filter){{"-9"}, least, most}), 1);
    assert_int_equal(rows_with(&world, "seconds", (struct kpi_filter){{"10"}, least, most}), 0);
    assert_int_equal(rows_with(&world, "seconds", (struct kpi_filter){{"9 "}, least, most}), 0);
    assert_int_equal(rows_with(&world, "seconds", (struct kpi_filter){{"99999999999999999999"}, least, most}), 0);
    close_world(&world);
}

/* A rank is among all rows of the table, however few are asked for. */
static void a_rank_is_among_all(void **state)
{
    (void)state;
    static struct world world;
    struct kpi_result result;
    struct kpi_filter filter = {.key = {"P2"}, .from_day = INT64_MIN, .to_day = INT64_MAX};
    open_world(&world);
    int64_t one = code(&world, "P1"), two = code(&world, "P2"), three = code(&world, "P3");
    const int64_t rows[][13] = {
        {one, 1, 1, 1, 0, 50000}, {two, 1, 1, 1, 0, 20000}, {two, 2, 1, 1, 0, 50000}, {three, 1, 1, 1, 0, 90000}};
    append(&world, STATE_TABLE, 0, rows[0], 4);
    read_table(&world, "day", &filter, &result);
    assert_int_equal(result.rows, 2);
    assert_int_equal(result.values[2 + RANK][0], 4);
    assert_int_equal(result.values[2 + RANK][1], 2); /* shared with P1 */
    kpi_result_free(&result);
    close_world(&world);
}

static bool read_once(void *context, struct error *error)
{
    const struct world *world = context;
    struct kpi_result result;
    const struct kpi_table *table = kpi_table_find(world->shop.spec, "plain");
    bool good = kpi_read(world->state, world->shop.spec, world->terms, table, &everything, &result, error) &&
                kpi_result_order(&result, 2, true, error);
    kpi_result_free(&result);
    return good;
}

static void survives_want_of_memory(void **state)
{
    (void)state;
    static struct world world;
    make_plain(&world);
    torture_walk(read_once, &world);
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measures_are_exact),
        cmocka_unit_test(values_at_the_limits),
        cmocka_unit_test(groups_come_and_go),
        cmocka_unit_test(long_tables_come_in_windows),
        cmocka_unit_test(rows_order_as_a_reader_expects),
        cmocka_unit_test(filters_choose_rows),
        cmocka_unit_test(months_overlap_days),
        cmocka_unit_test(whole_numbers_are_keys_too),
        cmocka_unit_test(a_rank_is_among_all),
        cmocka_unit_test(survives_want_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
