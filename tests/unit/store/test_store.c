#include "store/store.h"

#include <string.h>

#include "support/torture.h"
#include "support/unit.h"

static void urls_are_taken_apart(void **state)
{
    (void)state;
    static const char *const right[][3] = {
        {"s3://b/k", "b", "k"},
        {"s3://b", "b", ""},
        {"s3://b/", "b", ""},
        {"s3://b//k", "b", "/k"},
        {"s3://my.bucket-1/a b/\xE2\x82\xAC?x#y%20", "my.bucket-1", "a b/\xE2\x82\xAC?x#y%20"},
        {"s3://b/k/", "b", "k/"}};
    struct error error = {0};
    struct arena *arena = arena_new(0, &error);
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        const char *bucket = NULL, *key = NULL;
        assert_true(store_is_url(right[i][0]));
        assert_true(store_url(right[i][0], arena, &bucket, &key, &error));
        assert_string_equal(bucket, right[i][1]);
        assert_string_equal(key, right[i][2]);
    }
    arena_free(arena);
}

static void what_is_no_url_is_told(void **state)
{
    (void)state;
    static const char *const wrong[] = {"s3://", "s3:///k", "s3:/b/k", "S3", "", "/s3://b/k", "http://b/k"};
    struct error error = {0};
    struct arena *arena = arena_new(0, &error);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const char *bucket = NULL, *key = NULL;
        assert_false(store_url(wrong[i], arena, &bucket, &key, &error));
        assert_int_equal(error.code, ERROR_USAGE);
    }
    assert_false(store_is_url("s3:/b/k"));
    assert_false(store_is_url("./s3://b"));
    assert_true(store_is_url("s3://"));
    arena_free(arena);
}

static bool take_apart(void *context, struct error *error)
{
    (void)context;
    const char *bucket = NULL, *key = NULL;
    struct arena *arena = arena_new(0, error);
    bool good = arena && store_url("s3://bucket/key", arena, &bucket, &key, error);
    if (arena) arena_free(arena);
    return good;
}

static void want_of_memory_is_told(void **state)
{
    (void)state;
    torture_walk(take_apart, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_are_taken_apart),
        cmocka_unit_test(what_is_no_url_is_told),
        cmocka_unit_test(want_of_memory_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
