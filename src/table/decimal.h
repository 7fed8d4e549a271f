/* Exact decimal numbers as DynamoDB has them: up to 38 significant digits, 10^-130 to 10^126 (exclusive) in magnitude.
 *
 * Source: Amazon DynamoDB Developer Guide, "Naming rules and data types", Number.
 */
#ifndef AISLE_TABLE_DECIMAL_H
#define AISLE_TABLE_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

#define DECIMAL_MAX_DIGITS 38
#define DECIMAL_TEXT_BYTES 176 /* the longest text and its NUL */
#define DECIMAL_CODE_BYTES 22  /* the longest code */

/* 0.d1 d2 d3 … × 10^exponent; d1 and the last digit are not 0. Zero has no digits, exponent 0 and no sign. So equal
 * numbers are equal in every member. */
struct decimal {
    bool negative;
    uint8_t count;
    int16_t exponent;
    uint8_t digits[DECIMAL_MAX_DIGITS]; /* each 0 to 9; those past `count` are 0 */
};

/* "-12.50", "1e3", "+.5": ERROR_INVALID (ValidationException) for anything else, for more than 38 significant digits
 * and for what is out of range, in DynamoDB's words. */
bool decimal_parse(struct str text, struct decimal *decimal, struct error *error);

/* In plain notation, "-12.5", "1000", "0.001", with a NUL; gives its length. */
size_t decimal_text(const struct decimal *decimal, char text[DECIMAL_TEXT_BYTES]);

int decimal_compare(const struct decimal *a, const struct decimal *b); /* negative, 0 or positive */

/* Exactly; a result that does not fit is an error, never rounded. `result` may be one of the operands. */
bool decimal_add(const struct decimal *a, const struct decimal *b, struct decimal *result, struct error *error);
bool decimal_subtract(const struct decimal *a, const struct decimal *b, struct decimal *result, struct error *error);

/* A code whose order as bytes (memcmp, then length) is the order of numbers, as sort keys need. Gives its length. */
size_t decimal_encode(const struct decimal *decimal, uint8_t code[DECIMAL_CODE_BYTES]);
/* Back; ERROR_CORRUPT when it is none. `*used`: how many bytes it took. */
bool decimal_decode(const uint8_t *code, size_t size, struct decimal *decimal, size_t *used, struct error *error);

#endif
