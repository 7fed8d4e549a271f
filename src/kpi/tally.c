#include "kpi/tally.h"

#include <string.h>

#include "base/memory.h"

#define FIRST_SLOTS 256

bool tally_open(struct tally *tally, int words, int sums, struct error *error)
{
    *tally = (struct tally){.words = words, .sums = sums, .mask = FIRST_SLOTS - 1};
    tally->slots = memory_array(FIRST_SLOTS, sizeof *tally->slots, error);
    if (!tally->slots) return false;
    memset(tally->slots, 0xff, FIRST_SLOTS * sizeof *tally->slots);
    return true;
}

void tally_close(struct tally *tally)
{
    memory_free(tally->slots);
    memory_free(tally->positions);
    memory_free(tally->keys);
    memory_free(tally->sum);
    *tally = (struct tally){0};
}

void tally_clear(struct tally *tally)
{
    size_t slots = (size_t)tally->mask + 1;
    if (tally->count < slots / 16) {
        for (uint32_t i = 0; i < tally->count; i++) tally->slots[tally->positions[i]] = TALLY_NONE;
    } else {
        memset(tally->slots, 0xff, slots * sizeof *tally->slots);
    }
    tally->count = 0;
}

static void settle(struct tally *tally, uint32_t entry)
{
    uint32_t i = tally_hash(tally->keys + (size_t)entry * (size_t)tally->words, tally->words) & tally->mask;
    while (tally->slots[i] != TALLY_NONE) i = (i + 1) & tally->mask;
    tally->slots[i] = entry;
    tally->positions[entry] = i;
}

static bool grow_entries(struct tally *tally, struct error *error)
{
    uint32_t capacity = tally->capacity ? tally->capacity * 2 : FIRST_SLOTS / 2;
    uint32_t *positions = memory_resize(tally->positions, capacity, sizeof *positions, error);
    if (!positions) return false;
    tally->positions = positions;
    uint32_t *keys = memory_resize(tally->keys, capacity, (size_t)tally->words * sizeof *keys, error);
    if (!keys) return false;
    tally->keys = keys;
    int64_t *sum = memory_resize(tally->sum, capacity, (size_t)tally->sums * sizeof *sum, error);
    if (!sum) return false;
    tally->sum = sum;
    tally->capacity = capacity;
    return true;
}

static bool grow_slots(struct tally *tally, struct error *error)
{
    size_t slots = ((size_t)tally->mask + 1) * 4;
    uint32_t *fresh = memory_array(slots, sizeof *fresh, error);
    if (!fresh) return false;
    memset(fresh, 0xff, slots * sizeof *fresh);
    memory_free(tally->slots);
    tally->slots = fresh;
    tally->mask = (uint32_t)(slots - 1);
    for (uint32_t entry = 0; entry < tally->count; entry++) settle(tally, entry);
    return true;
}

uint32_t tally_enter(struct tally *tally, const uint32_t *key, struct error *error)
{
    if (tally->count == tally->capacity && !grow_entries(tally, error)) return TALLY_NONE;
    if (tally->count * UINT64_C(2) > tally->mask && !grow_slots(tally, error)) return TALLY_NONE;
    uint32_t entry = tally->count++;
    memcpy(tally->keys + (size_t)entry * (size_t)tally->words, key, (size_t)tally->words * sizeof *key);
    memset(tally->sum + (size_t)entry * (size_t)tally->sums, 0, (size_t)tally->sums * sizeof *tally->sum);
    settle(tally, entry);
    return entry;
}
