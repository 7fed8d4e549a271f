/* What every implementation of the object store promises, whichever it is.
 *
 * usage: store-contract local DIR      a data folder, opened for itself
 *        store-contract remote         the server that AWS_ENDPOINT_URL and the other AWS_ variables name
 *
 * CONTRACT_KEYS=plain leaves out keys that stores of plain files cannot have.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/thread.h"
#include "store/local/local.h"
#include "store/remote/remote.h"
#include "support/unit.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define PART_BYTES ((size_t)5 << 20)

static struct store *store;
static bool is_local, plain_keys;
static char bucket[64], scratch[] = "/tmp/aisle-contract-XXXXXX";
static struct arena *arena;
static struct error error;
static unsigned buckets;

static void fail_with(const char *what)
{
    fail_msg("%s: %s (%s)", what, error.message, error.name ? error.name : "no name");
}

#define MUST(call)                                                                                                     \
    do {                                                                                                               \
        if (!(call)) fail_with(#call);                                                                                 \
    } while (0)

static void assert_name(const char *name)
{
    if (!error.name || strcmp(error.name, name) != 0) fail_msg("not %s: %s", name, error.message);
}

static void fill_bytes(char *bytes, size_t size, uint64_t seed)
{
    struct random random;
    random_seed(&random, seed);
    for (size_t i = 0; i < size; i += 8) {
        uint64_t value = random_next(&random);
        memcpy(bytes + i, &value, size - i < 8 ? size - i : 8);
    }
}

static char *make_bytes(size_t size, uint64_t seed)
{
    char *bytes = malloc(size + 1);
    assert_non_null(bytes);
    fill_bytes(bytes, size, seed);
    return bytes;
}

static struct store_object put(const char *key, const char *bytes, size_t size)
{
    struct store_put options = {.bucket = bucket, .key = key};
    struct store_object object;
    struct store_writer *writer = store_create(store, &options, &error);
    if (!writer) fail_with(key);
    MUST(size == 0 || store_write(writer, bytes, size, &error));
    MUST(store_finish(writer, arena, &object, &error));
    store_abandon(writer);
    return object;
}

static void put_text(const char *key, const char *text)
{
    put(key, text, strlen(text));
}

/* Whether the object holds exactly these bytes. */
static void assert_holds(const char *key, const char *bytes, size_t size)
{
    struct store_reader *reader = store_open(store, bucket, key, &error);
    if (!reader) fail_with(key);
    char *got = malloc(size + 100);
    assert_int_equal(store_reader_object(reader)->size_bytes, size);
    ssize_t length = store_read(reader, got, size + 100, 0, &error);
    if (length < 0) fail_with(key);
    assert_int_equal(length, size);
    assert_memory_equal(got, bytes, size);
    free(got);
    store_close(reader);
}

static int new_bucket(void **state)
{
    (void)state;
    error = (struct error){0};
    arena = arena_new(0, &error);
    snprintf(bucket, sizeof bucket, "contract-%d-%u-%llx", (int)getpid(), ++buckets,
             (unsigned long long)clock_monotonic_us());
    return arena && store_make_bucket(store, bucket, &error) ? 0 : 1;
}

static bool delete_visited(void *context, const struct store_object *object, bool is_prefix, struct error *why)
{
    (void)is_prefix;
    return store_delete(store, context, object->key, why);
}

/* A bucket that its test has left empty goes: nothing of an upload is left in it. */
static int remove_bucket(void **state)
{
    (void)state;
    struct store_listing all = {.prefix = "", .delimiter = "", .start_after = ""};
    bool good =
        store_list(store, bucket, &all, delete_visited, bucket, &error) && store_remove_bucket(store, bucket, &error);
    if (!good) fprintf(stderr, "%s stays: %s\n", bucket, error.message);
    arena_free(arena);
    return good ? 0 : 1;
}

static void an_object_is_what_was_put(void **state)
{
    (void)state;
    struct store_field metadata[] = {{"shop", "Berlin"}, {"note", "two words"}};
    struct store_put options = {.bucket = bucket,
                                .key = "raw_data/orders/day1.csv",
                                .content_type = "text/csv",
                                .metadata = metadata,
                                .metadata_count = 2};
    struct store_object made, found;
    struct store_writer *writer = store_create(store, &options, &error);
    assert_non_null(writer);
    MUST(store_write(writer, "hello ", 6, &error));
    MUST(store_write(writer, "world", 5, &error));
    MUST(store_finish(writer, arena, &made, &error));
    store_abandon(writer);
    MUST(store_head(store, bucket, options.key, arena, &found, &error));
    assert_string_equal(made.etag, "5eb63bbbe01eeed093cb22bb8f5acdc3");
    assert_string_equal(found.etag, made.etag);
    assert_int_equal(made.size_bytes, 11);
    assert_int_equal(found.size_bytes, 11);
    assert_string_equal(found.key, options.key);
    assert_string_equal(found.content_type, "text/csv");
    assert_true(llabs(found.modified_us - clock_now_us()) < INT64_C(3600) * 1000000);
    assert_int_equal(found.metadata_count, 2);
    for (size_t i = 0; i < 2; i++) {
        bool shop = strcmp(found.metadata[i].name, "shop") == 0;
        assert_string_equal(found.metadata[i].name, shop ? "shop" : "note");
        assert_string_equal(found.metadata[i].value, shop ? "Berlin" : "two words");
    }
    if (*found.sha256) {
        assert_string_equal(found.sha256, "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9");
    }
    assert_holds(options.key, "hello world", 11);
    put_text(options.key, "another");
    assert_holds(options.key, "another", 7);
    put("empty", NULL, 0);
    assert_holds("empty", "", 0);
}

static void what_is_not_there_is_told(void **state)
{
    (void)state;
    struct store_object object;
    struct store_put options = {.bucket = "contract-no-such-bucket-9", .key = "k"};
    assert_false(store_head(store, bucket, "absent", arena, &object, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    assert_null(store_open(store, bucket, "absent", &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    assert_name("NoSuchKey");
    assert_null(store_open(store, options.bucket, "absent", &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    assert_name("NoSuchBucket");
    MUST(store_delete(store, bucket, "absent", &error));
    assert_false(store_delete(store, options.bucket, "absent", &error));
    assert_name("NoSuchBucket");
    struct store_writer *writer = store_create(store, &options, &error);
    bool written = writer && store_write(writer, "x", 1, &error) && store_finish(writer, arena, &object, &error);
    assert_false(written);
    assert_name("NoSuchBucket");
    store_abandon(writer);
    options.bucket = bucket;
    assert_false(store_copy(store, bucket, "absent", &options, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    struct store_listing all = {.prefix = "", .delimiter = "", .start_after = ""};
    assert_false(store_list(store, "contract-no-such-bucket-9", &all, delete_visited, NULL, &error));
    assert_name("NoSuchBucket");
    char path[64];
    snprintf(path, sizeof path, "%s/absent", scratch);
    assert_false(store_download(store, bucket, "absent", path, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    assert_int_equal(access(path, F_OK), -1);
    assert_false(store_upload(store, &options, "/nonexistent/file", &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
}

static bool count_bucket(void *context, const char *name, int64_t created_us, struct error *why)
{
    (void)why;
    unsigned *found = context;
    if (strcmp(name, bucket) == 0) {
        ++*found;
        assert_true(llabs(created_us - clock_now_us()) < INT64_C(3600) * 1000000);
    }
    return true;
}

static void buckets_come_and_go(void **state)
{
    (void)state;
    unsigned found = 0;
    MUST(store_list_buckets(store, count_bucket, &found, &error));
    assert_int_equal(found, 1);
    MUST(store_make_bucket(store, bucket, &error));
    put_text("k", "v");
    assert_false(store_remove_bucket(store, bucket, &error));
    assert_name("BucketNotEmpty");
    assert_int_equal(error.code, ERROR_CONFLICT);
    MUST(store_delete(store, bucket, "k", &error));
    MUST(store_remove_bucket(store, bucket, &error));
    assert_false(store_remove_bucket(store, bucket, &error));
    assert_name("NoSuchBucket");
    found = 0;
    MUST(store_list_buckets(store, count_bucket, &found, &error));
    assert_int_equal(found, 0);
    assert_false(store_make_bucket(store, "ab", &error));
    assert_name("InvalidBucketName");
    MUST(store_make_bucket(store, bucket, &error));
}

static const char *const odd_keys[] = {
    "!-_.*'()",
    "a b",
    "a%20b",
    "a+b",
    "a&b=c;d,e:f@g$h",
    "a?b#c",
    "\"quoted\" <xml> & 'more'",
    "back\\slash^`{|}~[]",
    "umlaut/\xC3\xA4\xE2\x82\xAC\xF0\x9F\x8D\x8E",
    /* From here on for stores of no files. */
    "a//b",
    "/leading",
    "trailing/",
    "./dot/../dots/.",
    "line\nbreak\ttab\x01one\x7F",
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789",
};
#define FIRST_ODDER 9

struct gathered {
    struct buffer text; /* "key\n" or "prefix|\n" */
    size_t count;
    size_t stop_at; /* 0: never */
};

static bool gather(void *context, const struct store_object *object, bool is_prefix, struct error *why)
{
    struct gathered *gathered = context;
    buffer_append_text(&gathered->text, object->key);
    buffer_append_text(&gathered->text, is_prefix ? "|;" : ";");
    gathered->count++;
    if (gathered->count == gathered->stop_at) return error_set(why, ERROR_LIMIT, "enough");
    return true;
}

static void assert_lists(const char *prefix, const char *delimiter, const char *start_after, const char *expected)
{
    struct store_listing listing = {.prefix = prefix, .delimiter = delimiter, .start_after = start_after};
    struct gathered gathered = {0};
    MUST(store_list(store, bucket, &listing, gather, &gathered, &error));
    assert_string_equal(buffer_text(&gathered.text), expected);
    buffer_free(&gathered.text);
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void keys_are_any_text(void **state)
{
    (void)state;
    size_t count = plain_keys ? FIRST_ODDER : COUNT_OF(odd_keys);
    const char *sorted[COUNT_OF(odd_keys)];
    struct buffer expected = {0};
    for (size_t i = 0; i < count; i++) {
        struct store_object object;
        put_text(odd_keys[i], odd_keys[i]);
        MUST(store_head(store, bucket, odd_keys[i], arena, &object, &error));
        sorted[i] = odd_keys[i];
    }
    qsort(sorted, count, sizeof *sorted, compare_texts);
    for (size_t i = 0; i < count; i++) buffer_append_format(&expected, "%s;", sorted[i]);
    assert_lists("", "", "", buffer_text(&expected));
    for (size_t i = 0; i < count; i++) {
        char to[400];
        struct store_put options = {.bucket = bucket, .key = to};
        assert_holds(odd_keys[i], odd_keys[i], strlen(odd_keys[i]));
        snprintf(to, sizeof to, "copy%zu", i);
        MUST(store_copy(store, bucket, odd_keys[i], &options, &error));
        assert_holds(to, odd_keys[i], strlen(odd_keys[i]));
        MUST(store_delete(store, bucket, odd_keys[i], &error));
        MUST(store_delete(store, bucket, to, &error));
    }
    assert_lists("", "", "", "");
    buffer_free(&expected);
}

static void listings_have_prefixes_and_folders(void **state)
{
    (void)state;
    static const char *const keys[] = {"a", "b/1", "b/2/x", "b/2/y", "b-", "c/d/e", "c/f", "cc", "z/z"};
    for (size_t i = 0; i < COUNT_OF(keys); i++) put_text(keys[i], "x");
    assert_lists("", "", "", "a;b-;b/1;b/2/x;b/2/y;c/d/e;c/f;cc;z/z;");
    assert_lists("", "/", "", "a;b-;b/|;c/|;cc;z/|;");
    assert_lists("b", "/", "", "b-;b/|;");
    assert_lists("b/", "/", "", "b/1;b/2/|;");
    assert_lists("b/2", "/", "", "b/2/|;");
    assert_lists("b/2/", "/", "", "b/2/x;b/2/y;");
    assert_lists("q", "/", "", "");
    assert_lists("", "", "b/2/x", "b/2/y;c/d/e;c/f;cc;z/z;");
    assert_lists("b/", "", "b/1", "b/2/x;b/2/y;");
    assert_lists("", "", "zz", "");
    struct gathered gathered = {.stop_at = 3};
    struct store_listing all = {.prefix = "", .delimiter = "", .start_after = ""};
    assert_false(store_list(store, bucket, &all, gather, &gathered, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    assert_int_equal(gathered.count, 3);
    buffer_free(&gathered.text);
}

static bool put_numbered(void *context, size_t index, unsigned worker, struct error *why)
{
    (void)context;
    (void)worker;
    char key[32];
    snprintf(key, sizeof key, "many/%04zu%s", index, index % 100 == 50 ? "/below" : "");
    struct store_put options = {.bucket = bucket, .key = key};
    struct store_object object;
    struct arena *own = arena_new(0, why);
    struct store_writer *writer = store_create(store, &options, why);
    bool good = writer && store_write(writer, key, strlen(key), why) && store_finish(writer, own, &object, why);
    store_abandon(writer);
    arena_free(own);
    return good;
}

static void long_listings_come_whole(void **state)
{
    (void)state;
    enum { MANY = 1250 };
    struct buffer expected = {0}, folders = {0};
    struct team *team = team_new(8, &error);
    MUST(team_run(team, MANY, put_numbered, NULL, &error));
    team_free(team);
    for (unsigned i = 0; i < MANY; i++) {
        bool below = i % 100 == 50;
        buffer_append_format(&expected, "many/%04u%s;", i, below ? "/below" : "");
        buffer_append_format(&folders, "many/%04u%s;", i, below ? "/|" : "");
    }
    assert_lists("", "", "", buffer_text(&expected));
    assert_lists("many/", "/", "", buffer_text(&folders));
    assert_lists("", "/", "", "many/|;");
    buffer_free(&expected);
    buffer_free(&folders);
}

static void any_place_can_be_read(void **state)
{
    (void)state;
    size_t size = (3 << 20) + 17;
    char *bytes = make_bytes(size, 1), *got = malloc(size);
    struct random random;
    random_seed(&random, 2);
    put("large", bytes, size);
    struct store_reader *reader = store_open(store, bucket, "large", &error);
    assert_non_null(reader);
    for (unsigned i = 0; i < 60; i++) {
        uint64_t offset = random_below(&random, size + 1000), wanted = random_below(&random, i % 2 ? 100 : size);
        uint64_t expected = offset >= size ? 0 : offset + wanted > size ? size - offset : wanted;
        ssize_t length = store_read(reader, got, wanted, offset, &error);
        if (length < 0) fail_with("a read");
        assert_int_equal(length, expected);
        if (expected) assert_memory_equal(got, bytes + offset, expected);
    }
    for (size_t at = 0; at < size;) { /* from front to back */
        ssize_t length = store_read(reader, got, 70000, at, &error);
        assert_true(length > 0);
        assert_memory_equal(got, bytes + at, (size_t)length);
        at += (size_t)length;
    }
    store_close(reader);
    free(bytes);
    free(got);
}

static void what_is_read_is_of_one_version(void **state)
{
    (void)state;
    size_t size = 2 << 20;
    char *old_bytes = make_bytes(size, 3), *new_bytes = make_bytes(size, 4), *got = malloc(size);
    put("k", old_bytes, size);
    struct store_reader *reader = store_open(store, bucket, "k", &error);
    assert_non_null(reader);
    assert_int_equal(store_read(reader, got, 1000, 0, &error), 1000);
    put("k", new_bytes, size);
    ssize_t length = store_read(reader, got, size, 0, &error);
    if (length < 0) {
        assert_false(is_local);
        assert_name("PreconditionFailed");
    } else {
        assert_memory_equal(got, old_bytes, size);
    }
    store_close(reader);
    assert_holds("k", new_bytes, size);
    free(old_bytes);
    free(new_bytes);
    free(got);
}

static void streams_of_any_length_arrive(void **state)
{
    (void)state;
    static const size_t sizes[] = {
        1, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES, 3 * PART_BYTES + 7, 7 * PART_BYTES + 1};
    char *bytes = make_bytes(sizes[COUNT_OF(sizes) - 1], 5);
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct store_put options = {.bucket = bucket, .key = "stream", .content_type = "x/y"};
        struct store_object object, found;
        struct store_writer *writer = store_create(store, &options, &error);
        assert_non_null(writer);
        for (size_t at = 0; at < sizes[i];) {
            size_t piece = sizes[i] - at < 777777 ? sizes[i] - at : 777777;
            MUST(store_write(writer, bytes + at, piece, &error));
            at += piece;
        }
        MUST(store_finish(writer, arena, &object, &error));
        store_abandon(writer);
        assert_int_equal(object.size_bytes, sizes[i]);
        MUST(store_head(store, bucket, "stream", arena, &found, &error));
        assert_string_equal(found.etag, object.etag);
        assert_string_equal(found.content_type, "x/y");
        assert_holds("stream", bytes, sizes[i]);
    }
    free(bytes);
}

static void what_is_abandoned_was_never_there(void **state)
{
    (void)state;
    char *bytes = make_bytes(PART_BYTES, 6);
    struct store_object object;
    for (unsigned parts = 0; parts <= 5; parts += 5) {
        struct store_put options = {.bucket = bucket, .key = "abandoned"};
        struct store_writer *writer = store_create(store, &options, &error);
        assert_non_null(writer);
        MUST(store_write(writer, "x", 1, &error));
        for (unsigned i = 0; i < parts; i++) MUST(store_write(writer, bytes, PART_BYTES, &error));
        store_abandon(writer);
        assert_false(store_head(store, bucket, "abandoned", arena, &object, &error));
        assert_int_equal(error.code, ERROR_NOT_FOUND);
    }
    assert_lists("", "", "", "");
    free(bytes);
}

static void files_go_there_and_back(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 70000, PART_BYTES, 2 * PART_BYTES + 12345, 6 * PART_BYTES};
    char from[64], to[64];
    char *bytes = make_bytes(sizes[COUNT_OF(sizes) - 1], 7);
    snprintf(from, sizeof from, "%s/from", scratch);
    snprintf(to, sizeof to, "%s/to", scratch);
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct store_put options = {.bucket = bucket, .key = "file", .content_type = "text/csv"};
        struct buffer got = {0};
        struct store_object object;
        MUST(file_store(from, bytes, sizes[i], &error));
        MUST(store_upload(store, &options, from, &error));
        MUST(store_head(store, bucket, "file", arena, &object, &error));
        assert_int_equal(object.size_bytes, sizes[i]);
        assert_string_equal(object.content_type, "text/csv");
        MUST(store_download(store, bucket, "file", to, &error)); /* over the one of before */
        MUST(file_load(to, &got, &error));
        assert_int_equal(got.length, sizes[i]);
        if (sizes[i]) assert_memory_equal(got.data, bytes, sizes[i]);
        buffer_free(&got);
    }
    free(bytes);
    unlink(from);
    unlink(to);
    assert_int_equal(rmdir(scratch), 0); /* nothing else was left there */
    assert_int_equal(mkdir(scratch, 0700), 0);
}

static void copies_are_like_their_source(void **state)
{
    (void)state;
    struct store_field metadata[] = {{"a", "1"}}, other[] = {{"b", "2"}};
    struct store_put first = {
        .bucket = bucket, .key = "from", .content_type = "text/csv", .metadata = metadata, .metadata_count = 1};
    struct store_object object;
    char *bytes = make_bytes(100000, 8);
    struct store_writer *writer = store_create(store, &first, &error);
    MUST(store_write(writer, bytes, 100000, &error));
    MUST(store_finish(writer, arena, &object, &error));
    store_abandon(writer);
    struct store_put same = {.bucket = bucket, .key = "same"};
    MUST(store_copy(store, bucket, "from", &same, &error));
    MUST(store_head(store, bucket, "same", arena, &object, &error));
    assert_string_equal(object.content_type, "text/csv");
    assert_int_equal(object.metadata_count, 1);
    assert_string_equal(object.metadata[0].name, "a");
    assert_holds("same", bytes, 100000);
    struct store_put changed = {
        .bucket = bucket, .key = "changed", .content_type = "x/y", .metadata = other, .metadata_count = 1};
    MUST(store_copy(store, bucket, "from", &changed, &error));
    MUST(store_head(store, bucket, "changed", arena, &object, &error));
    assert_string_equal(object.content_type, "x/y");
    assert_int_equal(object.metadata_count, 1);
    assert_string_equal(object.metadata[0].name, "b");
    MUST(store_delete(store, bucket, "from", &error));
    assert_holds("changed", bytes, 100000);
    free(bytes);
}

/* Puts on conditions: true when it took place. */
static bool put_if(bool only_if_absent, const char *if_match, const char *text)
{
    struct store_put options = {.bucket = bucket, .key = "k", .only_if_absent = only_if_absent, .if_match = if_match};
    struct store_object object;
    error = (struct error){0};
    struct store_writer *writer = store_create(store, &options, &error);
    bool good =
        writer && store_write(writer, text, strlen(text), &error) && store_finish(writer, arena, &object, &error);
    store_abandon(writer);
    if (!good) assert_name("PreconditionFailed");
    return good;
}

static void puts_can_have_conditions(void **state)
{
    (void)state;
    struct store_object object;
    assert_true(put_if(true, NULL, "first"));
    assert_false(put_if(true, NULL, "second"));
    assert_int_equal(error.code, ERROR_CONFLICT);
    assert_holds("k", "first", 5);
    assert_false(put_if(false, "00000000000000000000000000000000", "third"));
    assert_holds("k", "first", 5);
    MUST(store_head(store, bucket, "k", arena, &object, &error));
    assert_true(put_if(false, object.etag, "fourth"));
    assert_holds("k", "fourth", 6);
}

enum { THREADS = 4, ROUNDS = 15, SHARED_BYTES = 300000 };

static bool busy(void *context, size_t index, unsigned worker, struct error *why)
{
    (void)worker;
    (void)context;
    char key[32], shared_key[32];
    struct store_object object;
    struct store_put own = {.bucket = bucket, .key = key}, shared = {.bucket = bucket, .key = shared_key};
    char *bytes = malloc(SHARED_BYTES), *got = malloc(SHARED_BYTES);
    struct arena *own_arena = arena_new(0, why);
    bool good = true;
    /* Stores of plain files lose a key for a moment while it is replaced. */
    snprintf(shared_key, sizeof shared_key, "shared");
    if (plain_keys) snprintf(shared_key, sizeof shared_key, "shared-%zu", index);
    for (unsigned i = 0; good && i < ROUNDS; i++) {
        snprintf(key, sizeof key, "own-%zu-%u", index, i);
        struct store_writer *writer = store_create(store, &own, why);
        good = writer && store_write(writer, key, strlen(key), why) && store_finish(writer, own_arena, &object, why);
        store_abandon(writer);
        memset(bytes, 'a' + (int)index, SHARED_BYTES);
        writer = good ? store_create(store, &shared, why) : NULL;
        good = writer && store_write(writer, bytes, SHARED_BYTES, why) && store_finish(writer, own_arena, &object, why);
        store_abandon(writer);
        struct store_reader *reader = good ? store_open(store, bucket, shared_key, why) : NULL;
        ssize_t length = reader ? store_read(reader, got, SHARED_BYTES, 0, why) : -1;
        store_close(reader);
        /* Written anew between the two requests: told, not mixed. */
        bool replaced = length < 0 && why->name && strcmp(why->name, "PreconditionFailed") == 0;
        good = good && (replaced || (length == SHARED_BYTES && memcmp(got, got + 1, SHARED_BYTES - 1) == 0));
        good = good && store_delete(store, bucket, key, why);
    }
    arena_free(own_arena);
    free(bytes);
    free(got);
    return good;
}

static void threads_do_not_disturb_each_other(void **state)
{
    (void)state;
    struct team *team = team_new(THREADS, &error);
    MUST(team_run(team, THREADS, busy, NULL, &error));
    team_free(team);
    assert_lists("", "", "", plain_keys ? "shared-0;shared-1;shared-2;shared-3;" : "shared;");
}

static size_t keep_answer(char *data, size_t size, size_t count, void *context)
{
    buffer_append(context, data, size * count);
    return size * count;
}

static long fetch(const char *url, struct buffer *body)
{
    long status = 0;
    CURL *handle = curl_easy_init();
    curl_easy_setopt(handle, CURLOPT_URL, url);
    curl_easy_setopt(handle, CURLOPT_PATH_AS_IS, 1L);
    if (getenv("AWS_CA_BUNDLE")) curl_easy_setopt(handle, CURLOPT_CAINFO, getenv("AWS_CA_BUNDLE"));
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, keep_answer);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, body);
    assert_int_equal(curl_easy_perform(handle), CURLE_OK);
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(handle);
    return status;
}

static void a_url_gives_the_object(void **state)
{
    (void)state;
    const char *key = plain_keys ? "a b+c/\xC3\xA4?&.txt" : "a b+c//\xC3\xA4?&.txt";
    put_text(key, "signed");
    const char *url = store_presign(store, "GET", bucket, key, 600, arena, &error);
    if (is_local) {
        assert_null(url);
        assert_non_null(strstr(error.message, "server"));
        return;
    }
    struct buffer body = {0};
    assert_non_null(url);
    assert_int_equal(fetch(url, &body), 200);
    assert_int_equal(body.length, 6);
    assert_memory_equal(body.data, "signed", 6);
    if (!getenv("CONTRACT_ANY_SIGNATURE")) {
        char *changed = strdup(url);
        char *signature = strstr(changed, "X-Amz-Signature=") + strlen("X-Amz-Signature=");
        *signature = *signature == '0' ? '1' : '0';
        assert_int_equal(fetch(changed, &body), 403);
        free(changed);
    }
    buffer_free(&body);
    assert_null(store_presign(store, "GET", bucket, key, 604801, arena, &error));
}

static struct folder *folder;
static struct local_store *local;

static bool open_store(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "local") == 0) {
        is_local = true;
        folder = folder_open(argv[2], FOLDER_WRITE, &error);
        struct local_options options = {.folder = folder};
        local = folder ? local_open(&options, &error) : NULL;
        store = local ? local_port(local, "000000000000", &error) : NULL;
        return store != NULL;
    }
    if (argc != 2 || strcmp(argv[1], "remote") != 0) return error_set(&error, ERROR_USAGE, "local DIR, or remote");
    struct remote_options options = {.part_bytes = PART_BYTES, .parallel = 3};
    struct arena *texts = arena_new(0, &error);
    if (texts && aws_client_defaults("s3", texts, &options.client, &error)) store = remote_open(&options, &error);
    arena_free(texts);
    return store != NULL;
}

static void close_store(void)
{
    store_free(store);
    if (local) local_close(local);
    if (folder) folder_close(folder);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_object_is_what_was_put, new_bucket, remove_bucket),
        cmocka_unit_test_setup_teardown(what_is_not_there_is_told, new_bucket, remove_bucket),
        cmocka_unit_test_setup_teardown(buckets_come_and_go, new_bucket, remove_bucket),
        cmocka_unit_test_setup_teardown(keys_are_any_text, new_bucket, remove_bucket),
        cmocka_unit_test_setup_teardown(listings_have_prefixes_and_folders, new_bucket, remove_bucket),
        cmocka_unit_test_setup_teardown(long_listings_come_whole, new_bucket, remove_bucket),
        cmocka_unit_test_setup_teardown(any_place_can_be_read, new_bucket, remove_bucket),
        cmocka_unit_test_setup_teardown(what_is_read_is_of_one_version, new_bucket, remove_bucket),
        cmocka_unit_test_setup_teardown(streams_of_any_length_arrive, new_bucket, remove_bucket),
        cmocka_unit_test_setup_teardown(what_is_abandoned_was_never_there, new_bucket, remove_bucket),
        cmocka_unit_test_setup_teardown(files_go_there_and_back, new_bucket, remove_bucket),
        cmocka_unit_test_setup_teardown(copies_are_like_their_source, new_bucket, remove_bucket),
        cmocka_unit_test_setup_teardown(puts_can_have_conditions, new_bucket, remove_bucket),
        cmocka_unit_test_setup_teardown(threads_do_not_disturb_each_other, new_bucket, remove_bucket),
        cmocka_unit_test_setup_teardown(a_url_gives_the_object, new_bucket, remove_bucket),
    };
    plain_keys = getenv("CONTRACT_KEYS") && strcmp(getenv("CONTRACT_KEYS"), "plain") == 0;
    if (!mkdtemp(scratch) || !open_store(argc, argv)) {
        fprintf(stderr, "store-contract: %s\n", error.message);
        return 1;
    }
    int failed = cmocka_run_group_tests_name("store", tests, NULL, NULL);
    close_store();
    file_remove_tree(scratch, NULL);
    return failed;
}
