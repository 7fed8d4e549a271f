#include "tabular/number.h"

#include <inttypes.h>

const struct number_format number_format_default = {.decimal = '.', .group = 0, .bare = true};

/* Past this an exponent decides everything, whatever the digits (a cell is far shorter). */
#define EXPONENT_CEILING 1000000000000

/* More significant digits than an int64 can have. */
#define DIGITS_CEILING 19

/* The digits of a number from its first to its last that is not zero, and where its decimal mark stands. */
struct decimal {
    bool negative;
    uint64_t digits;  /* the significant digits as a number, when there are at most DIGITS_CEILING */
    int64_t count;    /* how many there are; 0: the number is zero */
    int64_t zeros;    /* zeros after the last significant digit so far */
    int64_t exponent; /* value = digits * 10^exponent */
    bool has_digit;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void decimal_push(struct decimal *decimal, char c)
{
    decimal->has_digit = true;
    if (c == '0') {
        decimal->zeros += decimal->count > 0;
        return;
    }
    decimal->count += decimal->zeros + 1;
    if (decimal->count <= DIGITS_CEILING) {
        for (int64_t i = 0; i <= decimal->zeros; i++) decimal->digits *= 10;
        decimal->digits += (uint64_t)(c - '0');
    }
    decimal->zeros = 0;
}

/* Drops what stands around a number that is not bare, but keeps a minus at its front or before all: "-€ 12,50" is
 * "-12,50", "ref-a 5" is "5". */
static struct str without_surroundings(struct str text, char decimal, bool *negative)
{
    size_t start = 0;
    while (start < text.length && !is_digit(text.data[start])) start++;
    if (start > 0 && start < text.length && text.data[start - 1] == decimal) start--;
    *negative = start > 0 && start < text.length && (text.data[0] == '-' || text.data[start - 1] == '-');
    text = str_slice(text.data + start, text.length - start);
    while (text.length > 0 && !is_digit(text.data[text.length - 1])) text.length--;
    return text;
}

/* Reads "e+12" at `at`; false when it is not an exponent to the end of the text. */
static bool read_exponent(struct str text, size_t at, int64_t *exponent)
{
    at++;
    bool negative = false;
    if (at < text.length && (text.data[at] == '+' || text.data[at] == '-')) negative = text.data[at++] == '-';
    if (at == text.length) return false;
    int64_t value = 0;
    for (; at < text.length; at++) {
        if (!is_digit(text.data[at])) return false;
        if (value < EXPONENT_CEILING) value = value * 10 + (text.data[at] - '0');
    }
    *exponent = negative ? -value : value;
    return true;
}

static bool read_decimal(struct str text, const struct number_format *format, bool whole, struct decimal *decimal)
{
    *decimal = (struct decimal){0};
    if (text.length == 0) return false;
    if (!format->bare) text = without_surroundings(text, whole ? 0 : format->decimal, &decimal->negative);
    size_t at = 0;
    if (text.length > 0 && (text.data[0] == '+' || text.data[0] == '-')) decimal->negative = text.data[at++] == '-';
    int64_t fraction = 0;
    int64_t power = 0;
    bool in_fraction = false;
    for (; at < text.length; at++) {
        char c = text.data[at];
        if (is_digit(c)) {
            decimal_push(decimal, c);
            fraction += in_fraction;
        } else if (c == format->decimal && !in_fraction && !whole) {
            in_fraction = true;
        } else if (c == format->group && c != 0 && !in_fraction && decimal->has_digit && at + 1 < text.length &&
                   is_digit(text.data[at + 1])) {
            continue;
        } else if ((c == 'e' || c == 'E') && decimal->has_digit && !whole) {
            if (!read_exponent(text, at, &power)) return false;
            break;
        } else {
            return false;
        }
    }
    decimal->exponent = decimal->zeros - fraction + power;
    return decimal->has_digit;
}

static enum number_result scale_decimal(const struct decimal *decimal, int scale, int64_t *value)
{
    if (decimal->count == 0) {
        *value = 0;
        return NUMBER_OK;
    }
    enum number_result beyond = decimal->negative ? NUMBER_TOO_SMALL : NUMBER_TOO_LARGE;
    int64_t shift = decimal->exponent + scale;
    if (decimal->count + shift > DIGITS_CEILING) return beyond;
    if (shift < 0) return NUMBER_TOO_FINE;
    uint64_t magnitude = decimal->digits;
    for (int64_t i = 0; i < shift; i++)
        if (__builtin_mul_overflow(magnitude, UINT64_C(10), &magnitude)) return beyond;
    if (magnitude > INT64_MAX) return beyond;
    *value = decimal->negative ? -(int64_t)magnitude : (int64_t)magnitude;
    return NUMBER_OK;
}

enum number_result number_parse(struct str text, int scale, const struct number_format *format, int64_t *value)
{
    struct decimal decimal;
    if (!read_decimal(text, format, false, &decimal)) return NUMBER_MALFORMED;
    return scale_decimal(&decimal, scale, value);
}

enum number_result integer_parse(struct str text, const struct number_format *format, int64_t *value)
{
    struct decimal decimal;
    if (!read_decimal(text, format, true, &decimal)) return NUMBER_MALFORMED;
    return scale_decimal(&decimal, 0, value);
}

void number_append(int64_t value, int scale, struct buffer *into)
{
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    uint64_t unit = 1;
    while (scale > 0 && magnitude % 10 == 0) {
        magnitude /= 10;
        scale--;
    }
    for (int i = 0; i < scale; i++) unit *= 10;
    if (value < 0) buffer_append_char(into, '-');
    buffer_append_format(into, "%" PRIu64, magnitude / unit);
    if (scale > 0) buffer_append_format(into, ".%0*" PRIu64, scale, magnitude % unit);
}
