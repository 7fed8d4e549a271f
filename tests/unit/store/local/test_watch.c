/* Watched folders: each file becomes one object, whatever it looks like on its way and whatever ends the process. */
#include "store/local/watch.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/random.h"
#include "support/local_store.h"

#define FILES 12

static char folder[80];

static const char *in_folder(const char *name)
{
    static char paths[4][200];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void drop(const char *name, const char *text)
{
    FILE *file = fopen(in_folder(name), "w");

    if (file == NULL) fail_msg("%s", in_folder(name));
    fputs(text, file);
    fclose(file);
}

static bool is_there(const char *name)
{
    struct stat status;

    return lstat(in_folder(name), &status) == 0;
}

static struct watch *start(struct local_place *place, const char *after, bool done_marker)
{
    struct error error = {0};
    struct watch_options options = {.folder = folder,
                                    .bucket = "one",
                                    .prefix = "in/",
                                    .done_marker = done_marker,
                                    .settle_ms = 30,
                                    .after = after,
                                    .owner = TEST_OWNER};
    struct watch *watch = watch_start(place->store, &options, &error);

    must(watch != NULL, &error);
    return watch;
}

/* Events so far, which tell how often something was put. */
static size_t events(struct local_place *place)
{
    struct error error = {0};
    struct object_event *list = NULL;
    size_t count = 0;

    must(object_events(place->store, 0, 1000, place->arena, &list, &count, &error), &error);
    return count;
}

static void wait_for_events(struct local_place *place, size_t wanted)
{
    for (int i = 0; i < 3000 && events(place) < wanted; i++) {
        usleep(10000);
    }
    assert_int_equal(events(place), wanted);
}

static void wait_until_gone(const char *name)
{
    for (int i = 0; i < 3000 && is_there(name); i++) {
        usleep(10000);
    }
    assert_false(is_there(name));
}

static void test_files_become_objects_once(void **state)
{
    struct local_place *place = *state;

    drop("before.csv", "first");
    assert_int_equal(mkdir(in_folder("deep"), 0777), 0);
    drop("deep/inner.csv", "inner");
    struct watch *watch = start(place, "keep", false);

    wait_for_events(place, 2);
    drop("after.csv", "second");
    assert_int_equal(mkdir(in_folder("later"), 0777), 0);
    drop("later/x.csv", "third");
    wait_for_events(place, 4);
    assert_string_equal(text_of(place, "one", "in/before.csv", NULL), "first");
    assert_string_equal(text_of(place, "one", "in/deep/inner.csv", NULL), "inner");
    assert_string_equal(text_of(place, "one", "in/after.csv", NULL), "second");
    assert_string_equal(text_of(place, "one", "in/later/x.csv", NULL), "third");

    /* What has not changed is not taken again: not after a touch, not after a start. */
    drop("after.csv", "second");
    drop("mark.csv", "mark");
    wait_for_events(place, 5);
    watch_stop(watch);
    local_place_close(place);
    local_place_open(place);
    watch = start(place, "keep", false);
    drop("after.csv", "changed");
    wait_for_events(place, 6);
    assert_string_equal(text_of(place, "one", "in/after.csv", NULL), "changed");
    watch_stop(watch);
    assert_int_equal(events(place), 6);
}

static void test_names_and_kinds_that_are_left_alone(void **state)
{
    struct local_place *place = *state;
    struct watch *watch = start(place, "delete", false);

    drop(".hidden", "x");
    drop("a.tmp", "x");
    drop("b.part", "x");
    drop("c.done", "x");
    assert_int_equal(symlink("/etc/passwd", in_folder("link")), 0);
    assert_int_equal(mkfifo(in_folder("pipe"), 0666), 0);
    drop("wrong\xff.csv", "x");
    drop("good.csv", "x");
    wait_for_events(place, 1);
    wait_until_gone("good.csv");
    assert_int_equal(rename(in_folder("a.tmp"), in_folder("a.csv")), 0);
    wait_for_events(place, 2);
    watch_stop(watch);
    assert_true(is_there(".hidden") && is_there("b.part") && is_there("c.done") && is_there("link") &&
                is_there("pipe") && is_there("wrong\xff.csv"));
}

static void test_a_marker_says_when(void **state)
{
    struct local_place *place = *state;
    struct watch *watch = start(place, "archive", true);

    drop("a.csv", "part of it");
    drop("b.csv", "all");
    drop("b.csv.done", "");
    wait_for_events(place, 1);
    drop("a.csv", "all of it");
    drop("a.csv.done", "");
    wait_for_events(place, 2);
    assert_string_equal(text_of(place, "one", "in/a.csv", NULL), "all of it");
    wait_until_gone("a.csv");
    assert_false(is_there("a.csv.done"));
    assert_true(is_there(".taken/a.csv") && is_there(".taken/b.csv"));

    /* The same again is a new drop, and the archive keeps both. */
    drop("b.csv", "all");
    drop("b.csv.done", "");
    wait_for_events(place, 3);
    wait_until_gone("b.csv");
    watch_stop(watch);
    assert_int_equal(count_files(in_folder(".taken")), 3);
}

static void test_a_growing_file_is_taken_when_it_stands_still(void **state)
{
    struct local_place *place = *state;
    struct watch *watch = start(place, "keep", false);
    char text[41] = "";

    for (int i = 0; i < 40; i++) {
        strcat(text, "x");
        drop("grows.csv", text);
        usleep(2000);
    }
    /* On a slow machine it may stand still in between; the last word is right in any case. */
    for (int i = 0; i < 3000; i++) {
        struct error error = {0};
        struct object object;
        const char *now = get_text(place, &(struct object_place){"one", "in/grows.csv", NULL}, NULL, &object, &error);

        if (now != NULL && strcmp(now, text) == 0) break;
        usleep(10000);
    }
    assert_string_equal(text_of(place, "one", "in/grows.csv", NULL), text);
    watch_stop(watch);
}

static void test_a_missing_bucket_or_folder_is_told(void **state)
{
    struct local_place *place = *state;
    struct error error = {0};
    struct watch_options options = {
        .folder = folder, .bucket = "none", .prefix = "", .settle_ms = 1, .after = "keep", .owner = TEST_OWNER};

    assert_null(watch_start(place->store, &options, &error));
    assert_string_equal(error.name, "NoSuchBucket");
    options.bucket = "one";
    options.folder = "/nowhere/at/all";
    assert_null(watch_start(place->store, &options, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    options.folder = "/etc/passwd";
    assert_null(watch_start(place->store, &options, &error));
    watch_stop(NULL);
}

/* In a process of its own, which ends where AISLE_FAILPOINTS says: watches until all files are gone. */
static int watch_only(const char *path, const char *watched)
{
    struct local_place place = {.inline_bytes = 1000};

    snprintf(place.path, sizeof place.path, "%s", path);
    snprintf(folder, sizeof folder, "%s", watched);
    place.arena = arena_new(0, NULL);
    local_place_open(&place);
    struct watch *watch = start(&place, "delete", false);

    for (int i = 0; i < 3000 && count_files(folder) > 0; i++) {
        usleep(10000);
    }
    watch_stop(watch);
    local_place_close(&place);
    arena_free(place.arena);
    return 0;
}

static void test_a_kill_anywhere_takes_each_file_once(void **state)
{
    static const char *const points[] = {
        "blob.synced=crash:2",         "blob.named=crash:3",  "committer.applied=crash:4",
        "committer.committed=crash:5", "watch.taken=crash:3", "watch.moved=crash:4",
        "committer.committed=crash:6", "watch.taken=crash",   "watch.moved=crash",
        "committer.applied=crash:11",
    };
    struct local_place *place = *state;
    struct random random;
    size_t wanted = 0;

    random_seed(&random, 1);
    for (size_t p = 0; p < sizeof points / sizeof points[0]; p++) {
        for (int crash = 1; crash >= 0; crash--) {
            int status = 0;

            for (int f = 0; crash == 1 && f < FILES; f++) {
                char name[40], text[3000];

                snprintf(name, sizeof name, "%zu-%d.csv", p, f);
                memset(text, 'a' + f, sizeof text);
                text[f % 3 == 0 ? 100 : 2900] = '\0';
                drop(name, text);
            }
            local_place_close(place);
            pid_t child = fork();

            if (child == 0) {
                if (crash == 1) setenv("AISLE_FAILPOINTS", points[p], 1);
                execl("/proc/self/exe", "test_watch", place->path, folder, (char *)NULL);
                _exit(2);
            }
            assert_int_equal(waitpid(child, &status, 0), child);
            assert_int_equal(WEXITSTATUS(status), crash == 1 ? 137 : 0);
            local_place_open(place);
        }
        wanted += FILES;
        assert_int_equal(events(place), wanted);
        assert_int_equal(count_files(folder), 0);
    }
}

static int setup(void **state)
{
    if (local_place_setup(state) != 0) return -1;
    make_bucket(*state, "one");
    set_versioning(*state, "one", true);
    snprintf(folder, sizeof folder, "/tmp/aisle-test-watched-XXXXXX");
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    file_remove_tree(folder, NULL);
    return local_place_teardown(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(test_files_become_objects_once),
        TEST(test_names_and_kinds_that_are_left_alone),
        TEST(test_a_marker_says_when),
        TEST(test_a_growing_file_is_taken_when_it_stands_still),
        TEST(test_a_missing_bucket_or_folder_is_told),
        TEST(test_a_kill_anywhere_takes_each_file_once),
    };

    return argc == 3 ? watch_only(argv[1], argv[2]) : cmocka_run_group_tests(tests, NULL, NULL);
}
