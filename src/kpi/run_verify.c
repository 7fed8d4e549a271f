/* Reading a whole run and testing all that it says. */
#include <string.h>

#include "kpi/run.h"

struct walk {
    const struct run *run;
    struct entries block;
    int64_t last[TRACE_MAX_KEYS];
    uint64_t entries;
    uint64_t end; /* of what was walked so far, in the run */
};

static uint64_t place_of(const struct run *run, const struct run_block *block)
{
    return (uint64_t)((const uint8_t *)block->high - run->data);
}

/* Tests that the block's keys ascend, and come after those of the block before. */
static bool test_order(struct walk *walk, const struct run_block *block, struct error *error)
{
    const struct run *run = walk->run;

    for (unsigned i = 0; i < block->count; i++) {
        int64_t key[TRACE_MAX_KEYS] = {0};

        for (int k = 0; k < run->shape.keys; k++) {
            key[k] = walk->block.key[k][i];
        }
        if (walk->entries > 0 && key_compare(walk->last, key, run->shape.keys) >= 0) {
            return run_corrupt(run, place_of(run, block), "the keys do not ascend", error);
        }
        if (walk->entries == 0 && key_compare(run->footer.first, key, run->shape.keys) != 0) {
            return run_corrupt(run, place_of(run, block), "the first key is not the footer's", error);
        }
        memcpy(walk->last, key, sizeof key);
        walk->entries++;
    }
    return true;
}

static bool test_block(struct walk *walk, uint64_t number, const struct run_page *page, struct error *error)
{
    const struct run *run = walk->run;
    uint64_t in_page = number % RUN_PAGE_BLOCKS;
    struct run_block block;

    if (!run_block(run, number, page, &block, error)) {
        return false;
    }
    if (page->offset[in_page] != walk->end) {
        return run_corrupt(run, page->offset[in_page], "a block does not follow the one before", error);
    }
    walk->end = page->offset[in_page + 1];
    for (int c = 0; c < run->shape.keys + run->shape.values; c++) {
        if (!block_unpack(&block, c, entries_column(&walk->block, &run->shape, c))) {
            return run_corrupt(run, place_of(run, &block), "a block has another number of keys than it says", error);
        }
    }
    for (int k = 0; k < run->shape.keys; k++) {
        if (walk->block.key[k][0] != page->first[(uint64_t)k * page->blocks + in_page]) {
            return run_corrupt(run, place_of(run, &block), "a block's first key is not the directory's", error);
        }
    }
    return test_order(walk, &block, error);
}

static bool test_page(struct walk *walk, uint64_t number, struct error *error)
{
    const struct run *run = walk->run;
    struct run_page page;

    if (!run_page(run, number, &page, error)) {
        return false;
    }
    for (int k = 0; k < run->shape.keys; k++) {
        if (page.first[(uint64_t)k * page.blocks] != run->page_first[(uint64_t)k * run->footer.pages + number]) {
            return run_corrupt(run, run->page_offset[number], "a page's first key is not the page table's", error);
        }
    }
    for (uint64_t b = 0; b < page.blocks; b++) {
        if (!test_block(walk, number * RUN_PAGE_BLOCKS + b, &page, error)) {
            return false;
        }
    }
    return true;
}

bool run_verify(const struct trace_shape *shape, const struct run_place *place, struct error *error)
{
    struct run run;

    if (place->entries == 0 && place->size == 0) {
        return true;
    }
    if (!run_open(&run, shape, place, error)) {
        return false;
    }
    struct walk walk = {.run = &run};
    bool good = entries_new(&walk.block, shape, RUN_BLOCK_ENTRIES, error);

    for (uint64_t p = 0; good && p < run.footer.pages; p++) {
        good = test_page(&walk, p, error);
    }
    if (good && (walk.entries != run.footer.entries || key_compare(walk.last, run.footer.last, shape->keys) != 0)) {
        good = run_corrupt(&run, run.size - sizeof run.footer, "the footer does not say what the blocks hold", error);
    }
    entries_free(&walk.block);
    run_close(&run);
    return good;
}
