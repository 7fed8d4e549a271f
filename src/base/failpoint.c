#include "base/failpoint.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAXIMUM_POINTS = 16, CRASH_STATUS = 137 };

/* One NAME=ACTION[:N] of the variable. The texts point into the environment. */
struct point {
    const char *name;
    size_t name_length;
    bool crash;
    uint64_t at;
    _Atomic uint64_t hits;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct point points[MAXIMUM_POINTS];
static size_t point_count;

static void read_point(const char *text, size_t length)
{
    const char *equals = memchr(text, '=', length);

    if (equals == NULL || point_count == MAXIMUM_POINTS) {
        return;
    }
    const char *action = equals + 1;
    size_t action_length = (size_t)(text + length - action);
    const char *colon = memchr(action, ':', action_length);
    struct point *point = &points[point_count++];

    point->name = text;
    point->name_length = (size_t)(equals - text);
    point->crash = strncmp(action, "crash", 5) == 0;
    point->at = colon != NULL ? strtoull(colon + 1, NULL, 10) : 1;
}

static void read_points(void)
{
    const char *text = getenv("AISLE_FAILPOINTS");

    while (text != NULL && *text != '\0') {
        size_t length = strcspn(text, ",");

        read_point(text, length);
        text += length + (text[length] == ',');
    }
}

bool failpoint_hit(const char *name)
{
    pthread_once(&once, read_points);
    for (size_t i = 0; i < point_count; i++) {
        struct point *point = &points[i];

        if (strlen(name) != point->name_length || memcmp(name, point->name, point->name_length) != 0) {
            continue;
        }
        if (atomic_fetch_add(&point->hits, 1) + 1 != point->at) {
            continue;
        }
        if (point->crash) {
            _exit(CRASH_STATUS);
        }
        return true;
    }
    return false;
}
