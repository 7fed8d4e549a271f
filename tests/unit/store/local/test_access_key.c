/* Access keys: made, found, changed and gone, and their secrets never in the clear on disk. */
#include "store/local/access_key.h"

#include "base/clock.h"
#include "support/local_store.h"

static void check_error(const char *name, const struct error *error)
{
    assert_non_null(error->name);
    assert_string_equal(error->name, name);
}

static struct access_key add(struct local_place *place, const struct access_key *key, bool with_session)
{
    struct error error = {0};
    struct access_key made;

    must(access_key_add(place->store, key, with_session, place->arena, &made, &error), &error);
    return made;
}

static void test_a_key_is_found_as_it_was_made(void **state)
{
    struct local_place *place = *state;
    struct error error = {0};
    struct access_key made =
        add(place, &(struct access_key){.name = "orders", .owner = TEST_OWNER, .policy = "{}"}, false);

    assert_int_equal(strlen(made.id), 20);
    assert_int_equal(strncmp(made.id, "AK", 2), 0);
    assert_int_equal(strlen(made.secret), 40);
    assert_null(made.session_token);
    for (int round = 0; round < 3; round++) {
        const struct access_key *found = access_key_find(place->store, made.id, &error);

        must(found != NULL, &error);
        assert_string_equal(found->secret, made.secret);
        assert_string_equal(found->name, "orders");
        assert_string_equal(found->owner, TEST_OWNER);
        assert_string_equal(found->policy, "{}");
        assert_null(found->session_token);
        assert_true(found->active);
        access_key_release(place->store, found);
        if (round == 1) {
            local_place_close(place);
            local_place_open(place);
        }
    }
    assert_null(access_key_find(place->store, "AKIAUNKNOWN", &error));
    check_error("InvalidAccessKeyId", &error);
}

static void test_given_ids_and_secrets_are_taken(void **state)
{
    struct local_place *place = *state;
    struct error error = {0};
    struct access_key given = {.id = "minioadmin", .secret = "a secret/of mine", .name = "admin", .owner = TEST_OWNER};
    struct access_key made = add(place, &given, false);

    assert_string_equal(made.id, "minioadmin");
    assert_false(access_key_add(place->store, &given, false, place->arena, &made, &error));
    check_error("EntityAlreadyExists", &error);
    given.id = "no spaces";
    assert_false(access_key_add(place->store, &given, false, place->arena, &made, &error));
    check_error("InvalidArgument", &error);
    given.id = "other";
    given.secret = "short";
    assert_false(access_key_add(place->store, &given, false, place->arena, &made, &error));
    check_error("InvalidArgument", &error);
}

static void test_changes_are_seen_at_once(void **state)
{
    struct local_place *place = *state;
    struct error error = {0};
    struct access_key made = add(place, &(struct access_key){.name = "n", .owner = TEST_OWNER}, false);
    const struct access_key *held = access_key_find(place->store, made.id, &error);

    must(held != NULL, &error);
    must(access_key_set_policy(place->store, made.id, "{\"a\": 1}", &error), &error);
    const struct access_key *found = access_key_find(place->store, made.id, &error);

    must(found != NULL, &error);
    assert_string_equal(found->policy, "{\"a\": 1}");
    assert_null(held->policy); /* as it stood when it was asked for */
    access_key_release(place->store, found);
    access_key_release(place->store, held);
    must(access_key_set_active(place->store, made.id, false, &error), &error);
    assert_null(access_key_find(place->store, made.id, &error));
    check_error("InvalidAccessKeyId", &error);
    must(access_key_set_active(place->store, made.id, true, &error), &error);
    found = access_key_find(place->store, made.id, &error);
    must(found != NULL, &error);
    access_key_release(place->store, found);
    must(access_key_remove(place->store, made.id, &error), &error);
    assert_null(access_key_find(place->store, made.id, &error));
    check_error("InvalidAccessKeyId", &error);
    assert_false(access_key_remove(place->store, made.id, &error));
    check_error("NoSuchEntity", &error);
    assert_false(access_key_set_active(place->store, made.id, true, &error));
    check_error("NoSuchEntity", &error);
}

static void test_temporary_keys_have_a_token_and_expire(void **state)
{
    struct local_place *place = *state;
    struct error error = {0};
    struct access_key soon = {.name = "n", .owner = TEST_OWNER, .expires_us = clock_now_us() + 3600 * INT64_C(1000000)};
    struct access_key past = {.name = "n", .owner = TEST_OWNER, .expires_us = clock_now_us() - 1};
    struct access_key made = add(place, &soon, true);
    const struct access_key *found = access_key_find(place->store, made.id, &error);

    must(found != NULL, &error);
    assert_int_equal(strncmp(made.id, "AS", 2), 0);
    assert_string_equal(found->session_token, made.session_token);
    access_key_release(place->store, found);
    made = add(place, &past, true);
    assert_null(access_key_find(place->store, made.id, &error));
    check_error("ExpiredToken", &error);
}

static void test_the_list_has_no_secrets(void **state)
{
    struct local_place *place = *state;
    struct error error = {0};
    struct access_key *keys = NULL;
    size_t count = 0;

    for (int k = 0; k < 40; k++) {
        add(place, &(struct access_key){.name = "n", .owner = TEST_OWNER, .created_us = 1000 - k}, false);
    }
    must(access_key_list(place->store, place->arena, &keys, &count, &error), &error);
    assert_int_equal(count, 40);
    for (size_t k = 0; k < count; k++) {
        assert_null(keys[k].secret);
        assert_true(k == 0 || keys[k - 1].created_us < keys[k].created_us);
    }
}

static bool holds(void *context, const char *name, struct error *error)
{
    struct buffer *all = context;
    char path[300];

    snprintf(path, sizeof path, "%s/%s", all[1].data, name);
    return strncmp(name, "aisle.db", 8) != 0 || file_load(path, &all[0], error);
}

static void test_no_secret_lies_open_on_disk(void **state)
{
    struct local_place *place = *state;
    struct error error = {0};
    struct access_key made = add(place, &(struct access_key){.name = "n", .owner = TEST_OWNER}, true);
    struct buffer all[2] = {{0}, {.data = place->path}};

    must(file_list(place->path, holds, all, &error), &error);
    assert_non_null(memmem(all[0].data, all[0].length, made.id, strlen(made.id)));
    assert_null(memmem(all[0].data, all[0].length, made.secret, strlen(made.secret)));
    assert_null(memmem(all[0].data, all[0].length, made.session_token, strlen(made.session_token)));
    buffer_free(&all[0]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, local_place_setup, local_place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_key_is_found_as_it_was_made), TEST(test_given_ids_and_secrets_are_taken),
        TEST(test_changes_are_seen_at_once),      TEST(test_temporary_keys_have_a_token_and_expire),
        TEST(test_the_list_has_no_secrets),       TEST(test_no_secret_lies_open_on_disk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
