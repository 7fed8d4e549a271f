/* The bytes of blobs. Numbers are little-endian.
 *
 * plain         as they were written
 *
 * encrypted     head, 64 bytes: "AISLEGC1" · salt [32] · proof [16] · u64 CRC-64/NVME of what is before it
 *               segments of 65,536 bytes, the last of 0 to 65,536 (0 only when it is the only one), each followed by
 *               its tag [16]
 *
 * From the key that is given and the salt HMAC-SHA256 makes two others: one whose first half is the proof that the key
 * is right, and one that the segments are encrypted with by AES-256-GCM. So one key may serve for many blobs. The nonce
 * of a segment is its number (u64) and 1 for the last, else 0 (u32): as in STREAM (Hoang, Reyhanitabar, Rogaway and
 * Vizár, CRYPTO 2015) no segment can be moved, left out, or be made the last.
 *
 * compressed    frames of 262,144 bytes each, the last of 1 to 262,144, as zstd made them or, where that is not
 * smaller, as they are places, one a frame: u32 stored bytes · u32 CRC-32C of these foot, 32 bytes: u64 plain bytes ·
 * u64 frames · u64 CRC-64/NVME of the places · "AISLEZS1"
 *
 * both          what is compressed, encrypted
 */
#include "store/local/blob_format.h"

#include <endian.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/crc.h"
#include "base/digest.h"
#include "base/memory.h"
#include "base/random.h"

static const uint8_t seal_mark[8] = {'A', 'I', 'S', 'L', 'E', 'G', 'C', '1'};
static const uint8_t frames_mark[8] = {'A', 'I', 'S', 'L', 'E', 'Z', 'S', '1'};

enum { SALT_AT = 8, SALT_BYTES = 32, PROOF_AT = 40, PROOF_BYTES = 16, CHECK_AT = 56 };

struct seal {
    EVP_CIPHER_CTX *cipher;
};

static uint64_t get_64(const uint8_t *bytes)
{
    uint64_t value = 0;

    memcpy(&value, bytes, sizeof value);
    return le64toh(value);
}

static void put_64(uint64_t value, uint8_t *bytes)
{
    value = htole64(value);
    memcpy(bytes, &value, sizeof value);
}

static uint32_t get_32(const uint8_t *bytes)
{
    uint32_t value = 0;

    memcpy(&value, bytes, sizeof value);
    return le32toh(value);
}

static void put_32(uint32_t value, uint8_t *bytes)
{
    value = htole32(value);
    memcpy(bytes, &value, sizeof value);
}

static bool derive(const uint8_t key[32], const uint8_t *salt, const char *purpose, uint8_t derived[32],
                   struct error *error)
{
    uint8_t text[SALT_BYTES + 16] = {0};

    memcpy(text, salt, SALT_BYTES);
    memcpy(text + SALT_BYTES, purpose, strlen(purpose));
    return digest_hmac_sha256(key, 32, text, sizeof text, derived, error);
}

/* Of a key and the salt in the head: the proof, and the cipher ready for segments. */
static struct seal *make_seal(const uint8_t key[32], const uint8_t *head, bool sealing, uint8_t proof[32],
                              struct error *error)
{
    uint8_t derived[32];
    struct seal *seal = memory_zeroed(sizeof *seal, error);

    if (seal != NULL && derive(key, head + SALT_AT, "proof", proof, error) &&
        derive(key, head + SALT_AT, "segments", derived, error)) {
        seal->cipher = EVP_CIPHER_CTX_new();
        if (seal->cipher != NULL &&
            EVP_CipherInit_ex(seal->cipher, EVP_aes_256_gcm(), NULL, derived, NULL, sealing) == 1) {
            OPENSSL_cleanse(derived, sizeof derived);
            return seal;
        }
        error_set(error, ERROR_MEMORY, "OpenSSL could not begin to encrypt");
    }
    OPENSSL_cleanse(derived, sizeof derived);
    seal_free(seal);
    return NULL;
}

struct seal *seal_new(const uint8_t key[32], uint8_t head[SEAL_HEAD_BYTES], struct error *error)
{
    uint8_t proof[32];

    memcpy(head, seal_mark, sizeof seal_mark);
    if (!random_bytes(head + SALT_AT, SALT_BYTES, error)) {
        return NULL;
    }
    struct seal *seal = make_seal(key, head, true, proof, error);

    if (seal != NULL) {
        memcpy(head + PROOF_AT, proof, PROOF_BYTES);
        put_64(crc_add(CRC_64NVME, 0, head, CHECK_AT), head + CHECK_AT);
    }
    return seal;
}

struct seal *seal_open(const uint8_t key[32], const uint8_t head[SEAL_HEAD_BYTES], struct error *error)
{
    uint8_t proof[32];

    if (memcmp(head, seal_mark, sizeof seal_mark) != 0 ||
        get_64(head + CHECK_AT) != crc_add(CRC_64NVME, 0, head, CHECK_AT)) {
        error_set(error, ERROR_CORRUPT, "the head of the encrypted bytes is damaged");
        return NULL;
    }
    struct seal *seal = make_seal(key, head, false, proof, error);

    if (seal != NULL && !digest_equal(proof, head + PROOF_AT, PROOF_BYTES)) {
        error_set(error, ERROR_DENIED, "the bytes were encrypted with another key");
        seal_free(seal);
        return NULL;
    }
    return seal;
}

void seal_free(struct seal *seal)
{
    if (seal != NULL) {
        EVP_CIPHER_CTX_free(seal->cipher);
        memory_free(seal);
    }
}

static void make_nonce(uint64_t number, bool last, uint8_t nonce[12])
{
    put_64(number, nonce);
    put_32(last, nonce + 8);
}

bool seal_segment(struct seal *seal, uint64_t number, bool last, const uint8_t *plain, size_t size, uint8_t *sealed,
                  struct error *error)
{
    uint8_t nonce[12];
    int done = 0;

    make_nonce(number, last, nonce);
    if (EVP_EncryptInit_ex(seal->cipher, NULL, NULL, NULL, nonce) != 1 ||
        (size > 0 && EVP_EncryptUpdate(seal->cipher, sealed, &done, plain, (int)size) != 1) ||
        EVP_EncryptFinal_ex(seal->cipher, sealed + size, &done) != 1 ||
        EVP_CIPHER_CTX_ctrl(seal->cipher, EVP_CTRL_GCM_GET_TAG, SEGMENT_TAG_BYTES, sealed + size) != 1) {
        return error_set(error, ERROR_INTERNAL, "OpenSSL could not encrypt");
    }
    return true;
}

bool seal_unlock(struct seal *seal, uint64_t number, bool last, const uint8_t *sealed, size_t size, uint8_t *plain,
                 struct error *error)
{
    uint8_t nonce[12];
    uint8_t tag[SEGMENT_TAG_BYTES];
    int done = 0;

    make_nonce(number, last, nonce);
    memcpy(tag, sealed + size, sizeof tag);
    if (EVP_DecryptInit_ex(seal->cipher, NULL, NULL, NULL, nonce) != 1 ||
        (size > 0 && EVP_DecryptUpdate(seal->cipher, plain, &done, sealed, (int)size) != 1) ||
        EVP_CIPHER_CTX_ctrl(seal->cipher, EVP_CTRL_GCM_SET_TAG, sizeof tag, tag) != 1) {
        return error_set(error, ERROR_INTERNAL, "OpenSSL could not decrypt");
    }
    if (EVP_DecryptFinal_ex(seal->cipher, plain + size, &done) != 1) {
        OPENSSL_cleanse(plain, size);
        return error_set(error, ERROR_CORRUPT, "segment %llu of the encrypted bytes is not what was written there",
                         (unsigned long long)number);
    }
    return true;
}

bool seal_plain_bytes(uint64_t stored_bytes, uint64_t *plain_bytes)
{
    if (stored_bytes < SEAL_HEAD_BYTES + SEGMENT_TAG_BYTES) {
        return false;
    }
    uint64_t sealed = stored_bytes - SEAL_HEAD_BYTES;
    uint64_t full = sealed / SEGMENT_STORED_BYTES;
    uint64_t rest = sealed % SEGMENT_STORED_BYTES;

    if (rest == 0) {
        *plain_bytes = full * SEGMENT_BYTES;
        return true;
    }
    *plain_bytes = full * SEGMENT_BYTES + rest - SEGMENT_TAG_BYTES;
    return rest > SEGMENT_TAG_BYTES || (rest == SEGMENT_TAG_BYTES && full == 0);
}

void frame_put_place(const struct frame_place *place, uint8_t bytes[FRAME_PLACE_BYTES])
{
    put_32(place->stored_bytes, bytes);
    put_32(place->check, bytes + 4);
}

void frames_put_foot(const struct frames_foot *foot, uint8_t bytes[FRAMES_FOOT_BYTES])
{
    put_64(foot->size_bytes, bytes);
    put_64(foot->frames, bytes + 8);
    put_64(foot->check, bytes + 16);
    memcpy(bytes + 24, frames_mark, sizeof frames_mark);
}

bool frames_get_foot(const uint8_t bytes[FRAMES_FOOT_BYTES], uint64_t stored_bytes, uint64_t size_bytes,
                     struct frames_foot *foot, struct error *error)
{
    foot->size_bytes = get_64(bytes);
    foot->frames = get_64(bytes + 8);
    foot->check = get_64(bytes + 16);
    if (memcmp(bytes + 24, frames_mark, sizeof frames_mark) != 0 || foot->size_bytes != size_bytes ||
        foot->frames != size_bytes / FRAME_BYTES + (size_bytes % FRAME_BYTES != 0) ||
        foot->frames > (stored_bytes - FRAMES_FOOT_BYTES) / (FRAME_PLACE_BYTES + 1)) {
        return error_set(error, ERROR_CORRUPT, "the end of the compressed bytes is damaged");
    }
    return true;
}

bool frames_get_places(const uint8_t *bytes, const struct frames_foot *foot, uint64_t stored_bytes,
                       struct frame_place *places, struct error *error)
{
    uint64_t frames_end = stored_bytes - FRAMES_FOOT_BYTES - foot->frames * FRAME_PLACE_BYTES;
    uint64_t offset = 0;
    bool good = crc_add(CRC_64NVME, 0, bytes, (size_t)(foot->frames * FRAME_PLACE_BYTES)) == foot->check;

    for (uint64_t f = 0; good && f < foot->frames; f++) {
        uint64_t left = foot->size_bytes - f * FRAME_BYTES;
        struct frame_place *place = &places[f];

        place->offset = offset;
        place->stored_bytes = get_32(bytes + f * FRAME_PLACE_BYTES);
        place->check = get_32(bytes + f * FRAME_PLACE_BYTES + 4);
        good = place->stored_bytes > 0 && place->stored_bytes <= (left < FRAME_BYTES ? left : FRAME_BYTES);
        offset += place->stored_bytes;
    }
    if (!good || offset != frames_end) {
        return error_set(error, ERROR_CORRUPT, "the table of the compressed bytes is damaged");
    }
    return true;
}
