#include "http/s3/range.h"

#include <string.h>

/* Digits to a number; false when there are none or they do not fit. */
static bool take_number(const char **text, uint64_t *number)
{
    const char *start = *text;

    *number = 0;
    for (; **text >= '0' && **text <= '9'; ++*text) {
        if (__builtin_mul_overflow(*number, 10, number) ||
            __builtin_add_overflow(*number, (uint64_t)(**text - '0'), number)) {
            return false;
        }
    }
    return *text != start;
}

/* The last `count` bytes. */
static enum range_verdict suffix(const char *text, uint64_t size, uint64_t *offset, uint64_t *length)
{
    uint64_t count = 0;

    if (!take_number(&text, &count) || *text != '\0') {
        return RANGE_WHOLE;
    }
    if (count == 0 || size == 0) {
        return RANGE_UNSATISFIABLE;
    }
    *length = count < size ? count : size;
    *offset = size - *length;
    return RANGE_PART;
}

enum range_verdict range_read(const char *text, uint64_t size, uint64_t *offset, uint64_t *length)
{
    uint64_t first = 0, last = UINT64_MAX;

    *offset = 0;
    *length = size;
    if (text == NULL || strncmp(text, "bytes=", 6) != 0) {
        return RANGE_WHOLE;
    }
    text += 6;
    if (*text == '-') {
        return suffix(text + 1, size, offset, length);
    }
    if (!take_number(&text, &first) || *text++ != '-') {
        return RANGE_WHOLE;
    }
    if (*text != '\0' && (!take_number(&text, &last) || *text != '\0' || last < first)) {
        return RANGE_WHOLE;
    }
    if (first >= size) {
        return RANGE_UNSATISFIABLE;
    }
    *offset = first;
    *length = (last < size ? last + 1 : size) - first;
    return RANGE_PART;
}

bool range_read_copy(const char *text, uint64_t size, uint64_t *offset, uint64_t *length)
{
    uint64_t first = 0, last = 0;

    if (strncmp(text, "bytes=", 6) != 0) {
        return false;
    }
    text += 6;
    if (!take_number(&text, &first) || *text++ != '-' || !take_number(&text, &last) || *text != '\0' || last < first ||
        last >= size) {
        return false;
    }
    *offset = first;
    *length = last - first + 1;
    return true;
}
