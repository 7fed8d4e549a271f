/* Byte ranges (RFC 9110, 14). */
#ifndef AISLE_HTTP_S3_RANGE_H
#define AISLE_HTTP_S3_RANGE_H

#include <stdbool.h>
#include <stdint.h>

enum range_verdict {
    RANGE_WHOLE, /* no range, several, or a form that is not known: all bytes */
    RANGE_PART,
    RANGE_UNSATISFIABLE,
};

/* What `text` ("bytes=0-99", "bytes=100-", "bytes=-5") means of a body of `size` bytes. As S3 does, several ranges give
 * the whole. */
enum range_verdict range_read(const char *text, uint64_t size, uint64_t *offset, uint64_t *length);

/* x-amz-copy-source-range: "bytes=FIRST-LAST", both given and inside the body; false otherwise. */
bool range_read_copy(const char *text, uint64_t size, uint64_t *offset, uint64_t *length);

#endif
