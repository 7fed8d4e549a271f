#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <zlib.h>
#include <zstd.h>

#include "base/buffer.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "support/torture.h"
#include "tabular/csv_source.h"

/* A folder of the test's own, and a file in it. */
struct fixture {
    char folder[64];
    char path[80];
};

static int set_up(void **state)
{
    static struct fixture fixture;
    const char *root = getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp";

    snprintf(fixture.folder, sizeof fixture.folder, "%.40s/csv-source-XXXXXX", root);
    if (mkdtemp(fixture.folder) == NULL) {
        return -1;
    }
    snprintf(fixture.path, sizeof fixture.path, "%s/file", fixture.folder);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    struct error error;

    return file_remove_tree(fixture->folder, &error) ? 0 : -1;
}

static void store(const struct fixture *fixture, const void *data, size_t size)
{
    struct error error = {0};

    if (!file_store(fixture->path, data, size, &error)) {
        fail_msg("%s", error.message);
    }
}

static void store_text(const struct fixture *fixture, const char *text)
{
    store(fixture, text, strlen(text));
}

static struct csv_source_options options_of(const struct fixture *fixture)
{
    return (struct csv_source_options){.temporary_folder = fixture->folder};
}

/* The source, opened with `options`, gives these bytes from its start. */
static void expect_content(const struct fixture *fixture, const struct csv_source_options *options,
                           const void *expected, size_t size)
{
    struct error error = {0};
    struct csv_source source;

    if (!csv_source_open(&source, fixture->path, options, &error)) {
        fail_msg("%s", error.message);
    }
    assert_int_equal(source.size - source.start, size);
    char *data = memory_array(size + 1, 1, &error);

    assert_non_null(data);
    assert_int_equal(file_read_at(source.fd, data, size + 1, source.start, "source", &error), size);
    assert_memory_equal(data, expected, size);
    memory_free(data);
    assert_true(csv_source_finish(&source, &error));
    csv_source_close(&source);
}

/* Opening fails, and says so in a sentence that names the file and holds `words`. */
static void expect_refused(const struct fixture *fixture, const struct csv_source_options *options,
                           enum error_code code, const char *words)
{
    struct error error = {0};
    struct csv_source source;

    assert_false(csv_source_open(&source, fixture->path, options, &error));
    assert_int_equal(error.code, code);
    if (strstr(error.message, words) == NULL || strstr(error.message, fixture->path) == NULL) {
        fail_msg("'%s' does not say '%s'", error.message, words);
    }
    assert_int_equal(source.fd, -1);
    csv_source_close(&source);
}

/* Appends one gzip member to `into`. */
static void gzip_append(struct buffer *into, const void *data, size_t size)
{
    z_stream gzip = {0};

    assert_int_equal(deflateInit2(&gzip, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    char *room = buffer_room(into, deflateBound(&gzip, size) + 100);

    assert_non_null(room);
    gzip.next_in = (z_const Bytef *)(uintptr_t)data;
    gzip.avail_in = (uInt)size;
    gzip.next_out = (Bytef *)room;
    gzip.avail_out = (uInt)(deflateBound(&gzip, size) + 100);
    assert_int_equal(deflate(&gzip, Z_FINISH), Z_STREAM_END);
    buffer_advance(into, gzip.total_out);
    deflateEnd(&gzip);
}

/* Appends one zstd frame with a checksum to `into`. */
static void zstd_append(struct buffer *into, const void *data, size_t size)
{
    ZSTD_CCtx *context = ZSTD_createCCtx();
    size_t bound = ZSTD_compressBound(size);
    char *room = buffer_room(into, bound);

    assert_non_null(context);
    assert_non_null(room);
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    size_t written = ZSTD_compress2(context, room, bound, data, size);

    assert_false(ZSTD_isError(written));
    buffer_advance(into, written);
    ZSTD_freeCCtx(context);
}

/* Text that neither is tiny when packed nor fits the decoders' buffers. */
static char *long_text(size_t size)
{
    struct error error;
    struct random random;
    char *text = memory_array(size, 1, &error);

    assert_non_null(text);
    random_seed(&random, 7);
    for (size_t i = 0; i < size; i++) {
        text[i] = "0123456789,\nabcdef"[random_below(&random, 18)];
    }
    return text;
}

static void test_plain(void **state)
{
    const struct fixture *fixture = *state;
    const struct csv_source_options options = options_of(fixture);

    store_text(fixture, "");
    expect_content(fixture, &options, "", 0);
    store_text(fixture, "a");
    expect_content(fixture, &options, "a", 1);
    store_text(fixture, "a,b\n1,2\n");
    expect_content(fixture, &options, "a,b\n1,2\n", 8);
    store_text(fixture, "\xef\xbb\xbf"
                        "a,b\n");
    expect_content(fixture, &options, "a,b\n", 4);
    store_text(fixture, "\xef\xbb\xbf");
    expect_content(fixture, &options, "", 0);
    store_text(fixture, "\xef\xbb");
    expect_content(fixture, &options, "\xef\xbb", 2);
}

static void test_hash(void **state)
{
    const struct fixture *fixture = *state;
    struct csv_source_options options = options_of(fixture);
    struct error error = {0};
    struct csv_source source;

    store_text(fixture, "abc");
    assert_true(csv_source_open(&source, fixture->path, &options, &error));
    assert_string_equal(source.sha256, "");
    csv_source_close(&source);
    options.hash = true;
    assert_true(csv_source_open(&source, fixture->path, &options, &error));
    assert_string_equal(source.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_false(source.unpacked);
    csv_source_close(&source);
}

/* A file without a name is read as one with a name is, through a descriptor of the source's own. */
static void test_nameless(void **state)
{
    const struct fixture *fixture = *state;
    struct csv_source_options options = options_of(fixture);
    struct error error = {0};
    struct csv_source source;
    struct buffer packed;
    char data[8];

    buffer_init(&packed, 0);
    gzip_append(&packed, "a,b\n", 4);
    for (int i = 0; i < 2; i++) {
        int fd = file_open_nameless(fixture->folder, &error);

        assert_true(fd >= 0);
        assert_true(i == 0 ? file_write(fd, "a,b\n", 4, "a file", &error)
                           : file_write(fd, packed.data, packed.length, "a file", &error));
        options.hash = true;
        assert_true(csv_source_open_nameless(&source, "s3://bucket/key", fd, &options, &error));
        close(fd);
        assert_string_equal(source.path, "s3://bucket/key");
        assert_int_equal(source.size, 4);
        assert_int_equal(strlen(source.sha256), 64);
        assert_int_equal(file_read_at(source.fd, data, sizeof data, 0, "source", &error), 4);
        assert_memory_equal(data, "a,b\n", 4);
        assert_true(csv_source_finish(&source, &error));
        csv_source_close(&source);
    }
    int fd = file_open_nameless(fixture->folder, &error);

    assert_true(file_write(fd, packed.data, packed.length - 3, "a file", &error));
    assert_false(csv_source_open_nameless(&source, "s3://bucket/cut.gz", fd, &options, &error));
    assert_int_equal(error.code, ERROR_INVALID);
    assert_non_null(strstr(error.message, "s3://bucket/cut.gz"));
    close(fd);
    buffer_free(&packed);
}

/* Of a packed file it is the bytes on disk that are hashed, however many steps they take. */
static void test_hash_of_packed(void **state)
{
    const struct fixture *fixture = *state;
    struct csv_source_options options = options_of(fixture);
    struct error error = {0};
    struct csv_source source;
    struct buffer packed;
    char hex[65];
    size_t size = 1500000;
    char *text = long_text(size);

    buffer_init(&packed, 0);
    gzip_append(&packed, text, size);
    store(fixture, packed.data, packed.length);
    assert_true(digest_sha256_hex(packed.data, packed.length, hex, &error));
    options.hash = true;
    assert_true(csv_source_open(&source, fixture->path, &options, &error));
    assert_string_equal(source.sha256, hex);
    assert_true(source.unpacked);
    assert_int_equal(source.size, size);
    assert_int_equal(source.stored_size, packed.length);
    csv_source_close(&source);
    memory_free(text);
    buffer_free(&packed);
}

static void test_packed(void **state)
{
    const struct fixture *fixture = *state;
    const struct csv_source_options options = options_of(fixture);
    size_t size = 1000003;
    char *text = long_text(size);
    void (*const pack[])(struct buffer * into, const void *data, size_t size) = {gzip_append, zstd_append};

    for (size_t form = 0; form < 2; form++) {
        struct buffer packed;

        /* Members and frames of all sizes, empty ones too, one after the other. */
        buffer_init(&packed, 0);
        pack[form](&packed, "\xef\xbb\xbf", 3);
        for (size_t at = 0, part = 0; at < size; part = part * 3 + 1) {
            size_t now = part < size - at ? part : size - at;

            pack[form](&packed, text + at, now);
            at += now;
        }
        store(fixture, packed.data, packed.length);
        expect_content(fixture, &options, text, size);
        buffer_clear(&packed);
        pack[form](&packed, "", 0);
        store(fixture, packed.data, packed.length);
        expect_content(fixture, &options, "", 0);
        buffer_free(&packed);
    }
    memory_free(text);
}

/* Cut anywhere, and with a bit turned anywhere, it is refused or, where the bit means nothing, the same. */
static void test_packed_damage(void **state)
{
    const struct fixture *fixture = *state;
    const struct csv_source_options options = options_of(fixture);
    void (*const pack[])(struct buffer * into, const void *data, size_t size) = {gzip_append, zstd_append};
    static const char text[] = "order_id,amount\n1,2.50\n2,3.75\n3,3.75\n4,3.75\n";

    for (size_t form = 0; form < 2; form++) {
        struct buffer packed;

        buffer_init(&packed, 0);
        pack[form](&packed, text, sizeof text - 1);
        size_t first = packed.length;

        pack[form](&packed, text, sizeof text - 1);
        for (size_t cut = 4; cut < packed.length; cut++) {
            store(fixture, packed.data, cut);
            if (cut != first) {
                expect_refused(fixture, &options, ERROR_INVALID, "not complete");
            }
        }
        packed.data[packed.length - 3] ^= 1;
        store(fixture, packed.data, packed.length);
        expect_refused(fixture, &options, ERROR_INVALID, "damaged at byte");
        buffer_free(&packed);
    }
}

static void test_gzip_padding(void **state)
{
    const struct fixture *fixture = *state;
    const struct csv_source_options options = options_of(fixture);
    struct buffer packed;

    buffer_init(&packed, 0);
    gzip_append(&packed, "a\n", 2);
    buffer_append(&packed, "\0\0\0\0\0", 5);
    store(fixture, packed.data, packed.length);
    expect_content(fixture, &options, "a\n", 2);
    buffer_append(&packed, "x", 1);
    store(fixture, packed.data, packed.length);
    expect_refused(fixture, &options, ERROR_INVALID, "bytes after the end");
    packed.length -= 6;
    buffer_append(&packed, "garbage", 7);
    store(fixture, packed.data, packed.length);
    expect_refused(fixture, &options, ERROR_INVALID, "damaged at byte");
    buffer_free(&packed);
}

static void test_zstd_skippable_frame(void **state)
{
    const struct fixture *fixture = *state;
    const struct csv_source_options options = options_of(fixture);
    struct buffer packed;

    buffer_init(&packed, 0);
    buffer_append(&packed, "\x53\x2a\x4d\x18\x02\0\0\0hi", 10);
    zstd_append(&packed, "a\n", 2);
    store(fixture, packed.data, packed.length);
    expect_content(fixture, &options, "a\n", 2);
    buffer_free(&packed);
}

static void test_ceiling(void **state)
{
    const struct fixture *fixture = *state;
    struct csv_source_options options = options_of(fixture);
    struct error error;
    struct buffer packed;
    size_t size = 3000000;
    char *zeros = memory_zeroed(size, &error);

    assert_non_null(zeros);
    buffer_init(&packed, 0);
    gzip_append(&packed, zeros, size);
    store(fixture, packed.data, packed.length);
    options.unpacked_ceiling = size - 1;
    expect_refused(fixture, &options, ERROR_LIMIT, "2999999");
    options.unpacked_ceiling = size;
    expect_content(fixture, &options, zeros, size);
    buffer_free(&packed);
    memory_free(zeros);
}

static void test_latin1(void **state)
{
    const struct fixture *fixture = *state;
    struct csv_source_options options = options_of(fixture);

    options.encoding = CSV_LATIN1;
    store_text(fixture, "caf\xe9,\x80\xff\n");
    expect_content(fixture, &options, "caf\xc3\xa9,\xc2\x80\xc3\xbf\n", 11);
    store_text(fixture, "\xe9");
    expect_content(fixture, &options, "\xc3\xa9", 2);
    store_text(fixture, "");
    expect_content(fixture, &options, "", 0);
    /* A mark decides over the declaration. */
    store_text(fixture, "\xef\xbb\xbf\xc3\xa9");
    expect_content(fixture, &options, "\xc3\xa9", 2);
}

static void test_utf16(void **state)
{
    const struct fixture *fixture = *state;
    struct csv_source_options options = options_of(fixture);
    static const char expected[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\n";

    /* Marked, without being declared. */
    store(fixture,
          "\xff\xfe"
          "a\0\xe9\0\xac\x20\x3d\xd8\x00\xde\n\0",
          14);
    expect_content(fixture, &options, expected, sizeof expected - 1);
    store(fixture,
          "\xfe\xff"
          "\0a\0\xe9\x20\xac\xd8\x3d\xde\x00\0\n",
          14);
    expect_content(fixture, &options, expected, sizeof expected - 1);
    options.encoding = CSV_UTF16;
    store(fixture, "a\0\xe9\0\xac\x20\x3d\xd8\x00\xde\n\0", 12);
    expect_content(fixture, &options, expected, sizeof expected - 1);
    store(fixture, "\xff\xfe", 2);
    expect_content(fixture, &options, "", 0);
    /* A mark that is not at the start is a character. */
    store(fixture, "a\0\xff\xfe", 4);
    expect_content(fixture, &options, "a\xef\xbb\xbf", 4);
}

static void test_wrong_utf16(void **state)
{
    const struct fixture *fixture = *state;
    struct csv_source_options options = options_of(fixture);

    options.encoding = CSV_UTF16;
    store(fixture, "a\0b", 3);
    expect_refused(fixture, &options, ERROR_INVALID, "after byte 3");
    store(fixture, "a\0\x3d\xd8", 4);
    expect_refused(fixture, &options, ERROR_INVALID, "after byte 4");
    store(fixture, "a\0\x3d\xd8\x00", 5);
    expect_refused(fixture, &options, ERROR_INVALID, "after byte 5");
    store(fixture, "a\0\x3d\xd8z\0", 6);
    expect_refused(fixture, &options, ERROR_INVALID, "byte 2 is not UTF-16: the surrogate D83D");
    store(fixture,
          "\xff\xfe"
          "a\0\x00\xdez\0",
          8);
    expect_refused(fixture, &options, ERROR_INVALID, "byte 4 is not UTF-16: the surrogate DE00");
}

/* Long texts of every character, packed or not: pieces are cut in the middle of characters. */
static void test_long_utf16(void **state)
{
    const struct fixture *fixture = *state;
    const struct csv_source_options options = options_of(fixture);
    struct random random;
    struct buffer units;
    struct buffer expected;

    random_seed(&random, 8);
    buffer_init(&units, 0);
    buffer_init(&expected, 0);
    buffer_append(&units, "\xff\xfe", 2);
    while (units.length < 900000) {
        uint32_t lead = (uint32_t)random_below(&random, 4) == 0 ? 0xd83d : (uint32_t)random_below(&random, 128);

        buffer_append_char(&units, (char)(lead & 0xff));
        buffer_append_char(&units, (char)(lead >> 8));
        if (lead == 0xd83d) {
            buffer_append(&units, "\x00\xde", 2);
            buffer_append_text(&expected, "\xf0\x9f\x98\x80");
        } else {
            buffer_append_char(&expected, (char)lead);
        }
    }
    store(fixture, units.data, units.length);
    expect_content(fixture, &options, expected.data, expected.length);

    struct buffer packed;

    buffer_init(&packed, 0);
    for (size_t at = 0, part = 1; at < units.length; part = part * 2 + 1) {
        size_t now = part < units.length - at ? part : units.length - at;

        gzip_append(&packed, units.data + at, now);
        at += now;
    }
    store(fixture, packed.data, packed.length);
    expect_content(fixture, &options, expected.data, expected.length);
    buffer_free(&packed);
    buffer_free(&units);
    buffer_free(&expected);
}

static void test_not_files(void **state)
{
    const struct fixture *fixture = *state;
    const struct csv_source_options options = options_of(fixture);
    struct fixture other = *fixture;

    snprintf(other.path, sizeof other.path, "%s", fixture->folder);
    expect_refused(&other, &options, ERROR_INVALID, "is a folder");
    snprintf(other.path, sizeof other.path, "%s/absent", fixture->folder);
    expect_refused(&other, &options, ERROR_NOT_FOUND, "cannot be opened");
    snprintf(other.path, sizeof other.path, "%s/pipe", fixture->folder);
    assert_int_equal(mkfifo(other.path, 0600), 0);
    expect_refused(&other, &options, ERROR_INVALID, "not a regular file");
    snprintf(other.path, sizeof other.path, "/dev/null");
    expect_refused(&other, &options, ERROR_INVALID, "not a regular file");
}

static void test_unreadable(void **state)
{
    const struct fixture *fixture = *state;
    const struct csv_source_options options = options_of(fixture);

    if (geteuid() == 0) {
        skip(); /* the superuser reads everything */
    }
    store_text(fixture, "a\n");
    assert_int_equal(chmod(fixture->path, 0), 0);
    expect_refused(fixture, &options, ERROR_DENIED, "cannot be opened");
}

static void test_no_room_to_unpack(void **state)
{
    const struct fixture *fixture = *state;
    struct csv_source_options options = options_of(fixture);
    struct buffer packed;

    buffer_init(&packed, 0);
    gzip_append(&packed, "a\n", 2);
    store(fixture, packed.data, packed.length);
    options.temporary_folder = "/nonexistent";
    expect_refused(fixture, &options, ERROR_NOT_FOUND, "/nonexistent");
    buffer_free(&packed);
}

static void expect_changed(const struct csv_source *opened, const char *words)
{
    struct csv_source source = *opened;
    struct error error = {0};

    assert_false(csv_source_finish(&source, &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    assert_non_null(strstr(error.message, words));
}

static void test_changes(void **state)
{
    const struct fixture *fixture = *state;
    const struct csv_source_options options = options_of(fixture);
    struct error error = {0};
    struct csv_source source;
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1000000000}};

    store_text(fixture, "a,b\n");
    assert_int_equal(utimensat(AT_FDCWD, fixture->path, times, 0), 0);
    assert_true(csv_source_open(&source, fixture->path, &options, &error));
    assert_true(csv_source_finish(&source, &error));

    /* As long as before, but written again. */
    times[1].tv_nsec = 1;
    assert_int_equal(utimensat(AT_FDCWD, fixture->path, times, 0), 0);
    expect_changed(&source, "changed while it was read");

    /* Longer, with the same time. */
    times[1].tv_nsec = 0;
    store_text(fixture, "a,b\n1,2\n");
    assert_int_equal(utimensat(AT_FDCWD, fixture->path, times, 0), 0);
    expect_changed(&source, "4 bytes at the start, 8 now");

    assert_int_equal(unlink(fixture->path), 0);
    expect_changed(&source, "was removed");
    csv_source_close(&source);
    csv_source_close(&source);
}

/* Nothing that unpacking made is left under a name. */
static bool fail_on_name(void *context, const char *name, struct error *error)
{
    (void)context;
    return strcmp(name, "file") == 0 || strcmp(name, "pipe") == 0 ||
           error_set(error, ERROR_INTERNAL, "%s was left behind", name);
}

static void test_nothing_left_behind(void **state)
{
    const struct fixture *fixture = *state;
    const struct csv_source_options options = options_of(fixture);
    struct error error = {0};
    struct csv_source source;
    struct buffer packed;

    buffer_init(&packed, 0);
    zstd_append(&packed, "a\n", 2);
    store(fixture, packed.data, packed.length);
    assert_true(csv_source_open(&source, fixture->path, &options, &error));
    assert_true(file_list(fixture->folder, fail_on_name, NULL, &error));
    csv_source_close(&source);
    buffer_free(&packed);
}

static bool open_and_close(void *context, struct error *error)
{
    const struct fixture *fixture = context;
    struct csv_source_options options = options_of(fixture);
    struct csv_source source;

    options.hash = true;
    if (!csv_source_open(&source, fixture->path, &options, error)) {
        return false;
    }
    csv_source_close(&source);
    return true;
}

static void test_memory_runs_out(void **state)
{
    struct fixture *fixture = *state;
    struct buffer packed;

    buffer_init(&packed, 0);
    gzip_append(&packed, "a,b\n", 4);
    store(fixture, packed.data, packed.length);
    buffer_free(&packed);
    torture_walk(open_and_close, fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),           cmocka_unit_test(test_hash),
        cmocka_unit_test(test_nameless),        cmocka_unit_test(test_hash_of_packed),
        cmocka_unit_test(test_packed),          cmocka_unit_test(test_packed_damage),
        cmocka_unit_test(test_gzip_padding),    cmocka_unit_test(test_zstd_skippable_frame),
        cmocka_unit_test(test_ceiling),         cmocka_unit_test(test_latin1),
        cmocka_unit_test(test_utf16),           cmocka_unit_test(test_wrong_utf16),
        cmocka_unit_test(test_long_utf16),      cmocka_unit_test(test_not_files),
        cmocka_unit_test(test_unreadable),      cmocka_unit_test(test_no_room_to_unpack),
        cmocka_unit_test(test_changes),         cmocka_unit_test(test_nothing_left_behind),
        cmocka_unit_test(test_memory_runs_out),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
