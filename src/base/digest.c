#include "base/digest.h"

#include <endian.h>
#include <pthread.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/crc.h"
#include "base/memory.h"

/* The first kinds are OpenSSL's. */
#define HASH_KINDS (DIGEST_SHA256 + 1U)

struct digest {
    unsigned kinds;
    EVP_MD_CTX *hashes[HASH_KINDS];
    EVP_MD_CTX *ending; /* a copy is ended, so that bytes may go on coming */
    uint64_t crcs[CRC_KINDS];
};

/* OpenSSL looks an algorithm up by its name, under locks, each time unless it was fetched before. Where that failed its
 * own table serves. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static const EVP_MD *algorithms[HASH_KINDS];

static void fetch(void)
{
    static const char *const names[HASH_KINDS] = {"MD5", "SHA1", "SHA256"};
    const EVP_MD *const otherwise[HASH_KINDS] = {EVP_md5(), EVP_sha1(), EVP_sha256()};

    for (unsigned kind = 0; kind < HASH_KINDS; kind++) {
        algorithms[kind] = EVP_MD_fetch(NULL, names[kind], NULL);
        if (algorithms[kind] == NULL) {
            algorithms[kind] = otherwise[kind];
        }
    }
}

static const EVP_MD *algorithm(enum digest_kind kind)
{
    pthread_once(&once, fetch);
    return algorithms[kind];
}

static enum crc_kind crc_of(enum digest_kind kind)
{
    return kind == DIGEST_CRC32 ? CRC_32 : kind == DIGEST_CRC32C ? CRC_32C : CRC_64NVME;
}

static bool fail(struct error *error)
{
    return error_set(error, ERROR_INTERNAL, "OpenSSL could not make a checksum");
}

struct digest *digest_new(unsigned kinds, struct error *error)
{
    struct digest *digest = memory_zeroed(sizeof *digest, error);
    bool good = digest != NULL;

    for (unsigned kind = 0; good && kind < HASH_KINDS; kind++) {
        if ((kinds & 1U << kind) != 0) {
            digest->hashes[kind] = EVP_MD_CTX_new();
            good = digest->hashes[kind] != NULL && EVP_DigestInit_ex2(digest->hashes[kind], algorithm(kind), NULL) == 1;
            if (!good) {
                fail(error);
            }
        }
    }
    if (!good) {
        digest_free(digest);
        return NULL;
    }
    digest->kinds = kinds;
    return digest;
}

void digest_free(struct digest *digest)
{
    if (digest == NULL) {
        return;
    }
    for (unsigned kind = 0; kind < HASH_KINDS; kind++) {
        EVP_MD_CTX_free(digest->hashes[kind]);
    }
    EVP_MD_CTX_free(digest->ending);
    memory_free(digest);
}

bool digest_add(struct digest *digest, const void *data, size_t size, struct error *error)
{
    if (size == 0) {
        return true;
    }
    for (unsigned kind = 0; kind < DIGEST_KINDS; kind++) {
        if ((digest->kinds & 1U << kind) == 0) {
            continue;
        }
        if (kind >= HASH_KINDS) {
            uint64_t *crc = &digest->crcs[crc_of(kind)];

            *crc = crc_add(crc_of(kind), *crc, data, size);
        } else if (EVP_DigestUpdate(digest->hashes[kind], data, size) != 1) {
            return fail(error);
        }
    }
    return true;
}

static void put_crc(enum digest_kind kind, uint64_t crc, uint8_t *value)
{
    if (kind == DIGEST_CRC64NVME) {
        uint64_t big = htobe64(crc);

        memcpy(value, &big, sizeof big);
    } else {
        uint32_t big = htobe32((uint32_t)crc);

        memcpy(value, &big, sizeof big);
    }
}

static uint64_t get_crc(enum digest_kind kind, const uint8_t *value)
{
    uint64_t crc = 0;

    for (size_t i = 0; i < digest_bytes(kind); i++) {
        crc = crc << 8 | value[i];
    }
    return crc;
}

bool digest_value(struct digest *digest, enum digest_kind kind, uint8_t value[DIGEST_MAX_BYTES], struct error *error)
{
    if ((digest->kinds & 1U << kind) == 0) {
        return error_set(error, ERROR_INTERNAL, "a checksum is asked for that was not computed");
    }
    if (kind >= HASH_KINDS) {
        put_crc(kind, digest->crcs[crc_of(kind)], value);
        return true;
    }
    if (digest->ending == NULL) {
        digest->ending = EVP_MD_CTX_new();
    }
    if (digest->ending == NULL || EVP_MD_CTX_copy_ex(digest->ending, digest->hashes[kind]) != 1 ||
        EVP_DigestFinal_ex(digest->ending, value, NULL) != 1) {
        return fail(error);
    }
    return true;
}

size_t digest_bytes(enum digest_kind kind)
{
    static const size_t bytes[DIGEST_KINDS] = {16, 20, 32, 4, 4, 8};

    return bytes[kind];
}

bool digest_join(enum digest_kind kind, const uint8_t *first, const uint8_t *second, uint64_t second_bytes,
                 uint8_t joined[8], struct error *error)
{
    if (kind < HASH_KINDS) {
        return error_set(error, ERROR_INTERNAL, "only CRCs of two runs of bytes can be joined");
    }
    put_crc(kind, crc_join(crc_of(kind), get_crc(kind, first), get_crc(kind, second), second_bytes), joined);
    return true;
}

bool digest_once(enum digest_kind kind, const void *data, size_t size, uint8_t value[DIGEST_MAX_BYTES],
                 struct error *error)
{
    if (kind >= HASH_KINDS) {
        put_crc(kind, crc_add(crc_of(kind), 0, data, size), value);
        return true;
    }
    return EVP_Digest(data, size, value, NULL, algorithm(kind), NULL) == 1 || fail(error);
}

bool digest_sha256_hex(const void *data, size_t size, char hex[65], struct error *error)
{
    uint8_t value[DIGEST_MAX_BYTES];

    if (!digest_once(DIGEST_SHA256, data, size, value, error)) {
        return false;
    }
    digest_hex(value, 32, hex);
    return true;
}

bool digest_hmac_sha256(const void *key, size_t key_bytes, const void *data, size_t size, uint8_t value[32],
                        struct error *error)
{
    /* An empty key is right, but OpenSSL takes no NULL for it. */
    return HMAC(algorithm(DIGEST_SHA256), key_bytes > 0 ? key : "", (int)key_bytes, data, size, value, NULL) != NULL ||
           fail(error);
}

void digest_hex(const uint8_t *bytes, size_t size, char *hex)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < size; i++) {
        hex[2 * i] = digits[bytes[i] >> 4];
        hex[2 * i + 1] = digits[bytes[i] & 15];
    }
    hex[2 * size] = '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool digest_from_hex(const char *hex, uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        int high = hex_digit(hex[2 * i]);
        int low = high >= 0 ? hex_digit(hex[2 * i + 1]) : -1;

        if (low < 0) {
            return false;
        }
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return hex[2 * size] == '\0';
}

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void digest_base64(const uint8_t *bytes, size_t size, char *text)
{
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        unsigned group =
            (unsigned)bytes[i] << 16 | (left > 1 ? (unsigned)bytes[i + 1] << 8 : 0) | (left > 2 ? bytes[i + 2] : 0);

        *text++ = base64_digits[group >> 18];
        *text++ = base64_digits[group >> 12 & 63];
        *text++ = left > 1 ? base64_digits[group >> 6 & 63] : '=';
        *text++ = left > 2 ? base64_digits[group & 63] : '=';
    }
    *text = '\0';
}

static int base64_digit(char c)
{
    const char *place = c != '\0' ? strchr(base64_digits, c) : NULL;

    return place != NULL ? (int)(place - base64_digits) : -1;
}

bool digest_from_base64(const char *text, uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i += 3) {
        size_t count = size - i < 3 ? size - i : 3;
        unsigned group = 0;

        for (size_t j = 0; j < 4; j++, text++) {
            int digit = j <= count ? base64_digit(*text) : 0;

            if (digit < 0 || (j > count && *text != '=')) {
                return false;
            }
            group = group << 6 | (unsigned)digit;
        }
        for (size_t j = 0; j < 3; j++) {
            uint8_t byte = (uint8_t)(group >> (16 - 8 * j));

            if (j < count) {
                bytes[i + j] = byte;
            } else if (byte != 0) {
                return false;
            }
        }
    }
    return *text == '\0';
}

bool digest_equal(const void *a, const void *b, size_t size)
{
    return CRYPTO_memcmp(a, b, size) == 0;
}
