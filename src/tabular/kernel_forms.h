/* What the forms of the kernels share: one cell at a time, exactly, and the forms for AVX2. */
#ifndef AISLE_TABULAR_KERNEL_FORMS_H
#define AISLE_TABULAR_KERNEL_FORMS_H

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

/* The AVX2 form of a kernel for a kind of column; NULL where there is none, or no AVX2. */
kernel_function *kernel_avx2(enum column_kind kind);

#endif
