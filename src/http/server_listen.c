/* Addresses to listen on, and their sockets. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/server_private.h"

enum { BACKLOG = 1024 };

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static bool parse_port(const char *text, uint16_t *port)
{
    unsigned value = 0;

    if (*text == '\0' || strlen(text) > 5) return false;
    for (; *text >= '0' && *text <= '9'; text++) value = value * 10 + (unsigned)(*text - '0');
    *port = (uint16_t)value;
    return *text == '\0' && value <= 65535;
}

/* "127.0.0.1:9000", "[::1]:9000", "localhost:9000", ":9000" (all interfaces). */
static bool parse_address(const char *listen, union address *address, socklen_t *size, struct error *error)
{
    const char *colon = strrchr(listen, ':');
    char host[64] = "";
    uint16_t port = 0;
    size_t length = colon == NULL ? 0 : (size_t)(colon - listen);

    memset(address, 0, sizeof *address);
    if (colon == NULL || length >= sizeof host || !parse_port(colon + 1, &port))
        return error_set(error, ERROR_USAGE,
                         "'%s' is no address to listen on; give ADDRESS:PORT, such as 127.0.0.1:9000 or [::1]:9000",
                         listen);
    bool v6 = length >= 2 && listen[0] == '[' && colon[-1] == ']';

    memcpy(host, listen + v6, length - 2 * (size_t)v6);
    host[length - 2 * (size_t)v6] = '\0';
    const char *numeric = strcmp(host, "localhost") == 0 ? "127.0.0.1" : host[0] == '\0' ? "0.0.0.0" : host;
    bool good = false;

    if (v6) {
        address->v6.sin6_family = AF_INET6;
        address->v6.sin6_port = htons(port);
        *size = sizeof address->v6;
        good = inet_pton(AF_INET6, numeric, &address->v6.sin6_addr) == 1;
    } else {
        address->v4.sin_family = AF_INET;
        address->v4.sin_port = htons(port);
        *size = sizeof address->v4;
        good = inet_pton(AF_INET, numeric, &address->v4.sin_addr) == 1;
    }
    return good || error_set(error, ERROR_USAGE,
                             "'%s' is no IP address to listen on; give one of this machine's, such as 127.0.0.1, "
                             "[::1] or 0.0.0.0 for all",
                             host);
}

bool server_address(const char *listen, bool *loopback, struct error *error)
{
    union address address;
    socklen_t size = 0;

    if (!parse_address(listen, &address, &size, error)) return false;
    *loopback = address.any.sa_family == AF_INET6 ? IN6_IS_ADDR_LOOPBACK(&address.v6.sin6_addr) != 0
                                                  : ntohl(address.v4.sin_addr.s_addr) >> 24 == 127;
    return true;
}

/* The URL by which a client of this machine reaches the socket. */
static bool name_socket(struct server *server, int fd, struct error *error)
{
    union address bound;
    socklen_t size = sizeof bound;
    char host[INET6_ADDRSTRLEN] = "";
    const char *scheme = server->options.tls_certificate != NULL ? "https" : "http";

    if (getsockname(fd, &bound.any, &size) != 0)
        return error_set_errno(error, errno, "the port that was given could not be learnt");
    if (bound.any.sa_family == AF_INET6) {
        if (IN6_IS_ADDR_UNSPECIFIED(&bound.v6.sin6_addr)) bound.v6.sin6_addr = in6addr_loopback;
        inet_ntop(AF_INET6, &bound.v6.sin6_addr, host, sizeof host);
        snprintf(server->url, sizeof server->url, "%s://[%s]:%u", scheme, host, ntohs(bound.v6.sin6_port));
    } else {
        if (bound.v4.sin_addr.s_addr == htonl(INADDR_ANY)) bound.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        inet_ntop(AF_INET, &bound.v4.sin_addr, host, sizeof host);
        snprintf(server->url, sizeof server->url, "%s://%s:%u", scheme, host, ntohs(bound.v4.sin_port));
    }
    return true;
}

int listen_open(struct server *server, struct error *error)
{
    union address address;
    socklen_t size = 0;
    int yes = 1;

    if (!parse_address(server->options.listen, &address, &size, error)) return -1;
    int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0) {
        error_set_errno(error, errno, "no socket could be made for %s", server->options.listen);
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    /* Accepted sockets inherit it, which saves a call for each. */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (bind(fd, &address.any, size) != 0 || listen(fd, BACKLOG) != 0) {
        int failure = errno;

        if (failure == EADDRINUSE) {
            error_set(
                error, ERROR_CONFLICT,
                "another process listens on %s already; give another port with --listen, or port 0 for a free one",
                server->options.listen);
        } else {
            error_set_errno(error, failure, "%s cannot be listened on", server->options.listen);
        }
        close(fd);
        return -1;
    }
    if (!name_socket(server, fd, error)) {
        close(fd);
        return -1;
    }
    return fd;
}
