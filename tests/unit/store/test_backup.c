/* Backups: what is restored is what was there at one moment, whatever was written and deleted meanwhile, and a backup
 * that is stopped anywhere leaves the one before. */
#include "store/backup.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/random.h"
#include "support/local_store.h"

#define KEYS 40

static char problems[4000];

static void note_problem(void *context, const char *path, const char *what)
{
    (void)context;
    (void)what;
    strncat(problems, path, sizeof problems - strlen(problems) - 2);
    strcat(problems, "\n");
}

static const char *below(const struct local_place *place, const char *name)
{
    static char paths[4][120];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof paths[0], "%s-%s", place->path, name);
    return path;
}

static bool back_up(struct local_place *place, struct backup_counts *counts, struct error *error)
{
    struct backup_options options = {
        .data = place->path, .backup = below(place, "backup"), .verify = true, .problem = note_problem};

    problems[0] = '\0';
    return backup_make(&options, counts, error);
}

static bool restore(struct local_place *place, bool partial, struct backup_counts *counts, struct error *error)
{
    struct backup_options options = {.data = below(place, "restored"),
                                     .backup = below(place, "backup"),
                                     .partial = partial,
                                     .problem = note_problem};

    problems[0] = '\0';
    file_remove_tree(options.data, NULL);
    return backup_restore(&options, counts, error);
}

static void open_restored(struct local_place *place, struct local_place *restored)
{
    *restored = *place;
    snprintf(restored->path, sizeof restored->path, "%s", below(place, "restored"));
    local_place_open(restored);
}

/* A text whose length and letters follow from a number: some stay in the database, some become files. */
static char *some_text(struct local_place *place, uint64_t number)
{
    size_t size = number % 3 == 0 ? 100 + number % 200 : 2000 + number * 7 % 5000;
    char *text = arena_take(place->arena, size + 1, NULL);

    for (size_t i = 0; i < size; i++) {
        text[i] = (char)('a' + (number + i * (number % 7 + 1)) % 26);
    }
    text[size] = '\0';
    return text;
}

struct model {
    uint64_t number[KEYS]; /* 0: absent */
};

static void change(struct local_place *place, struct model *model, struct random *random)
{
    size_t k = (size_t)random_below(random, KEYS);
    char key[10];

    snprintf(key, sizeof key, "k%zu", k);
    if (random_below(random, 3) == 0) {
        delete_key(place, "one", key, NULL);
        model->number[k] = 0;
    } else {
        model->number[k] = 1 + random_below(random, 1000000);
        put_text(place, "one", key, some_text(place, model->number[k]));
    }
}

static void assert_model(struct local_place *place, const struct model *model)
{
    for (size_t k = 0; k < KEYS; k++) {
        struct error error = {0};
        struct object object;
        char key[10];

        snprintf(key, sizeof key, "k%zu", k);
        const char *text = get_text(place, &(struct object_place){"one", key, NULL}, NULL, &object, &error);

        if (model->number[k] == 0) {
            assert_null(text);
            assert_string_equal(error.name, "NoSuchKey");
        } else {
            must(text != NULL, &error);
            assert_string_equal(text, some_text(place, model->number[k]));
        }
    }
}

static void assert_restores(struct local_place *place, const struct model *model)
{
    struct local_place restored;
    struct backup_counts counts;
    struct error error = {0};

    must(restore(place, false, &counts, &error), &error);
    assert_int_equal(counts.problems, 0);
    open_restored(place, &restored);
    assert_model(&restored, model);
    local_place_close(&restored);
}

static void test_what_is_restored_is_what_was_there(void **state)
{
    struct local_place *place = *state;
    struct model model = {{0}};
    struct backup_counts counts;
    struct error error = {0};
    struct random random;

    random_seed(&random, 1);
    make_bucket(place, "one");
    for (int round = 0; round < 6; round++) {
        for (int i = 0; i < 40; i++) {
            change(place, &model, &random);
        }
        must(back_up(place, &counts, &error), &error);
        assert_int_equal(counts.problems, 0);
        assert_restores(place, &model);
        assert_int_equal(count_files(below(place, "backup")), counts.files + 2); /* the manifest and the lock */
        /* Nothing has changed: only the database is copied again. */
        must(back_up(place, &counts, &error), &error);
        assert_int_equal(counts.copied_files, 1);
        assert_int_equal(counts.removed_files, 1);
    }
    /* A folder that nobody owns can be backed up as well. */
    local_place_close(place);
    must(back_up(place, &counts, &error), &error);
    assert_restores(place, &model);
}

struct busy {
    struct local_place *place;
    _Atomic bool stop;
};

/* Puts and deletes as fast as it can: what is put under one number is deleted under another. */
static void *keep_busy(void *context)
{
    struct busy *busy = context;
    struct local_place own = *busy->place;

    own.arena = arena_new(0, NULL);
    for (uint64_t n = 1; !atomic_load(&busy->stop); n++) {
        char key[20];

        snprintf(key, sizeof key, "busy%d", (int)(n % 30));
        if (n % 60 < 30) {
            put_text(&own, "one", key, some_text(&own, n * 3 + 1));
        } else {
            delete_key(&own, "one", key, NULL);
        }
        arena_reset(own.arena);
    }
    arena_free(own.arena);
    return NULL;
}

static void test_writers_and_deleters_go_on_meanwhile(void **state)
{
    struct local_place *place = *state;
    struct busy busy = {.place = place};
    struct model model = {{0}};
    struct backup_counts counts;
    struct error error = {0};
    struct random random;
    pthread_t threads[2];

    random_seed(&random, 2);
    make_bucket(place, "one");
    for (int i = 0; i < 30; i++) {
        change(place, &model, &random);
    }
    for (int t = 0; t < 2; t++) {
        assert_int_equal(pthread_create(&threads[t], NULL, keep_busy, &busy), 0);
    }
    for (int round = 0; round < 15; round++) {
        must(back_up(place, &counts, &error), &error);
        assert_string_equal(problems, "");
    }
    atomic_store(&busy.stop, true);
    for (int t = 0; t < 2; t++) {
        pthread_join(threads[t], NULL);
    }
    assert_restores(place, &model);
    /* What was held back for the backups is gone in the end. */
    for (int k = 0; k < 30; k++) {
        char key[20];

        snprintf(key, sizeof key, "busy%d", k);
        delete_key(place, "one", key, NULL);
    }
    size_t files = 0;

    for (size_t k = 0; k < KEYS; k++) {
        files += model.number[k] != 0 && strlen(some_text(place, model.number[k])) > 1000;
    }
    local_place_close(place);
    local_place_open(place);
    assert_int_equal(count_blobs(place), files);
}

/* The path of some blob of the backup. */
static bool find_blob(const char *folder, char *path, size_t size)
{
    DIR *entries = opendir(folder);
    bool found = false;

    for (struct dirent *entry = NULL; entries != NULL && !found && (entry = readdir(entries)) != NULL;) {
        if (entry->d_name[0] == '.') continue;
        snprintf(path, size, "%s/%s", folder, entry->d_name);
        char inner[300];

        found = entry->d_type != DT_DIR;
        if (!found) {
            snprintf(inner, sizeof inner, "%s", path);
            found = find_blob(inner, path, size);
        }
    }
    if (entries != NULL) closedir(entries);
    return found;
}

static void test_a_damaged_backup_is_found(void **state)
{
    struct local_place *place = *state;
    struct local_place restored;
    struct backup_counts counts;
    struct error error = {0};
    struct object object;
    char blobs[200], path[300];
    struct buffer bytes = {0};

    make_bucket(place, "one");
    put_text(place, "one", "a", some_text(place, 1));
    put_text(place, "one", "small", "text");
    must(back_up(place, &counts, &error), &error);
    snprintf(blobs, sizeof blobs, "%s/blobs", below(place, "backup"));
    assert_true(find_blob(blobs, path, sizeof path));
    assert_true(file_load(path, &bytes, &error));
    bytes.data[bytes.length / 2] ^= 1;
    assert_true(file_store(path, bytes.data, bytes.length, &error));
    assert_false(restore(place, false, &counts, &error));
    assert_int_equal(error.code, ERROR_CORRUPT);
    assert_int_equal(count_files(below(place, "restored")), 0);
    must(restore(place, true, &counts, &error), &error);
    assert_int_equal(counts.problems, 1);
    open_restored(place, &restored);
    assert_string_equal(text_of(&restored, "one", "small", NULL), "text");
    assert_null(get_text(&restored, &(struct object_place){"one", "a", NULL}, NULL, &object, &error));
    local_place_close(&restored);

    /* The manifest itself, cut anywhere or with a byte changed. */
    snprintf(path, sizeof path, "%s/manifest.jsonl", below(place, "backup"));
    buffer_clear(&bytes);
    assert_true(file_load(path, &bytes, &error));
    for (size_t at = 0; at < bytes.length; at += 7) {
        assert_true(file_store(path, bytes.data, at, &error));
        assert_false(restore(place, true, &counts, &error));
        bytes.data[at] ^= 2;
        assert_true(file_store(path, bytes.data, bytes.length, &error));
        assert_false(restore(place, true, &counts, &error));
        bytes.data[at] ^= 2;
    }
    buffer_free(&bytes);
}

static void test_what_is_missing_is_told_and_the_rest_is_copied(void **state)
{
    struct local_place *place = *state;
    struct backup_counts counts;
    struct error error = {0};
    char blobs[200], path[300];

    make_bucket(place, "one");
    put_text(place, "one", "a", some_text(place, 1));
    put_text(place, "one", "b", some_text(place, 2));
    snprintf(blobs, sizeof blobs, "%s/blobs", place->path);
    assert_true(find_blob(blobs, path, sizeof path));
    assert_int_equal(unlink(path), 0);
    must(back_up(place, &counts, &error), &error);
    assert_int_equal(counts.problems, 1);
    assert_non_null(strstr(path, strtok(problems, "\n")));
    assert_false(restore(place, false, &counts, &error));
    must(restore(place, true, &counts, &error), &error);
}

static void test_foreign_folders_are_left_alone(void **state)
{
    struct local_place *place = *state;
    struct backup_counts counts;
    struct error error = {0};
    char path[200];

    assert_int_equal(mkdir(below(place, "backup"), 0777), 0);
    snprintf(path, sizeof path, "%s/letter", below(place, "backup"));
    assert_true(file_store(path, "x", 1, &error));
    assert_false(back_up(place, &counts, &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    assert_int_equal(unlink(path), 0);
    must(back_up(place, &counts, &error), &error);

    struct backup_options options = {.data = place->path, .backup = below(place, "backup")};

    assert_false(backup_restore(&options, &counts, &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    options.backup = "/nowhere";
    options.data = below(place, "restored");
    assert_false(backup_restore(&options, &counts, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
}

/* In a process of its own, which ends where AISLE_FAILPOINTS says. */
static int back_up_only(const char *path)
{
    struct local_place place = {.inline_bytes = 1000};
    struct backup_counts counts;
    struct error error = {0};

    snprintf(place.path, sizeof place.path, "%s", path);
    return back_up(&place, &counts, &error) ? 0 : 1;
}

static void test_a_stop_anywhere_leaves_a_whole_backup(void **state)
{
    static const char *const points[] = {"backup.copied=crash", "backup.named=crash", "backup.copied=error",
                                         "backup.named=error"};
    struct local_place *place = *state;
    struct model before = {{0}}, after;
    struct backup_counts counts;
    struct error error = {0};
    struct random random;

    random_seed(&random, 3);
    make_bucket(place, "one");
    for (int i = 0; i < 60; i++) {
        change(place, &before, &random);
    }
    must(back_up(place, &counts, &error), &error);
    for (size_t p = 0; p < sizeof points / sizeof points[0]; p++) {
        int status = 0;

        after = before;
        for (int i = 0; i < 30; i++) {
            change(place, &after, &random);
        }
        pid_t child = fork();

        if (child == 0) {
            setenv("AISLE_FAILPOINTS", points[p], 1);
            execl("/proc/self/exe", "test_backup", place->path, (char *)NULL);
            _exit(2);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(WEXITSTATUS(status), p < 2 ? 137 : 1);
        assert_restores(place, p % 2 == 0 ? &before : &after);
        must(back_up(place, &counts, &error), &error);
        assert_int_equal(count_files(below(place, "backup")), counts.files + 2);
        assert_restores(place, &after);
        before = after;
    }
}

static int teardown(void **state)
{
    struct local_place *place = *state;

    file_remove_tree(below(place, "backup"), NULL);
    file_remove_tree(below(place, "restored"), NULL);
    return local_place_teardown(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, local_place_setup, teardown)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_restored_is_what_was_there), TEST(test_writers_and_deleters_go_on_meanwhile),
        TEST(test_a_damaged_backup_is_found),          TEST(test_what_is_missing_is_told_and_the_rest_is_copied),
        TEST(test_foreign_folders_are_left_alone),     TEST(test_a_stop_anywhere_leaves_a_whole_backup),
    };

    return argc == 2 ? back_up_only(argv[1]) : cmocka_run_group_tests(tests, NULL, NULL);
}
