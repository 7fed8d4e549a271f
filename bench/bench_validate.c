/* How fast order items become typed, validated, packed batches.
 *
 * usage: bench_validate SCHEMA FOLDER [MEGABYTES [THREADS [BAD_SHARE_PERCENT]]]
 *
 * Writes a file of about MEGABYTES (500) to FOLDER, judges it a few times from the page cache with THREADS (1) threads,
 * prints the best times, and removes it. BAD_SHARE_PERCENT of the rows have a negative price. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "tabular/validate.h"

#define ROUNDS 5

struct setting {
    const char *schema, *folder;
    size_t megabytes;
    unsigned threads;
    unsigned bad_percent;
};

static void append_moment(struct buffer *into, uint64_t minutes)
{
    buffer_append_format(into, "2025-%02" PRIu64 "-%02" PRIu64 "T%02" PRIu64 ":%02" PRIu64 ":%02" PRIu64 ",",
                         1 + minutes / 40320 % 12, 1 + minutes / 1440 % 28, minutes / 60 % 24, minutes % 60,
                         minutes % 59);
}

static void append_row(struct buffer *into, struct random *random, uint64_t id, uint64_t order, bool bad)
{
    static const char *const statuses[] = {"delivered", "delivered", "returned", "shipped", "processing", "cancelled"};
    uint64_t status = random_below(random, 6);
    uint64_t created = random_below(random, 480000);
    buffer_append_format(into, "%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%s,", id, order,
                         1 + random_below(random, 100000), 1 + random_below(random, 29000), statuses[status]);
    append_moment(into, created);
    if (status < 4)
        append_moment(into, created + 1000);
    else
        buffer_append_char(into, ',');
    if (status < 3)
        append_moment(into, created + 3000);
    else
        buffer_append_char(into, ',');
    if (status == 2)
        append_moment(into, created + 9000);
    else
        buffer_append_char(into, ',');
    buffer_append_format(into, "%s%" PRIu64 ".%02" PRIu64 "\n", bad ? "-" : "", random_below(random, 140),
                         random_below(random, 100));
}

static bool write_items(int fd, const char *path, const struct setting *setting, struct error *error)
{
    struct random random;
    random_seed(&random, 7);
    struct buffer rows;
    buffer_init(&rows, 0);
    buffer_append_text(&rows, "id,order_id,user_id,product_id,status,created_at,shipped_at,delivered_at,returned_at,"
                              "sale_price\n");
    bool fine = true;
    uint64_t id = 0;
    uint64_t order = 1;
    for (size_t written = 0; fine && written < setting->megabytes * 1000000;) {
        while (rows.length < 1000000) {
            order += random_below(&random, 5) < 2;
            append_row(&rows, &random, ++id, order, random_below(&random, 100) < setting->bad_percent);
        }
        written += rows.length;
        fine = buffer_check(&rows, error) && file_write(fd, rows.data, rows.length, path, error);
        buffer_clear(&rows);
    }
    buffer_free(&rows);
    return fine;
}

struct cost {
    double seconds, processor_seconds;
};

static double processor_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* Judges the file once. */
static bool judge(const char *path, const struct schema *schema, struct team *team, int rejects_fd, struct cost *cost,
                  struct file_report *report, struct error *error)
{
    bool keep[64] = {false};
    static const char *const wanted[] = {"id", "order_id", "product_id", "sale_price"};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) keep[schema_find(schema, str_of(wanted[i]))] = true;
    struct csv_source source;
    struct terms *terms = terms_new(error);
    if (terms == NULL || !csv_source_open(&source, path, &(struct csv_source_options){0}, error)) return false;
    int64_t start = clock_monotonic_us();
    double processor_start = processor_seconds();
    struct validate_file file = {.source = &source,
                                 .schema = schema,
                                 .keep = keep,
                                 .rejects_fd = rejects_fd,
                                 .rejects_path = "rejects",
                                 .valid_fd = -1};
    struct validate_options options = {.terms = terms, .batches = true};
    struct validation *validation = validation_new(team, &file, 1, &options, error);
    struct batch **batches = NULL;
    size_t count = 0;
    bool done;
    bool fine = validation != NULL && validation_next(validation, &batches, &count, &done, error);
    cost->seconds = (double)(clock_monotonic_us() - start) / 1e6;
    cost->processor_seconds = processor_seconds() - processor_start;
    *report = file.report;
    for (size_t i = 0; i < count; i++) batch_free(batches[i]);
    memory_free(batches);
    validation_free(validation);
    csv_source_close(&source);
    terms_free(terms);
    return fine;
}

static bool measure(const struct setting *setting, const char *path, struct error *error)
{
    struct arena *arena = arena_new(0, error);
    struct schema *schema = arena == NULL ? NULL : schema_load(arena, setting->schema, error);
    struct team *team = schema == NULL ? NULL : team_new(setting->threads, error);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool fine = team != NULL && fd >= 0 && write_items(fd, path, setting, error);
    struct cost best = {1e9, 1e9};
    struct file_report report = {0};
    for (int round = 0; fine && round < ROUNDS; round++) {
        struct cost cost = {0, 0};
        char rejects[600];
        snprintf(rejects, sizeof rejects, "%s.rejects", path);
        int rejects_fd = open(rejects, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        fine = judge(path, schema, team, rejects_fd, &cost, &report, error);
        close(rejects_fd);
        unlink(rejects);
        best.seconds = cost.seconds < best.seconds ? cost.seconds : best.seconds;
        if (cost.processor_seconds < best.processor_seconds) best.processor_seconds = cost.processor_seconds;
    }
    if (fine) {
        double size = (double)lseek(fd, 0, SEEK_END);
        printf("%u thread(s), %u %% bad: %.0f MB, %" PRIu64 " rows (%" PRIu64 " rejected) in %.3f s: %.2f GB/s; of "
               "processor time %.2f GB/s, %.1f ns a row\n",
               setting->threads, setting->bad_percent, size / 1e6, report.read, report.rejected, best.seconds,
               size / best.seconds / 1e9, size / best.processor_seconds / 1e9,
               best.processor_seconds * 1e9 / (double)report.read);
    }
    close(fd);
    unlink(path);
    team_free(team);
    schema_free(schema);
    arena_free(arena);
    return fine;
}

int main(int count, char **words)
{
    if (count < 3) {
        fprintf(stderr, "usage: bench_validate SCHEMA FOLDER [MEGABYTES [THREADS [BAD_SHARE_PERCENT]]]\n");
        return 2;
    }
    struct setting setting = {words[1], words[2], 500, 1, 0};
    setting.megabytes = count > 3 ? strtoul(words[3], NULL, 10) : setting.megabytes;
    setting.threads = count > 4 ? (unsigned)strtoul(words[4], NULL, 10) : setting.threads;
    setting.bad_percent = count > 5 ? (unsigned)strtoul(words[5], NULL, 10) : setting.bad_percent;
    char path[500];
    snprintf(path, sizeof path, "%s/bench_validate.%d.csv", setting.folder, (int)getpid());
    struct error error = {0};
    if (measure(&setting, path, &error)) return 0;
    fprintf(stderr, "bench_validate: %s\n", error.message);
    return 1;
}
