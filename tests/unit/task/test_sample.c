#include "task/sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/file.h"
#include "support/torture.h"

static char root[64];

static int set_up(void **state)
{
    (void)state;
    snprintf(root, sizeof root, "/tmp/aisle-sample-XXXXXX");
    return mkdtemp(root) == NULL;
}

static int tear_down(void **state)
{
    struct error error = {0};
    (void)state;
    return !file_remove_tree(root, &error);
}

static struct sample_options a_day(const char *folder)
{
    return (struct sample_options){
        .kind = SAMPLE_ORDERS,
        .rows = 1000,
        .seed = 7,
        .folder = folder,
        .first_day = 20155,
        .days = 31,
        .first_order = 1,
        .products = 200,
        .customers = 300,
    };
}

static const char *place(char path[200], const char *name)
{
    snprintf(path, 200, "%s/%s", root, name);
    return path;
}

static void write_sample(const struct sample_options *options, struct sample_report *report)
{
    struct error error = {0};
    struct team *team = team_new(2, &error);
    assert_non_null(team);
    if (!sample_write(team, options, report, &error)) fail_msg("%s", error.message);
    team_free(team);
}

static void load(struct buffer *into, const char *folder, const char *name)
{
    struct error error = {0};
    char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (!file_load(path, into, &error)) fail_msg("%s", error.message);
}

static void assert_sha256(const char *folder, const char *name, const char *expected)
{
    struct error error = {0};
    struct buffer bytes;
    char hex[65];
    buffer_init(&bytes, 0);
    load(&bytes, folder, name);
    assert_true(digest_sha256_hex(bytes.data, bytes.length, hex, &error));
    if (strcmp(hex, expected) != 0) fail_msg("%s is %s, not %s", name, hex, expected);
    buffer_free(&bytes);
}

static void the_same_seed_gives_the_same_bytes(void **state)
{
    struct sample_report report;
    char path[200];
    (void)state;
    struct sample_options options = a_day(place(path, "golden"));
    options.dirty = sample_share(0.2);
    options.files = 2;
    write_sample(&options, &report);
    assert_sha256(path, "orders/orders_part1.csv", "efce8ffe68df3966b610648220602870081ceec26cfdc9a634ffc0cbd2fa6986");
    assert_sha256(path, "orders/orders_part2.csv", "5ce397f56187442cd06ad25e71681116e9df76cea0d6b3007dc866ce670ba66c");
    assert_sha256(path, "order_items/order_items_part2.csv",
                  "b21f6c56a4c6029e8c4f459e25b86decfeef81a6a56f6c72ee4d300951199301");
    assert_sha256(path, "products/products.csv", "f899178148b7877752f1a400460de710b06fff476617efcf85011b8206b91742");
    options.family = SAMPLE_QUANTITY;
    options.folder = place(path, "golden_quantity");
    write_sample(&options, &report);
    assert_sha256(path, "orders/orders_part1.csv", "57225f401ec7bfdeae109e428c67ace670ede260532ec3f89d31c89c670e7b14");
    assert_sha256(path, "order_items/order_items_part1.csv",
                  "d24e14964801df5a527c690b1f7851c2725c85373684517dd540df02a1687409");
    assert_sha256(path, "products/products.csv", "7be7d91425936d704e864ae3f5130a29ad2ffc884b4ef8f9ddcc115bc94b77c9");
    options = a_day(place(path, "golden_sales"));
    options.dirty = sample_share(0.2);
    options.kind = SAMPLE_SALES;
    write_sample(&options, &report);
    assert_sha256(path, "smartphone_sales.csv", "e962658b044a843716346cc534ee332cf44621491ec730abf79b56a8ccac6ced");
    options.folder = place(path, "golden_catalog");
    options.kind = SAMPLE_CATALOG;
    write_sample(&options, &report);
    assert_sha256(path, "amazon_products.csv", "b0fc96e13837dd3f0f55db265dd7b27a5055f6ca1c47833d488d97c3392f6161");
}

/* All rows of a dataset's parts, without headers. */
static void load_rows(struct buffer *into, const char *folder, const char *dataset, int parts)
{
    struct buffer bytes;
    buffer_init(&bytes, 0);
    for (int part = 1; part <= parts; part++) {
        char name[100];
        snprintf(name, sizeof name, "%s/%s_part%d.csv", dataset, dataset, part);
        buffer_clear(&bytes);
        load(&bytes, folder, name);
        const char *rows = (const char *)memchr(bytes.data, '\n', bytes.length) + 1;
        buffer_append(into, rows, bytes.length - (size_t)(rows - bytes.data));
    }
    buffer_free(&bytes);
}

static void assert_same(const struct buffer *a, const struct buffer *b)
{
    assert_int_equal(a->length, b->length);
    assert_memory_equal(a->data, b->data, a->length);
}

static void rows_do_not_depend_on_the_parts(void **state)
{
    static const char *const datasets[] = {"orders", "order_items"};
    struct sample_report report;
    char whole[200], first[200], second[200];
    (void)state;
    struct sample_options options = a_day(place(whole, "whole"));
    options.files = 1;
    write_sample(&options, &report);
    options.files = 7;
    options.rows = 423;
    options.folder = place(first, "first");
    write_sample(&options, &report);
    options.first_order = 424;
    options.rows = 577;
    options.folder = place(second, "second");
    write_sample(&options, &report);
    for (int i = 0; i < 2; i++) {
        struct buffer expected, rows;
        buffer_init(&expected, 0);
        buffer_init(&rows, 0);
        load_rows(&expected, whole, datasets[i], 1);
        load_rows(&rows, first, datasets[i], 7);
        load_rows(&rows, second, datasets[i], 7);
        assert_same(&expected, &rows);
        buffer_free(&expected);
        buffer_free(&rows);
    }
}

/* How many lines of `bytes` are lines of `in`, both looked through from the beginning. */
static size_t lines_kept(const struct buffer *bytes, const struct buffer *in)
{
    size_t kept = 0;
    const char *at = bytes->data, *other = in->data;
    while (at < bytes->data + bytes->length) {
        size_t size = (size_t)((const char *)memchr(at, '\n', (size_t)(bytes->data + bytes->length - at)) + 1 - at);
        const char *found = memmem(other, (size_t)(in->data + in->length - other), at, size);
        if (found != NULL) {
            kept++;
            other = found + size;
        }
        at += size;
    }
    return kept;
}

static void dirt_has_its_share_and_leaves_the_rest_alone(void **state)
{
    struct sample_report clean, dirty;
    struct buffer clean_rows, dirty_rows;
    char path[200], other[200];
    (void)state;
    struct sample_options options = a_day(place(path, "clean"));
    options.rows = 20000;
    options.files = 1;
    write_sample(&options, &clean);
    options.folder = place(other, "dirty");
    options.dirty = sample_share(0.1);
    write_sample(&options, &dirty);
    assert_int_equal(clean.datasets[0].rows, 20000);
    assert_int_equal(clean.datasets[1].rows, 52000);
    assert_int_equal(clean.datasets[2].rows, 200);
    for (size_t i = 0; i < 2; i++) {
        const struct sample_dataset *counts = &dirty.datasets[i];
        assert_int_equal(clean.datasets[i].dirty, 0);
        assert_in_range(counts->dirty, clean.datasets[i].rows * 9 / 100, clean.datasets[i].rows * 11 / 100);
        uint64_t sum = 0;
        for (size_t defect = 0; defect < counts->defect_count; defect++) {
            assert_in_range(counts->count[defect], counts->dirty / counts->defect_count / 2, counts->dirty);
            sum += counts->count[defect];
        }
        assert_int_equal(sum, counts->dirty);
    }
    buffer_init(&clean_rows, 0);
    buffer_init(&dirty_rows, 0);
    load_rows(&clean_rows, path, "orders", 1);
    load_rows(&dirty_rows, other, "orders", 1);
    /* Rows followed by a copy are still there, too. */
    assert_in_range(lines_kept(&clean_rows, &dirty_rows), 20000 - dirty.datasets[0].dirty, 19999);
    buffer_free(&clean_rows);
    buffer_free(&dirty_rows);
}

static void every_row_can_be_dirty(void **state)
{
    struct sample_report report;
    char path[200];
    (void)state;
    struct sample_options options = a_day(place(path, "all_dirty"));
    options.dirty = sample_share(1);
    write_sample(&options, &report);
    assert_int_equal(report.datasets[0].dirty, 1000);
    assert_int_equal(report.datasets[1].dirty, 2600);
    assert_int_equal(report.datasets[2].dirty, 200);
}

static void leftovers_are_refused(void **state)
{
    struct sample_report report;
    struct error error = {0};
    char path[200];
    (void)state;
    struct sample_options options = a_day(place(path, "twice"));
    write_sample(&options, &report);
    struct team *team = team_new(1, &error);
    assert_non_null(team);
    assert_false(sample_write(team, &options, &report, &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    assert_non_null(strstr(error.message, "--out"));
    options.kind = SAMPLE_SALES;
    assert_true(sample_write(team, &options, &report, &error));
    assert_false(sample_write(team, &options, &report, &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    team_free(team);
}

static bool make_anew(void *context, struct error *error)
{
    const struct sample_options *options = context;
    struct sample_report report;
    if (!file_remove_tree(options->folder, error)) return false;
    struct team *team = team_new(1, error);
    if (team == NULL) return false;
    bool made = sample_write(team, options, &report, error);
    team_free(team);
    return made;
}

static void failing_allocations_are_reported(void **state)
{
    char path[200];
    (void)state;
    struct sample_options options = a_day(place(path, "torture"));
    options.rows = 120;
    options.dirty = sample_share(0.3);
    torture_walk(make_anew, &options);
    options.kind = SAMPLE_CATALOG;
    torture_walk(make_anew, &options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_gives_the_same_bytes),
        cmocka_unit_test(rows_do_not_depend_on_the_parts),
        cmocka_unit_test(dirt_has_its_share_and_leaves_the_rest_alone),
        cmocka_unit_test(every_row_can_be_dirty),
        cmocka_unit_test(leftovers_are_refused),
        cmocka_unit_test(failing_allocations_are_reported),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
