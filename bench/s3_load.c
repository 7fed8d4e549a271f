/* A light client that loads an S3 server over many connections, from one thread.
 *
 * usage: s3_load HOST:PORT BUCKET OPERATION CONNECTIONS SECONDS KEYS BYTES
 *        with AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION in the environment
 *
 * OPERATION is one of
 *   make   PUT of the bucket, once
 *   fill   PUT of each key once, BYTES long; SECONDS is not looked at
 *   put    PUT of new keys (KEYS of them are signed beforehand; then they come again), BYTES long
 *   get    GET of keys that `fill` made, at random
 *   list   ListObjectsV2 of 1,000 keys after a key at random
 *   up     PUT of objects of BYTES, CONNECTIONS at once, one each     down   GET of those
 *
 * Requests are signed before the clock starts, with Signature Version 4 in headers and the body's SHA-256 (for `up`
 * UNSIGNED-PAYLOAD), so that what is measured is the server. Prints one line of JSON: requests, failures, keys listed,
 * bytes, seconds, the median and the 99th percentile of the times in milliseconds.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "aws/sign.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/memory.h"
#include "base/random.h"

enum { BLOCK_BYTES = 1 << 20, MOST_TIMES = 1 << 22 };

struct load {
    struct sockaddr_in address;
    const char *host, *bucket, *operation;
    unsigned connections, seconds;
    size_t keys;
    uint64_t bytes;
    struct str *requests; /* heads, signed */
    char *block;          /* what bodies are made of */
    bool has_body, once;
    size_t next; /* request to send */
    struct random random;
    uint64_t done, failed, listed, received;
    uint32_t *times_us;
    char first_failure[200];
};

struct link {
    struct load *load;
    int fd;
    struct str head;
    uint64_t body_left, head_left;
    int64_t began_us;
    char in[BLOCK_BYTES / 4];
    size_t filled;
    bool in_body, chunked, ok, done;
    uint64_t answer_left, chunk_left;
};

static void die(const char *what)
{
    fprintf(stderr, "s3_load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void fail(const struct error *error)
{
    fprintf(stderr, "s3_load: %s\n", error->message);
    exit(1);
}

static void key_name(const struct load *load, char *name, size_t room, size_t number)
{
    bool large = strcmp(load->operation, "up") == 0 || strcmp(load->operation, "down") == 0;

    snprintf(name, room, "%s/%04zu/object-%08zu", large ? "large" : "data", number / 1000, number);
}

/* The head of one request, signed. */
static struct str sign(const struct load *load, const char *method, const char *path, const char *query,
                       const char *hash, struct arena *arena, struct error *error)
{
    struct sign_field host = {str_of("host"), str_of(load->host)};
    struct sign_request request = {str_of(method), str_of(path), str_of(query), &host, 1};
    struct sign_credentials credentials = {getenv("AWS_ACCESS_KEY_ID"), getenv("AWS_SECRET_ACCESS_KEY"), NULL};
    struct sign_scope scope = {.service = "s3"};
    const char *region = getenv("AWS_REGION");
    struct sign_field *added = NULL;
    size_t count = 0;
    int64_t now_us = clock_now_us();
    char day[32];
    struct buffer head = {0};

    clock_format_compact(now_us, day);
    memcpy(scope.date, day, 8);
    snprintf(scope.region, sizeof scope.region, "%s", region == NULL ? "us-east-1" : region);
    if (!sign_headers(&request, &credentials, &scope, now_us, hash, arena, &added, &count, error)) fail(error);
    buffer_append_format(&head, "%s %s%s%s HTTP/1.1\r\nHost: %s\r\n", method, path, query[0] == '\0' ? "" : "?", query,
                         load->host);
    for (size_t i = 0; i < count; i++)
        buffer_append_format(&head, "%.*s: %.*s\r\n", STR_ARGS(added[i].name), STR_ARGS(added[i].value));
    if (strcmp(method, "PUT") == 0)
        buffer_append_format(&head, "Content-Length: %llu\r\n", (unsigned long long)(load->has_body ? load->bytes : 0));
    buffer_append_text(&head, "\r\n");
    char *text = arena_text(arena, head.data, head.length, error);
    struct str signed_head = {text, head.length};

    buffer_free(&head);
    if (text == NULL) fail(error);
    return signed_head;
}

static void sign_all(struct load *load, struct arena *arena, struct error *error)
{
    const char *operation = load->operation;
    bool list = strcmp(operation, "list") == 0, put = load->has_body;
    uint8_t digest[DIGEST_MAX_BYTES];
    char hash[65] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    if (put && load->bytes <= BLOCK_BYTES) {
        if (!digest_once(DIGEST_SHA256, load->block, (size_t)load->bytes, digest, error)) fail(error);
        digest_hex(digest, 32, hash);
    }
    const char *payload = put && load->bytes > BLOCK_BYTES ? SIGN_UNSIGNED : hash;

    load->requests = memory_array(load->keys, sizeof *load->requests, error);
    if (load->requests == NULL) fail(error);
    for (size_t k = 0; k < load->keys; k++) {
        char name[80], path[200], query[200] = "";

        key_name(load, name, sizeof name, k);
        snprintf(path, sizeof path, "/%s%s%s", load->bucket, list || strcmp(operation, "make") == 0 ? "" : "/",
                 list || strcmp(operation, "make") == 0 ? "" : name);
        if (list)
            snprintf(query, sizeof query, "list-type=2&max-keys=1000&start-after=data%%2F%04zu%%2Fobject-%08zu",
                     k / 1000, k);
        load->requests[k] =
            sign(load, put || strcmp(operation, "make") == 0 ? "PUT" : "GET", path, query, payload, arena, error);
    }
}

static void link_open(struct link *link)
{
    int yes = 1;

    link->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (link->fd < 0 || connect(link->fd, (struct sockaddr *)&link->load->address, sizeof link->load->address) != 0)
        die("connecting");
    setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (fcntl(link->fd, F_SETFL, O_NONBLOCK) != 0) die("connecting");
}

/* The next request of this connection. False when there is none. */
static bool link_begin(struct link *link)
{
    struct load *load = link->load;
    size_t which = 0;

    if (load->once && load->next == load->keys) return false;
    if (load->once || load->has_body)
        which = load->next++ % load->keys;
    else
        which = (size_t)random_below(&load->random, load->keys);
    link->head = load->requests[which];
    link->head_left = link->head.length;
    link->body_left = load->has_body ? load->bytes : 0;
    link->in_body = false;
    link->filled = 0;
    link->began_us = clock_monotonic_us();
    return true;
}

/* Sends what the socket takes. */
static bool link_send(struct link *link)
{
    struct load *load = link->load;

    while (link->head_left > 0 || link->body_left > 0) {
        uint64_t sent_body = load->bytes - link->body_left;
        size_t from = (size_t)(sent_body % BLOCK_BYTES);
        size_t body = link->body_left < BLOCK_BYTES - from ? (size_t)link->body_left : BLOCK_BYTES - from;
        struct iovec pieces[2] = {
            {(char *)(uintptr_t)link->head.data + link->head.length - link->head_left, link->head_left},
            {load->block + from, body}};
        struct msghdr message = {.msg_iov = pieces, .msg_iovlen = 2};
        ssize_t sent = sendmsg(link->fd, &message, MSG_NOSIGNAL);

        if (sent < 0) return errno == EAGAIN;
        size_t of_head = (size_t)sent < link->head_left ? (size_t)sent : link->head_left;

        link->head_left -= of_head;
        link->body_left -= (uint64_t)sent - of_head;
    }
    return true;
}

static const char *field(const char *head, const char *name)
{
    const char *at = strcasestr(head, name);

    return at == NULL ? NULL : at + strlen(name) + strspn(at + strlen(name), " ");
}

static void count_keys(struct load *load, const char *data, size_t size)
{
    const char *end = data + size;

    for (const char *at = data; (at = memmem(at, (size_t)(end - at), "<Key>", 5)) != NULL; at += 5) load->listed++;
}

/* The head is whole. */
static void read_head(struct link *link, size_t head_bytes)
{
    struct load *load = link->load;

    link->in[head_bytes - 2] = '\0';
    const char *length = field(link->in, "\ncontent-length:");

    link->ok = strncmp(link->in, "HTTP/1.1 2", 10) == 0;
    link->chunked = length == NULL && field(link->in, "\ntransfer-encoding:") != NULL;
    link->answer_left = length == NULL ? 0 : strtoull(length, NULL, 10);
    link->chunk_left = 0;
    link->in_body = true;
    if (!link->ok && load->first_failure[0] == '\0')
        snprintf(load->first_failure, sizeof load->first_failure, "%.*s", (int)strcspn(link->in, "\r\n"), link->in);
    memmove(link->in, link->in + head_bytes, link->filled - head_bytes);
    link->filled -= head_bytes;
}

/* Takes what is in the buffer of a chunked body. True at its end. */
static bool read_chunks(struct link *link)
{
    size_t at = 0;
    bool end = false;

    while (!end && at < link->filled) {
        if (link->chunk_left > 2) {
            size_t take = link->filled - at < link->chunk_left - 2 ? link->filled - at : (size_t)link->chunk_left - 2;

            count_keys(link->load, link->in + at, take);
            link->load->received += take;
            at += take;
            link->chunk_left -= take;
        } else if (link->chunk_left > 0) {
            at++;
            link->chunk_left--;
        } else {
            char *line = memchr(link->in + at, '\n', link->filled - at);

            if (line == NULL) break;
            link->chunk_left = strtoull(link->in + at, NULL, 16);
            end = link->chunk_left == 0;
            link->chunk_left += 2;
            at = (size_t)(line + 1 - link->in);
            if (end) at = link->filled;
        }
    }
    memmove(link->in, link->in + at, link->filled - at);
    link->filled -= at;
    return end;
}

/* Takes what is in the buffer. True when the answer is whole. */
static bool read_answer(struct link *link)
{
    if (!link->in_body) {
        char *end = memmem(link->in, link->filled, "\r\n\r\n", 4);

        if (end == NULL) return false;
        read_head(link, (size_t)(end + 4 - link->in));
    }
    if (link->chunked) return read_chunks(link);
    size_t take = link->filled < link->answer_left ? link->filled : (size_t)link->answer_left;

    if (link->load->operation[0] == 'l') count_keys(link->load, link->in, take);
    link->load->received += take;
    link->answer_left -= take;
    link->filled = 0;
    return link->answer_left == 0;
}

static void count(struct link *link)
{
    struct load *load = link->load;
    int64_t us = clock_monotonic_us() - link->began_us;

    if (!link->ok) load->failed++;
    if (load->done < MOST_TIMES) load->times_us[load->done] = (uint32_t)us;
    load->done++;
}

/* Reads what is there, and goes on with the next request. False when this connection has no more to do. */
static bool link_receive(struct link *link, int64_t end_us)
{
    for (;;) {
        ssize_t got = recv(link->fd, link->in + link->filled, sizeof link->in - 1 - link->filled, 0);

        if (got < 0 && errno == EAGAIN) return true;
        if (got <= 0) {
            link->ok = false;
            count(link);
            close(link->fd);
            return false;
        }
        link->filled += (size_t)got;
        if (!read_answer(link)) continue;
        count(link);
        if ((!link->load->once && clock_monotonic_us() >= end_us) || !link_begin(link)) return false;
        if (!link_send(link)) die("sending");
    }
}

static int by_time(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

static void run(struct load *load, struct link *links)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    unsigned active = 0;
    int64_t began_us = clock_monotonic_us(), end_us = began_us + (int64_t)load->seconds * 1000000;

    for (unsigned i = 0; i < load->connections; i++) {
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = &links[i]};

        links[i].load = load;
        if (!link_begin(&links[i])) break;
        link_open(&links[i]);
        active++;
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, links[i].fd, &event) != 0) die("epoll");
    }
    while (active > 0) {
        struct epoll_event events[256];
        int ready = epoll_wait(epoll, events, 256, -1);

        for (int e = 0; e < ready; e++) {
            struct link *link = events[e].data.ptr;

            if (link->done) continue;
            if (!link_send(link)) die("sending");
            link->done = !link_receive(link, end_us);
            active -= link->done;
        }
    }
    double seconds = (double)(clock_monotonic_us() - began_us) / 1e6;
    size_t timed = load->done < MOST_TIMES ? (size_t)load->done : MOST_TIMES;

    qsort(load->times_us, timed, sizeof *load->times_us, by_time);
    printf("{\"requests\": %llu, \"failures\": %llu, \"keys\": %llu, \"bytes\": %llu, \"seconds\": %.3f, "
           "\"median_ms\": %.3f, \"p99_ms\": %.3f, \"first_failure\": \"%s\"}\n",
           (unsigned long long)load->done, (unsigned long long)load->failed, (unsigned long long)load->listed,
           (unsigned long long)(load->has_body ? load->done * load->bytes : load->received), seconds,
           timed == 0 ? 0 : load->times_us[timed / 2] / 1e3, timed == 0 ? 0 : load->times_us[timed * 99 / 100] / 1e3,
           load->first_failure);
    close(epoll);
}

int main(int argc, char **argv)
{
    struct error error = {0};
    char address[64];

    if (argc != 8 || getenv("AWS_ACCESS_KEY_ID") == NULL || getenv("AWS_SECRET_ACCESS_KEY") == NULL) {
        fprintf(stderr, "usage: s3_load HOST:PORT BUCKET OPERATION CONNECTIONS SECONDS KEYS BYTES\n");
        return 2;
    }
    snprintf(address, sizeof address, "%s", argv[1]);
    char *colon = strrchr(address, ':');

    if (colon == NULL) die("HOST:PORT");
    *colon = '\0';
    struct load load = {
        .address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10))},
        .host = argv[1],
        .bucket = argv[2],
        .operation = argv[3],
        .connections = (unsigned)strtoul(argv[4], NULL, 10),
        .seconds = (unsigned)strtoul(argv[5], NULL, 10),
        .keys = strtoull(argv[6], NULL, 10),
        .bytes = strtoull(argv[7], NULL, 10),
    };
    load.has_body = strcmp(argv[3], "put") == 0 || strcmp(argv[3], "fill") == 0 || strcmp(argv[3], "up") == 0;
    load.once = strcmp(argv[3], "put") != 0 && strcmp(argv[3], "get") != 0 && strcmp(argv[3], "list") != 0;
    if (inet_pton(AF_INET, address, &load.address.sin_addr) != 1) die("HOST must be an IPv4 address");
    random_seed(&load.random, 1);
    struct arena *arena = arena_new(0, &error);

    load.block = memory_array(BLOCK_BYTES, 1, &error);
    load.times_us = memory_array(MOST_TIMES, sizeof *load.times_us, &error);
    struct link *links = memory_zeroed(load.connections * sizeof *links, &error);

    if (arena == NULL || load.block == NULL || load.times_us == NULL || links == NULL) fail(&error);
    for (size_t i = 0; i < BLOCK_BYTES; i++) load.block[i] = (char)random_next(&load.random);
    sign_all(&load, arena, &error);
    run(&load, links);
    memory_free(links);
    memory_free(load.requests);
    memory_free(load.times_us);
    memory_free(load.block);
    arena_free(arena);
    return load.failed > 0;
}
