/* Connections: their coming and going, and those that take too long. */
#include <arpa/inet.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "http/server_private.h"

/* A body must come at this rate at least, on the average since it began, once it has taken so long. */
enum { LEAST_BODY_BYTES_PER_SECOND = 512, BODY_PATIENCE_SECONDS = 60 };
enum { TICK_MS = 200, LOOK_MS = 1000, SHED_AFTER_LOOKS = 3 };

static void name_client(struct connection *connection, const struct sockaddr *address)
{
    const void *bytes = address->sa_family == AF_INET6
                            ? (const void *)&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr
                            : (const void *)&((const struct sockaddr_in *)(const void *)address)->sin_addr;

    if (inet_ntop(address->sa_family, bytes, connection->client_ip, sizeof connection->client_ip) == NULL)
        connection->client_ip[0] = '\0';
}

static void connection_began(struct server *server, struct MHD_Connection *link, void **state)
{
    struct connection *connection = memory_zeroed(sizeof *connection, NULL);
    const union MHD_ConnectionInfo *address = MHD_get_connection_info(link, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const union MHD_ConnectionInfo *fd = MHD_get_connection_info(link, MHD_CONNECTION_INFO_CONNECTION_FD);

    *state = connection;
    if (connection == NULL || address == NULL || fd == NULL) return;
    name_client(connection, address->client_addr);
    connection->fd = fd->connect_fd;
    connection->since_us = clock_monotonic_us();
    pthread_mutex_lock(&server->lock);
    connection->next = server->connections;
    if (connection->next != NULL) connection->next->previous = connection;
    server->connections = connection;
    pthread_mutex_unlock(&server->lock);
    atomic_fetch_add(&server->accepted, 1);
    atomic_fetch_add(&server->connections_now, 1);
}

static void connection_ended(struct server *server, struct connection *connection)
{
    pthread_mutex_lock(&server->lock);
    if (connection->previous != NULL) connection->previous->next = connection->next;
    if (connection->next != NULL) connection->next->previous = connection->previous;
    if (server->connections == connection) server->connections = connection->next;
    pthread_mutex_unlock(&server->lock);
    atomic_fetch_sub(&server->connections_now, 1);
    memory_free(connection);
}

void connection_event(void *context, struct MHD_Connection *link, void **state,
                      enum MHD_ConnectionNotificationCode what)
{
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        connection_began(context, link, state);
    } else if (*state != NULL) {
        connection_ended(context, *state);
        *state = NULL;
    }
}

static bool takes_too_long(const struct server *server, const struct connection *connection, int64_t now_us)
{
    int64_t seconds = (now_us - atomic_load(&connection->since_us)) / 1000000;
    int phase = atomic_load(&connection->phase);

    if (phase == PHASE_HEAD) return seconds > (int64_t)server->options.idle_timeout_seconds;
    if (phase != PHASE_BODY || seconds <= BODY_PATIENCE_SECONDS) return false;
    return atomic_load(&connection->body_bytes) < (uint64_t)seconds * LEAST_BODY_BYTES_PER_SECOND;
}

/* Whether the client has ended a connection on which its request is not complete. libmicrohttpd, which is told of
 * changes only, misses an end that comes together with bytes. Nothing has moved since the last look, so that no loop is
 * just reading the rest. */
static bool is_abandoned(struct connection *connection)
{
    int64_t since_us = atomic_load(&connection->since_us);
    uint64_t bytes = atomic_load(&connection->body_bytes);
    bool moved = connection->seen_since_us != since_us || connection->seen_body_bytes != bytes;
    struct pollfd state = {.fd = connection->fd, .events = POLLRDHUP};
    int unread = 0;

    connection->seen_since_us = since_us;
    connection->seen_body_bytes = bytes;
    if (moved || atomic_load(&connection->phase) == PHASE_ANSWER) return false;
    return poll(&state, 1, 0) == 1 && ioctl(connection->fd, FIONREAD, &unread) == 0 && unread == 0;
}

/* Ends the sockets; their loops then see it and clean up. */
static void end_slow(struct server *server)
{
    int64_t now_us = clock_monotonic_us();

    for (struct connection *connection = server->connections; connection != NULL; connection = connection->next) {
        bool slow = takes_too_long(server, connection, now_us);

        if (slow) atomic_fetch_add(&server->refused, 1);
        if (slow || is_abandoned(connection)) shutdown(connection->fd, SHUT_RDWR);
    }
}

static void wake_sleeping(struct server *server)
{
    struct request *next = NULL;

    for (struct request *request = server->sleeping; request != NULL; request = next) {
        next = request->next;
        MHD_resume_connection(request->link);
    }
    server->sleeping = NULL;
}

/* What a busy time has left over goes back when there has been nothing to do for some looks. */
static void shed_memory(struct server *server)
{
    uint64_t requests = atomic_load(&server->requests);
    bool rests = atomic_load(&server->active) == 0 && requests == server->seen_requests;

    server->idle_looks = rests ? server->idle_looks + 1 : 0;
    server->seen_requests = requests;
    if (server->idle_looks != SHED_AFTER_LOOKS) return;
    for (unsigned i = 0; i < LANES; i++) lane_shed(&server->lanes[i]);
    memory_trim();
}

void server_wait(struct server *server, unsigned ms)
{
    int64_t until_us = clock_monotonic_us() + (int64_t)ms * 1000;
    struct timespec until = {.tv_sec = (time_t)(until_us / 1000000), .tv_nsec = (long)(until_us % 1000000) * 1000};

    pthread_cond_timedwait(&server->wake, &server->lock, &until);
}

void watch_run(void *context)
{
    struct server *server = context;
    int64_t looked_us = clock_monotonic_us();

    pthread_mutex_lock(&server->lock);
    while (!server->stopped) {
        server_wait(server, TICK_MS);
        wake_sleeping(server);
        if (clock_monotonic_us() - looked_us >= LOOK_MS * 1000) {
            looked_us = clock_monotonic_us();
            end_slow(server);
            shed_memory(server);
        }
    }
    wake_sleeping(server);
    pthread_mutex_unlock(&server->lock);
}
