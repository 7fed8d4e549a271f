/* An HTTP server on a free port of 127.0.0.1 that does what a script says, request by request, and keeps what it was
 * sent: for tests of clients against servers that misbehave. */
#ifndef AISLE_TESTS_SUPPORT_SCRIPT_SERVER_H
#define AISLE_TESTS_SUPPORT_SCRIPT_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/unit.h"

enum script_act {
    SCRIPT_ANSWER,   /* status, headers and body, whole */
    SCRIPT_DROP,     /* closes once the request is read */
    SCRIPT_DROP_NOW, /* closes before it reads anything */
    SCRIPT_TRUNCATE, /* says `more_bytes` more than it sends, and closes */
    SCRIPT_STALL,    /* reads the request and says nothing until the client goes */
    SCRIPT_STALL_IN_BODY,
    SCRIPT_DRIP,    /* the answer byte by byte */
    SCRIPT_GARBAGE, /* no HTTP at all */
};

struct script_step {
    enum script_act act;
    int status;
    const char *headers; /* lines that end in \r\n; NULL: none */
    const char *body;    /* NULL: none */
    size_t body_bytes;   /* 0: strlen */
    size_t more_bytes;   /* that the head promises besides: SCRIPT_TRUNCATE, or any answer to HEAD */
};

struct script_request {
    char head[8192]; /* request line and headers */
    char *body;
    size_t body_bytes;
};

#define SCRIPT_MOST 64
#define SCRIPT_MOST_CONNECTIONS 4096

struct script_connection {
    struct script_server *server;
    int fd;
    pthread_t thread;
};

struct script_server {
    pthread_mutex_t lock;
    struct script_connection connections[SCRIPT_MOST_CONNECTIONS];
    int listener;
    int port;
    char url[64];
    pthread_t thread;
    const struct script_step *steps; /* the last is repeated */
    size_t step_count;
    struct script_request requests[SCRIPT_MOST];
    size_t request_count, connection_count;
};

static inline bool script_send(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
        if (sent <= 0) return false;
        data += sent;
        size -= (size_t)sent;
    }
    return true;
}

/* Reads one request; false when the client is gone. */
static inline bool script_read(int fd, struct script_request *request)
{
    size_t length = 0;
    char *end = NULL;
    *request = (struct script_request){0};
    while (!end && length + 1 < sizeof request->head) {
        ssize_t got = recv(fd, request->head + length, 1, 0);
        if (got <= 0) return false;
        length++;
        request->head[length] = '\0';
        if (length >= 4) end = strstr(request->head + length - 4, "\r\n\r\n");
    }
    const char *field = strcasestr(request->head, "\r\ncontent-length:");
    request->body_bytes = field ? strtoul(field + 17, NULL, 10) : 0;
    request->body = calloc(1, request->body_bytes + 1);
    if (strcasestr(request->head, "\r\nexpect: 100-continue")) {
        if (!script_send(fd, "HTTP/1.1 100 Continue\r\n\r\n", 25)) return false;
    }
    for (size_t at = 0; at < request->body_bytes;) {
        ssize_t got = recv(fd, request->body + at, request->body_bytes - at, 0);
        if (got <= 0) return false;
        at += (size_t)got;
    }
    return true;
}

static inline void script_wait_for_end(int fd)
{
    char byte;
    while (recv(fd, &byte, 1, 0) > 0) continue;
}

/* Does the step; false when the connection ends with it. */
static inline bool script_do(int fd, const struct script_step *step, bool head_only)
{
    char head[4096];
    size_t body_bytes = step->body_bytes ? step->body_bytes : step->body ? strlen(step->body) : 0;
    int length = snprintf(head, sizeof head, "HTTP/1.1 %d Status\r\nContent-Length: %zu\r\n%s\r\n", step->status,
                          body_bytes + step->more_bytes, step->headers ? step->headers : "");
    switch (step->act) {
    case SCRIPT_DROP:
    case SCRIPT_DROP_NOW:
        return false;
    case SCRIPT_GARBAGE:
        script_send(fd, "\x01\x02\x03 nonsense\n\n\n", 15);
        return false;
    case SCRIPT_STALL:
        script_wait_for_end(fd);
        return false;
    case SCRIPT_DRIP:
        for (int i = 0; i < length; i++) {
            script_send(fd, head + i, 1);
            usleep(500);
        }
        for (size_t i = 0; i < body_bytes; i++) {
            script_send(fd, step->body + i, 1);
            usleep(500);
        }
        return true;
    default:
        if (head_only) body_bytes = 0;
        if (!script_send(fd, head, (size_t)length) || !script_send(fd, step->body ? step->body : "", body_bytes)) {
            return false;
        }
        if (step->act == SCRIPT_STALL_IN_BODY) script_wait_for_end(fd);
        return step->act == SCRIPT_ANSWER;
    }
}

/* The next request's place and step. */
static inline size_t script_next(struct script_server *server, const struct script_step **step, bool take)
{
    pthread_mutex_lock(&server->lock);
    size_t n = server->request_count;
    *step = &server->steps[n < server->step_count ? n : server->step_count - 1];
    if (take) server->request_count++;
    pthread_mutex_unlock(&server->lock);
    return n;
}

static inline void *script_serve(void *context)
{
    struct script_connection *connection = context;
    struct script_server *server = connection->server;
    const struct script_step *step = NULL;
    struct script_request request;
    bool open = true;
    script_next(server, &step, false);
    if (step->act == SCRIPT_DROP_NOW) {
        script_next(server, &step, true);
        open = false;
    }
    while (open) {
        open = script_read(connection->fd, &request);
        size_t n = open ? script_next(server, &step, true) : SCRIPT_MOST;
        if (n < SCRIPT_MOST) {
            server->requests[n] = request;
        } else {
            free(request.body);
        }
        open = open && script_do(connection->fd, step, strncmp(request.head, "HEAD ", 5) == 0);
    }
    close(connection->fd);
    return NULL;
}

static inline void *script_main(void *context)
{
    struct script_server *server = context;
    for (;;) {
        int fd = accept(server->listener, NULL, NULL);
        if (fd < 0) return NULL;
        assert_true(server->connection_count < SCRIPT_MOST_CONNECTIONS);
        struct script_connection *connection = &server->connections[server->connection_count++];
        *connection = (struct script_connection){.server = server, .fd = fd};
        assert_int_equal(pthread_create(&connection->thread, NULL, script_serve, connection), 0);
    }
}

static inline void script_start(struct script_server *server, const struct script_step *steps, size_t step_count)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    memset(server, 0, sizeof *server);
    pthread_mutex_init(&server->lock, NULL);
    server->steps = steps;
    server->step_count = step_count;
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(server->listener >= 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(server->listener, 64), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &size), 0);
    server->port = ntohs(address.sin_port);
    snprintf(server->url, sizeof server->url, "http://127.0.0.1:%d", server->port);
    assert_int_equal(pthread_create(&server->thread, NULL, script_main, server), 0);
}

/* All clients must have closed their connections. Requests stay to be looked at until script_free. */
static inline void script_stop(struct script_server *server)
{
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    for (size_t i = 0; i < server->connection_count; i++) pthread_join(server->connections[i].thread, NULL);
    close(server->listener);
}

static inline void script_free(struct script_server *server)
{
    for (size_t i = 0; i < server->request_count && i < SCRIPT_MOST; i++) free(server->requests[i].body);
}

#endif
