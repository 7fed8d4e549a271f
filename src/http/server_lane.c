/* What each loop has for itself, so that loops do not meet at every request. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "http/date.h"
#include "http/server_private.h"

enum { MOST_FREE_REQUESTS = 64, KEPT_ARENA_BYTES = 256 * 1024 };

struct lane *lane_of(struct server *server)
{
    static _Thread_local unsigned number; /* 1 + the lane that this thread was given first */

    if (number == 0) number = 1 + atomic_fetch_add(&server->next_lane, 1) % LANES;
    return &server->lanes[number - 1];
}

void lanes_init(struct server *server)
{
    for (unsigned i = 0; i < LANES; i++) pthread_mutex_init(&server->lanes[i].lock, NULL);
}

static void request_free(struct request *request)
{
    arena_free(request->exchange.arena);
    buffer_free(&request->answer.gathered);
    memory_free(request);
}

static struct request *request_new(void)
{
    struct request *request = memory_zeroed(sizeof *request, NULL);

    if (request == NULL) return NULL;
    request->exchange.arena = arena_new(0, NULL);
    if (request->exchange.arena != NULL) return request;
    memory_free(request);
    return NULL;
}

struct request *lane_request(struct lane *lane)
{
    pthread_mutex_lock(&lane->lock);
    struct request *request = lane->free_requests;

    if (request != NULL) {
        lane->free_requests = request->next;
        lane->free_count--;
    }
    pthread_mutex_unlock(&lane->lock);
    return request != NULL ? request : request_new();
}

void lane_return(struct lane *lane, struct request *request)
{
    struct arena *arena = request->exchange.arena;
    bool keep = arena_used(arena) <= KEPT_ARENA_BYTES;

    if (keep) {
        arena_reset(arena);
        *request = (struct request){.exchange = {.arena = arena}, .answer = {.gathered = request->answer.gathered}};
        pthread_mutex_lock(&lane->lock);
        keep = lane->free_count < MOST_FREE_REQUESTS;
        if (keep) {
            request->next = lane->free_requests;
            lane->free_requests = request;
            lane->free_count++;
        }
        pthread_mutex_unlock(&lane->lock);
    }
    if (!keep) request_free(request);
}

void lane_shed(struct lane *lane)
{
    pthread_mutex_lock(&lane->lock);
    struct request *request = lane->free_requests;

    lane->free_requests = NULL;
    lane->free_count = 0;
    pthread_mutex_unlock(&lane->lock);
    for (struct request *next = NULL; request != NULL; request = next) {
        next = request->next;
        request_free(request);
    }
}

/* Tells one tally, and empties it. */
static void tell(struct tally *tally, struct metrics *metrics)
{
    char labels[128];

    if (tally->count == 0) return;
    snprintf(labels, sizeof labels, "operation=\"%s\",status=\"%u\"", tally->operation, tally->status);
    metrics_add(metrics, "aisle_requests_total", labels, (double)tally->count);
    snprintf(labels, sizeof labels, "operation=\"%s\"", tally->operation);
    metrics_observe_all(metrics, "aisle_request_seconds", labels, &tally->durations);
    tally->count = 0;
    tally->durations = (struct metrics_durations){0};
}

void lane_count(struct lane *lane, struct metrics *metrics, const char *operation, unsigned status, double seconds)
{
    unsigned t = 0;

    pthread_mutex_lock(&lane->lock);
    while (t < lane->tally_count && (lane->tallies[t].status != status || lane->tallies[t].operation != operation)) t++;
    if (t == MOST_TALLIES) {
        t = 0;
        tell(&lane->tallies[t], metrics);
    }
    if (t == lane->tally_count) lane->tally_count++;
    struct tally *tally = &lane->tallies[t];

    tally->operation = operation;
    tally->status = status;
    tally->count++;
    metrics_durations_add(&tally->durations, seconds);
    pthread_mutex_unlock(&lane->lock);
}

void lanes_collect(void *context, struct metrics *metrics)
{
    struct server *server = context;

    for (unsigned i = 0; i < LANES; i++) {
        struct lane *lane = &server->lanes[i];

        pthread_mutex_lock(&lane->lock);
        for (unsigned t = 0; t < lane->tally_count; t++) tell(&lane->tallies[t], metrics);
        pthread_mutex_unlock(&lane->lock);
    }
}

void lanes_free(struct server *server)
{
    for (unsigned i = 0; i < LANES; i++) {
        lane_shed(&server->lanes[i]);
        pthread_mutex_destroy(&server->lanes[i].lock);
    }
}

void lane_date(struct lane *lane, char date[32])
{
    int64_t now_us = clock_now_us();
    int64_t second = now_us / 1000000;

    pthread_mutex_lock(&lane->lock);
    if (second != lane->date_second) {
        http_date_format(now_us, lane->date);
        lane->date_second = second;
    }
    memcpy(date, lane->date, sizeof lane->date);
    pthread_mutex_unlock(&lane->lock);
}
