#include "base/clock.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static pthread_once_t fixed_once = PTHREAD_ONCE_INIT;
static bool fixed;
static int64_t fixed_us;

static void read_fixed(void)
{
    const char *text = getenv("AISLE_NOW");
    struct tm parts = {0};
    int64_t fraction_us = 0;

    if (text == NULL) {
        return;
    }
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &parts);

    if (rest != NULL && *rest == '.') {
        int64_t unit_us = 100000;

        for (rest++; *rest >= '0' && *rest <= '9'; rest++) {
            fraction_us += (*rest - '0') * unit_us;
            unit_us /= 10;
        }
    }
    if (rest == NULL || strcmp(rest, "Z") != 0) {
        fprintf(stderr, "aisle: AISLE_NOW must look like 2025-07-01T12:34:56Z, not \"%s\"; it is ignored\n", text);
        return;
    }
    fixed_us = (int64_t)timegm(&parts) * 1000000 + fraction_us;
    fixed = true;
}

static int64_t read_clock_us(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_now_us(void)
{
    pthread_once(&fixed_once, read_fixed);
    return fixed ? fixed_us : read_clock_us(CLOCK_REALTIME);
}

int64_t clock_monotonic_us(void)
{
    return read_clock_us(CLOCK_MONOTONIC);
}

/* The parts of a time in UTC; `*us` is what is left of the second. Years outside 0000 to 9999 are clamped,
 * for they have no RFC 3339 text. */
static struct tm split(int64_t time_us, int64_t *us)
{
    const int64_t first_second = INT64_C(-62167219200);
    const int64_t last_second = INT64_C(253402300799);
    int64_t rest = time_us % 1000000;
    int64_t second = time_us / 1000000;
    struct tm parts;

    if (rest < 0) {
        rest += 1000000;
        second--;
    }
    second = second < first_second ? first_second : second > last_second ? last_second : second;
    time_t time = (time_t)second;

    gmtime_r(&time, &parts);
    *us = rest;
    return parts;
}

void clock_format_rfc3339(int64_t time_us, char text[32])
{
    int64_t us = 0;
    struct tm parts = split(time_us, &us);
    size_t length = strftime(text, 32, "%Y-%m-%dT%H:%M:%S", &parts);

    snprintf(text + length, 32 - length, ".%03uZ", (unsigned)(us / 1000) % 1000);
}

void clock_format_compact(int64_t time_us, char text[16])
{
    int64_t us = 0;
    struct tm parts = split(time_us, &us);

    strftime(text, 16, "%Y%m%d_%H%M%S", &parts);
}
