#include "tabular/datetime.h"

#include <stdio.h>

#define SECONDS_PER_DAY 86400

/* First and last microsecond of the years 0001 to 9999. */
#define TIMESTAMP_FIRST (INT64_C(-719162) * MICROSECONDS_PER_DAY)
#define TIMESTAMP_END (INT64_C(2932897) * MICROSECONDS_PER_DAY)

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

bool civil_is_real(const struct civil *civil)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (civil->year < 1 || civil->year > 9999 || civil->month < 1 || civil->month > 12 || civil->day < 1) return false;
    int length = lengths[civil->month - 1] + (civil->month == 2 && is_leap(civil->year));
    return civil->day <= length;
}

int64_t days_of_civil(const struct civil *civil)
{
    int64_t year = civil->year - (civil->month <= 2);
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (civil->month + (civil->month > 2 ? -3 : 9)) + 2) / 5 + civil->day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

struct civil civil_of_days(int64_t days)
{
    int64_t shifted = days + 719468;
    int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_of_year = (5 * day_of_year + 2) / 153;
    int day = (int)(day_of_year - (153 * month_of_year + 2) / 5 + 1);
    int month = (int)(month_of_year < 10 ? month_of_year + 3 : month_of_year - 9);
    return (struct civil){(int)(year_of_era + era * 400 + (month <= 2)), month, day};
}

int64_t days_of_timestamp(int64_t timestamp_us)
{
    int64_t days = timestamp_us / MICROSECONDS_PER_DAY;
    return days - (timestamp_us % MICROSECONDS_PER_DAY < 0);
}

/* Takes exactly `count` digits from the front of `rest`. */
static bool take_digits(struct str *rest, size_t count, int *value)
{
    if (rest->length < count) return false;
    int number = 0;
    for (size_t i = 0; i < count; i++) {
        char c = rest->data[i];
        if (c < '0' || c > '9') return false;
        number = number * 10 + (c - '0');
    }
    *rest = str_slice(rest->data + count, rest->length - count);
    *value = number;
    return true;
}

static bool take_char(struct str *rest, char c)
{
    if (rest->length == 0 || rest->data[0] != c) return false;
    *rest = str_slice(rest->data + 1, rest->length - 1);
    return true;
}

static bool take_date(struct str *rest, int64_t *days)
{
    struct civil civil;
    if (!take_digits(rest, 4, &civil.year) || !take_char(rest, '-') || !take_digits(rest, 2, &civil.month) ||
        !take_char(rest, '-') || !take_digits(rest, 2, &civil.day) || !civil_is_real(&civil))
        return false;
    *days = days_of_civil(&civil);
    return true;
}

/* The digits after a decimal mark as microseconds. */
static bool take_fraction(struct str *rest, int64_t *fraction_us)
{
    int64_t value = 0;
    size_t count = 0;
    while (count < rest->length && rest->data[count] >= '0' && rest->data[count] <= '9') {
        char c = rest->data[count++];
        if (count <= 6)
            value = value * 10 + (c - '0');
        else if (c != '0')
            return false;
    }
    for (size_t i = count; i < 6; i++) value *= 10;
    *rest = str_slice(rest->data + count, rest->length - count);
    *fraction_us = value;
    return count > 0;
}

static bool take_time(struct str *rest, bool seconds_needed, int64_t *time_us)
{
    int hour, minute, second = 0;
    int64_t fraction_us = 0;
    if (!take_digits(rest, 2, &hour) || !take_char(rest, ':') || !take_digits(rest, 2, &minute)) return false;
    if (seconds_needed || (rest->length > 0 && rest->data[0] == ':')) {
        if (!take_char(rest, ':') || !take_digits(rest, 2, &second)) return false;
        if (take_char(rest, '.') && !take_fraction(rest, &fraction_us)) return false;
    }
    if (hour > 23 || minute > 59 || second > 59) return false;
    *time_us = (hour * 3600 + minute * 60 + second) * MICROSECONDS_PER_SECOND + fraction_us;
    return true;
}

/* An optional zone; `*offset_us` is how far its clocks are ahead of UTC. */
static bool take_zone(struct str *rest, int64_t *offset_us)
{
    *offset_us = 0;
    if (rest->length == 0 || take_char(rest, 'Z')) return true;
    bool behind = rest->data[0] == '-';
    int hours, minutes;
    if ((!take_char(rest, '+') && !take_char(rest, '-')) || !take_digits(rest, 2, &hours)) return false;
    take_char(rest, ':');
    if (!take_digits(rest, 2, &minutes) || hours > 23 || minutes > 59) return false;
    int64_t offset = (hours * 3600 + minutes * 60) * MICROSECONDS_PER_SECOND;
    *offset_us = behind ? -offset : offset;
    return true;
}

bool date_parse(struct str text, int64_t *days)
{
    int64_t value;
    if (!take_date(&text, &value) || text.length != 0) return false;
    *days = value;
    return true;
}

bool time_parse(struct str text, int64_t *time_us)
{
    int64_t value;
    if (!take_time(&text, true, &value) || text.length != 0) return false;
    *time_us = value;
    return true;
}

static bool parse_timestamp(struct str text, bool loose, int64_t *timestamp_us)
{
    int64_t days, time_us = 0, offset_us = 0;
    if (!take_date(&text, &days)) return false;
    if (text.length > 0 || !loose) {
        if ((!take_char(&text, 'T') && !take_char(&text, ' ')) || !take_time(&text, !loose, &time_us) ||
            !take_zone(&text, &offset_us) || text.length != 0)
            return false;
    }
    int64_t value = days * MICROSECONDS_PER_DAY + time_us - offset_us;
    if (value < TIMESTAMP_FIRST || value >= TIMESTAMP_END) return false;
    *timestamp_us = value;
    return true;
}

bool timestamp_parse(struct str text, int64_t *timestamp_us)
{
    return parse_timestamp(text, false, timestamp_us);
}

bool timestamp_parse_any(struct str text, int64_t *timestamp_us)
{
    return parse_timestamp(text, true, timestamp_us);
}

void date_text(int64_t days, char text[11])
{
    struct civil civil = civil_of_days(days);
    snprintf(text, 11, "%04u-%02u-%02u", (unsigned)civil.year % 10000, (unsigned)civil.month % 100,
             (unsigned)civil.day % 100);
}

void time_text(int64_t time_us, char text[16])
{
    unsigned seconds = (unsigned)(time_us / MICROSECONDS_PER_SECOND) % SECONDS_PER_DAY;
    unsigned fraction = (unsigned)(time_us % MICROSECONDS_PER_SECOND);
    int length = snprintf(text, 16, "%02u:%02u:%02u", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if (fraction != 0) snprintf(text + length, 16 - (size_t)length, ".%06u", fraction % 1000000);
}

void timestamp_text(int64_t timestamp_us, char text[28])
{
    int64_t days = days_of_timestamp(timestamp_us);
    char date[11], time[16];
    date_text(days, date);
    time_text(timestamp_us - days * MICROSECONDS_PER_DAY, time);
    snprintf(text, 28, "%sT%sZ", date, time);
}
