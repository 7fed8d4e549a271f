/* Sizes, times and counts as people read them. */
#ifndef AISLE_CLI_HUMAN_H
#define AISLE_CLI_HUMAN_H

#include <stdint.h>

#include "base/buffer.h"

/* "0 B", "999 B", "1.5 kB", "812 MB", "1.7 GB": powers of 1000 (SI), two or three digits. */
void human_bytes(struct buffer *into, uint64_t bytes);

/* "0.004 s", "0.83 s", "12.4 s", "2 min 5 s", "3 h 7 min". */
void human_duration(struct buffer *into, int64_t duration_us);

/* "1234567" or, with `separator`, "1,234,567"; a sign and decimals are kept as they are. The text must be a decimal
 * number; any other is appended unchanged. */
void human_number(struct buffer *into, struct str number, bool separator);

#endif
