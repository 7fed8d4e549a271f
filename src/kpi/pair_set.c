#include "kpi/pair_set.h"

#include <string.h>

#include "base/memory.h"

#define FIRST_SLOTS 4096

static uint64_t *empty_slots(size_t count, struct error *error)
{
    uint64_t *slots = memory_array(count, sizeof *slots, error);
    if (slots) memset(slots, 0xff, count * sizeof *slots);
    return slots;
}

bool pair_set_open(struct pair_set *set, struct error *error)
{
    *set = (struct pair_set){.slots = empty_slots(FIRST_SLOTS, error), .mask = FIRST_SLOTS - 1};
    return set->slots != NULL;
}

void pair_set_close(struct pair_set *set)
{
    memory_free(set->slots);
    *set = (struct pair_set){0};
}

void pair_set_clear(struct pair_set *set)
{
    memset(set->slots, 0xff, (set->mask + 1) * sizeof *set->slots);
    set->count = 0;
}

bool pair_set_reserve(struct pair_set *set, size_t more, struct error *error)
{
    size_t slots = set->mask + 1;
    while ((set->count + more) * 2 > slots) slots *= 2;
    if (slots == set->mask + 1) return true;
    uint64_t *old = set->slots;
    size_t old_slots = set->mask + 1;
    uint64_t *fresh = empty_slots(slots, error);
    if (!fresh) return false;
    *set = (struct pair_set){.slots = fresh, .mask = slots - 1};
    for (size_t i = 0; i < old_slots; i++) {
        if (old[i] != PAIR_EMPTY) pair_set_add(set, (uint32_t)(old[i] >> 32), (uint32_t)old[i]);
    }
    memory_free(old);
    return true;
}
