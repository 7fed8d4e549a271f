#include "base/random.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/clock.h"

static uint64_t rotate_left(uint64_t value, unsigned bits)
{
    return (value << bits) | (value >> (64 - bits));
}

void random_seed(struct random *random, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        seed += UINT64_C(0x9E3779B97F4A7C15);
        uint64_t mixed = (seed ^ (seed >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);

        mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94D049BB133111EB);
        random->state[i] = mixed ^ (mixed >> 31);
    }
}

uint64_t random_next(struct random *random)
{
    uint64_t *s = random->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate_left(s[3], 45);
    return result;
}

/* Lemire, "Fast random integer generation in an interval", 2019: the high word of a product, retried for the
 * few low words that would favour some results. */
uint64_t random_below(struct random *random, uint64_t bound)
{
    unsigned __int128 product = (unsigned __int128)random_next(random) * bound;

    if ((uint64_t)product < bound) {
        uint64_t threshold = (0 - bound) % bound;

        while ((uint64_t)product < threshold) {
            product = (unsigned __int128)random_next(random) * bound;
        }
    }
    return (uint64_t)(product >> 64);
}

bool random_bytes(void *bytes, size_t size, struct error *error)
{
    char *at = bytes;

    while (size > 0) {
        ssize_t got = getrandom(at, size, 0);

        if (got < 0 && errno != EINTR) {
            return error_set_errno(error, errno, "the operating system gave no random bytes");
        }
        if (got > 0) {
            at += got;
            size -= (size_t)got;
        }
    }
    return true;
}

static pthread_mutex_t seeded_lock = PTHREAD_MUTEX_INITIALIZER;
static bool seeded_ready;
static struct random seeded;

/* Ten bytes from AISLE_SEED's sequence when it is set, else from the operating system. */
static bool ulid_bytes(unsigned char bytes[10], struct error *error)
{
    const char *seed = getenv("AISLE_SEED");

    if (seed == NULL) {
        return random_bytes(bytes, 10, error);
    }
    pthread_mutex_lock(&seeded_lock);
    if (!seeded_ready) {
        random_seed(&seeded, strtoull(seed, NULL, 10));
        seeded_ready = true;
    }
    for (int i = 0; i < 10; i++) {
        bytes[i] = (unsigned char)(random_next(&seeded) >> 56);
    }
    pthread_mutex_unlock(&seeded_lock);
    return true;
}

bool random_ulid(char text[27], struct error *error)
{
    static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    unsigned char bytes[10];

    if (!ulid_bytes(bytes, error)) {
        return false;
    }
    unsigned __int128 value = (unsigned __int128)(uint64_t)(clock_now_us() / 1000) & UINT64_C(0xFFFFFFFFFFFF);

    for (int i = 0; i < 10; i++) {
        value = value << 8 | bytes[i];
    }
    for (int i = 25; i >= 0; i--) {
        text[i] = digits[(unsigned)value & 31];
        value >>= 5;
    }
    text[26] = '\0';
    return true;
}
