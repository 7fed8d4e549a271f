/* The local store on its own, in process: durable puts, heads, gets and listings a second.
 *
 * usage: bench_store [FOLDER [THREADS [SECONDS [KEYS]]]]
 *
 * Makes a data folder at FOLDER (/tmp/aisle-bench-store, which is removed) and puts from THREADS (64) threads for
 * SECONDS (3), each put on disk before the next of its thread. With KEYS it then puts empty objects until there are so
 * many, and puts for SECONDS again. Then it reads for SECONDS each. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/random.h"
#include "store/local/local_private.h"

struct bench {
    struct local_store *store;
    unsigned number, threads;
    uint64_t keys; /* there are, at the beginning */
    int64_t until_us;
    uint64_t *next; /* of all threads */
    uint64_t most;
    size_t size_bytes;
    uint64_t done;
    bool good;
};

static void key_of(uint64_t number, char key[64])
{
    /* Spread over folders in an order that is not the keys'. */
    uint64_t mixed = number * UINT64_C(0x9E3779B97F4A7C15);

    snprintf(key, 64, "raw_data/%02llx/%016llx.csv", (unsigned long long)(mixed & 255), (unsigned long long)mixed);
}

static bool fail(const struct error *error)
{
    fprintf(stderr, "bench_store: %s\n", error->message);
    return false;
}

static bool put_one(struct bench *bench, uint64_t number, struct arena *arena, const char *bytes)
{
    struct error error = {0};
    struct object object;
    char key[64];
    struct store_field header = {"Content-Type", "text/csv"};
    struct object_put options = {.bucket = "bench",
                                 .key = key,
                                 .owner = "000000000000",
                                 .headers = &header,
                                 .header_count = 1,
                                 .event = "ObjectCreated:Put",
                                 .request_id = "0123456789ABCDEF",
                                 .source_ip = "127.0.0.1"};
    struct put_expected expected = {.size_given = true, .size_bytes = bench->size_bytes};

    key_of(number, key);
    struct put *put = object_put_begin(bench->store, &options, &error);
    bool good = put != NULL && object_put_write(put, bytes, bench->size_bytes, &error) &&
                object_put_finish(put, &expected, arena, &object, &error);

    object_put_abandon(put);
    return good || fail(&error);
}

static void *put_all(void *context)
{
    struct bench *bench = context;
    struct arena *arena = arena_new(0, NULL);
    char *bytes = calloc(1, bench->size_bytes + 1);

    bench->good = true;
    while (bench->good && clock_monotonic_us() < bench->until_us) {
        uint64_t number = __atomic_fetch_add(bench->next, 1, __ATOMIC_RELAXED);

        if (number >= bench->most) {
            break;
        }
        bench->good = put_one(bench, number, arena, bytes);
        bench->done++;
        arena_reset(arena);
    }
    free(bytes);
    arena_free(arena);
    return NULL;
}

#define FILL_AT_ONCE 1000

/* A thousand empty objects in one transaction. */
static bool apply_fill(void *context, struct statement_cache *db, struct error *error)
{
    struct bench *bench = context;
    struct doomed doomed = {0};
    struct body body = {.bytes = ""};
    bool good = true;

    for (unsigned i = 0; good && i < FILL_AT_ONCE; i++) {
        char key[64];
        struct object_install install = {.bucket = "bench", .key = key, .event = "ObjectCreated:Put"};

        key_of((*bench->next)++, key);
        good = body_insert(db, &body, &install.body, error) && object_install(db, &install, &doomed, error);
    }
    return good;
}

static void *fill_all(void *context)
{
    struct bench *bench = context;
    struct error error = {0};

    bench->good = true;
    while (bench->good && *bench->next < bench->most) {
        bench->good = committer_do(local_committer(bench->store), apply_fill, bench, &error) || fail(&error);
        bench->done += FILL_AT_ONCE;
    }
    return NULL;
}

static void *head_all(void *context)
{
    struct bench *bench = context;
    struct arena *arena = arena_new(0, NULL);
    struct random random;
    struct error error = {0};
    struct object object;
    char key[64];

    random_seed(&random, bench->number);
    bench->good = true;
    while (bench->good && clock_monotonic_us() < bench->until_us) {
        key_of(random_below(&random, bench->keys), key);
        struct object_place place = {"bench", key, NULL};

        bench->good = object_head(bench->store, &place, arena, &object, &error) || fail(&error);
        bench->done++;
        arena_reset(arena);
    }
    arena_free(arena);
    return NULL;
}

static void *get_all(void *context)
{
    struct bench *bench = context;
    struct arena *arena = arena_new(0, NULL);
    struct random random;
    struct error error = {0};
    struct object object;
    char key[64];

    random_seed(&random, bench->number);
    bench->good = true;
    while (bench->good && clock_monotonic_us() < bench->until_us) {
        key_of(random_below(&random, bench->keys), key);
        struct object_place place = {"bench", key, NULL};
        struct object_reader *reader = object_open(bench->store, &place, NULL, arena, &object, &error);

        bench->good = reader != NULL || fail(&error);
        object_close(reader);
        bench->done++;
        arena_reset(arena);
    }
    arena_free(arena);
    return NULL;
}

static void *list_all(void *context)
{
    struct bench *bench = context;
    struct arena *arenas[2] = {arena_new(0, NULL), arena_new(0, NULL)};
    struct error error = {0};
    struct object_page page = {0};
    struct object_listing listing = {.bucket = "bench", .prefix = "", .delimiter = "", .after = "", .most = 1000};

    bench->good = true;
    for (unsigned turn = 0; bench->good && clock_monotonic_us() < bench->until_us; turn++) {
        arena_reset(arenas[turn % 2]);
        bench->good = object_list(bench->store, &listing, arenas[turn % 2], &page, &error) || fail(&error);
        listing.after = page.truncated ? page.next_key : "";
        bench->done += page.object_count;
    }
    arena_free(arenas[0]);
    arena_free(arenas[1]);
    return NULL;
}

static double cpu_seconds(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6 + (double)usage.ru_stime.tv_sec +
           (double)usage.ru_stime.tv_usec / 1e6;
}

static bool run(const char *name, void *(*work)(void *context), struct bench *form, double seconds)
{
    struct bench benches[256];
    pthread_t threads[256];
    int64_t begin_us = clock_monotonic_us();
    double cpu = cpu_seconds();
    uint64_t done = 0;
    bool good = true;

    for (unsigned t = 0; t < form->threads; t++) {
        benches[t] = *form;
        benches[t].number = t;
        benches[t].until_us = begin_us + (int64_t)(seconds * 1e6);
        pthread_create(&threads[t], NULL, work, &benches[t]);
    }
    for (unsigned t = 0; t < form->threads; t++) {
        pthread_join(threads[t], NULL);
        done += benches[t].done;
        good = good && benches[t].good;
    }
    double took = (double)(clock_monotonic_us() - begin_us) / 1e6;

    cpu = cpu_seconds() - cpu;
    printf("%-22s %3u threads %10.0f a second %8.2f CPU microseconds each\n", name, form->threads, (double)done / took,
           cpu * 1e6 / (double)(done > 0 ? done : 1));
    fflush(stdout);
    return good;
}

int main(int count, char **words)
{
    const char *path = count > 1 ? words[1] : "/tmp/aisle-bench-store";
    unsigned threads = count > 2 ? (unsigned)strtoul(words[2], NULL, 10) : 64;
    double seconds = count > 3 ? strtod(words[3], NULL) : 3;
    uint64_t keys = count > 4 ? strtoull(words[4], NULL, 10) : 0;
    struct error error = {0};
    uint64_t next = 0;

    file_remove_tree(path, NULL);
    struct folder *folder = folder_open(path, FOLDER_WRITE, &error);
    struct local_store *store = folder != NULL ? local_open(&(struct local_options){.folder = folder}, &error) : NULL;
    struct bench form = {.store = store, .threads = threads < 256 ? threads : 256, .next = &next, .most = UINT64_MAX};

    if (store == NULL ||
        !bucket_create(store, &(struct bucket_create){.name = "bench", .owner = "000000000000"}, &error)) {
        return !fail(&error);
    }
    form.size_bytes = 1024;
    bool good = run("put 1 KiB", put_all, &form, seconds);

    if (keys > next) {
        struct bench fill = form;

        fill.threads = 1;
        fill.most = keys;
        good = good && run("fill", fill_all, &fill, 0) && run("put 1 KiB", put_all, &form, seconds);
    }
    form.keys = next;
    form.threads = 2;
    printf("%llu keys\n", (unsigned long long)form.keys);
    good = good && run("head", head_all, &form, seconds) && run("get 1 KiB", get_all, &form, seconds);
    form.threads = 1;
    good = good && run("list", list_all, &form, seconds);
    local_close(store);
    folder_close(folder);
    file_remove_tree(path, NULL);
    return good ? 0 : 1;
}
