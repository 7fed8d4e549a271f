/* Time. AISLE_NOW (RFC 3339, UTC) fixes the wall clock for tests. */
#ifndef AISLE_BASE_CLOCK_H
#define AISLE_BASE_CLOCK_H

#include <stdint.h>

/* Microseconds since 1970-01-01T00:00:00Z. */
int64_t clock_now_us(void);

/* Microseconds of a clock that only goes forward; for durations. Not affected by AISLE_NOW. */
int64_t clock_monotonic_us(void);

/* "2025-07-01T12:34:56.789Z" and a NUL. */
void clock_format_rfc3339(int64_t time_us, char text[32]);

/* "20250701_123456" and a NUL, UTC. */
void clock_format_compact(int64_t time_us, char text[16]);

#endif
