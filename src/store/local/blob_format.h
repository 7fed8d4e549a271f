/* How the stored bytes of a blob are made of the bytes that were written. For the files of this room only. */
#ifndef AISLE_STORE_LOCAL_BLOB_FORMAT_H
#define AISLE_STORE_LOCAL_BLOB_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Encryption: a head, then segments of up to SEGMENT_BYTES, each with its tag behind it; at least one. */
#define SEGMENT_BYTES 65536
#define SEGMENT_TAG_BYTES 16
#define SEGMENT_STORED_BYTES (SEGMENT_BYTES + SEGMENT_TAG_BYTES)
#define SEAL_HEAD_BYTES 64

/* Seals or opens the segments of one blob. */
struct seal;

/* Draws a salt and fills the head. */
struct seal *seal_new(const uint8_t key[32], uint8_t head[SEAL_HEAD_BYTES], struct error *error);
/* From a head that was read: ERROR_CORRUPT when it is none, ERROR_DENIED when it was made with another key. */
struct seal *seal_open(const uint8_t key[32], const uint8_t head[SEAL_HEAD_BYTES], struct error *error);
void seal_free(struct seal *seal);

/* `sealed` has room for size + SEGMENT_TAG_BYTES. `last`: no segment follows. */
bool seal_segment(struct seal *seal, uint64_t number, bool last, const uint8_t *plain, size_t size, uint8_t *sealed,
                  struct error *error);
/* `size` is of the plain bytes. ERROR_CORRUPT when it is not the segment that was sealed there; then nothing of it is
 * left in `plain`. */
bool seal_unlock(struct seal *seal, uint64_t number, bool last, const uint8_t *sealed, size_t size, uint8_t *plain,
                 struct error *error);

/* The bytes that a sealed blob of `stored_bytes` holds; false when no sealed blob has that size. */
bool seal_plain_bytes(uint64_t stored_bytes, uint64_t *plain_bytes);

/* Compression: frames of FRAME_BYTES each (the last may be shorter), a place for each, and a foot. */
#define FRAME_BYTES 262144
#define FRAME_PLACE_BYTES 8
#define FRAMES_FOOT_BYTES 32

struct frame_place {
    uint64_t offset;
    uint32_t stored_bytes; /* as many as its plain bytes: stored as it is */
    uint32_t check;        /* CRC-32C of the stored bytes */
};

struct frames_foot {
    uint64_t size_bytes; /* of all plain bytes */
    uint64_t frames;
    uint64_t check; /* CRC-64/NVME of the places, as they are stored */
};

void frame_put_place(const struct frame_place *place, uint8_t bytes[FRAME_PLACE_BYTES]);
void frames_put_foot(const struct frames_foot *foot, uint8_t bytes[FRAMES_FOOT_BYTES]);
/* ERROR_CORRUPT unless it is a foot that can stand at the end of `stored_bytes` and holds `size_bytes`. */
bool frames_get_foot(const uint8_t bytes[FRAMES_FOOT_BYTES], uint64_t stored_bytes, uint64_t size_bytes,
                     struct frames_foot *foot, struct error *error);
/* Fills `places` from their stored bytes; ERROR_CORRUPT unless the frames fill what is before the places. */
bool frames_get_places(const uint8_t *bytes, const struct frames_foot *foot, uint64_t stored_bytes,
                       struct frame_place *places, struct error *error);

#endif
