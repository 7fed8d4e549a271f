/* Compression of Parquet pages: Snappy's raw format and zstd frames (RFC 8878). */
#ifndef AISLE_TABULAR_PARQUET_CODEC_H
#define AISLE_TABULAR_PARQUET_CODEC_H

#include "base/buffer.h"
#include "base/error.h"
#include "tabular/parquet_meta.h"

/* A packer holds what zstd keeps between calls, so that many small pages are cheap. Zero it to begin. */
struct parquet_packer {
    void *zstd_compressor;
    void *zstd_unpacker;
    struct buffer sample;
    struct buffer packed_sample;
};

void packer_free(struct parquet_packer *packer);

/* Appends the compressed form of `size` bytes. */
bool packer_pack(struct parquet_packer *packer, enum parquet_codec codec, const void *data, size_t size,
                 struct buffer *into, struct error *error);

/* Whether compressing these bytes is worth reading them compressed: a tenth at least is gained, with Snappy, which is
 * for speed, a quarter; judged by a sample where they are many. */
bool packer_gains(struct parquet_packer *packer, enum parquet_codec codec, const void *data, size_t size, bool *gains,
                  struct error *error);

/* Most bytes that `size` compressed bytes can become; 0 for a codec that is not supported. */
uint64_t packer_most_raw(int32_t codec, uint64_t size);

/* Unpacks to exactly `raw_size` bytes; a sentence without the place in `error` when the bytes do not do that. */
bool packer_unpack(struct parquet_packer *packer, int32_t codec, const void *data, size_t size, void *raw,
                   size_t raw_size, struct error *error);

/* "GZIP" and so on, for messages. */
const char *packer_codec_name(int32_t codec);

#endif
