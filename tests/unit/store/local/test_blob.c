/* Blobs: what is read is what was written, in every form and any range, or it is an error. */
#include "store/local/blob.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "support/torture.h"

#define INLINE_BYTES 5000
#define MOST (3U << 18)

static char folder[] = "/tmp/aisle-test-blob-XXXXXX";

static const uint8_t key[32] = "0123456789abcdef0123456789abcde";
static const uint8_t other_key[32] = "0123456789abcdef0123456789abcdE";
static const struct blob_form forms[] = {{0}, {.compressed = true}, {.key = key}, {.compressed = true, .key = key}};

#define FORMS (sizeof forms / sizeof forms[0])

static const char *path_of(const char *name)
{
    static char path[200];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* How many files lie in a folder and those below it. */
static size_t files_in(const char *path)
{
    DIR *entries = opendir(path);
    const struct dirent *entry = NULL;
    size_t count = 0;

    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        char below[600];

        assert_true(snprintf(below, sizeof below, "%s/%s", path, entry->d_name) < (int)sizeof below);
        if (entry->d_type == DT_REG) {
            count++;
        } else if (entry->d_name[0] != '.') {
            count += files_in(below);
        }
    }
    if (entries != NULL) {
        closedir(entries);
    }
    return count;
}

/* Text that zstd makes small, with runs that it cannot. */
static void fill(struct random *random, uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size;) {
        size_t run = 1 + (size_t)random_below(random, 300000);
        bool noise = random_below(random, 2) == 0;

        for (; run > 0 && i < size; run--, i++) {
            bytes[i] = noise ? (uint8_t)random_next(random) : (uint8_t)(i % 23);
        }
    }
}

/* Sizes around those of segments and frames. */
static size_t some_size(struct random *random)
{
    static const size_t about[] = {0, INLINE_BYTES, 65536, 131072, 262144, 524288};
    size_t near = about[random_below(random, sizeof about / sizeof about[0])] + (size_t)random_below(random, 5);

    return random_below(random, 3) > 0 ? (near > 2 ? near - 2 : near) : (size_t)random_below(random, MOST);
}

/* Writes in pieces. Where the bytes stay in memory `kept` holds them. */
static struct blob_stored write_blob(struct random *random, const struct blob_form *form, const uint8_t *bytes,
                                     size_t size, uint8_t *kept)
{
    struct error error;
    struct blob_stored stored;
    struct blob_writer *writer = blob_create(folder, form, INLINE_BYTES, &error);

    assert_non_null(writer);
    for (size_t at = 0; at < size;) {
        size_t left = size - at;
        size_t most = random_below(random, 2) == 0 ? 1000 : 600000;
        size_t piece = 1 + (size_t)random_below(random, left < most ? left : most);

        assert_true(blob_write(writer, bytes + at, piece, &error));
        at += piece;
    }
    if (!blob_finish(writer, &stored, &error)) {
        fail_msg("%s", error.message);
    }
    assert_int_equal(stored.size_bytes, size);
    if (stored.id[0] == '\0') {
        assert_true(stored.stored_bytes <= INLINE_BYTES);
        memcpy(kept, stored.bytes, stored.stored_bytes);
    } else {
        assert_int_equal(strlen(stored.id), BLOB_ID_CHARACTERS);
    }
    blob_writer_free(writer);
    return stored;
}

static struct blob_reader *open_blob(const struct blob_stored *stored, const uint8_t *kept,
                                     const struct blob_form *form, struct error *error)
{
    return stored->id[0] != '\0' ? blob_open(folder, stored->id, form, stored->size_bytes, error)
                                 : blob_open_bytes(kept, stored->stored_bytes, form, stored->size_bytes, error);
}

static void any_range_is_what_was_written(void **state)
{
    uint8_t *bytes = memory_array(MOST, 1, NULL);
    uint8_t *back = memory_array(MOST, 1, NULL);
    uint8_t kept[INLINE_BYTES];
    struct random random;
    struct error error;

    (void)state;
    random_seed(&random, 1);
    fill(&random, bytes, MOST);
    for (int round = 0; round < 120; round++) {
        const struct blob_form *form = &forms[(unsigned)round % FORMS];
        size_t size = some_size(&random);
        struct blob_stored stored = write_blob(&random, form, bytes, size, kept);
        struct blob_reader *reader = open_blob(&stored, kept, form, &error);
        bool plain = !form->compressed && form->key == NULL;

        assert_non_null(reader);
        assert_int_equal(blob_read(reader, back, MOST, 0, &error), size);
        assert_memory_equal(back, bytes, size);
        for (int range = 0; range < 30; range++) {
            uint64_t offset = random_below(&random, size + 10);
            size_t wanted = (size_t)random_below(&random, range < 20 ? 70000 : MOST);
            size_t there = offset >= size ? 0 : size - offset < wanted ? size - (size_t)offset : wanted;

            assert_int_equal(blob_read(reader, back, wanted, offset, &error), there);
            assert_memory_equal(back, bytes + (there > 0 ? offset : 0), there);
        }
        assert_int_equal(blob_reader_file(reader) >= 0, plain && stored.id[0] != '\0');
        assert_int_equal(blob_reader_bytes(reader) != NULL, plain && stored.id[0] == '\0');
        assert_true(!plain || stored.stored_bytes == size);
        assert_true(!form->compressed || size < 100000 || stored.stored_bytes < size + 1000);
        blob_reader_free(reader);
        assert_true(stored.id[0] == '\0' || blob_remove(folder, stored.id, &error));
    }
    assert_int_equal(files_in(folder), 0);
    memory_free(bytes);
    memory_free(back);
}

/* Reads all in steps; false when any of it is refused. What is read must be right. */
static bool read_back(struct blob_reader *reader, const uint8_t *bytes, size_t size, bool must_be_right,
                      struct error *error)
{
    static uint8_t step[50000];

    for (size_t at = 0; at < size;) {
        ssize_t got = blob_read(reader, step, sizeof step, at, error);

        if (got < 0) {
            return false;
        }
        assert_true(got > 0);
        assert_true(!must_be_right || memcmp(step, bytes + at, (size_t)got) == 0);
        at += (size_t)got;
    }
    return true;
}

/* One bit anywhere, a cut, an exchange of two segments, bytes behind: an encrypted blob gives nothing wrong. A
 * compressed one finds damage too. */
static void tampering_is_found(void **state)
{
    uint8_t *bytes = memory_array(MOST, 1, NULL);
    uint8_t *stored = memory_array(2 * MOST, 1, NULL);
    struct random random;
    struct error error;

    (void)state;
    random_seed(&random, 2);
    fill(&random, bytes, MOST);
    for (size_t i = 0; i < 70000; i++) {
        bytes[i] = (uint8_t)random_next(&random);
    }
    for (int round = 0; round < 400; round++) {
        const struct blob_form *form = &forms[1 + (unsigned)round % 3];
        size_t size = 140000 + (size_t)random_below(&random, 300000);
        struct blob_stored made = write_blob(&random, form, bytes, size, stored);
        char path[200];
        struct buffer file = {0};
        bool refused = false;

        blob_path(folder, made.id, path, sizeof path);
        assert_true(file_load(path, &file, &error));
        size_t length = file.length;

        size_t half = (length - 64) / 2 < 65552 ? (length - 64) / 2 : 65552;

        memcpy(stored, file.data, length);
        switch (random_below(&random, 4)) {
        case 0:
            stored[random_below(&random, length)] ^= (uint8_t)(1U << random_below(&random, 8));
            break;
        case 1:
            length = (size_t)random_below(&random, length);
            break;
        case 2:
            memcpy(stored + 64 + half, file.data + 64, half);
            break;
        default:
            memset(stored + length, 0, 65552);
            length += 1 + (size_t)random_below(&random, 65552);
        }
        struct blob_reader *reader = blob_open_bytes(stored, length, form, size, &error);

        refused = reader == NULL || !read_back(reader, bytes, size, true, &error);
        if (length != file.length || memcmp(stored, file.data, length) != 0) {
            assert_true(refused);
            assert_int_equal(error.code, ERROR_CORRUPT);
        }
        blob_reader_free(reader);
        buffer_free(&file);
        assert_true(blob_remove(folder, made.id, &error));
    }
    memory_free(bytes);
    memory_free(stored);
}

static void another_key_is_denied(void **state)
{
    const struct blob_form other = {.key = other_key};
    uint8_t kept[INLINE_BYTES];
    struct random random;
    struct error error;

    (void)state;
    random_seed(&random, 3);
    struct blob_stored stored = write_blob(&random, &forms[2], (const uint8_t *)"secret", 6, kept);

    assert_null(open_blob(&stored, kept, &other, &error));
    assert_int_equal(error.code, ERROR_DENIED);
    assert_null(memmem(kept, stored.stored_bytes, "secret", 6));

    /* Nothing can be told from two blobs of the same bytes. */
    uint8_t again[INLINE_BYTES];
    struct blob_stored second = write_blob(&random, &forms[2], (const uint8_t *)"secret", 6, again);

    assert_int_equal(stored.stored_bytes, second.stored_bytes);
    assert_memory_not_equal(kept + 64, again + 64, 6);
}

static void a_wrong_size_is_damage(void **state)
{
    static uint8_t bytes[10000];
    uint8_t kept[INLINE_BYTES];
    struct random random;
    struct error error;

    (void)state;
    random_seed(&random, 4);
    for (size_t f = 0; f < FORMS; f++) {
        for (size_t size = 0; size < sizeof bytes; size += 3333) {
            struct blob_stored stored = write_blob(&random, &forms[f], bytes, size, kept);

            for (int off = -1; off <= 1; off += 2) {
                struct blob_stored wrong = stored;

                wrong.size_bytes = stored.size_bytes + (uint64_t)(int64_t)off;
                assert_null(open_blob(&wrong, kept, &forms[f], &error));
                assert_int_equal(error.code, ERROR_CORRUPT);
            }
            assert_true(stored.id[0] == '\0' || blob_remove(folder, stored.id, &error));
        }
    }
}

static void an_absent_blob_is_told(void **state)
{
    struct error error;

    (void)state;
    assert_null(blob_open(folder, "01ARZ3NDEKTSV4RRFFQ69G5FAV", &forms[0], 5, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    assert_true(blob_remove(folder, "01ARZ3NDEKTSV4RRFFQ69G5FAV", &error));
}

static void what_is_not_finished_leaves_nothing(void **state)
{
    static uint8_t bytes[100000];
    struct error error;

    (void)state;
    for (size_t f = 0; f < FORMS; f++) {
        struct blob_writer *writer = blob_create(folder, &forms[f], 0, &error);

        assert_non_null(writer);
        assert_true(blob_write(writer, bytes, sizeof bytes, &error));
        blob_writer_free(writer);
    }
    assert_int_equal(files_in(folder), 0);
    /* tmp/ is not there, as on a disk that lost it. */
    assert_int_equal(rmdir(path_of("tmp")), 0);
    struct blob_writer *writer = blob_create(folder, &forms[0], 0, &error);

    assert_non_null(writer);
    assert_false(blob_write(writer, "x", 1, &error));
    blob_writer_free(writer);
    assert_int_equal(mkdir(path_of("tmp"), 0777), 0);
}

/* A process that ends at a failpoint, or is told to fail there. */
static void a_stop_anywhere_leaves_no_half_blob(void **state)
{
    static const char *const points[] = {"blob.written", "blob.synced", "blob.named"};
    static uint8_t bytes[100000];

    (void)state;
    for (size_t p = 0; p < 6; p++) {
        char setting[60];
        int status = 0;

        snprintf(setting, sizeof setting, "%s=%s", points[p / 2], p % 2 == 0 ? "crash" : "error");
        pid_t child = fork();

        if (child == 0) {
            struct error error;
            struct blob_stored stored;

            setenv("AISLE_FAILPOINTS", setting, 1);
            struct blob_writer *writer = blob_create(folder, &forms[2], 0, &error);
            bool good = writer != NULL && blob_write(writer, bytes, sizeof bytes, &error) &&
                        blob_finish(writer, &stored, &error);

            blob_writer_free(writer);
            _exit(good ? 1 : 0);
        }
        assert_true(child > 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(WEXITSTATUS(status), p % 2 == 0 ? 137 : 0);
        assert_int_equal(files_in(path_of("blobs")), p == 4 ? 1 : 0);
        assert_int_equal(files_in(path_of("tmp")), p == 0 || p == 2 ? 1 : 0);
        struct error error;

        assert_true(file_remove_tree(path_of("tmp"), &error) && file_remove_tree(path_of("blobs"), &error));
        assert_int_equal(mkdir(path_of("tmp"), 0777), 0);
    }
}

static void keys_are_wrapped_and_bound(void **state)
{
    uint8_t master[32];
    uint8_t again[32];
    uint8_t wrapped[BLOB_WRAPPED_KEY_BYTES];
    uint8_t back[32];
    struct stat status;
    struct error error;
    char path[200];

    (void)state;
    snprintf(path, sizeof path, "%s", path_of("key"));
    assert_false(blob_master_key(path, false, master, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    assert_true(blob_master_key(path, true, master, &error));
    assert_true(blob_master_key(path, true, again, &error));
    assert_memory_equal(master, again, sizeof master);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(files_in(folder), 1);

    assert_true(blob_key_wrap(master, key, "the blob", wrapped, &error));
    assert_true(blob_key_unwrap(master, wrapped, "the blob", back, &error));
    assert_memory_equal(back, key, sizeof back);
    assert_false(blob_key_unwrap(master, wrapped, "the blog", back, &error));
    assert_int_equal(error.code, ERROR_DENIED);
    assert_false(blob_key_unwrap(key, wrapped, "the blob", back, &error));
    for (size_t i = 0; i < sizeof wrapped; i++) {
        wrapped[i] ^= 0x10;
        assert_false(blob_key_unwrap(master, wrapped, "the blob", back, &error));
        wrapped[i] ^= 0x10;
    }
    assert_true(file_store(path, "short", 5, &error));
    assert_false(blob_master_key(path, true, master, &error));
    assert_int_equal(error.code, ERROR_INVALID);
    assert_true(file_remove(path, &error));
}

static bool write_and_read(void *context, struct error *error)
{
    static uint8_t bytes[70000];
    const struct blob_form *form = context;
    struct blob_stored stored = {0};
    struct blob_writer *writer = blob_create(folder, form, 0, error);
    bool good = writer != NULL && blob_write(writer, bytes, sizeof bytes, error) && blob_finish(writer, &stored, error);
    struct blob_reader *reader = good ? blob_open(folder, stored.id, form, sizeof bytes, error) : NULL;

    good = reader != NULL && read_back(reader, bytes, sizeof bytes, true, error);
    blob_reader_free(reader);
    blob_writer_free(writer);
    if (stored.id[0] != '\0') {
        char path[200];

        blob_path(folder, stored.id, path, sizeof path);
        unlink(path);
    }
    assert_int_equal(files_in(folder), 0);
    return good;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    for (size_t f = 0; f < FORMS; f++) {
        struct blob_form form = forms[f];

        torture_walk(write_and_read, &form);
    }
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) != NULL && mkdir(path_of("tmp"), 0777) == 0 ? 0 : -1;
}

static int remove_folder(void **state)
{
    struct error error;

    (void)state;
    return file_remove_tree(folder, &error) ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* First: the failpoints are read once in a process, which forks see. */
        cmocka_unit_test(a_stop_anywhere_leaves_no_half_blob),
        cmocka_unit_test(any_range_is_what_was_written),
        cmocka_unit_test(tampering_is_found),
        cmocka_unit_test(another_key_is_denied),
        cmocka_unit_test(a_wrong_size_is_damage),
        cmocka_unit_test(an_absent_blob_is_told),
        cmocka_unit_test(what_is_not_finished_leaves_nothing),
        cmocka_unit_test(keys_are_wrapped_and_bound),
        cmocka_unit_test(every_allocation_may_fail),
    };

    setenv("AISLE_SHORT_IO", "1", 1);
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
