#include "tabular/parquet_page.h"

#include <string.h>

#include "tabular/parquet_decode.h"

static bool damaged(struct error *error, const char *what)
{
    return error_set(error, ERROR_CORRUPT, "a page is damaged: %s", what);
}

/* `stored` bytes of the chunk as `raw_size` unpacked ones with padding after them. */
static const uint8_t *unpack(struct page_source *source, const uint8_t *stored, size_t stored_size, size_t raw_size,
                             bool packed, struct error *error)
{
    if (!packed || source->codec == STORED_UNCOMPRESSED) {
        if (raw_size != stored_size) {
            damaged(error, "it is not compressed, but its two sizes differ");
            return NULL;
        }
        return stored;
    }
    if (raw_size > packer_most_raw(source->codec, stored_size)) {
        damaged(error, "it claims to unpack to more than its codec can");
        return NULL;
    }
    uint8_t *raw = arena_take(source->arena, raw_size + DECODE_PADDING, error);

    if (raw == NULL) {
        return NULL;
    }
    memset(raw + raw_size, 0, DECODE_PADDING);
    if (raw_size > 0 && !packer_unpack(source->packer, source->codec, stored, stored_size, raw, raw_size, error)) {
        return NULL;
    }
    return raw;
}

/* Splits an unpacked V1 data page: a length, levels, values. */
static bool split_v1(const struct page_source *source, const struct parquet_page_header *header, struct page *page,
                     struct error *error)
{
    uint32_t level_size = 0;

    if (!source->optional) {
        return true;
    }
    if (header->level_encoding != ENCODING_RLE) {
        return error_set(error, ERROR_INVALID, "definition levels in an encoding long given up are not supported");
    }
    if (page->size < sizeof level_size) {
        return damaged(error, "it ends before its definition levels");
    }
    memcpy(&level_size, page->data, sizeof level_size);
    page->data += sizeof level_size;
    page->size -= sizeof level_size;
    if (level_size > page->size) {
        return damaged(error, "its definition levels go over its end");
    }
    page->levels = page->data;
    page->level_size = level_size;
    page->data += level_size;
    page->size -= level_size;
    return true;
}

static bool read_v1(struct page_source *source, const struct parquet_page_header *header, const uint8_t *stored,
                    struct page *page, struct error *error)
{
    page->size = header->raw_size;
    page->data = unpack(source, stored, header->stored_size, header->raw_size, true, error);
    return page->data != NULL && (page->dictionary || split_v1(source, header, page, error));
}

static bool read_v2(struct page_source *source, const struct parquet_page_header *header, const uint8_t *stored,
                    struct page *page, struct error *error)
{
    uint64_t level_bytes = (uint64_t)header->level_size + header->repetition_size;

    if (level_bytes > header->stored_size || level_bytes > header->raw_size) {
        return damaged(error, "its levels go over its end");
    }
    if (source->optional) {
        page->levels = stored + header->repetition_size;
        page->level_size = header->level_size;
    }
    page->size = header->raw_size - (size_t)level_bytes;
    page->data = unpack(source, stored + level_bytes, header->stored_size - (size_t)level_bytes, page->size,
                        header->packed, error);
    return page->data != NULL;
}

bool page_next(struct page_source *source, struct page *page, struct error *error)
{
    while (source->at < source->size) {
        struct parquet_page_header header;
        size_t used = 0;

        if (!page_header_read(&header, source->data + source->at, source->size - source->at, &used)) {
            return damaged(error, "its header cannot be read");
        }
        const uint8_t *stored = source->data + source->at + used;

        if (header.stored_size > source->size - source->at - used) {
            return damaged(error, "it goes over the end of its column");
        }
        source->at += used + header.stored_size;
        if (header.type != PAGE_DATA && header.type != PAGE_DATA_V2 && header.type != PAGE_DICTIONARY) {
            continue;
        }
        if (header.values > INT32_MAX) {
            return damaged(error, "its header does not say how many values it has");
        }
        if (packer_most_raw(source->codec, 1) == 0) {
            return error_set(error, ERROR_INVALID,
                             "compressed with %s, which is not supported; write it with zstd or "
                             "snappy",
                             packer_codec_name(source->codec));
        }
        *page = (struct page){
            .dictionary = header.type == PAGE_DICTIONARY, .encoding = header.encoding, .values = header.values};
        return header.type == PAGE_DATA_V2 ? read_v2(source, &header, stored, page, error)
                                           : read_v1(source, &header, stored, page, error);
    }
    return false;
}
