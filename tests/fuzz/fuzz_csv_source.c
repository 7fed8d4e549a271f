/* Files of any bytes: plain, compressed, marked or declared in any encoding. The first byte picks the encoding. What
 * opens can be read to its end, and is never over the ceiling when it was unpacked. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "tabular/csv_source.h"

#define CEILING ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void read_whole(const struct csv_source *source)
{
    struct error error = {0};
    size_t size = source->size - source->start;
    char *bytes = memory_array(size + 1, 1, &error);

    require(bytes != NULL && source->start <= source->size);
    require(!source->unpacked || source->size <= CEILING);
    require(file_read_at(source->fd, bytes, size + 1, source->start, "source", &error) == (ssize_t)size);
    memory_free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error = {0};
    struct csv_source source;
    char path[40];

    if (size == 0) {
        return 0;
    }
    const struct csv_source_options options = {
        .encoding = (enum csv_encoding)(data[0] % 3), .hash = data[0] >= 128, .unpacked_ceiling = CEILING};
    int fd = memfd_create("fuzz", MFD_CLOEXEC);

    require(fd >= 0 && file_write(fd, data + 1, size - 1, "memory", &error));
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (csv_source_open(&source, path, &options, &error)) {
        read_whole(&source);
        require(csv_source_finish(&source, &error));
    } else {
        require(error.code == ERROR_INVALID || error.code == ERROR_LIMIT);
    }
    csv_source_close(&source);
    close(fd);
    return 0;
}
