#include "tabular/value_text.h"

#include <string.h>

#include "tabular/datetime.h"
#include "tabular/word_text.h"

#define SIXTEEN_DIGITS_END UINT64_C(10000000000000000)

enum {
    NUMBER_ROOM = 40,
    MOST_SCALE = 18,
    DATE_ROOM = 40,
    SECONDS_A_DAY = 86400,
    FRACTION_DIGITS = 6, /* of a second */
};

/* Writes `digits` decimal digits with zeros in front and returns their end. */
static char *put_digits(char *at, uint64_t value, unsigned digits)
{
    for (unsigned i = digits; i-- > 0; value /= 10) {
        at[i] = (char)('0' + value % 10);
    }
    return at + digits;
}

/* Writes a number without zeros in front; up to WORD_TEXT_BYTES bytes after it are touched. */
static char *put_number(char *at, uint64_t value)
{
    if (value >= SIXTEEN_DIGITS_END) {
        at = put_number(at, value / SIXTEEN_DIGITS_END);
        return put_digits(at, value % SIXTEEN_DIGITS_END, WORD_TEXT_BYTES);
    }
    struct word_text text = word_text_of_number(value);

    word_text_store(text, at);
    return at + text.length;
}

static uint64_t magnitude_of(int64_t value)
{
    return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

static void append_decimal(struct buffer *into, int64_t value, int scale, int least_decimals)
{
    char text[2 * NUMBER_ROOM];
    char *at = text;
    uint64_t magnitude = magnitude_of(value);
    uint64_t unit = 1;
    int decimals = scale < 0 ? 0 : scale > MOST_SCALE ? MOST_SCALE : scale;

    while (decimals > least_decimals && decimals > 0 && magnitude % 10 == 0) {
        magnitude /= 10;
        decimals--;
    }
    for (int i = 0; i < decimals; i++) {
        unit *= 10;
    }
    if (value < 0) {
        *at++ = '-';
    }
    at = put_number(at, magnitude / unit);
    if (decimals > 0) {
        *at++ = '.';
        at = put_digits(at, magnitude % unit, (unsigned)decimals);
    }
    buffer_append(into, text, (size_t)(at - text));
}

static char *put_date(char *at, int64_t days)
{
    struct civil civil = civil_of_days(days);

    if (civil.year < 0 || civil.year > 9999) {
        *at++ = civil.year < 0 ? '-' : '+';
        uint64_t year = magnitude_of(civil.year);
        at = year < 10000 ? put_digits(at, year, 4) : put_number(at, year);
    } else {
        at = put_digits(at, (uint64_t)civil.year, 4);
    }
    *at++ = '-';
    at = put_digits(at, (uint64_t)civil.month, 2);
    *at++ = '-';
    return put_digits(at, (uint64_t)civil.day, 2);
}

static void append_term(struct buffer *into, const struct terms *terms, term code)
{
    struct word_text text;

    if (!word_text_of_term(code, &text)) {
        term_append(terms, code, into);
        return;
    }
    char *room = buffer_room(into, WORD_TEXT_BYTES);

    if (room != NULL) {
        word_text_store(text, room);
        buffer_advance(into, text.length);
    }
}

static void append_date(struct buffer *into, int64_t days)
{
    char text[DATE_ROOM];

    buffer_append(into, text, (size_t)(put_date(text, days) - text));
}

static void append_timestamp(struct buffer *into, int64_t timestamp_us)
{
    char text[DATE_ROOM + NUMBER_ROOM];
    int64_t days = days_of_timestamp(timestamp_us);
    uint64_t rest = (uint64_t)timestamp_us - (uint64_t)days * (uint64_t)MICROSECONDS_PER_DAY;
    uint64_t fraction = rest % MICROSECONDS_PER_SECOND;
    uint64_t seconds = rest / MICROSECONDS_PER_SECOND % SECONDS_A_DAY;
    char *at = put_date(text, days);

    *at++ = 'T';
    at = put_digits(at, seconds / 3600, 2);
    *at++ = ':';
    at = put_digits(at, seconds / 60 % 60, 2);
    *at++ = ':';
    at = put_digits(at, seconds % 60, 2);
    if (fraction != 0) {
        *at++ = '.';
        at = put_digits(at, fraction, FRACTION_DIGITS);
        while (at[-1] == '0') {
            at--;
        }
    }
    *at++ = 'Z';
    buffer_append(into, text, (size_t)(at - text));
}

void value_append(struct buffer *into, const struct value_column *column, const struct terms *terms, int64_t value)
{
    switch (column->kind) {
    case COLUMN_TERM:
        append_term(into, terms, value);
        break;
    case COLUMN_INTEGER:
        append_decimal(into, value, 0, 0);
        break;
    case COLUMN_DECIMAL:
        append_decimal(into, value, column->scale, column->least_decimals);
        break;
    case COLUMN_DATE:
        append_date(into, value);
        break;
    case COLUMN_TIMESTAMP:
        append_timestamp(into, value);
        break;
    case COLUMN_BOOLEAN:
        buffer_append_text(into, value != 0 ? "true" : "false");
        break;
    case COLUMN_TEXT:
    case COLUMN_ABSENT:
    default:
        break;
    }
}
