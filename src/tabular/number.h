/* Numbers as decimal text, read exactly: no binary floating point on the way. */
#ifndef AISLE_TABULAR_NUMBER_H
#define AISLE_TABULAR_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/str.h"

/* The largest scale: ten to its power fits an int64. */
#define NUMBER_SCALE_MAX 18

/* How numbers are written in a column (Table Schema's decimalChar, groupChar, bareNumber). */
struct number_format {
    char decimal; /* '.' */
    char group;   /* between digits before the decimal mark; 0: none */
    bool bare;    /* false: text around the number, such as a currency or a percent sign, does not count */
};

extern const struct number_format number_format_default;

enum number_result {
    NUMBER_OK,
    NUMBER_MALFORMED, /* not a number; `nan` and `inf` are not numbers either */
    NUMBER_TOO_FINE,  /* more non-zero decimals than the scale keeps */
    NUMBER_TOO_LARGE, /* above INT64_MAX at this scale */
    NUMBER_TOO_SMALL, /* below -INT64_MAX at this scale */
};

/* Reads an optional sign, digits with an optional fraction (`.5` and `5.` too) and an optional exponent. `*value` is
 * the number times ten to the power of `scale` (0 … NUMBER_SCALE_MAX), and is set only on NUMBER_OK. */
enum number_result number_parse(struct str text, int scale, const struct number_format *format, int64_t *value);

/* Reads an optional sign and digits; a fraction or an exponent is malformed. */
enum number_result integer_parse(struct str text, const struct number_format *format, int64_t *value);

/* Appends value / 10^scale in plain decimals, without trailing zeros ("12.5", "-3", "0.0001"). */
void number_append(int64_t value, int scale, struct buffer *into);

#endif
