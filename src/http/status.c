#include "http/status.h"

#include <string.h>

#include "base/memory.h"

struct status {
    struct status_options options;
    struct service service;
};

bool status_takes(const struct exchange *exchange)
{
    const char *path = exchange->path;

    if (strcmp(path, "/healthz") != 0 && strcmp(path, "/readyz") != 0 && strcmp(path, "/metrics") != 0) return false;
    if (!str_is(exchange->request.method, "GET") && !str_is(exchange->request.method, "HEAD")) return false;
    return exchange_header(exchange, "authorization") == NULL && exchange_query(exchange, "X-Amz-Algorithm") == NULL;
}

static bool is_loopback(const char *ip)
{
    return strncmp(ip, "127.", 4) == 0 || strcmp(ip, "::1") == 0 || strncmp(ip, "::ffff:127.", 11) == 0;
}

static bool begin(void *context, struct exchange *exchange, struct error *error)
{
    (void)context, (void)error;
    exchange->log_operation = strcmp(exchange->path, "/healthz") == 0  ? "Health"
                              : strcmp(exchange->path, "/readyz") == 0 ? "Ready"
                                                                       : "Metrics";
    return true;
}

static bool quick(void *context, const struct exchange *exchange)
{
    (void)context;
    return strcmp(exchange->path, "/healthz") == 0;
}

static bool say(struct exchange *exchange, const char *text, struct error *error)
{
    buffer_append_text(answer_body(exchange), text);
    return answer_header(exchange, "Content-Type", "text/plain; charset=utf-8", error) &&
           answer_header(exchange, "Cache-Control", "no-store", error);
}

static bool show_metrics(const struct status *status, struct exchange *exchange, struct error *error)
{
    if (!status->options.metrics_remote && !is_loopback(exchange->client_ip))
        return error_set(error, ERROR_DENIED,
                         "metrics are shown to this machine alone; metrics_remote: true changes that");
    metrics_show(status->options.metrics, answer_body(exchange));
    return buffer_check(answer_body(exchange), error) &&
           answer_header(exchange, "Content-Type", "text/plain; version=0.0.4; charset=utf-8", error);
}

static bool finish(void *context, struct exchange *exchange, struct error *error)
{
    const struct status *status = context;
    struct error why = {0};

    if (strcmp(exchange->path, "/metrics") == 0) return show_metrics(status, exchange, error);
    if (strcmp(exchange->path, "/healthz") == 0) return say(exchange, "ok\n", error);
    if (status->options.ready == NULL || status->options.ready(status->options.context, &why))
        return say(exchange, "ready\n", error);
    answer_status(exchange, 503);
    return say(exchange, "not ready: ", error) && say(exchange, why.message, error) && say(exchange, "\n", error);
}

static void fail(void *context, struct exchange *exchange, const struct error *error)
{
    (void)context;
    answer_status(exchange, exchange_status_of(error));
    say(exchange, error->message, NULL);
    say(exchange, "\n", NULL);
}

static void end(void *context, struct exchange *exchange)
{
    (void)context, (void)exchange;
}

struct status *status_new(const struct status_options *options, struct error *error)
{
    struct status *status = memory_zeroed(sizeof *status, error);

    if (status == NULL) return NULL;
    status->options = *options;
    status->service = (struct service){
        .name = "status",
        .context = status,
        .begin = begin,
        .finish = finish,
        .quick = quick,
        .fail = fail,
        .end = end,
    };
    return status;
}

void status_free(struct status *status)
{
    memory_free(status);
}

const struct service *status_service(struct status *status)
{
    return &status->service;
}
