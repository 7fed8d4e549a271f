#include "tabular/kernels.h"

#include <stdlib.h>
#include <string.h>

#include "tabular/csv_scan.h"
#include "tabular/datetime.h"
#include "tabular/kernel_cells.h"
#include "tabular/kernel_forms.h"
#include "tabular/term_code.h"

static const int64_t powers_of_ten[19] = {
    INT64_C(1),
    INT64_C(10),
    INT64_C(100),
    INT64_C(1000),
    INT64_C(10000),
    INT64_C(100000),
    INT64_C(1000000),
    INT64_C(10000000),
    INT64_C(100000000),
    INT64_C(1000000000),
    INT64_C(10000000000),
    INT64_C(100000000000),
    INT64_C(1000000000000),
    INT64_C(10000000000000),
    INT64_C(100000000000000),
    INT64_C(1000000000000000),
    INT64_C(10000000000000000),
    INT64_C(100000000000000000),
    INT64_C(1000000000000000000),
};

void kernel_cache_init(struct kernel_cache *cache)
{
    memset(cache, 0, sizeof *cache);
    for (size_t i = 0; i < KERNEL_CACHE_SLOTS; i++) cache->slots[i].length = KERNEL_CACHE_TEXT + 1;
}

void kernel_cache_put(struct kernel_cache *cache, struct str text, int64_t value)
{
    if (text.length > KERNEL_CACHE_TEXT || text.length == 0) return;
    /* Two places for each text, of which the newer one is kept when both are taken. */
    size_t slot = kernel_cache_slot(text);
    if (cache->slots[slot].length <= KERNEL_CACHE_TEXT) cache->slots[slot ^ 1] = cache->slots[slot];
    memset(cache->slots[slot].text, 0, KERNEL_CACHE_TEXT);
    memcpy(cache->slots[slot].text, text.data, text.length);
    cache->slots[slot].length = (uint32_t)text.length;
    cache->slots[slot].value = value;
}

bool kernel_cache_find(const struct kernel_cache *cache, struct str text, int64_t *value)
{
    if (text.length > KERNEL_CACHE_TEXT || text.length == 0) return false;
    size_t slot = kernel_cache_slot(text);
    for (size_t way = 0; way < 2; way++, slot ^= 1) {
        *value = cache->slots[slot].value;
        if (cache->slots[slot].length == text.length && memcmp(cache->slots[slot].text, text.data, text.length) == 0)
            return true;
    }
    return false;
}

/* A byte that trimming might take away, or worse. */
static bool is_edge(char c)
{
    return (unsigned char)c <= ' ';
}

bool kernel_term(const struct kernel *kernel, const struct kernel_cache *cache, struct str text, int64_t *value)
{
    if (text.length == 0) {
        *value = COLUMN_NULL;
        return kernel->null_taken;
    }
    if (kernel->plain_terms && text.length <= TERM_NUMBER_DIGITS) {
        if (text.data[0] != '0' || text.length == 1) {
            if (cell_digits(text, value)) return true;
        }
        if (text.length <= TERM_SHORT_BYTES) {
            *value = term_of_short(text);
            bool fine = !is_edge(text.data[0]) && !is_edge(text.data[text.length - 1]);
            for (size_t i = 0; i < kernel->missing_count; i++) fine = fine && *value != kernel->missing[i];
            return fine;
        }
    }
    return cache != NULL && kernel_cache_find(cache, text, value);
}

bool kernel_integer(const struct kernel *kernel, struct str text, int64_t *value)
{
    if (text.length == 0) {
        *value = COLUMN_NULL;
        return kernel->null_taken;
    }
    return cell_integer(text, value);
}

bool kernel_decimal(const struct kernel *kernel, struct str text, int64_t *value)
{
    if (text.length == 0) {
        *value = COLUMN_NULL;
        return kernel->null_taken;
    }
    return cell_decimal(text, kernel->field->scale, powers_of_ten, value);
}

bool kernel_date(const struct kernel *kernel, struct str text, int64_t *value)
{
    if (text.length == 0) {
        *value = COLUMN_NULL;
        return kernel->null_taken;
    }
    return text.length == 10 && cell_date(text.data, value);
}

bool kernel_timestamp(const struct kernel *kernel, struct str text, int64_t *value)
{
    if (text.length == 0) {
        *value = COLUMN_NULL;
        return kernel->null_taken;
    }
    if (text.length == 10 && kernel->any_format) {
        int64_t days = 0;
        bool fine = cell_date(text.data, &days);
        *value = days * 86400;
        return fine;
    }
    return cell_timestamp(text, value);
}

void kernel_bounds(const struct kernel *kernel, const int64_t *values, size_t count, uint64_t *doubtful)
{
    for (size_t i = 0; i < count; i++) {
        bool outside = values[i] != COLUMN_NULL && (values[i] < kernel->least || values[i] > kernel->most);
        doubtful[i / 64] |= (uint64_t)outside << (i % 64);
    }
}

static void run_term(const struct kernel *kernel, const struct kernel_cache *cache, const struct cells *cells,
                     int64_t *values, uint64_t *doubtful)
{
    for (size_t i = 0; i < cells->count; i++)
        doubtful[i / 64] |= (uint64_t)!kernel_term(kernel, cache, cell_at(cells, i), &values[i]) << (i % 64);
}

static void run_integer(const struct kernel *kernel, const struct kernel_cache *cache, const struct cells *cells,
                        int64_t *values, uint64_t *doubtful)
{
    (void)cache;
    for (size_t i = 0; i < cells->count; i++)
        doubtful[i / 64] |= (uint64_t)!kernel_integer(kernel, cell_at(cells, i), &values[i]) << (i % 64);
    if (kernel->bounded) kernel_bounds(kernel, values, cells->count, doubtful);
}

static void run_decimal(const struct kernel *kernel, const struct kernel_cache *cache, const struct cells *cells,
                        int64_t *values, uint64_t *doubtful)
{
    (void)cache;
    for (size_t i = 0; i < cells->count; i++)
        doubtful[i / 64] |= (uint64_t)!kernel_decimal(kernel, cell_at(cells, i), &values[i]) << (i % 64);
    if (kernel->bounded) kernel_bounds(kernel, values, cells->count, doubtful);
}

static void run_date(const struct kernel *kernel, const struct kernel_cache *cache, const struct cells *cells,
                     int64_t *values, uint64_t *doubtful)
{
    (void)cache;
    for (size_t i = 0; i < cells->count; i++)
        doubtful[i / 64] |= (uint64_t)!kernel_date(kernel, cell_at(cells, i), &values[i]) << (i % 64);
    if (kernel->bounded) kernel_bounds(kernel, values, cells->count, doubtful);
}

static void run_timestamp(const struct kernel *kernel, const struct kernel_cache *cache, const struct cells *cells,
                          int64_t *values, uint64_t *doubtful)
{
    (void)cache;
    for (size_t i = 0; i < cells->count; i++)
        doubtful[i / 64] |= (uint64_t)!kernel_timestamp(kernel, cell_at(cells, i), &values[i]) << (i % 64);
    if (kernel->bounded) kernel_bounds(kernel, values, cells->count, doubtful);
}

/* Any type of which a column repeats its texts. */
static void run_cached(const struct kernel *kernel, const struct kernel_cache *cache, const struct cells *cells,
                       int64_t *values, uint64_t *doubtful)
{
    for (size_t i = 0; i < cells->count; i++) {
        struct str text = cell_at(cells, i);
        bool null = text.length == 0 && kernel->null_taken;
        bool fine = null || kernel_cache_find(cache, text, &values[i]);
        values[i] = null ? COLUMN_NULL : values[i];
        doubtful[i / 64] |= (uint64_t)!fine << (i % 64);
    }
}

/* Whether a text of this length might be one that means no value; those of no length have a rule of their own. */
static bool may_be_missing(const struct field *field, size_t length)
{
    for (size_t i = 0; i < field->missing_count; i++)
        if (field->missing[i].length == length) return true;
    return false;
}

/* Texts are kept as they are; only their rules are looked at. */
static void run_text(const struct kernel *kernel, const struct kernel_cache *cache, const struct cells *cells,
                     int64_t *values, uint64_t *doubtful)
{
    (void)cache;
    (void)values;
    const struct field *field = kernel->field;
    for (size_t i = 0; i < cells->count; i++) {
        struct str text = cell_at(cells, i);
        bool fine = kernel->null_taken;
        if (text.length > 0)
            fine = !is_edge(text.data[0]) && !is_edge(text.data[text.length - 1]) &&
                   !may_be_missing(field, text.length) &&
                   (!field->has_lengths ||
                    (cells->ascii && text.length >= field->min_length && text.length <= field->max_length));
        doubtful[i / 64] |= (uint64_t)!fine << (i % 64);
    }
}

/* Every cell, also an empty one, needs a look. */
static void run_doubt(const struct kernel *kernel, const struct kernel_cache *cache, const struct cells *cells,
                      int64_t *values, uint64_t *doubtful)
{
    (void)kernel;
    (void)cache;
    (void)values;
    for (size_t i = 0; i < cells->count; i++) doubtful[i / 64] |= UINT64_C(1) << (i % 64);
}

static bool empty_is_missing(const struct field *field)
{
    for (size_t i = 0; i < field->missing_count; i++)
        if (field->missing[i].length == 0) return true;
    return false;
}

/* Whether some text that means no value could pass for a value of a type whose kernel looks at digits. */
static bool missing_looks_like_value(const struct field *field)
{
    for (size_t i = 0; i < field->missing_count; i++)
        if (field->missing[i].length > 0 && memchr("-0123456789", field->missing[i].data[0], 11) != NULL) return true;
    return false;
}

/* The bounds in the kernel's unit; a value at the edge of int64 leaves it to field_judge. */
static bool choose_bounds(struct kernel *kernel)
{
    const struct field *field = kernel->field;
    int64_t least = field->has_minimum ? field->minimum : INT64_MIN + 1;
    int64_t most = field->has_maximum ? field->maximum : INT64_MAX;
    if ((field->has_minimum && field->exclusive_minimum && least++ == INT64_MAX) ||
        (field->has_maximum && field->exclusive_maximum && most-- == INT64_MIN))
        return false;
    kernel->bounded = field->has_minimum || field->has_maximum;
    /* Rounded towards the inside. */
    kernel->least = least / kernel->unit + (least % kernel->unit > 0);
    kernel->most = most / kernel->unit - (most % kernel->unit < 0);
    return true;
}

static bool is_plain_number(const struct field *field)
{
    return field->number.decimal == '.' && field->number.group == 0 && field->number.bare;
}

static void choose_term(struct kernel *kernel, struct terms *terms)
{
    const struct field *field = kernel->field;
    size_t room = sizeof kernel->missing / sizeof kernel->missing[0];
    kernel->cached = true;
    kernel->plain_terms =
        field->enum_count == 0 && field->pattern == NULL && !field->has_lengths && field->form == FORM_NONE;
    for (size_t i = 0; i < field->missing_count; i++) {
        struct str text = field->missing[i];
        if (text.length == 0 || text.length > TERM_NUMBER_DIGITS) continue;
        term code = term_find(terms, text);
        bool number = code != TERM_NULL && term_tag(code) == TERM_TAG_NUMBER;
        if (number || (text.length <= TERM_SHORT_BYTES && kernel->missing_count == room))
            kernel->plain_terms = false;
        else if (text.length <= TERM_SHORT_BYTES)
            kernel->missing[kernel->missing_count++] = code;
    }
}

static kernel_function *choose_value(struct kernel *kernel)
{
    const struct field *field = kernel->field;
    bool plain = field->enum_count == 0 && field->pattern == NULL && !field->has_lengths &&
                 !missing_looks_like_value(field) && choose_bounds(kernel);
    if (!plain) return NULL;
    switch (field->type) {
    case FIELD_INTEGER:
        return is_plain_number(field) ? run_integer : NULL;
    case FIELD_NUMBER:
        return is_plain_number(field) ? run_decimal : NULL;
    case FIELD_DATE:
        return field->format == NULL ? run_date : NULL;
    case FIELD_DATETIME:
        kernel->any_format = field->format != NULL && strcmp(field->format, "any") == 0;
        if (field->format != NULL && !kernel->any_format) return NULL;
        kernel->unit = MICROSECONDS_PER_SECOND;
        choose_bounds(kernel);
        return run_timestamp;
    default:
        return NULL;
    }
}

void kernel_choose(struct kernel *kernel, const struct field *field, enum kernel_tier tier, struct terms *terms)
{
    *kernel = (struct kernel){.field = field, .unit = 1};
    kernel->null_taken = empty_is_missing(field) && !field->required && !field->has_default;
    switch (field->kind) {
    case COLUMN_TERM:
        choose_term(kernel, terms);
        kernel->run = run_term;
        break;
    case COLUMN_TEXT:
        kernel->run =
            field->pattern != NULL || field->enum_count > 0 || field->form != FORM_NONE ? run_doubt : run_text;
        kernel->idle = kernel->run == run_text && !field->required && !field->has_lengths;
        break;
    default:
        kernel->run = choose_value(kernel);
        break;
    }
    if (kernel->run == NULL) {
        kernel->cached = true;
        kernel->run = run_cached;
    }
    kernel_function *wide = tier == KERNEL_AVX2 ? kernel_avx2(kernel) : NULL;
    if (wide != NULL) kernel->run = wide;
}

enum kernel_tier kernel_best_tier(void)
{
    const char *wish = getenv("AISLE_SIMD");
    bool allowed = wish == NULL || strcmp(wish, "avx2") == 0;
    return allowed ? KERNEL_AVX2 : KERNEL_SCALAR;
}
