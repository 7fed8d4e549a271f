/* A blob's bytes: a form, a size and stored bytes either open and give what fits the size, or are refused. And whatever
 * is written in that form comes back. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/local/blob.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEAD 5

static const uint8_t key[32] = "the key of the blobs in the test";

static void check_back(const struct blob_stored *stored, const struct blob_form *form, const uint8_t *bytes,
                       size_t size)
{
    struct error error;
    uint8_t back[1000];
    struct blob_reader *reader = blob_open_bytes(stored->bytes, stored->stored_bytes, form, size, &error);
    if (!reader) abort();
    for (size_t at = 0; at <= size; at += 777) {
        size_t wanted = size - at < sizeof back ? size - at : sizeof back;
        if (blob_read(reader, back, sizeof back, at, &error) != (ssize_t)wanted) abort();
        if (wanted > 0 && memcmp(back, bytes + at, wanted) != 0) abort();
    }
    blob_reader_free(reader);
}

static void write_and_read(const struct blob_form *form, const uint8_t *bytes, size_t size)
{
    struct error error;
    struct blob_stored stored;
    struct blob_writer *writer = blob_create("/nowhere", form, UINT32_MAX, &error);
    if (!writer || !blob_write(writer, bytes, size, &error) || !blob_finish(writer, &stored, &error)) abort();
    check_back(&stored, form, bytes, size);
    blob_writer_free(writer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error;
    uint8_t part[4096];
    uint32_t size_bytes = 0;
    if (size < HEAD) return 0;
    struct blob_form form = {.compressed = (data[0] & 1) != 0, .key = (data[0] & 2) != 0 ? key : NULL};
    memcpy(&size_bytes, data + 1, sizeof size_bytes);
    size_bytes &= (1U << 22) - 1;
    struct blob_reader *reader = blob_open_bytes(data + HEAD, size - HEAD, &form, size_bytes, &error);
    for (uint64_t at = 0; reader && at < size_bytes; at += 100000) {
        ssize_t got = blob_read(reader, part, sizeof part, at, &error);
        uint64_t there = size_bytes - at;
        if (got >= 0 && (uint64_t)got != (there < sizeof part ? there : sizeof part)) abort();
    }
    blob_reader_free(reader);
    write_and_read(&form, data + HEAD, size - HEAD);
    return 0;
}
