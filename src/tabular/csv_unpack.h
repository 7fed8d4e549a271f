/* Compressed bytes in, plain bytes out, piece by piece: gzip (RFC 1952, many members) and zstd (RFC 8878, many frames,
 * skippable ones too). */
#ifndef AISLE_TABULAR_CSV_UNPACK_H
#define AISLE_TABULAR_CSV_UNPACK_H

#include <stddef.h>

#include "base/error.h"

enum csv_packing { CSV_PLAIN, CSV_GZIP, CSV_ZSTD };

/* What the first bytes of a file (4, or all when it has fewer) say. */
enum csv_packing csv_packing_of(const unsigned char *head, size_t size);

/* Who takes the bytes that come out. */
struct csv_sink {
    bool (*take)(void *context, const char *data, size_t size, struct error *error);
    void *context;
};

struct csv_unpacker;

/* `path` is borrowed, for errors. CSV_PLAIN hands bytes on as they are. */
struct csv_unpacker *csv_unpacker_new(enum csv_packing packing, const char *path, struct csv_sink sink,
                                      struct error *error);

/* Takes the next `size` bytes of the file. Damaged ones are ERROR_INVALID with the offset in the file at which the
 * decoder noticed. */
bool csv_unpacker_feed(struct csv_unpacker *unpacker, const char *data, size_t size, struct error *error);

/* There are no more: ERROR_INVALID when a member or frame is not whole. */
bool csv_unpacker_end(struct csv_unpacker *unpacker, struct error *error);

void csv_unpacker_free(struct csv_unpacker *unpacker);

#endif
