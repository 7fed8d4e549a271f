/* A set of pairs of 32-bit words, made to be filled and emptied many times: which values a group has had. */
#ifndef AISLE_KPI_PAIR_SET_H
#define AISLE_KPI_PAIR_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* No pair may be this: group numbers stay below UINT32_MAX. */
#define PAIR_EMPTY UINT64_MAX

struct pair_set {
    uint64_t *slots;
    size_t mask; /* slots - 1 */
    size_t count;
};

bool pair_set_open(struct pair_set *set, struct error *error);
void pair_set_close(struct pair_set *set);
void pair_set_clear(struct pair_set *set);

/* Makes room for `more` pairs, so that pair_set_add need not look. */
bool pair_set_reserve(struct pair_set *set, size_t more, struct error *error);

/* Adds a pair; true when it is new. */
static inline bool pair_set_add(struct pair_set *set, uint32_t a, uint32_t b)
{
    uint64_t pair = (uint64_t)a << 32 | b;
    /* Neighbouring values of a group are neighbours here, for they often come one after the other; stretches of them
     * are spread. */
    size_t i = (size_t)(((pair >> 10) * UINT64_C(0x9E3779B97F4A7C15) >> 32) + b) & set->mask;
    while (set->slots[i] != PAIR_EMPTY) {
        if (set->slots[i] == pair) return false;
        i = (i + 1) & set->mask;
    }
    set->slots[i] = pair;
    set->count++;
    return true;
}

#endif
