#include "table/decimal.h"

#include <string.h>

#define NAME "ValidationException"

/* Numbers below 1E-130 or from 1E+126 on are refused: bounds of the exponent of 0.d1…. */
#define LEAST_EXPONENT (-129)
#define GREATEST_EXPONENT 126

/* First bytes of codes. The exponent of a positive number is added to POSITIVE_BASE; of a negative one, everything is
 * turned around. */
#define CODE_ZERO 0x80

static void set_zero(struct decimal *decimal)
{
    memset(decimal, 0, sizeof *decimal);
}

static bool not_numeric(struct str text, struct error *error)
{
    return error_set_named(error, ERROR_INVALID, NAME, "The parameter cannot be converted to a numeric value: %.*s",
                           (int)(text.length > 200 ? 200 : text.length), text.data);
}

/* Whether the magnitude is one that may be stored. */
static bool check_range(const struct decimal *decimal, int64_t exponent, struct error *error)
{
    if (decimal->count > 0 && exponent > GREATEST_EXPONENT) {
        return error_set_named(error, ERROR_INVALID, NAME,
                               "Number overflow. Attempting to store a number with magnitude larger than supported "
                               "range");
    }
    if (decimal->count > 0 && exponent < LEAST_EXPONENT) {
        return error_set_named(error, ERROR_INVALID, NAME,
                               "Number underflow. Attempting to store a number with magnitude smaller than supported "
                               "range");
    }
    return true;
}

static bool too_many_digits(struct error *error)
{
    return error_set_named(error, ERROR_INVALID, NAME,
                           "Attempting to store more than 38 significant digits in a Number");
}

/* What was read of a mantissa: significant digits, and zeros that count only when a digit follows. */
struct mantissa {
    struct decimal number;
    int64_t exponent;
    size_t zeros; /* since the last digit that is not 0 */
    bool any;     /* at least one digit, 0 or not */
    bool overlong;
};

static void add_digit(struct mantissa *mantissa, uint8_t digit, bool fraction)
{
    mantissa->any = true;
    if (mantissa->number.count == 0 && digit == 0) {
        mantissa->exponent -= fraction;
        return;
    }
    mantissa->exponent += !fraction;
    if (digit == 0) {
        mantissa->zeros++;
        return;
    }
    if (mantissa->zeros + mantissa->number.count + 1 > DECIMAL_MAX_DIGITS) {
        mantissa->overlong = true;
        return;
    }
    mantissa->number.count = (uint8_t)(mantissa->number.count + mantissa->zeros); /* digits there are 0 already */
    mantissa->number.digits[mantissa->number.count++] = digit;
    mantissa->zeros = 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "e-12" at `at`, to the end of the text; far exponents saturate, so that they are out of range for any mantissa. */
static bool read_exponent(struct str text, size_t at, int64_t *exponent)
{
    bool negative = false;
    int64_t value = 0;

    at++;
    if (at < text.length && (text.data[at] == '-' || text.data[at] == '+')) {
        negative = text.data[at++] == '-';
    }
    if (at == text.length) {
        return false;
    }
    for (; at < text.length; at++) {
        if (!is_digit(text.data[at])) {
            return false;
        }
        value = value < 1000000 ? value * 10 + (text.data[at] - '0') : value;
    }
    *exponent = negative ? -value : value;
    return true;
}

bool decimal_parse(struct str text, struct decimal *decimal, struct error *error)
{
    struct mantissa mantissa = {0};
    size_t at = 0;
    bool negative = false;
    bool fraction = false;
    int64_t power = 0;

    if (at < text.length && (text.data[at] == '-' || text.data[at] == '+')) {
        negative = text.data[at++] == '-';
    }
    for (; at < text.length && (is_digit(text.data[at]) || (text.data[at] == '.' && !fraction)); at++) {
        if (text.data[at] == '.') {
            fraction = true;
        } else {
            add_digit(&mantissa, (uint8_t)(text.data[at] - '0'), fraction);
        }
    }
    if (!mantissa.any) {
        return not_numeric(text, error);
    }
    if (at < text.length) {
        if ((text.data[at] != 'e' && text.data[at] != 'E') || !read_exponent(text, at, &power)) {
            return not_numeric(text, error);
        }
    }
    if (mantissa.overlong) {
        return too_many_digits(error);
    }
    if (mantissa.number.count == 0) {
        set_zero(decimal);
        return true;
    }
    int64_t exponent = mantissa.exponent + power;

    if (!check_range(&mantissa.number, exponent, error)) {
        return false;
    }
    *decimal = mantissa.number;
    decimal->negative = negative;
    decimal->exponent = (int16_t)exponent;
    return true;
}

size_t decimal_text(const struct decimal *decimal, char text[DECIMAL_TEXT_BYTES])
{
    size_t length = 0;
    int point = decimal->exponent; /* digits before the point */

    if (decimal->negative) {
        text[length++] = '-';
    }
    if (point <= 0) {
        text[length++] = '0';
    }
    for (int i = 0; i < point; i++) {
        text[length++] = (char)('0' + (i < decimal->count ? decimal->digits[i] : 0));
    }
    if (decimal->count > point) {
        text[length++] = '.';
        for (int i = point; i < decimal->count; i++) {
            text[length++] = (char)('0' + (i < 0 ? 0 : decimal->digits[i]));
        }
    }
    text[length] = '\0';
    return length;
}

static int compare_magnitude(const struct decimal *a, const struct decimal *b)
{
    if (a->count == 0 || b->count == 0) {
        return (a->count > 0) - (b->count > 0);
    }
    if (a->exponent != b->exponent) {
        return a->exponent < b->exponent ? -1 : 1;
    }
    return memcmp(a->digits, b->digits, DECIMAL_MAX_DIGITS);
}

int decimal_compare(const struct decimal *a, const struct decimal *b)
{
    if (a->negative != b->negative) {
        return a->negative ? -1 : 1;
    }
    int order = compare_magnitude(a, b);

    return a->negative ? -order : order;
}

/* The digits of a sum lie between the highest place of both and the lowest. Two numbers whose digits do not meet within
 * 38 places have no exact sum that fits, so a window of this many holds all that matter. */
#define WINDOW (2 * DECIMAL_MAX_DIGITS + 4)

/* Spreads the digits over places that begin one below `top`. False when the lowest does not fit in. */
static bool spread(const struct decimal *decimal, int top, uint8_t places[WINDOW])
{
    int first = top - decimal->exponent;

    memset(places, 0, WINDOW);
    if (decimal->count == 0) {
        return true;
    }
    if (first + decimal->count > WINDOW) {
        return false;
    }
    memcpy(places + first, decimal->digits, decimal->count);
    return true;
}

/* From places to a number without zeros at its ends. */
static bool gather(const uint8_t places[WINDOW], int top, bool negative, struct decimal *result, struct error *error)
{
    struct decimal sum = {0};
    int first = 0;
    int last = WINDOW;

    while (first < WINDOW && places[first] == 0) {
        first++;
    }
    while (last > first && places[last - 1] == 0) {
        last--;
    }
    if (first == last) {
        set_zero(result);
        return true;
    }
    if (last - first > DECIMAL_MAX_DIGITS) {
        return too_many_digits(error);
    }
    sum.count = (uint8_t)(last - first);
    memcpy(sum.digits, places + first, sum.count);
    if (!check_range(&sum, top - first, error)) {
        return false;
    }
    sum.exponent = (int16_t)(top - first);
    sum.negative = negative;
    *result = sum;
    return true;
}

bool decimal_add(const struct decimal *a, const struct decimal *b, struct decimal *result, struct error *error)
{
    const struct decimal *large = compare_magnitude(a, b) >= 0 ? a : b;
    const struct decimal *small = large == a ? b : a;
    uint8_t places[WINDOW];
    uint8_t other[WINDOW];
    int top = large->exponent + 1; /* room for a carry */

    if (small->count == 0) {
        *result = *large;
        return true;
    }
    if (!spread(large, top, places) || !spread(small, top, other)) {
        return too_many_digits(error);
    }
    bool minus = large->negative != small->negative;
    int carry = 0;

    for (int i = WINDOW - 1; i >= 0; i--) {
        int digit = minus ? places[i] - other[i] - carry : places[i] + other[i] + carry;

        carry = minus ? digit < 0 : digit > 9;
        places[i] = (uint8_t)(digit + (minus ? carry * 10 : -carry * 10));
    }
    return gather(places, top, large->negative, result, error);
}

bool decimal_subtract(const struct decimal *a, const struct decimal *b, struct decimal *result, struct error *error)
{
    struct decimal opposite = *b;

    opposite.negative = b->count > 0 && !b->negative;
    return decimal_add(a, &opposite, result, error);
}

/* A positive number: 0xC0, the exponent as two bytes around 0x8000, then digits by two, each pair plus 1 so that the
 * end (a byte 0) comes before any digit. A negative one: 0x40, then the same with every bit turned. */
size_t decimal_encode(const struct decimal *decimal, uint8_t code[DECIMAL_CODE_BYTES])
{
    size_t length = 0;

    if (decimal->count == 0) {
        code[0] = CODE_ZERO;
        return 1;
    }
    uint16_t exponent = (uint16_t)(0x8000 + decimal->exponent);

    code[length++] = 0xC0;
    code[length++] = (uint8_t)(exponent >> 8);
    code[length++] = (uint8_t)exponent;
    for (int i = 0; i < decimal->count && length < DECIMAL_CODE_BYTES; i += 2) {
        int second = i + 1 < decimal->count ? decimal->digits[i + 1] : 0;

        code[length++] = (uint8_t)(decimal->digits[i] * 10 + second + 1);
    }
    if (decimal->count < DECIMAL_MAX_DIGITS - 1) {
        code[length++] = 0;
    }
    if (decimal->negative) {
        for (size_t i = 0; i < length; i++) {
            code[i] = (uint8_t)~code[i];
        }
    }
    return length;
}

static bool corrupt(struct error *error)
{
    return error_set(error, ERROR_CORRUPT, "a stored number has bytes that no number has");
}

bool decimal_decode(const uint8_t *code, size_t size, struct decimal *decimal, size_t *used, struct error *error)
{
    size_t at = 3;

    set_zero(decimal);
    if (size > 0 && code[0] == CODE_ZERO) {
        *used = 1;
        return true;
    }
    if (size < 4 || (code[0] != 0xC0 && code[0] != 0x3F)) {
        return corrupt(error);
    }
    uint8_t turn = code[0] == 0x3F ? 0xFF : 0;
    int exponent = ((code[1] ^ turn) << 8 | (code[2] ^ turn)) - 0x8000;

    while (decimal->count < DECIMAL_MAX_DIGITS && at < size && (code[at] ^ turn) != 0) {
        int pair = (code[at++] ^ turn) - 1;

        if (pair > 99) {
            return corrupt(error);
        }
        decimal->digits[decimal->count++] = (uint8_t)(pair / 10);
        decimal->digits[decimal->count++] = (uint8_t)(pair % 10);
    }
    if (decimal->count < DECIMAL_MAX_DIGITS && at++ >= size) {
        return corrupt(error);
    }
    decimal->count = (uint8_t)(decimal->count - (decimal->count > 0 && decimal->digits[decimal->count - 1] == 0));
    if (decimal->count == 0 || decimal->digits[0] == 0 || decimal->digits[decimal->count - 1] == 0 ||
        exponent < LEAST_EXPONENT || exponent > GREATEST_EXPONENT) {
        return corrupt(error);
    }
    decimal->exponent = (int16_t)exponent;
    decimal->negative = turn != 0;
    *used = at;
    return true;
}
