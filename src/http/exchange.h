/* One request and its answer, as handlers see them. */
#ifndef AISLE_HTTP_EXCHANGE_H
#define AISLE_HTTP_EXCHANGE_H

#include <sys/types.h>

#include "aws/sign.h"
#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"

/* A request. All texts live as long as the exchange. */
struct exchange {
    struct arena *arena;
    struct sign_request request;    /* as it came over the wire: method, path and query still encoded, headers */
    const char *path;               /* decoded */
    const struct sign_field *query; /* decoded names and values, NUL-terminated, in order; no value is "" */
    size_t query_count;
    const char *host; /* the Host header without port, in lower case; "" when absent */
    const char *client_ip;
    bool tls;
    bool length_given; /* Content-Length */
    uint64_t content_length;
    char id[17];         /* the request's id: 16 upper-case hexadecimal digits */
    int64_t received_us; /* wall clock */
    void *state;         /* of the service that took it */
    const struct service *service;
    struct answer *answer;
    /* For the request's log line and the metrics; a service fills in what it knows. */
    const char *log_operation; /* "GetObject" */
    const char *log_bucket, *log_key, *log_principal, *log_error;
};

/* A header's value by its name in any case, as a text; NULL when there is none. The first of several. */
const char *exchange_header(const struct exchange *exchange, const char *name);
/* A query parameter's decoded value; NULL when it is not there, "" when it has none. */
const char *exchange_query(const struct exchange *exchange, const char *name);

/* Building the answer. Nothing is sent before the service's `finish` returns. */
void answer_status(struct exchange *exchange, unsigned status);
bool answer_header(struct exchange *exchange, const char *name, const char *value, struct error *error);
bool answer_header_format(struct exchange *exchange, struct error *error, const char *name, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* The body: gathered here, … */
struct buffer *answer_body(struct exchange *exchange);
/* … or bytes that somebody else owns until `release` is called with `owner`, … */
void answer_bytes(struct exchange *exchange, const void *bytes, size_t size, void (*release)(void *owner), void *owner);
/* … or part of a file, sent from the page cache by the kernel (the descriptor stays the owner's), … */
void answer_file(struct exchange *exchange, int fd, uint64_t offset, uint64_t size, void (*release)(void *owner),
                 void *owner);
/* … or pulled piece by piece as the client takes it: up to `size` bytes at `offset` of the answer; -1 breaks the
 * connection off. `size` UINT64_MAX: until `read` gives 0, sent in chunks (for server-sent events it may be called
 * again later by returning -2: nothing yet). */
void answer_stream(struct exchange *exchange, uint64_t size,
                   ssize_t (*read)(void *owner, uint64_t offset, void *data, size_t size), void (*release)(void *owner),
                   void *owner);

/* A part of the server that answers requests: S3, the console, metrics, … */
struct service {
    const char *name; /* "s3" */
    void *context;

    /* The headers are here. Sets up exchange->state. False: the answer (filled by `fail`) is sent without reading the
     * body. Runs on the connection's loop: reads of indexes and signatures, nothing that waits. */
    bool (*begin)(void *context, struct exchange *exchange, struct error *error);

    /* A piece of the body, in order. Runs on the connection's loop; writing to a file's page cache is all right,
     * waiting is not. NULL: bodies are refused. */
    bool (*body)(void *context, struct exchange *exchange, const void *data, size_t size, struct error *error);

    /* The body is complete. Fills the answer. Runs on a worker thread, where it may wait, or right on the loop when
     * `quick` says so of this exchange. */
    bool (*finish)(void *context, struct exchange *exchange, struct error *error);
    bool (*quick)(void *context, const struct exchange *exchange); /* NULL: never */

    /* Makes the answer of a failure in the service's own form. */
    void (*fail)(void *context, struct exchange *exchange, const struct error *error);

    /* The exchange is over, whether it was answered or broken off: releases exchange->state. Called once after every
     * `begin`. */
    void (*end)(void *context, struct exchange *exchange);
};

/* The HTTP status of an error's code: 400, 403, 404, 409, 412, 413, 429, 500, 503. */
unsigned exchange_status_of(const struct error *error);

#endif
