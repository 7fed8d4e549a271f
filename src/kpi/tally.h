/* A tally: sums by a key of up to four 32-bit words, in one open-addressing table made to be filled, read out and
 * emptied many times. Entries are dense and keep their number, so the number can stand for the key elsewhere. */
#ifndef AISLE_KPI_TALLY_H
#define AISLE_KPI_TALLY_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define TALLY_NONE UINT32_MAX

struct tally {
    int words, sums; /* of a key, of an entry */
    uint32_t count;
    uint32_t capacity;   /* entries there is room for */
    uint32_t mask;       /* slots - 1 */
    uint32_t *slots;     /* entry number, TALLY_NONE when empty */
    uint32_t *positions; /* of each entry its slot */
    uint32_t *keys;      /* words an entry */
    int64_t *sum;        /* sums an entry */
};

bool tally_open(struct tally *tally, int words, int sums, struct error *error);
void tally_close(struct tally *tally);

/* Forgets all entries; costs what was entered, not what was ever held. */
void tally_clear(struct tally *tally);

/* Enters a key that is not there. TALLY_NONE on failure. */
uint32_t tally_enter(struct tally *tally, const uint32_t *key, struct error *error);

static inline uint32_t tally_hash(const uint32_t *key, int words)
{
    uint64_t x = key[0];
    if (words > 1) x |= (uint64_t)key[1] << 32;
    x *= UINT64_C(0x9E3779B97F4A7C15);
    for (int w = 2; w < words; w++) x = (x ^ x >> 32 ^ key[w]) * UINT64_C(0x9E3779B97F4A7C15);
    return (uint32_t)(x >> 32);
}

/* The entry's number, entered with zero sums when new. TALLY_NONE on failure. */
static inline uint32_t tally_at(struct tally *tally, const uint32_t *key, struct error *error)
{
    uint32_t i = tally_hash(key, tally->words) & tally->mask;
    for (;; i = (i + 1) & tally->mask) {
        uint32_t entry = tally->slots[i];
        if (entry == TALLY_NONE) return tally_enter(tally, key, error);
        const uint32_t *there = tally->keys + (size_t)entry * (size_t)tally->words;
        int w = 0;
        while (w < tally->words && there[w] == key[w]) w++;
        if (w == tally->words) return entry;
    }
}

#endif
