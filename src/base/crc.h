/* Cyclic redundancy checks whose bits are reflected and whose first and last value are inverted, of up to 64 bits. */
#ifndef AISLE_BASE_CRC_H
#define AISLE_BASE_CRC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum crc_kind {
    CRC_32,     /* ISO-HDLC: gzip, zlib, Ethernet */
    CRC_32C,    /* Castagnoli: RFC 3720 */
    CRC_64NVME, /* NVM Express NVM Command Set specification, 5.2.1.3.4 */
    CRC_KINDS
};

/* The check of all bytes so far and these; `crc` is 0 before the first. */
uint64_t crc_add(enum crc_kind kind, uint64_t crc, const void *data, size_t size);

/* The same by a table for each of eight bytes, without the processor's help: what crc_add is held to. */
uint64_t crc_add_plain(enum crc_kind kind, uint64_t crc, const void *data, size_t size);

/* The check of two runs of bytes from the check of each. */
uint64_t crc_join(enum crc_kind kind, uint64_t first, uint64_t second, uint64_t second_bytes);

#endif
