/* The forms of a term code that need no dictionary, inline for the loops that make and read millions of them.
 *
 * Layout below the tag (bits 61 and 62; bit 63 is never set):
 *   number      bits 0-59   the number
 *   short       bits 56-58  count of bytes, bits 0-55 the bytes, first one lowest
 *   prefixed    bits 44-59  index of the prefix, bits 0-43 rank of the digits: all runs of one digit, then all of
 *                           two, …, so that count and leading zeros are part of one number below 2^44
 *   dictionary  bits 0-31   index
 */
#ifndef AISLE_TABULAR_TERM_CODE_H
#define AISLE_TABULAR_TERM_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tabular/term.h"

#define TERM_NUMBER_DIGITS 18
#define TERM_SHORT_BYTES 7
#define TERM_PREFIX_BYTES 32 /* a longer prefix makes the text an entry of its own */
#define TERM_PREFIX_DIGITS 13
#define TERM_PREFIX_SHIFT 44
#define TERM_PREFIX_COUNT 65536

#define TERM_NONE (-1) /* no code: neither a term nor TERM_NULL */

static inline unsigned term_tag(term code)
{
    return (unsigned)((uint64_t)code >> TERM_TAG_SHIFT);
}

static inline uint64_t term_body(term code)
{
    return (uint64_t)code & (((uint64_t)1 << TERM_TAG_SHIFT) - 1);
}

static inline term term_tagged(unsigned tag, uint64_t body)
{
    return (term)((uint64_t)tag << TERM_TAG_SHIFT | body);
}

/* The value of up to 18 digits; TERM_NONE when a byte is not one. */
static inline int64_t term_digits(const char *digits, size_t count)
{
    int64_t value = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned digit = (unsigned)(unsigned char)digits[i] - '0';
        if (digit > 9) return TERM_NONE;
        value = value * 10 + (int64_t)digit;
    }
    return value;
}

/* The code of a canonical number, or TERM_NONE. */
static inline term term_of_number(struct str text)
{
    if (text.length == 0 || text.length > TERM_NUMBER_DIGITS || (text.data[0] == '0' && text.length > 1))
        return TERM_NONE;
    return term_digits(text.data, text.length);
}

/* The code of at most 7 bytes that are not a canonical number. */
static inline term term_of_short(struct str text)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < text.length; i++) bytes |= (uint64_t)(unsigned char)text.data[i] << (8 * i);
    return term_tagged(TERM_TAG_SHORT, (uint64_t)text.length << 56 | bytes);
}

#endif
