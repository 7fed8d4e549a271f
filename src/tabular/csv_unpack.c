#include "tabular/csv_unpack.h"

#include <limits.h>
#include <stdint.h>

#include <zlib.h>
#include <zstd.h>

#include "base/memory.h"

#define OUTPUT_SIZE ((size_t)128 << 10)

/* zlib's window bits, 15, and 16 for the gzip form alone. */
#define GZIP_WINDOW_BITS (15 + 16)

struct csv_unpacker {
    enum csv_packing packing;
    const char *path;
    struct csv_sink sink;
    uint64_t offset; /* bytes of the file taken so far */
    bool whole;      /* between two members or frames, or at the end of the last */
    bool padding;    /* zeros after the last gzip member, as tapes and block devices leave them */
    z_stream gzip;
    bool gzip_begun;
    ZSTD_DStream *zstd;
    char output[OUTPUT_SIZE];
};

enum csv_packing csv_packing_of(const unsigned char *head, size_t size)
{
    if (size >= 2 && head[0] == 0x1f && head[1] == 0x8b) {
        return CSV_GZIP;
    }
    if (size < 4) {
        return CSV_PLAIN;
    }
    uint32_t magic = (uint32_t)head[0] | (uint32_t)head[1] << 8 | (uint32_t)head[2] << 16 | (uint32_t)head[3] << 24;
    bool skippable = (magic & 0xfffffff0) == ZSTD_MAGIC_SKIPPABLE_START;

    return magic == ZSTD_MAGICNUMBER || skippable ? CSV_ZSTD : CSV_PLAIN;
}

static voidpf gzip_allocate(voidpf context, uInt count, uInt size)
{
    (void)context;
    return memory_array(count, size, NULL);
}

static void gzip_free(voidpf context, voidpf pointer)
{
    (void)context;
    memory_free(pointer);
}

static bool begin(struct csv_unpacker *unpacker, struct error *error)
{
    if (unpacker->packing == CSV_GZIP) {
        unpacker->gzip.zalloc = gzip_allocate;
        unpacker->gzip.zfree = gzip_free;
        unpacker->gzip_begun = inflateInit2(&unpacker->gzip, GZIP_WINDOW_BITS) == Z_OK;
        return unpacker->gzip_begun || error_set(error, ERROR_MEMORY, "no memory to unpack %s", unpacker->path);
    }
    if (unpacker->packing == CSV_ZSTD) {
        unpacker->zstd = ZSTD_createDStream();
        return unpacker->zstd != NULL || error_set(error, ERROR_MEMORY, "no memory to unpack %s", unpacker->path);
    }
    return true;
}

struct csv_unpacker *csv_unpacker_new(enum csv_packing packing, const char *path, struct csv_sink sink,
                                      struct error *error)
{
    struct csv_unpacker *unpacker = memory_zeroed(sizeof *unpacker, error);

    if (unpacker == NULL) {
        return NULL;
    }
    unpacker->packing = packing;
    unpacker->path = path;
    unpacker->sink = sink;
    unpacker->whole = packing == CSV_PLAIN;
    if (!begin(unpacker, error)) {
        csv_unpacker_free(unpacker);
        return NULL;
    }
    return unpacker;
}

void csv_unpacker_free(struct csv_unpacker *unpacker)
{
    if (unpacker == NULL) {
        return;
    }
    if (unpacker->gzip_begun) {
        inflateEnd(&unpacker->gzip);
    }
    ZSTD_freeDStream(unpacker->zstd);
    memory_free(unpacker);
}

static bool damaged(const struct csv_unpacker *unpacker, const char *form, uint64_t offset, const char *why,
                    struct error *error)
{
    return error_set(error, ERROR_INVALID, "%s: the %s data is damaged at byte %llu (%s): send the file again",
                     unpacker->path, form, (unsigned long long)offset, why);
}

/* What stands after a member: another one, or zeros to the end. False with `error` set for anything else. */
static bool after_member(struct csv_unpacker *unpacker, struct error *error)
{
    z_stream *gzip = &unpacker->gzip;

    if (*gzip->next_in != 0 && !unpacker->padding) {
        unpacker->whole = false;
        return inflateReset(gzip) == Z_OK || error_set(error, ERROR_INTERNAL, "zlib does not start anew");
    }
    unpacker->padding = true;
    while (gzip->avail_in > 0 && *gzip->next_in == 0) {
        gzip->next_in++;
        gzip->avail_in--;
    }
    return gzip->avail_in == 0 ||
           damaged(unpacker, "gzip", unpacker->offset - gzip->avail_in, "bytes after the end", error);
}

/* Takes what the decoder has been given; `unpacker->offset` already counts it. */
static bool feed_gzip(struct csv_unpacker *unpacker, struct error *error)
{
    z_stream *gzip = &unpacker->gzip;
    bool more = false;

    while (gzip->avail_in > 0 || more) {
        if (unpacker->whole) {
            if (!after_member(unpacker, error)) {
                return false;
            }
            continue;
        }
        gzip->next_out = (Bytef *)unpacker->output;
        gzip->avail_out = OUTPUT_SIZE;

        int status = inflate(gzip, Z_NO_FLUSH);

        if (status == Z_MEM_ERROR) {
            return error_set(error, ERROR_MEMORY, "no memory to unpack %s", unpacker->path);
        }
        /* Z_BUF_ERROR: the output was full to the brim and nothing more was to come. */
        if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) {
            const char *why = gzip->msg != NULL ? gzip->msg : "not gzip";

            return damaged(unpacker, "gzip", unpacker->offset - gzip->avail_in, why, error);
        }
        if (!unpacker->sink.take(unpacker->sink.context, unpacker->output, OUTPUT_SIZE - gzip->avail_out, error)) {
            return false;
        }
        unpacker->whole = status == Z_STREAM_END;
        more = gzip->avail_out == 0 && !unpacker->whole;
    }
    return true;
}

static bool feed_zstd(struct csv_unpacker *unpacker, const char *data, size_t size, struct error *error)
{
    ZSTD_inBuffer input = {data, size, 0};
    bool more = false;

    while (input.pos < input.size || more) {
        ZSTD_outBuffer output = {unpacker->output, OUTPUT_SIZE, 0};
        size_t status = ZSTD_decompressStream(unpacker->zstd, &output, &input);

        if (ZSTD_isError(status)) {
            return damaged(unpacker, "zstd", unpacker->offset - (input.size - input.pos), ZSTD_getErrorName(status),
                           error);
        }
        if (!unpacker->sink.take(unpacker->sink.context, unpacker->output, output.pos, error)) {
            return false;
        }
        unpacker->whole = status == 0;
        more = output.pos == output.size && !unpacker->whole;
    }
    return true;
}

bool csv_unpacker_feed(struct csv_unpacker *unpacker, const char *data, size_t size, struct error *error)
{
    while (size > 0) {
        size_t part = size < UINT_MAX ? size : UINT_MAX;
        bool good;

        unpacker->offset += part;
        switch (unpacker->packing) {
        case CSV_GZIP:
            unpacker->gzip.next_in = (z_const Bytef *)(uintptr_t)data;
            unpacker->gzip.avail_in = (uInt)part;
            good = feed_gzip(unpacker, error);
            break;
        case CSV_ZSTD:
            good = feed_zstd(unpacker, data, part, error);
            break;
        default:
            good = unpacker->sink.take(unpacker->sink.context, data, part, error);
            break;
        }
        if (!good) {
            return false;
        }
        data += part;
        size -= part;
    }
    return true;
}

bool csv_unpacker_end(struct csv_unpacker *unpacker, struct error *error)
{
    if (unpacker->whole) {
        return true;
    }
    return error_set(error, ERROR_INVALID,
                     "%s: the %s data ends in the middle, after byte %llu: the file is not complete, send it again",
                     unpacker->path, unpacker->packing == CSV_GZIP ? "gzip" : "zstd",
                     (unsigned long long)unpacker->offset);
}
