#include "tabular/parquet_forms.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NUMBER_ROOM = 40,
    DOUBLE_DIGITS = 17, /* always enough to tell a double from its neighbours */
    DOUBLE_PLAIN_DIGITS = 15,
    FLOAT_DIGITS = 9,
    FLOAT_PLAIN_DIGITS = 7,
    SMALLEST_EXPONENT = -6, /* of a number written without one */
    JULIAN_DAY_OF_1970 = 2440588,
    HALF_EXPONENT_BIAS = 15,
    HALF_FRACTION_BITS = 10,
};

static const int64_t nanoseconds_a_day = INT64_C(86400000000000);
static const int64_t microseconds_a_day = INT64_C(86400000000);

static bool over_range(const struct parquet_leaf *leaf, struct error *error)
{
    return error_set(error, ERROR_LIMIT, "a value of column \"%.200s\" is beyond the range of 64 bits",
                     leaf->field.name);
}

static int64_t divide_down(int64_t value, int64_t by)
{
    return value / by - (value % by < 0 ? 1 : 0);
}

static bool multiply(const struct parquet_leaf *leaf, int64_t *numbers, size_t count, struct error *error)
{
    bool fits = true;

    for (size_t i = 0; i < count; i++) {
        fits = !__builtin_mul_overflow(numbers[i], leaf->factor, &numbers[i]) && fits;
    }
    return fits || over_range(leaf, error);
}

bool form_numbers(const struct parquet_leaf *leaf, int64_t *numbers, size_t count, struct error *error)
{
    bool fits = true;

    switch (leaf->form) {
    case FORM_UNSIGNED_32:
        for (size_t i = 0; i < count; i++) {
            numbers[i] = (int64_t)(uint32_t)numbers[i];
        }
        return true;
    case FORM_MULTIPLIED:
        return multiply(leaf, numbers, count, error);
    case FORM_DIVIDED:
        for (size_t i = 0; i < count; i++) {
            numbers[i] = divide_down(numbers[i], leaf->factor);
        }
        return true;
    case FORM_UNSIGNED_64:
        for (size_t i = 0; i < count; i++) {
            fits = fits && numbers[i] >= 0;
        }
        return fits || over_range(leaf, error);
    default: /* INT64_MIN would read as a null */
        for (size_t i = 0; i < count; i++) {
            fits = fits && numbers[i] != COLUMN_NULL;
        }
        return fits || over_range(leaf, error);
    }
}

/* Big-endian two's complement of any length; false when it does not fit. */
static bool big_number(struct str bytes, int64_t *number)
{
    const uint8_t *at = (const uint8_t *)bytes.data;
    uint64_t fill = bytes.length > 0 && at[0] >= 0x80 ? UINT64_MAX : 0;
    uint64_t value = fill;
    size_t extra = bytes.length > 8 ? bytes.length - 8 : 0;

    for (size_t i = 0; i < extra; i++) {
        if (at[i] != (uint8_t)fill) {
            return false;
        }
    }
    for (size_t i = extra; i < bytes.length; i++) {
        value = value << 8 | at[i];
    }
    *number = (int64_t)value;
    return ((uint64_t)*number >> 63) == (fill & 1) && *number != COLUMN_NULL;
}

static bool int96_timestamp(struct str bytes, int64_t *number)
{
    int64_t nanoseconds;
    int32_t day;

    memcpy(&nanoseconds, bytes.data, sizeof nanoseconds);
    memcpy(&day, bytes.data + sizeof nanoseconds, sizeof day);
    return !__builtin_mul_overflow((int64_t)day - JULIAN_DAY_OF_1970, microseconds_a_day, number) &&
           !__builtin_add_overflow(*number, divide_down(nanoseconds, 1000), number) && *number != COLUMN_NULL;
}

bool form_numbers_of_bytes(const struct parquet_leaf *leaf, const struct str *bytes, size_t count, int64_t *numbers,
                           struct error *error)
{
    bool fits = true;

    for (size_t i = 0; i < count; i++) {
        bool one =
            leaf->form == FORM_INT96 ? int96_timestamp(bytes[i], &numbers[i]) : big_number(bytes[i], &numbers[i]);

        fits = one && fits;
    }
    return fits || over_range(leaf, error);
}

/* The digits that the caller found enough, without an exponent where that is as short. Every number of up to
 * `plain_digits` digits before the point is exact in the type. */
static int write_digits(double value, int digits, int plain_digits, char text[NUMBER_ROOM])
{
    int exponent = value == 0 ? 0 : (int)floor(log10(fabs(value)));

    if (exponent < SMALLEST_EXPONENT || exponent >= plain_digits) {
        return snprintf(text, NUMBER_ROOM, "%.*g", digits, value);
    }
    int decimals = digits - 1 - exponent;

    return snprintf(text, NUMBER_ROOM, "%.*f", decimals > 0 ? decimals : 0, value);
}

/* A number that is a decimal of at most 15 digits and 6 decimals, which most are: 15 digits always survive a double, so
 * the one with the fewest decimals is the shortest text. */
static int short_decimal(double value, char text[NUMBER_ROOM])
{
    double power = 1;

    for (int decimals = 0; decimals <= 6; decimals++, power *= 10) {
        double scaled = nearbyint(value * power);

        if (fabs(scaled) < 1e15 && scaled / power == value) {
            return snprintf(text, NUMBER_ROOM, "%.*f", decimals, value);
        }
    }
    return 0;
}

static int double_text(double value, char text[NUMBER_ROOM])
{
    int length = short_decimal(value, text);

    if (length > 0 || !isfinite(value)) {
        return length > 0 ? length : snprintf(text, NUMBER_ROOM, "%g", value);
    }
    for (int digits = 1; digits < DOUBLE_DIGITS; digits++) {
        snprintf(text, NUMBER_ROOM, "%.*e", digits - 1, value);
        if (strtod(text, NULL) == value) {
            return write_digits(value, digits, DOUBLE_PLAIN_DIGITS, text);
        }
    }
    return write_digits(value, DOUBLE_DIGITS, DOUBLE_PLAIN_DIGITS, text);
}

static int float_text(float value, char text[NUMBER_ROOM])
{
    if (!isfinite(value)) {
        return snprintf(text, NUMBER_ROOM, "%g", (double)value);
    }
    for (int digits = 1; digits < FLOAT_DIGITS; digits++) {
        snprintf(text, NUMBER_ROOM, "%.*e", digits - 1, (double)value);
        if (strtof(text, NULL) == value) {
            return write_digits((double)value, digits, FLOAT_PLAIN_DIGITS, text);
        }
    }
    return write_digits((double)value, FLOAT_DIGITS, FLOAT_PLAIN_DIGITS, text);
}

static float half_value(uint16_t half)
{
    int exponent = half >> HALF_FRACTION_BITS & 0x1f;
    int fraction = half & ((1 << HALF_FRACTION_BITS) - 1);
    float value;

    if (exponent == 0x1f) {
        value = fraction != 0 ? NAN : INFINITY;
    } else if (exponent == 0) {
        value = ldexpf((float)fraction, 1 - HALF_EXPONENT_BIAS - HALF_FRACTION_BITS);
    } else {
        value = ldexpf((float)(fraction | 1 << HALF_FRACTION_BITS), exponent - HALF_EXPONENT_BIAS - HALF_FRACTION_BITS);
    }
    return (half & 0x8000) != 0 ? -value : value;
}

static int uuid_text(const char *bytes, char text[NUMBER_ROOM])
{
    const uint8_t *b = (const uint8_t *)bytes;

    return snprintf(text, NUMBER_ROOM, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
                    b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

static int render(const struct parquet_leaf *leaf, const char *bytes, char text[NUMBER_ROOM])
{
    float single;
    double wide;
    uint16_t half;

    switch (leaf->form) {
    case FORM_FLOAT:
        memcpy(&single, bytes, sizeof single);
        return float_text(single, text);
    case FORM_DOUBLE:
        memcpy(&wide, bytes, sizeof wide);
        return double_text(wide, text);
    case FORM_HALF:
        memcpy(&half, bytes, sizeof half);
        return float_text(half_value(half), text);
    default:
        return uuid_text(bytes, text);
    }
}

static bool keep(struct arena *arena, const char *text, int length, struct str *kept, struct error *error)
{
    char *copy = arena_text(arena, text, (size_t)length, error);

    *kept = str_slice(copy, (size_t)length);
    return copy != NULL;
}

bool form_texts(const struct parquet_leaf *leaf, struct arena *arena, struct str *texts, size_t count,
                struct error *error)
{
    char text[NUMBER_ROOM];

    if (leaf->form == FORM_TEXT) {
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        int length = render(leaf, texts[i].data, text);

        if (!keep(arena, text, length, &texts[i], error)) {
            return false;
        }
    }
    return true;
}

static int time_text(int64_t nanoseconds, char text[NUMBER_ROOM])
{
    int64_t seconds = nanoseconds / 1000000000;
    int length = snprintf(text, NUMBER_ROOM, "%02d:%02d:%02d.%09d", (int)(seconds / 3600), (int)(seconds / 60 % 60),
                          (int)(seconds % 60), (int)(nanoseconds % 1000000000));

    while (text[length - 1] == '0') {
        length--;
    }
    return text[length - 1] == '.' ? length - 1 : length;
}

bool form_times(const struct parquet_leaf *leaf, struct arena *arena, const int64_t *stored, size_t count,
                struct str *texts, struct error *error)
{
    char text[NUMBER_ROOM];

    for (size_t i = 0; i < count; i++) {
        if (stored[i] < 0 || stored[i] >= nanoseconds_a_day / leaf->factor) {
            return error_set(error, ERROR_CORRUPT, "%" PRId64 " in column \"%.200s\" is not a time of a day", stored[i],
                             leaf->field.name);
        }
        if (!keep(arena, text, time_text(stored[i] * leaf->factor, text), &texts[i], error)) {
            return false;
        }
    }
    return true;
}
