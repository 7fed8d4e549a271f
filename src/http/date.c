#include "http/date.h"

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

static const char *read_digits(const char *text, int count, int *number)
{
    *number = 0;
    for (int i = 0; i < count; i++, text++) {
        if (*text < '0' || *text > '9') {
            return NULL;
        }
        *number = *number * 10 + (*text - '0');
    }
    return text;
}

static const char *read_month(const char *text, int *month)
{
    for (int i = 0; i < 12; i++) {
        if (strncasecmp(months[i], text, 3) == 0) {
            *month = i;
            return text + 3;
        }
    }
    return NULL;
}

static const char *skip_letters(const char *text)
{
    const char *end = text;

    while ((*end >= 'a' && *end <= 'z') || (*end >= 'A' && *end <= 'Z')) {
        end++;
    }
    return end > text ? end : NULL;
}

/* Reads a text of this form: w a weekday's name, d day, e day with a space before a single digit, b month's name, m
 * month, Y year, y two digits of it (1970 to 2069), H n S time of day (n minutes); any other character is itself. Gives
 * what comes after, NULL when the text has another form. */
static const char *scan(const char *text, const char *form, struct tm *when)
{
    for (; text != NULL && *form != '\0'; form++) {
        switch (*form) {
        case 'w':
            text = skip_letters(text);
            break;
        case 'e':
            text = *text == ' ' ? read_digits(text + 1, 1, &when->tm_mday) : read_digits(text, 2, &when->tm_mday);
            break;
        case 'd':
            text = read_digits(text, 2, &when->tm_mday);
            break;
        case 'b':
            text = read_month(text, &when->tm_mon);
            break;
        case 'm':
            text = read_digits(text, 2, &when->tm_mon);
            when->tm_mon -= 1;
            break;
        case 'Y':
            text = read_digits(text, 4, &when->tm_year);
            when->tm_year -= 1900;
            break;
        case 'y':
            text = read_digits(text, 2, &when->tm_year);
            when->tm_year += when->tm_year < 70 ? 100 : 0;
            break;
        case 'H':
            text = read_digits(text, 2, &when->tm_hour);
            break;
        case 'n':
            text = read_digits(text, 2, &when->tm_min);
            break;
        case 'S':
            text = read_digits(text, 2, &when->tm_sec);
            break;
        default:
            text = *text == *form ? text + 1 : NULL;
        }
    }
    return text;
}

static bool to_time(struct tm *when, double fraction, int64_t *time_us)
{
    if (when->tm_mon < 0 || when->tm_mon > 11 || when->tm_mday < 1 || when->tm_mday > 31 || when->tm_hour > 23 ||
        when->tm_min > 59 || when->tm_sec > 60) {
        return false;
    }
    *time_us = (int64_t)timegm(when) * 1000000 + (int64_t)(fraction * 1e6);
    return true;
}

static bool parse_rfc3339(const char *text, int64_t *time_us)
{
    struct tm when = {0};
    struct tm offset = {0};
    double fraction = 0;
    double place = 0.1;

    text = scan(text, "Y-m-dTH:n:S", &when);
    if (text == NULL) {
        return false;
    }
    if (*text == '.') {
        for (text++; *text >= '0' && *text <= '9'; text++, place /= 10) {
            fraction += place * (*text - '0');
        }
    }
    int sign = *text == '+' ? -1 : *text == '-' ? 1 : 0;
    const char *end = sign != 0 ? scan(text + 1, "H:n", &offset) : *text == 'Z' ? text + 1 : NULL;

    if (end == NULL || *end != '\0' || !to_time(&when, fraction, time_us)) {
        return false;
    }
    *time_us += (int64_t)sign * (offset.tm_hour * 60 + offset.tm_min) * 60 * 1000000;
    return true;
}

bool http_date_parse(const char *text, int64_t *time_us)
{
    /* IMF-fixdate, RFC 850's form, and that of C's asctime. */
    static const char *const forms[] = {"w, d b Y H:n:S GMT", "w, d-b-y H:n:S GMT", "w b e H:n:S Y"};

    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct tm when = {0};
        const char *end = scan(text, forms[i], &when);

        if (end != NULL && *end == '\0') {
            return to_time(&when, 0, time_us);
        }
    }
    return parse_rfc3339(text, time_us);
}
