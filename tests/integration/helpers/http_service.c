/* A server with a service for tests and measurements: http_service ADDRESS:PORT [FILE] [CERTIFICATE KEY]
 * It prints its URL and ends when its standard input does. The path says what is wanted:
 *
 *   /quick             "hello", made on the loop            /wait        the same by a worker, after the body
 *   /echo              the body back                        /count       its length and a checksum, in decimal
 *   /zeros?size=N      N zero bytes, as they are taken      /pieces?n=N  N pieces of unknown total length
 *   /later?n=N         the same, with nothing to send in between
 *   /file              the file                             /describe    the request, as it was understood
 *   /refuse            fails before its body is read        /break?at=N  fails in the body after N bytes
 *   /fail              fails after its body                 /open        requests begun and not ended
 *   /big?size=N        N bytes from memory                  /slow?ms=N   an answer that a worker is long about
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "http/metrics.h"
#include "http/server.h"

struct bench {
    int fd;
    uint64_t file_bytes;
    char *bytes; /* 16 MiB */
    _Atomic long open;
    struct service service;
    struct metrics *metrics;
};

enum { MEMORY_BYTES = 16 << 20 };

struct state {
    uint64_t bytes, sum, limit;
    unsigned turns;
};

static uint64_t number(const struct exchange *exchange, const char *name, uint64_t fallback)
{
    const char *text = exchange_query(exchange, name);

    return text == NULL ? fallback : strtoull(text, NULL, 10);
}

static bool is(const struct exchange *exchange, const char *path)
{
    return strcmp(exchange->path, path) == 0;
}

static bool begin(void *context, struct exchange *exchange, struct error *error)
{
    struct bench *bench = context;
    struct state *state = arena_zeroed(exchange->arena, sizeof *state, error);

    atomic_fetch_add(&bench->open, 1);
    exchange->state = state;
    exchange->log_operation = "Test";
    if (state == NULL) return false;
    state->limit = number(exchange, "at", UINT64_MAX);
    state->turns = (unsigned)number(exchange, "n", 3);
    return !is(exchange, "/refuse") || error_set(error, ERROR_DENIED, "refused before the body");
}

static bool body(void *context, struct exchange *exchange, const void *data, size_t size, struct error *error)
{
    struct state *state = exchange->state;
    const unsigned char *bytes = data;

    (void)context;
    state->bytes += size;
    if (is(exchange, "/count"))
        for (size_t i = 0; i < size; i += 4096) state->sum = state->sum * 31 + bytes[i];
    if (is(exchange, "/echo")) buffer_append(answer_body(exchange), data, size);
    return state->bytes <= state->limit || error_set(error, ERROR_INVALID, "the body has a wrong byte");
}

static ssize_t read_zeros(void *owner, uint64_t offset, void *data, size_t size)
{
    (void)owner, (void)offset;
    memset(data, 0, size);
    return (ssize_t)size;
}

static ssize_t read_pieces(void *owner, uint64_t offset, void *data, size_t size)
{
    struct state *state = owner;

    (void)offset;
    if (state->turns == 0) return 0;
    state->turns--;
    return snprintf(data, size, "piece %u\n", state->turns);
}

static ssize_t read_later(void *owner, uint64_t offset, void *data, size_t size)
{
    struct state *state = owner;

    return ++state->sum % 2 == 1 ? -2 : read_pieces(owner, offset, data, size);
}

static void describe(const struct exchange *exchange, struct buffer *out)
{
    buffer_append_format(out, "method=%.*s\nraw_path=%.*s\nraw_query=%.*s\npath=%s\nhost=%s\nclient=%s\ntls=%d\n",
                         STR_ARGS(exchange->request.method), STR_ARGS(exchange->request.path),
                         STR_ARGS(exchange->request.query), exchange->path, exchange->host, exchange->client_ip,
                         exchange->tls);
    for (size_t i = 0; i < exchange->query_count; i++)
        buffer_append_format(out, "query %s=%s\n", exchange->query[i].name.data, exchange->query[i].value.data);
    for (size_t i = 0; i < exchange->request.header_count; i++)
        buffer_append_format(out, "header %s=%s\n", exchange->request.headers[i].name.data,
                             exchange->request.headers[i].value.data);
}

static bool finish(void *context, struct exchange *exchange, struct error *error)
{
    struct bench *bench = context;
    struct state *state = exchange->state;

    if (is(exchange, "/fail")) return error_set(error, ERROR_CONFLICT, "failed at the end");
    if (is(exchange, "/slow")) usleep((useconds_t)(number(exchange, "ms", 100) * 1000));
    if (is(exchange, "/zeros")) {
        answer_stream(exchange, number(exchange, "size", 1 << 20), read_zeros, NULL, NULL);
    } else if (is(exchange, "/pieces")) {
        answer_stream(exchange, UINT64_MAX, read_pieces, NULL, state);
    } else if (is(exchange, "/later")) {
        answer_stream(exchange, UINT64_MAX, read_later, NULL, state);
    } else if (is(exchange, "/file")) {
        answer_file(exchange, bench->fd, number(exchange, "from", 0), number(exchange, "size", bench->file_bytes), NULL,
                    NULL);
    } else if (is(exchange, "/big")) {
        uint64_t size = number(exchange, "size", 65536);

        answer_bytes(exchange, bench->bytes, size < MEMORY_BYTES ? (size_t)size : MEMORY_BYTES, NULL, NULL);
    } else if (is(exchange, "/describe")) {
        describe(exchange, answer_body(exchange));
    } else if (is(exchange, "/count")) {
        buffer_append_format(answer_body(exchange), "%" PRIu64 " %" PRIu64 "\n", state->bytes, state->sum);
    } else if (is(exchange, "/open")) {
        buffer_append_format(answer_body(exchange), "%ld\n", atomic_load(&bench->open) - 1);
    } else if (is(exchange, "/metrics")) {
        metrics_show(bench->metrics, answer_body(exchange));
    } else if (!is(exchange, "/echo")) {
        buffer_append_text(answer_body(exchange), "hello\n");
    }
    return answer_header(exchange, "X-Request-Id", exchange->id, error) &&
           answer_header(exchange, "X-Empty", "", error);
}

static bool quick(void *context, const struct exchange *exchange)
{
    (void)context;
    return is(exchange, "/quick") || is(exchange, "/big") || is(exchange, "/file") || is(exchange, "/zeros");
}

static void fail(void *context, struct exchange *exchange, const struct error *error)
{
    (void)context;
    answer_status(exchange, exchange_status_of(error));
    buffer_append_format(answer_body(exchange), "failed: %s\n", error->message);
}

static void end(void *context, struct exchange *exchange)
{
    struct bench *bench = context;

    (void)exchange;
    atomic_fetch_sub(&bench->open, 1);
}

static const struct service *route(void *context, const struct exchange *exchange)
{
    struct bench *bench = context;

    return is(exchange, "/nothing") ? NULL : &bench->service;
}

int main(int argc, char **argv)
{
    struct error error = {0};
    struct bench bench = {.fd = argc > 2 ? open(argv[2], O_RDONLY | O_CLOEXEC) : -1};
    struct stat about;
    char line[16];
    const char *idle = getenv("IDLE_SECONDS"), *most = getenv("MOST_CONNECTIONS");

    if (bench.fd >= 0 && fstat(bench.fd, &about) == 0) bench.file_bytes = (uint64_t)about.st_size;
    bench.bytes = memory_zeroed(MEMORY_BYTES, &error);
    bench.metrics = metrics_new(&error);
    if (bench.bytes == NULL || bench.metrics == NULL ||
        !metrics_family(bench.metrics, "aisle_requests_total", METRICS_COUNTER, "Requests.", &error) ||
        !metrics_family(bench.metrics, "aisle_request_seconds", METRICS_HISTOGRAM, "Their times.", &error))
        return 1;
    bench.service = (struct service){.name = "test",
                                     .context = &bench,
                                     .begin = begin,
                                     .body = body,
                                     .finish = finish,
                                     .quick = quick,
                                     .fail = fail,
                                     .end = end};
    struct server_options options = {
        .listen = argc > 1 ? argv[1] : "127.0.0.1:0",
        .tls_certificate = argc > 4 ? argv[3] : NULL,
        .tls_key = argc > 4 ? argv[4] : NULL,
        .route = route,
        .route_context = &bench,
        .idle_timeout_seconds = idle == NULL ? 0 : (unsigned)strtoul(idle, NULL, 10),
        .max_connections = most == NULL ? 0 : (unsigned)strtoul(most, NULL, 10),
        .log_requests = getenv("AISLE_LOG") != NULL,
        .metrics = bench.metrics,
    };
    struct server *server = server_start(&options, &error);

    if (server == NULL) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    printf("%s\n", server_url(server));
    fflush(stdout);
    while (fgets(line, sizeof line, stdin) != NULL) continue;
    server_stop(server, 5);
    bool leaked = atomic_load(&bench.open) != 0;

    metrics_free(bench.metrics);
    memory_free(bench.bytes);
    if (bench.fd >= 0) close(bench.fd);
    return leaked ? 3 : 0;
}
