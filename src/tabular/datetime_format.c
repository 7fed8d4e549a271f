/* Dates and times by a format, in the manner of strptime, independent of the process's locale. */
#include "tabular/datetime.h"

#include <strings.h>

/* What a format has given so far. */
struct broken_down {
    struct civil civil;
    int day_of_year; /* 0: not given */
    int hour, minute, second;
    int64_t fraction_us;
    int64_t offset_us;
    bool has_half, afternoon; /* %p */
};

static const char *const month_names[] = {"January", "February", "March",     "April",   "May",      "June",
                                          "July",    "August",   "September", "October", "November", "December"};
static const char *const day_names[] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};

static void skip(struct str *rest, size_t count)
{
    *rest = str_slice(rest->data + count, rest->length - count);
}

/* Takes one to `width` digits whose number is between the bounds. */
static bool take_number(struct str *rest, size_t width, int minimum, int maximum, int *value)
{
    int number = 0;
    size_t count = 0;
    while (count < width && count < rest->length && rest->data[count] >= '0' && rest->data[count] <= '9')
        number = number * 10 + (rest->data[count++] - '0');
    if (count == 0 || number < minimum || number > maximum) return false;
    skip(rest, count);
    *value = number;
    return true;
}

static bool take_word(struct str *rest, const char *word, size_t length)
{
    if (rest->length < length || strncasecmp(rest->data, word, length) != 0) return false;
    skip(rest, length);
    return true;
}

/* Takes one of the names, whole or (three letters) short; `*index` counts from 0. */
static bool take_name(struct str *rest, const char *const *names, int count, int *index)
{
    for (int i = 0; i < count; i++) {
        if (take_word(rest, names[i], strlen(names[i])) || take_word(rest, names[i], 3)) {
            *index = i;
            return true;
        }
    }
    return false;
}

static bool take_fraction(struct str *rest, int64_t *fraction_us)
{
    int64_t value = 0;
    size_t count = 0;
    for (; count < 6 && count < rest->length && rest->data[count] >= '0' && rest->data[count] <= '9'; count++)
        value = value * 10 + (rest->data[count] - '0');
    skip(rest, count);
    for (size_t i = count; i < 6; i++) value *= 10;
    *fraction_us = value;
    return count > 0;
}

/* `Z`, `+hh:mm`, `+hhmm` or `+hh`. */
static bool take_offset(struct str *rest, int64_t *offset_us)
{
    *offset_us = 0;
    if (take_word(rest, "Z", 1)) return true;
    if (rest->length < 3 || (rest->data[0] != '+' && rest->data[0] != '-')) return false;
    bool behind = rest->data[0] == '-';
    int hours, minutes = 0;
    skip(rest, 1);
    if (!take_number(rest, 2, 0, 23, &hours)) return false;
    bool colon = take_word(rest, ":", 1);
    if (!take_number(rest, 2, 0, 59, &minutes) && colon) return false;
    int64_t offset = (hours * 3600 + minutes * 60) * MICROSECONDS_PER_SECOND;
    *offset_us = behind ? -offset : offset;
    return true;
}

/* White space as strptime means it, or none. */
static bool take_space(struct str *rest)
{
    size_t count = 0;
    while (count < rest->length && memchr(" \t\n\r\v\f", rest->data[count], 6) != NULL) count++;
    skip(rest, count);
    return true;
}

static bool take_by_format(struct str *rest, const char *format, struct broken_down *into);

static bool take_day_part(struct str *rest, char directive, struct broken_down *into)
{
    int ignored;
    struct civil *civil = &into->civil;
    switch (directive) {
    case 'Y':
        return take_number(rest, 4, 1, 9999, &civil->year);
    case 'y':
        if (!take_number(rest, 2, 0, 99, &civil->year)) return false;
        civil->year += civil->year < 69 ? 2000 : 1900;
        return true;
    case 'm':
        return take_number(rest, 2, 1, 12, &civil->month);
    case 'd':
        return take_number(rest, 2, 1, 31, &civil->day);
    case 'e':
        return take_space(rest) && take_number(rest, 2, 1, 31, &civil->day);
    case 'j':
        return take_number(rest, 3, 1, 366, &into->day_of_year);
    case 'b':
    case 'B':
        if (!take_name(rest, month_names, 12, &civil->month)) return false;
        civil->month++;
        return true;
    case 'a':
    case 'A':
        return take_name(rest, day_names, 7, &ignored);
    case 'F':
        return take_by_format(rest, "%Y-%m-%d", into);
    case 'D':
        return take_by_format(rest, "%m/%d/%y", into);
    default:
        return false;
    }
}

static bool take_time_part(struct str *rest, char directive, struct broken_down *into)
{
    switch (directive) {
    case 'H':
        return take_number(rest, 2, 0, 23, &into->hour);
    case 'I':
        return take_number(rest, 2, 1, 12, &into->hour);
    case 'M':
        return take_number(rest, 2, 0, 59, &into->minute);
    case 'S':
        return take_number(rest, 2, 0, 59, &into->second);
    case 'f':
        return take_fraction(rest, &into->fraction_us);
    case 'p':
        into->has_half = true;
        into->afternoon = rest->length > 0 && (rest->data[0] == 'P' || rest->data[0] == 'p');
        return take_word(rest, "AM", 2) || take_word(rest, "PM", 2);
    case 'z':
        return take_offset(rest, &into->offset_us);
    case 'Z':
        return take_word(rest, "UTC", 3) || take_word(rest, "GMT", 3) || take_word(rest, "Z", 1);
    case 'T':
        return take_by_format(rest, "%H:%M:%S", into);
    case 'n':
    case 't':
        return take_space(rest);
    case '%':
        return take_word(rest, "%", 1);
    default:
        return false;
    }
}

#define DAY_DIRECTIVES "YymdejbBaAFD"
#define TIME_DIRECTIVES "HIMSfpzZTnt%"

static bool take_by_format(struct str *rest, const char *format, struct broken_down *into)
{
    for (; *format != 0; format++) {
        if (*format != '%') {
            if (rest->length == 0 || rest->data[0] != *format) return false;
            skip(rest, 1);
            continue;
        }
        format++;
        if (*format == 0) return false;
        bool taken =
            strchr(DAY_DIRECTIVES, *format) ? take_day_part(rest, *format, into) : take_time_part(rest, *format, into);
        if (!taken) return false;
    }
    return true;
}

const char *timestamp_format_problem(const char *format)
{
    for (const char *at = strchr(format, '%'); at; at = strchr(at + 2, '%')) {
        if (at[1] == 0 || !strchr(DAY_DIRECTIVES TIME_DIRECTIVES, at[1])) return at;
    }
    return NULL;
}

bool timestamp_parse_format(struct str text, const char *format, int64_t *timestamp_us)
{
    if (text.length == 0) return false;
    struct broken_down parts = {.civil = {1970, 1, 1}};
    if (!take_by_format(&text, format, &parts) || text.length != 0) return false;
    if (parts.has_half) {
        if (parts.hour < 1 || parts.hour > 12) return false;
        parts.hour = parts.hour % 12 + (parts.afternoon ? 12 : 0);
    }
    if (parts.day_of_year > 0) {
        struct civil first = {parts.civil.year, 1, 1};
        parts.civil = civil_of_days(days_of_civil(&first) + parts.day_of_year - 1);
        if (parts.civil.year != first.year) return false;
    }
    if (!civil_is_real(&parts.civil)) return false;
    int64_t seconds = days_of_civil(&parts.civil) * 86400 + parts.hour * 3600 + parts.minute * 60 + parts.second;
    int64_t value = seconds * MICROSECONDS_PER_SECOND + parts.fraction_us - parts.offset_us;
    struct civil reached = civil_of_days(days_of_timestamp(value));
    if (reached.year < 1 || reached.year > 9999) return false;
    *timestamp_us = value;
    return true;
}
