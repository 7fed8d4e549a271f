/* Different values and their counts. */
#include <stdlib.h>

#include <xxhash.h>

#include "base/memory.h"
#include "task/profile_state.h"

/* Values whose texts are kept, and how long they may be. */
#define DISTINCT_TEXTS 20000
#define DISTINCT_TEXT_BYTES 120

static struct value_count *find(struct value_count *slots, size_t capacity, const uint64_t hash[2])
{
    size_t at = (size_t)hash[0] & (capacity - 1);
    while ((slots[at].hash[0] | slots[at].hash[1]) != 0 &&
           (slots[at].hash[0] != hash[0] || slots[at].hash[1] != hash[1]))
        at = (at + 1) & (capacity - 1);
    return &slots[at];
}

static bool grow(struct value_counts *distinct, struct error *error)
{
    size_t capacity = distinct->capacity ? distinct->capacity * 2 : 64;
    if (capacity > SIZE_MAX / 2 / sizeof(struct value_count))
        return error_set(error, ERROR_MEMORY, "too many different values");
    struct value_count *slots = memory_zeroed(capacity * sizeof *slots, error);
    if (!slots) return false;
    for (size_t i = 0; i < distinct->capacity; i++)
        if ((distinct->slots[i].hash[0] | distinct->slots[i].hash[1]) != 0)
            *find(slots, capacity, distinct->slots[i].hash) = distinct->slots[i];
    memory_free(distinct->slots);
    distinct->slots = slots;
    distinct->capacity = capacity;
    return true;
}

bool value_counts_add(struct value_counts *distinct, struct str text, struct arena *arena, struct error *error)
{
    if (distinct->count * 4 >= distinct->capacity * 3 && !grow(distinct, error)) return false;
    XXH128_hash_t digest = XXH3_128bits(text.data, text.length);
    uint64_t hash[2] = {digest.low64, digest.high64 | 1};
    struct value_count *slot = find(distinct->slots, distinct->capacity, hash);
    if (slot->count++ > 0) return true;
    slot->hash[0] = hash[0];
    slot->hash[1] = hash[1];
    if (distinct->count++ < DISTINCT_TEXTS && text.length <= DISTINCT_TEXT_BYTES) {
        slot->text = arena_text(arena, text.data, text.length, error);
        return slot->text != NULL;
    }
    return true;
}

void value_counts_free(struct value_counts *distinct)
{
    memory_free(distinct->slots);
    *distinct = (struct value_counts){0};
}

/* Whether a value stands before another: it came more often, or as often and its text comes first. */
static bool comes_before(const struct value_count *slot, const struct profile_value *value)
{
    if (slot->count != value->count) return slot->count > value->count;
    return str_compare_natural(str_of(slot->text), str_of(value->text)) < 0;
}

size_t value_counts_top(const struct value_counts *distinct, struct profile_value *top, size_t most)
{
    size_t count = 0;
    for (size_t i = 0; i < distinct->capacity; i++) {
        const struct value_count *slot = &distinct->slots[i];
        if (slot->count == 0 || !slot->text) continue;
        size_t place = count;
        while (place > 0 && comes_before(slot, &top[place - 1])) place--;
        if (place == most) continue;
        size_t last = count < most ? count++ : most - 1;
        for (; last > place; last--) top[last] = top[last - 1];
        top[place] = (struct profile_value){slot->text, slot->count};
    }
    return count;
}
