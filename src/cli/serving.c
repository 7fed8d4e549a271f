#include "cli/serving.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "store/local/bucket.h"
#include "table/local/local_tables.h"

/* Below this much free room a server calls itself not ready. */
#define LEAST_FREE_BYTES (UINT64_C(16) << 20)

static const struct service *route(void *context, const struct exchange *exchange)
{
    const struct serving *serving = context;

    if (status_takes(exchange)) return status_service(serving->status);
    if (keys_takes(serving->keys, exchange)) return keys_service(serving->keys);
    return dynamodb_takes(exchange) ? dynamodb_service(serving->dynamodb) : s3_service(serving->s3);
}

/* The index can be read, and there is room to write. */
static bool is_ready(void *context, struct error *error)
{
    const struct serving *serving = context;
    struct arena *arena = arena_new(0, error);
    struct bucket *buckets = NULL;
    size_t count = 0;
    struct statvfs disk;

    if (arena == NULL) return false;
    bool good = bucket_list(serving->store, arena, serving->config->account, &buckets, &count, error);

    arena_free(arena);
    if (good && statvfs(serving->config->data, &disk) == 0 && disk.f_bavail < LEAST_FREE_BYTES / disk.f_frsize)
        return error_set(error, ERROR_LIMIT, "the disk under %s is full", serving->config->data);
    return good;
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

/* Copies what is needed of a key that may be taken away meanwhile. */
static bool keep_key(struct serving *serving, const struct access_key *key, struct error *error)
{
    serving->admin = (struct access_key){
        .id = arena_text(serving->arena, key->id, strlen(key->id), error),
        .secret = arena_text(serving->arena, key->secret, strlen(key->secret), error),
    };
    return serving->admin.id != NULL && serving->admin.secret != NULL;
}

/* The key that the configuration or the environment gives: made, or its secret brought up to date. */
static bool take_key(struct serving *serving, const char *id, const char *secret, struct error *error)
{
    struct error absent = {0};
    const struct access_key *known = access_key_find(serving->store, id, &absent);
    struct access_key made,
        key = {.id = id, .secret = secret, .name = "admin", .owner = serving->config->account, .active = true};

    if (known == NULL && absent.code != ERROR_DENIED && absent.code != ERROR_NOT_FOUND) {
        *error = absent;
        return false;
    }
    bool same = known != NULL && strcmp(known->secret, secret) == 0;

    if (known != NULL) access_key_release(serving->store, known);
    if (!same) access_key_remove(serving->store, id, NULL);
    if (!same && !access_key_add(serving->store, &key, false, serving->arena, &made, error)) return false;
    return keep_key(serving, &key, error);
}

/* The oldest key with all rights. `found` is false when there is none. */
static bool find_key(struct serving *serving, bool *found, struct error *error)
{
    struct access_key *keys = NULL;
    size_t count = 0;

    *found = false;
    if (!access_key_list(serving->store, serving->arena, &keys, &count, error)) return false;
    const struct access_key *oldest = NULL;

    for (size_t i = 0; i < count; i++) {
        const struct access_key *key = &keys[i];
        bool all = key->active && key->policy == NULL && key->expires_us == 0 &&
                   strcmp(key->owner, serving->config->account) == 0;

        if (all && (oldest == NULL || key->created_us < oldest->created_us)) oldest = key;
    }
    if (oldest == NULL) return true;
    const struct access_key *whole = access_key_find(serving->store, oldest->id, error);

    if (whole == NULL) return false;
    *found = keep_key(serving, whole, error);
    access_key_release(serving->store, whole);
    return *found;
}

static bool settle_key(struct serving *serving, struct error *error)
{
    const struct config *config = serving->config;
    bool found = false;

    if (config->access_key_id != NULL)
        return take_key(serving, config->access_key_id, config->secret_access_key, error);
    if (!find_key(serving, &found, error)) return false;
    if (found) return true;
    struct access_key key = {.name = "admin", .owner = config->account, .active = true};

    serving->key_made = access_key_add(serving->store, &key, false, serving->arena, &serving->admin, error);
    return serving->key_made;
}

static bool make_bucket(struct serving *serving, const char *name, struct error *error)
{
    struct bucket_create create = {.name = name, .owner = serving->config->account};
    struct error why = {0};

    if (bucket_create(serving->store, &create, &why)) return true;
    if (why.name != NULL && strcmp(why.name, "BucketAlreadyOwnedByYou") == 0) return true;
    *error = why;
    return error_prefix(error, "the configured bucket '%s' cannot be made", name);
}

static bool make_buckets(struct serving *serving, struct error *error)
{
    const struct config *config = serving->config;

    for (unsigned i = 0; i < config->bucket_count; i++)
        if (!make_bucket(serving, config->buckets[i], error)) return false;
    for (unsigned i = 0; i < config->watch_count; i++)
        if (!make_bucket(serving, config->watches[i].bucket, error)) return false;
    return true;
}

static bool start_watches(struct serving *serving, struct error *error)
{
    const struct config *config = serving->config;

    serving->watches = arena_zeroed(serving->arena, (config->watch_count + 1) * sizeof serving->watches[0], error);
    if (serving->watches == NULL) return false;
    for (unsigned i = 0; i < config->watch_count; i++) {
        const struct config_watch *wanted = &config->watches[i];
        struct watch_options options = {
            .folder = wanted->folder,
            .bucket = wanted->bucket,
            .prefix = wanted->prefix,
            .done_marker = wanted->done_marker,
            .settle_ms = wanted->settle_ms,
            .after = wanted->after,
            .owner = config->account,
        };

        serving->watches[i] = watch_start(serving->store, &options, error);
        if (serving->watches[i] == NULL) return false;
    }
    return true;
}

static bool open_store(struct serving *serving, struct error *error)
{
    const struct config *config = serving->config;

    serving->folder = folder_open(config->data, FOLDER_WRITE, error);
    if (serving->folder == NULL) return false;
    struct local_options local = {.folder = serving->folder, .key_file = config->key_file};

    serving->store = local_open(&local, error);
    if (serving->store == NULL) return false;
    struct s3_options s3 = {
        .store = serving->store, .region = config->region, .domain = config->domain, .account = config->account};

    struct keys_options keys = {
        .store = serving->store, .region = config->region, .account = config->account, .domain = config->domain};

    serving->s3 = s3_new(&s3, error);
    serving->keys = serving->s3 != NULL ? keys_new(&keys, error) : NULL;
    return serving->keys != NULL && settle_key(serving, error) && make_buckets(serving, error);
}

static bool open_tables(struct serving *serving, struct error *error)
{
    const struct config *config = serving->config;
    const struct local_tables_options tables = {
        .store = serving->store, .region = config->region, .account = config->account};
    const struct access_options access = {.store = serving->store, .region = config->region, .service = "dynamodb"};
    struct dynamodb_options dynamodb = {.region = config->region, .account = config->account};

    serving->tables = dynamodb.tables = local_tables_open(&tables, error);
    serving->tables_access = dynamodb.access = serving->tables != NULL ? access_new(&access, error) : NULL;
    serving->dynamodb = serving->tables_access != NULL ? dynamodb_new(&dynamodb, error) : NULL;
    return serving->dynamodb != NULL;
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

/* Writes a file that only its owner may read. */
static bool write_private(const char *path, const struct buffer *text, struct error *error)
{
    int fd = -1;

    if (!file_remove(path, error)) return false;
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return error_set_errno(error, errno, "%s cannot be written", path);
    bool good = file_write(fd, text->data, text->length, path, error);

    close(fd);
    return good;
}

static bool leave_note(struct serving *serving, struct error *error)
{
    struct buffer text __attribute__((cleanup(buffer_free))) = {0};
    uint64_t failures = json_failures();
    json_t *note = json_object();

    json_object_set_new(note, "url", json_string(server_url(serving->server)));
    json_object_set_new(note, "pid", json_integer(getpid()));
    json_object_set_new(note, "region", json_string(serving->config->region));
    json_object_set_new(note, "access_key_id", json_string(serving->admin.id));
    json_object_set_new(note, "secret_access_key", json_string(serving->admin.secret));
    if (serving->config->tls_certificate != NULL) {
        char *path = realpath(serving->config->tls_certificate, NULL);

        json_object_set_new(note, "ca_file", json_string(path == NULL ? serving->config->tls_certificate : path));
        memory_free(path);
    }
    json_append(&text, note, JSON_COMPACT);
    json_decref(note);
    buffer_append_char(&text, '\n');
    const char *path = arena_format(serving->arena, error, "%s/server.json", serving->config->data);

    if (path == NULL || !json_built(failures, error) || !buffer_check(&text, error) ||
        !write_private(path, &text, error))
        return false;
    serving->note = path;
    return true;
}

bool serving_start(struct serving *serving, const struct config *config, struct error *error)
{
    serving->config = config;
    serving->arena = arena_new(0, error);
    if (serving->arena == NULL || !open_store(serving, error) || !open_tables(serving, error) ||
        !make_metrics(serving, error))
        return false;
    struct status_options options = {
        .metrics = serving->metrics, .metrics_remote = config->metrics_remote, .ready = is_ready, .context = serving};

    serving->status = status_new(&options, error);
    if (serving->status == NULL || !start_server(serving, error) || !leave_note(serving, error)) return false;
    serving->upkeep =
        upkeep_start(serving->store, serving->tables, serving->metrics, config->lifecycle_interval_seconds, error);
    return serving->upkeep != NULL && start_watches(serving, error);
}

void serving_stop(struct serving *serving)
{
    if (serving->note != NULL) file_remove(serving->note, NULL);
    for (struct watch **watch = serving->watches; watch != NULL && *watch != NULL; watch++) watch_stop(*watch);
    upkeep_stop(serving->upkeep);
    server_stop(serving->server, serving->config == NULL ? 0 : serving->config->drain_seconds);
    status_free(serving->status);
    metrics_free(serving->metrics);
    dynamodb_free(serving->dynamodb);
    access_free(serving->tables_access);
    tables_free(serving->tables);
    keys_free(serving->keys);
    s3_free(serving->s3);
    if (serving->store != NULL) local_close(serving->store);
    if (serving->folder != NULL) folder_close(serving->folder);
    arena_free(serving->arena);
}
