#include "cli/serving.h"

#include <string.h>

#include "store/local/bucket.h"

static const struct service *route(void *context, const struct exchange *exchange)
{
    const struct serving *serving = context;

    return status_takes(exchange) ? status_service(serving->status) : s3_service(serving->s3);
}

static void collect(void *context, struct metrics *metrics)
{
    const struct serving *serving = context;
    struct server_counts counts;

    if (serving->server == NULL) return;
    server_counts(serving->server, &counts);
    metrics_set(metrics, "aisle_received_bytes_total", "", (double)counts.bytes_in);
    metrics_set(metrics, "aisle_sent_bytes_total", "", (double)counts.bytes_out);
    metrics_set(metrics, "aisle_connections_total", "", (double)counts.connections);
    metrics_set(metrics, "aisle_connections", "", (double)counts.connections_now);
    metrics_set(metrics, "aisle_connections_refused_total", "", (double)counts.refused);
}

static bool make_metrics(struct serving *serving, struct error *error)
{
    struct metrics *metrics = serving->metrics = metrics_new(error);

    return metrics != NULL &&
           metrics_family(metrics, "aisle_requests_total", METRICS_COUNTER, "Requests by operation and status.",
                          error) &&
           metrics_family(metrics, "aisle_request_seconds", METRICS_HISTOGRAM,
                          "From a request's first line to its answer's last byte.", error) &&
           metrics_family(metrics, "aisle_received_bytes_total", METRICS_COUNTER, "Bytes of requests' bodies.",
                          error) &&
           metrics_family(metrics, "aisle_sent_bytes_total", METRICS_COUNTER, "Bytes of answers' bodies.", error) &&
           metrics_family(metrics, "aisle_connections_total", METRICS_COUNTER, "Connections taken.", error) &&
           metrics_family(metrics, "aisle_connections", METRICS_GAUGE, "Connections there are.", error) &&
           metrics_family(metrics, "aisle_connections_refused_total", METRICS_COUNTER,
                          "Connections ended for being too slow or for sending no request.", error) &&
           metrics_collector(metrics, collect, serving, error);
}

static bool start_server(struct serving *serving, struct error *error)
{
    const struct config *config = serving->config;
    struct server_options options = {
        .listen = config->listen,
        .tls_certificate = config->tls_certificate,
        .tls_key = config->tls_key,
        .route = route,
        .route_context = serving,
        .workers = config->workers,
        .max_connections = config->max_connections,
        .max_connections_per_ip = config->max_connections_per_ip,
        .idle_timeout_seconds = config->idle_timeout_seconds,
        .log_requests = config->log_requests,
        .metrics = serving->metrics,
    };

    serving->server = server_start(&options, error);
    return serving->server != NULL;
}

/* The first start makes a key; one that is given is there from then on. */
static bool make_key(struct serving *serving, struct error *error)
{
    const struct config *config = serving->config;
    const struct access_key wanted = {
        .id = config->access_key_id,
        .secret = config->secret_access_key,
        .name = "admin",
        .owner = config->account,
        .active = true,
    };
    struct access_key *keys = NULL, made;
    size_t count = 0;

    if (!access_key_list(serving->store, serving->arena, &keys, &count, error)) return false;
    for (size_t i = 0; wanted.id != NULL && i < count; i++)
        if (strcmp(keys[i].id, wanted.id) == 0) return true;
    if (wanted.id == NULL && count > 0) return true;
    if (!access_key_add(serving->store, &wanted, false, serving->arena, &made, error)) return false;
    if (wanted.id == NULL) serving->made_key = made;
    return true;
}

static bool make_buckets(struct serving *serving, struct error *error)
{
    const struct config *config = serving->config;

    for (unsigned i = 0; i < config->bucket_count; i++) {
        const struct bucket_create create = {.name = config->buckets[i], .owner = config->account};
        struct error problem = {0};

        if (!bucket_create(serving->store, &create, &problem) && problem.code != ERROR_CONFLICT) {
            if (error != NULL) *error = problem;
            return false;
        }
    }
    return true;
}

static bool open_store(struct serving *serving, struct error *error)
{
    const struct config *config = serving->config;
    const struct local_options local = {.folder = serving->folder, .key_file = config->key_file};
    struct s3_options s3 = {.region = config->region, .domain = config->domain, .account = config->account};

    serving->store = local_open(&local, error);
    if (serving->store == NULL) return false;
    s3.store = serving->store;
    serving->s3 = s3_new(&s3, error);
    return serving->s3 != NULL && make_key(serving, error) && make_buckets(serving, error);
}

bool serving_start(struct serving *serving, const struct config *config, struct error *error)
{
    serving->config = config;
    serving->arena = arena_new(0, error);
    if (serving->arena == NULL) return false;
    serving->folder = folder_open(config->data, FOLDER_WRITE, error);
    if (serving->folder == NULL || !make_metrics(serving, error) || !open_store(serving, error)) return false;
    struct status_options options = {.metrics = serving->metrics, .metrics_remote = config->metrics_remote};

    serving->status = status_new(&options, error);
    return serving->status != NULL && start_server(serving, error);
}

void serving_stop(struct serving *serving)
{
    server_stop(serving->server, serving->config == NULL ? 0 : serving->config->drain_seconds);
    serving->server = NULL;
    status_free(serving->status);
    metrics_free(serving->metrics);
    s3_free(serving->s3);
    if (serving->store != NULL) local_close(serving->store);
    if (serving->folder != NULL) folder_close(serving->folder);
    arena_free(serving->arena);
}
