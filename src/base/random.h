/* Random numbers: a seeded generator whose sequence is the same on every machine (xoshiro256**, Blackman and
 * Vigna, 2018, seeded by SplitMix64), and bytes from the operating system. */
#ifndef AISLE_BASE_RANDOM_H
#define AISLE_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct random {
    uint64_t state[4];
};

void random_seed(struct random *random, uint64_t seed);
uint64_t random_next(struct random *random);

/* Uniform in 0 … bound - 1, without bias. `bound` is at least 1. */
uint64_t random_below(struct random *random, uint64_t bound);

/* Bytes from getrandom(2). */
bool random_bytes(void *bytes, size_t size, struct error *error);

/* A name that sorts by time and never repeats: 26 characters of Crockford base 32 (48 bits of milliseconds,
 * 80 of randomness: ULID) and a NUL. AISLE_SEED makes the random part repeatable for tests. */
bool random_ulid(char text[27], struct error *error);

#endif
