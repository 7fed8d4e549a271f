/* The way of one request through libmicrohttpd's calls.
 *
 * request_line makes the request when its first line is here, and keeps path and query as they came. request_step is
 * called when the head is complete, for each piece of the body, and at its end: then the answer is made, by a worker
 * while the connection is suspended or right here. An answer given in the first call ends the connection, so that
 * is kept for bodies that are not to be read. request_over comes last, in any case. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "http/metrics.h"
#include "http/server_private.h"

/* The most of a body that is read and thrown away so that the client gets to hear why. */
#define MOST_DISCARDED_BYTES (UINT64_C(64) << 20)

/* Keeps the target as it came, before libmicrohttpd takes it apart. */
static bool keep_target(struct request *request, const char *uri)
{
    struct exchange *exchange = &request->exchange;
    size_t length = uri == NULL ? 0 : strlen(uri);
    const char *copy = arena_text(exchange->arena, uri == NULL ? "" : uri, length, NULL);

    if (copy == NULL) return false;
    const char *mark = memchr(copy, '?', length);
    size_t path = mark == NULL ? length : (size_t)(mark - copy);

    exchange->request.path = str_slice(copy, path);
    exchange->request.query = mark == NULL ? str_of("") : str_slice(mark + 1, length - path - 1);
    exchange->path = arena_text(exchange->arena, copy, path, NULL);
    request->uri = uri;
    request->has_query = mark != NULL;
    return exchange->path != NULL;
}

void *request_line(void *context, const char *uri, struct MHD_Connection *link)
{
    struct server *server = context;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(link, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct connection *connection = info == NULL ? NULL : info->socket_context;
    struct lane *lane = lane_of(server);
    struct request *request = connection == NULL || connection->refused ? NULL : lane_request(lane);

    if (request == NULL) return NULL;
    request->server = server;
    request->lane = lane;
    request->link = link;
    request->connection = connection;
    request->answer.fd = -1;
    request->started_us = clock_monotonic_us();
    struct exchange *exchange = &request->exchange;

    exchange->answer = &request->answer;
    exchange->client_ip = request->connection->client_ip;
    exchange->tls = server->options.tls_certificate != NULL;
    exchange->host = "";
    if (!keep_target(request, uri)) {
        lane_return(lane, request);
        return NULL;
    }
    atomic_fetch_add(&server->active, 1);
    return request;
}

static void set_phase(struct request *request, enum connection_phase phase)
{
    struct connection *connection = request->connection;

    atomic_store(&connection->phase, phase);
    atomic_store(&connection->body_bytes, 0);
    atomic_store(&connection->since_us, clock_monotonic_us());
}

/* Of a head that no service gets to see (RFC 9110, 15.6). */
static unsigned status_of_refusal(const struct error *why)
{
    if (why->name != NULL && strcmp(why->name, "NotImplemented") == 0) return 501;
    if (why->name != NULL && strcmp(why->name, "HTTPVersionNotSupported") == 0) return 505;
    return exchange_status_of(why);
}

/* The answer to a failure: the service's, or a line of text where no service has the request. */
static void fail(struct request *request, const struct error *why)
{
    struct exchange *exchange = &request->exchange;

    answer_reset(&request->answer);
    if (exchange->log_error == NULL) exchange->log_error = why->name != NULL ? why->name : error_code_name(why->code);
    if (exchange->service != NULL) {
        exchange->service->fail(exchange->service->context, exchange, why);
        return;
    }
    answer_status(exchange, status_of_refusal(why));
    answer_header(exchange, "Content-Type", "text/plain; charset=utf-8", NULL);
    buffer_append_text(answer_body(exchange), why->message);
    buffer_append_char(answer_body(exchange), '\n');
}

/* Makes the answer: the service's, or that of a failure before. */
static void make_answer(struct request *request)
{
    struct exchange *exchange = &request->exchange;
    const struct service *service = exchange->service;

    if (request->failed || !service->finish(service->context, exchange, &request->error))
        fail(request, &request->error);
    if (request->last) answer_header(exchange, "Connection", "close", NULL);
    struct error error = {0};

    if (answer_make(request, &error)) return;
    log_event(LOG_ERROR, "answer_failed", "request", "s", exchange->id, "reason", "s", error.message, NULL);
    answer_reset(&request->answer);
    answer_status(exchange, 500);
    answer_make(request, NULL);
}

static mhd_result send_answer(struct request *request)
{
    unsigned status = request->answer.status == 0 ? 200 : request->answer.status;

    request->stage = STAGE_ANSWERED;
    set_phase(request, PHASE_ANSWER);
    if (request->response == NULL) return MHD_NO;
    mhd_result queued = MHD_queue_response(request->link, status, request->response);

    MHD_destroy_response(request->response);
    request->response = NULL;
    return queued;
}

static void work_run(struct work *work)
{
    struct request *request = (struct request *)(void *)work;
    struct server *server = request->server;

    make_answer(request);
    MHD_resume_connection(request->link);
    pthread_mutex_lock(&server->lock);
    server->working--;
    if (atomic_load(&server->stopping)) pthread_cond_broadcast(&server->wake);
    pthread_mutex_unlock(&server->lock);
}

/* Hands the request to a worker. False when the server is past taking any. */
static bool hand_over(struct request *request)
{
    struct server *server = request->server;

    pthread_mutex_lock(&server->lock);
    bool good = !server->stopped;

    server->working += good;
    pthread_mutex_unlock(&server->lock);
    if (!good) return false;
    request->stage = STAGE_WORKING;
    request->work.run = work_run;
    MHD_suspend_connection(request->link);
    workers_add(server->workers, &request->work);
    return true;
}

static mhd_result end_body(struct request *request)
{
    const struct service *service = request->exchange.service;
    bool here = request->failed || (service->quick != NULL && service->quick(service->context, &request->exchange));

    set_phase(request, PHASE_ANSWER);
    if (!here) return hand_over(request) ? MHD_YES : MHD_NO;
    make_answer(request);
    return send_answer(request);
}

static bool begin(struct request *request)
{
    struct exchange *exchange = &request->exchange;
    const struct server_options *options = &request->server->options;
    bool decoded = exchange_decode(exchange, &request->error);
    bool body = exchange->content_length > 0 || exchange_header(exchange, "transfer-encoding") != NULL;

    exchange->service = options->route(options->route_context, exchange);
    if (exchange->service == NULL)
        return decoded && error_set(&request->error, ERROR_NOT_FOUND, "nothing here is called that");
    if (!decoded) return false;
    request->begun = true;
    if (!exchange->service->begin(exchange->service->context, exchange, &request->error)) return false;
    return !body || exchange->service->body != NULL ||
           error_set(&request->error, ERROR_INVALID, "a body has no meaning here");
}

/* Whether the client is still to send a body that is better not waited for. */
static bool is_better_refused(const struct request *request)
{
    const struct exchange *exchange = &request->exchange;
    bool chunked = exchange_header(exchange, "transfer-encoding") != NULL;
    bool body = exchange->content_length > 0 || chunked;

    return body && (exchange->content_length > MOST_DISCARDED_BYTES || exchange_header(exchange, "expect") != NULL);
}

static mhd_result take_head(struct request *request, const char *method, const char *version)
{
    struct server *server = request->server;
    bool readable = read_head(request, method, version, &request->error);

    request->stage = STAGE_BODY;
    atomic_fetch_add(&server->requests, 1);
    request->last = !readable || atomic_load(&server->stopping);
    request->failed = !readable || !begin(request);
    set_phase(request, PHASE_BODY);
    if (readable && !(request->failed && is_better_refused(request))) return MHD_YES;
    request->last = true;
    make_answer(request);
    return send_answer(request);
}

static mhd_result take_body(struct request *request, const char *upload, size_t *upload_size)
{
    const struct service *service = request->exchange.service;
    size_t size = *upload_size;

    *upload_size = 0;
    request->body_bytes += size;
    atomic_fetch_add(&request->connection->body_bytes, size);
    if (request->failed) {
        request->discarded_bytes += size;
        return request->discarded_bytes <= MOST_DISCARDED_BYTES ? MHD_YES : MHD_NO;
    }
    request->failed = !service->body(service->context, &request->exchange, upload, size, &request->error);
    return MHD_YES;
}

mhd_result request_step(void *context, struct MHD_Connection *link, const char *url, const char *method,
                        const char *version, const char *upload, size_t *upload_size, void **state)
{
    struct request *request = *state;

    (void)context, (void)link, (void)url;
    if (request == NULL) return MHD_NO;
    switch (request->stage) {
    case STAGE_HEAD:
        return take_head(request, method, version);
    case STAGE_BODY:
        return *upload_size > 0 ? take_body(request, upload, upload_size) : end_body(request);
    case STAGE_WORKING:
        return send_answer(request);
    case STAGE_ANSWERED:
        break;
    }
    return MHD_YES;
}

static void log_request(const struct request *request, unsigned status, int64_t us, bool whole)
{
    const struct exchange *exchange = &request->exchange;
    char method[16];

    snprintf(method, sizeof method, "%.*s", STR_ARGS(exchange->request.method));
    log_event(
        LOG_INFO, "request", "request_id", "s", exchange->id, "service", "s",
        exchange->service == NULL ? NULL : exchange->service->name, "operation", "s", exchange->log_operation, "method",
        "s", method, "path", "s", exchange->path, "bucket", "s", exchange->log_bucket, "key", "s", exchange->log_key,
        "principal", "s", exchange->log_principal, "client", "s", exchange->client_ip, "status", "i", (int64_t)status,
        "error", "s", exchange->log_error, "bytes_in", "i", (int64_t)request->body_bytes, "bytes_out", "i",
        (int64_t)(request->answer.kind == ANSWER_GATHERED ? request->answer.gathered.length : request->answer.size),
        "duration_ms", "f", (double)us / 1000.0, "complete", "b", (int)whole, NULL);
}

/* What is counted and told of a request when it is over. */
static void account(struct server *server, struct request *request, bool whole)
{
    struct exchange *exchange = &request->exchange;
    unsigned status = request->answer.status == 0 ? 200 : request->answer.status;
    int64_t us = clock_monotonic_us() - request->started_us;
    uint64_t out = request->answer.kind == ANSWER_GATHERED ? request->answer.gathered.length : request->answer.size;

    if (request->stage != STAGE_ANSWERED) status = 499;
    atomic_fetch_add(&server->bytes_in, request->body_bytes);
    if (whole && out != UINT64_MAX && !str_is(exchange->request.method, "HEAD"))
        atomic_fetch_add(&server->bytes_out, out);
    if (status >= 500) {
        atomic_fetch_add(&server->failures_5xx, 1);
    } else if (status >= 400) {
        atomic_fetch_add(&server->failures_4xx, 1);
    }
    if (server->options.metrics != NULL)
        lane_count(request->lane, server->options.metrics,
                   exchange->log_operation == NULL ? "other" : exchange->log_operation, status, (double)us / 1e6);
    if (server->options.log_requests) log_request(request, status, us, whole);
}

void request_over(void *context, struct MHD_Connection *link, void **state, enum MHD_RequestTerminationCode how)
{
    struct server *server = context;
    struct request *request = *state;

    (void)link;
    *state = NULL;
    if (request == NULL) return;
    struct exchange *exchange = &request->exchange;

    if (request->stage == STAGE_HEAD) {
        atomic_fetch_add(&server->refused, 1);
        request->connection->refused = true;
        shutdown(request->connection->fd, SHUT_RD);
    } else {
        account(server, request, how == MHD_REQUEST_TERMINATED_COMPLETED_OK);
    }
    if (request->response != NULL) MHD_destroy_response(request->response);
    answer_reset(&request->answer);
    if (request->begun) exchange->service->end(exchange->service->context, exchange);
    set_phase(request, PHASE_HEAD);
    lane_return(request->lane, request);
    atomic_fetch_sub(&server->active, 1);
}
