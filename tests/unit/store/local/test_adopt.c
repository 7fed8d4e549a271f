/* Trees of files become objects where they lie, and objects a tree of files. */
#include "store/local/adopt.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/local/browse.h"
#include "store/local/fsck.h"
#include "support/local_store.h"

static char tree[100], view[100];
static char told[2000];

static const char *in_tree(const char *name)
{
    static char paths[4][300];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof paths[0], "%s/%s", name[0] == '@' ? view : tree, name + (name[0] == '@'));
    return path;
}

static char *letters(struct local_place *place, char letter, size_t size)
{
    char *text = arena_take(place->arena, size + 1, NULL);

    memset(text, letter, size);
    text[size] = '\0';
    return text;
}

/* As others write files: in their place. */
static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(in_tree(name), "w");

    if (file == NULL) fail_msg("%s", in_tree(name));
    fputs(text, file);
    fclose(file);
}

static ino_t inode_of(const char *path)
{
    struct stat status;

    assert_int_equal(stat(path, &status), 0);
    return status.st_ino;
}

static void note_file(void *context, const char *path, const char *why)
{
    (void)context;
    assert_true(why[0] != '\0');
    snprintf(told + strlen(told), sizeof told - strlen(told), "%s ", path + strlen(tree) + 1);
}

static void note_key(void *context, const char *bucket, const char *key, const char *why)
{
    (void)context;
    assert_true(why[0] != '\0');
    snprintf(told + strlen(told), sizeof told - strlen(told), "%s/%s ", bucket, key);
}

static struct adopt_counts adopt(struct local_place *place, bool copy)
{
    struct error error = {0};
    struct adopt_counts counts;
    struct adopt_options options = {
        .folder = tree, .bucket = "one", .prefix = "in/", .owner = TEST_OWNER, .copy = copy, .skipped = note_file};

    told[0] = '\0';
    must(adopt_tree(place->store, &options, &counts, &error), &error);
    return counts;
}

static void fill(struct local_place *place)
{
    assert_int_equal(mkdir(in_tree("deep"), 0777), 0);
    write_file("big", letters(place, 'b', 5000));
    write_file("deep/large", letters(place, 'l', 9000));
    write_file("deep/small", "small");
    write_file("empty", "");
}

static bool fails(struct local_place *place, const char *key, enum error_code code)
{
    struct error error = {0};
    struct object object;

    return get_text(place, &(struct object_place){"one", key, NULL}, NULL, &object, &error) == NULL &&
           error.code == code;
}

static void test_files_become_objects_without_a_copy(void **state)
{
    struct local_place *place = *state;

    fill(place);
    assert_int_equal(symlink("big", in_tree("link")), 0);
    assert_int_equal(mkfifo(in_tree("pipe"), 0666), 0);
    write_file("wrong\xff", "x");
    struct adopt_counts counts = adopt(place, false);

    assert_string_equal(told, "link pipe wrong\xff ");
    assert_int_equal(counts.linked, 2);
    assert_int_equal(counts.copied, 2);
    assert_int_equal(counts.skipped, 3);
    assert_string_equal(text_of(place, "one", "in/deep/large", NULL), letters(place, 'l', 9000));
    assert_string_equal(text_of(place, "one", "in/deep/small", NULL), "small");
    assert_string_equal(text_of(place, "one", "in/empty", NULL), "");

    counts = adopt(place, false);
    assert_int_equal(counts.present, 4);
    assert_int_equal(counts.linked + counts.copied, 0);

    /* The file may go, or another take its place. */
    assert_int_equal(unlink(in_tree("deep/large")), 0);
    write_file("new", letters(place, 'n', 5000));
    assert_int_equal(rename(in_tree("new"), in_tree("big")), 0);
    local_place_close(place);
    local_place_open(place);
    assert_string_equal(text_of(place, "one", "in/deep/large", NULL), letters(place, 'l', 9000));
    assert_string_equal(text_of(place, "one", "in/big", NULL), letters(place, 'b', 5000));
    counts = adopt(place, false);
    assert_int_equal(counts.linked, 1);
    assert_string_equal(text_of(place, "one", "in/big", NULL), letters(place, 'n', 5000));

    /* With the object only the store's link goes. */
    delete_key(place, "one", "in/big", NULL);
    assert_true(access(in_tree("big"), F_OK) == 0);
}

static void count_problem(void *context, const struct fsck_problem *problem)
{
    (void)problem;
    ++*(int *)context;
}

static int problems_of(struct local_place *place)
{
    struct error error = {0};
    struct fsck_counts counts;
    int count = 0;
    struct folder *folder = folder_open(place->path, FOLDER_READ, &error);
    struct fsck_options options = {.folder = folder, .problem = count_problem, .context = &count};

    must(folder != NULL && fsck_objects(&options, &counts, &error), &error);
    folder_close(folder);
    return count;
}

static void test_a_change_in_place_is_found_and_never_served(void **state)
{
    struct local_place *place = *state;

    fill(place);
    adopt(place, false);
    assert_int_equal(problems_of(place), 0);
    /* Of the same length, so that only the time and the bytes tell. */
    int fd = open(in_tree("big"), O_WRONLY);

    assert_int_equal(pwrite(fd, "x", 1, 100), 1);
    futimens(fd, (struct timespec[]){{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1000000000}});
    close(fd);
    assert_true(fails(place, "in/big", ERROR_CORRUPT));
    assert_int_equal(problems_of(place), 1);
    assert_int_equal(truncate(in_tree("deep/large"), 100), 0);
    assert_true(fails(place, "in/deep/large", ERROR_CORRUPT));
    assert_string_equal(text_of(place, "one", "in/deep/small", NULL), "small");
    adopt(place, false);
    assert_int_equal(text_of(place, "one", "in/big", NULL)[100], 'x');
    assert_int_equal(problems_of(place), 0);
}

static void test_copies_are_not_touched_by_changes(void **state)
{
    struct local_place *place = *state;

    fill(place);
    struct adopt_counts counts = adopt(place, true);

    assert_int_equal(counts.linked, 0);
    assert_int_equal(counts.copied, 4);
    write_file("big", letters(place, 'c', 5000));
    assert_string_equal(text_of(place, "one", "in/big", NULL), letters(place, 'b', 5000));
    assert_int_equal(problems_of(place), 0);
}

static void test_encrypted_buckets_get_encrypted_copies(void **state)
{
    struct local_place *place = *state;
    struct error error = {0};
    struct object object;

    fill(place);
    must(bucket_set(place->store, "one", BUCKET_ENCRYPTION,
                    "{\"Rules\": [{\"ApplyServerSideEncryptionByDefault\": {\"SSEAlgorithm\": \"AES256\"}}]}", &error),
         &error);
    struct adopt_counts counts = adopt(place, false);

    assert_int_equal(counts.linked, 0);
    must(object_head(place->store, &(struct object_place){"one", "in/big", NULL}, place->arena, &object, &error),
         &error);
    assert_int_equal(object.encryption, ENCRYPTION_AES256);
}

static struct browse_counts browse(struct local_place *place, struct error *error)
{
    struct browse_counts counts = {0};
    struct browse_options options = {.data = place->path, .into = view, .skipped = note_key};

    told[0] = '\0';
    if (!browse_make(&options, &counts, error)) counts.linked = UINT64_MAX;
    return counts;
}

static void assert_file(const char *path, const char *text)
{
    struct error error = {0};
    struct buffer bytes = {0};

    must(file_load(path, &bytes, &error), &error);
    assert_int_equal(bytes.length, strlen(text));
    assert_memory_equal(bytes.data, text, bytes.length);
    buffer_free(&bytes);
}

static void test_the_view_is_of_what_is_current(void **state)
{
    struct local_place *place = *state;
    struct error error = {0};
    struct object object;

    fill(place);
    adopt(place, false);
    put_text(place, "one", "a/b/c", letters(place, 'c', 3000));
    put_text(place, "one", "a/b", "in the way");
    put_text(place, "one", "../out", "outside");
    put_text(place, "one", "folder/", "");
    must(try_put(place,
                 &(struct object_put){
                     .bucket = "one", .key = "secret", .owner = TEST_OWNER, .encryption = ENCRYPTION_AES256},
                 "x", 1, NULL, &object, &error),
         &error);
    struct browse_counts counts = browse(place, &error);

    must(counts.linked != UINT64_MAX, &error);
    assert_string_equal(told, "one/../out one/a/b/c one/folder/ one/secret ");
    assert_int_equal(counts.linked, 2);
    assert_int_equal(counts.written, 3);
    assert_file(in_tree("@one/in/big"), letters(place, 'b', 5000));
    assert_file(in_tree("@one/in/deep/small"), "small");
    assert_file(in_tree("@one/a/b"), "in the way");
    assert_int_equal(inode_of(in_tree("@one/in/big")), inode_of(in_tree("big")));

    /* Made anew it follows; what was linked stays as it was until then. */
    set_versioning(place, "one", true);
    put_text(place, "one", "in/big", "other");
    delete_key(place, "one", "a/b", NULL);
    assert_file(in_tree("@one/in/big"), letters(place, 'b', 5000));
    counts = browse(place, &error);
    must(counts.linked != UINT64_MAX, &error);
    assert_file(in_tree("@one/in/big"), "other");
    assert_file(in_tree("@one/a/b/c"), letters(place, 'c', 3000));
    struct stat status;

    assert_int_equal(stat(in_tree("@one/a/b/c"), &status), 0);
    assert_int_equal(status.st_mode & 0222, 0);

    /* What somebody else put there is left alone. */
    make_bucket(place, "other");
    assert_int_equal(mkdir(in_tree("@other"), 0777), 0);
    assert_int_equal(browse(place, &error).linked, UINT64_MAX);
    assert_int_equal(error.code, ERROR_CONFLICT);
    assert_true(access(in_tree("@other"), F_OK) == 0);
}

static int setup(void **state)
{
    if (local_place_setup(state) != 0) return -1;
    make_bucket(*state, "one");
    snprintf(tree, sizeof tree, "/tmp/aisle-test-tree-XXXXXX");
    snprintf(view, sizeof view, "/tmp/aisle-test-view-XXXXXX");
    return mkdtemp(tree) != NULL && mkdtemp(view) != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    file_remove_tree(tree, NULL);
    file_remove_tree(view, NULL);
    return local_place_teardown(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_files_become_objects_without_a_copy), TEST(test_a_change_in_place_is_found_and_never_served),
        TEST(test_copies_are_not_touched_by_changes),   TEST(test_encrypted_buckets_get_encrypted_copies),
        TEST(test_the_view_is_of_what_is_current),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
