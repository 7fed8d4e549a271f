/* The engine against a model that keeps every row that stands and works all tables out from them after each run. */
#include <stdio.h>

#include "base/random.h"
#include "kpi/engine.h"
#include "kpi/tables.h"
#include "store/folder.h"
#include "support/shop.h"
#include "tabular/datetime.h"

#define KEYS 40 /* different keys of a dataset */
#define MOST_FIELDS ORDER_FIELDS
#define MOST_ROWS 60 /* of a dataset in a step */

/* A row that stands. */
struct stand {
    bool there, pending;
    int run;
    int64_t values[MOST_FIELDS];
};

struct model {
    struct stand stands[3][KEYS];
    int run;
    struct engine_counts counts[3]; /* of the run; `differing` is not told */
};

/* Rows of one step, by dataset, in order of arrival. */
struct step_rows {
    int64_t values[3][MOST_ROWS * MOST_FIELDS];
    size_t count[3];
};

struct world {
    struct shop shop;
    struct team *team;
    struct random random;
    struct model model;
    char data[40];
    struct folder *folder; /* of the run at hand */
    struct change *change;
    struct terms *terms;
    struct engine *engine;
    int64_t statuses[4];
    int64_t next_source;
};

static const size_t field_counts[] = {PRODUCT_FIELDS, ORDER_FIELDS, LINE_FIELDS};

/* ---- the model ---- */

static int64_t version_of(int dataset, const int64_t *values)
{
    if (dataset != ORDERS) return COLUMN_NULL;
    return values[ORDER_CREATED] > values[ORDER_SHIPPED] ? values[ORDER_CREATED] : values[ORDER_SHIPPED];
}

static bool has_parents(const struct model *model, const int64_t *line)
{
    return model->stands[ORDERS][line[LINE_ORDER]].there && model->stands[PRODUCTS][line[LINE_PRODUCT]].there;
}

/* One row, the newest of its key in the step, meets the row that stands. */
static void model_settle(struct model *model, int dataset, const int64_t *values, bool *is_new)
{
    struct engine_counts *counts = &model->counts[dataset];
    struct stand *stand = &model->stands[dataset][values[0]];
    size_t size = field_counts[dataset] * sizeof *values;
    if (stand->there) {
        bool same = memcmp(stand->values, values, size) == 0;
        if (same || version_of(dataset, values) < version_of(dataset, stand->values)) {
            counts->duplicate++;
            return;
        }
        bool mine = stand->run == model->run;
        counts->duplicate += mine;
        counts->valid -= mine && !stand->pending;
        counts->pending -= mine && stand->pending;
        counts->valid_replaced += !mine && !stand->pending;
        counts->pending_replaced += !mine && stand->pending;
    }
    *stand = (struct stand){.there = true, .run = model->run};
    memcpy(stand->values, values, size);
    is_new[values[0]] = true;
}

static void model_step(struct model *model, const struct step_rows *rows)
{
    bool is_new[3][KEYS] = {{false}};
    for (int d = 0; d < 3; d++) {
        for (size_t i = 0; i < rows->count[d]; i++) {
            const int64_t *row = rows->values[d] + i * field_counts[d];
            bool newest = true;
            for (size_t j = 0; j < rows->count[d]; j++) {
                const int64_t *other = rows->values[d] + j * field_counts[d];
                if (j == i || other[0] != row[0]) continue;
                int64_t mine = version_of(d, row), theirs = version_of(d, other);
                newest &= j > i ? theirs < mine : theirs <= mine;
            }
            if (newest)
                model_settle(model, d, row, is_new[d]);
            else
                model->counts[d].duplicate++;
        }
    }
    for (int d = 0; d < 3; d++) {
        for (size_t k = 0; k < KEYS; k++) {
            struct stand *stand = &model->stands[d][k];
            struct engine_counts *counts = &model->counts[d];
            if (!stand->there) continue;
            bool pending = d == LINES && !has_parents(model, stand->values);
            if (is_new[d][k]) {
                counts->valid += !pending;
                counts->pending += pending;
            } else if (stand->pending && !pending) {
                bool mine = stand->run == model->run;
                counts->valid += mine;
                counts->pending -= mine;
                counts->pending_resolved += !mine;
            }
            stand->pending = pending;
        }
    }
}

/* ---- what the tables must hold ---- */

#define MOST_GROUPS 400
#define MOST_MEASURES 8

struct group {
    int64_t key[2];
    int64_t value[MOST_MEASURES];
    bool orders[KEYS]; /* distinct ones */
};

struct groups {
    struct group items[MOST_GROUPS];
    size_t count;
};

static struct group *group_at(struct groups *groups, int64_t first, int64_t second)
{
    for (size_t i = 0; i < groups->count; i++) {
        if (groups->items[i].key[0] == first && groups->items[i].key[1] == second) return &groups->items[i];
    }
    struct group *group = &groups->items[groups->count++];
    assert_true(groups->count < MOST_GROUPS);
    *group = (struct group){.key = {first, second}};
    return group;
}

static int64_t half_up(int64_t numerator, int64_t denominator)
{
    int64_t magnitude = numerator < 0 ? -numerator : numerator;
    int64_t rounded = (2 * magnitude + denominator) / (2 * denominator);
    return numerator < 0 ? -rounded : rounded;
}

static int64_t month_of(int64_t day)
{
    struct civil civil = civil_of_days(day);
    char text[16];
    snprintf(text, sizeof text, "%04d-%02d", civil.year, civil.month);
    return term_find(NULL, str_of(text));
}

static void expect_days(const struct world *world, struct groups *groups)
{
    const struct model *model = &world->model;
    groups->count = 0;
    for (size_t k = 0; k < KEYS; k++) {
        const struct stand *order = &model->stands[ORDERS][k];
        if (!order->there) continue;
        struct group *group = group_at(groups, days_of_timestamp(order->values[ORDER_CREATED]), 0);
        group->value[0]++;
        group->value[1] += order->values[ORDER_SHIPPED] != COLUMN_NULL;
    }
    for (size_t k = 0; k < KEYS; k++) {
        const struct stand *line = &model->stands[LINES][k];
        if (!line->there || line->pending) continue;
        const int64_t *order = model->stands[ORDERS][line->values[LINE_ORDER]].values;
        int64_t cost = model->stands[PRODUCTS][line->values[LINE_PRODUCT]].values[PRODUCT_COST];
        int64_t quantity = line->values[LINE_QUANTITY], status = order[ORDER_STATUS];
        struct group *group = group_at(groups, days_of_timestamp(order[ORDER_CREATED]), 0);
        if (quantity == COLUMN_NULL) continue;
        int64_t total = line->values[LINE_PRICE] * quantity;
        group->value[2] += total;
        if (status != world->statuses[0] && status != world->statuses[1]) group->value[3] += total;
        if (cost != COLUMN_NULL) group->value[4] += cost * quantity;
    }
    for (size_t g = 0; g < groups->count; g++) {
        int64_t *value = groups->items[g].value;
        value[5] = half_up(value[2] * 10, value[0]);
    }
}

/* Rows of two datasets in one table by day; distinct values and extremes of one of them. */
static void expect_spreads(const struct world *world, struct groups *groups)
{
    const struct model *model = &world->model;
    groups->count = 0;
    for (size_t k = 0; k < KEYS; k++) {
        const struct stand *order = &model->stands[ORDERS][k];
        if (order->there) group_at(groups, days_of_timestamp(order->values[ORDER_CREATED]), 0)->value[3]++;
    }
    for (size_t g = 0; g < groups->count; g++) {
        for (int m = 1; m < 5; m += m == 2 ? 2 : 1) groups->items[g].value[m] = COLUMN_NULL;
    }
    for (size_t k = 0; k < KEYS; k++) {
        const struct stand *line = &model->stands[LINES][k];
        if (!line->there || line->pending) continue;
        const int64_t *order = model->stands[ORDERS][line->values[LINE_ORDER]].values;
        struct group *group = group_at(groups, days_of_timestamp(order[ORDER_CREATED]), 0);
        int64_t *value = group->value, price = line->values[LINE_PRICE], quantity = line->values[LINE_QUANTITY];
        value[0] += !group->orders[line->values[LINE_ORDER]];
        group->orders[line->values[LINE_ORDER]] = true;
        value[1] = value[1] == COLUMN_NULL || price < value[1] ? price : value[1];
        value[2] = price > value[2] ? price : value[2];
        value[4] = quantity > value[4] ? quantity : value[4];
    }
}

static void expect_categories(const struct world *world, struct groups *groups)
{
    const struct model *model = &world->model;
    groups->count = 0;
    for (size_t k = 0; k < KEYS; k++) {
        const struct stand *line = &model->stands[LINES][k];
        if (!line->there || line->pending) continue;
        int64_t day = days_of_timestamp(model->stands[ORDERS][line->values[LINE_ORDER]].values[ORDER_CREATED]);
        int64_t category = model->stands[PRODUCTS][line->values[LINE_PRODUCT]].values[PRODUCT_CATEGORY];
        size_t before = groups->count;
        struct group *group = group_at(groups, category, month_of(day));
        int64_t *value = group->value, price = line->values[LINE_PRICE];
        bool first = groups->count > before;
        value[0] += !group->orders[line->values[LINE_ORDER]];
        group->orders[line->values[LINE_ORDER]] = true;
        value[1] += line->values[LINE_QUANTITY] == COLUMN_NULL ? 0 : line->values[LINE_QUANTITY];
        value[2] = first || day < value[2] ? day : value[2];
        value[3] = first || day > value[3] ? day : value[3];
        value[4] = first || price < value[4] ? price : value[4];
    }
    for (size_t g = 0; g < groups->count; g++) {
        int64_t *value = groups->items[g].value;
        value[5] = value[0] < 2 ? COLUMN_NULL : half_up((value[3] - value[2]) * 100, value[0] - 1);
        value[6] = 1;
        for (size_t other = 0; other < groups->count; other++) value[6] += groups->items[other].value[1] > value[1];
    }
}

static void expect_statuses(const struct world *world, struct groups *groups)
{
    groups->count = 0;
    for (size_t k = 0; k < KEYS; k++) {
        const struct stand *order = &world->model.stands[ORDERS][k];
        if (!order->there || order->values[ORDER_STATUS] == COLUMN_NULL)
            continue; /* a row without a key is in no group */
        group_at(groups, order->values[ORDER_STATUS], days_of_timestamp(order->values[ORDER_CREATED]))->value[0]++;
    }
}

static void compare_table(const struct world *world, const char *name, const struct groups *groups)
{
    struct error error = {0};
    struct kpi_result result;
    const struct kpi_filter all = {.from_day = INT64_MIN, .to_day = INT64_MAX};
    const struct kpi_table *table = kpi_table_find(world->shop.spec, name);
    if (!kpi_read(engine_state(world->engine), world->shop.spec, world->terms, table, &all, &result, &error)) {
        fail_msg("%s", error.message);
    }
    assert_int_equal(result.rows, groups->count);
    for (size_t g = 0; g < groups->count; g++) {
        const struct group *group = &groups->items[g];
        size_t row = 0;
        while (row < result.rows && (result.values[0][row] != group->key[0] ||
                                     (result.key_count > 1 && result.values[1][row] != group->key[1]))) {
            row++;
        }
        if (row == result.rows) fail_msg("%s has no row for %lld", name, (long long)group->key[0]);
        for (int c = result.key_count; c < result.column_count; c++) {
            int64_t expected = group->value[c - result.key_count], got = result.values[c][row];
            if (got == expected) continue;
            fail_msg("%s, %lld, %lld: %s is %lld, not %lld", name, (long long)group->key[0], (long long)group->key[1],
                     result.columns[c].name, (long long)got, (long long)expected);
        }
    }
    kpi_result_free(&result);
}

static void compare_tables(const struct world *world)
{
    static struct groups groups;
    expect_days(world, &groups);
    compare_table(world, "day", &groups);
    expect_spreads(world, &groups);
    compare_table(world, "spread", &groups);
    expect_categories(world, &groups);
    compare_table(world, "category", &groups);
    if (!kpi_table_find(world->shop.spec, "status")) return;
    expect_statuses(world, &groups);
    compare_table(world, "status", &groups);
}

static void compare_counts(const struct world *world)
{
    for (int d = 0; d < 3; d++) {
        const struct engine_counts *expected = &world->model.counts[d], *got = engine_counts(world->engine, d);
        assert_int_equal(got->valid, expected->valid);
        assert_int_equal(got->duplicate, expected->duplicate);
        assert_int_equal(got->pending, expected->pending);
        assert_int_equal(got->valid_replaced, expected->valid_replaced);
        assert_int_equal(got->pending_replaced, expected->pending_replaced);
        assert_int_equal(got->pending_resolved, expected->pending_resolved);
        assert_true(got->differing <= got->duplicate + got->valid_replaced + got->pending_replaced);
    }
}

/* ---- rows by chance ---- */

static int64_t draw(struct world *world, uint64_t most)
{
    return (int64_t)random_below(&world->random, most);
}

static bool chance(struct world *world, uint64_t one_in)
{
    return random_below(&world->random, one_in) == 0;
}

static void draw_row(struct world *world, int dataset, int64_t *row)
{
    int64_t null = COLUMN_NULL, key = draw(world, KEYS);
    const struct stand *stand = &world->model.stands[dataset][key];
    if (stand->there && chance(world, 4)) { /* the same again */
        memcpy(row, stand->values, field_counts[dataset] * sizeof *row);
        return;
    }
    int64_t created = (draw(world, 90) - 40) * MICROSECONDS_PER_DAY + draw(world, 86400) * 1000000;
    int64_t product[] = {key, draw(world, 5), chance(world, 5) ? null : draw(world, 9999),
                         chance(world, 3) ? null : key};
    int64_t order[] = {key, created, chance(world, 2) ? null : created + draw(world, 500000) * 1000003,
                       chance(world, 4) ? null : world->statuses[draw(world, 4)],
                       chance(world, 2) ? null : draw(world, 3)};
    int64_t line[] = {key, draw(world, KEYS), draw(world, KEYS), draw(world, 100000) - 1000,
                      chance(world, 6) ? null : draw(world, 9) - 1};
    const int64_t *made[] = {product, order, line};
    memcpy(row, made[dataset], field_counts[dataset] * sizeof *row);
}

static void draw_step(struct world *world, struct step_rows *rows)
{
    for (int d = 0; d < 3; d++) {
        rows->count[d] = chance(world, 3) ? 0 : (size_t)draw(world, chance(world, 2) ? 4 : MOST_ROWS);
        for (size_t i = 0; i < rows->count[d]; i++) draw_row(world, d, rows->values[d] + i * field_counts[d]);
    }
}

/* ---- runs ---- */

static char *with_spread(void)
{
    return shop_edit(shop_kpis, "'tables': [",
                     "'tables': [{'name': 'spread', 'key': ['day'], 'measures': ["
                     "{'name': 'baskets', 'from': 'lines', 'distinct': 'order_id'},"
                     "{'name': 'cheapest', 'from': 'lines', 'min': 'price'},"
                     "{'name': 'dearest', 'from': 'lines', 'max': 'price'},"
                     "{'name': 'orders', 'from': 'orders', 'count': true},"
                     "{'name': 'largest', 'from': 'lines', 'max': 'quantity'}]},");
}

static void open_world(struct world *world, uint64_t seed, unsigned threads)
{
    struct error error = {0};
    memset(world, 0, sizeof *world);
    shop_open(&world->shop, shop_kpis);
    char *kpis = with_spread();
    shop_file(&world->shop, "kpis.json", kpis);
    memory_free(kpis);
    kpi_spec_free(world->shop.spec);
    world->shop.spec = kpi_spec_load(world->shop.arena, world->shop.folder, NULL, &error);
    if (!world->shop.spec) fail_msg("%s", error.message);
    strcpy(world->data, "/tmp/aisle-data-XXXXXX");
    assert_non_null(mkdtemp(world->data));
    world->team = team_new(threads, &error);
    assert_non_null(world->team);
    world->next_source = 1;
    random_seed(&world->random, seed);
}

static void close_world(struct world *world)
{
    struct error error;
    team_free(world->team);
    shop_close(&world->shop);
    assert_true(file_remove_tree(world->data, &error));
}

/* Begins a run; without `kept` one that keeps nothing. */
static void begin(struct world *world, bool kept)
{
    static const char *const names[] = {"returned", "lost", "delivered to the door", "open"};
    struct error error = {0};
    char run[16];
    world->terms = terms_new(&error);
    world->folder = kept ? folder_open(world->data, FOLDER_WRITE, &error) : NULL;
    if (kept && !world->folder) fail_msg("%s", error.message);
    if (kept) assert_true(state_load_terms(world->folder, world->terms, &error));
    world->change = kept ? change_new(world->folder, &error) : NULL;
    for (int i = 0; i < 4; i++) world->statuses[i] = term_of(world->terms, str_of(names[i]), &error);
    world->model.run++;
    memset(world->model.counts, 0, sizeof world->model.counts);
    snprintf(run, sizeof run, "RUN%d", world->model.run);
    const struct engine_options options = {
        .spec = world->shop.spec,
        .terms = world->terms,
        .team = world->team,
        .folder = world->folder,
        .change = world->change,
        .run = arena_text(world->shop.arena, run, strlen(run), &error),
        .first_source = world->next_source,
        .step_rows = 1 + random_below(&world->random, 60),
    };
    world->engine = engine_new(&options, &error);
    if (!world->engine) fail_msg("%s", error.message);
}

static void give(struct world *world, const struct step_rows *rows)
{
    struct error error = {0};
    struct row_list lists[KPI_MAX_DATASETS] = {{0}};
    for (int d = 0; d < 3; d++) {
        for (size_t from = 0; from < rows->count[d];) {
            size_t here = 1 + random_below(&world->random, rows->count[d] - from);
            shop_add(&lists[d], &world->shop.spec->datasets[d], rows->values[d] + from * field_counts[d], here,
                     world->next_source++);
            from += here;
        }
    }
    if (!engine_step(world->engine, lists, &error)) fail_msg("%s", error.message);
}

static void close_days(struct world *world)
{
    struct error error = {0};
    if (!engine_close_days(world->engine, &error)) fail_msg("%s", error.message);
}

/* Ends a run: commits it, or gives it up as a crash does. */
static void end(struct world *world, bool committed)
{
    struct error error = {0};
    if (committed && world->change) {
        if (!engine_finish(world->engine, &error)) fail_msg("%s", error.message);
        if (!change_commit(world->change, &error)) fail_msg("%s", error.message);
        compare_tables(world); /* tiers have been merged */
    }
    engine_free(world->engine);
    if (world->change) change_abandon(world->change);
    if (world->folder) folder_close(world->folder);
    terms_free(world->terms);
}

static void run_once(struct world *world, size_t steps, bool committed)
{
    static struct step_rows rows;
    static struct model before;
    before = world->model;
    begin(world, true);
    for (size_t s = 0; s < steps; s++) {
        draw_step(world, &rows);
        give(world, &rows);
        model_step(&world->model, &rows);
        compare_counts(world);
        /* days may be closed after each step, or after some */
        if (s + 1 == steps || random_below(&world->random, 2) == 0) close_days(world);
        if (s + 1 == steps) compare_tables(world);
    }
    end(world, committed);
    int run = world->model.run;
    if (!committed) world->model = before;
    world->model.run = run;
}

/* New rows, rows replaced, moved with their parents, waiting and found, in many runs of some steps each; some runs are
 * given up before they commit. */
static void any_sequence_of_runs(void **state)
{
    (void)state;
    static struct world world;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        open_world(&world, seed, (unsigned)(seed % 3 + 1));
        for (int run = 0; run < 12; run++) {
            run_once(&world, 1 + random_below(&world.random, 3), random_below(&world.random, 5) > 0);
        }
        close_world(&world);
    }
}

/* Under an edited spec the first run makes the state anew from the rows that were kept, and goes on from there. */
static void an_edited_spec_rebuilds(void **state)
{
    (void)state;
    static struct world world;
    struct error error = {0};
    for (uint64_t seed = 51; seed <= 54; seed++) {
        open_world(&world, seed, 2);
        for (int run = 0; run < 4; run++) run_once(&world, 2, true);
        char *plain = with_spread();
        char *edited = shop_edit(plain, "'tables': [",
                                 "'tables': [{'name': 'status', 'key': ['status', 'day'], 'measures': ["
                                 "{'name': 'orders', 'from': 'orders', 'count': true}]},");
        shop_file(&world.shop, "kpis.json", edited);
        memory_free(plain);
        memory_free(edited);
        struct kpi_store store;
        assert_false(kpi_store_open(&store, world.data, world.shop.folder, &error));
        assert_int_equal(error.code, ERROR_CONFLICT);

        kpi_spec_free(world.shop.spec);
        world.shop.spec = kpi_spec_load(world.shop.arena, world.shop.folder, NULL, &error);
        assert_non_null(world.shop.spec);
        begin(&world, true);
        assert_true(engine_rebuilt(world.engine));
        compare_counts(&world); /* nobody's rows have changed */
        close_days(&world);
        compare_tables(&world);
        end(&world, true);
        for (int run = 0; run < 3; run++) run_once(&world, 2, true);
        begin(&world, true);
        assert_false(engine_rebuilt(world.engine));
        compare_tables(&world);
        end(&world, false);
        close_world(&world);
    }
}

/* A run that keeps nothing gives the same tables and counts as one that does. */
static void nothing_kept_is_the_same(void **state)
{
    (void)state;
    static struct world world;
    static struct step_rows rows;
    for (uint64_t seed = 81; seed <= 92; seed++) {
        open_world(&world, seed, (unsigned)(seed % 2 + 1));
        begin(&world, false);
        do draw_step(&world, &rows);
        while (rows.count[ORDERS] == 0);
        give(&world, &rows);
        model_step(&world.model, &rows);
        compare_counts(&world);
        compare_tables(&world);
        end(&world, false);
        close_world(&world);
    }
}

/* ---- by hand ---- */

static void row_of(struct step_rows *rows, int dataset, const int64_t *row)
{
    memcpy(rows->values[dataset] + rows->count[dataset]++ * field_counts[dataset], row,
           field_counts[dataset] * sizeof *row);
}

static const struct engine_counts *take(struct world *world, const struct step_rows *rows, int dataset)
{
    give(world, rows);
    model_step(&world->model, rows);
    compare_counts(world);
    close_days(world);
    compare_tables(world);
    return engine_counts(world->engine, dataset);
}

/* One line: it waits for its order, then for its product, is found, moves with its order and is replaced. */
static void the_life_of_a_line(void **state)
{
    (void)state;
    static struct world world;
    const int64_t null = COLUMN_NULL, day = MICROSECONDS_PER_DAY;
    struct step_rows *rows = &(struct step_rows){0}, nothing = {0};
    open_world(&world, 1, 1);

    begin(&world, true);
    row_of(rows, LINES, (int64_t[]){1, 2, 3, 500, 2});
    assert_int_equal(take(&world, rows, LINES)->pending, 1);
    end(&world, true);

    begin(&world, true); /* an order comes, but not its product */
    *rows = nothing;
    row_of(rows, ORDERS, (int64_t[]){2, 10 * day, null, null, null});
    assert_int_equal(take(&world, rows, LINES)->pending_resolved, 0);
    assert_int_equal(engine_days(world.engine), 1);
    end(&world, true);

    begin(&world, true);
    *rows = nothing;
    row_of(rows, PRODUCTS, (int64_t[]){3, 7, 100, null});
    assert_int_equal(take(&world, rows, LINES)->pending_resolved, 1);
    assert_int_equal(engine_counts(world.engine, LINES)->valid, 0); /* it was read by another run */
    end(&world, true);

    begin(&world, true); /* the order moves to another day, twice in one run */
    *rows = nothing;
    row_of(rows, ORDERS, (int64_t[]){2, 11 * day, null, null, null});
    assert_int_equal(take(&world, rows, ORDERS)->valid_replaced, 1);
    rows->values[ORDERS][ORDER_CREATED] = 12 * day;
    assert_int_equal(take(&world, rows, ORDERS)->valid_replaced, 1);
    assert_int_equal(engine_counts(world.engine, ORDERS)->duplicate, 1);
    assert_int_equal(engine_counts(world.engine, ORDERS)->valid, 1);
    assert_int_equal(engine_days(world.engine), 3); /* where it was, where it passed, where it is */
    end(&world, true);

    begin(&world, true); /* an older version changes nothing */
    rows->values[ORDERS][ORDER_CREATED] = 9 * day;
    assert_int_equal(take(&world, rows, ORDERS)->duplicate, 1);
    assert_int_equal(engine_counts(world.engine, ORDERS)->differing, 1);
    assert_int_equal(engine_days(world.engine), 0);
    end(&world, true);

    begin(&world, true); /* the line itself changes, and waits again */
    *rows = nothing;
    row_of(rows, LINES, (int64_t[]){1, 2, 4, 500, 2});
    assert_int_equal(take(&world, rows, LINES)->pending, 1);
    assert_int_equal(engine_counts(world.engine, LINES)->valid_replaced, 1);
    end(&world, true);
    close_world(&world);
}

/* Too large a product is an error that names the column, and leaves what was there. */
static void a_product_that_does_not_fit(void **state)
{
    (void)state;
    static struct world world;
    struct error error = {0};
    struct row_list lists[KPI_MAX_DATASETS] = {{0}};
    open_world(&world, 7, 2);
    run_once(&world, 2, true);
    begin(&world, true);
    const int64_t product[] = {1, 1, COLUMN_NULL, COLUMN_NULL};
    const int64_t order[] = {1, 400 * MICROSECONDS_PER_DAY, COLUMN_NULL, COLUMN_NULL, COLUMN_NULL};
    const int64_t line[] = {1, 1, 1, INT64_MAX, 3};
    shop_add(&lists[PRODUCTS], &world.shop.spec->datasets[PRODUCTS], product, 1, world.next_source++);
    shop_add(&lists[ORDERS], &world.shop.spec->datasets[ORDERS], order, 1, world.next_source++);
    shop_add(&lists[LINES], &world.shop.spec->datasets[LINES], line, 1, world.next_source++);
    assert_false(engine_step(world.engine, lists, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    assert_non_null(strstr(error.message, "\"total\""));
    end(&world, false);
    run_once(&world, 2, true);
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_sequence_of_runs),        cmocka_unit_test(an_edited_spec_rebuilds),
        cmocka_unit_test(nothing_kept_is_the_same),    cmocka_unit_test(the_life_of_a_line),
        cmocka_unit_test(a_product_that_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
