/* How fast each form of the CSV scan finds the fields of order items, and the facts of a block.
 *
 * usage: bench_csv_scan [MEGABYTES]
 *
 * Makes MEGABYTES (64) of lines, scans them in blocks of 512 KiB a few times, and prints the best GB/s of each form:
 * `memory` is over all of it, `cache` the first block again and again, `quoted` lines whose every cell is quoted. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "base/random.h"
#include "tabular/csv_scan_forms.h"

#define BLOCK ((size_t)512 << 10)
#define ROUNDS 25

static const struct csv_dialect DIALECT = {',', '"'};

/* Time that this program had the processor, so that a busy machine tells nearly the same as an idle one. */
static int64_t processor_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void append_number(struct buffer *into, const char *quote, uint64_t value)
{
    buffer_append_format(into, "%s%" PRIu64 "%s,", quote, value, quote);
}

/* One line of about 104 bytes and ten fields. */
static void append_line(struct buffer *into, struct random *random, uint64_t id, const char *quote)
{
    static const char *const statuses[] = {"delivered", "returned", "shipped", "processing"};
    uint64_t status = random_below(random, 4);

    append_number(into, quote, id);
    append_number(into, quote, id / 3);
    append_number(into, quote, random_below(random, 100000));
    append_number(into, quote, random_below(random, 29000));
    buffer_append_format(into, "%s%s%s,", quote, statuses[status], quote);
    for (uint64_t i = 0; i < 4; i++) {
        if (i == 0 || status + i < 4) {
            buffer_append_format(into, "%s2025-03-30T17:09:%02" PRIu64 "%s,", quote, random_below(random, 60), quote);
        } else {
            buffer_append_char(into, ',');
        }
    }
    buffer_append_format(into, "%s%" PRIu64 ".50%s\n", quote, random_below(random, 140), quote);
}

static bool make_lines(struct buffer *into, size_t size, const char *quote, struct error *error)
{
    struct random random;

    random_seed(&random, 7);
    for (uint64_t id = 100000; into->length < size && !into->failed; id++) {
        append_line(into, &random, id, quote);
    }
    /* What a block may read past its end. */
    buffer_append_format(into, "%*s", CSV_PADDING, "");
    return buffer_check(into, error);
}

/* Each block begins where the last record of the one before ended. */
static size_t scan_all(const struct csv_form *form, const char *data, size_t size, struct csv_index *index)
{
    size_t fields = 0;
    size_t consumed = 0;

    for (size_t at = 0; at < size; at += consumed) {
        form->scan(data + at, size - at < BLOCK ? size - at : BLOCK, &DIALECT, index, &consumed);
        fields += index->field_count;
        if (consumed == 0) {
            break;
        }
    }
    return fields;
}

static double scan_speed(const struct csv_form *form, const char *data, size_t size, size_t times,
                         struct csv_index *index)
{
    int64_t best = INT64_MAX;
    size_t fields = 0;

    for (int round = 0; round < ROUNDS; round++) {
        int64_t start = processor_us();

        for (size_t i = 0; i < times; i++) {
            fields += scan_all(form, data, size, index);
        }
        int64_t took = processor_us() - start;

        best = took < best ? took : best;
    }
    return fields > 0 ? (double)(size * times) / (double)best / 1000 : 0;
}

static double facts_speed(const struct csv_form *form, const char *data, size_t size)
{
    int64_t best = INT64_MAX;
    uint64_t newlines = 0;

    for (int round = 0; round < ROUNDS; round++) {
        int64_t start = processor_us();

        for (size_t at = 0; at < size; at += BLOCK) {
            struct csv_block_facts facts;

            form->facts(data + at, size - at < BLOCK ? size - at : BLOCK, &DIALECT, &facts);
            newlines += facts.newlines;
        }
        int64_t took = processor_us() - start;

        best = took < best ? took : best;
    }
    return newlines > 0 ? (double)size / (double)best / 1000 : 0;
}

static void run(struct buffer *plain, struct buffer *quoted, struct csv_index *index)
{
    size_t count;
    const struct csv_form *forms = csv_forms(&count);
    size_t size = plain->length - CSV_PADDING;
    size_t quoted_size = quoted->length - CSV_PADDING;
    size_t block = size < BLOCK ? size : BLOCK;

    printf("%-10s %8s %8s %8s %8s %8s\n", "GB/s", "memory", "cache", "quoted", "facts", "f.quoted");
    for (size_t i = 0; i < count; i++) {
        if (!forms[i].available()) {
            continue;
        }
        printf("%-10s %8.2f %8.2f %8.2f %8.2f %8.2f\n", forms[i].name,
               scan_speed(&forms[i], plain->data, size, 1, index),
               scan_speed(&forms[i], plain->data, block, size / block, index),
               scan_speed(&forms[i], quoted->data, quoted_size, 1, index), facts_speed(&forms[i], plain->data, size),
               facts_speed(&forms[i], quoted->data, quoted_size));
    }
}

int main(int argc, char **argv)
{
    struct error error = {0};
    struct buffer plain = {0};
    struct buffer quoted = {0};
    size_t size = (argc > 1 ? strtoul(argv[1], NULL, 10) : 64) * 1000000;
    struct csv_index index = {
        .ends = memory_array(BLOCK + 64, sizeof *index.ends, &error),
        .record_ends = memory_array(BLOCK + 64, sizeof *index.record_ends, &error),
    };
    bool good = index.ends != NULL && index.record_ends != NULL && make_lines(&plain, size, "", &error) &&
                make_lines(&quoted, size, "\"", &error);

    if (good) {
        run(&plain, &quoted, &index);
    } else {
        fprintf(stderr, "%s\n", error.message);
    }
    buffer_free(&plain);
    buffer_free(&quoted);
    memory_free(index.ends);
    memory_free(index.record_ends);
    return good ? 0 : 1;
}
