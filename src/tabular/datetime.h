/* Dates, times of day and timestamps as text, in the proleptic Gregorian calendar of ISO 8601, years 0001 to 9999.
 *
 * Days count from 1970-01-01, times in microseconds from midnight, timestamps in microseconds from
 * 1970-01-01T00:00:00Z. A day that does not exist (2025-02-30) and a leap second are refused.
 */
#ifndef AISLE_TABULAR_DATETIME_H
#define AISLE_TABULAR_DATETIME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define MICROSECONDS_PER_SECOND INT64_C(1000000)
#define MICROSECONDS_PER_DAY (INT64_C(86400) * MICROSECONDS_PER_SECOND)

struct civil {
    int year;  /* 1 … 9999 */
    int month; /* 1 … 12 */
    int day;   /* 1 … 31 */
};

/* Whether there is such a day. */
bool civil_is_real(const struct civil *civil);

/* Days since 1970-01-01 of a real day, and back (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms"). */
int64_t days_of_civil(const struct civil *civil);
struct civil civil_of_days(int64_t days);

/* The day of a timestamp, in UTC; also right before 1970. */
int64_t days_of_timestamp(int64_t timestamp_us);

/* `YYYY-MM-DD`. */
bool date_parse(struct str text, int64_t *days);

/* `hh:mm:ss` with an optional fraction. */
bool time_parse(struct str text, int64_t *time_us);

/* `YYYY-MM-DDThh:mm:ss`, a space instead of the T, an optional fraction, an optional zone `Z`, `+hh:mm` or `+hhmm`.
 * Without a zone it is UTC. Digits of a fraction past the sixth must be zero. */
bool timestamp_parse(struct str text, int64_t *timestamp_us);

/* As timestamp_parse, and takes a plain date (midnight UTC) and a time without seconds too. */
bool timestamp_parse_any(struct str text, int64_t *timestamp_us);

/* Text by a format in the manner of strptime: %Y %y %m %d %e %j %b %B %a %A %H %I %p %M %S %f %z %Z %T %F %D %n %t %%.
 * Numbers may have fewer digits than their width, as in strptime; %y is 1969 to 2068; %f is 1 to 6 digits. What the
 * format does not give is taken from 1970-01-01T00:00:00Z. Both must be used up to their end. */
bool timestamp_parse_format(struct str text, const char *format, int64_t *timestamp_us);

/* NULL, or the first directive of the format that timestamp_parse_format does not know. */
const char *timestamp_format_problem(const char *format);

/* "2025-07-01" and a NUL. */
void date_text(int64_t days, char text[11]);

/* "2025-07-01T12:34:56Z" (with ".000001" after the seconds where they have a fraction) and a NUL. */
void timestamp_text(int64_t timestamp_us, char text[28]);

/* "12:34:56" (with ".000001" where there is a fraction) and a NUL. */
void time_text(int64_t time_us, char text[16]);

#endif
