/* Texts of up to 16 bytes in two registers: what most ids are, compared, cut and written without touching memory. */
#ifndef AISLE_TABULAR_WORD_TEXT_H
#define AISLE_TABULAR_WORD_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tabular/term_code.h"

enum { WORD_TEXT_BYTES = 16 };

/* The first byte is the lowest of `low`; bytes past the length are zero. */
struct word_text {
    uint64_t low;
    uint64_t high;
    size_t length;
};

/* Eight decimal digits of a number below 10^8, the first in the lowest byte: four, two, then one digit a lane. */
static inline uint64_t word_digits(uint32_t value)
{
    uint64_t fours = value / 10000 | (uint64_t)(value % 10000) << 32;
    uint64_t hundreds = fours * 10486 >> 20 & UINT64_C(0x7f0000007f);
    uint64_t twos = hundreds | (fours - 100 * hundreds) << 16;
    uint64_t tens = twos * 103 >> 10 & UINT64_C(0x000f000f000f000f);
    uint64_t ones = tens | (twos - 10 * tens) << 8;

    return ones | UINT64_C(0x3030303030303030);
}

static inline struct word_text word_text_shifted(uint64_t low, uint64_t high, unsigned bytes)
{
    if (bytes >= 8) {
        low = high;
        high = 0;
        bytes -= 8;
    }
    if (bytes > 0) {
        low = low >> 8 * bytes | high << (64 - 8 * bytes);
        high >>= 8 * bytes;
    }
    return (struct word_text){.low = low, .high = high};
}

/* Decimal digits of a number below 10^16. */
static inline struct word_text word_text_of_number(uint64_t value)
{
    if (value < 100000000) {
        uint64_t digits = word_digits((uint32_t)value);
        uint64_t leading = digits & UINT64_C(0x0f0f0f0f0f0f0f0f);
        unsigned spare = leading != 0 ? (unsigned)__builtin_ctzll(leading) / 8 : 7; /* the number 0 keeps one */

        return (struct word_text){.low = digits >> 8 * spare, .length = 8 - spare};
    }
    uint64_t front = word_digits((uint32_t)(value / 100000000));
    uint64_t back = word_digits((uint32_t)(value % 100000000));
    uint64_t low_digits = front & UINT64_C(0x0f0f0f0f0f0f0f0f);
    unsigned zeros = (unsigned)__builtin_ctzll(low_digits) / 8; /* it has nine digits at least */
    struct word_text text = word_text_shifted(front, back, zeros);

    text.length = WORD_TEXT_BYTES - zeros;
    return text;
}

/* The text of a code that is a number of at most 16 digits or a short text; false for others. */
static inline bool word_text_of_term(term code, struct word_text *text)
{
    uint64_t body = term_body(code);

    if (term_tag(code) == TERM_TAG_NUMBER && body < UINT64_C(10000000000000000)) {
        *text = word_text_of_number(body);
        return true;
    }
    if (term_tag(code) == TERM_TAG_SHORT) {
        *text = (struct word_text){.low = body & UINT64_C(0x00ffffffffffffff), .length = (size_t)(body >> 56)};
        return true;
    }
    return false;
}

/* Bytes that both begin with. */
static inline size_t word_text_prefix(struct word_text a, struct word_text b)
{
    uint64_t low = a.low ^ b.low;
    uint64_t high = a.high ^ b.high;
    size_t same = low != 0    ? (size_t)__builtin_ctzll(low) / 8
                  : high != 0 ? 8 + (size_t)__builtin_ctzll(high) / 8
                              : WORD_TEXT_BYTES;
    size_t shorter = a.length < b.length ? a.length : b.length;

    return same < shorter ? same : shorter;
}

/* Without its first bytes. */
static inline struct word_text word_text_from(struct word_text text, size_t from)
{
    struct word_text rest = {0};

    if (from < WORD_TEXT_BYTES) {
        rest = word_text_shifted(text.low, text.high, (unsigned)from);
    }
    rest.length = text.length - from;
    return rest;
}

/* Writes WORD_TEXT_BYTES bytes, the text at their front. */
static inline void word_text_store(struct word_text text, char *into)
{
    memcpy(into, &text.low, sizeof text.low);
    memcpy(into + sizeof text.low, &text.high, sizeof text.high);
}

#endif
