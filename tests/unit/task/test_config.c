#include "task/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "support/torture.h"
#include "support/unit.h"

static char path[] = "/tmp/aisle-config-XXXXXX";

static struct config *load(const char *text, struct error *error)
{
    *error = (struct error){0};
    assert_true(file_store(path, text, strlen(text), error));
    return config_load(path, error);
}

static void refused(const char *text, const char *expected)
{
    struct error error;
    struct config *config = load(text, &error);

    assert_null(config);
    assert_int_equal(error.code, ERROR_USAGE);
    assert_memory_equal(error.message, path, strlen(path));
    if (strstr(error.message, expected) == NULL) fail_msg("\"%s\" does not hold \"%s\"", error.message, expected);
}

static void without_a_file_there_are_defaults(void **state)
{
    struct error error;
    struct config *config = config_load(NULL, &error);

    (void)state;
    assert_string_equal(config->listen, "127.0.0.1:9000");
    assert_string_equal(config->data, "./aisle-data");
    assert_string_equal(config->region, "us-east-1");
    assert_string_equal(config->account, "000000000000");
    assert_string_equal(config->log_level, "info");
    assert_int_equal(config->lifecycle_interval_seconds, 3600);
    assert_false(config->allow_remote);
    assert_null(config->access_key_id);
    config_free(config);
    config = load("# nothing\n", &error);
    assert_string_equal(config->listen, "127.0.0.1:9000");
    config_free(config);
    config_free(NULL);
}

static void every_key_is_read(void **state)
{
    struct error error;
    struct config *config = load("data: /srv/aisle\n"
                                 "listen: '[::1]:9443'\n"
                                 "allow_remote: true\n"
                                 "tls_certificate: cert.pem\n"
                                 "tls_key: key.pem\n"
                                 "region: eu-central-1\n"
                                 "domain: s3.example.org\n"
                                 "account: \"123456789012\"\n"
                                 "access_key_id: AKEXAMPLE\n"
                                 "secret_access_key: 'a secret: with # signs'\n"
                                 "key_file: /srv/key\n"
                                 "buckets: [orders, sales]\n"
                                 "watch:\n"
                                 "  - folder: /srv/drop\n"
                                 "    bucket: orders\n"
                                 "    prefix: raw_data/\n"
                                 "    done_marker: true\n"
                                 "    settle_ms: 500\n"
                                 "    after: archive\n"
                                 "  - {folder: /srv/more, bucket: sales}\n"
                                 "workers: 16\n"
                                 "max_connections: 100\n"
                                 "max_connections_per_ip: 10\n"
                                 "idle_timeout_seconds: 30\n"
                                 "drain_seconds: 0\n"
                                 "lifecycle_interval_seconds: 1\n"
                                 "log_level: debug\n"
                                 "log_requests: true\n"
                                 "metrics_remote: true\n",
                                 &error);

    (void)state;
    assert_non_null(config);
    assert_string_equal(config->data, "/srv/aisle");
    assert_string_equal(config->listen, "[::1]:9443");
    assert_true(config->allow_remote && config->log_requests && config->metrics_remote);
    assert_string_equal(config->tls_certificate, "cert.pem");
    assert_string_equal(config->tls_key, "key.pem");
    assert_string_equal(config->region, "eu-central-1");
    assert_string_equal(config->domain, "s3.example.org");
    assert_string_equal(config->account, "123456789012");
    assert_string_equal(config->access_key_id, "AKEXAMPLE");
    assert_string_equal(config->secret_access_key, "a secret: with # signs");
    assert_string_equal(config->key_file, "/srv/key");
    assert_int_equal(config->bucket_count, 2);
    assert_string_equal(config->buckets[1], "sales");
    assert_int_equal(config->watch_count, 2);
    assert_string_equal(config->watches[0].folder, "/srv/drop");
    assert_string_equal(config->watches[0].prefix, "raw_data/");
    assert_true(config->watches[0].done_marker);
    assert_int_equal(config->watches[0].settle_ms, 500);
    assert_string_equal(config->watches[0].after, "archive");
    assert_string_equal(config->watches[1].bucket, "sales");
    assert_string_equal(config->watches[1].prefix, "");
    assert_int_equal(config->watches[1].settle_ms, 2000);
    assert_string_equal(config->watches[1].after, "keep");
    assert_int_equal(config->workers, 16);
    assert_int_equal(config->max_connections, 100);
    assert_int_equal(config->max_connections_per_ip, 10);
    assert_int_equal(config->idle_timeout_seconds, 30);
    assert_int_equal(config->drain_seconds, 0);
    assert_int_equal(config->lifecycle_interval_seconds, 1);
    assert_string_equal(config->log_level, "debug");
    config_free(config);
}

static void errors_name_line_column_and_key(void **state)
{
    (void)state;
    refused("data: x\nlisten: y\nworkrs: 5\n",
            "line 3, column 1: there is no key 'workrs' here; did you mean 'workers'?");
    refused("zzzzzzzz: 5\n", "line 1, column 1: there is no key 'zzzzzzzz' here");
    refused("data: x\nworkers: five\n", "line 2, column 10: workers must be a whole number from 1 to 1024");
    refused("workers: 0\n", "workers must be");
    refused("workers: -1\n", "workers must be");
    refused("workers: 1025\n", "workers must be");
    refused("workers: 0x10\n", "workers must be");
    refused("workers: 99999999999999999999\n", "workers must be");
    refused("workers: [1]\n", "line 1, column 10: workers must be");
    refused("log_requests: maybe\n", "line 1, column 15: log_requests must be true or false");
    refused("log_level: loud\n", "log_level must be one of debug, info, warn, error");
    refused("data:\n", "data must have 1 to 4096 characters");
    refused("data: \"a\\0b\"\n", "data must have");
    refused("data: [a]\n", "data must be a single value");
    refused("data: a\ndata: b\n", "line 2, column 1: the key data is here for the second time");
    refused("buckets: orders\n", "line 1, column 10: buckets must be a list");
    refused("buckets: [ab]\n", "buckets must have 3 to 63 characters");
    refused("- a\n", "line 1, column 1: here must be keys");
    refused("watch:\n  - folder: x\n", "line 2, column 5: the key bucket is missing");
    refused("watch:\n  - folder: x\n    buket: y\n",
            "line 3, column 5: there is no key 'buket' here; did you mean 'bucket'?");
    refused("watch:\n  - folder: x\n    bucket: abc\n    after: burn\n",
            "line 4, column 12: after must be one of keep");
    refused("data: [\n", "line 2, column 1: this is no YAML");
    refused("data: \x01\n", "this is no YAML");
    refused("? [a]\n: b\n", "a key must be a single word");
    refused("tls_key: x\n", "tls_certificate is missing");
    refused("access_key_id: x\n", "secret_access_key is missing");
    refused("account: '12'\n", "account must be 12 digits");
    refused("account: abcdefghijkl\n", "account must be 12 digits");
}

static void a_file_that_is_not_there_is_told(void **state)
{
    struct error error = {0};

    (void)state;
    assert_null(config_load("/nonexistent/aisle.yaml", &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
}

static bool load_once(void *context, struct error *error)
{
    struct config *config = config_load(context, error);

    config_free(config);
    return config != NULL;
}

static void want_of_memory_is_reported(void **state)
{
    struct error error;

    (void)state;
    config_free(load("buckets: [orders]\nwatch:\n  - {folder: a, bucket: abc}\n", &error));
    torture_walk(load_once, path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_file_there_are_defaults), cmocka_unit_test(every_key_is_read),
        cmocka_unit_test(errors_name_line_column_and_key),   cmocka_unit_test(a_file_that_is_not_there_is_told),
        cmocka_unit_test(want_of_memory_is_reported),
    };
    int fd = mkstemp(path);

    if (fd < 0) return 1;
    close(fd);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    unlink(path);
    return failed;
}
