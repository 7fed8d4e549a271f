/* One cell to one value without a loop over its bytes: eight digits at a time in a 64-bit word.
 *
 * A cell may be read from 24 bytes before its start to 32 bytes after it.
 */
#ifndef AISLE_TABULAR_KERNEL_CELLS_H
#define AISLE_TABULAR_KERNEL_CELLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"

#define BYTES_OF(byte) ((byte)*UINT64_C(0x0101010101010101))

static inline uint64_t load_word(const char *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* The last `count` (0 … 8) bytes before `end` as digits, highest byte last; bytes before them count as zeros. */
static inline uint64_t digits_before(const char *end, size_t count)
{
    uint64_t word = load_word(end - 8) ^ BYTES_OF('0');
    return count >= 8 ? word : word & ~(UINT64_MAX >> (8 * count));
}

static inline bool all_digits(uint64_t digits)
{
    return (((digits + BYTES_OF(0x76)) | digits) & BYTES_OF(0x80)) == 0;
}

/* Eight digits, first one in the lowest byte, to their number. */
static inline uint64_t digits_value(uint64_t digits)
{
    digits = digits * 10 + (digits >> 8);
    uint64_t odd = (digits >> 16 & UINT64_C(0x000000ff000000ff)) * (1 + (UINT64_C(10000) << 32));
    uint64_t even = (digits & UINT64_C(0x000000ff000000ff)) * (100 + (UINT64_C(1000000) << 32));
    return (even + odd) >> 32;
}

/* 1 to 18 digits; false for anything else. */
static inline bool cell_digits(struct str text, int64_t *value)
{
    const char *end = text.data + text.length;
    if (text.length - 1 >= 18) return false;
    uint64_t low = digits_before(end, text.length < 8 ? text.length : 8);
    bool fine = all_digits(low);
    uint64_t number = digits_value(low);
    if (text.length > 8) {
        uint64_t middle = digits_before(end - 8, text.length < 16 ? text.length - 8 : 8);
        fine = fine && all_digits(middle);
        number += digits_value(middle) * 100000000;
        if (text.length > 16) {
            uint64_t high = digits_before(end - 16, text.length - 16);
            fine = fine && all_digits(high);
            number += digits_value(high) * UINT64_C(10000000000000000);
        }
    }
    *value = (int64_t)number;
    return fine;
}

/* An optional minus and 1 to 18 digits. */
static inline bool cell_integer(struct str text, int64_t *value)
{
    bool negative = text.length > 0 && text.data[0] == '-';
    bool fine = cell_digits(str_slice(text.data + negative, text.length - negative), value);
    /* What is not fine may be any bits. */
    *value = negative ? (int64_t) - (uint64_t)*value : *value;
    return fine;
}

/* An optional minus, digits, and perhaps a point and 1 to `scale` digits; together at most 18 digits once scaled.
 * `powers` are the powers of ten from 0 to 18. */
static inline bool cell_decimal(struct str text, int scale, const int64_t *powers, int64_t *value)
{
    bool negative = text.length > 0 && text.data[0] == '-';
    text = str_slice(text.data + negative, text.length - negative);
    size_t whole_length = 0;
    while (whole_length < text.length && text.data[whole_length] != '.') whole_length++;
    int64_t whole;
    int64_t fraction = 0;
    if (whole_length + (size_t)scale > 18 || !cell_digits(str_slice(text.data, whole_length), &whole)) return false;
    size_t places = 0;
    if (whole_length < text.length) {
        places = text.length - whole_length - 1;
        if (places > (size_t)scale || !cell_digits(str_slice(text.data + whole_length + 1, places), &fraction))
            return false;
    }
    int64_t number = whole * powers[scale] + fraction * powers[(size_t)scale - places];
    *value = negative ? -number : number;
    return true;
}

/* `YYYY-MM-DD` of a real day, years from 1. */
static inline bool cell_date(const char *text, int64_t *days)
{
    /* The digits of the date with the dashes squeezed out: YYYYMMDD. */
    uint64_t head = load_word(text) ^ UINT64_C(0x2d30302d30303030);
    uint64_t tail = load_word(text + 2) ^ UINT64_C(0x30302d30302d3030);
    if (!all_digits(head) || !all_digits(tail) || ((head >> 32 & 0xff) | (head >> 56)) != 0) return false;
    unsigned year =
        (unsigned)((head & 0xff) * 1000 + (head >> 8 & 0xff) * 100 + (head >> 16 & 0xff) * 10 + (head >> 24 & 0xff));
    unsigned month = (unsigned)((head >> 40 & 0xff) * 10 + (head >> 48 & 0xff));
    unsigned day = (unsigned)((tail >> 48 & 0xff) * 10 + (tail >> 56));
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    unsigned last = month == 2 ? 28u + leap : 30u + ((month + (month >> 3)) & 1);
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > last) return false;
    /* Years that begin in March put the leap day last; 719,469 days lie between 0000-02-29 and 1970-01-01. */
    unsigned shifted_year = year - (month < 3);
    unsigned shifted_month = month < 3 ? month + 9 : month - 3;
    unsigned century = shifted_year / 100;
    *days = (int64_t)(1461 * shifted_year / 4 - century + century / 4 + (153 * shifted_month + 2) / 5 + day) - 719469;
    return true;
}

/* `hh:mm:ss` to seconds. */
static inline bool cell_time(const char *text, int64_t *seconds)
{
    uint64_t word = load_word(text) ^ UINT64_C(0x30303a30303a3030);
    if (!all_digits(word) || ((word >> 16 & 0xff) | (word >> 40 & 0xff)) != 0) return false;
    unsigned hour = (unsigned)((word & 0xff) * 10 + (word >> 8 & 0xff));
    unsigned minute = (unsigned)((word >> 24 & 0xff) * 10 + (word >> 32 & 0xff));
    unsigned second = (unsigned)((word >> 48 & 0xff) * 10 + (word >> 56));
    *seconds = hour * 3600 + minute * 60 + second;
    return hour < 24 && minute < 60 && second < 60;
}

/* `YYYY-MM-DDThh:mm:ss`, or a space for the T, to seconds since 1970. */
static inline bool cell_timestamp(struct str text, int64_t *seconds)
{
    int64_t days;
    int64_t time;
    if (text.length != 19 || (text.data[10] != 'T' && text.data[10] != ' ') || !cell_date(text.data, &days) ||
        !cell_time(text.data + 11, &time))
        return false;
    *seconds = days * 86400 + time;
    return true;
}

#endif
