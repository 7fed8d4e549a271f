/* Which files a run takes, of which dataset they are, and in which order. */
#include "task/intake.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/local/local.h"
#include "support/shop.h"

struct world {
    struct shop shop;
    char files[40];
    char *paths[8];
    size_t path_count;
    struct store *store;
    struct intake intake;
};

static void open_world(struct world *world)
{
    *world = (struct world){.path_count = 0};
    shop_open(&world->shop, shop_kpis);
    strcpy(world->files, "/tmp/aisle-files-XXXXXX");
    assert_non_null(mkdtemp(world->files));
}

static void close_world(struct world *world)
{
    struct error error;
    for (size_t i = 0; i < world->path_count; i++) memory_free(world->paths[i]);
    shop_close(&world->shop);
    assert_true(file_remove_tree(world->files, &error));
}

static void put(const struct world *world, const char *name)
{
    struct error error = {0};
    char path[700];
    snprintf(path, sizeof path, "%s/%s", world->files, name);
    char *slash = strrchr(path, '/');
    *slash = '\0';
    assert_true(file_make_folders(path, &error));
    *slash = '/';
    assert_true(file_store(path, "x\n", 2, &error));
}

/* Adds a path below the files to what is given; "" is all of it. */
static void name_path(struct world *world, const char *name)
{
    struct error error = {0};
    char path[700];
    snprintf(path, sizeof path, "%s%s%s", world->files, *name ? "/" : "", name);
    world->paths[world->path_count++] = memory_copy_text(path, strlen(path), &error);
}

static bool find(struct world *world, struct error *error)
{
    *error = (struct error){0};
    struct intake_places places = {.paths = world->paths, .count = world->path_count, .store = world->store};
    return intake_find(world->shop.arena, world->shop.spec, &places, &world->intake, error);
}

static void expect(struct world *world, const char *const *names, const int *datasets, size_t count)
{
    struct error error;
    if (!find(world, &error)) fail_msg("%s", error.message);
    for (size_t i = 0; i < count && i < world->intake.count; i++) {
        assert_string_equal(world->intake.files[i].path + strlen(world->files) + 1, names[i]);
        assert_int_equal(world->intake.files[i].dataset, datasets[i]);
    }
    assert_int_equal(world->intake.count, count);
}

static void files_belong_by_name_or_folder(void **state)
{
    (void)state;
    struct world world;
    open_world(&world);
    static const char *const made[] = {"orders_part10.csv", "orders_part2.csv",     "ORDERS.CSV",
                                       "orders.csv.gz",     "lines-1.tsv",          "order_lines.txt.zst",
                                       "products.csv.zstd", "lines/2025-03-01.csv", "Products/deep/below/a.csv",
                                       "orders/lines.csv",  "products/orders2.csv"};
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) put(&world, made[i]);
    name_path(&world, "");
    static const char *const names[] = {
        "Products/deep/below/a.csv", "products.csv.zstd",   "ORDERS.CSV",           "orders.csv.gz",
        "orders_part2.csv",          "orders_part10.csv",   "products/orders2.csv", "lines-1.tsv",
        "lines/2025-03-01.csv",      "order_lines.txt.zst", "orders/lines.csv"};
    static const int datasets[] = {PRODUCTS, PRODUCTS, ORDERS, ORDERS, ORDERS, ORDERS,
                                   ORDERS,   LINES,    LINES,  LINES,  LINES};
    expect(&world, names, datasets, 11);
    assert_int_equal(world.intake.passed_by_count, 0);
    close_world(&world);
}

/* "ordersheet" is another word than "orders"; what a folder holds beside data does not count at all. */
/* A schema need not say what its files are called. */
static void a_dataset_goes_by_its_own_name(void **state)
{
    (void)state;
    static struct world world;
    struct error error;
    open_world(&world);
    kpi_spec_free(world.shop.spec);
    char *nameless = shop_edit(shop_products, "'match': ['products'], ", "");
    shop_file(&world.shop, "products.json", nameless);
    memory_free(nameless);
    world.shop.spec = kpi_spec_load(world.shop.arena, world.shop.folder, NULL, &error);
    assert_non_null(world.shop.spec);
    put(&world, "Products_2.csv");
    put(&world, "products/x.csv");
    put(&world, "product.csv");
    name_path(&world, "");
    if (!find(&world, &error)) fail_msg("%s", error.message);
    assert_int_equal(world.intake.count, 2);
    for (size_t i = 0; i < 2; i++) assert_int_equal(world.intake.files[i].dataset, PRODUCTS);
    close_world(&world);
}

static void others_are_passed_by(void **state)
{
    (void)state;
    struct world world;
    open_world(&world);
    static const char *const made[] = {"orders_1.csv",       "ordersheet.csv",  "my_orders.csv",
                                       "orders/readme.md",   "orders.json",     ".orders.csv",
                                       ".hidden/orders.csv", "orders.csv.part", "x/orderslist/1.csv"};
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) put(&world, made[i]);
    name_path(&world, "");
    expect(&world, (const char *[]){"orders_1.csv"}, (int[]){ORDERS}, 1);
    assert_int_equal(world.intake.passed_by_count, 3);
    bool told = false;
    for (size_t i = 0; i < 3; i++) told |= strstr(world.intake.passed_by[i], "ordersheet.csv") != NULL;
    assert_true(told);
    close_world(&world);
}

/* The longest of the names that fit; the nearest of the folders. */
static void the_nearest_name_counts(void **state)
{
    (void)state;
    struct world world;
    open_world(&world);
    shop_file(&world.shop, "orders.json", shop_orders);
    char *edited = shop_edit(shop_orders, "'match': ['orders']", "'match': ['order', 'orders']");
    shop_file(&world.shop, "orders.json", edited);
    memory_free(edited);
    struct error error;
    kpi_spec_free(world.shop.spec);
    world.shop.spec = kpi_spec_load(world.shop.arena, world.shop.folder, NULL, &error);
    assert_non_null(world.shop.spec);
    static const char *const made[] = {"order_lines_1.csv", "order_1.csv", "orders/lines/1.csv", "lines/orders/1.csv"};
    for (size_t i = 0; i < 4; i++) put(&world, made[i]);
    name_path(&world, "");
    expect(&world, (const char *[]){"lines/orders/1.csv", "order_1.csv", "order_lines_1.csv", "orders/lines/1.csv"},
           (int[]){ORDERS, ORDERS, LINES, LINES}, 4);
    close_world(&world);
}

/* A file named itself is taken whatever its ending, and must belong somewhere. */
static void files_can_be_named_themselves(void **state)
{
    (void)state;
    struct world world;
    struct error error;
    open_world(&world);
    put(&world, "orders.dat");
    put(&world, "products/today");
    put(&world, "mystery.csv");
    name_path(&world, "orders.dat");
    name_path(&world, "products/today");
    expect(&world, (const char *[]){"products/today", "orders.dat"}, (int[]){PRODUCTS, ORDERS}, 2);
    name_path(&world, "mystery.csv");
    assert_false(find(&world, &error));
    assert_int_equal(error.code, ERROR_USAGE);
    assert_non_null(strstr(error.message, "mystery.csv"));
    assert_non_null(strstr(error.message, "products_part1.csv"));
    close_world(&world);
}

static void what_is_not_there_is_told(void **state)
{
    (void)state;
    struct world world;
    struct error error;
    open_world(&world);
    name_path(&world, "");
    assert_false(find(&world, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    assert_non_null(strstr(error.message, world.files));
    put(&world, "orders.csv");
    name_path(&world, "gone/");
    assert_false(find(&world, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    assert_non_null(strstr(error.message, "/gone"));
    memory_free(world.paths[--world.path_count]);
    char link[80];
    snprintf(link, sizeof link, "%s/orders_2.csv", world.files);
    assert_int_equal(symlink("nowhere", link), 0);
    assert_false(find(&world, &error)); /* data that cannot be read is not passed by */
    assert_non_null(strstr(error.message, "orders_2.csv"));
    close_world(&world);
}

/* Folders end somewhere, even when a link leads back into them. */
static void folders_are_not_walked_for_ever(void **state)
{
    (void)state;
    struct world world;
    struct error error;
    open_world(&world);
    char name[400] = "";
    for (int i = 0; i < 28; i++) strcat(name, "d/");
    strcat(name, "orders.csv");
    put(&world, name);
    name_path(&world, "");
    expect(&world, (const char *[]){name}, (int[]){ORDERS}, 1);
    char loop[80];
    snprintf(loop, sizeof loop, "%s/loop", world.files);
    assert_int_equal(symlink(".", loop), 0);
    assert_false(find(&world, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    assert_non_null(strstr(error.message, "deeper than 32"));
    close_world(&world);
}

static void many_files_keep_their_order(void **state)
{
    (void)state;
    struct world world;
    struct error error;
    open_world(&world);
    for (int i = 0; i < 300; i++) {
        char name[60];
        snprintf(name, sizeof name, i % 3 ? "orders_part%d.csv" : "other_part%d.csv", i);
        put(&world, name);
    }
    name_path(&world, "");
    assert_true(find(&world, &error));
    assert_int_equal(world.intake.count, 200);
    assert_int_equal(world.intake.passed_by_count, 100);
    for (size_t i = 0; i < 200; i++) {
        char end[60];
        snprintf(end, sizeof end, "orders_part%zu.csv", i / 2 * 3 + 1 + i % 2);
        assert_non_null(strstr(world.intake.files[i].path, end));
    }
    close_world(&world);
}

static void put_object(struct store *store, const char *key)
{
    struct error error = {0};
    struct store_put put = {.bucket = "bucket", .key = key};
    struct store_object object;
    struct arena *arena = arena_new(0, &error);
    struct store_writer *writer = store_create(store, &put, &error);
    assert_true(store_write(writer, "x\n", 2, &error) && store_finish(writer, arena, &object, &error));
    store_abandon(writer);
    arena_free(arena);
}

/* What is found at one URL: keys with their datasets. */
static void expect_objects(struct world *world, const char *url, const char *const *keys, const int *datasets,
                           size_t count)
{
    struct error error = {0};
    char path[100];
    snprintf(path, sizeof path, "%s", url);
    world->paths[0] = path;
    world->path_count = 1;
    if (!find(world, &error)) fail_msg("%s: %s", url, error.message);
    assert_int_equal(world->intake.count, count);
    for (size_t i = 0; i < count; i++) {
        const struct intake_file *file = &world->intake.files[i];
        assert_string_equal(file->key, keys[i]);
        assert_string_equal(file->bucket, "bucket");
        assert_memory_equal(file->path, "s3://bucket/", 12);
        assert_string_equal(file->path + 12, keys[i]);
        assert_string_equal(file->etag, "401b30e3b8b5d629635a5c613cdb7919");
        assert_int_equal(file->size_bytes, 2);
        assert_int_equal(file->dataset, datasets[i]);
    }
    world->path_count = 0;
}

static void expect_no_objects(struct world *world, const char *url, enum error_code code)
{
    struct error error = {0};
    char path[100];
    snprintf(path, sizeof path, "%s", url);
    world->paths[0] = path;
    world->path_count = 1;
    assert_false(find(world, &error));
    if (error.code != code) fail_msg("%s: %s", url, error.message);
    world->path_count = 0;
}

static void objects_belong_as_files_do(void **state)
{
    (void)state;
    struct world world;
    struct error error = {0};
    open_world(&world);
    struct folder *folder = folder_open(world.files, FOLDER_WRITE, &error);
    struct local_options options = {.folder = folder};
    struct local_store *local = folder ? local_open(&options, &error) : NULL;
    world.store = local ? local_port(local, "000000000000", &error) : NULL;
    assert_non_null(world.store);
    assert_true(store_make_bucket(world.store, "bucket", &error));
    static const char *const made[] = {"raw/orders/2.csv",    "raw/orders/10.csv", "raw/.hid/orders_1.csv",
                                       "raw/orders/.tmp.csv", "raw/orders/",       "raw/notes.md",
                                       "raw/else.csv",        "raw/products.csv",  "rawer/orders.csv",
                                       "orders_1.csv",        "named.data"};
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) put_object(world.store, made[i]);
    static const char *const below[] = {"raw/products.csv", "raw/orders/2.csv", "raw/orders/10.csv"};
    static const int datasets[] = {PRODUCTS, ORDERS, ORDERS};
    expect_objects(&world, "s3://bucket/raw/", below, datasets, 3);
    assert_int_equal(world.intake.passed_by_count, 1);
    assert_string_equal(world.intake.passed_by[0], "s3://bucket/raw/else.csv");
    expect_objects(&world, "s3://bucket/raw", below, datasets, 3);
    expect_objects(&world, "s3://bucket/orders_1.csv", (const char *[]){"orders_1.csv"}, (int[]){ORDERS}, 1);
    expect_objects(&world, "s3://bucket/raw/.hid/", (const char *[]){"raw/.hid/orders_1.csv"}, (int[]){ORDERS}, 1);
    expect_no_objects(&world, "s3://bucket/named.data", ERROR_USAGE);
    expect_no_objects(&world, "s3://bucket/absent", ERROR_NOT_FOUND);
    expect_no_objects(&world, "s3://nowhere/raw/", ERROR_NOT_FOUND);
    expect_no_objects(&world, "s3://", ERROR_USAGE);
    struct store *store = world.store;
    world.store = NULL;
    expect_no_objects(&world, "s3://bucket/raw/", ERROR_USAGE);
    store_free(store);
    local_close(local);
    folder_close(folder);
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_belong_by_name_or_folder),
        cmocka_unit_test(a_dataset_goes_by_its_own_name),
        cmocka_unit_test(others_are_passed_by),
        cmocka_unit_test(the_nearest_name_counts),
        cmocka_unit_test(files_can_be_named_themselves),
        cmocka_unit_test(what_is_not_there_is_told),
        cmocka_unit_test(folders_are_not_walked_for_ever),
        cmocka_unit_test(many_files_keep_their_order),
        cmocka_unit_test(objects_belong_as_files_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
