/* Views: from key to slot and to the columns that children use, for rows at hand and for keys in the state. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/random.h"
#include "kpi/view.h"
#include "support/shop.h"
#include "support/torture.h"
#include "tabular/datetime.h"

#define MOST_ROWS 5000
#define MOST_STATE 3000
#define COLUMNS 3 /* that lines take of orders: day, month, status */

/* What the view must know: rows by slot, and keys of the state that are not among the live rows. */
struct model {
    int64_t key[MOST_ROWS], created[MOST_ROWS], status[MOST_ROWS];
    bool dead[MOST_ROWS];
    size_t rows;
    int64_t state_key[MOST_STATE], state_value[MOST_STATE][COLUMNS];
    size_t state_keys;
};

struct world {
    struct shop shop;
    struct team *team;
    struct random random;
    struct model model;
    struct row_list list;
    struct trace *trace;
    int fd;
    char path[40];
};

static void open_world(struct world *world, uint64_t seed)
{
    struct error error = {0};
    memset(world, 0, sizeof *world);
    shop_open(&world->shop, shop_kpis);
    world->team = team_new(3, &error);
    assert_non_null(world->team);
    random_seed(&world->random, seed);
    world->fd = memfd_create("view", MFD_CLOEXEC);
    assert_true(world->fd >= 0);
    snprintf(world->path, sizeof world->path, "/proc/self/fd/%d", world->fd);
    assert_int_equal(world->shop.spec->datasets[ORDERS].parent_column_count, COLUMNS);
}

static void close_world(struct world *world)
{
    if (world->trace) trace_close(world->trace);
    row_list_free(&world->list);
    team_free(world->team);
    close(world->fd);
    shop_close(&world->shop);
}

static int64_t draw_key(struct random *random, bool dense)
{
    return (int64_t)random_below(random, 2 * MOST_ROWS) * (dense ? 1 : INT64_C(0x0123456789AB));
}

/* Rows with distinct live keys (deduplication came before), in several batches, some of them dead or without rows. */
static void make_rows(struct world *world, size_t count, bool dense)
{
    struct error error = {0};
    struct model *model = &world->model;
    int64_t *values = memory_array((count + 1) * ORDER_FIELDS, sizeof *values, &error);
    for (size_t i = 0; i < count; i++) {
        model->key[i] = draw_key(&world->random, dense);
        model->created[i] = (int64_t)random_below(&world->random, 400 * (uint64_t)MICROSECONDS_PER_DAY);
        model->status[i] = random_below(&world->random, 5) ? (int64_t)random_below(&world->random, 9) : COLUMN_NULL;
        for (size_t j = 0; j < i && !model->dead[i]; j++)
            model->dead[i] = !model->dead[j] && model->key[j] == model->key[i];
        int64_t row[ORDER_FIELDS] = {model->key[i], model->created[i], COLUMN_NULL, model->status[i], COLUMN_NULL};
        memcpy(values + i * ORDER_FIELDS, row, sizeof row);
    }
    for (size_t from = 0; from < count || from == 0;) {
        size_t here =
            from ? 1 + random_below(&world->random, count - from) : random_below(&world->random, count + 1) / 2;
        shop_add(&world->list, &world->shop.spec->datasets[ORDERS], values + from * ORDER_FIELDS, here, 1);
        struct rows *rows = &world->list.items[world->list.count - 1];
        for (size_t i = 0; i < here; i++) {
            if (model->dead[from + i]) assert_true(rows_kill(rows, i, &error));
        }
        from += here;
        if (count == 0) break;
        if (from == 0) { /* the first may be empty; the next is not */
            shop_add(&world->list, &world->shop.spec->datasets[ORDERS], values, 1, 1);
            if (model->dead[0]) assert_true(rows_kill(&world->list.items[world->list.count - 1], 0, &error));
            from = 1;
        }
    }
    model->rows = count;
    memory_free(values);
}

/* A key index of the state: place, then the columns that children use. */
static void make_state(struct world *world, size_t count, bool dense)
{
    struct error error = {0};
    struct model *model = &world->model;
    struct trace_shape shape = {.keys = 1, .values = 1 + COLUMNS, .merge = TRACE_REPLACE};
    struct entries entries;
    assert_true(entries_new(&entries, &shape, count + 1, &error));
    for (size_t i = 0; i < count; i++) {
        entries.key[0][i] = draw_key(&world->random, dense);
        for (int v = 0; v <= COLUMNS; v++) {
            entries.value[v][i] =
                random_below(&world->random, 9) ? (int64_t)random_below(&world->random, 100000) : COLUMN_NULL;
        }
    }
    entries.count = count;
    assert_true(entries_sort(&entries, &shape, &error));
    for (size_t i = 0; i < entries.count; i++) {
        model->state_key[i] = entries.key[0][i];
        for (int v = 0; v < COLUMNS; v++) model->state_value[i][v] = entries.value[v + 1][i];
    }
    model->state_keys = entries.count;
    struct run_place place;
    uint64_t offset = 0;
    assert_true(run_write(world->fd, world->path, &offset, &shape, &entries, &place, &error));
    place.path = world->path;
    world->trace = trace_open(&shape, &place, count > 0, &error);
    if (!world->trace) fail_msg("%s", error.message);
    entries_free(&entries);
}

/* The model's answer: the live row of a key, else (when it was asked for) its place among the state's keys. */
static bool model_find(const struct model *model, int64_t key, size_t *row, size_t *in_state)
{
    *row = *in_state = SIZE_MAX;
    for (size_t i = 0; i < model->rows && *row == SIZE_MAX; i++) {
        if (!model->dead[i] && model->key[i] == key) *row = i;
    }
    for (size_t i = 0; i < model->state_keys && *row == SIZE_MAX; i++) {
        if (model->state_key[i] == key) *in_state = i;
    }
    return *row != SIZE_MAX || *in_state != SIZE_MAX;
}

static int64_t model_value(const struct world *world, size_t row, int column)
{
    const struct kpi_dataset *orders = &world->shop.spec->datasets[ORDERS];
    const char *name = orders->columns[orders->parent_columns[column]].name;
    int64_t day = days_of_timestamp(world->model.created[row]);
    if (strcmp(name, "day") == 0) return day;
    if (strcmp(name, "status") == 0) return world->model.status[row];
    struct civil civil = civil_of_days(day);
    char text[16];
    snprintf(text, sizeof text, "%04d-%02d", civil.year, civil.month);
    return term_find(NULL, str_of(text));
}

static void compare(struct world *world, const struct view *view, const struct coding *codings, const int64_t *keys,
                    size_t count, bool extended)
{
    struct error error = {0};
    uint32_t *slots = memory_array(count + 1, sizeof *slots, &error);
    view_find(view, keys, count, slots);
    for (size_t i = 0; i < count; i++) {
        size_t row, in_state;
        bool there = model_find(&world->model, keys[i], &row, &in_state) && (row != SIZE_MAX || extended);
        if (!there) {
            assert_int_equal(slots[i], SLOT_NONE);
            continue;
        }
        if (row != SIZE_MAX) assert_int_equal(slots[i], row);
        assert_true(slots[i] < view->slots);
        for (int c = 0; c < COLUMNS && codings; c++) {
            int64_t expected = row != SIZE_MAX ? model_value(world, row, c) : world->model.state_value[in_state][c];
            assert_int_equal(coding_value(&codings[c], view->codes[c][slots[i]]), expected);
        }
    }
    memory_free(slots);
}

static void check(struct world *world, size_t wanted_count, bool dense)
{
    struct error error = {0};
    struct view view;
    struct coding codings[COLUMNS];
    size_t count = wanted_count + world->model.rows + world->model.state_keys + 3;
    int64_t *keys = memory_array(count, sizeof *keys, &error), *wanted = memory_array(count, sizeof *keys, &error);
    assert_true(keys && wanted);
    for (size_t i = 0; i < wanted_count; i++) keys[i] = draw_key(&world->random, dense);
    memcpy(keys + wanted_count, world->model.key, world->model.rows * sizeof *keys);
    memcpy(keys + wanted_count + world->model.rows, world->model.state_key, world->model.state_keys * sizeof *keys);
    keys[count - 3] = TERM_NULL;
    keys[count - 2] = INT64_MAX;
    keys[count - 1] = -1;
    memcpy(wanted, keys, count * sizeof *keys);

    assert_true(view_open(&view, &world->shop.spec->datasets[ORDERS], &world->list, &error));
    compare(world, &view, NULL, keys, count, false);
    for (int c = 0; c < COLUMNS; c++)
        assert_true(coding_choose(&codings[c], true, INT64_MIN + 1, INT64_MAX, true, &error));
    assert_true(view_extend(&view, world->trace, wanted, count, &error));
    assert_true(view_fill(&view, world->team, codings, &error));
    compare(world, &view, codings, keys, count, true);
    view_close(&view);
    for (int c = 0; c < COLUMNS; c++) coding_free(&codings[c]);
    memory_free(keys);
    memory_free(wanted);
}

static void finds_rows_and_the_state(void **state)
{
    (void)state;
    static const struct {
        size_t rows, state_keys, wanted;
        bool dense;
    } cases[] = {{0, 0, 5, true},      {0, 50, 20, true},     {1, 0, 5, true},          {50, 0, 100, false},
                 {300, 200, 50, true}, {300, 200, 50, false}, {1500, 1200, 3000, true}, {1500, 1200, 3000, false}};
    static struct world world;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        open_world(&world, 100 + i);
        if (cases[i].rows) make_rows(&world, cases[i].rows, cases[i].dense);
        make_state(&world, cases[i].state_keys, cases[i].dense);
        check(&world, cases[i].wanted, cases[i].dense);
        close_world(&world);
    }
}

/* A view of the state alone, as rows that leave need it. */
static void a_view_without_rows(void **state)
{
    (void)state;
    static struct world world;
    struct error error = {0};
    struct view view;
    struct coding codings[COLUMNS];
    open_world(&world, 9);
    make_state(&world, 40, true);
    assert_true(view_open(&view, &world.shop.spec->datasets[ORDERS], NULL, &error));
    int64_t wanted[] = {world.model.state_key[3], world.model.state_key[1], TERM_NULL, world.model.state_key[3], -5};
    int64_t keys[] = {world.model.state_key[1], world.model.state_key[2], world.model.state_key[3]};
    uint32_t slots[3];
    for (int c = 0; c < COLUMNS; c++)
        assert_true(coding_choose(&codings[c], true, INT64_MIN + 1, INT64_MAX, true, &error));
    assert_true(view_extend(&view, world.trace, wanted, 5, &error));
    assert_int_equal(view.slots, 2);
    assert_true(view_fill(&view, world.team, codings, &error));
    view_find(&view, keys, 3, slots);
    assert_int_equal(slots[1], SLOT_NONE); /* it is in the state, but nobody wanted it */
    assert_int_equal(coding_value(&codings[0], view.codes[0][slots[2]]), world.model.state_value[3][0]);
    assert_int_equal(coding_value(&codings[1], view.codes[1][slots[0]]), world.model.state_value[1][1]);
    view_close(&view);
    for (int c = 0; c < COLUMNS; c++) coding_free(&codings[c]);
    close_world(&world);
}

static bool open_once(void *context, struct error *error)
{
    struct world *world = context;
    struct view view;
    int64_t wanted[] = {1, world->model.state_key[0], 3};
    bool good = view_open(&view, &world->shop.spec->datasets[ORDERS], &world->list, error) &&
                view_extend(&view, world->trace, wanted, 3, error);
    view_close(&view);
    return good;
}

static void survives_want_of_memory(void **state)
{
    (void)state;
    static struct world world;
    for (int dense = 0; dense < 2; dense++) {
        open_world(&world, 77);
        make_rows(&world, 40, dense);
        make_state(&world, 40, dense);
        torture_walk(open_once, &world);
        close_world(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_rows_and_the_state),
        cmocka_unit_test(a_view_without_rows),
        cmocka_unit_test(survives_want_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
