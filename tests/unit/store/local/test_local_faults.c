/* A full disk, a disk that cannot be written, no memory: an error that says so, and nothing is broken by it. */
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include "support/local_store.h"

#define LARGE (3U << 20)

static void test_a_full_disk_is_an_error_and_passes(void **state)
{
    struct local_place place = {.inline_bytes = 1000};
    struct error error = {0};
    struct object object;
    struct object_put options = {.bucket = "one", .key = "large", .owner = TEST_OWNER};
    char *large = memory_zeroed(LARGE + 1, NULL);

    (void)state;
    snprintf(place.path, sizeof place.path, "/tmp/aisle-test-full-XXXXXX");
    assert_non_null(mkdtemp(place.path));
    if (mount("none", place.path, "tmpfs", 0, "size=2m") != 0) {
        rmdir(place.path);
        memory_free(large);
        skip();
    }
    place.arena = arena_new(0, NULL);
    local_place_open(&place);
    make_bucket(&place, "one");
    put_text(&place, "one", "k", "kept");
    memset(large, 'x', LARGE);
    assert_false(try_put(&place, &options, large, LARGE, NULL, &object, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    assert_int_equal(count_blobs(&place), 0);
    /* Until the database itself does not fit. */
    bool full = false;

    for (int i = 0; i < 3000 && !full; i++) {
        char key[32];

        snprintf(key, sizeof key, "small-%04d", i);
        options.key = key;
        full = !try_put(&place, &options, large, 900, NULL, &object, &error);
    }
    assert_true(full);
    assert_int_equal(error.code, ERROR_LIMIT);
    assert_string_equal(text_of(&place, "one", "k", NULL), "kept");
    local_place_close(&place);
    assert_int_equal(umount2(place.path, MNT_DETACH), 0);
    rmdir(place.path);
    arena_free(place.arena);
    memory_free(large);
}

/* The operating system refuses to write, as a disk does that was remounted for reading only. */
static void test_writes_that_are_refused_are_errors_and_pass(void **state)
{
    struct local_place *place = *state;
    struct error error = {0};
    struct object object;
    struct rlimit before;
    struct rlimit none = {0};
    char large[5000];
    struct object_put options = {.bucket = "one", .key = "k", .owner = TEST_OWNER, .event = "ObjectCreated:Put"};

    memset(large, 'x', sizeof large);
    make_bucket(place, "one");
    put_text(place, "one", "k", "kept");
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    none.rlim_max = before.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    bool small = try_put(place, &options, "small", 5, NULL, &object, &error);
    enum error_code small_code = error.code;
    bool big = try_put(place, &options, large, sizeof large, NULL, &object, &error);
    enum error_code big_code = error.code;
    bool read = object_head(place->store, &(struct object_place){"one", "k", NULL}, place->arena, &object, &error);

    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_false(small || big);
    assert_int_equal(small_code, ERROR_IO);
    assert_int_equal(big_code, ERROR_LIMIT); /* a file that is too large, as far as it knows */
    assert_true(read);
    assert_string_equal(text_of(place, "one", "k", NULL), "kept");
    assert_int_equal(count_blobs(place), 0);
    put_text(place, "one", "k", "again");
    local_place_close(place);
    local_place_open(place);
    assert_string_equal(text_of(place, "one", "k", NULL), "again");
    struct object_event *events = NULL;
    size_t count = 0;

    must(object_events(place->store, 0, 10, place->arena, &events, &count, &error), &error);
    assert_int_equal(count, 2);
}

static bool job(void *context, struct error *error)
{
    struct local_place *place = context;
    struct folder *folder = folder_open(place->path, FOLDER_WRITE, error);
    struct local_store *store =
        folder != NULL
            ? local_open(&(struct local_options){.folder = folder, .inline_bytes = place->inline_bytes}, error)
            : NULL;
    struct arena *arena = store != NULL ? arena_new(0, error) : NULL;
    struct object object;
    struct store_field field = {"a", "b"};
    struct object_put options = {.bucket = "one",
                                 .key = "k",
                                 .owner = TEST_OWNER,
                                 .headers = &field,
                                 .header_count = 1,
                                 .tags = &field,
                                 .tag_count = 1,
                                 .encryption = ENCRYPTION_AES256,
                                 .event = "ObjectCreated:Put"};
    struct put *put = arena != NULL ? object_put_begin(store, &options, error) : NULL;
    bool good = put != NULL && object_put_write(put, "test", 4, error) &&
                object_put_finish(put, &(struct put_expected){0}, arena, &object, error);

    object_put_abandon(put);
    struct object_reader *reader =
        good ? object_open(store, &(struct object_place){"one", "k", NULL}, NULL, arena, &object, error) : NULL;

    good = reader != NULL;
    object_close(reader);
    options.key = "copy";
    good = good &&
           object_copy(store, &(struct object_place){"one", "k", NULL}, NULL, NULL, &options, arena, &object, error);
    struct object_page page;

    good =
        good &&
        object_list(store,
                    &(struct object_listing){.bucket = "one", .prefix = "", .delimiter = "/", .after = "", .most = 10},
                    arena, &page, error) &&
        page.object_count == 2;
    arena_free(arena);
    local_close(store);
    folder_close(folder);
    return good;
}

/* Memory that only keeps something for later may be missing without harm, so a job may also succeed. */
static void test_every_failing_allocation_is_an_error(void **state)
{
    struct local_place *place = *state;
    struct error error = {0};
    bool failed = true;

    make_bucket(place, "one");
    local_place_close(place);
    for (uint64_t n = 1; failed; n++) {
#ifdef AISLE_TORTURE
        memory_fail_at(n);
#endif
        bool good = job(place, &error);
#ifdef AISLE_TORTURE
        failed = memory_fail_at(0);
#else
        failed = false;
#endif
        if (!good && (!failed || error.code != ERROR_MEMORY)) {
            fail_msg("allocation %d failed: %s", (int)n, error.message);
        }
    }
    local_place_open(place);
    assert_string_equal(text_of(place, "one", "k", NULL), "test");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_full_disk_is_an_error_and_passes),
        cmocka_unit_test_setup_teardown(test_writes_that_are_refused_are_errors_and_pass, local_place_setup,
                                        local_place_teardown),
        cmocka_unit_test_setup_teardown(test_every_failing_allocation_is_an_error, local_place_setup,
                                        local_place_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
