#include "tabular/dictionary.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"

/* Numbers are found through segments that double in size, so that growing moves nothing a reader may look at. */
#define SEGMENT_SHIFT 10
#define SEGMENT_COUNT 23
#define CHUNK_BYTES ((size_t)256 << 10)
#define FIRST_SLOTS 1024
#define NUMBER_LIMIT UINT32_MAX

/* Open addressing. A slot is the hash (high half) and number + 1 (low half); 0 is free. A table that became too
 * small stays readable: readers may still be in it. */
struct table {
    struct table *older;
    uint32_t mask;
    _Atomic uint64_t slots[];
};

/* Texts lie in chunks, each after its length. */
struct chunk {
    struct chunk *older;
    char bytes[];
};

struct dictionary {
    uint64_t seed;
    _Atomic(struct table *) table;
    _Atomic(const char **) segments[SEGMENT_COUNT];
    _Atomic uint64_t count;
    pthread_mutex_t lock; /* guards what follows, and all writing */
    struct chunk *chunk;
    size_t chunk_free;
    char *chunk_next;
};

static inline uint64_t load_u64(const char *bytes)
{
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

static inline uint64_t fold(uint64_t a, uint64_t b)
{
    __uint128_t product = (__uint128_t)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Seeded, so that nobody can prepare texts that collide. */
static uint32_t hash_text(uint64_t seed, struct str text)
{
    const uint64_t odd_a = 0x9e3779b97f4a7c15u;
    const uint64_t odd_b = 0xd1b54a32d192ed03u;
    uint64_t hash = seed ^ text.length;
    const char *data = text.data;
    size_t left = text.length;
    for (; left > 16; left -= 16, data += 16) hash = fold(load_u64(data) ^ odd_a ^ hash, load_u64(data + 8) ^ odd_b);
    char tail[16] = {0};
    if (left > 0) memcpy(tail, data, left);
    hash = fold(load_u64(tail) ^ odd_a ^ hash, load_u64(tail + 8) ^ odd_b ^ seed);
    return (uint32_t)(hash ^ hash >> 32);
}

static struct table *table_new(uint32_t slots, struct table *older, struct error *error)
{
    struct table *table = memory_zeroed(sizeof *table + slots * sizeof table->slots[0], error);
    if (table == NULL) return NULL;
    table->older = older;
    table->mask = slots - 1;
    return table;
}

struct dictionary *dictionary_new(struct error *error)
{
    struct dictionary *dictionary = memory_zeroed(sizeof *dictionary, error);
    if (dictionary == NULL) return NULL;
    struct table *table = NULL;
    if (!random_bytes(&dictionary->seed, sizeof dictionary->seed, error) ||
        (table = table_new(FIRST_SLOTS, NULL, error)) == NULL) {
        memory_free(dictionary);
        return NULL;
    }
    atomic_init(&dictionary->table, table);
    pthread_mutex_init(&dictionary->lock, NULL);
    return dictionary;
}

void dictionary_free(struct dictionary *dictionary)
{
    if (dictionary == NULL) return;
    for (struct table *table = atomic_load(&dictionary->table), *older; table != NULL; table = older) {
        older = table->older;
        memory_free(table);
    }
    for (struct chunk *chunk = dictionary->chunk, *older; chunk != NULL; chunk = older) {
        older = chunk->older;
        memory_free(chunk);
    }
    for (size_t i = 0; i < SEGMENT_COUNT; i++) memory_free(atomic_load(&dictionary->segments[i]));
    pthread_mutex_destroy(&dictionary->lock);
    memory_free(dictionary);
}

uint64_t dictionary_count(const struct dictionary *dictionary)
{
    return atomic_load_explicit(&dictionary->count, memory_order_acquire);
}

static unsigned segment_of(uint64_t number, uint64_t *place)
{
    uint64_t shifted = number + ((uint64_t)1 << SEGMENT_SHIFT);
    unsigned top = 63u - (unsigned)__builtin_clzll(shifted);
    *place = shifted - ((uint64_t)1 << top);
    return top - SEGMENT_SHIFT;
}

struct str dictionary_text(const struct dictionary *dictionary, uint64_t number)
{
    uint64_t place;
    unsigned segment = segment_of(number, &place);
    const char *record = atomic_load_explicit(&dictionary->segments[segment], memory_order_acquire)[place];
    uint32_t length;
    memcpy(&length, record, sizeof length);
    return str_slice(record + sizeof length, length);
}

/* The number of a text in a table, or DICTIONARY_NONE and the free slot where it would go. */
static uint64_t table_find(const struct dictionary *dictionary, const struct table *table, uint32_t hash,
                           struct str text, uint32_t *free_slot)
{
    for (uint32_t slot = hash & table->mask;; slot = (slot + 1) & table->mask) {
        uint64_t entry = atomic_load_explicit(&table->slots[slot], memory_order_acquire);
        if (entry == 0) {
            *free_slot = slot;
            return DICTIONARY_NONE;
        }
        uint64_t number = (uint32_t)entry - 1u;
        if ((uint32_t)(entry >> 32) == hash && str_equal(dictionary_text(dictionary, number), text)) return number;
    }
}

uint64_t dictionary_find(const struct dictionary *dictionary, struct str text)
{
    uint32_t free_slot;
    const struct table *table = atomic_load_explicit(&dictionary->table, memory_order_acquire);
    return table_find(dictionary, table, hash_text(dictionary->seed, text), text, &free_slot);
}

static bool table_grow(struct dictionary *dictionary, struct error *error)
{
    struct table *old = atomic_load_explicit(&dictionary->table, memory_order_relaxed);
    if (old->mask >= (uint32_t)1 << 30)
        return error_set(error, ERROR_LIMIT,
                         "the dictionary of texts is full (%u million): keep unique texts "
                         "out of it by leaving \"intern\" off their field",
                         (unsigned)(NUMBER_LIMIT / 1000000));
    struct table *table = table_new((old->mask + 1) * 2, old, error);
    if (table == NULL) return false;
    for (uint32_t i = 0; i <= old->mask; i++) {
        uint64_t entry = atomic_load_explicit(&old->slots[i], memory_order_relaxed);
        if (entry == 0) continue;
        uint32_t slot = (uint32_t)(entry >> 32) & table->mask;
        while (atomic_load_explicit(&table->slots[slot], memory_order_relaxed) != 0) slot = (slot + 1) & table->mask;
        atomic_store_explicit(&table->slots[slot], entry, memory_order_relaxed);
    }
    atomic_store_explicit(&dictionary->table, table, memory_order_release);
    return true;
}

/* Copies a text to where it stays, after its length. */
static const char *store_text(struct dictionary *dictionary, struct str text, struct error *error)
{
    uint32_t length = (uint32_t)text.length;
    size_t size = sizeof length + length;
    if (size > dictionary->chunk_free) {
        size_t room = size > CHUNK_BYTES ? size : CHUNK_BYTES;
        struct chunk *chunk = memory_array(1, sizeof *chunk + room, error);
        if (chunk == NULL) return NULL;
        chunk->older = dictionary->chunk;
        dictionary->chunk = chunk;
        dictionary->chunk_next = chunk->bytes;
        dictionary->chunk_free = room;
    }
    char *record = dictionary->chunk_next;
    memcpy(record, &length, sizeof length);
    if (length > 0) memcpy(record + sizeof length, text.data, length);
    dictionary->chunk_next += size;
    dictionary->chunk_free -= size;
    return record;
}

/* Adds a text that is known to be new. The lock is held. */
static uint64_t append_text(struct dictionary *dictionary, struct str text, uint32_t hash, struct error *error)
{
    uint64_t number = atomic_load_explicit(&dictionary->count, memory_order_relaxed);
    struct table *table = atomic_load_explicit(&dictionary->table, memory_order_relaxed);
    if ((number + 1) * 2 > table->mask && !table_grow(dictionary, error)) return DICTIONARY_NONE;
    uint64_t place;
    unsigned segment = segment_of(number, &place);
    const char **records = atomic_load_explicit(&dictionary->segments[segment], memory_order_relaxed);
    if (records == NULL) {
        records = memory_array((size_t)1 << (SEGMENT_SHIFT + segment), sizeof *records, error);
        if (records == NULL) return DICTIONARY_NONE;
        atomic_store_explicit(&dictionary->segments[segment], records, memory_order_release);
    }
    records[place] = store_text(dictionary, text, error);
    if (records[place] == NULL) return DICTIONARY_NONE;
    table = atomic_load_explicit(&dictionary->table, memory_order_relaxed);
    uint32_t slot = hash & table->mask;
    while (atomic_load_explicit(&table->slots[slot], memory_order_relaxed) != 0) slot = (slot + 1) & table->mask;
    atomic_store_explicit(&dictionary->count, number + 1, memory_order_release);
    atomic_store_explicit(&table->slots[slot], (uint64_t)hash << 32 | (number + 1), memory_order_release);
    return number;
}

uint64_t dictionary_enter(struct dictionary *dictionary, struct str text, struct error *error)
{
    if (text.length > DICTIONARY_TEXT_CEILING) {
        error_set(error, ERROR_LIMIT,
                  "a text of %zu bytes is too long to be an id or a category (at most %zu): "
                  "leave \"intern\" off its field",
                  text.length, DICTIONARY_TEXT_CEILING);
        return DICTIONARY_NONE;
    }
    uint32_t hash = hash_text(dictionary->seed, text);
    uint32_t free_slot;
    const struct table *table = atomic_load_explicit(&dictionary->table, memory_order_acquire);
    uint64_t number = table_find(dictionary, table, hash, text, &free_slot);
    if (number != DICTIONARY_NONE) return number;
    pthread_mutex_lock(&dictionary->lock);
    table = atomic_load_explicit(&dictionary->table, memory_order_relaxed);
    number = table_find(dictionary, table, hash, text, &free_slot);
    if (number == DICTIONARY_NONE) number = append_text(dictionary, text, hash, error);
    pthread_mutex_unlock(&dictionary->lock);
    return number;
}
