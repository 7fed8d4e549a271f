#include "tabular/parquet_codec.h"

#include <snappy-c.h>
#include <string.h>
#include <zstd.h>

enum {
    ZSTD_LEVEL = 1,
    SMALLEST_PACKED = 512, /* bytes; what less could gain is less than a block of a file system */
    SAMPLE_SLICES = 4,
    SAMPLE_SLICE_BYTES = 4096,
    ZSTD_BLOCK_BYTES = 128 * 1024, /* a block of one repeated byte takes 4 */
    ZSTD_SMALLEST_BLOCK = 4,
    SNAPPY_MOST_COPY = 64, /* bytes an element copies, and it takes 2 at least */
};

void packer_free(struct parquet_packer *packer)
{
    ZSTD_freeCCtx(packer->zstd_compressor);
    ZSTD_freeDCtx(packer->zstd_unpacker);
    buffer_free(&packer->sample);
    buffer_free(&packer->packed_sample);
    *packer = (struct parquet_packer){0};
}

static bool pack_zstd(struct parquet_packer *packer, const void *data, size_t size, struct buffer *into,
                      struct error *error)
{
    size_t most = ZSTD_compressBound(size);
    char *room = buffer_room(into, most);

    if (packer->zstd_compressor == NULL) {
        packer->zstd_compressor = ZSTD_createCCtx();
    }
    if (packer->zstd_compressor == NULL) {
        return error_set(error, ERROR_MEMORY, "out of memory: zstd could not begin");
    }
    if (room == NULL) {
        return buffer_check(into, error);
    }
    size_t packed = ZSTD_compressCCtx(packer->zstd_compressor, room, most, data, size, ZSTD_LEVEL);

    if (ZSTD_isError(packed)) {
        return error_set(error, ERROR_INTERNAL, "zstd: %s", ZSTD_getErrorName(packed));
    }
    buffer_advance(into, packed);
    return true;
}

static bool pack_snappy(const void *data, size_t size, struct buffer *into, struct error *error)
{
    size_t packed = snappy_max_compressed_length(size);
    char *room = buffer_room(into, packed);

    if (room == NULL) {
        return buffer_check(into, error);
    }
    if (snappy_compress(data, size, room, &packed) != SNAPPY_OK) {
        return error_set(error, ERROR_INTERNAL, "snappy could not compress %zu bytes", size);
    }
    buffer_advance(into, packed);
    return true;
}

bool packer_pack(struct parquet_packer *packer, enum parquet_codec codec, const void *data, size_t size,
                 struct buffer *into, struct error *error)
{
    switch (codec) {
    case PARQUET_SNAPPY:
        return pack_snappy(data, size, into, error);
    case PARQUET_ZSTD:
        return pack_zstd(packer, data, size, into, error);
    case PARQUET_UNCOMPRESSED:
    default:
        buffer_append(into, data, size);
        return buffer_check(into, error);
    }
}

bool packer_gains(struct parquet_packer *packer, enum parquet_codec codec, const void *data, size_t size, bool *gains,
                  struct error *error)
{
    *gains = false;
    if (codec == PARQUET_UNCOMPRESSED || size < SMALLEST_PACKED) {
        return true;
    }
    if (size > 2 * SAMPLE_SLICES * SAMPLE_SLICE_BYTES) {
        buffer_clear(&packer->sample);
        for (size_t i = 0; i < SAMPLE_SLICES; i++) {
            size_t from = (size - SAMPLE_SLICE_BYTES) / (SAMPLE_SLICES - 1) * i;

            buffer_append(&packer->sample, (const char *)data + from, SAMPLE_SLICE_BYTES);
        }
        if (!buffer_check(&packer->sample, error)) {
            return false;
        }
        data = packer->sample.data;
        size = packer->sample.length;
    }
    buffer_clear(&packer->packed_sample);
    if (!packer_pack(packer, codec, data, size, &packer->packed_sample, error)) {
        return false;
    }
    *gains = packer->packed_sample.length < size - size / (codec == PARQUET_SNAPPY ? 4 : 10);
    return true;
}

uint64_t packer_most_raw(int32_t codec, uint64_t size)
{
    switch (codec) {
    case STORED_UNCOMPRESSED:
        return size;
    case STORED_SNAPPY:
        return size * SNAPPY_MOST_COPY;
    case STORED_ZSTD:
        return (size / ZSTD_SMALLEST_BLOCK + 1) * ZSTD_BLOCK_BYTES;
    default:
        return 0;
    }
}

bool packer_unpack(struct parquet_packer *packer, int32_t codec, const void *data, size_t size, void *raw,
                   size_t raw_size, struct error *error)
{
    size_t unpacked = raw_size;

    if (codec == STORED_SNAPPY) {
        if (snappy_uncompressed_length(data, size, &unpacked) != SNAPPY_OK || unpacked != raw_size ||
            snappy_uncompress(data, size, raw, &unpacked) != SNAPPY_OK) {
            return error_set(error, ERROR_CORRUPT, "a page does not unpack with snappy to its %zu bytes", raw_size);
        }
        return true;
    }
    if (packer->zstd_unpacker == NULL) {
        packer->zstd_unpacker = ZSTD_createDCtx();
    }
    if (packer->zstd_unpacker == NULL) {
        return error_set(error, ERROR_MEMORY, "out of memory: zstd could not begin");
    }
    unpacked = ZSTD_decompressDCtx(packer->zstd_unpacker, raw, raw_size, data, size);
    if (ZSTD_isError(unpacked) || unpacked != raw_size) {
        return error_set(error, ERROR_CORRUPT, "a page does not unpack with zstd to its %zu bytes", raw_size);
    }
    return true;
}

const char *packer_codec_name(int32_t codec)
{
    static const char *const names[] = {"UNCOMPRESSED", "SNAPPY", "GZIP", "LZO", "BROTLI", "LZ4", "ZSTD", "LZ4_RAW"};

    return codec >= 0 && (size_t)codec < sizeof names / sizeof *names ? names[codec] : "unknown";
}
