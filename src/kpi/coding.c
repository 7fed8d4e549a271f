#include "kpi/coding.h"

#include <pthread.h>
#include <string.h>

#include "base/memory.h"
#include "kpi/key_mix.h"
#include "tabular/column.h"

/* An open-addressing table from value to code, and the values by code. Writers hold the lock; a reader that finds its
 * value needs none, because a slot's value is published after its code and never changes. What a resize replaces is
 * kept until the end for readers that still look at it. */
struct table32 {
    struct table32 *older;
    size_t mask;
    struct {
        int64_t value; /* COLUMN_NULL: empty */
        uint32_t code;
    } slots[];
};

struct values32 {
    struct values32 *older;
    int64_t by_code[];
};

struct dictionary32 {
    pthread_mutex_t lock;
    struct table32 *table;
    struct values32 *values;
    uint32_t count;
    size_t capacity;
};

static struct table32 *table_new(size_t slots, struct table32 *older, struct error *error)
{
    struct table32 *table = memory_zeroed(sizeof *table + slots * sizeof table->slots[0], error);
    if (!table) return NULL;
    table->older = older;
    table->mask = slots - 1;
    for (size_t i = 0; i < slots; i++) table->slots[i].value = COLUMN_NULL;
    return table;
}

static uint32_t find(const struct table32 *table, int64_t value)
{
    for (size_t i = key_mix(value) & table->mask;; i = (i + 1) & table->mask) {
        int64_t there = __atomic_load_n(&table->slots[i].value, __ATOMIC_ACQUIRE);
        if (there == value) return table->slots[i].code;
        if (there == COLUMN_NULL) return CODE_NULL;
    }
}

static void place(struct table32 *table, int64_t value, uint32_t code)
{
    size_t i = key_mix(value) & table->mask;
    while (table->slots[i].value != COLUMN_NULL) i = (i + 1) & table->mask;
    table->slots[i].code = code;
    __atomic_store_n(&table->slots[i].value, value, __ATOMIC_RELEASE);
}

static bool grow(struct dictionary32 *dictionary, struct error *error)
{
    struct table32 *table = table_new((dictionary->table->mask + 1) * 4, dictionary->table, error);
    if (!table) return false;
    for (uint32_t code = 0; code < dictionary->count; code++) place(table, dictionary->values->by_code[code], code);
    __atomic_store_n(&dictionary->table, table, __ATOMIC_RELEASE);
    return true;
}

static bool grow_values(struct dictionary32 *dictionary, struct error *error)
{
    size_t capacity = dictionary->capacity ? dictionary->capacity * 2 : 256, size = sizeof(int64_t);
    struct values32 *values = memory_array(1, sizeof *values + capacity * size, error);
    if (!values) return false;
    values->older = dictionary->values;
    if (dictionary->count) memcpy(values->by_code, dictionary->values->by_code, dictionary->count * size);
    __atomic_store_n(&dictionary->values, values, __ATOMIC_RELEASE);
    dictionary->capacity = capacity;
    return true;
}

static bool enter(struct dictionary32 *dictionary, int64_t value, uint32_t *code, struct error *error)
{
    bool good = true;
    pthread_mutex_lock(&dictionary->lock);
    *code = find(dictionary->table, value);
    if (*code == CODE_NULL) {
        if (dictionary->count == dictionary->capacity) good = grow_values(dictionary, error);
        if (good && dictionary->count * 2u >= dictionary->table->mask) good = grow(dictionary, error);
        if (good && dictionary->count == CODE_NULL - 1) {
            good = error_set(error, ERROR_LIMIT, "more than 4,294,967,294 different values in one column");
        }
        if (good) {
            *code = dictionary->count++;
            dictionary->values->by_code[*code] = value;
            place(dictionary->table, value, *code);
        }
    }
    pthread_mutex_unlock(&dictionary->lock);
    return good;
}

bool coding_choose(struct coding *coding, bool known, int64_t low, int64_t high, bool grouped, struct error *error)
{
    *coding = (struct coding){.kind = CODING_OFFSET};
    if (!known) return true; /* every value is null */
    if (high >= low && (uint64_t)high - (uint64_t)low < CODE_NULL) {
        coding->base = low;
        coding->span = (uint32_t)((uint64_t)high - (uint64_t)low);
        return true;
    }
    if (!grouped) {
        coding->kind = CODING_RAW;
        return true;
    }
    coding->kind = CODING_DICTIONARY;
    struct dictionary32 *dictionary = memory_zeroed(sizeof *dictionary, error);
    if (!dictionary) return false;
    pthread_mutex_init(&dictionary->lock, NULL);
    dictionary->table = table_new(1024, NULL, error);
    coding->dictionary = dictionary;
    if (!dictionary->table) coding_free(coding);
    return coding->dictionary != NULL;
}

void coding_free(struct coding *coding)
{
    struct dictionary32 *dictionary = coding->dictionary;
    coding->dictionary = NULL;
    if (!dictionary) return;
    for (struct table32 *table = dictionary->table; table;) {
        struct table32 *older = table->older;
        memory_free(table);
        table = older;
    }
    pthread_mutex_destroy(&dictionary->lock);
    for (struct values32 *values = dictionary->values; values;) {
        struct values32 *older = values->older;
        memory_free(values);
        values = older;
    }
    memory_free(dictionary);
}

/* Values that come often are found in a small table before the large one. */
#define RECENT 256

static bool encode_dictionary(struct dictionary32 *dictionary, const int64_t *values, size_t count, uint32_t *codes,
                              struct error *error)
{
    struct {
        int64_t value;
        uint32_t code;
    } recent[RECENT];
    for (size_t i = 0; i < RECENT; i++) recent[i].value = COLUMN_NULL;
    for (size_t i = 0; i < count; i++) {
        if (values[i] == COLUMN_NULL) {
            codes[i] = CODE_NULL;
            continue;
        }
        size_t place = key_mix(values[i]) % RECENT;
        if (recent[place].value != values[i]) {
            uint32_t code = find(__atomic_load_n(&dictionary->table, __ATOMIC_ACQUIRE), values[i]);
            if (code == CODE_NULL && !enter(dictionary, values[i], &code, error)) return false;
            recent[place].value = values[i];
            recent[place].code = code;
        }
        codes[i] = recent[place].code;
    }
    return true;
}

bool coding_encode(struct coding *coding, const int64_t *values, size_t count, uint32_t *codes, struct error *error)
{
    if (coding->kind == CODING_DICTIONARY) return encode_dictionary(coding->dictionary, values, count, codes, error);
    for (size_t i = 0; i < count; i++) {
        codes[i] = values[i] == COLUMN_NULL ? CODE_NULL : (uint32_t)((uint64_t)values[i] - (uint64_t)coding->base);
    }
    return true;
}

int64_t coding_value(const struct coding *coding, uint32_t code)
{
    if (code == CODE_NULL) return COLUMN_NULL;
    if (coding->kind != CODING_DICTIONARY) return coding->base + code;
    return __atomic_load_n(&coding->dictionary->values, __ATOMIC_ACQUIRE)->by_code[code];
}

uint32_t coding_count(const struct coding *coding)
{
    return coding->dictionary ? coding->dictionary->count : 0;
}
