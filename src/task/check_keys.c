#include "task/check_keys.h"

#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "base/memory.h"

/* A bitmap may take so many bits a key, or this many in all. */
#define BITS_A_KEY 64
#define BITS_ALWAYS ((uint64_t)1 << 26)

int64_t *key_list_room(struct key_list *list, size_t more, struct error *error)
{
    if (list->count + more > list->capacity) {
        size_t capacity = list->capacity * 2 > list->count + more ? list->capacity * 2 : list->count + more;
        int64_t *values = memory_resize(list->values, capacity, list->width * sizeof *values, error);
        if (!values) return NULL;
        list->values = values;
        list->capacity = capacity;
    }
    return list->values + list->count * list->width;
}

void key_list_free(struct key_list *list)
{
    memory_free(list->values);
    *list = (struct key_list){0};
}

static bool add_break(struct key_breaks *breaks, const struct key_break *item, struct error *error)
{
    if (breaks->count == breaks->capacity) {
        size_t capacity = breaks->capacity * 2 + 64;
        struct key_break *items = memory_resize(breaks->items, capacity, sizeof *items, error);
        if (!items) return false;
        breaks->items = items;
        breaks->capacity = capacity;
    }
    breaks->items[breaks->count++] = *item;
    return true;
}

void key_breaks_free(struct key_breaks *breaks)
{
    memory_free(breaks->items);
    *breaks = (struct key_breaks){0};
}

static int compare_breaks(const void *a, const void *b)
{
    const struct key_break *one = a, *two = b;
    if (one->row != two->row) return one->row < two->row ? -1 : 1;
    return (one->set > two->set) - (one->set < two->set);
}

void key_breaks_sort(struct key_breaks *breaks)
{
    if (breaks->count > 0) qsort(breaks->items, breaks->count, sizeof *breaks->items, compare_breaks);
}

static bool has_null(const int64_t *key, size_t width)
{
    for (size_t i = 0; i < width; i++)
        if (key[i] == COLUMN_NULL) return true;
    return false;
}

/* One number for a key: itself, or where it has several values a hash of them. */
static int64_t digest(const int64_t *key, size_t width)
{
    if (width == 1) return key[0];
    uint64_t hash = XXH3_64bits(key, width * sizeof *key);
    return (int64_t)(hash >> 1);
}

static int compare_numbers(const void *a, const void *b)
{
    const int64_t *one = a, *two = b;
    return (*one > *two) - (*one < *two);
}

/* Sorts by bytes, least significant first; `spare` has the same size. Bytes that are all alike are passed over. */
static void sort_numbers(int64_t *numbers, int64_t *spare, size_t count)
{
    int64_t *from = numbers, *to = spare;
    for (unsigned shift = 0; shift < 64; shift += 8) {
        size_t starts[256] = {0};
        for (size_t i = 0; i < count; i++) starts[((uint64_t)from[i] ^ (UINT64_C(1) << 63)) >> shift & 255]++;
        size_t sum = 0, most = 0;
        for (size_t i = 0; i < 256; i++) {
            size_t here = starts[i];
            most = here > most ? here : most;
            starts[i] = sum;
            sum += here;
        }
        if (most == count) continue;
        for (size_t i = 0; i < count; i++)
            to[starts[((uint64_t)from[i] ^ (UINT64_C(1) << 63)) >> shift & 255]++] = from[i];
        int64_t *other = from;
        from = to;
        to = other;
    }
    if (from != numbers && count > 0) memcpy(numbers, from, count * sizeof *numbers);
}

/* Numbers that lie close together, as a bit each. */
struct bitmap {
    uint64_t *words; /* NULL: they do not */
    int64_t least, most;
};

static bool bitmap_make(struct bitmap *bitmap, const int64_t *numbers, size_t count, struct error *error)
{
    *bitmap = (struct bitmap){.least = INT64_MAX, .most = INT64_MIN};
    for (size_t i = 0; i < count; i++) {
        bitmap->least = numbers[i] < bitmap->least ? numbers[i] : bitmap->least;
        bitmap->most = numbers[i] > bitmap->most ? numbers[i] : bitmap->most;
    }
    uint64_t range = (uint64_t)bitmap->most - (uint64_t)bitmap->least;
    if (count == 0 || (range > BITS_ALWAYS && range / BITS_A_KEY > count)) return true;
    bitmap->words = memory_zeroed((range / 64 + 1) * sizeof *bitmap->words, error);
    return bitmap->words != NULL;
}

/* Sets the bit of a number in range; whether it was set before. */
static bool bitmap_put(struct bitmap *bitmap, int64_t number)
{
    uint64_t at = (uint64_t)number - (uint64_t)bitmap->least;
    uint64_t bit = UINT64_C(1) << (at % 64);
    bool before = (bitmap->words[at / 64] & bit) != 0;
    bitmap->words[at / 64] |= bit;
    return before;
}

static bool bitmap_has(const struct bitmap *bitmap, int64_t number)
{
    uint64_t at = (uint64_t)number - (uint64_t)bitmap->least;
    return number >= bitmap->least && number <= bitmap->most && (bitmap->words[at / 64] >> (at % 64) & 1) != 0;
}

/* Keeps, of `count` numbers, those that occur more than once, sorted, each once; changes the array. */
static bool keep_repeated(int64_t *numbers, size_t *count, struct error *error)
{
    struct bitmap bitmap;
    size_t kept = 0;
    if (!bitmap_make(&bitmap, numbers, *count, error)) return false;
    if (bitmap.words) {
        for (size_t i = 0; i < *count; i++) {
            int64_t number = numbers[i];
            if (bitmap_put(&bitmap, number)) numbers[kept++] = number;
        }
        memory_free(bitmap.words);
        if (kept > 0) qsort(numbers, kept, sizeof *numbers, compare_numbers);
    } else {
        int64_t *spare = memory_array(*count + 1, sizeof *spare, error);
        if (!spare) return false;
        sort_numbers(numbers, spare, *count);
        memory_free(spare);
        for (size_t i = 1; i < *count; i++)
            if (numbers[i] == numbers[i - 1]) numbers[kept++] = numbers[i];
    }
    size_t once = 0;
    for (size_t i = 0; i < kept; i++)
        if (once == 0 || numbers[once - 1] != numbers[i]) numbers[once++] = numbers[i];
    *count = once;
    return true;
}

/* All rows with their keys, valid and rejected ones, in order of rows. */
struct key_walk {
    const struct keyed_rows *rows;
    size_t valid, rejected;
    uint64_t row;
};

static const int64_t *next_key(struct key_walk *walk, uint64_t *row)
{
    const struct keyed_rows *rows = walk->rows;
    if (walk->rejected < rows->rejected_count && rows->rejected_rows[walk->rejected] == walk->row) {
        *row = walk->row++;
        return rows->rejected.values + walk->rejected++ * rows->rejected.width;
    }
    if (walk->valid == rows->valid.count) return NULL;
    *row = walk->row++;
    return rows->valid.values + walk->valid++ * rows->valid.width;
}

static int compare_keys(const int64_t *a, const int64_t *b, size_t width)
{
    for (size_t i = 0; i < width; i++)
        if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
    return 0;
}

/* A row whose key may be repeated. */
struct candidate {
    const int64_t *key;
    uint64_t row;
};

static int compare_candidates(const void *a, const void *b, void *width)
{
    const struct candidate *one = a, *two = b;
    int order = compare_keys(one->key, two->key, *(const size_t *)width);
    return order != 0 ? order : (one->row > two->row) - (one->row < two->row);
}

/* Collects the rows whose digest is among the repeated ones. */
static bool collect(const struct keyed_rows *rows, const int64_t *repeated, size_t repeated_count,
                    struct candidate **candidates, size_t *count, struct error *error)
{
    struct key_walk walk = {.rows = rows, .row = 2};
    size_t width = rows->valid.width, capacity = 0;
    uint64_t row;
    for (const int64_t *key = next_key(&walk, &row); key; key = next_key(&walk, &row)) {
        if (has_null(key, width)) continue;
        int64_t number = digest(key, width);
        if (!bsearch(&number, repeated, repeated_count, sizeof number, compare_numbers)) continue;
        if (*count == capacity) {
            capacity = capacity * 2 + 256;
            struct candidate *more = memory_resize(*candidates, capacity, sizeof *more, error);
            if (!more) return false;
            *candidates = more;
        }
        (*candidates)[(*count)++] = (struct candidate){key, row};
    }
    return true;
}

static bool report_repeated(const struct keyed_rows *rows, const int64_t *repeated, size_t repeated_count, uint32_t set,
                            struct key_breaks *breaks, struct error *error)
{
    struct candidate *candidates __attribute__((cleanup(memory_release))) = NULL;
    size_t count = 0, width = rows->valid.width, first = 0;
    if (!collect(rows, repeated, repeated_count, &candidates, &count, error)) return false;
    if (count > 0) qsort_r(candidates, count, sizeof *candidates, compare_candidates, &width);
    for (size_t i = 1; i < count; i++) {
        if (compare_keys(candidates[i].key, candidates[first].key, width) != 0) {
            first = i;
            continue;
        }
        struct key_break item = {.row = candidates[i].row, .first_row = candidates[first].row, .set = set};
        if (!add_break(breaks, &item, error)) return false;
    }
    return true;
}

bool keys_find_repeated(const struct keyed_rows *rows, uint32_t set, struct key_breaks *breaks, struct error *error)
{
    size_t count = 0, width = rows->valid.width;
    int64_t *numbers __attribute__((cleanup(memory_release))) =
        memory_array(rows->valid.count + rows->rejected.count + 1, sizeof *numbers, error);
    if (!numbers) return false;
    const struct key_list *lists[] = {&rows->valid, &rows->rejected};
    for (size_t l = 0; l < 2; l++) {
        for (size_t i = 0; i < lists[l]->count; i++) {
            const int64_t *key = lists[l]->values + i * width;
            if (!has_null(key, width)) numbers[count++] = digest(key, width);
        }
    }
    if (!keep_repeated(numbers, &count, error)) return false;
    return count == 0 || report_repeated(rows, numbers, count, set, breaks, error);
}

static int compare_wide(const void *a, const void *b, void *width)
{
    return compare_keys(a, b, *(const size_t *)width);
}

/* Whether a sorted list holds a key. */
static bool holds(const struct key_list *sorted, const int64_t *key)
{
    size_t low = 0, high = sorted->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_keys(sorted->values + middle * sorted->width, key, sorted->width);
        if (order == 0) return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

bool keys_find_dangling(const struct keyed_rows *rows, struct key_list *foreign, uint32_t set,
                        struct key_breaks *breaks, struct error *error)
{
    struct bitmap bitmap = {0};
    size_t width = rows->valid.width;
    bool good = true;
    if (width == 1 && !bitmap_make(&bitmap, foreign->values, foreign->count, error)) return false;
    if (!bitmap.words && foreign->count > 0)
        qsort_r(foreign->values, foreign->count, width * sizeof *foreign->values, compare_wide, &width);
    for (size_t i = 0; bitmap.words && i < foreign->count; i++) bitmap_put(&bitmap, foreign->values[i]);
    struct key_walk walk = {.rows = rows, .row = 2};
    uint64_t row;
    for (const int64_t *key = next_key(&walk, &row); key && good; key = next_key(&walk, &row)) {
        if (has_null(key, width) || (bitmap.words ? bitmap_has(&bitmap, key[0]) : holds(foreign, key))) continue;
        struct key_break item = {.row = row, .set = set};
        good = add_break(breaks, &item, error);
    }
    memory_free(bitmap.words);
    return good;
}
