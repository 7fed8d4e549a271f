/* A run opened for reading: mapped, its footer and page table tested at once, pages and blocks when they are first
 * used, so that opening costs the same for a large run as for a small one. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xxhash.h>

#include "base/memory.h"
#include "kpi/run.h"

#define PAGE_HEADER_BYTES 16
#define CHECKSUM_BYTES 8

bool run_corrupt(const struct run *run, uint64_t offset, const char *what, struct error *error)
{
    return error_set(error, ERROR_CORRUPT, "%s: damaged at byte %llu (%s); restore the data folder from a backup",
                     run->path, (unsigned long long)(run->file_offset + offset), what);
}

static bool checksum_wrong(const uint8_t *data, size_t size, uint64_t checksum)
{
    return XXH3_64bits(data, size) != checksum;
}

static bool map_file(struct run *run, int fd, const struct run_place *place, struct error *error)
{
    struct stat status;
    size_t page_size = (size_t)sysconf(_SC_PAGESIZE);
    uint64_t skip = place->offset % page_size;

    if (fstat(fd, &status) != 0) {
        return error_set_errno(error, errno, "%s cannot be examined", run->path);
    }
    if (place->offset % 8 != 0 || place->size % 8 != 0 || place->size < sizeof run->footer ||
        place->offset > (uint64_t)status.st_size || place->size > (uint64_t)status.st_size - place->offset) {
        return error_set(error, ERROR_CORRUPT,
                         "%s: the file has %lld bytes and cannot hold a run of %llu bytes at byte %llu; restore the "
                         "data folder from a backup",
                         run->path, (long long)status.st_size, (unsigned long long)place->size,
                         (unsigned long long)place->offset);
    }
    run->map_size = (size_t)(skip + place->size);
    void *map = mmap(NULL, run->map_size, PROT_READ, MAP_SHARED, fd, (off_t)(place->offset - skip));

    if (map == MAP_FAILED) {
        return error_set_errno(error, errno, "%s cannot be mapped", run->path);
    }
    run->map = map;
    run->data = (const uint8_t *)map + skip;
    run->size = (size_t)place->size;
    run->file_offset = place->offset;
    return true;
}

/* Whether the footer says what the caller and the size of the run say. */
static bool footer_fits(const struct run *run, const struct run_place *place)
{
    const struct run_footer *footer = &run->footer;
    uint64_t column_bytes = ((uint64_t)run->shape.keys + 1) * 8;

    return footer->entries == place->entries && footer->entries > 0 && footer->blocks <= UINT32_MAX &&
           footer->entries <= footer->blocks * RUN_BLOCK_ENTRIES &&
           footer->entries > (footer->blocks - 1) * RUN_BLOCK_ENTRIES &&
           footer->pages == (footer->blocks + RUN_PAGE_BLOCKS - 1) / RUN_PAGE_BLOCKS &&
           footer->pages <= run->size / column_bytes && footer->pages * column_bytes + 8 <= run->size - sizeof *footer;
}

static bool read_footer(struct run *run, const struct run_place *place, struct error *error)
{
    struct run_footer *footer = &run->footer;
    size_t end = run->size - sizeof *footer;

    memcpy(footer, run->data + end, sizeof *footer);
    if (memcmp(footer->magic, "AISLERUN", sizeof footer->magic) != 0) {
        return run_corrupt(run, end, "no run ends here", error);
    }
    if (footer->version != 1) {
        return error_set(error, ERROR_CORRUPT,
                         "%s: a run of version %u, and this program reads version 1; use a newer one", run->path,
                         (unsigned)footer->version);
    }
    if (footer->keys != run->shape.keys || footer->values != run->shape.values || footer->merge != run->shape.merge) {
        return run_corrupt(run, end, "the run has other columns than are asked for", error);
    }
    if (!footer_fits(run, place)) {
        return run_corrupt(run, end, "the footer's counts do not fit", error);
    }
    size_t table = end - (size_t)footer->pages * ((size_t)run->shape.keys + 1) * 8 - 8;

    if (checksum_wrong(run->data + table, run->size - CHECKSUM_BYTES - table, footer->checksum)) {
        return run_corrupt(run, table, "the checksum of the page table differs", error);
    }
    run->page_first = (const int64_t *)(const void *)(run->data + table);
    run->page_offset = (const uint64_t *)(run->page_first + footer->pages * (uint64_t)run->shape.keys);
    run->verified = memory_zeroed((size_t)(footer->pages + footer->blocks + 7) / 8, error);
    return run->verified != NULL;
}

bool run_open(struct run *run, const struct trace_shape *shape, const struct run_place *place, struct error *error)
{
    memset(run, 0, sizeof *run);
    run->shape = *shape;
    if (place->entries == 0 && place->size == 0) {
        return true;
    }
    run->path = memory_copy_text(place->path, strlen(place->path), error);
    if (run->path == NULL) {
        return false;
    }
    int fd = open(run->path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        error_set_errno(error, errno, "%s cannot be opened", run->path);
        run_close(run);
        return false;
    }
    bool good = map_file(run, fd, place, error) && read_footer(run, place, error);

    close(fd);
    if (!good) {
        run_close(run);
    }
    return good;
}

void run_close(struct run *run)
{
    if (run->map != NULL) {
        munmap(run->map, run->map_size);
    }
    memory_free(run->verified);
    memory_free(run->path);
    memset(run, 0, sizeof *run);
}

static bool is_verified(const struct run *run, uint64_t bit)
{
    return (__atomic_load_n(&run->verified[bit >> 3], __ATOMIC_RELAXED) >> (bit & 7) & 1) != 0;
}

static void set_verified(const struct run *run, uint64_t bit)
{
    __atomic_fetch_or(&run->verified[bit >> 3], (uint8_t)(1U << (bit & 7)), __ATOMIC_RELAXED);
}

/* Whether [from, to) lies within what comes before the footer, at multiples of 8, and is at least `least` bytes. */
static bool extent_fits(const struct run *run, uint64_t from, uint64_t to, uint64_t least)
{
    return from <= to && to <= run->size - sizeof run->footer && ((from | to) & 7) == 0 && to - from >= least;
}

static bool checksum_tested(const struct run *run, uint64_t bit, uint64_t from, uint64_t to, struct error *error)
{
    uint64_t checksum = 0;

    if (is_verified(run, bit)) {
        return true;
    }
    memcpy(&checksum, run->data + from, sizeof checksum);
    if (checksum_wrong(run->data + from + CHECKSUM_BYTES, (size_t)(to - from) - CHECKSUM_BYTES, checksum)) {
        return run_corrupt(run, from, "a checksum differs", error);
    }
    set_verified(run, bit);
    return true;
}

bool run_page(const struct run *run, uint64_t number, struct run_page *page, struct error *error)
{
    uint64_t from = run->page_offset[number];
    uint64_t to = run->page_offset[number + 1];
    uint64_t blocks = run->footer.blocks - number * RUN_PAGE_BLOCKS;
    uint32_t header[2];

    blocks = blocks < RUN_PAGE_BLOCKS ? blocks : RUN_PAGE_BLOCKS;
    uint64_t size = PAGE_HEADER_BYTES + blocks * (uint64_t)run->shape.keys * 8 + (blocks + 1) * 8;

    if (!extent_fits(run, from, to, size) || to - from != size) {
        return run_corrupt(run, from, "a page of the directory does not fit", error);
    }
    if (!checksum_tested(run, number, from, to, error)) {
        return false;
    }
    memcpy(header, run->data + from + CHECKSUM_BYTES, sizeof header);
    if (header[0] != number || header[1] != blocks) {
        return run_corrupt(run, from, "another page of the directory was expected", error);
    }
    page->blocks = blocks;
    page->first = (const int64_t *)(const void *)(run->data + from + PAGE_HEADER_BYTES);
    page->offset = (const uint64_t *)(page->first + blocks * (uint64_t)run->shape.keys);
    return true;
}

bool run_block(const struct run *run, uint64_t number, const struct run_page *page, struct run_block *block,
               struct error *error)
{
    uint64_t in_page = number % RUN_PAGE_BLOCKS;
    uint64_t from = page->offset[in_page];
    uint64_t to = page->offset[in_page + 1];

    if (!extent_fits(run, from, to, PAGE_HEADER_BYTES)) {
        return run_corrupt(run, from, "a block does not fit", error);
    }
    if (!checksum_tested(run, run->footer.pages + number, from, to, error)) {
        return false;
    }
    if (!block_parse(&run->shape, run->data + from, (size_t)(to - from), block)) {
        return run_corrupt(run, from, "a block's parts do not fit", error);
    }
    uint64_t left = run->footer.entries - number * RUN_BLOCK_ENTRIES;

    if (block->number != (uint32_t)number || block->count != (left < RUN_BLOCK_ENTRIES ? left : RUN_BLOCK_ENTRIES) ||
        block->column[0].least != page->first[in_page]) {
        return run_corrupt(run, from, "another block was expected", error);
    }
    return true;
}

/* The last of `count` keys in columns that is not greater than the key, 0 when all are. */
static uint64_t last_not_greater(const int64_t *first, uint64_t count, int keys, const int64_t *key)
{
    uint64_t low = 0;
    uint64_t size = count;

    while (size > 1) {
        uint64_t half = size / 2;
        const int64_t *middle = first + low + half;
        bool greater = middle[0] > key[0];

        for (int k = 1; k < keys && middle[(uint64_t)(k - 1) * count] == key[k - 1]; k++) {
            greater = middle[(uint64_t)k * count] > key[k];
        }
        low = greater ? low : low + half;
        size -= half;
    }
    return low;
}

bool run_find_block(const struct run *run, const int64_t *key, uint64_t *number, struct run_page *page,
                    struct error *error)
{
    uint64_t page_number = last_not_greater(run->page_first, run->footer.pages, run->shape.keys, key);

    if (!run_page(run, page_number, page, error)) {
        return false;
    }
    *number = page_number * RUN_PAGE_BLOCKS + last_not_greater(page->first, page->blocks, run->shape.keys, key);
    return true;
}
