/* The S3 client against servers that break off, lie, change their mind, or answer what nobody asked. What it does with
 * servers that behave is tests/contract. */
#include "store/remote/remote.h"

#include <dirent.h>

#include "base/digest.h"
#include "base/file.h"
#include "support/script_server.h"
#include "support/torture.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define ANSWER(code, ...)                                                                                              \
    {                                                                                                                  \
        .act = SCRIPT_ANSWER, .status = (code), __VA_ARGS__                                                            \
    }
#define FAILURE(name) .body = "<Error><Code>" name "</Code><Message>what it is</Message></Error>"
#define PART ((size_t)5 << 20)

static struct script_server server;
static struct store *store;
static struct arena *arena;
static struct error error;
static char folder[] = "/tmp/aisle-remote-XXXXXX";

static void start_with(const struct script_step *steps, size_t count, const char *region, bool virtual_host)
{
    script_start(&server, steps, count);
    struct remote_options options = {.client = {.endpoint = server.url,
                                                .region = region,
                                                .service = "s3",
                                                .access_key_id = "ID",
                                                .secret_access_key = "SECRET",
                                                .attempts = 3},
                                     .part_bytes = PART,
                                     .parallel = 1,
                                     .virtual_host = virtual_host};
    error = (struct error){0};
    store = remote_open(&options, &error);
    arena = arena_new(0, &error);
    assert_non_null(store);
}

#define START(steps) start_with(steps, COUNT_OF(steps), "us-east-1", false)

static void stop(void)
{
    store_free(store);
    script_stop(&server);
    arena_free(arena);
}

static void assert_sent(size_t request, const char *what)
{
    assert_true(request < server.request_count);
    if (!strcasestr(server.requests[request].head, what)) {
        fail_msg("request %zu has no '%s': %s", request, what, server.requests[request].head);
    }
}

static void assert_failed(bool good, enum error_code code, const char *name, const char *words)
{
    assert_false(good);
    if (error.code != code || (name && (!error.name || strcmp(error.name, name) != 0)) ||
        (words && !strstr(error.message, words))) {
        fail_msg("%s, %s: %s", error_code_name(error.code), error.name ? error.name : "no name", error.message);
    }
    error = (struct error){0};
}

static bool head(void)
{
    struct store_object object;
    return store_head(store, "bucket", "a key", arena, &object, &error);
}

static void failures_have_s3s_names(void **state)
{
    (void)state;
    static const struct script_step steps[] = {
        ANSWER(404),
        ANSWER(403, .headers = "x-amz-bucket-region: eu-west-1\r\n"),
        ANSWER(412),
        ANSWER(404, FAILURE("NoSuchBucket")),
        ANSWER(403, FAILURE("SignatureDoesNotMatch")),
        ANSWER(418, FAILURE("SomethingNew")),
        ANSWER(400, .body = "not <xml"),
        ANSWER(507),
        ANSWER(503, FAILURE("SlowDown")),
    };
    START(steps);
    assert_failed(head(), ERROR_NOT_FOUND, "NoSuchKey", "s3://bucket/a key");
    assert_failed(head(), ERROR_DENIED, "AccessDenied", "eu-west-1: set AWS_REGION");
    assert_failed(head(), ERROR_CONFLICT, "PreconditionFailed", NULL);
    assert_failed(store_remove_bucket(store, "bucket", &error), ERROR_NOT_FOUND, "NoSuchBucket", "what it is");
    assert_failed(store_remove_bucket(store, "bucket", &error), ERROR_DENIED, "SignatureDoesNotMatch", NULL);
    assert_failed(store_remove_bucket(store, "bucket", &error), ERROR_INVALID, NULL, "SomethingNew");
    assert_failed(store_remove_bucket(store, "bucket", &error), ERROR_INVALID, NULL, "HTTP 400");
    assert_failed(store_remove_bucket(store, "bucket", &error), ERROR_IO, NULL, "HTTP 507");
    assert_failed(store_remove_bucket(store, "bucket", &error), ERROR_LIMIT, "SlowDown", NULL);
    stop();
    assert_int_equal(server.request_count, COUNT_OF(steps) + 2); /* the last one three times */
    assert_sent(0, "HEAD /bucket/a%20key ");
    script_free(&server);
}

static void buckets_can_have_hosts(void **state)
{
    (void)state;
    static const struct script_step steps[] = {ANSWER(200, .headers = "ETag: \"x\"\r\n")};
    start_with(steps, 1, "us-east-1", true);
    /* Names under localhost lead nowhere here: the URL is enough to see it. */
    const char *url = store_presign(store, "GET", "my-bucket", "a/b", 60, arena, &error);
    assert_non_null(strstr(url, "http://my-bucket.127.0.0.1:"));
    assert_non_null(strstr(url, "/a/b?X-Amz-"));
    stop();
    script_free(&server);
}

static void a_bucket_is_made_where_the_client_is(void **state)
{
    (void)state;
    static const struct script_step steps[] = {ANSWER(200), ANSWER(409, FAILURE("BucketAlreadyOwnedByYou")),
                                               ANSWER(409, FAILURE("BucketAlreadyExists"))};
    start_with(steps, COUNT_OF(steps), "eu-west-1", false);
    assert_true(store_make_bucket(store, "bucket", &error));
    assert_true(store_make_bucket(store, "bucket", &error));
    assert_failed(store_make_bucket(store, "bucket", &error), ERROR_CONFLICT, "BucketAlreadyExists", NULL);
    stop();
    assert_non_null(strstr(server.requests[0].body, "<LocationConstraint>eu-west-1</LocationConstraint>"));
    script_free(&server);
}

static bool note(void *context, const struct store_object *object, bool is_prefix, struct error *why)
{
    buffer_append_format(context, "%s%s;", object->key, is_prefix ? "|" : "");
    return buffer_check(context, why);
}

static bool list(struct buffer *found)
{
    struct store_listing all = {.prefix = "p", .delimiter = "/", .start_after = "p 1"};
    buffer_clear(found);
    return store_list(store, "bucket", &all, note, found, &error);
}

static void listings_go_on_and_are_looked_at(void **state)
{
    (void)state;
    static const struct script_step steps[] = {
        ANSWER(200, .body = "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>"
                            "<NextContinuationToken>t+/=</NextContinuationToken>"
                            "<Contents><Key>p+2%2B%0A</Key><Size>1</Size></Contents>"
                            "<CommonPrefixes><Prefix>p%2F</Prefix></CommonPrefixes></ListBucketResult>"),
        ANSWER(200, .body = "<ListBucketResult><IsTruncated>false</IsTruncated>"
                            "<Contents><Key>plain+%41</Key></Contents></ListBucketResult>"),
        ANSWER(200, .body = "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>"),
        ANSWER(200, .body = "<html><body>welcome</body></html>"),
        ANSWER(200, .body = "<ListBucketResult><Contents>"),
        ANSWER(200, .body = "<ListBucketResult><EncodingType>url</EncodingType>"
                            "<Contents><Key>%4</Key></Contents></ListBucketResult>"),
    };
    struct buffer found = {0};
    START(steps);
    assert_true(list(&found));
    assert_string_equal(buffer_text(&found), "p 2+\n;p/|;plain+%41;");
    assert_failed(list(&found), ERROR_INVALID, NULL, "without saying how to go on");
    assert_failed(list(&found), ERROR_INVALID, NULL, "is it an S3 server?");
    assert_false(list(&found));
    assert_false(list(&found));
    stop();
    assert_sent(0, "GET /bucket?encoding-type=url&list-type=2&start-after=p%201&prefix=p&delimiter=%2F ");
    assert_sent(1, "&continuation-token=t%2B%2F%3D&");
    script_free(&server);
    buffer_free(&found);
}

static bool count_bucket(void *context, const char *bucket, int64_t created_us, struct error *why)
{
    (void)why;
    buffer_append_format(context, "%s %lld;", bucket, (long long)created_us);
    return true;
}

static void buckets_are_listed_page_by_page(void **state)
{
    (void)state;
    static const struct script_step steps[] = {
        ANSWER(200, .body = "<ListAllMyBucketsResult><Buckets><Bucket><Name>one</Name>"
                            "<CreationDate>1970-01-01T00:00:01.5Z</CreationDate></Bucket></Buckets>"
                            "<ContinuationToken>x&amp;y</ContinuationToken></ListAllMyBucketsResult>"),
        ANSWER(200, .body = "<ListAllMyBucketsResult><Buckets><Bucket><Name>two</Name></Bucket></Buckets>"
                            "</ListAllMyBucketsResult>"),
    };
    struct buffer found = {0};
    START(steps);
    assert_true(store_list_buckets(store, count_bucket, &found, &error));
    assert_string_equal(buffer_text(&found), "one 1500000;two 0;");
    stop();
    assert_sent(1, "GET /?continuation-token=x%26y ");
    script_free(&server);
    buffer_free(&found);
}

static ssize_t read_all(const char *key, char *into, size_t size)
{
    struct store_reader *reader = store_open(store, "bucket", key, &error);
    if (!reader) return -1;
    ssize_t got = store_read(reader, into, size, 0, &error);
    store_close(reader);
    return got;
}

static void reads_are_of_one_version(void **state)
{
    (void)state;
    static char first[256 << 10], second[1000];
    static const struct script_step steps[] = {
        ANSWER(206, .headers = "Content-Range: bytes 0-262143/263144\r\nETag: \"e1\"\r\nx-amz-version-id: v/1\r\n",
               .body = first, .body_bytes = sizeof first),
        {.act = SCRIPT_TRUNCATE, .status = 206, .body = second, .body_bytes = 10, .more_bytes = 990},
        ANSWER(206, .body = second, .body_bytes = sizeof second),
        /* written anew meanwhile */
        ANSWER(206, .headers = "Content-Range: bytes 0-262143/263144\r\nETag: \"e1\"\r\n", .body = first,
               .body_bytes = sizeof first),
        ANSWER(412),
        /* fewer bytes than asked for, and said so */
        ANSWER(206, .headers = "Content-Range: bytes 0-262143/263144\r\nETag: \"e1\"\r\n", .body = first,
               .body_bytes = sizeof first),
        ANSWER(206, .body = second, .body_bytes = 10),
        /* empty */
        ANSWER(416, FAILURE("InvalidRange")),
        ANSWER(200, .headers = "ETag: \"e\"\r\n"),
    };
    static char got[300000];
    memset(first, 'a', sizeof first);
    memset(second, 'b', sizeof second);
    START(steps);
    assert_int_equal(read_all("k", got, sizeof got), sizeof first + sizeof second);
    assert_memory_equal(got, first, sizeof first);
    assert_memory_equal(got + sizeof first, second, sizeof second);
    assert_failed(read_all("k", got, sizeof got) >= 0, ERROR_CONFLICT, "PreconditionFailed", "written anew");
    assert_failed(read_all("k", got, sizeof got) >= 0, ERROR_IO, NULL, "gives 10 bytes where 1000 were asked for");
    assert_int_equal(read_all("k", got, sizeof got), 0);
    stop();
    assert_sent(0, "range: bytes=0-262143\r\n");
    assert_sent(1, "GET /bucket/k?versionId=v%2F1 ");
    assert_sent(1, "range: bytes=262144-263143\r\n");
    assert_sent(1, "if-match: \"e1\"\r\n");
    script_free(&server);
}

static size_t files_in_folder(void)
{
    size_t count = 0;
    DIR *entries = opendir(folder);
    for (struct dirent *entry = readdir(entries); entry; entry = readdir(entries)) count += entry->d_name[0] != '.';
    closedir(entries);
    return count;
}

static void downloads_are_whole_or_not_there(void **state)
{
    (void)state;
    static const struct script_step steps[] = {
        ANSWER(200, .headers = "ETag: \"e\"\r\nx-amz-checksum-crc32: NhCmhg==\r\n", .body = "", .more_bytes = 5),
        {.act = SCRIPT_TRUNCATE, .status = 206, .body = "he", .more_bytes = 3},
        ANSWER(206, .body = "hello"),
        ANSWER(200, .headers = "ETag: \"e\"\r\nx-amz-checksum-crc32: NhCmhg==\r\n", .body = "", .more_bytes = 5),
        ANSWER(206, .body = "hullo"),
        ANSWER(200, .headers = "ETag: \"e\"\r\n", .more_bytes = 5),
        ANSWER(206, .body = "hello, more than asked"),
        ANSWER(200, .headers = "ETag: \"e\"\r\n", .more_bytes = 5),
        ANSWER(206, .body = "hel"),
        ANSWER(200, .headers = "ETag: \"e\"\r\n", .more_bytes = 5),
        ANSWER(412),
        ANSWER(200, .headers = "ETag: \"e\"\r\n", .more_bytes = 5),
    };
    /* A HEAD's length stands in its headers; the script's server adds it to the body's. */
    char path[100];
    struct buffer got = {0};
    snprintf(path, sizeof path, "%s/file", folder);
    START(steps);
    assert_true(store_download(store, "bucket", "k", path, &error));
    assert_true(file_load(path, &got, &error));
    assert_int_equal(got.length, 5);
    assert_memory_equal(got.data, "hello", 5);
    buffer_free(&got);
    assert_true(file_remove(path, &error));
    assert_failed(store_download(store, "bucket", "k", path, &error), ERROR_CORRUPT, "BadDigest", NULL);
    assert_int_equal(files_in_folder(), 0);
    assert_failed(store_download(store, "bucket", "k", path, &error), ERROR_INVALID, NULL, "more bytes");
    assert_failed(store_download(store, "bucket", "k", path, &error), ERROR_IO, NULL, "gives 3 bytes");
    assert_failed(store_download(store, "bucket", "k", path, &error), ERROR_CONFLICT, "PreconditionFailed", NULL);
    assert_int_equal(files_in_folder(), 0);
    assert_failed(store_download(store, "bucket", "k", "/nonexistent/folder/file", &error), ERROR_NOT_FOUND, NULL,
                  NULL);
    stop();
    script_free(&server);
}

static bool put(const char *text, bool only_if_absent)
{
    struct store_put options = {.bucket = "bucket", .key = "k", .only_if_absent = only_if_absent};
    struct store_object object;
    struct store_writer *writer = store_create(store, &options, &error);
    bool good =
        writer && store_write(writer, text, strlen(text), &error) && store_finish(writer, arena, &object, &error);
    if (good) assert_string_equal(object.etag, "5d41402abc4b2a76b9719d911017c592");
    store_abandon(writer);
    return good;
}

static void a_put_whose_answer_was_lost_took_place(void **state)
{
    (void)state;
    static const struct script_step steps[] = {
        {.act = SCRIPT_TRUNCATE, .status = 200, .more_bytes = 1},
        ANSWER(412, FAILURE("PreconditionFailed")),
        ANSWER(200, .headers = "ETag: \"5d41402abc4b2a76b9719d911017c592\"\r\n"),
        ANSWER(200, .headers = "ETag: \"5d41402abc4b2a76b9719d911017c592\"\r\n"),
        /* somebody else's */
        {.act = SCRIPT_TRUNCATE, .status = 200, .more_bytes = 1},
        ANSWER(412, FAILURE("PreconditionFailed")),
        ANSWER(200, .headers = "ETag: \"00000000000000000000000000000000\"\r\n"),
        /* refused at once */
        ANSWER(412, FAILURE("PreconditionFailed")),
    };
    START(steps);
    assert_true(put("hello", true));
    assert_failed(put("hello", true), ERROR_CONFLICT, "PreconditionFailed", NULL);
    assert_failed(put("hello", true), ERROR_CONFLICT, "PreconditionFailed", NULL);
    stop();
    assert_int_equal(server.request_count, COUNT_OF(steps));
    assert_sent(0, "if-none-match: *\r\n");
    assert_sent(0, "x-amz-checksum-crc64nvme: ");
    assert_sent(2, "HEAD ");
    script_free(&server);
}

/* Writes two parts and a little. */
static bool put_large(struct store_object *object)
{
    static char bytes[PART];
    struct store_put options = {.bucket = "bucket", .key = "k"};
    struct store_writer *writer = store_create(store, &options, &error);
    bool good = writer && store_write(writer, bytes, PART, &error) && store_write(writer, bytes, PART, &error) &&
                store_write(writer, "x", 1, &error) && store_finish(writer, arena, object, &error);
    store_abandon(writer);
    return good;
}

#define BEGUN                                                                                                          \
    ANSWER(200, .body = "<InitiateMultipartUploadResult><UploadId>u/1</UploadId></InitiateMultipartUploadResult>")
#define TAKEN(hex) ANSWER(200, .headers = "ETag: \"" hex "\"\r\n")
#define MD5_0 "5f363e0e58a95f06cbe9bbc662c5dfb6"
#define MD5_X "9dd4e461268c8034f5c8564e155c67a6"

static void an_upload_that_fails_is_taken_back(void **state)
{
    (void)state;
    static const struct script_step steps[] = {
        BEGUN,
        TAKEN(MD5_0),
        ANSWER(403, FAILURE("AccessDenied")),
        ANSWER(204),
        /* a part without an ETag */
        BEGUN,
        ANSWER(200),
        ANSWER(204),
        /* the abort fails, too: the first failure is told */
        BEGUN,
        ANSWER(400, FAILURE("InvalidPart")),
        ANSWER(404, FAILURE("NoSuchUpload")),
        /* completion fails behind a 200 */
        BEGUN,
        TAKEN(MD5_0),
        TAKEN(MD5_0),
        TAKEN(MD5_X),
        ANSWER(200, FAILURE("InternalError")),
        ANSWER(200, FAILURE("InternalError")),
        ANSWER(200, FAILURE("InternalError")),
        ANSWER(204),
        /* it cannot even begin */
        ANSWER(403, FAILURE("AccessDenied")),
    };
    struct store_object object;
    START(steps);
    assert_failed(put_large(&object), ERROR_DENIED, "AccessDenied", NULL);
    assert_failed(put_large(&object), ERROR_INVALID, NULL, "without an ETag");
    assert_failed(put_large(&object), ERROR_INVALID, "InvalidPart", NULL);
    assert_failed(put_large(&object), ERROR_IO, "InternalError", NULL);
    assert_failed(put_large(&object), ERROR_DENIED, "AccessDenied", NULL);
    stop();
    assert_int_equal(server.request_count, COUNT_OF(steps));
    assert_sent(1, "PUT /bucket/k?partNumber=1&uploadId=u%2F1 ");
    assert_sent(3, "DELETE /bucket/k?uploadId=u%2F1 ");
    assert_sent(6, "DELETE ");
    assert_sent(9, "DELETE ");
    assert_sent(17, "DELETE ");
    script_free(&server);
}

static void a_completion_whose_answer_was_lost_took_place(void **state)
{
    (void)state;
    /* MD5 of the three parts' MD5s */
    uint8_t md5s[48], value[DIGEST_MAX_BYTES];
    char hex[33];
    static char found[100];
    assert_true(digest_from_hex(MD5_0, md5s, 16) && digest_from_hex(MD5_0, md5s + 16, 16) &&
                digest_from_hex(MD5_X, md5s + 32, 16));
    assert_true(digest_once(DIGEST_MD5, md5s, sizeof md5s, value, &error));
    digest_hex(value, 16, hex);
    snprintf(found, sizeof found, "ETag: \"%s-3\"\r\n", hex);
    const struct script_step steps[] = {
        BEGUN,
        TAKEN(MD5_0),
        TAKEN(MD5_0),
        TAKEN(MD5_X),
        {.act = SCRIPT_TRUNCATE, .status = 200, .more_bytes = 9},
        ANSWER(404, FAILURE("NoSuchUpload")),
        ANSWER(200, .headers = found),
        ANSWER(200, .headers = found),
        /* once more, and there it is somebody else's */
        BEGUN,
        TAKEN(MD5_0),
        TAKEN(MD5_0),
        TAKEN(MD5_X),
        {.act = SCRIPT_TRUNCATE, .status = 200, .more_bytes = 9},
        ANSWER(404, FAILURE("NoSuchUpload")),
        ANSWER(200, .headers = "ETag: \"other-3\"\r\n"),
        ANSWER(204),
    };
    struct store_object object;
    START(steps);
    if (!put_large(&object)) fail_msg("%s", error.message);
    assert_memory_equal(object.etag, hex, 32);
    assert_failed(put_large(&object), ERROR_NOT_FOUND, "NoSuchUpload", NULL);
    stop();
    assert_int_equal(server.request_count, COUNT_OF(steps));
    assert_sent(4, "x-amz-mp-object-size: 10485761\r\n");
    assert_non_null(strstr(server.requests[4].body, "<PartNumber>3</PartNumber>"));
    script_free(&server);
}

static void a_file_that_changes_while_it_is_sent_is_told(void **state)
{
    (void)state;
    static const struct script_step steps[] = {ANSWER(200, .headers = "ETag: \"x\"\r\n")};
    struct store_put options = {.bucket = "bucket", .key = "k"};
    START(steps);
    assert_failed(store_upload(store, &options, folder, &error), ERROR_INVALID, NULL, "not a regular file");
    assert_failed(store_upload(store, &options, "/nonexistent", &error), ERROR_NOT_FOUND, NULL, NULL);
    stop();
    assert_int_equal(server.request_count, 0);
    script_free(&server);
}

static void metadata_past_the_table_is_refused(void **state)
{
    (void)state;
    static const struct script_step steps[] = {ANSWER(200)};
    struct store_field fields[40];
    char names[40][8];
    struct store_object object;
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        snprintf(names[i], sizeof names[i], "n%zu", i);
        fields[i] = (struct store_field){names[i], "v"};
    }
    struct store_put options = {.bucket = "bucket", .key = "k", .metadata = fields, .metadata_count = COUNT_OF(fields)};
    START(steps);
    struct store_writer *writer = store_create(store, &options, &error);
    assert_failed(store_finish(writer, arena, &object, &error), ERROR_LIMIT, NULL, "metadata");
    store_abandon(writer);
    stop();
    assert_int_equal(server.request_count, 0);
    script_free(&server);
}

/* The whole of a little session, from nothing. */
static bool session(void *context, struct error *why)
{
    (void)context;
    struct remote_options options = {.client = {.endpoint = server.url,
                                                .region = "us-east-1",
                                                .service = "s3",
                                                .access_key_id = "ID",
                                                .secret_access_key = "SECRET",
                                                .attempts = 1}};
    struct store_put where = {.bucket = "bucket", .key = "k", .content_type = "a/b", .if_match = "e"};
    struct store_listing all = {.prefix = "", .delimiter = "", .start_after = ""};
    struct store_object object;
    struct buffer found = {0};
    struct arena *own = arena_new(0, why);
    struct store *opened = own ? remote_open(&options, why) : NULL;
    struct store_writer *writer = opened ? store_create(opened, &where, why) : NULL;
    bool good = writer && store_write(writer, "hello", 5, why) && store_finish(writer, own, &object, why) &&
                store_head(opened, "bucket", "k", own, &object, why) &&
                store_list(opened, "bucket", &all, note, &found, why) &&
                store_copy(opened, "bucket", "k", &where, why) && store_delete(opened, "bucket", "k", why);
    if (writer) store_abandon(writer);
    store_free(opened);
    buffer_free(&found);
    if (own) arena_free(own);
    return good;
}

static void want_of_memory_is_told(void **state)
{
    (void)state;
    static const struct script_step steps[] = {
        ANSWER(200, .headers = "ETag: \"e\"\r\nx-amz-meta-a: b\r\n",
               .body = "<ListBucketResult><Contents><Key>k</Key></Contents></ListBucketResult>")};
    script_start(&server, steps, 1);
    torture_walk(session, NULL);
    script_stop(&server);
    script_free(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failures_have_s3s_names),
        cmocka_unit_test(buckets_can_have_hosts),
        cmocka_unit_test(a_bucket_is_made_where_the_client_is),
        cmocka_unit_test(listings_go_on_and_are_looked_at),
        cmocka_unit_test(buckets_are_listed_page_by_page),
        cmocka_unit_test(reads_are_of_one_version),
        cmocka_unit_test(downloads_are_whole_or_not_there),
        cmocka_unit_test(a_put_whose_answer_was_lost_took_place),
        cmocka_unit_test(an_upload_that_fails_is_taken_back),
        cmocka_unit_test(a_completion_whose_answer_was_lost_took_place),
        cmocka_unit_test(a_file_that_changes_while_it_is_sent_is_told),
        cmocka_unit_test(metadata_past_the_table_is_refused),
        cmocka_unit_test(want_of_memory_is_told),
    };
    if (!mkdtemp(folder)) return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rmdir(folder);
    return failed;
}
