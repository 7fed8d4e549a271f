/* Codings: the values of one fact column as 32-bit codes, as narrow as grouping and counting can use them.
 *
 * Where all values lie within 32 bits of each other a code is the distance from the least (nothing to look up); else it
 * is a number in a dictionary that grows as values are seen, by any thread. Values that are only summed and are wider
 * than that stay raw.
 */
#ifndef AISLE_KPI_CODING_H
#define AISLE_KPI_CODING_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define CODE_NULL UINT32_MAX

struct dictionary32;

struct coding {
    enum { CODING_OFFSET, CODING_DICTIONARY, CODING_RAW } kind;
    int64_t base;
    uint32_t span; /* CODING_OFFSET: the largest code */
    struct dictionary32 *dictionary;
};

/* The coding for values from `low` to `high` (`known` false: nothing is known). `grouped` values never stay raw. */
bool coding_choose(struct coding *coding, bool known, int64_t low, int64_t high, bool grouped, struct error *error);
void coding_free(struct coding *coding);

/* Codes of `count` values; COLUMN_NULL becomes CODE_NULL. Not for CODING_RAW. */
bool coding_encode(struct coding *coding, const int64_t *values, size_t count, uint32_t *codes, struct error *error);

/* The value of a code that was given; also while other threads enter values. */
int64_t coding_value(const struct coding *coding, uint32_t code);

/* Codes given so far by a dictionary. */
uint32_t coding_count(const struct coding *coding);

#endif
