#include "base/memory.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef AISLE_TORTURE
#include <pthread.h>
#include <stdatomic.h>

static pthread_once_t torture_once = PTHREAD_ONCE_INIT;
static _Atomic uint64_t torture_at;    /* 0: no allocation is to fail */
static _Atomic uint64_t torture_count; /* allocations so far */

/* Leaves the number of allocations in the file that AISLE_COUNT_ALLOCATIONS names. */
static void torture_write_count(void)
{
    FILE *file = fopen(getenv("AISLE_COUNT_ALLOCATIONS"), "we");

    if (file != NULL) {
        fprintf(file, "%llu\n", (unsigned long long)atomic_load(&torture_count));
        fclose(file);
    }
}

static void torture_read(void)
{
    const char *text = getenv("AISLE_FAIL_ALLOCATION");

    atomic_store(&torture_at, text != NULL ? strtoull(text, NULL, 10) : 0);
    if (getenv("AISLE_COUNT_ALLOCATIONS") != NULL) {
        atexit(torture_write_count);
    }
}

bool memory_fail_at(uint64_t n)
{
    pthread_once(&torture_once, torture_read);
    bool failed = atomic_load(&torture_at) != 0 && atomic_load(&torture_count) >= atomic_load(&torture_at);

    atomic_store(&torture_count, 0);
    atomic_store(&torture_at, n);
    return failed;
}

/* Whether this allocation is the one that is to fail. */
static bool torture_fails(void)
{
    pthread_once(&torture_once, torture_read);
    return atomic_fetch_add(&torture_count, 1) + 1 == atomic_load(&torture_at);
}
#else
static bool torture_fails(void)
{
    return false;
}
#endif

static void *report(struct error *error, size_t size)
{
    error_set(error, ERROR_MEMORY, "out of memory: %zu bytes could not be had; use a smaller memory limit or file",
              size);
    return NULL;
}

void *memory_zeroed(size_t size, struct error *error)
{
    void *bytes = torture_fails() ? NULL : calloc(1, size > 0 ? size : 1);

    return bytes != NULL ? bytes : report(error, size);
}

void *memory_array(size_t count, size_t size, struct error *error)
{
    return memory_resize(NULL, count, size, error);
}

void *memory_resize(void *old, size_t count, size_t size, struct error *error)
{
    size_t total = 0;

    if (__builtin_mul_overflow(count, size, &total)) {
        return report(error, SIZE_MAX);
    }
    void *bytes = torture_fails() ? NULL : realloc(old, total > 0 ? total : 1);

    return bytes != NULL ? bytes : report(error, total);
}

void *memory_aligned(size_t size, struct error *error)
{
    void *bytes = NULL;

    if (torture_fails() || posix_memalign(&bytes, 64, size > 0 ? size : 1) != 0) {
        return report(error, size);
    }
    return bytes;
}

char *memory_copy_text(const char *text, size_t length, struct error *error)
{
    char *copy = length < SIZE_MAX ? memory_array(length + 1, 1, error) : report(error, length);

    if (copy != NULL) {
        if (length > 0) {
            memcpy(copy, text, length);
        }
        copy[length] = '\0';
    }
    return copy;
}

void memory_free(void *pointer)
{
    free(pointer);
}

void memory_release(void *pointer_to_pointer)
{
    void **pointer = pointer_to_pointer;

    free(*pointer);
    *pointer = NULL;
}

void memory_return_early(void)
{
#ifdef __GLIBC__
    /* Given, it no longer grows by itself to what was last freed. */
    mallopt(M_MMAP_THRESHOLD, 256 * 1024);
#endif
}

void memory_trim(void)
{
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

/* The number that a file starts with, or `otherwise` when there is none, as in "max". */
static uint64_t number_in(const char *path, uint64_t otherwise)
{
    char line[64] = "";
    char *end = line;
    FILE *file = fopen(path, "re");

    if (file == NULL) {
        return otherwise;
    }
    if (fgets(line, sizeof line, file) == NULL) {
        line[0] = '\0';
    }
    fclose(file);
    unsigned long long number = strtoull(line, &end, 10);

    return end != line ? number : otherwise;
}

/* Puts the folder of this process in the unified hierarchy after what is in `path`, when there is one. */
static void append_cgroup_folder(char *path, size_t size)
{
    char line[1024];
    FILE *file = fopen("/proc/self/cgroup", "re");

    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        size_t length = strcspn(line, "\n");

        if (strncmp(line, "0::/", 4) == 0 && length > 4 && strlen(path) + length < size) {
            strncat(path, line + 3, length - 3);
            break;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
}

/* The least limit of this process's control group and those above it (cgroup v2), or of v1's. */
static uint64_t cgroup_limit(void)
{
    static const char root[] = "/sys/fs/cgroup";
    static const char limit_name[] = "/memory.max";
    char folder[1024] = "/sys/fs/cgroup";
    char path[sizeof folder + sizeof limit_name];
    uint64_t least = number_in("/sys/fs/cgroup/memory/memory.limit_in_bytes", UINT64_MAX);

    append_cgroup_folder(folder, sizeof folder);
    while (strlen(folder) >= sizeof root - 1) {
        snprintf(path, sizeof path, "%s%s", folder, limit_name);
        uint64_t limit = number_in(path, UINT64_MAX);

        least = limit < least ? limit : least;
        *strrchr(folder, '/') = '\0';
    }
    return least;
}

uint64_t memory_total_bytes(void)
{
    long pages = sysconf(_SC_PHYS_PAGES);
    long page_bytes = sysconf(_SC_PAGESIZE);
    uint64_t machine = pages > 0 && page_bytes > 0 ? (uint64_t)pages * (uint64_t)page_bytes : UINT64_C(1) << 30;
    uint64_t limit = cgroup_limit();

    return limit < machine ? limit : machine;
}
