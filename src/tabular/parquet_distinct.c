#include "tabular/parquet_distinct.h"

#include <string.h>

#include "base/memory.h"
#include "tabular/column.h"

enum { FIRST_SLOTS = 256, FIRST_ROOM = 128 };

static const uint32_t failed = UINT32_MAX; /* no index */

static const uint64_t golden = UINT64_C(0x9E3779B97F4A7C15);

void distinct_free(struct distinct *distinct)
{
    memory_free(distinct->slots);
    memory_free(distinct->numbers);
    memory_free(distinct->texts);
    memory_free(distinct->hashes);
    *distinct = (struct distinct){0};
}

/* Room for `room` values; what the other sort of column had is let go, since `room` counts one sort. */
static bool grow_values(struct distinct *distinct, size_t room, struct error *error)
{
    if (!distinct->of_texts) {
        int64_t *numbers = memory_resize(distinct->numbers, room, sizeof *numbers, error);

        if (numbers == NULL) {
            return false;
        }
        distinct->numbers = numbers;
        distinct->room = room;
        return true;
    }
    struct str *texts = memory_resize(distinct->texts, room, sizeof *texts, error);

    if (texts == NULL) {
        return false;
    }
    distinct->texts = texts;

    uint64_t *hashes = memory_resize(distinct->hashes, room, sizeof *hashes, error);

    if (hashes == NULL) {
        return false;
    }
    distinct->hashes = hashes;
    distinct->room = room;
    return true;
}

static bool set_slots(struct distinct *distinct, size_t count, struct error *error)
{
    if (count > distinct->slot_room) {
        uint32_t *slots = memory_array(count, sizeof *slots, error);

        if (slots == NULL) {
            return false;
        }
        memory_free(distinct->slots);
        distinct->slots = slots;
        distinct->slot_room = count;
    }
    memset(distinct->slots, 0, count * sizeof *distinct->slots);
    distinct->slot_count = count;
    return true;
}

bool distinct_begin(struct distinct *distinct, bool of_texts, struct error *error)
{
    if (distinct->of_texts != of_texts) {
        distinct->room = 0;
        distinct->of_texts = of_texts;
    }
    distinct->count = 0;
    return set_slots(distinct, FIRST_SLOTS, error) && (distinct->room > 0 || grow_values(distinct, FIRST_ROOM, error));
}

static uint64_t hash_number(int64_t value)
{
    uint64_t hash = (uint64_t)value * golden;

    return hash ^ hash >> 32;
}

static uint64_t fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)(a ^ golden) * (b | 1);

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t hash_text(struct str text)
{
    uint64_t hash = text.length;
    size_t at = 0;

    for (; at + 8 <= text.length; at += 8) {
        uint64_t word;

        memcpy(&word, text.data + at, sizeof word);
        hash = fold(hash ^ word, golden);
    }
    if (at < text.length) {
        uint64_t word = 0;

        memcpy(&word, text.data + at, text.length - at);
        hash = fold(hash ^ word, golden);
    }
    return hash ^ hash >> 32;
}

/* Puts every value into slots of twice the number. */
static bool grow_slots(struct distinct *distinct, struct error *error)
{
    size_t count = distinct->slot_count * 2;

    if (!set_slots(distinct, count, error)) {
        return false;
    }
    for (size_t i = 0; i < distinct->count; i++) {
        uint64_t hash = distinct->of_texts ? distinct->hashes[i] : hash_number(distinct->numbers[i]);
        size_t slot = hash & (count - 1);

        while (distinct->slots[slot] != 0) {
            slot = (slot + 1) & (count - 1);
        }
        distinct->slots[slot] = (uint32_t)i + 1;
    }
    return true;
}

/* Takes the free slot that was found for a new value, whose place in the values is its index. */
static bool enter(struct distinct *distinct, size_t slot, struct error *error)
{
    if (distinct->count == distinct->room && !grow_values(distinct, distinct->room * 2, error)) {
        return false;
    }
    distinct->slots[slot] = (uint32_t)distinct->count + 1;
    return true;
}

static uint32_t entered(struct distinct *distinct, struct error *error)
{
    distinct->count++;
    if (distinct->count * 2 > distinct->slot_count && !grow_slots(distinct, error)) {
        return failed;
    }
    return (uint32_t)distinct->count - 1;
}

static uint32_t index_number(struct distinct *distinct, int64_t value, struct error *error)
{
    size_t mask = distinct->slot_count - 1;
    size_t slot = hash_number(value) & mask;

    for (uint32_t index; (index = distinct->slots[slot]) != 0; slot = (slot + 1) & mask) {
        if (distinct->numbers[index - 1] == value) {
            return index - 1;
        }
    }
    if (!enter(distinct, slot, error)) {
        return failed;
    }
    distinct->numbers[distinct->count] = value;
    return entered(distinct, error);
}

static uint32_t index_text(struct distinct *distinct, struct str text, struct error *error)
{
    uint64_t hash = hash_text(text);
    size_t mask = distinct->slot_count - 1;
    size_t slot = hash & mask;

    for (uint32_t index; (index = distinct->slots[slot]) != 0; slot = (slot + 1) & mask) {
        if (distinct->hashes[index - 1] == hash && str_equal(distinct->texts[index - 1], text)) {
            return index - 1;
        }
    }
    if (!enter(distinct, slot, error)) {
        return failed;
    }
    distinct->texts[distinct->count] = text;
    distinct->hashes[distinct->count] = hash;
    return entered(distinct, error);
}

bool distinct_enter_number(struct distinct *distinct, int64_t value, struct error *error)
{
    return index_number(distinct, value, error) != failed;
}

bool distinct_enter_text(struct distinct *distinct, struct str text, struct error *error)
{
    return index_text(distinct, text, error) != failed;
}

bool distinct_index_numbers(struct distinct *distinct, const int64_t *values, size_t count, size_t most,
                            uint32_t *indices, size_t *present, struct error *error)
{
    size_t done = 0;
    int64_t last = COLUMN_NULL;
    uint32_t index = 0;

    for (size_t i = 0; i < count && distinct->count <= most; i++) {
        if (values[i] == COLUMN_NULL) {
            continue;
        }
        if (values[i] != last) {
            last = values[i];
            index = index_number(distinct, last, error);
            if (index == failed) {
                return false;
            }
        }
        indices[done++] = index;
    }
    *present = done;
    return true;
}

bool distinct_index_texts(struct distinct *distinct, const struct str *values, size_t count, size_t most,
                          uint32_t *indices, size_t *present, struct error *error)
{
    size_t done = 0;

    for (size_t i = 0; i < count && distinct->count <= most; i++) {
        if (values[i].data == NULL) {
            continue;
        }
        indices[done] = index_text(distinct, values[i], error);
        if (indices[done] == failed) {
            return false;
        }
        done++;
    }
    *present = done;
    return true;
}
