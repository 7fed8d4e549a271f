/* The server loop: connections, limits, TLS, workers, logs and metrics, on libmicrohttpd.
 *
 * Loops (epoll, one a processor) read requests and send answers; a request whose answer must wait is suspended and
 * handed to a worker thread. So a slow client holds nobody up, and a slow disk holds no client's reading up.
 */
#ifndef AISLE_HTTP_SERVER_H
#define AISLE_HTTP_SERVER_H

#include "http/exchange.h"

struct server;

struct server_options {
    const char *listen;                    /* "127.0.0.1:9000", "[::1]:9000"; port 0: a free one */
    const char *tls_certificate, *tls_key; /* PEM files; NULL: no TLS */
    const struct service *const *services; /* asked in order by `route`; ended by NULL */
    /* Which service takes a request; by host, path, query and headers. */
    const struct service *(*route)(void *context, const struct exchange *exchange);
    void *route_context;
    unsigned loops;                  /* 0: processors, at most 4 */
    unsigned workers;                /* most threads that wait; 0: 64; they are made when needed */
    unsigned max_connections;        /* 0: 4,096 */
    unsigned max_connections_per_ip; /* 0: no limit */
    unsigned idle_timeout_seconds;   /* a connection that does not move; 0: 60 */
    size_t max_header_bytes;         /* 0: 32 KiB */
    bool log_requests;               /* one JSON line each (LOG_INFO, event "request") */
    struct metrics *metrics;         /* counts requests by operation and status, and their times; NULL: not. It must
                                        outlive the server, and not be shown after it */
};

struct server *server_start(const struct server_options *options, struct error *error);
/* Whether only this machine reaches an address to listen on. False for what is no address. */
bool server_address(const char *listen, bool *loopback, struct error *error);
/* "http://127.0.0.1:9000"; for an address that means all interfaces the one that this machine reaches it by. */
const char *server_url(const struct server *server);
/* Takes no new connections, lets requests that are under way finish for up to so long, then breaks them off. */
void server_stop(struct server *server, unsigned grace_seconds);

/* Counters for /metrics (http/metrics.h shows them). */
struct server_counts {
    uint64_t requests, failures_4xx, failures_5xx, bytes_in, bytes_out, connections, connections_now, refused;
};
void server_counts(const struct server *server, struct server_counts *counts);

#endif
