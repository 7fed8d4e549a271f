#include "aws/client.h"

#include <fcntl.h>

#include "base/clock.h"
#include "base/thread.h"
#include "support/script_server.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

static struct aws_client_options options_for(const struct script_server *server)
{
    return (struct aws_client_options){.endpoint = server->url,
                                       .region = "eu-central-1",
                                       .service = "s3",
                                       .access_key_id = "AKIDEXAMPLE",
                                       .secret_access_key = SECRET};
}

static struct aws_client *client_of(const struct script_server *server)
{
    struct error error = {0};
    struct aws_client_options options = options_for(server);
    struct aws_client *client = aws_client_new(&options, &error);
    assert_non_null(client);
    return client;
}

/* The fields of a request that the server was sent. */
static size_t fields_of(char *head, struct sign_field *fields, size_t most, struct sign_request *request)
{
    char *line = strtok(head, "\r\n");
    char *path = strchr(line, ' ') + 1, *end = strrchr(line, ' '), *mark = memchr(path, '?', (size_t)(end - path));
    size_t count = 0;
    char *path_end = mark ? mark : end;
    request->method = str_slice(line, (size_t)(path - 1 - line));
    request->path = str_slice(path, (size_t)(path_end - path));
    request->query = mark ? str_slice(mark + 1, (size_t)(end - mark - 1)) : str_of("");
    while ((line = strtok(NULL, "\r\n")) && count < most) {
        char *colon = strchr(line, ':');
        fields[count++] = (struct sign_field){str_slice(line, (size_t)(colon - line)), str_trim(str_of(colon + 1))};
    }
    request->headers = fields;
    request->header_count = count;
    return count;
}

/* Whether the server could check the signature of what came to it. */
static void assert_signed(struct script_request *sent)
{
    struct error error = {0};
    struct sign_field fields[32];
    struct sign_request request;
    struct sign_claim claim = {0};
    struct sign_key key;
    struct arena *arena = arena_new(0, &error);
    fields_of(sent->head, fields, COUNT_OF(fields), &request);
    assert_true(sign_claim_read(&request, arena, &claim, &error));
    assert_string_equal(claim.access_key_id, "AKIDEXAMPLE");
    assert_string_equal(claim.scope.region, "eu-central-1");
    assert_true(sign_key_derive(SECRET, &claim.scope, &key, &error));
    if (!sign_claim_check(&request, &claim, &key, clock_now_us(), arena, &error)) fail_msg("%s", error.message);
    arena_free(arena);
}

static void a_request_arrives_as_it_was_signed(void **state)
{
    (void)state;
    static const struct script_step steps[] = {
        {.act = SCRIPT_ANSWER, .status = 200, .headers = "ETag:  \"abc\" \r\nX-Empty:\r\n", .body = "hello"}};
    static struct script_server server;
    struct error error = {0};
    struct aws_response response;
    script_start(&server, steps, COUNT_OF(steps));
    struct aws_client *client = client_of(&server);
    struct sign_field headers[] = {{str_of("x-amz-meta-b"), str_of("two  spaces")},
                                   {str_of("Content-Type"), str_of("text/plain")},
                                   {str_of("x-amz-meta-empty"), str_of("")}};
    struct aws_request request = {.method = "PUT",
                                  .path = "/bucket/a%20b/../%E2%82%AC%2B/./c%25",
                                  .query = "uploads=&b=2&a=%2F&a=%20",
                                  .headers = headers,
                                  .header_count = COUNT_OF(headers),
                                  .body = "the body",
                                  .body_bytes = 8};
    assert_true(aws_client_send(client, &request, &response, &error));
    assert_int_equal(response.status, 200);
    assert_int_equal(response.attempts, 1);
    assert_int_equal(response.body.length, 5);
    assert_memory_equal(response.body.data, "hello", 5);
    assert_string_equal(aws_response_header(&response, "etag"), "\"abc\"");
    assert_string_equal(aws_response_header(&response, "x-empty"), "");
    assert_null(aws_response_header(&response, "x-absent"));
    aws_response_free(&response);
    aws_client_free(client);
    script_stop(&server);
    assert_int_equal(server.request_count, 1);
    assert_non_null(
        strstr(server.requests[0].head, "PUT /bucket/a%20b/../%E2%82%AC%2B/./c%25?uploads=&b=2&a=%2F&a=%20 "));
    assert_memory_equal(server.requests[0].body, "the body", 9);
    assert_signed(&server.requests[0]);
    script_free(&server);
}

static void every_method_is_sent_as_itself(void **state)
{
    (void)state;
    static const struct script_step steps[] = {{.act = SCRIPT_ANSWER, .status = 204}};
    static const char *const methods[] = {"GET", "HEAD", "PUT", "POST", "DELETE"};
    static struct script_server server;
    struct error error = {0};
    script_start(&server, steps, COUNT_OF(steps));
    struct aws_client *client = client_of(&server);
    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        struct aws_response response;
        struct aws_request request = {.method = methods[i], .path = "/", .query = ""};
        assert_true(aws_client_send(client, &request, &response, &error));
        assert_int_equal(response.status, 204);
        aws_response_free(&response);
    }
    aws_client_free(client);
    script_stop(&server);
    assert_int_equal(server.connection_count, 1); /* kept */
    assert_int_equal(server.request_count, COUNT_OF(methods));
    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        assert_memory_equal(server.requests[i].head, methods[i], strlen(methods[i]));
        assert_null(strstr(server.requests[i].head, "chunked"));
        assert_signed(&server.requests[i]);
    }
    script_free(&server);
}

static void a_busy_or_broken_server_is_tried_again(void **state)
{
    (void)state;
    static const struct script_step steps[] = {
        {.act = SCRIPT_ANSWER, .status = 503, .body = "<Error><Code>SlowDown</Code></Error>"},
        {.act = SCRIPT_ANSWER, .status = 500, .body = "<Error><Code>InternalError</Code></Error>"},
        {.act = SCRIPT_DROP},
        {.act = SCRIPT_GARBAGE},
        {.act = SCRIPT_DROP_NOW},
        {.act = SCRIPT_ANSWER, .status = 400, .body = "<Error><Code>RequestTimeout</Code></Error>"},
        {.act = SCRIPT_TRUNCATE, .status = 200, .body = "hal", .more_bytes = 2},
        {.act = SCRIPT_ANSWER, .status = 200, .body = "whole"}};
    static struct script_server server;
    struct error error = {0};
    struct aws_response response;
    script_start(&server, steps, COUNT_OF(steps));
    struct aws_client_options options = options_for(&server);
    options.attempts = 20;
    struct aws_client *client = aws_client_new(&options, &error);
    struct aws_request request = {.method = "PUT", .path = "/b/k", .query = "", .body = "same bytes", .body_bytes = 10};
    assert_true(aws_client_send(client, &request, &response, &error));
    assert_int_equal(response.status, 200);
    assert_true(response.attempts > 1);
    assert_int_equal(response.body.length, 5);
    assert_memory_equal(response.body.data, "whole", 5);
    aws_response_free(&response);
    aws_client_free(client);
    script_stop(&server);
    assert_int_equal(server.request_count, COUNT_OF(steps));
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        if (steps[i].act != SCRIPT_DROP_NOW) assert_memory_equal(server.requests[i].body, "same bytes", 11);
    }
    script_free(&server);
}

static void attempts_end(void **state)
{
    (void)state;
    static const struct script_step steps[] = {
        {.act = SCRIPT_ANSWER, .status = 503, .body = "<Error><Code>SlowDown</Code></Error>"}};
    static struct script_server server;
    struct error error = {0};
    struct aws_response response;
    script_start(&server, steps, COUNT_OF(steps));
    struct aws_client_options options = options_for(&server);
    options.attempts = 3;
    struct aws_client *client = aws_client_new(&options, &error);
    struct aws_request request = {.method = "GET", .path = "/b/k", .query = ""};
    assert_true(aws_client_send(client, &request, &response, &error));
    assert_int_equal(response.status, 503);
    assert_int_equal(response.attempts, 3);
    assert_true(response.body.length > 0);
    aws_response_free(&response);
    aws_client_free(client);
    script_stop(&server);
    assert_int_equal(server.request_count, 3);
    script_free(&server);
}

static void what_the_client_got_wrong_is_not_sent_again(void **state)
{
    (void)state;
    static const struct script_step steps[] = {
        {.act = SCRIPT_ANSWER, .status = 403, .body = "<Error><Code>SignatureDoesNotMatch</Code></Error>"},
        {.act = SCRIPT_ANSWER, .status = 404},
        {.act = SCRIPT_ANSWER, .status = 412},
        {.act = SCRIPT_ANSWER, .status = 501}};
    static struct script_server server;
    struct error error = {0};
    script_start(&server, steps, COUNT_OF(steps));
    struct aws_client *client = client_of(&server);
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        struct aws_response response;
        struct aws_request request = {.method = "GET", .path = "/b/k", .query = ""};
        assert_true(aws_client_send(client, &request, &response, &error));
        assert_int_equal(response.status, steps[i].status);
        assert_int_equal(response.attempts, 1);
        aws_response_free(&response);
    }
    aws_client_free(client);
    script_stop(&server);
    script_free(&server);
}

static void what_must_not_happen_twice_is_sent_once(void **state)
{
    (void)state;
    static const struct script_step steps[] = {{.act = SCRIPT_DROP},
                                               {.act = SCRIPT_ANSWER, .status = 500},
                                               {.act = SCRIPT_ANSWER, .status = 503},
                                               {.act = SCRIPT_ANSWER, .status = 200}};
    static struct script_server server;
    struct error error = {0};
    struct aws_response response;
    script_start(&server, steps, COUNT_OF(steps));
    struct aws_client *client = client_of(&server);
    struct aws_request request = {.method = "POST", .path = "/b/k", .query = "", .once = true};
    assert_false(aws_client_send(client, &request, &response, &error));
    assert_int_equal(error.code, ERROR_IO);
    assert_int_equal(response.attempts, 1);
    aws_response_free(&response);
    assert_true(aws_client_send(client, &request, &response, &error));
    assert_int_equal(response.status, 500);
    aws_response_free(&response);
    /* A server that says that it is busy has not done it. */
    assert_true(aws_client_send(client, &request, &response, &error));
    assert_int_equal(response.status, 200);
    aws_response_free(&response);
    aws_client_free(client);
    script_stop(&server);
    assert_int_equal(server.request_count, 4);
    script_free(&server);
}

static void a_name_that_leads_nowhere_is_told(void **state)
{
    (void)state;
    struct error error = {0};
    struct aws_response response;
    struct aws_client_options options = {
        .endpoint = "http://no-such-host.invalid", .region = "us-east-1", .service = "s3", .attempts = 2};
    struct aws_client *client = aws_client_new(&options, &error);
    struct aws_request request = {.method = "GET", .path = "/b/k", .query = ""};
    assert_false(aws_client_send(client, &request, &response, &error));
    assert_int_equal(response.attempts, 2);
    assert_non_null(strstr(error.message, "no-such-host.invalid cannot be reached"));
    aws_response_free(&response);
    aws_client_free(client);
}

static void nobody_listens(void **state)
{
    (void)state;
    struct error error = {0};
    struct aws_response response;
    static struct script_server server;
    static const struct script_step steps[] = {{.act = SCRIPT_DROP}};
    script_start(&server, steps, 1);
    script_stop(&server);
    struct aws_client_options options = options_for(&server);
    options.attempts = 2;
    struct aws_client *client = aws_client_new(&options, &error);
    struct aws_request request = {.method = "PUT", .path = "/b/k", .query = "", .once = true};
    assert_false(aws_client_send(client, &request, &response, &error));
    assert_int_equal(error.code, ERROR_IO);
    assert_int_equal(response.attempts, 2); /* nothing was sent, so nothing can happen twice */
    assert_non_null(strstr(error.message, server.url));
    assert_non_null(strstr(error.message, "cannot be reached"));
    aws_response_free(&response);
    aws_client_free(client);
}

struct sink {
    char bytes[64];
    size_t length;
    unsigned restarts;
    bool refuses;
};

static bool sink_take(void *context, const void *data, size_t size, struct error *error)
{
    struct sink *sink = context;
    if (sink->refuses) return error_set(error, ERROR_LIMIT, "the sink is full");
    assert_true(size <= sizeof sink->bytes - sink->length);
    memcpy(sink->bytes + sink->length, data, size);
    sink->length += size;
    return true;
}

static bool sink_restart(void *context, struct error *error)
{
    struct sink *sink = context;
    (void)error;
    sink->length = 0;
    sink->restarts++;
    return true;
}

static void an_answer_that_breaks_off_is_taken_anew(void **state)
{
    (void)state;
    static const struct script_step steps[] = {
        {.act = SCRIPT_ANSWER, .status = 500, .body = "<Error/>"},
        {.act = SCRIPT_TRUNCATE, .status = 200, .body = "first ha", .more_bytes = 9},
        {.act = SCRIPT_ANSWER, .status = 200, .body = "first half second"},
        {.act = SCRIPT_TRUNCATE, .status = 200, .body = "cut", .more_bytes = 1},
        {.act = SCRIPT_ANSWER, .status = 200, .body = "refused"},
        {.act = SCRIPT_ANSWER, .status = 404, .body = "not taken"}};
    static struct script_server server;
    struct error error = {0};
    struct aws_response response;
    struct sink sink = {0};
    script_start(&server, steps, COUNT_OF(steps));
    struct aws_client *client = client_of(&server);
    struct aws_request request = {
        .method = "GET", .path = "/b/k", .query = "", .take = sink_take, .restart = sink_restart, .context = &sink};
    assert_true(aws_client_send(client, &request, &response, &error));
    assert_int_equal(response.attempts, 3);
    assert_int_equal(sink.restarts, 1); /* the failure's body did not go to the sink */
    assert_int_equal(response.body.length, 0);
    assert_int_equal(sink.length, 17);
    assert_memory_equal(sink.bytes, "first half second", 17);
    aws_response_free(&response);

    /* What cannot begin anew fails rather than coming twice. */
    request.restart = NULL;
    sink = (struct sink){0};
    assert_false(aws_client_send(client, &request, &response, &error));
    assert_int_equal(error.code, ERROR_IO);
    assert_int_equal(response.attempts, 1);
    aws_response_free(&response);

    /* A taker's failure is the caller's, unchanged, and final. */
    sink = (struct sink){.refuses = true};
    request.restart = sink_restart;
    assert_false(aws_client_send(client, &request, &response, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    assert_string_equal(error.message, "the sink is full");
    assert_int_equal(response.attempts, 1);
    aws_response_free(&response);

    sink = (struct sink){0};
    assert_true(aws_client_send(client, &request, &response, &error));
    assert_int_equal(response.status, 404);
    assert_int_equal(sink.length, 0);
    assert_int_equal(response.body.length, 9);
    aws_response_free(&response);
    aws_client_free(client);
    script_stop(&server);
    script_free(&server);
}

static void a_server_that_stops_moving_is_left(void **state)
{
    (void)state;
    static const struct script_step steps[] = {
        {.act = SCRIPT_STALL},
        {.act = SCRIPT_STALL_IN_BODY, .status = 200, .body = "x", .more_bytes = 3},
        {.act = SCRIPT_DRIP, .status = 200, .body = "slow but sure"}};
    static struct script_server server;
    struct error error = {0};
    struct aws_response response;
    script_start(&server, steps, COUNT_OF(steps));
    struct aws_client_options options = options_for(&server);
    options.idle_timeout_ms = 400;
    options.attempts = 3;
    struct aws_client *client = aws_client_new(&options, &error);
    struct aws_request request = {.method = "GET", .path = "/b/k", .query = ""};
    assert_true(aws_client_send(client, &request, &response, &error));
    assert_int_equal(response.attempts, 3);
    assert_int_equal(response.body.length, 13);
    assert_memory_equal(response.body.data, "slow but sure", 13);
    aws_response_free(&response);
    aws_client_free(client);
    script_stop(&server);
    script_free(&server);
}

static void a_wrong_clock_is_set_right(void **state)
{
    (void)state;
    static const struct script_step steps[] = {{.act = SCRIPT_ANSWER,
                                                .status = 403,
                                                .headers = "Date: Thu, 01 Jan 2043 12:00:00 GMT\r\n",
                                                .body = "<Error><Code>RequestTimeTooSkewed</Code></Error>"},
                                               {.act = SCRIPT_ANSWER, .status = 200},
                                               {.act = SCRIPT_ANSWER,
                                                .status = 403,
                                                .headers = "Date: Thu, 01 Jan 2043 12:00:05 GMT\r\n",
                                                .body = "<Error><Code>RequestTimeTooSkewed</Code></Error>"}};
    static struct script_server server;
    struct error error = {0};
    struct aws_response response;
    script_start(&server, steps, COUNT_OF(steps));
    struct aws_client *client = client_of(&server);
    struct aws_request request = {.method = "GET", .path = "/b/k", .query = ""};
    assert_true(aws_client_send(client, &request, &response, &error));
    assert_int_equal(response.status, 200);
    assert_int_equal(response.attempts, 2);
    aws_response_free(&response);
    /* Nothing to learn from it: no other attempt. */
    assert_true(aws_client_send(client, &request, &response, &error));
    assert_int_equal(response.status, 403);
    assert_int_equal(response.attempts, 1);
    aws_response_free(&response);
    aws_client_free(client);
    script_stop(&server);
    assert_null(strstr(server.requests[0].head, "20430101"));
    assert_non_null(strstr(server.requests[1].head, "20430101T1200"));
    script_free(&server);
}

static void a_success_may_say_that_it_failed(void **state)
{
    (void)state;
    static const struct script_step steps[] = {
        {.act = SCRIPT_ANSWER,
         .status = 200,
         .body = "<?xml version=\"1.0\"?>\n<Error><Code>InternalError</Code></Error>"},
        {.act = SCRIPT_ANSWER, .status = 200, .body = "<CopyObjectResult/>"}};
    static struct script_server server;
    struct error error = {0};
    struct aws_response response;
    script_start(&server, steps, COUNT_OF(steps));
    struct aws_client *client = client_of(&server);
    struct aws_request request = {.method = "PUT", .path = "/b/k", .query = "", .error_body = true};
    assert_true(aws_client_send(client, &request, &response, &error));
    assert_int_equal(response.status, 200);
    assert_int_equal(response.attempts, 2);
    aws_response_free(&response);
    aws_client_free(client);
    script_stop(&server);
    script_free(&server);
}

static void a_part_of_a_file_is_sent(void **state)
{
    (void)state;
    static const struct script_step steps[] = {{.act = SCRIPT_DROP}, {.act = SCRIPT_ANSWER, .status = 200}};
    static struct script_server server;
    struct error error = {0};
    struct aws_response response;
    char path[] = "/tmp/aisle-client-XXXXXX";
    int fd = mkstemp(path);
    enum { SIZE = 3 << 20 };
    char *bytes = malloc(SIZE);
    for (size_t i = 0; i < SIZE; i++) bytes[i] = (char)(i * 2654435761u >> 24);
    assert_int_equal(write(fd, bytes, SIZE), SIZE);
    script_start(&server, steps, COUNT_OF(steps));
    struct aws_client *client = client_of(&server);
    struct aws_request request = {
        .method = "PUT", .path = "/b/k", .query = "", .body_fd = fd, .body_offset = 1000, .body_bytes = SIZE - 2000};
    assert_true(aws_client_send(client, &request, &response, &error));
    assert_int_equal(response.attempts, 2);
    aws_response_free(&response);

    request.body_bytes = SIZE; /* past its end */
    assert_false(aws_client_send(client, &request, &response, &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    aws_response_free(&response);
    request.payload_hash = SIGN_UNSIGNED; /* found while it is sent, then */
    assert_false(aws_client_send(client, &request, &response, &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    aws_response_free(&response);
    aws_client_free(client);
    script_stop(&server);
    assert_int_equal(server.requests[1].body_bytes, SIZE - 2000);
    assert_memory_equal(server.requests[1].body, bytes + 1000, SIZE - 2000);
    assert_signed(&server.requests[1]);
    script_free(&server);
    free(bytes);
    close(fd);
    unlink(path);
}

static void without_a_key_nothing_is_signed(void **state)
{
    (void)state;
    static const struct script_step steps[] = {{.act = SCRIPT_ANSWER, .status = 200}};
    static struct script_server server;
    struct error error = {0};
    struct aws_response response;
    struct arena *arena = arena_new(0, &error);
    script_start(&server, steps, COUNT_OF(steps));
    struct aws_client_options options = options_for(&server);
    options.access_key_id = options.secret_access_key = NULL;
    struct aws_client *client = aws_client_new(&options, &error);
    struct aws_request request = {.method = "GET", .path = "/b/k", .query = ""};
    assert_true(aws_client_send(client, &request, &response, &error));
    aws_response_free(&response);
    assert_null(aws_client_presign(client, "GET", NULL, "/b/k", "", 60, arena, &error));
    assert_int_equal(error.code, ERROR_USAGE);
    aws_client_free(client);
    script_stop(&server);
    assert_null(strcasestr(server.requests[0].head, "authorization"));
    script_free(&server);
    arena_free(arena);
}

static void a_presigned_url_carries_a_good_signature(void **state)
{
    (void)state;
    struct error error = {0};
    struct arena *arena = arena_new(0, &error);
    struct aws_client_options options = {.endpoint = "https://S3.example.com:443/",
                                         .region = "eu-central-1",
                                         .service = "s3",
                                         .access_key_id = "AKIDEXAMPLE",
                                         .secret_access_key = SECRET,
                                         .session_token = "token/+="};
    struct aws_client *client = aws_client_new(&options, &error);
    const char *url = aws_client_presign(client, "PUT", "photos", "/a%20b", "", 600, arena, &error);
    assert_non_null(url);
    assert_memory_equal(url, "https://photos.S3.example.com:443/a%20b?", 40);
    struct sign_field host[] = {{str_of("host"), str_of("photos.s3.example.com")}};
    struct sign_request request = {.method = str_of("PUT"),
                                   .path = str_of("/a%20b"),
                                   .query = str_of(strchr(url, '?') + 1),
                                   .headers = host,
                                   .header_count = 1};
    struct sign_claim claim = {0};
    struct sign_key key;
    assert_true(sign_claim_read(&request, arena, &claim, &error));
    assert_int_equal(claim.form, SIGN_QUERY);
    assert_int_equal(claim.expires_seconds, 600);
    assert_string_equal(claim.session_token, "token/+=");
    assert_true(sign_key_derive(SECRET, &claim.scope, &key, &error));
    assert_true(sign_claim_check(&request, &claim, &key, clock_now_us(), arena, &error));
    assert_null(aws_client_presign(client, "PUT", "photos", "/a", "", 604801, arena, &error));
    aws_client_free(client);
    arena_free(arena);
}

static void endpoints_are_looked_at(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        "127.0.0.1:9000",
                                        "ftp://127.0.0.1",
                                        "http://",
                                        "http:///x",
                                        "http://host/path",
                                        "http://host?x=1",
                                        "http://user@host",
                                        "http://ho st",
                                        "http://host\n"};
    static const char *const right[][2] = {{"http://HOST:9000/", "http://HOST:9000"},
                                           {"HTTPS://host", "https://host"},
                                           {"http://[::1]:9000", "http://[::1]:9000"}};
    struct error error = {0};
    struct aws_client_options options = {.region = "us-east-1", .service = "s3"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        options.endpoint = wrong[i];
        assert_null(aws_client_new(&options, &error));
        assert_int_equal(error.code, ERROR_USAGE);
    }
    for (size_t i = 0; i < COUNT_OF(right); i++) {
        options.endpoint = right[i][0];
        struct aws_client *client = aws_client_new(&options, &error);
        assert_non_null(client);
        assert_string_equal(aws_client_endpoint(client), right[i][1]);
        aws_client_free(client);
    }
}

static bool send_one(void *context, size_t index, unsigned worker, struct error *error)
{
    (void)worker;
    struct aws_response response;
    char body[32];
    snprintf(body, sizeof body, "body %zu", index);
    struct aws_request request = {
        .method = "PUT", .path = "/b/k", .query = "", .body = body, .body_bytes = strlen(body)};
    bool good = aws_client_send(context, &request, &response, error);
    good = good && response.status == 200;
    aws_response_free(&response);
    return good;
}

static void threads_share_a_client(void **state)
{
    (void)state;
    static const struct script_step steps[] = {{.act = SCRIPT_ANSWER, .status = 200}};
    static struct script_server server;
    struct error error = {0};
    script_start(&server, steps, COUNT_OF(steps));
    struct aws_client *client = client_of(&server);
    struct team *team = team_new(4, &error);
    assert_true(team_run(team, 200, send_one, client, &error));
    team_free(team);
    aws_client_free(client);
    script_stop(&server);
    assert_int_equal(server.request_count, 200);
    assert_true(server.connection_count <= 4); /* they are kept and shared */
    script_free(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_arrives_as_it_was_signed),
        cmocka_unit_test(every_method_is_sent_as_itself),
        cmocka_unit_test(a_busy_or_broken_server_is_tried_again),
        cmocka_unit_test(attempts_end),
        cmocka_unit_test(what_the_client_got_wrong_is_not_sent_again),
        cmocka_unit_test(what_must_not_happen_twice_is_sent_once),
        cmocka_unit_test(a_name_that_leads_nowhere_is_told),
        cmocka_unit_test(nobody_listens),
        cmocka_unit_test(an_answer_that_breaks_off_is_taken_anew),
        cmocka_unit_test(a_server_that_stops_moving_is_left),
        cmocka_unit_test(a_wrong_clock_is_set_right),
        cmocka_unit_test(a_success_may_say_that_it_failed),
        cmocka_unit_test(a_part_of_a_file_is_sent),
        cmocka_unit_test(without_a_key_nothing_is_signed),
        cmocka_unit_test(a_presigned_url_carries_a_good_signature),
        cmocka_unit_test(endpoints_are_looked_at),
        cmocka_unit_test(threads_share_a_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
