/* Spreads a key over 64 bits for a table of a power of two slots: a multiplication by the golden ratio (Knuth, The Art
 * of Computer Programming 3, 6.4) between two folds, so that both ends of the key reach both ends of the result. */
#ifndef AISLE_KPI_KEY_MIX_H
#define AISLE_KPI_KEY_MIX_H

#include <stdint.h>

static inline uint64_t key_mix(int64_t key)
{
    uint64_t x = (uint64_t)key;
    x ^= x >> 32;
    x *= UINT64_C(0x9E3779B97F4A7C15);
    return x ^ x >> 29;
}

#endif
