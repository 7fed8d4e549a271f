/* The data folder: one owner, one commit point; after a kill anywhere the old state or the new one. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/file.h"
#include "base/memory.h"
#include "store/folder.h"
#include "support/torture.h"
#include "support/unit.h"

struct place {
    char path[64];
    struct arena *arena;
};

static int setup(void **state)
{
    struct error error;
    struct place *place = memory_zeroed(sizeof *place, &error);

    snprintf(place->path, sizeof place->path, "/tmp/aisle-test-folder-XXXXXX");
    place->arena = arena_new(0, &error);
    *state = place;
    return mkdtemp(place->path) != NULL && place->arena != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    struct place *place = *state;
    struct error error;

    file_remove_tree(place->path, &error);
    arena_free(place->arena);
    memory_free(place);
    return 0;
}

static struct folder *open_folder(const struct place *place, enum folder_access access)
{
    struct error error = {0};
    struct folder *folder = folder_open(place->path, access, &error);

    if (folder == NULL) {
        fail_msg("%s", error.message);
    }
    return folder;
}

static bool stage(struct change *change, const char *path, const char *text, struct error *error)
{
    struct folder_file file = {.role = "cleaned",
                               .dataset = "orders",
                               .partition = "2025-04-01",
                               .path = path,
                               .rows = 3,
                               .size_bytes = strlen(text),
                               .run = "RUN"};
    int fd = change_create(change, path, error);

    if (fd < 0) {
        return false;
    }
    bool good = file_write(fd, text, strlen(text), path, error);

    close(fd);
    return good && change_name(change, &file, error);
}

static void must(bool good, const struct error *error)
{
    if (!good) {
        fail_msg("%s", error->message);
    }
}

static bool is_there(const struct place *place, const char *relative)
{
    char path[200];
    struct stat status;

    snprintf(path, sizeof path, "%s/%s", place->path, relative);
    return stat(path, &status) == 0;
}

static void write_text(const struct place *place, const char *relative, const char *text)
{
    char path[200];
    struct error error = {0};

    snprintf(path, sizeof path, "%s/%s", place->path, relative);
    must(file_store(path, text, strlen(text), &error), &error);
}

/* The paths of the current cleaned files, joined by spaces. */
static const char *current_files(struct folder *folder, struct arena *arena)
{
    struct error error = {0};
    struct folder_file *files = NULL;
    size_t count = 0;
    const char *text = "";

    must(folder_files(folder, arena, "cleaned", NULL, NULL, &files, &count, &error), &error);
    for (size_t i = 0; i < count; i++) {
        text = arena_format(arena, &error, "%s%s%s", text, i > 0 ? " " : "", files[i].path);
    }
    return text;
}

/* The first state: two files, a document. */
static void commit_first(struct folder *folder)
{
    struct error error = {0};
    struct change *change = change_new(folder, &error);

    must(change != NULL, &error);
    must(stage(change, "cleaned/orders/a", "aaa", &error), &error);
    must(stage(change, "cleaned/orders/b", "bb", &error), &error);
    must(change_document(change, "state", "first", &error), &error);
    must(change_commit(change, &error), &error);
    change_abandon(change);
}

/* The second: a is replaced by c in a new folder, the document changes. */
static bool commit_second(struct folder *folder, struct error *error)
{
    struct change *change = change_new(folder, error);
    bool good = change != NULL && stage(change, "cleaned/orders/2025/c", "ccc", error) &&
                change_forget(change, "cleaned/orders/a", error) && change_document(change, "state", "second", error) &&
                change_commit(change, error);

    change_abandon(change);
    return good;
}

static void check_first(const struct place *place, struct folder *folder)
{
    struct error error = {0};

    assert_string_equal(current_files(folder, place->arena), "cleaned/orders/a cleaned/orders/b");
    assert_string_equal(folder_document(folder, place->arena, "state", &error), "first");
    assert_true(is_there(place, "cleaned/orders/a"));
    assert_true(is_there(place, "cleaned/orders/b"));
    assert_false(is_there(place, "cleaned/orders/2025"));
}

static void check_second(const struct place *place, struct folder *folder)
{
    struct error error = {0};

    assert_string_equal(current_files(folder, place->arena), "cleaned/orders/b cleaned/orders/2025/c");
    assert_string_equal(folder_document(folder, place->arena, "state", &error), "second");
    assert_false(is_there(place, "cleaned/orders/a"));
    assert_true(is_there(place, "cleaned/orders/b"));
    assert_true(is_there(place, "cleaned/orders/2025/c"));
}

static void test_a_commit_is_seen_after_it_and_not_before(void **state)
{
    const struct place *place = *state;
    struct error error = {0};
    struct folder *folder = open_folder(place, FOLDER_WRITE);
    struct folder *reader = open_folder(place, FOLDER_READ);

    commit_first(folder);
    struct change *change = change_new(folder, &error);

    must(stage(change, "cleaned/orders/c", "c", &error), &error);
    must(change_forget(change, "cleaned/orders/a", &error), &error);
    must(change_document(change, "state", NULL, &error), &error);
    check_first(place, folder);
    check_first(place, reader);
    must(change_commit(change, &error), &error);
    change_abandon(change);
    assert_string_equal(current_files(folder, place->arena), "cleaned/orders/b cleaned/orders/c");
    assert_string_equal(current_files(reader, place->arena), "cleaned/orders/b cleaned/orders/c");
    assert_null(folder_document(reader, place->arena, "state", &error));
    assert_int_equal(error.code, ERROR_NONE);
    assert_false(is_there(place, "cleaned/orders/a"));
    folder_close(reader);
    folder_close(folder);
}

static void test_an_abandoned_change_leaves_nothing(void **state)
{
    const struct place *place = *state;
    struct error error = {0};
    struct folder *folder = open_folder(place, FOLDER_WRITE);

    commit_first(folder);
    struct change *change = change_new(folder, &error);

    must(stage(change, "cleaned/orders/c", "c", &error), &error);
    assert_int_equal(change_create(change, "cleaned/orders/a", &error), -1);
    assert_null(change_new(folder, &error));
    change_abandon(change);
    check_first(place, folder);
    assert_false(is_there(place, "cleaned/orders/c"));
    folder_close(folder);
}

static void test_files_that_were_not_named_go_with_the_commit(void **state)
{
    const struct place *place = *state;
    struct error error = {0};
    struct folder *folder = open_folder(place, FOLDER_WRITE);
    struct change *change = change_new(folder, &error);
    int fd = change_create(change, "pending/x", &error);

    assert_true(fd >= 0);
    close(fd);
    must(change_forget(change, "pending/x", &error), &error);
    must(stage(change, "cleaned/y", "y", &error), &error);
    assert_false(change_forget(change, "cleaned/y", &error));
    must(change_commit(change, &error), &error);
    change_abandon(change);
    assert_false(is_there(place, "pending/x"));
    assert_string_equal(current_files(folder, place->arena), "cleaned/y");
    folder_close(folder);
}

static void test_a_failed_commit_changes_nothing(void **state)
{
    const struct place *place = *state;
    struct error error = {0};
    struct folder *folder = open_folder(place, FOLDER_WRITE);

    commit_first(folder);
    struct change *change = change_new(folder, &error);

    must(stage(change, "cleaned/orders/c", "c", &error), &error);
    must(change_document(change, "state", "third", &error), &error);
    must(change_forget(change, "cleaned/orders/nowhere", &error), &error);
    assert_false(change_commit(change, &error));
    assert_non_null(strstr(error.message, "cleaned/orders/nowhere"));
    change_abandon(change);
    check_first(place, folder);
    assert_false(is_there(place, "cleaned/orders/c"));
    must(commit_second(folder, &error), &error);
    check_second(place, folder);
    folder_close(folder);
}

static void test_paths_out_of_the_rooms_are_refused(void **state)
{
    const struct place *place = *state;
    struct error error = {0};
    struct folder *folder = open_folder(place, FOLDER_WRITE);
    struct change *change = change_new(folder, &error);

    assert_int_equal(change_create(change, "aisle.db", &error), -1);
    assert_int_equal(change_create(change, "tmp/x", &error), -1);
    assert_int_equal(change_create(change, "cleaned", &error), -1);
    assert_int_equal(change_create(change, "cleaned/../../x", &error), -1);
    assert_int_equal(change_create(change, "/etc/x", &error), -1);
    change_abandon(change);
    folder_close(folder);
}

static void test_a_second_owner_is_told_who_holds_it(void **state)
{
    const struct place *place = *state;
    struct error error = {0};
    char pid[40];
    struct folder *folder = open_folder(place, FOLDER_WRITE);

    assert_null(folder_open(place->path, FOLDER_WRITE, &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    snprintf(pid, sizeof pid, "process %ld", (long)getpid());
    assert_non_null(strstr(error.message, pid));
    folder_close(folder);
    folder_close(open_folder(place, FOLDER_WRITE));
}

static void test_no_folder_no_reader(void **state)
{
    const struct place *place = *state;
    struct error error = {0};

    assert_null(folder_open(place->path, FOLDER_READ, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    assert_false(is_there(place, "aisle.db"));
    assert_null(folder_open("/tmp/aisle-test-no-such-folder", FOLDER_READ, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
}

static void test_a_folder_of_somebody_else_is_not_swept(void **state)
{
    const struct place *place = *state;
    struct error error = {0};
    char path[100];

    snprintf(path, sizeof path, "%s/rejected", place->path);
    must(file_make_folders(path, &error), &error);
    write_text(place, "rejected/mine.csv", "x");
    assert_null(folder_open(place->path, FOLDER_WRITE, &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    assert_true(is_there(place, "rejected/mine.csv"));
    assert_false(is_there(place, "aisle.db"));
}

static void change_database(const struct place *place, const char *sql)
{
    char path[100];
    sqlite3 *db = NULL;

    snprintf(path, sizeof path, "%s/aisle.db", place->path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void test_a_newer_database_is_refused(void **state)
{
    const struct place *place = *state;
    struct error error = {0};

    folder_close(open_folder(place, FOLDER_WRITE));
    change_database(place, "PRAGMA user_version = 99");
    assert_null(folder_open(place->path, FOLDER_WRITE, &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    assert_non_null(strstr(error.message, "newer"));
    assert_null(folder_open(place->path, FOLDER_READ, &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
}

static void test_a_foreign_database_is_refused(void **state)
{
    const struct place *place = *state;
    struct error error = {0};

    change_database(place, "CREATE TABLE other(x)");
    assert_null(folder_open(place->path, FOLDER_WRITE, &error));
    assert_int_equal(error.code, ERROR_CORRUPT);
    write_text(place, "aisle.db", "this is not a database, and long enough that nobody takes it for an empty one");
    assert_null(folder_open(place->path, FOLDER_WRITE, &error));
    assert_int_equal(error.code, ERROR_CORRUPT);
}

/* Runs the second commit in a process of its own that dies at a failpoint; see main. */
static void die_at(const struct place *place, const char *failpoint)
{
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        setenv("AISLE_FAILPOINTS", failpoint, 1);
        execl("/proc/self/exe", "test_folder", place->path, (char *)NULL);
        _exit(1);
    }
    int status = 0;

    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 137);
}

static void test_killed_anywhere_gives_old_or_new(void **state)
{
    static const struct {
        const char *failpoint;
        bool changed;
    } deaths[] = {
        {"change.create=crash", false},   {"change.synced=crash", false}, {"change.applied=crash", false},
        {"change.committed=crash", true}, {"change.removed=crash", true},
    };

    const struct place *place = *state;

    for (size_t d = 0; d < sizeof deaths / sizeof deaths[0]; d++) {
        struct error error = {0};
        struct folder *folder = open_folder(place, FOLDER_WRITE);

        commit_first(folder);
        folder_close(folder);
        die_at(place, deaths[d].failpoint);
        struct folder *reader = open_folder(place, FOLDER_READ);

        assert_string_equal(folder_document(reader, place->arena, "state", &error),
                            deaths[d].changed ? "second" : "first");
        folder_close(reader);
        folder = open_folder(place, FOLDER_WRITE);
        (deaths[d].changed ? check_second : check_first)(place, folder);
        if (!deaths[d].changed) {
            must(commit_second(folder, &error), &error);
            check_second(place, folder);
        }
        folder_close(folder);
        must(file_remove_tree(place->path, &error) && file_make_folders(place->path, &error), &error);
    }
}

static void test_what_nobody_names_is_swept_after_a_kill_only(void **state)
{
    const struct place *place = *state;
    struct folder *folder = open_folder(place, FOLDER_WRITE);

    commit_first(folder);
    folder_close(folder);
    /* After an orderly end nobody looks. */
    write_text(place, "state/stray", "x");
    folder_close(open_folder(place, FOLDER_WRITE));
    assert_true(is_there(place, "state/stray"));
    write_text(place, "tmp/stray", "x");
    die_at(place, "change.create=crash");
    folder = open_folder(place, FOLDER_WRITE);
    check_first(place, folder);
    assert_false(is_there(place, "state/stray"));
    assert_false(is_there(place, "tmp/stray"));
    folder_close(folder);
}

static void check_first_kept(const struct place *place, struct folder *reader)
{
    struct error error = {0};

    assert_string_equal(current_files(reader, place->arena), "cleaned/orders/a cleaned/orders/b");
    assert_string_equal(folder_document(reader, place->arena, "state", &error), "first");
    assert_true(is_there(place, "cleaned/orders/a"));
}

static void test_a_reader_keeps_its_state_and_its_files(void **state)
{
    const struct place *place = *state;
    struct error error = {0};
    struct folder *folder = open_folder(place, FOLDER_WRITE);

    commit_first(folder);
    struct folder *reader = open_folder(place, FOLDER_READ);

    must(folder_read_begin(reader, &error), &error);
    must(commit_second(folder, &error), &error);
    check_first_kept(place, reader);
    /* The owner's end, and a new owner, leave the file alone as well; even one who has to sweep. */
    folder_close(folder);
    folder_close(open_folder(place, FOLDER_WRITE));
    check_first_kept(place, reader);
    die_at(place, "change.create=crash");
    folder_close(open_folder(place, FOLDER_WRITE));
    check_first_kept(place, reader);
    folder_read_end(reader);
    folder = open_folder(place, FOLDER_WRITE);
    check_second(place, reader);
    check_second(place, folder);
    folder_close(folder);
    folder_close(reader);
}

static void test_sources_and_runs(void **state)
{
    const struct place *place = *state;
    struct error error = {0};
    struct folder *folder = open_folder(place, FOLDER_WRITE);
    struct change *change = change_new(folder, &error);
    struct folder_source source = {
        .run = "R1", .dataset = "orders", .name = "orders.csv", .sha256 = "abc", .size_bytes = 10, .rows = 2};
    struct folder_run first = {.id = "R1", .pipeline = "orders", .status = "done", .json = "{}", .started_us = 5};
    struct folder_run second = {.id = "R2", .pipeline = "orders", .status = "done", .json = "{}", .started_us = 6};

    must(folder_next_source(folder, &source.number, &error), &error);
    assert_int_equal(source.number, 1);
    must(change_take(change, "orders", &source, &error), &error);
    must(change_run(change, &first, &error) && change_run(change, &second, &error), &error);
    struct folder_file file = {
        .role = "pending", .dataset = "items", .partition = "", .path = "pending/a", .run = "R1"};
    int fd = change_create(change, file.path, &error);
    close(fd);
    must(fd >= 0 && change_name(change, &file, &error), &error);
    must(change_commit(change, &error), &error);
    change_abandon(change);

    struct folder_taken taken;
    struct folder_source read;
    struct folder_run *runs = NULL;
    size_t count = 0;

    must(folder_taken(folder, place->arena, "orders", "orders", "abc", &taken, &error), &error);
    assert_true(taken.taken);
    assert_string_equal(taken.run, "R1");
    assert_string_equal(taken.name, "orders.csv");
    must(folder_taken(folder, place->arena, "orders", "items", "abc", &taken, &error), &error);
    assert_false(taken.taken);
    assert_string_equal(folder_owner(folder, place->arena, "pending", "items", &error), "orders");
    assert_null(folder_owner(folder, place->arena, "cleaned", "items", &error));
    assert_int_equal(error.code, ERROR_NONE);
    assert_null(folder_owner(folder, place->arena, "pending", "orders", &error));
    must(folder_source(folder, place->arena, 1, &read, &error), &error);
    assert_string_equal(read.sha256, "abc");
    assert_int_equal(read.rows, 2);
    assert_false(folder_source(folder, place->arena, 2, &read, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    must(folder_next_source(folder, &source.number, &error), &error);
    assert_int_equal(source.number, 2);
    must(folder_runs(folder, place->arena, 10, &runs, &count, &error), &error);
    assert_int_equal(count, 2);
    assert_string_equal(runs[0].id, "R2");
    must(folder_runs(folder, place->arena, 1, &runs, &count, &error), &error);
    assert_int_equal(count, 1);
    folder_close(folder);
}

static void check_outputs(const struct place *place, struct folder *folder, const char *url, const char *expected)
{
    struct error error = {0};
    struct folder_output *outputs = NULL;
    struct buffer text = {0};
    size_t count = 0;

    must(folder_outputs(folder, place->arena, url, &outputs, &count, &error), &error);
    for (size_t i = 0; i < count; i++) {
        buffer_append_format(&text, "%s%s;", outputs[i].ended ? "-" : "+", outputs[i].path);
    }
    assert_string_equal(buffer_text(&text), expected);
    buffer_free(&text);
}

static void test_outputs_follow_the_files(void **state)
{
    struct place *place = *state;
    struct error error = {0};
    struct folder *folder = open_folder(place, FOLDER_WRITE);
    struct change *change = change_new(folder, &error);
    static const char url[] = "s3://lake/a", other[] = "s3://lake/b";

    must(stage(change, "cleaned/orders/1", "one", &error) && stage(change, "cleaned/orders/2", "two", &error) &&
             change_output(change, url, &error) && change_commit(change, &error),
         &error);
    change_abandon(change);
    check_outputs(place, folder, url, "+cleaned/orders/1;+cleaned/orders/2;");
    check_outputs(place, folder, other, "");
    struct folder_output done[] = {{.path = "cleaned/orders/1"}};

    must(folder_outputs_done(folder, url, done, 1, &error), &error);
    check_outputs(place, folder, url, "+cleaned/orders/2;");
    folder_close(folder);

    /* What may be there is taken away, whether it was noted or not; a change that names no URL loses nothing. */
    folder = open_folder(place, FOLDER_WRITE);
    change = change_new(folder, &error);
    must(stage(change, "cleaned/orders/3", "three", &error) && change_forget(change, "cleaned/orders/1", &error) &&
             change_forget(change, "cleaned/orders/2", &error) && change_commit(change, &error),
         &error);
    change_abandon(change);
    check_outputs(place, folder, url, "-cleaned/orders/1;-cleaned/orders/2;");
    change = change_new(folder, &error);
    must(change_output(change, url, &error) && change_output(change, other, &error) && change_commit(change, &error),
         &error);
    change_abandon(change);
    check_outputs(place, folder, url, "+cleaned/orders/3;-cleaned/orders/1;-cleaned/orders/2;");
    check_outputs(place, folder, other, "+cleaned/orders/3;");
    struct folder_output all[] = {{.path = "cleaned/orders/3"},
                                  {.path = "cleaned/orders/1", .ended = true},
                                  {.path = "cleaned/orders/2", .ended = true}};

    must(folder_outputs_done(folder, url, all, 3, &error), &error);
    check_outputs(place, folder, url, "");
    folder_close(folder);
}

static void test_files_by_place(void **state)
{
    const struct place *place = *state;
    struct error error = {0};
    struct folder *folder = open_folder(place, FOLDER_WRITE);
    struct change *change = change_new(folder, &error);
    struct folder_file *files = NULL;
    size_t count = 0;

    /* Enough of them for the table of staged files to grow. */
    for (int i = 0; i < 100; i++) {
        char path[60];
        char partition[12];

        snprintf(path, sizeof path, "cleaned/d%d/p%d/f%d", i % 2, i % 5, i);
        snprintf(partition, sizeof partition, "p%d", i % 5);
        struct folder_file file = {.role = i % 10 == 9 ? "pending" : "cleaned",
                                   .dataset = i % 2 == 0 ? "even" : "odd",
                                   .partition = partition,
                                   .path = path,
                                   .rows = (uint64_t)i,
                                   .run = "R"};
        int fd = change_create(change, path, &error);

        assert_true(fd >= 0);
        close(fd);
        must(change_name(change, &file, &error), &error);
        assert_false(change_name(change, &file, &error));
    }
    must(change_commit(change, &error), &error);
    change_abandon(change);
    must(folder_files(folder, place->arena, "cleaned", NULL, NULL, &files, &count, &error), &error);
    assert_int_equal(count, 90);
    must(folder_files(folder, place->arena, "cleaned", "even", NULL, &files, &count, &error), &error);
    assert_int_equal(count, 50);
    assert_string_equal(files[0].partition, "p0");
    assert_string_equal(files[0].path, "cleaned/d0/p0/f0");
    assert_int_equal(files[1].rows, 10);
    must(folder_files(folder, place->arena, "cleaned", NULL, "p4", &files, &count, &error), &error);
    assert_int_equal(count, 10);
    must(folder_files(folder, place->arena, "pending", "odd", "p4", &files, &count, &error), &error);
    assert_int_equal(count, 10);
    must(folder_files(folder, place->arena, "pending", "even", "p4", &files, &count, &error), &error);
    assert_int_equal(count, 0);
    folder_close(folder);
}

static void count_problem(void *context, const struct folder_file *file, const struct error *what)
{
    (void)what;
    assert_non_null(file);
    *(int *)context += 1;
}

static void test_verify_finds_what_is_missing_or_cut(void **state)
{
    const struct place *place = *state;
    struct error error = {0};
    struct folder *folder = open_folder(place, FOLDER_WRITE);
    int reported = 0;
    uint64_t problems = 9;
    struct folder_verifier verifier = {.context = &reported, .problem = count_problem};
    char path[100];

    commit_first(folder);
    must(folder_verify(folder, &verifier, &problems, &error), &error);
    assert_int_equal(problems, 0);
    snprintf(path, sizeof path, "%s/cleaned/orders/a", place->path);
    assert_int_equal(truncate(path, 1), 0);
    snprintf(path, sizeof path, "%s/cleaned/orders/b", place->path);
    assert_int_equal(unlink(path), 0);
    must(folder_verify(folder, &verifier, &problems, &error), &error);
    assert_int_equal(problems, 2);
    assert_int_equal(reported, 2);
    folder_close(folder);
}

static void test_a_full_disk_is_said_and_changes_nothing(void **state)
{
    const struct place *place = *state;
    struct error error = {0};

    if (mount("none", place->path, "tmpfs", 0, "size=1m") != 0) {
        skip();
    }
    struct folder *folder = open_folder(place, FOLDER_WRITE);
    char *large = memory_array(2 << 20, 1, &error);
    char path[100];

    memset(large, 'x', 2 << 20);
    large[200000] = '\0';
    write_text(place, "ballast", large);
    large[200000] = 'x';
    large[(2 << 20) - 1] = '\0';
    commit_first(folder);
    struct change *change = change_new(folder, &error);

    assert_false(stage(change, "cleaned/orders/large", large, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    change_abandon(change);
    check_first(place, folder);
    /* A document that does not fit fails in the database itself. */
    change = change_new(folder, &error);
    must(change_document(change, "large", large, &error), &error);
    assert_false(change_commit(change, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    change_abandon(change);
    check_first(place, folder);
    snprintf(path, sizeof path, "%s/ballast", place->path);
    must(file_remove(path, &error), &error);
    must(commit_second(folder, &error), &error);
    check_second(place, folder);
    folder_close(folder);
    memory_free(large);
    assert_int_equal(umount(place->path), 0);
}

static bool whole_life(void *context, struct error *error)
{
    const struct place *place = context;
    struct error ignored;

    file_remove_tree(place->path, &ignored);
    struct folder *folder = folder_open(place->path, FOLDER_WRITE, error);

    if (folder == NULL) {
        return false;
    }
    struct change *change = change_new(folder, error);
    bool good = change != NULL && stage(change, "cleaned/a/b", "x", error) &&
                change_document(change, "k", "v", error) && change_commit(change, error);

    change_abandon(change);
    folder_close(folder);
    return good;
}

static void test_every_failing_allocation_is_an_error(void **state)
{
    torture_walk(whole_life, *state);
}

/* With a data folder's path: makes the second commit there, to die on the way. */
int main(int argc, char **argv)
{
    if (argc == 2) {
        struct error error = {0};
        struct folder *folder = folder_open(argv[1], FOLDER_WRITE, &error);

        return folder != NULL && commit_second(folder, &error) ? 0 : 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_commit_is_seen_after_it_and_not_before, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_abandoned_change_leaves_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_files_that_were_not_named_go_with_the_commit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_failed_commit_changes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_paths_out_of_the_rooms_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_second_owner_is_told_who_holds_it, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_folder_no_reader, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_folder_of_somebody_else_is_not_swept, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_newer_database_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_foreign_database_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_killed_anywhere_gives_old_or_new, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_nobody_names_is_swept_after_a_kill_only, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_reader_keeps_its_state_and_its_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sources_and_runs, setup, teardown),
        cmocka_unit_test_setup_teardown(test_outputs_follow_the_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_files_by_place, setup, teardown),
        cmocka_unit_test_setup_teardown(test_verify_finds_what_is_missing_or_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_full_disk_is_said_and_changes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_every_failing_allocation_is_an_error, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
