#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aws/client.h"
#include "base/file.h"
#include "support/torture.h"
#include "support/unit.h"

static char folder[] = "/tmp/aisle-defaults-XXXXXX";
static char credentials[64], config[64];

static const char *const variables[] = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",      "AWS_SESSION_TOKEN",
                                        "AWS_REGION",        "AWS_DEFAULT_REGION",         "AWS_PROFILE",
                                        "AWS_ENDPOINT_URL",  "AWS_ENDPOINT_URL_S3",        "AWS_CA_BUNDLE",
                                        "AWS_CONFIG_FILE",   "AWS_SHARED_CREDENTIALS_FILE"};

static int set_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) unsetenv(variables[i]);
    file_remove(credentials, NULL);
    file_remove(config, NULL);
    return setenv("AWS_SHARED_CREDENTIALS_FILE", credentials, 1) | setenv("AWS_CONFIG_FILE", config, 1);
}

static void write_file(const char *path, const char *text)
{
    struct error error = {0};
    assert_true(file_store(path, text, strlen(text), &error));
}

static bool load(void *context, struct error *error)
{
    struct arena *arena = arena_new(0, error);
    struct aws_client_options options;
    bool good = arena && aws_client_defaults(context, arena, &options, error);
    if (arena) arena_free(arena);
    return good;
}

static void with_nothing_it_is_aws_without_a_key(void **state)
{
    (void)state;
    struct error error = {0};
    struct aws_client_options options;
    struct arena *arena = arena_new(0, &error);
    assert_true(aws_client_defaults("s3", arena, &options, &error));
    assert_string_equal(options.endpoint, "https://s3.us-east-1.amazonaws.com");
    assert_string_equal(options.region, "us-east-1");
    assert_null(options.access_key_id);
    arena_free(arena);
}

static void the_environment_wins(void **state)
{
    (void)state;
    struct error error = {0};
    struct aws_client_options options;
    struct arena *arena = arena_new(0, &error);
    write_file(credentials, "[default]\naws_access_key_id = FILEID\naws_secret_access_key = filesecret\n"
                            "aws_session_token = filetoken\n");
    write_file(config, "[default]\nregion = ap-south-1\nendpoint_url = http://file:1\n");
    setenv("AWS_ACCESS_KEY_ID", "ENVID", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "envsecret", 1);
    setenv("AWS_DEFAULT_REGION", "eu-west-1", 1);
    setenv("AWS_ENDPOINT_URL", "http://any:2", 1);
    assert_true(aws_client_defaults("s3", arena, &options, &error));
    assert_string_equal(options.access_key_id, "ENVID");
    assert_string_equal(options.secret_access_key, "envsecret");
    assert_null(options.session_token); /* a file's token does not go with the environment's key */
    assert_string_equal(options.region, "eu-west-1");
    assert_string_equal(options.endpoint, "http://any:2");
    setenv("AWS_REGION", "eu-west-2", 1);
    setenv("AWS_ENDPOINT_URL_S3", "http://s3:3", 1);
    assert_true(aws_client_defaults("s3", arena, &options, &error));
    assert_string_equal(options.region, "eu-west-2");
    assert_string_equal(options.endpoint, "http://s3:3");
    assert_true(aws_client_defaults("dynamodb", arena, &options, &error));
    assert_string_equal(options.endpoint, "http://any:2");
    arena_free(arena);
}

static void profiles_are_read(void **state)
{
    (void)state;
    struct error error = {0};
    struct aws_client_options options;
    struct arena *arena = arena_new(0, &error);
    write_file(credentials, "# keys\n[default]\naws_access_key_id=DEFAULTID\naws_secret_access_key=d\n\n"
                            "[shop]\r\naws_access_key_id = SHOPID\r\naws_secret_access_key = a=b/c+\r\n");
    write_file(config, "[profile shop]\nregion = eu-north-1\ns3 =\n  region = wrong\n  addressing_style = path\n"
                       "endpoint_url = https://shop.example\n[profile other]\nregion = us-west-2\n[default]\nregion=x");
    setenv("AWS_PROFILE", "shop", 1);
    assert_true(aws_client_defaults("s3", arena, &options, &error));
    assert_string_equal(options.access_key_id, "SHOPID");
    assert_string_equal(options.secret_access_key, "a=b/c+");
    assert_string_equal(options.region, "eu-north-1");
    assert_string_equal(options.endpoint, "https://shop.example");
    unsetenv("AWS_PROFILE");
    assert_true(aws_client_defaults("s3", arena, &options, &error));
    assert_string_equal(options.access_key_id, "DEFAULTID");
    assert_string_equal(options.region, "x");
    setenv("AWS_PROFILE", "absent", 1);
    assert_false(aws_client_defaults("s3", arena, &options, &error));
    assert_int_equal(error.code, ERROR_USAGE);
    assert_non_null(strstr(error.message, "absent"));
    arena_free(arena);
}

static void half_a_key_is_none(void **state)
{
    (void)state;
    struct error error = {0};
    setenv("AWS_ACCESS_KEY_ID", "ENVID", 1);
    write_file(credentials, "[default]\naws_access_key_id = FILEID\naws_secret_access_key = filesecret\n");
    char service[] = "s3";
    assert_false(load(service, &error));
    assert_int_equal(error.code, ERROR_USAGE);
    assert_non_null(strstr(error.message, "secret access key"));
}

static void want_of_memory_is_told(void **state)
{
    (void)state;
    char service[] = "s3";
    write_file(credentials, "[default]\naws_access_key_id = FILEID\naws_secret_access_key = filesecret\n");
    write_file(config, "[default]\nregion = ap-south-1\n");
    torture_walk(load, service);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(with_nothing_it_is_aws_without_a_key, set_up),
        cmocka_unit_test_setup(the_environment_wins, set_up),
        cmocka_unit_test_setup(profiles_are_read, set_up),
        cmocka_unit_test_setup(half_a_key_is_none, set_up),
        cmocka_unit_test_setup(want_of_memory_is_told, set_up),
    };
    if (!mkdtemp(folder)) return 1;
    snprintf(credentials, sizeof credentials, "%s/credentials", folder);
    snprintf(config, sizeof config, "%s/config", folder);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    file_remove_tree(folder, NULL);
    return failed;
}
