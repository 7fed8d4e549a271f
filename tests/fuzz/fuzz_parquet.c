/* The Parquet reader over any bytes: every column of every row group, as numbers, texts and terms. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "tabular/parquet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* More rows than this take long to fill and show nothing that fewer do not. */
enum { MOST_ROWS = 200000 };

/* Every byte of a text that was handed out must be readable. */
static unsigned touch(const struct str *texts, size_t count)
{
    unsigned sum = 0;

    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < texts[i].length && j < 64; j++) {
            sum += (unsigned char)texts[i].data[j];
        }
        if (texts[i].length > 0) {
            sum += (unsigned char)texts[i].data[texts[i].length - 1];
        }
    }
    return sum;
}

static void read_all(struct parquet_reader *reader)
{
    struct error error;
    struct terms *terms = terms_new(&error);
    unsigned sum = 0;

    for (size_t group = 0; group < parquet_group_count(reader); group++) {
        size_t rows = (size_t)parquet_group_rows(reader, group);

        if (rows > MOST_ROWS) {
            continue;
        }
        int64_t *values = memory_array(rows + 1, sizeof *values, &error);
        struct str *texts = memory_array(rows + 1, sizeof *texts, &error);

        for (size_t field = 0; field < parquet_field_count(reader); field++) {
            bool is_text = parquet_field_at(reader, field)->kind == COLUMN_TEXT;

            if (parquet_read_column(reader, group, field, NULL, values, texts, &error) && is_text) {
                sum += touch(texts, rows);
            }
            if (is_text) {
                parquet_read_column(reader, group, field, terms, values, texts, &error);
            }
        }
        memory_free(values);
        memory_free(texts);
    }
    terms_free(terms);
    __asm__ volatile("" : : "r"(sum)); /* what was touched is not left out by the compiler */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error;
    char path[64];
    int fd = memfd_create("input", MFD_CLOEXEC);

    if (fd < 0 || !file_write(fd, data, size, "input", &error)) {
        abort();
    }
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct parquet_reader *reader = parquet_open(path, &error);

    if (reader != NULL) {
        read_all(reader);
        parquet_reader_free(reader);
    }
    close(fd);
    return 0;
}
