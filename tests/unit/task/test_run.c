/* Whole runs over files: what each ends as, what its record says, and that memory limits change nothing. */
#include "task/run.h"

#include <stdio.h>
#include <unistd.h>

#include "base/random.h"
#include "kpi/tables.h"
#include "support/shop.h"

static const char products[] = "id,category,cost,note\n3,tools,1.50,\n4,toys,2.00,new\n";
static const char orders[] = "id,created,shipped,status,note\n1,2025-03-01,2025-03-02,open,\n2,2025-04-01,,lost,x\n";
static const char lines[] = "id,order_id,product_id,price,quantity\n10,1,3,5.00,2\n11,2,4,7.50,1\n12,9,4,1.00,1\n";

struct world {
    struct shop shop;
    char files[40], data[40];
    struct run *run;
};

static void put(const struct world *world, const char *name, const char *text)
{
    struct error error = {0};
    char path[200];
    snprintf(path, sizeof path, "%s/%s", world->files, name);
    assert_true(file_store(path, text, strlen(text), &error));
}

static void open_world(struct world *world)
{
    *world = (struct world){.run = NULL};
    shop_write(&world->shop, shop_kpis);
    strcpy(world->files, "/tmp/aisle-files-XXXXXX");
    strcpy(world->data, "/tmp/aisle-data-XXXXXX");
    assert_non_null(mkdtemp(world->files));
    assert_non_null(mkdtemp(world->data));
    put(world, "products.csv", products);
    put(world, "orders.csv", orders);
    put(world, "lines.csv", lines);
}

static void close_world(struct world *world)
{
    struct error error;
    run_free(world->run);
    shop_close(&world->shop);
    assert_true(file_remove_tree(world->files, &error));
    assert_true(file_remove_tree(world->data, &error));
}

/* Runs over the folder of files; `options` tells the rest. The run is held until the next. */
static bool execute(struct world *world, struct run_options options, struct error *error)
{
    char *const paths[] = {world->files};
    *error = (struct error){0};
    options.pipeline_folder = world->shop.folder;
    options.data_folder = options.kpi_only ? NULL : world->data;
    options.paths = paths;
    options.path_count = 1;
    run_free(world->run);
    world->run = run_new(&options, error);
    return world->run && run_execute(world->run, error);
}

static void expect(struct world *world, enum run_status status)
{
    struct error error;
    if (!execute(world, (struct run_options){.threads = 2}, &error)) fail_msg("%s", error.message);
    assert_int_equal(run_status(world->run), status);
    const char *told = json_string_value(json_object_get(run_record(world->run), "status"));
    assert_string_equal(told, run_status_name(status));
}

static int64_t number(const struct world *world, const char *section, const char *dataset, const char *name)
{
    json_t *record = run_record(world->run);
    json_t *place = section ? json_object_get(json_object_get(record, section), dataset) : record;
    json_t *value = json_object_get(place, name);
    if (!json_is_integer(value)) fail_msg("%s of %s is not told", name, dataset ? dataset : "the run");
    return json_integer_value(value);
}

static json_t *file_of(const struct world *world, const char *name)
{
    size_t i;
    json_t *file;
    json_array_foreach (json_object_get(run_record(world->run), "files"), i, file) {
        if (strstr(json_string_value(json_object_get(file, "file")), name)) return file;
    }
    fail_msg("nothing is told of %s", name);
    return NULL;
}

static const char *outcome(const struct world *world, const char *name)
{
    return json_string_value(json_object_get(file_of(world, name), "outcome"));
}

static const char *word(const struct world *world, const char *name, const char *member)
{
    const char *text = json_string_value(json_object_get(file_of(world, name), member));
    return text ? text : "";
}

/* read = valid + rejected + duplicate + pending, in this run and in all. */
static void sums_hold(const struct world *world)
{
    static const char *const datasets[] = {"products", "orders", "lines"}, *const sections[] = {"datasets", "totals"};
    for (size_t s = 0; s < 2; s++) {
        for (size_t d = 0; d < 3; d++) {
            const char *name = datasets[d];
            int64_t parts = 0;
            static const char *const names[] = {"valid", "rejected", "duplicate", "pending"};
            for (size_t n = 0; n < 4; n++) parts += number(world, sections[s], name, names[n]);
            assert_int_equal(parts, number(world, sections[s], name, "read"));
        }
    }
}

/* ---- how runs end ---- */

static void a_good_run_is_done(void **state)
{
    (void)state;
    struct world world;
    open_world(&world);
    put(&world, "notes.csv", "a\n1\n");
    expect(&world, RUN_DONE);
    json_t *record = run_record(world.run);
    assert_int_equal(strlen(json_string_value(json_object_get(record, "run"))), 26);
    assert_string_equal(json_string_value(json_object_get(record, "pipeline")), "shop");
    assert_non_null(strstr(json_string_value(json_object_get(record, "started")), "T"));
    assert_true(json_real_value(json_object_get(record, "seconds")) > 0);
    assert_int_equal(number(&world, "datasets", "lines", "read"), 3);
    assert_int_equal(number(&world, "datasets", "lines", "valid"), 2);
    assert_int_equal(number(&world, "datasets", "lines", "pending"), 1);
    assert_int_equal(number(&world, NULL, NULL, "days_recomputed"), 2);
    assert_int_equal(number(&world, NULL, NULL, "pending_resolved"), 0);
    assert_int_equal(number(&world, NULL, NULL, "replaced"), 0);
    assert_null(json_object_get(record, "rebuilt"));
    assert_string_equal(outcome(&world, "orders.csv"), "taken");
    assert_string_equal(word(&world, "orders.csv", "dataset"), "orders");
    assert_int_equal(json_integer_value(json_object_get(file_of(&world, "lines.csv"), "read")), 3);
    json_t *passed_by = json_object_get(record, "not_of_a_dataset");
    assert_int_equal(json_array_size(passed_by), 1);
    assert_non_null(strstr(json_string_value(json_array_get(passed_by, 0)), "notes.csv"));
    sums_hold(&world);
    close_world(&world);
}

static void known_files_are_nothing_new(void **state)
{
    (void)state;
    struct world world;
    struct error error;
    open_world(&world);
    expect(&world, RUN_DONE);
    expect(&world, RUN_NOTHING_NEW);
    assert_string_equal(outcome(&world, "orders.csv"), "skipped");
    assert_non_null(strstr(word(&world, "orders.csv", "reason"), "--reprocess"));
    assert_int_equal(number(&world, "datasets", "orders", "read"), 0);
    assert_int_equal(number(&world, "totals", "orders", "read"), 2);
    sums_hold(&world);

    put(&world, "orders_again.csv", orders); /* the same content under another name */
    put(&world, "products_2.csv", "id,category\n9,new\n");
    put(&world, "products_3.csv", "id,category\n9,new\n");
    expect(&world, RUN_DONE);
    assert_string_equal(outcome(&world, "orders_again.csv"), "skipped");
    assert_string_equal(outcome(&world, "products_2.csv"), "taken");
    assert_non_null(strstr(word(&world, "products_3.csv", "reason"), "same content as"));

    assert_true(execute(&world, (struct run_options){.reprocess = true}, &error));
    assert_int_equal(run_status(world.run), RUN_DONE);
    assert_int_equal(number(&world, "datasets", "orders", "duplicate"), 2);
    assert_int_equal(number(&world, "datasets", "lines", "duplicate"), 3);
    assert_int_equal(number(&world, NULL, NULL, "days_recomputed"), 0);
    sums_hold(&world);
    close_world(&world);
}

static void what_waited_is_found(void **state)
{
    (void)state;
    struct world world;
    open_world(&world);
    expect(&world, RUN_DONE);
    put(&world, "orders_2.csv", "id,created,shipped,status,note\n9,2025-05-01,,,\n2,2025-04-02,,open,\n");
    expect(&world, RUN_DONE);
    assert_int_equal(number(&world, NULL, NULL, "pending_resolved"), 1);
    assert_int_equal(number(&world, NULL, NULL, "replaced"), 1);
    assert_int_equal(number(&world, NULL, NULL, "days_recomputed"), 3);
    assert_int_equal(number(&world, "totals", "lines", "pending"), 0);
    assert_int_equal(number(&world, "totals", "lines", "valid"), 3);
    assert_int_equal(number(&world, "totals", "orders", "duplicate"), 1);
    sums_hold(&world);
    close_world(&world);
}

static void invalid_files_are_set_aside(void **state)
{
    (void)state;
    struct world world;
    open_world(&world);
    put(&world, "orders_bad.csv", "id,status\n7,open\n");
    put(&world, "orders_empty.csv", "");
    expect(&world, RUN_INVALID_FILES);
    assert_string_equal(outcome(&world, "orders_bad.csv"), "invalid");
    assert_non_null(strstr(word(&world, "orders_bad.csv", "problem"), "created"));
    assert_string_equal(outcome(&world, "orders.csv"), "taken");
    assert_int_equal(number(&world, "datasets", "orders", "valid"), 2);
    char path[400];
    snprintf(path, sizeof path, "%s/%s", world.data, word(&world, "orders_bad.csv", "kept_as"));
    assert_int_equal(access(path, R_OK), 0);
    strcat(path, ".json");
    assert_int_equal(access(path, R_OK), 0);
    sums_hold(&world);
    expect(&world, RUN_VALIDATION_FAILED); /* of those that are not known none can be taken */
    close_world(&world);
}

static void no_file_can_be_taken(void **state)
{
    (void)state;
    struct world world;
    open_world(&world);
    put(&world, "products.csv", "");
    put(&world, "orders.csv", "nothing,that,is,known\n1,2,3,4\n");
    put(&world, "lines.csv", "id\n");
    expect(&world, RUN_VALIDATION_FAILED);
    assert_int_equal(number(&world, "totals", "lines", "read"), 0);
    sums_hold(&world);
    close_world(&world);
}

static void all_rows_are_rejected(void **state)
{
    (void)state;
    struct world world;
    open_world(&world);
    put(&world, "products.csv", "id,category\n,tools\n");
    put(&world, "orders.csv", "id,created\n1,yesterday\n");
    put(&world, "lines.csv", "id,order_id,product_id,price\n1,1,3,\n2,1,3,free\n");
    expect(&world, RUN_REJECTED_ALL);
    assert_int_equal(number(&world, "datasets", "lines", "rejected"), 2);
    json_t *file = file_of(&world, "lines.csv");
    assert_int_equal(json_integer_value(json_object_get(file, "rejected")), 2);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(file, "broken_rules"), "required")), 1);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(file, "broken_rules"), "type")), 1);
    char path[400];
    snprintf(path, sizeof path, "%s/%s", world.data, word(&world, "lines.csv", "rejects"));
    assert_int_equal(access(path, R_OK), 0);
    sums_hold(&world);
    close_world(&world);
}

/* Files with a header and no row are no failure. */
static void files_without_rows_are_done(void **state)
{
    (void)state;
    struct world world;
    open_world(&world);
    put(&world, "products.csv", "id,category\n");
    put(&world, "orders.csv", "id,created\n");
    put(&world, "lines.csv", "id,order_id,product_id,price\n");
    expect(&world, RUN_DONE);
    assert_int_equal(number(&world, "datasets", "orders", "read"), 0);
    close_world(&world);
}

static void more_rejects_than_the_budget(void **state)
{
    (void)state;
    static const struct {
        const char *budget;
        enum run_status status;
    } cases[] = {{"'rejectBudget': {'count': 1},", RUN_OVER_BUDGET},
                 {"'rejectBudget': {'count': 2},", RUN_DONE},
                 {"'rejectBudget': {'share': 0.5},", RUN_DONE},
                 {"'rejectBudget': {'share': 0.49},", RUN_OVER_BUDGET},
                 {"'rejectBudget': {'count': 2, 'share': 0.1},", RUN_OVER_BUDGET},
                 {"", RUN_DONE}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct world world;
        char with[100];
        open_world(&world);
        snprintf(with, sizeof with, "{%s 'primaryKey'", cases[c].budget);
        char *schema = shop_edit(shop_orders, "{'primaryKey'", with);
        shop_file(&world.shop, "orders.json", schema);
        memory_free(schema);
        put(&world, "orders.csv", "id,created\n1,2025-03-01\n2,2025-03-01\n3,never\n4,\n");
        expect(&world, cases[c].status);
        assert_int_equal(number(&world, "datasets", "orders", "valid"), 2); /* they are taken either way */
        sums_hold(&world);
        close_world(&world);
    }
}

/* ---- failures that are nobody's data ---- */

static void failures_change_nothing(void **state)
{
    (void)state;
    struct world world;
    struct error error;
    open_world(&world);
    expect(&world, RUN_DONE);
    put(&world, "lines_2.csv", "id,order_id,product_id,price,quantity\n20,1,3,90000000000000000.00,900000000\n");
    assert_false(execute(&world, (struct run_options){0}, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    assert_non_null(strstr(error.message, "\"total\""));
    assert_false(execute(&world, (struct run_options){.kpi_only = true, .tables = "weeks"}, &error));
    assert_int_equal(error.code, ERROR_USAGE);
    assert_non_null(strstr(error.message, "weeks"));
    put(&world, "lines_2.csv", "id,order_id,product_id,price,quantity\n20,1,3,1.00,1\n");
    expect(&world, RUN_DONE); /* the file was not taken before */
    assert_int_equal(number(&world, "totals", "lines", "read"), 4);
    sums_hold(&world);
    close_world(&world);
}

static void an_edited_spec_is_told(void **state)
{
    (void)state;
    struct world world;
    open_world(&world);
    expect(&world, RUN_DONE);
    char *edited = shop_edit(shop_kpis, "'count': 'seconds'", "'count': 'status'");
    shop_file(&world.shop, "kpis.json", edited);
    memory_free(edited);
    expect(&world, RUN_NOTHING_NEW);
    assert_true(json_is_true(json_object_get(run_record(world.run), "rebuilt")));
    sums_hold(&world);
    expect(&world, RUN_NOTHING_NEW);
    assert_null(json_object_get(run_record(world.run), "rebuilt"));
    close_world(&world);
}

/* As many days as there is room for at once, and one more or less, each with one order and one line. */
static void any_number_of_days(void **state)
{
    (void)state;
    for (int days = 191; days <= 513; days += days % 64 == 1 ? 62 : 1) {
        struct world world;
        struct error error;
        struct buffer order_text, line_text;
        open_world(&world);
        buffer_init(&order_text, 0);
        buffer_init(&line_text, 0);
        buffer_append_text(&order_text, "id,created\n");
        buffer_append_text(&line_text, "id,order_id,product_id,price,quantity\n");
        for (int d = 0; d < days; d++) {
            buffer_append_format(&order_text, "%d,%04d-%02d-%02d\n", d, 2001 + d / 336, d / 28 % 12 + 1, d % 28 + 1);
            int last = days - 1 - d; /* the day seen first is the one with the largest code */
            buffer_append_format(&line_text, "%d,%d,3,1.%02d,1\n", last, last, last % 100);
        }
        put(&world, "orders.csv", buffer_text(&order_text));
        put(&world, "lines.csv", buffer_text(&line_text));
        if (!execute(&world, (struct run_options){.threads = 2, .kpi_only = true}, &error))
            fail_msg("%s", error.message);
        assert_int_equal(number(&world, NULL, NULL, "days_recomputed"), days);
        const struct kpi_filter all = {.from_day = INT64_MIN, .to_day = INT64_MAX};
        struct kpi_result result;
        assert_true(kpi_read(run_state(world.run), run_spec(world.run), run_terms(world.run),
                             kpi_table_find(run_spec(world.run), "day"), &all, &result, &error));
        assert_int_equal(result.rows, days);
        for (int d = 0; d < days; d++) {
            assert_int_equal(result.values[1][d], 1);
            assert_int_equal(result.values[3][d], 100 + d % 100);
        }
        kpi_result_free(&result);
        buffer_free(&order_text);
        buffer_free(&line_text);
        close_world(&world);
    }
}

/* ---- memory limits ---- */

/* Some megabytes, with keys that come again, changed orders, and lines before and without their orders. */
static void put_much(const struct world *world)
{
    struct buffer text;
    struct random random;
    random_seed(&random, 4);
    buffer_init(&text, 0);
    for (int part = 0; part < 2; part++) {
        char name[40];
        buffer_clear(&text);
        buffer_append_text(&text, "id,created,shipped,status,note\n");
        for (int i = 0; i < 25000; i++) {
            uint64_t id = random_below(&random, 30000), day = random_below(&random, 28) + 1;
            buffer_append_format(&text, "%llu,2025-03-%02llu,%s,%s,some note that makes the row longer than it was\n",
                                 (unsigned long long)id, (unsigned long long)day, i % 3 ? "" : "2025-03-30",
                                 i % 5 ? "open" : "returned");
        }
        snprintf(name, sizeof name, "orders_%d.csv", part);
        put(world, name, buffer_text(&text));
        buffer_clear(&text);
        buffer_append_text(&text, "id,order_id,product_id,price,quantity\n");
        for (int i = 0; i < 40000; i++) {
            buffer_append_format(
                &text, "L%llu,%llu,%llu,%llu.%02d,%d\n", (unsigned long long)random_below(&random, 70000),
                (unsigned long long)random_below(&random, 31000), (unsigned long long)random_below(&random, 5),
                (unsigned long long)i % 500, i % 100, i % 7);
        }
        snprintf(name, sizeof name, "lines_%d.csv", part);
        put(world, name, buffer_text(&text));
    }
    buffer_free(&text);
}

/* All rows of the tables, one value after the other. */
static void dump_tables(const struct world *world, struct buffer *into)
{
    const struct kpi_filter all = {.from_day = INT64_MIN, .to_day = INT64_MAX};
    const struct kpi_spec *spec = run_spec(world->run);
    for (int t = 0; t < spec->table_count; t++) {
        struct kpi_result result;
        struct error error;
        if (!kpi_read(run_state(world->run), spec, run_terms(world->run), &spec->tables[t], &all, &result, &error)) {
            fail_msg("%s", error.message);
        }
        buffer_append_format(into, "%s\n", spec->tables[t].name);
        for (size_t row = 0; row < result.rows; row++) {
            for (int c = 0; c < result.column_count; c++) {
                if (result.columns[c].kind == COLUMN_TERM)
                    term_append(run_terms(world->run), result.values[c][row], into);
                else
                    buffer_append_format(into, "%lld", (long long)result.values[c][row]);
                buffer_append_char(into, c + 1 < result.column_count ? ',' : '\n');
            }
        }
        kpi_result_free(&result);
    }
}

static void memory_limits_change_nothing(void **state)
{
    (void)state;
    static const struct run_options ways[] = {{.threads = 2},
                                              {.threads = 2, .memory_limit = 1},
                                              {.threads = 1, .memory_limit = UINT64_C(6) << 20},
                                              {.threads = 3, .kpi_only = true},
                                              {.threads = 2, .kpi_only = true, .memory_limit = 1}};
    struct buffer expected;
    char *counts = NULL;
    buffer_init(&expected, 0);
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
        struct world world;
        struct error error;
        struct buffer tables;
        open_world(&world);
        put_much(&world);
        buffer_init(&tables, 0);
        if (!execute(&world, ways[w], &error)) fail_msg("%s", error.message);
        assert_int_equal(run_status(world.run), RUN_DONE);
        dump_tables(&world, w ? &tables : &expected);
        if (w) assert_string_equal(buffer_text(&tables), buffer_text(&expected));
        json_t *datasets = json_deep_copy(json_object_get(run_record(world.run), "datasets"));
        static const char *const names[] = {"products", "orders", "lines"};
        /* what a row is compared with, and so whether it says the same, depends on the order of the steps */
        for (size_t d = 0; d < 3; d++) json_object_del(json_object_get(datasets, names[d]), "differing");
        char *told = json_dumps(datasets, JSON_SORT_KEYS);
        if (counts) assert_string_equal(told, counts);
        if (counts) free(told);
        if (!counts) counts = told;
        if (!ways[w].kpi_only) sums_hold(&world);
        json_decref(datasets);
        buffer_free(&tables);
        close_world(&world);
    }
    free(counts);
    buffer_free(&expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_run_is_done),          cmocka_unit_test(known_files_are_nothing_new),
        cmocka_unit_test(what_waited_is_found),        cmocka_unit_test(invalid_files_are_set_aside),
        cmocka_unit_test(no_file_can_be_taken),        cmocka_unit_test(all_rows_are_rejected),
        cmocka_unit_test(files_without_rows_are_done), cmocka_unit_test(more_rejects_than_the_budget),
        cmocka_unit_test(failures_change_nothing),     cmocka_unit_test(an_edited_spec_is_told),
        cmocka_unit_test(any_number_of_days),          cmocka_unit_test(memory_limits_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
