/* Starting and stopping. */
#include "http/server.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "http/server_private.h"

enum { DEFAULT_WORKERS = 64, DEFAULT_CONNECTIONS = 4096, DEFAULT_IDLE_SECONDS = 60, MOST_LOOPS = 4 };
enum { DEFAULT_HEADER_BYTES = 32 * 1024, MOST_PEM_BYTES = 1024 * 1024 };

/* The path and the arguments stay as they came: the services decode them, and check signatures over the originals. */
static size_t unescape_nothing(void *context, struct MHD_Connection *link, char *text)
{
    (void)context, (void)link;
    return strlen(text);
}

static bool load_pem(const char *path, struct buffer *into, struct error *error)
{
    buffer_init(into, MOST_PEM_BYTES);
    return file_load(path, into, error) && (buffer_text(into) != NULL || buffer_check(into, error));
}

static void set_defaults(struct server_options *options)
{
    if (options->loops == 0) options->loops = thread_processors() < MOST_LOOPS ? thread_processors() : MOST_LOOPS;
    if (options->workers == 0) options->workers = DEFAULT_WORKERS;
    if (options->max_connections == 0) options->max_connections = DEFAULT_CONNECTIONS;
    if (options->idle_timeout_seconds == 0) options->idle_timeout_seconds = DEFAULT_IDLE_SECONDS;
    if (options->max_header_bytes == 0) options->max_header_bytes = DEFAULT_HEADER_BYTES;
    if (options->loops > options->max_connections) options->loops = options->max_connections;
}

static bool start_daemon(struct server *server, struct error *error)
{
    const struct server_options *options = &server->options;
    bool tls = options->tls_certificate != NULL;
    static char tls_versions[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_SUPPRESS_DATE_NO_CLOCK |
                     (tls ? MHD_USE_TLS : 0);
    struct MHD_OptionItem more[8];
    size_t count = 0;

    if (options->loops > 1)
        more[count++] = (struct MHD_OptionItem){MHD_OPTION_THREAD_POOL_SIZE, (intptr_t)options->loops, NULL};
    if (options->max_connections_per_ip > 0)
        more[count++] = (struct MHD_OptionItem){MHD_OPTION_PER_IP_CONNECTION_LIMIT,
                                                (intptr_t)options->max_connections_per_ip, NULL};
    if (tls) {
        more[count++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_PRIORITIES, 0, tls_versions};
        more[count++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0, server->certificate.data};
        more[count++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, server->key.data};
    }
#if MHD_VERSION >= 0x00097701
    more[count++] = (struct MHD_OptionItem){MHD_OPTION_CLIENT_DISCIPLINE_LVL, 1, NULL};
#endif
    more[count] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
    server->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, request_step, server, MHD_OPTION_LISTEN_SOCKET, server->listen_fd,
        MHD_OPTION_URI_LOG_CALLBACK, request_line, server, MHD_OPTION_UNESCAPE_CALLBACK, unescape_nothing, NULL,
        MHD_OPTION_NOTIFY_COMPLETED, request_over, server, MHD_OPTION_NOTIFY_CONNECTION, connection_event, server,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, options->max_header_bytes, MHD_OPTION_CONNECTION_LIMIT,
        options->max_connections, MHD_OPTION_CONNECTION_TIMEOUT, options->idle_timeout_seconds, MHD_OPTION_ARRAY, more,
        MHD_OPTION_END);
    if (server->daemon != NULL) return true;
    return tls ? error_set(error, ERROR_INVALID,
                           "the server could not be started with the certificate %s and the key %s: they must be a "
                           "certificate chain and its private key in PEM form",
                           options->tls_certificate, options->tls_key)
               : error_set_errno(error, errno, "the server could not be started on %s", options->listen);
}

static bool start(struct server *server, struct error *error)
{
    const struct server_options *options = &server->options;

    if ((options->tls_certificate == NULL) != (options->tls_key == NULL))
        return error_set(error, ERROR_USAGE, "TLS needs both a certificate and its key");
    if (options->tls_certificate != NULL && (!load_pem(options->tls_certificate, &server->certificate, error) ||
                                             !load_pem(options->tls_key, &server->key, error)))
        return false;
    server->lenient = strcmp(MHD_get_version(), "0.9.75") == 0;
    if (!random_bytes(&server->id_seed, sizeof server->id_seed, error)) return false;
    server->workers = workers_new(options->workers, error);
    if (server->workers == NULL) return false;
    server->listen_fd = listen_open(server, error);
    if (server->listen_fd < 0) return false;
    server->watch = thread_start("aisle-watch", watch_run, server, error);
    if (server->watch == NULL || !start_daemon(server, error)) return false;
    return options->metrics == NULL || metrics_collector(options->metrics, lanes_collect, server, error);
}

struct server *server_start(const struct server_options *options, struct error *error)
{
    struct server *server = memory_aligned(sizeof *server, error);
    pthread_condattr_t monotonic;

    if (server == NULL) return NULL;
    memset(server, 0, sizeof *server);
    server->options = *options;
    server->listen_fd = -1;
    set_defaults(&server->options);
    lanes_init(server);
    pthread_mutex_init(&server->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&server->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (!start(server, error)) {
        server_stop(server, 0);
        return NULL;
    }
    return server;
}

const char *server_url(const struct server *server)
{
    return server->url;
}

/* Waits until no request is under way, for so long at most; then has no more work begun, and waits for what a worker
 * has in hand: libmicrohttpd cannot end while a connection is suspended. */
static void drain(struct server *server, unsigned grace_seconds)
{
    int64_t until_us = clock_monotonic_us() + (int64_t)grace_seconds * 1000000;

    pthread_mutex_lock(&server->lock);
    atomic_store(&server->stopping, true);
    while (atomic_load(&server->active) > 0 && clock_monotonic_us() < until_us) server_wait(server, 100);
    server->stopped = true;
    pthread_cond_broadcast(&server->wake);
    while (server->working > 0) server_wait(server, 100);
    pthread_mutex_unlock(&server->lock);
}

void server_stop(struct server *server, unsigned grace_seconds)
{
    if (server == NULL) return;
    if (server->daemon != NULL) {
        /* The loops still have the socket in hand: it is closed when they have ended. */
        MHD_quiesce_daemon(server->daemon);
        shutdown(server->listen_fd, SHUT_RDWR);
        drain(server, grace_seconds);
    } else {
        pthread_mutex_lock(&server->lock);
        server->stopped = true;
        pthread_cond_broadcast(&server->wake);
        pthread_mutex_unlock(&server->lock);
    }
    thread_join(server->watch);
    if (server->daemon != NULL) MHD_stop_daemon(server->daemon);
    if (server->listen_fd >= 0) close(server->listen_fd);
    workers_free(server->workers);
    if (server->options.metrics != NULL) lanes_collect(server, server->options.metrics);
    lanes_free(server);
    buffer_free(&server->certificate);
    buffer_free(&server->key);
    pthread_cond_destroy(&server->wake);
    pthread_mutex_destroy(&server->lock);
    memory_free(server);
}

void server_counts(const struct server *server, struct server_counts *counts)
{
    *counts = (struct server_counts){
        .requests = atomic_load(&server->requests),
        .failures_4xx = atomic_load(&server->failures_4xx),
        .failures_5xx = atomic_load(&server->failures_5xx),
        .bytes_in = atomic_load(&server->bytes_in),
        .bytes_out = atomic_load(&server->bytes_out),
        .connections = atomic_load(&server->accepted),
        .connections_now = atomic_load(&server->connections_now),
        .refused = atomic_load(&server->refused),
    };
}
