#include "http/date.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

static char *two_digits(char *to, int number)
{
    to[0] = (char)('0' + number / 10 % 10);
    to[1] = (char)('0' + number % 10);
    return to + 2;
}

void http_date_format(int64_t time_us, char text[30])
{
    time_t seconds = (time_t)(time_us / 1000000);
    struct tm when;

    gmtime_r(&seconds, &when);
    memcpy(text, days[when.tm_wday], 3);
    memcpy(text + 3, ", ", 2);
    two_digits(text + 5, when.tm_mday);
    text[7] = ' ';
    memcpy(text + 8, months[when.tm_mon], 3);
    text[11] = ' ';
    two_digits(text + 12, (when.tm_year + 1900) / 100);
    two_digits(text + 14, when.tm_year % 100);
    text[16] = ' ';
    two_digits(text + 17, when.tm_hour);
    text[19] = ':';
    two_digits(text + 20, when.tm_min);
    text[22] = ':';
    two_digits(text + 23, when.tm_sec);
    memcpy(text + 25, " GMT", 5);
}

static bool month_of(const char *name, int *month)
{
    for (int i = 0; i < 12; i++) {
        if (strcasecmp(months[i], name) == 0) {
            *month = i;
            return true;
        }
    }
    return false;
}

static bool to_time(struct tm *when, double fraction, int64_t *time_us)
{
    if (when->tm_mon < 0 || when->tm_mon > 11 || when->tm_mday < 1 || when->tm_mday > 31 || when->tm_hour < 0 ||
        when->tm_hour > 23 || when->tm_min < 0 || when->tm_min > 59 || when->tm_sec < 0 || when->tm_sec > 60 ||
        when->tm_year < -1900 || when->tm_year > 8099) {
        return false;
    }
    *time_us = (int64_t)timegm(when) * 1000000 + (int64_t)(fraction * 1e6);
    return true;
}

static bool parse_rfc3339(const char *text, int64_t *time_us)
{
    struct tm when = {0};
    int used = 0;

    if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &when.tm_year, &when.tm_mon, &when.tm_mday, &when.tm_hour,
               &when.tm_min, &when.tm_sec, &used) != 6) {
        return false;
    }
    text += used;
    double fraction = 0, place = 0.1;

    if (*text == '.') {
        for (text++; *text >= '0' && *text <= '9'; text++, place /= 10) {
            fraction += place * (*text - '0');
        }
    }
    int sign = *text == '+' ? -1 : *text == '-' ? 1 : 0;
    int hours = 0, minutes = 0;

    if (sign != 0 && (sscanf(text + 1, "%2d:%2d%n", &hours, &minutes, &used) != 2 || text[1 + used] != '\0')) {
        return false;
    }
    if (sign == 0 && strcmp(text, "Z") != 0) {
        return false;
    }
    when.tm_year -= 1900;
    when.tm_mon -= 1;
    if (!to_time(&when, fraction, time_us)) {
        return false;
    }
    *time_us += (int64_t)sign * (hours * 60 + minutes) * 60 * 1000000;
    return true;
}

bool http_date_parse(const char *text, int64_t *time_us)
{
    struct tm when = {0};
    char month[4] = "";
    int used = 0;

    if (sscanf(text, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n", &when.tm_mday, month, &when.tm_year,
               &when.tm_hour, &when.tm_min, &when.tm_sec, &used) == 6 &&
        used > 0 && text[used] == '\0') {
        when.tm_year -= 1900;
    } else if (sscanf(text, "%*9[A-Za-z], %2d-%3[A-Za-z]-%2d %2d:%2d:%2d GMT%n", &when.tm_mday, month, &when.tm_year,
                      &when.tm_hour, &when.tm_min, &when.tm_sec, &used) == 6 &&
               used > 0 && text[used] == '\0') {
        /* Two digits of a year: 1970 to 2069. */
        when.tm_year += when.tm_year < 70 ? 100 : 0;
    } else if (sscanf(text, "%*3[A-Za-z] %3[A-Za-z] %2d %2d:%2d:%2d %4d%n", month, &when.tm_mday, &when.tm_hour,
                      &when.tm_min, &when.tm_sec, &when.tm_year, &used) == 6 &&
               text[used] == '\0') {
        when.tm_year -= 1900;
    } else {
        return parse_rfc3339(text, time_us);
    }
    return month_of(month, &when.tm_mon) && to_time(&when, 0, time_us);
}
