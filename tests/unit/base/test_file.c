#include "base/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/random.h"
#include "support/torture.h"
#include "support/unit.h"

static char folder[] = "/tmp/aisle-test-file-XXXXXX";

/* A path in the test's folder; the text lives until the next call but three. */
static const char *path_of(const char *name)
{
    static char paths[4][200];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void assert_holds(const char *path, const void *data, size_t size)
{
    struct buffer bytes;
    struct error error;

    buffer_init(&bytes, 0);
    assert_true(file_load(path, &bytes, &error));
    assert_int_equal(bytes.length, size);
    assert_memory_equal(bytes.data, data, size);
    buffer_free(&bytes);
}

/* Sizes around the pages and steps of reading; in debug builds every read and write is cut short at random. */
static void what_is_stored_is_loaded(void **state)
{
    static const size_t sizes[] = {0, 1, 255, 256, 4095, 4096, 4097, 65536, 1000003};
    static unsigned char data[1000003];
    struct random random;
    struct error error;

    (void)state;
    random_seed(&random, 1);
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (unsigned char)random_next(&random);
    }
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assert_true(file_store(path_of("stored"), data, sizes[i], &error));
        assert_holds(path_of("stored"), data, sizes[i]);
    }
    int fd = open(path_of("stored"), O_RDONLY | O_CLOEXEC);
    static unsigned char part[70000];

    assert_true(fd >= 0);
    assert_int_equal(file_read_at(fd, part, sizeof part, 5, "stored", &error), sizeof part);
    assert_memory_equal(part, data + 5, sizeof part);
    assert_int_equal(file_read_at(fd, part, sizeof part, sizeof data - 10, "stored", &error), 10);
    assert_int_equal(file_read_at(fd, part, sizeof part, sizeof data + 10, "stored", &error), 0);
    close(fd);
    assert_int_equal(file_read_at(fd, part, 1, 0, "gone", &error), -1);
    assert_int_equal(error.code, ERROR_IO);
    assert_false(file_write(fd, part, 1, "gone", &error));
}

/* A pipe has no size to know beforehand. */
static void a_pipe_is_loaded_to_its_end(void **state)
{
    static char data[30000];
    int ends[2];
    struct error error;
    struct buffer bytes;
    char path[40];

    (void)state;
    memset(data, 'p', sizeof data);
    for (size_t ceiling = 29999; ceiling <= 30001; ceiling++) {
        buffer_init(&bytes, ceiling);
        assert_int_equal(pipe(ends), 0);
        assert_true(file_write(ends[1], data, sizeof data, "pipe", &error));
        close(ends[1]);
        snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
        assert_int_equal(file_load(path, &bytes, &error), ceiling >= sizeof data);
        assert_true(ceiling >= sizeof data || error.code == ERROR_LIMIT);
        assert_int_equal(bytes.length, ceiling < sizeof data ? ceiling : sizeof data);
        close(ends[0]);
        buffer_free(&bytes);
    }
}

static bool count_entry(void *context, const char *name, struct error *error)
{
    size_t *count = context;

    (void)error;
    (*count)++;
    return strcmp(name, "stop") != 0;
}

static void storing_leaves_nothing_else_behind(void **state)
{
    struct error error;
    size_t count = 0;

    (void)state;
    assert_true(file_make_folders(path_of("alone"), &error));
    assert_true(file_store(path_of("alone/file"), "1", 1, &error));
    assert_true(file_store(path_of("alone/file"), "22", 2, &error));
    assert_holds(path_of("alone/file"), "22", 2);
    assert_true(file_make_folders(path_of("alone/taken"), &error));
    assert_false(file_store(path_of("alone/taken"), "3", 1, &error));
    assert_true(file_list(path_of("alone"), count_entry, &count, &error));
    assert_int_equal(count, 2);
}

static void loading_says_what_is_wrong(void **state)
{
    struct error error;
    struct buffer bytes;

    (void)state;
    buffer_init(&bytes, 3);
    assert_false(file_load(path_of("absent"), &bytes, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    assert_false(file_load(folder, &bytes, &error));
    assert_int_equal(error.code, ERROR_INVALID);
    assert_true(file_store(path_of("four"), "four", 4, &error));
    assert_false(file_load(path_of("four"), &bytes, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    assert_true(file_store(path_of("three"), "abc", 3, &error));
    assert_true(file_load(path_of("three"), &bytes, &error));
    assert_string_equal(buffer_text(&bytes), "abc");
    assert_false(file_load(path_of("three"), &bytes, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    buffer_free(&bytes);
}

static void folders_are_made_with_their_parents(void **state)
{
    struct error error;
    struct stat status;

    (void)state;
    assert_true(file_make_folders(path_of("a//b/c/"), &error));
    assert_true(file_make_folders(path_of("a/b/c"), &error));
    assert_int_equal(stat(path_of("a/b/c"), &status), 0);
    assert_true(S_ISDIR(status.st_mode));
    assert_true(file_store(path_of("a/plain"), "", 0, &error));
    assert_false(file_make_folders(path_of("a/plain"), &error));
    assert_false(file_make_folders(path_of("a/plain/below"), &error));
    assert_false(file_make_folders("", &error));
    assert_true(file_sync_folder(path_of("a"), &error));
    assert_false(file_sync_folder(path_of("a/absent"), &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
}

static void a_tree_is_removed_but_not_what_links_point_to(void **state)
{
    struct error error;
    struct stat status;

    (void)state;
    assert_true(file_make_folders(path_of("tree/x/y"), &error));
    assert_true(file_make_folders(path_of("kept"), &error));
    assert_true(file_store(path_of("kept/file"), "k", 1, &error));
    assert_true(file_store(path_of("tree/x/file"), "t", 1, &error));
    assert_int_equal(symlink(path_of("kept"), path_of("tree/x/link")), 0);
    assert_int_equal(symlink("nowhere", path_of("tree/dangling")), 0);
    assert_true(file_remove_tree(path_of("tree"), &error));
    assert_int_not_equal(lstat(path_of("tree"), &status), 0);
    assert_holds(path_of("kept/file"), "k", 1);
    assert_true(file_remove_tree(path_of("tree"), &error));
    assert_true(file_remove(path_of("kept/file"), &error));
    assert_true(file_remove(path_of("kept/file"), &error));
    assert_false(file_remove(path_of("kept"), &error));
}

static bool append_entry(void *context, const char *name, struct error *error)
{
    (void)error;
    buffer_append_format(context, "%s ", name);
    return true;
}

static void a_file_without_a_name_ends_with_its_descriptor(void **state)
{
    struct error error = {0};
    char got[8];
    (void)state;
    char path[] = "/tmp/aisle-nameless-XXXXXX";
    assert_non_null(mkdtemp(path));
    int fd = file_open_nameless(path, &error);
    assert_true(fd >= 0);
    assert_true(file_write_at(fd, "world", 5, 6, "a file", &error));
    assert_true(file_write(fd, "hello ", 6, "a file", &error)); /* its place is where it was */
    assert_int_equal(file_read_at(fd, got, sizeof got, 3, "a file", &error), 8);
    assert_memory_equal(got, "lo world", 8);
    assert_int_equal(rmdir(path), 0);
    close(fd);
    assert_int_equal(file_open_nameless("/nonexistent/folder", &error), -1);
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    int reading = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_false(file_write_at(reading, "x", 1, 0, "the null device", &error));
    close(reading);
}

static void names_come_in_natural_order(void **state)
{
    static const char *const names[] = {"part10", "part9", "part1", "a", ".hidden", "stop", "z"};
    struct error error;
    struct buffer list;
    size_t count = 0;

    (void)state;
    assert_true(file_make_folders(path_of("names"), &error));
    buffer_init(&list, 0);
    assert_true(file_list(path_of("names"), append_entry, &list, &error));
    assert_int_equal(list.length, 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char name[40];

        snprintf(name, sizeof name, "names/%s", names[i]);
        assert_true(file_store(path_of(name), "", 0, &error));
    }
    assert_true(file_list(path_of("names"), append_entry, &list, &error));
    assert_string_equal(buffer_text(&list), ".hidden a part1 part9 part10 stop z ");
    assert_false(file_list(path_of("names"), count_entry, &count, &error));
    assert_int_equal(count, 6);
    assert_false(file_list(path_of("absent"), count_entry, &count, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    buffer_free(&list);
}

static bool store_and_list(void *context, struct error *error)
{
    size_t count = 0;
    struct buffer bytes __attribute__((cleanup(buffer_free))) = {0};

    (void)context;
    buffer_init(&bytes, 0);
    return file_make_folders(path_of("torture/deep"), error) && file_store(path_of("torture/file"), "x", 1, error) &&
           file_list(path_of("torture"), count_entry, &count, error) &&
           file_load(path_of("torture/file"), &bytes, error) && file_remove_tree(path_of("torture"), error);
}

static void want_of_memory_is_reported(void **state)
{
    (void)state;
    torture_walk(store_and_list, NULL);
}

static int make_test_folder(void **state)
{
    (void)state;
    setenv("AISLE_SHORT_IO", "1", 1);
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_test_folder(void **state)
{
    struct error error;

    (void)state;
    return file_remove_tree(folder, &error) ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_stored_is_loaded),
        cmocka_unit_test(a_pipe_is_loaded_to_its_end),
        cmocka_unit_test(storing_leaves_nothing_else_behind),
        cmocka_unit_test(loading_says_what_is_wrong),
        cmocka_unit_test(folders_are_made_with_their_parents),
        cmocka_unit_test(a_tree_is_removed_but_not_what_links_point_to),
        cmocka_unit_test(a_file_without_a_name_ends_with_its_descriptor),
        cmocka_unit_test(names_come_in_natural_order),
        cmocka_unit_test(want_of_memory_is_reported),
    };

    return cmocka_run_group_tests(tests, make_test_folder, remove_test_folder);
}
