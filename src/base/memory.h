/* Allocation that can fail, on purpose too.
 *
 * All memory of the house comes from here. A failure is an ERROR_MEMORY with the size that was asked for,
 * never an abort. In debug builds AISLE_FAIL_ALLOCATION=N makes the N-th allocation of the process fail,
 * which the torture suite walks through; AISLE_COUNT_ALLOCATIONS names a file that their number is left in.
 */
#ifndef AISLE_BASE_MEMORY_H
#define AISLE_BASE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* `size` zeroed bytes; free with memory_free. NULL on failure. */
void *memory_zeroed(size_t size, struct error *error);

/* An uninitialised array of `count` elements of `size` bytes; overflow of the product is a failure. */
void *memory_array(size_t count, size_t size, struct error *error);

/* Grows or shrinks `old` (or allocates, when it is NULL) to `count` elements of `size` bytes. On failure
 * returns NULL and leaves `old` as it was. */
void *memory_resize(void *old, size_t count, size_t size, struct error *error);

/* `size` bytes aligned to 64, for vector kernels; free with memory_free. */
void *memory_aligned(size_t size, struct error *error);

/* A NUL-terminated copy of `length` bytes. */
char *memory_copy_text(const char *text, size_t length, struct error *error);

void memory_free(void *pointer);

/* For `__attribute__((cleanup(memory_release)))` on a pointer variable. */
void memory_release(void *pointer_to_pointer);

#ifdef AISLE_TORTURE
/* Debug builds only: makes the n-th allocation from now on fail (0: none). True when the one asked for before
 * has failed meanwhile. Overrides AISLE_FAIL_ALLOCATION. */
bool memory_fail_at(uint64_t n);
#endif

/* From now on blocks of 256 KiB and more go back to the system as soon as they are freed, in the whole process, at the
 * price of some time for getting new ones: for work that has to stay under a limit. */
void memory_return_early(void);

/* Gives back to the system what was freed and is kept for later: for a server that has become idle. */
void memory_trim(void);

/* Bytes of RAM of this machine (or of its cgroup, when that is less). */
uint64_t memory_total_bytes(void);

#endif
