/* A run file of any bytes: reading it ends in an error or in entries, never in a crash, and a run that is found sound
 * can be read to its end. Input: key columns, value columns, merge, whether checksums are made right (so that damage
 * gets past them), then the file. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xxhash.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/memory.h"
#include "kpi/run.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Makes the checksum at the beginning of bytes [from, to) right, where that lies in the file. */
static void repair(uint8_t *bytes, size_t size, uint64_t from, uint64_t to)
{
    if (from <= to && to <= size && to - from >= 8) {
        uint64_t checksum = XXH3_64bits(bytes + from + 8, (size_t)(to - from) - 8);

        memcpy(bytes + from, &checksum, sizeof checksum);
    }
}

static uint64_t word_at(const uint8_t *bytes, size_t size, uint64_t offset)
{
    uint64_t word = 0;

    if (offset <= size && size - offset >= sizeof word) {
        memcpy(&word, bytes + offset, sizeof word);
    }
    return word;
}

static void repair_all(uint8_t *bytes, size_t size, const struct run_footer *footer, size_t keys)
{
    size_t end = size - sizeof *footer;
    uint64_t pages = footer->pages < 1000 ? footer->pages : 0;
    uint64_t blocks = footer->blocks < 100000 ? footer->blocks : 0;
    uint64_t table = end - (pages * (keys + 1) + 1) * 8;

    for (uint64_t p = 0; p < pages && table < end; p++) {
        uint64_t page = word_at(bytes, size, table + (keys * pages + p) * 8);
        uint64_t here = blocks - p * RUN_PAGE_BLOCKS < RUN_PAGE_BLOCKS ? blocks - p * RUN_PAGE_BLOCKS : RUN_PAGE_BLOCKS;

        for (uint64_t b = 0; b < here && page < end; b++) {
            uint64_t offset = page + 16 + (keys * here + b) * 8;

            repair(bytes, end, word_at(bytes, size, offset), word_at(bytes, size, offset + 8));
        }
        repair(bytes, end, page, word_at(bytes, size, table + (keys * pages + p + 1) * 8));
    }
    if (table < end) {
        uint64_t checksum = XXH3_64bits(bytes + table, size - 8 - (size_t)table);

        memcpy(bytes + size - 8, &checksum, sizeof checksum);
    }
}

static bool count_entries(void *context, const struct entries *portion, struct error *error)
{
    (void)error;
    *(uint64_t *)context += portion->count;
    return true;
}

/* Looks up the first and the last key, and what lies about them. */
static void probe(const struct trace *trace, const struct run_footer *footer)
{
    struct entries keys;
    struct error error;
    bool found[40];

    if (!entries_new(&keys, &trace->shape, 40, &error)) {
        abort();
    }
    for (int k = 0; k < trace->shape.keys; k++) {
        for (uint64_t i = 0; i < 40; i++) {
            uint64_t step = ((uint64_t)footer->last[k] - (uint64_t)footer->first[k]) / 36;

            keys.key[k][i] = (int64_t)((uint64_t)footer->first[k] + step * i + i % 2);
        }
    }
    trace_probe(trace, keys.key, 40, found, keys.value, &error);
    entries_free(&keys);
}

static void read_run(const struct trace_shape *shape, const struct run_place *place, const struct run_footer *footer)
{
    struct error error = {0};
    uint64_t entries = 0;
    bool sound = run_verify(shape, place, &error);
    struct trace *trace = trace_open(shape, place, 1, &error);

    if (trace != NULL) {
        bool scanned = trace_scan(trace, NULL, 0, NULL, NULL, count_entries, &entries, &error);

        if (sound && (!scanned || entries != place->entries)) {
            abort();
        }
        probe(trace, footer);
    } else if (sound) {
        abort();
    }
    trace_close(trace);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct run_footer footer;
    struct error error;
    char path[40];

    if (size < 4 + sizeof footer) {
        return 0;
    }
    struct trace_shape shape = {1 + data[0] % TRACE_MAX_KEYS, data[1] % (TRACE_MAX_VALUES + 1),
                                data[2] % 2 == 0 ? TRACE_ADD : TRACE_REPLACE};
    size_t length = (size - 4) / 8 * 8;
    uint8_t *bytes = memory_aligned(length, &error);
    int fd = memfd_create("run", MFD_CLOEXEC);

    if (bytes == NULL || fd < 0) {
        abort();
    }
    memcpy(bytes, data + 4, length);
    memcpy(&footer, bytes + length - sizeof footer, sizeof footer);
    if (data[3] % 2 != 0) {
        repair_all(bytes, length, &footer, (size_t)shape.keys);
    }
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct run_place place = {.path = path, .size = length, .entries = footer.entries};

    if (!file_write(fd, bytes, length, path, &error)) {
        abort();
    }
    read_run(&shape, &place, &footer);
    close(fd);
    memory_free(bytes);
    return 0;
}
