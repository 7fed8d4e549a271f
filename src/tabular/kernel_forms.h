/* What the forms of the kernels share: one cell at a time, exactly, and the forms for AVX2. */
#ifndef AISLE_TABULAR_KERNEL_FORMS_H
#define AISLE_TABULAR_KERNEL_FORMS_H

#include "tabular/kernel_cells.h"
#include "tabular/kernels.h"

/* Each gives the value of a cell and whether it is plainly right. */
bool kernel_term(const struct kernel *kernel, const struct kernel_cache *cache, struct str text, int64_t *value);
bool kernel_integer(const struct kernel *kernel, struct str text, int64_t *value);
bool kernel_decimal(const struct kernel *kernel, struct str text, int64_t *value);
bool kernel_date(const struct kernel *kernel, struct str text, int64_t *value);
bool kernel_timestamp(const struct kernel *kernel, struct str text, int64_t *value);

/* Marks values outside the kernel's bounds. */
void kernel_bounds(const struct kernel *kernel, const int64_t *values, size_t count, uint64_t *doubtful);

bool kernel_cache_find(const struct kernel_cache *cache, struct str text, int64_t *value);

/* Where a text of at least one byte is looked for first: by its first and last eight bytes, or all it has. The other
 * place is slot ^ 1. */
static inline size_t kernel_cache_slot(struct str text)
{
    size_t size = text.length < 8 ? text.length : 8;
    unsigned junk = (unsigned)(64 - 8 * size);
    uint64_t first = load_word(text.data) << junk;
    uint64_t last = load_word(text.data + text.length - 8) >> junk;
    uint64_t mixed = (first ^ (last << 3 | last >> 61) ^ text.length) * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(mixed >> 57) % KERNEL_CACHE_SLOTS;
}

/* The AVX2 form of a kernel that has been chosen; NULL where there is none, or no AVX2. */
kernel_function *kernel_avx2(const struct kernel *kernel);

#endif
