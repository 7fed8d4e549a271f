/* Writing a run: entries gather to blocks, blocks go through one buffer to the file, and the directory, a 256th of the
 * run, is kept until the end. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <xxhash.h>

#include "base/file.h"
#include "base/memory.h"
#include "kpi/run.h"

#define BUFFER_BYTES ((size_t)1 << 20)

struct run_writer {
    int fd;
    const char *path;
    struct trace_shape shape;
    uint64_t offset; /* of the run in the file */
    uint64_t size;   /* of what was written and is buffered */
    uint8_t *buffer;
    size_t buffered;
    struct entries pending; /* less than a block */
    uint64_t entries, blocks;
    int64_t *block_first[TRACE_MAX_KEYS];
    uint64_t *block_offset;
    size_t capacity; /* of the directory */
    int64_t last[TRACE_MAX_KEYS];
};

struct run_writer *run_writer_new(int fd, const char *path, uint64_t offset, const struct trace_shape *shape,
                                  struct error *error)
{
    static const uint8_t zeros[8];
    struct run_writer *writer = memory_zeroed(sizeof *writer, error);

    if (writer == NULL) {
        return NULL;
    }
    writer->fd = fd;
    writer->path = path;
    writer->shape = *shape;
    writer->offset = (offset + 7) / 8 * 8;
    writer->buffer = memory_aligned(BUFFER_BYTES, error);
    if (writer->buffer == NULL || !entries_new(&writer->pending, shape, RUN_BLOCK_ENTRIES, error)) {
        run_writer_free(writer);
        return NULL;
    }
    if (lseek(fd, (off_t)offset, SEEK_SET) < 0) {
        error_set_errno(error, errno, "%s cannot be written at byte %llu", path, (unsigned long long)offset);
        run_writer_free(writer);
        return NULL;
    }
    if (!file_write(fd, zeros, (size_t)(writer->offset - offset), path, error)) {
        run_writer_free(writer);
        return NULL;
    }
    return writer;
}

void run_writer_free(struct run_writer *writer)
{
    if (writer == NULL) {
        return;
    }
    for (int k = 0; k < TRACE_MAX_KEYS; k++) {
        memory_free(writer->block_first[k]);
    }
    memory_free(writer->block_offset);
    memory_free(writer->buffer);
    entries_free(&writer->pending);
    memory_free(writer);
}

static bool flush(struct run_writer *writer, struct error *error)
{
    size_t size = writer->buffered;

    writer->buffered = 0;
    return file_write(writer->fd, writer->buffer, size, writer->path, error);
}

/* `size` bytes of the buffer to fill. */
static uint8_t *room(struct run_writer *writer, size_t size, struct error *error)
{
    if (BUFFER_BYTES - writer->buffered < size && !flush(writer, error)) {
        return NULL;
    }
    return writer->buffer + writer->buffered;
}

static void advance(struct run_writer *writer, size_t size)
{
    writer->buffered += size;
    writer->size += size;
}

static bool append(struct run_writer *writer, const void *data, size_t size, struct error *error)
{
    while (size > 0) {
        size_t part = size < BUFFER_BYTES ? size : BUFFER_BYTES;
        uint8_t *bytes = room(writer, part, error);

        if (bytes == NULL) {
            return false;
        }
        memcpy(bytes, data, part);
        advance(writer, part);
        data = (const uint8_t *)data + part;
        size -= part;
    }
    return true;
}

static bool reserve_directory(struct run_writer *writer, struct error *error)
{
    /* Besides the blocks there is the end of the last one. */
    if (writer->blocks + 1 < writer->capacity) {
        return true;
    }
    if (writer->blocks >= UINT32_MAX) {
        return error_set(error, ERROR_LIMIT, "%s: a run cannot have more than 2^40 entries", writer->path);
    }
    size_t capacity = writer->capacity > 0 ? writer->capacity * 2 : 64;

    for (int k = 0; k < writer->shape.keys; k++) {
        int64_t *first = memory_resize(writer->block_first[k], capacity, sizeof *first, error);

        if (first == NULL) {
            return false;
        }
        writer->block_first[k] = first;
    }
    uint64_t *offset = memory_resize(writer->block_offset, capacity, sizeof *offset, error);

    if (offset == NULL) {
        return false;
    }
    writer->block_offset = offset;
    writer->capacity = capacity;
    return true;
}

/* Whether the key of entry `from` comes after the last one written. */
static bool follows(const struct run_writer *writer, const struct entries *entries, size_t from)
{
    for (int k = 0; k < writer->shape.keys; k++) {
        if (entries->key[k][from] != writer->last[k]) {
            return entries->key[k][from] > writer->last[k];
        }
    }
    return false;
}

static bool write_block(struct run_writer *writer, const struct entries *entries, size_t from, unsigned count,
                        struct error *error)
{
    uint8_t *bytes = room(writer, RUN_BLOCK_BYTES, error);

    if (bytes == NULL || !reserve_directory(writer, error)) {
        return false;
    }
    size_t size = writer->entries == 0 || follows(writer, entries, from)
                      ? block_pack(&writer->shape, entries, from, count, writer->blocks, bytes)
                      : 0;

    if (size == 0) {
        return error_set(error, ERROR_INTERNAL, "%s: the entries of a run do not ascend after entry %llu", writer->path,
                         (unsigned long long)writer->entries);
    }
    uint64_t checksum = XXH3_64bits(bytes + sizeof checksum, size - sizeof checksum);

    memcpy(bytes, &checksum, sizeof checksum);
    for (int k = 0; k < writer->shape.keys; k++) {
        writer->block_first[k][writer->blocks] = entries->key[k][from];
        writer->last[k] = entries->key[k][from + count - 1];
    }
    writer->block_offset[writer->blocks++] = writer->size;
    writer->block_offset[writer->blocks] = writer->size + size;
    writer->entries += count;
    advance(writer, size);
    return true;
}

/* Moves up to a block's worth of entries to the pending ones; returns how many. */
static size_t gather(struct run_writer *writer, const struct entries *entries, size_t from)
{
    size_t room_left = RUN_BLOCK_ENTRIES - writer->pending.count;
    size_t count = entries->count - from < room_left ? entries->count - from : room_left;

    for (int c = 0; c < writer->shape.keys + writer->shape.values; c++) {
        memcpy(entries_column(&writer->pending, &writer->shape, c) + writer->pending.count,
               entries_column(entries, &writer->shape, c) + from, count * sizeof(int64_t));
    }
    writer->pending.count += count;
    return count;
}

bool run_writer_add(struct run_writer *writer, const struct entries *entries, struct error *error)
{
    size_t from = 0;

    while (from < entries->count) {
        if (writer->pending.count == 0 && entries->count - from >= RUN_BLOCK_ENTRIES) {
            if (!write_block(writer, entries, from, RUN_BLOCK_ENTRIES, error)) {
                return false;
            }
            from += RUN_BLOCK_ENTRIES;
            continue;
        }
        from += gather(writer, entries, from);
        if (writer->pending.count == RUN_BLOCK_ENTRIES) {
            if (!write_block(writer, &writer->pending, 0, RUN_BLOCK_ENTRIES, error)) {
                return false;
            }
            writer->pending.count = 0;
        }
    }
    return true;
}

/* Writes the directory's page of the blocks from `begin` on. */
static bool write_page(struct run_writer *writer, uint64_t begin, struct error *error)
{
    uint64_t left = writer->blocks - begin;
    size_t blocks = (size_t)(left < RUN_PAGE_BLOCKS ? left : RUN_PAGE_BLOCKS);
    size_t size = 16 + blocks * 8 * (size_t)writer->shape.keys + (blocks + 1) * 8;
    uint8_t *bytes = room(writer, size, error);
    uint32_t header[2] = {(uint32_t)(begin / RUN_PAGE_BLOCKS), (uint32_t)blocks};
    uint64_t checksum = 0;

    if (bytes == NULL) {
        return false;
    }
    uint8_t *at = bytes + sizeof checksum;

    memcpy(at, header, sizeof header);
    at += sizeof header;
    for (int k = 0; k < writer->shape.keys; k++) {
        memcpy(at, writer->block_first[k] + begin, blocks * sizeof(int64_t));
        at += blocks * sizeof(int64_t);
    }
    memcpy(at, writer->block_offset + begin, (blocks + 1) * sizeof(uint64_t));
    checksum = XXH3_64bits(bytes + sizeof checksum, size - sizeof checksum);
    memcpy(bytes, &checksum, sizeof checksum);
    advance(writer, size);
    return true;
}

/* Writes the page table and the footer; their checksum goes over both. */
static bool write_end(struct run_writer *writer, const uint64_t *page_offset, uint64_t pages, struct error *error)
{
    struct run_footer footer = {.magic = "AISLERUN", .version = 1};
    size_t keys = (size_t)writer->shape.keys;
    size_t size = ((size_t)pages * (keys + 1) + 1) * 8;
    int64_t *table __attribute__((cleanup(memory_release))) = memory_array(size + sizeof footer, 1, error);

    if (table == NULL) {
        return false;
    }
    footer.keys = (uint8_t)keys;
    footer.values = (uint8_t)writer->shape.values;
    footer.merge = (uint8_t)writer->shape.merge;
    footer.entries = writer->entries;
    footer.blocks = writer->blocks;
    footer.pages = pages;
    for (size_t k = 0; k < keys; k++) {
        footer.first[k] = writer->block_first[k][0];
        footer.last[k] = writer->last[k];
        for (uint64_t p = 0; p < pages; p++) {
            table[k * pages + p] = writer->block_first[k][p * RUN_PAGE_BLOCKS];
        }
    }
    memcpy(table + keys * pages, page_offset, (size_t)(pages + 1) * 8);
    memcpy((uint8_t *)table + size, &footer, sizeof footer);
    footer.checksum = XXH3_64bits(table, size + sizeof footer - sizeof footer.checksum);
    memcpy((uint8_t *)table + size, &footer, sizeof footer);
    return append(writer, table, size + sizeof footer, error);
}

bool run_writer_finish(struct run_writer *writer, uint64_t *offset, struct run_place *place, struct error *error)
{
    if (writer->pending.count > 0 &&
        !write_block(writer, &writer->pending, 0, (unsigned)writer->pending.count, error)) {
        return false;
    }
    writer->pending.count = 0;
    place->offset = writer->offset;
    place->size = 0;
    place->entries = 0;
    if (writer->entries == 0) {
        *offset = writer->offset;
        return true;
    }
    uint64_t pages = (writer->blocks + RUN_PAGE_BLOCKS - 1) / RUN_PAGE_BLOCKS;
    uint64_t *page_offset __attribute__((cleanup(memory_release))) =
        memory_array(pages + 1, sizeof *page_offset, error);

    if (page_offset == NULL) {
        return false;
    }
    for (uint64_t p = 0; p < pages; p++) {
        page_offset[p] = writer->size;
        if (!write_page(writer, p * RUN_PAGE_BLOCKS, error)) {
            return false;
        }
    }
    page_offset[pages] = writer->size;
    if (!write_end(writer, page_offset, pages, error) || !flush(writer, error)) {
        return false;
    }
    place->size = writer->size;
    place->entries = writer->entries;
    *offset = writer->offset + writer->size;
    return true;
}

bool run_write(int fd, const char *path, uint64_t *offset, const struct trace_shape *shape,
               const struct entries *entries, struct run_place *place, struct error *error)
{
    struct run_writer *writer = run_writer_new(fd, path, *offset, shape, error);

    if (writer == NULL) {
        return false;
    }
    bool good = run_writer_add(writer, entries, error) && run_writer_finish(writer, offset, place, error);

    run_writer_free(writer);
    return good;
}
