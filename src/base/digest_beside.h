/* A checksum that a thread of its own works out while the bytes still come: MD5 takes a processor more time than
 * reading and writing the bytes do. */
#ifndef AISLE_BASE_DIGEST_BESIDE_H
#define AISLE_BASE_DIGEST_BESIDE_H

#include "base/digest.h"

struct digest_beside;

/* Goes on with `digest`, which stays the caller's but must not be used until digest_beside_end. Holds 1 MiB. */
struct digest_beside *digest_beside_new(struct digest *digest, struct error *error);
/* Copies the bytes; waits when the thread is too far behind. */
void digest_beside_add(struct digest_beside *beside, const void *data, size_t size);
/* Waits until all is in the digest, and frees. False when a step of it failed. NULL is true. */
bool digest_beside_end(struct digest_beside *beside, struct error *error);

#endif
