/* The parts of the server, to one another.
 *
 *   server.c          starting and stopping
 *   server_listen.c   addresses and sockets
 *   server_request.c  the way of one request through libmicrohttpd's calls
 *   server_read.c     what a request says: header fields, its form, what is refused
 *   server_answer.c   answers as libmicrohttpd sends them
 *   server_lane.c     what each loop has for itself, so that loops do not meet
 *   server_watch.c    connections that take too long
 */
#ifndef AISLE_HTTP_SERVER_PRIVATE_H
#define AISLE_HTTP_SERVER_PRIVATE_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>

#include <microhttpd.h>

#include "base/buffer.h"
#include "base/thread.h"
#include "http/exchange_private.h"
#include "http/metrics.h"
#include "http/server.h"
#include "http/workers.h"

#if MHD_VERSION >= 0x00097002
typedef enum MHD_Result mhd_result;
#else
typedef int mhd_result;
#endif

/* A client's connection, from accept to close. */
struct connection {
    struct connection *next, *previous; /* under the server's connection lock */
    int fd;
    char client_ip[INET6_ADDRSTRLEN];
    /* For server_watch: since when it has been waiting for a whole head, or receiving a body; monotonic. */
    _Atomic int64_t since_us;
    _Atomic uint64_t body_bytes;
    _Atomic int phase;     /* enum connection_phase */
    int64_t seen_since_us; /* as the watch found them when it last looked */
    uint64_t seen_body_bytes;
    bool refused; /* libmicrohttpd has answered a request by itself: nothing after that is to be believed */
};

enum connection_phase { PHASE_HEAD, PHASE_BODY, PHASE_ANSWER };

enum request_stage {
    STAGE_HEAD,     /* the request line is here */
    STAGE_BODY,     /* the service has begun */
    STAGE_WORKING,  /* a worker makes the answer */
    STAGE_ANSWERED, /* it is being sent */
};

struct request {
    struct work work;
    struct exchange exchange;
    struct answer answer;
    struct server *server;
    struct connection *connection;
    struct MHD_Connection *link;
    struct MHD_Response *response;
    struct request *next; /* in the list of free ones */
    enum request_stage stage;
    const char *uri; /* where libmicrohttpd keeps it */
    bool has_query;
    struct lane *lane;
    bool begun; /* the service's `end` is owed */
    bool failed;
    bool last; /* the connection ends after this answer */
    struct error error;
    uint64_t body_bytes, discarded_bytes;
    int64_t started_us; /* monotonic */
};

/* Requests of one operation that ended with one status, not yet told to the metrics. */
struct tally {
    const char *operation;
    unsigned status;
    uint64_t count;
    struct metrics_durations durations;
};

enum { LANES = 16, MOST_TALLIES = 64 };

/* What the requests of one loop share. Another loop may come to the same lane: hence the lock, which is seldom waited
 * for. */
struct lane {
    _Alignas(64) pthread_mutex_t lock;
    struct request *free_requests;
    unsigned free_count;
    struct tally tallies[MOST_TALLIES];
    unsigned tally_count;
    time_t date_second;
    char date[32]; /* of that second, as HTTP writes it */
};

struct server {
    struct server_options options;
    struct MHD_Daemon *daemon;
    struct workers *workers;
    struct thread *watch;
    int listen_fd;
    bool lenient; /* this libmicrohttpd is, about lines */
    char url[80];
    struct buffer certificate, key;
    uint64_t id_seed;
    _Atomic uint64_t ids;

    struct lane lanes[LANES];
    _Atomic unsigned next_lane;
    pthread_mutex_t lock;   /* of the connections and the stopping */
    pthread_cond_t wake;    /* the watch, and who waits for requests to end */
    uint64_t seen_requests; /* as the watch found them */
    unsigned idle_looks;
    struct request *sleeping; /* whose streams have nothing to send for now */
    struct connection *connections;
    unsigned working;        /* requests at a worker, or about to go there */
    _Atomic unsigned active; /* requests between their line and their end */
    _Atomic bool stopping;   /* no connection is kept for a further request */
    bool stopped;            /* the watch ends */

    _Atomic uint64_t requests, failures_4xx, failures_5xx, bytes_in, bytes_out, accepted, refused;
    _Atomic uint64_t connections_now;
};

/* Makes the socket that listens; fills `url`. -1 on failure. */
int listen_open(struct server *server, struct error *error);

/* libmicrohttpd's calls. */
void *request_line(void *context, const char *uri, struct MHD_Connection *link);
mhd_result request_step(void *context, struct MHD_Connection *link, const char *url, const char *method,
                        const char *version, const char *upload, size_t *upload_size, void **state);
void request_over(void *context, struct MHD_Connection *link, void **state, enum MHD_RequestTerminationCode how);

/* The lane of this thread. */
struct lane *lane_of(struct server *server);
void lanes_init(struct server *server);
void lanes_free(struct server *server);
/* A request, of those that ended or new; NULL for want of memory. And back. */
struct request *lane_request(struct lane *lane);
void lane_return(struct lane *lane, struct request *request);
/* Frees the requests that wait. */
void lane_shed(struct lane *lane);
void lane_count(struct lane *lane, struct metrics *metrics, const char *operation, unsigned status, double seconds);
/* Copies the time as HTTP writes it (RFC 9110, IMF-fixdate). */
void lane_date(struct lane *lane, char date[32]);
/* Tells the metrics what is still in the lanes; a collector. */
void lanes_collect(void *context, struct metrics *metrics);

/* Reads the head into the exchange. False for what must not be served. */
bool read_head(struct request *request, const char *method, const char *version, struct error *error);

/* Makes request->response of the answer. */
bool answer_make(struct request *request, struct error *error);

void connection_event(void *context, struct MHD_Connection *link, void **state,
                      enum MHD_ConnectionNotificationCode what);
void watch_run(void *context);
/* Waits on server->wake, with the lock held, for so long at most. */
void server_wait(struct server *server, unsigned ms);

#endif
