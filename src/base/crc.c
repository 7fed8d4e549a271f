/* A run of bytes is a polynomial over GF(2), its first bit the highest power; in a register the bit of the highest
 * power is the lowest one. Long runs are folded, 64 bytes at a time, by carry-less multiplication (Gopal et al., "Fast
 * CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction", Intel 2009); what is left goes through tables
 * for eight bytes at once (Kounavis and Berry, 2005). */
#include "base/crc.h"

#include <endian.h>
#include <pthread.h>
#include <string.h>

static const struct {
    unsigned bits;
    uint64_t polynomial; /* without the highest power, reflected */
} models[CRC_KINDS] = {
    [CRC_32] = {32, 0xEDB88320},
    [CRC_32C] = {32, 0x82F63B78},
    [CRC_64NVME] = {64, 0x9A6C9329AC4BC9B5},
};

/* What is worked out of the models once: how a byte counts that stands so many bytes before the end, and x^n for
 * folding over 64 and over 16 bytes, for the first and the second half of a register. */
struct tables {
    uint64_t bytes[8][256];
    uint64_t fold_64[2], fold_16[2];
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct tables tables[CRC_KINDS];

/* The product of two remainders. */
static uint64_t multiply(enum crc_kind kind, uint64_t a, uint64_t b)
{
    uint64_t highest = UINT64_C(1) << (models[kind].bits - 1);
    uint64_t product = 0;

    for (uint64_t bit = highest; bit != 0; bit >>= 1) {
        product ^= (a & bit) != 0 ? b : 0;
        b = (b >> 1) ^ ((b & 1) != 0 ? models[kind].polynomial : 0);
    }
    return product;
}

/* The remainder of x^n. */
static uint64_t power(enum crc_kind kind, uint64_t n)
{
    uint64_t one = UINT64_C(1) << (models[kind].bits - 1);
    uint64_t square = one >> 1;
    uint64_t result = one;

    for (; n > 0; n >>= 1) {
        if ((n & 1) != 0) {
            result = multiply(kind, result, square);
        }
        square = multiply(kind, square, square);
    }
    return result;
}

/* Of two reflected words the product has one bit less than a register: that makes up for the lower power. */
static uint64_t fold_by(enum crc_kind kind, uint64_t bits)
{
    return power(kind, bits - 1) << (64 - models[kind].bits);
}

static void make_tables(void)
{
    for (enum crc_kind kind = 0; kind < CRC_KINDS; kind++) {
        struct tables *made = &tables[kind];

        for (unsigned byte = 0; byte < 256; byte++) {
            uint64_t value = byte;

            for (int bit = 0; bit < 8; bit++) {
                value = (value >> 1) ^ ((value & 1) != 0 ? models[kind].polynomial : 0);
            }
            made->bytes[0][byte] = value;
        }
        for (unsigned behind = 1; behind < 8; behind++) {
            for (unsigned byte = 0; byte < 256; byte++) {
                uint64_t value = made->bytes[behind - 1][byte];

                made->bytes[behind][byte] = (value >> 8) ^ made->bytes[0][value & 255];
            }
        }
        made->fold_64[0] = fold_by(kind, 512 + 64);
        made->fold_64[1] = fold_by(kind, 512);
        made->fold_16[0] = fold_by(kind, 128 + 64);
        made->fold_16[1] = fold_by(kind, 128);
    }
}

static const struct tables *tables_of(enum crc_kind kind)
{
    pthread_once(&once, make_tables);
    return &tables[kind];
}

/* Both ends of a check are inverted. */
static uint64_t inverted(enum crc_kind kind, uint64_t crc)
{
    return crc ^ (UINT64_MAX >> (64 - models[kind].bits));
}

static uint64_t load(const uint8_t *bytes)
{
    uint64_t value = 0;

    memcpy(&value, bytes, sizeof value);
    return le64toh(value);
}

static uint64_t by_tables(const struct tables *of, uint64_t crc, const uint8_t *bytes, size_t size)
{
    for (; size >= 8; bytes += 8, size -= 8) {
        crc ^= load(bytes);
        crc = of->bytes[7][crc & 255] ^ of->bytes[6][crc >> 8 & 255] ^ of->bytes[5][crc >> 16 & 255] ^
              of->bytes[4][crc >> 24 & 255] ^ of->bytes[3][crc >> 32 & 255] ^ of->bytes[2][crc >> 40 & 255] ^
              of->bytes[1][crc >> 48 & 255] ^ of->bytes[0][crc >> 56];
    }
    for (; size > 0; bytes++, size--) {
        crc = (crc >> 8) ^ of->bytes[0][(crc ^ *bytes) & 255];
    }
    return crc;
}

#if defined(__x86_64__)
#include <immintrin.h>

#define FOLDING __attribute__((target("pclmul,sse4.1")))

FOLDING static __m128i fold(__m128i value, __m128i by, __m128i next)
{
    return _mm_xor_si128(_mm_xor_si128(_mm_clmulepi64_si128(value, by, 0x00), _mm_clmulepi64_si128(value, by, 0x11)),
                         next);
}

FOLDING static __m128i at(const uint8_t *bytes)
{
    return _mm_loadu_si128((const __m128i *)(const void *)bytes);
}

/* `size` is at least 64. What is left of all whole blocks is 16 bytes with the same check. */
FOLDING static uint64_t by_folding(const struct tables *of, uint64_t crc, const uint8_t *bytes, size_t size)
{
    __m128i by_64 = at((const uint8_t *)of->fold_64);
    __m128i by_16 = at((const uint8_t *)of->fold_16);
    __m128i a = _mm_xor_si128(at(bytes), _mm_cvtsi64_si128((long long)crc));
    __m128i b = at(bytes + 16);
    __m128i c = at(bytes + 32);
    __m128i d = at(bytes + 48);
    uint8_t left[16];

    for (bytes += 64, size -= 64; size >= 64; bytes += 64, size -= 64) {
        a = fold(a, by_64, at(bytes));
        b = fold(b, by_64, at(bytes + 16));
        c = fold(c, by_64, at(bytes + 32));
        d = fold(d, by_64, at(bytes + 48));
    }
    a = fold(fold(fold(a, by_16, b), by_16, c), by_16, d);
    for (; size >= 16; bytes += 16, size -= 16) {
        a = fold(a, by_16, at(bytes));
    }
    _mm_storeu_si128((__m128i *)(void *)left, a);
    return by_tables(of, by_tables(of, 0, left, sizeof left), bytes, size);
}

static bool can_fold(void)
{
    return __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
}
#else
#define by_folding by_tables

static bool can_fold(void)
{
    return false;
}
#endif

uint64_t crc_add(enum crc_kind kind, uint64_t crc, const void *data, size_t size)
{
    const struct tables *of = tables_of(kind);

    crc = inverted(kind, crc);
    crc = size >= 64 && can_fold() ? by_folding(of, crc, data, size) : by_tables(of, crc, data, size);
    return inverted(kind, crc);
}

uint64_t crc_add_plain(enum crc_kind kind, uint64_t crc, const void *data, size_t size)
{
    return inverted(kind, by_tables(tables_of(kind), inverted(kind, crc), data, size));
}

uint64_t crc_join(enum crc_kind kind, uint64_t first, uint64_t second, uint64_t second_bytes)
{
    uint64_t eighth = power(kind, second_bytes);

    for (int i = 0; i < 3; i++) {
        eighth = multiply(kind, eighth, eighth);
    }
    return multiply(kind, first, eighth) ^ second;
}
