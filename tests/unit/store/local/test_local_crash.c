/* A process that dies at any step of a put, a delete or a copy: what was acknowledged is whole, events are there once,
 * and no file is left that no row names. */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/random.h"
#include "store/local/lifecycle.h"
#include "support/local_store.h"

#define THREADS 4
#define BIG 3000

/* What a thread tells of each step that returned: written before the next begins. */
struct worker {
    struct local_place *place;
    int note; /* file descriptor */
    unsigned number;
};

static void fill(char *text, unsigned thread, unsigned step)
{
    size_t size = step % 2 == 0 ? 30 : BIG;

    memset(text, 'a' + (int)((thread + step) % 26), size);
    text[size] = '\0';
}

/* Of letters that compress, but not to nothing. */
static void fill_noise(char text[BIG + 1], unsigned number)
{
    struct random random;

    random_seed(&random, number);
    for (size_t i = 0; i < BIG; i++) {
        text[i] = (char)('a' + random_below(&random, 16));
    }
    text[BIG] = '\0';
}

static bool quiet_put(struct local_place *place, const char *key, const char *text)
{
    struct object_put options = {.bucket = "one", .key = key, .owner = TEST_OWNER, .event = "ObjectCreated:Put"};
    struct arena *arena = arena_new(0, NULL);
    struct object object;
    struct put *put = object_put_begin(place->store, &options, NULL);
    bool good = put != NULL && object_put_write(put, text, strlen(text), NULL) &&
                object_put_finish(put, &(struct put_expected){0}, arena, &object, NULL);

    object_put_abandon(put);
    arena_free(arena);
    return good;
}

static bool quiet_delete(struct local_place *place, const char *key)
{
    struct object_delete delete = {.bucket = "one", .key = key, .owner = TEST_OWNER};
    struct object_deleted deleted = {0};
    struct arena *arena = arena_new(0, NULL);
    bool good = object_delete(place->store, &delete, 1, arena, &deleted, NULL) && deleted.ok;

    arena_free(arena);
    return good;
}

static bool quiet_copy(struct local_place *place, const char *from, const char *key)
{
    struct object_put options = {.bucket = "one", .key = key, .owner = TEST_OWNER, .event = "ObjectCreated:Copy"};
    struct arena *arena = arena_new(0, NULL);
    struct object object;
    bool good = object_copy(place->store, &(struct object_place){"one", from, NULL}, NULL, NULL, &options, arena,
                            &object, NULL);

    arena_free(arena);
    return good;
}

/* Keys of a thread: "T-N" are put, every third is deleted again, every fifth is copied to "T-N-copy". */
static void *work(void *context)
{
    struct worker *worker = context;
    char text[BIG + 1];

    for (unsigned step = 0; step < 40; step++) {
        char key[32];
        char copy[40];
        char done = 'p';

        snprintf(key, sizeof key, "%u-%03u", worker->number, step);
        fill(text, worker->number, step);
        bool good = quiet_put(worker->place, key, text) && write(worker->note, &done, 1) == 1;

        if (good && step % 5 == 0) {
            done = 'c';
            snprintf(copy, sizeof copy, "%s-copy", key);
            good = quiet_copy(worker->place, key, copy) && write(worker->note, &done, 1) == 1;
        }
        if (good && step % 3 == 0) {
            done = 'd';
            good = quiet_delete(worker->place, key) && write(worker->note, &done, 1) == 1;
        }
        if (!good) {
            break;
        }
    }
    return NULL;
}

static void note_path(const struct local_place *place, unsigned thread, char path[100])
{
    assert_true(snprintf(path, 100, "%s-note-%u", place->path, thread) < 100);
}

/* In a process of its own: works until the failpoint ends it. */
static int live(const char *path)
{
    struct local_place there = {.inline_bytes = 1000};
    struct local_place *place = &there;
    pthread_t threads[THREADS];
    struct worker workers[THREADS];

    snprintf(there.path, sizeof there.path, "%s", path);
    local_place_open(place);
    for (unsigned t = 0; t < THREADS; t++) {
        char note[100];

        note_path(place, t, note);
        workers[t] = (struct worker){place, open(note, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), t};
    }
    for (unsigned t = 0; t < THREADS; t++) {
        pthread_create(&threads[t], NULL, work, &workers[t]);
    }
    for (unsigned t = 0; t < THREADS; t++) {
        pthread_join(threads[t], NULL);
    }
    local_place_close(place);
    return 0;
}

struct seen {
    size_t created, copied, removed;
    size_t acknowledged_created, acknowledged_copied, acknowledged_removed;
};

static void check_key(struct local_place *place, const char *key, const char *text, bool must_be, bool may_be)
{
    struct error error = {0};
    struct object object;
    const char *got = get_text(place, &(struct object_place){"one", key, NULL}, NULL, &object, &error);

    if (got == NULL) {
        assert_string_equal(error.name, "NoSuchKey");
        assert_false(must_be);
    } else {
        assert_true(may_be);
        assert_string_equal(got, text);
    }
}

/* Replays what the thread told: of the step after the last it is open whether it happened. */
static void check_thread(struct local_place *place, unsigned thread, struct seen *seen)
{
    struct buffer note __attribute__((cleanup(buffer_free))) = {0};
    char path[100];
    char text[BIG + 1];
    size_t at = 0;

    note_path(place, thread, path);
    must(file_load(path, &note, NULL), &(struct error){.message = "no note"});
    unlink(path);
    for (unsigned step = 0; step < 40; step++) {
        char key[32];
        char copy[40];
        bool put = at < note.length;
        bool open = at == note.length; /* it may have begun */
        bool copied = put && step % 5 == 0 && ++at < note.length;
        bool copy_open = put && step % 5 == 0 && at == note.length;
        bool deleted = put && step % 3 == 0 && !copy_open && ++at < note.length;
        bool delete_open = put && step % 3 == 0 && !copy_open && at == note.length;

        at += put && !copy_open && !delete_open;
        if (!put) {
            at = note.length + 1;
        }
        snprintf(key, sizeof key, "%u-%03u", thread, step);
        snprintf(copy, sizeof copy, "%s-copy", key);
        fill(text, thread, step);
        check_key(place, key, text, put && !deleted && !delete_open, (put || open) && !deleted);
        check_key(place, copy, text, copied, copied || copy_open);
        seen->acknowledged_created += put;
        seen->acknowledged_copied += copied;
        seen->acknowledged_removed += deleted;
        if (copy_open || delete_open) {
            at = note.length + 1;
        }
    }
}

static void count_events(struct local_place *place, struct seen *seen)
{
    struct object_event *events = NULL;
    struct error error = {0};
    size_t count = 0;

    must(object_events(place->store, 0, 100000, place->arena, &events, &count, &error), &error);
    for (size_t e = 0; e < count; e++) {
        seen->created += strcmp(events[e].name, "ObjectCreated:Put") == 0;
        seen->copied += strcmp(events[e].name, "ObjectCreated:Copy") == 0;
        seen->removed += strcmp(events[e].name, "ObjectRemoved:Delete") == 0;
        for (size_t other = 0; other < e; other++) {
            assert_false(strcmp(events[e].name, events[other].name) == 0 &&
                         strcmp(events[e].key, events[other].key) == 0);
        }
    }
    assert_true(seen->created >= seen->acknowledged_created);
    assert_true(seen->created <= seen->acknowledged_created + THREADS);
    assert_true(seen->copied >= seen->acknowledged_copied && seen->copied <= seen->acknowledged_copied + THREADS);
    assert_true(seen->removed >= seen->acknowledged_removed && seen->removed <= seen->acknowledged_removed + THREADS);
}

/* Keys that have their bytes in a file, each its own but for copies whose source is still there. */
static size_t expected_blobs(struct local_place *place)
{
    struct object_listing listing = {.bucket = "one", .prefix = "", .delimiter = "", .after = "", .most = 1000};
    struct object_page page;
    struct error error = {0};
    size_t count = 0;

    must(object_list(place->store, &listing, place->arena, &page, &error), &error);
    for (size_t o = 0; o < page.object_count; o++) {
        const struct object *object = &page.objects[o];
        bool copy_of_former = o > 0 && strncmp(object->key, page.objects[o - 1].key, 5) == 0;

        count += object->size_bytes == BIG && !copy_of_former;
    }
    return count;
}

static int run_child(const char *path, const char *what, const char *failpoints)
{
    pid_t child = fork();
    int status = 0;

    if (child == 0) {
        setenv("AISLE_FAILPOINTS", failpoints, 1);
        execl("/proc/self/exe", "test", path, what, NULL);
        _exit(1);
    }
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void die_at(struct local_place *place, const char *failpoint, unsigned at)
{
    char variable[80];
    struct seen seen = {0};

    snprintf(variable, sizeof variable, "%s=crash:%u", failpoint, at);
    make_bucket(place, "one");
    local_place_close(place);
    int status = run_child(place->path, "put", variable);

    if (status != 137) {
        fail_msg("%s did not end the process, which ended with %d", variable, status);
    }
    local_place_open(place);
    for (unsigned t = 0; t < THREADS; t++) {
        check_thread(place, t, &seen);
    }
    count_events(place, &seen);
    assert_int_equal(count_blobs(place), expected_blobs(place));
}

/* In a process of its own: moves all objects to a compressed class. */
static int live_moving(const char *path)
{
    struct local_place place = {.inline_bytes = 1000};
    struct lifecycle_counts counts = {0};

    snprintf(place.path, sizeof place.path, "%s", path);
    local_place_open(&place);
    lifecycle_run(place.store, INT64_C(4102444800000000), &counts, NULL); /* 2100 */
    local_place_close(&place);
    return 0;
}

static void check_moved(struct local_place *place)
{
    char text[BIG + 1];

    for (unsigned i = 0; i < 10; i++) {
        char key[16];

        snprintf(key, sizeof key, "k%u", i);
        fill_noise(text, i);
        assert_string_equal(text_of(place, "one", key, NULL), text);
    }
    assert_int_equal(count_blobs(place), 10);
}

static void test_dying_while_objects_move_to_another_class_loses_nothing(void **state)
{
    static const char *const failpoints[] = {"blob.named=crash:2", "lifecycle.stored=crash:2",
                                             "committer.applied=crash:2", "committer.committed=crash:2"};
    struct local_place *place = *state;
    struct error error = {0};
    char text[BIG + 1];

    make_bucket(place, "one");
    for (unsigned i = 0; i < 10; i++) {
        char key[16];

        snprintf(key, sizeof key, "k%u", i);
        fill_noise(text, i);
        put_text(place, "one", key, text);
    }
    must(bucket_set(place->store, "one", BUCKET_LIFECYCLE,
                    "{\"Rules\": [{\"Status\": \"Enabled\", \"Filter\": {}, \"Transitions\": [{\"Days\": 1, "
                    "\"StorageClass\": \"GLACIER\"}]}]}",
                    &error),
         &error);
    for (size_t f = 0; f <= sizeof failpoints / sizeof failpoints[0]; f++) {
        bool last = f == sizeof failpoints / sizeof failpoints[0];

        local_place_close(place);
        assert_int_equal(run_child(place->path, "move", last ? "" : failpoints[f]), last ? 0 : 137);
        local_place_open(place);
        check_moved(place);
    }
    struct object_event *events = NULL;
    size_t count = 0;
    size_t moved = 0;

    must(object_events(place->store, 0, 1000, place->arena, &events, &count, &error), &error);
    for (size_t e = 0; e < count; e++) {
        moved += strcmp(events[e].name, "LifecycleTransition") == 0;
    }
    assert_int_equal(moved, 10);
}

/* In a process of its own, whose first put meets a transaction that fails. */
static int live_failing(const char *path)
{
    struct local_place place = {.inline_bytes = 1000};
    char text[BIG + 1];

    snprintf(place.path, sizeof place.path, "%s", path);
    local_place_open(&place);
    fill_noise(text, 1);
    bool first = quiet_put(&place, "first", text);
    bool second = quiet_put(&place, "second", text);

    local_place_close(&place);
    return first || !second;
}

static void test_a_transaction_that_fails_is_an_error_and_leaves_nothing(void **state)
{
    struct local_place *place = *state;
    struct object object;
    char text[BIG + 1];

    make_bucket(place, "one");
    local_place_close(place);
    assert_int_equal(run_child(place->path, "fail", "committer.applied=error:1"), 0);
    local_place_open(place);
    fill_noise(text, 1);
    assert_string_equal(text_of(place, "one", "second", NULL), text);
    assert_false(object_head(place->store, &(struct object_place){"one", "first", NULL}, place->arena, &object, NULL));
    assert_int_equal(count_blobs(place), 1);
}

static void test_dying_at_any_step_loses_nothing(void **state)
{
    static const char *const failpoints[] = {"blob.written",    "blob.synced",       "blob.named",
                                             "object.stored",   "committer.applied", "committer.committed",
                                             "object.committed"};
    static const unsigned times[] = {1, 7, 30};

    (void)state;
    for (size_t f = 0; f < sizeof failpoints / sizeof failpoints[0]; f++) {
        for (size_t t = 0; t < sizeof times / sizeof times[0]; t++) {
            void *place = NULL;

            assert_int_equal(local_place_setup(&place), 0);
            die_at(place, failpoints[f], times[t]);
            local_place_teardown(&place);
        }
    }
}

int main(int count, char **words)
{
    if (count == 3) {
        /* The process that is to die. */
        return strcmp(words[2], "move") == 0   ? live_moving(words[1])
               : strcmp(words[2], "fail") == 0 ? live_failing(words[1])
                                               : live(words[1]);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dying_at_any_step_loses_nothing),
        cmocka_unit_test_setup_teardown(test_a_transaction_that_fails_is_an_error_and_leaves_nothing, local_place_setup,
                                        local_place_teardown),
        cmocka_unit_test_setup_teardown(test_dying_while_objects_move_to_another_class_loses_nothing, local_place_setup,
                                        local_place_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
