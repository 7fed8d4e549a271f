/* Traces against a model: a sorted array of all keys with what they come to, made by brute force. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/thread.h"
#include "kpi/trace.h"
#include "support/torture.h"
#include "support/unit.h"

#define MAX_RUNS 12
#define MODEL_CAPACITY 60000

struct record {
    int64_t key[TRACE_MAX_KEYS];
    int64_t value[TRACE_MAX_VALUES];
    size_t arrival;
};

/* A trace of some runs in temporary files, and the records that were put into it, in order of arrival. */
struct world {
    struct trace_shape shape;
    struct random random;
    struct record *records;
    size_t count;
    struct run_place places[MAX_RUNS];
    char paths[MAX_RUNS][40];
    size_t runs;
    uint64_t key_span;
    int64_t key_base;
};

static int model_keys; /* for qsort's comparison */

static int compare_records(const void *a, const void *b)
{
    const struct record *left = a;
    const struct record *right = b;

    for (int k = 0; k < model_keys; k++) {
        if (left->key[k] != right->key[k]) {
            return left->key[k] < right->key[k] ? -1 : 1;
        }
    }
    return (left->arrival > right->arrival) - (left->arrival < right->arrival);
}

static bool same_key(const struct record *a, const struct record *b)
{
    return memcmp(a->key, b->key, (size_t)model_keys * sizeof a->key[0]) == 0;
}

/* Sorts and combines records as the shape says; returns how many are left. */
static size_t model_combine(const struct trace_shape *shape, struct record *records, size_t count)
{
    size_t to = 0;

    model_keys = shape->keys;
    qsort(records, count, sizeof *records, compare_records);
    for (size_t i = 0; i < count;) {
        struct record sum = records[i++];

        while (i < count && same_key(&sum, &records[i])) {
            for (int v = 0; v < shape->values; v++) {
                sum.value[v] = records[i].value[v] + (shape->merge == TRACE_ADD ? sum.value[v] : 0);
            }
            i++;
        }
        bool zero = shape->merge == TRACE_ADD && shape->values > 0;

        for (int v = 0; v < shape->values; v++) {
            zero = zero && sum.value[v] == 0;
        }
        if (!zero) {
            records[to++] = sum;
        }
    }
    return to;
}

static int64_t random_key(struct world *world, int column)
{
    uint64_t span = column == 0 ? world->key_span : 7;

    return (int64_t)((uint64_t)world->key_base + random_below(&world->random, span) * (column == 1 ? 1000003 : 1));
}

static int64_t random_value(struct world *world, int v)
{
    uint64_t which = random_below(&world->random, 100);

    if (world->shape.merge == TRACE_REPLACE && which == 0) {
        return INT64_MIN;
    }
    if (world->shape.merge == TRACE_REPLACE && which == 1) {
        return INT64_MAX;
    }
    if (v % 3 == 1) {
        return (int64_t)random_below(&world->random, 3) - 1;
    }
    return (int64_t)random_below(&world->random, UINT64_C(1) << (v % 3 == 0 ? 2 : 40)) - 2;
}

static void world_open(struct world *world, uint64_t seed, struct trace_shape shape)
{
    static const uint64_t spans[] = {5, 300, 5000, 100000, UINT64_MAX};
    static const int64_t bases[] = {0, -100, INT64_MIN, 1000000007};

    memset(world, 0, sizeof *world);
    world->shape = shape;
    random_seed(&world->random, seed);
    world->records = memory_array(MODEL_CAPACITY, sizeof *world->records, NULL);
    world->key_span = spans[random_below(&world->random, 5)];
    world->key_base = bases[random_below(&world->random, 4)];
}

static void world_close(struct world *world)
{
    for (size_t r = 0; r < world->runs; r++) {
        unlink(world->paths[r]);
    }
    memory_free(world->records);
}

static int world_file(struct world *world, size_t r)
{
    memcpy(world->paths[r], "/tmp/aisle-test-trace-XXXXXX", sizeof "/tmp/aisle-test-trace-XXXXXX");
    world->places[r].path = world->paths[r];
    return mkstemp(world->paths[r]);
}

/* Adds a run of so many random records, in a file that begins with some other bytes. */
static void world_add_run(struct world *world, size_t count)
{
    struct error error = {0};
    struct entries entries;
    size_t r = world->runs++;
    uint64_t offset = random_below(&world->random, 20);
    int fd = world_file(world, r);

    assert_true(fd >= 0 && ftruncate(fd, (off_t)offset) == 0);
    assert_true(entries_new(&entries, &world->shape, count, &error));
    for (size_t i = 0; i < count; i++) {
        struct record *record = &world->records[world->count];

        memset(record, 0, sizeof *record);
        record->arrival = world->count++;
        for (int k = 0; k < world->shape.keys; k++) {
            entries.key[k][i] = record->key[k] = random_key(world, k);
        }
        for (int v = 0; v < world->shape.values; v++) {
            entries.value[v][i] = record->value[v] = random_value(world, v);
        }
    }
    entries.count = count;
    assert_true(entries_sort(&entries, &world->shape, &error));
    if (!run_write(fd, world->paths[r], &offset, &world->shape, &entries, &world->places[r], &error)) {
        fail_msg("%s", error.message);
    }
    assert_int_equal(lseek(fd, 0, SEEK_END), offset);
    assert_int_equal(world->places[r].entries, entries.count);
    close(fd);
    entries_free(&entries);
    if (!run_verify(&world->shape, &world->places[r], &error)) {
        fail_msg("%s", error.message);
    }
}

static struct record *world_model(const struct world *world, size_t *count)
{
    struct record *model = memory_array(world->count, sizeof *model, NULL);

    memcpy(model, world->records, world->count * sizeof *model);
    *count = model_combine(&world->shape, model, world->count);
    return model;
}

struct expected {
    const struct trace_shape *shape;
    const struct record *records;
    size_t count;
    size_t at;
    size_t stop_after;
};

static bool compare_portion(void *context, const struct entries *portion, struct error *error)
{
    struct expected *expected = context;

    (void)error;
    assert_true(portion->count > 0);
    for (size_t i = 0; i < portion->count; i++, expected->at++) {
        assert_true(expected->at < expected->count);
        for (int k = 0; k < expected->shape->keys; k++) {
            assert_int_equal(portion->key[k][i], expected->records[expected->at].key[k]);
        }
        for (int v = 0; v < expected->shape->values; v++) {
            assert_int_equal(portion->value[v][i], expected->records[expected->at].value[v]);
        }
    }
    return expected->at < expected->stop_after;
}

static struct trace *world_trace(const struct world *world)
{
    struct error error = {0};
    struct trace *trace = trace_open(&world->shape, world->places, world->runs, &error);

    if (trace == NULL) {
        fail_msg("%s", error.message);
    }
    return trace;
}

/* The model's records within a prefix and a range of the next key. */
static size_t model_range(const struct trace_shape *shape, const struct record *model, size_t count,
                          const int64_t *prefix, int prefix_keys, const int64_t *from, const int64_t *to, size_t *first)
{
    size_t n = 0;

    *first = 0;
    for (size_t i = 0; i < count; i++) {
        bool in = memcmp(model[i].key, prefix, (size_t)prefix_keys * sizeof *prefix) == 0;

        if (prefix_keys < shape->keys) {
            in = in && (from == NULL || model[i].key[prefix_keys] >= *from);
            in = in && (to == NULL || model[i].key[prefix_keys] <= *to);
        }
        if (in && n++ == 0) {
            *first = i;
        }
    }
    return n;
}

static void check_scans(struct world *world, const struct trace *trace, const struct record *model, size_t count)
{
    struct error error = {0};

    for (int round = 0; round < 12; round++) {
        int prefix_keys = (int)random_below(&world->random, (uint64_t)world->shape.keys + 1);
        int64_t prefix[TRACE_MAX_KEYS] = {0};
        int64_t from = random_key(world, prefix_keys);
        int64_t to = random_key(world, prefix_keys);
        const int64_t *low = random_below(&world->random, 2) != 0 ? &from : NULL;
        const int64_t *high = random_below(&world->random, 2) != 0 ? &to : NULL;
        size_t first = 0;

        if (count > 0 && random_below(&world->random, 4) != 0) {
            memcpy(prefix, model[random_below(&world->random, count)].key, sizeof prefix);
        }
        prefix_keys = round == 0 ? 0 : prefix_keys;
        low = round == 0 ? NULL : low;
        high = round == 0 ? NULL : high;
        size_t n = model_range(&world->shape, model, count, prefix, prefix_keys, low, high, &first);
        struct expected expected = {&world->shape, model + first, n, 0, SIZE_MAX};

        assert_true(trace_scan(trace, prefix, prefix_keys, low, high, compare_portion, &expected, &error));
        assert_int_equal(expected.at, n);
    }
}

/* Looks up keys that are there and keys that may not be, sorted or not, many or few. */
static void check_probes(struct world *world, const struct trace *trace, const struct record *model, size_t count)
{
    struct error error = {0};
    struct entries probe;
    size_t size = 1 + random_below(&world->random, 4000);
    bool *found = memory_array(size, sizeof *found, &error);
    bool ascending = random_below(&world->random, 2) != 0;
    struct record *wanted = memory_zeroed(size * sizeof *wanted, &error);

    for (size_t i = 0; i < size; i++) {
        if (count > 0 && random_below(&world->random, 2) != 0) {
            memcpy(wanted[i].key, model[random_below(&world->random, count)].key, sizeof wanted[i].key);
        } else {
            for (int k = 0; k < world->shape.keys; k++) {
                wanted[i].key[k] = random_key(world, k);
            }
        }
        wanted[i].arrival = i;
    }
    model_keys = world->shape.keys;
    if (ascending) {
        qsort(wanted, size, sizeof *wanted, compare_records);
    }
    assert_true(entries_new(&probe, &world->shape, size, &error));
    for (size_t i = 0; i < size; i++) {
        for (int k = 0; k < world->shape.keys; k++) {
            probe.key[k][i] = wanted[i].key[k];
        }
        wanted[i].arrival = 0;
    }
    assert_true(trace_probe(trace, probe.key, size, found, probe.value, &error));
    for (size_t i = 0; i < size; i++) {
        const struct record *record = NULL;

        /* Arrivals differ, so the search goes by key alone. */
        for (size_t low = 0, high = count; low < high && record == NULL;) {
            size_t middle = (low + high) / 2;

            if (same_key(&model[middle], &wanted[i])) {
                record = &model[middle];
            } else if (compare_records(&model[middle], &wanted[i]) < 0) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        assert_int_equal(found[i], record != NULL);
        for (int v = 0; v < world->shape.values; v++) {
            assert_int_equal(probe.value[v][i], record != NULL ? record->value[v] : 0);
        }
    }
    entries_free(&probe);
    memory_free(found);
    memory_free(wanted);
}

static void check_world(struct world *world)
{
    size_t count = 0;
    struct record *model = world_model(world, &count);
    struct trace *trace = world_trace(world);

    check_scans(world, trace, model, count);
    check_probes(world, trace, model, count);
    check_probes(world, trace, model, count);
    trace_close(trace);
    memory_free(model);
}

/* Merges some neighbouring runs into one that takes their place. */
static void world_merge(struct world *world, size_t first, size_t count)
{
    struct error error = {0};
    struct trace *trace = world_trace(world);
    char old[MAX_RUNS][40];
    uint64_t offset = 0;

    memcpy(old, world->paths, sizeof old);
    char path[40] = "/tmp/aisle-test-trace-XXXXXX";
    int fd = mkstemp(path);
    struct run_place place = {.path = NULL};

    if (!trace_merge_runs(trace, first, count, fd, path, &offset, &place, &error)) {
        fail_msg("%s", error.message);
    }
    close(fd);
    trace_close(trace);
    for (size_t r = first; r < first + count; r++) {
        unlink(world->paths[r]);
    }
    memcpy(world->paths[first], path, sizeof path);
    world->places[first] = place;
    for (size_t r = first + count; r < world->runs; r++) {
        memcpy(world->paths[r - count + 1], old[r], sizeof old[r]);
        world->places[r - count + 1] = world->places[r];
    }
    world->runs -= count - 1;
    for (size_t r = 0; r < world->runs; r++) {
        world->places[r].path = world->paths[r];
        if (!run_verify(&world->shape, &world->places[r], &error)) {
            fail_msg("%s", error.message);
        }
    }
}

static void test_traces_equal_the_model(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 120; seed++) {
        struct world world;
        struct trace_shape shape = {1 + (int)(seed % 3), (int)(seed / 3 % 4),
                                    seed % 2 == 0 ? TRACE_ADD : TRACE_REPLACE};

        world_open(&world, seed, shape);
        size_t runs = random_below(&world.random, MAX_RUNS - 1);

        for (size_t r = 0; r < runs; r++) {
            static const uint64_t sizes[] = {1, 10, 256, 257, 5000};

            world_add_run(&world, random_below(&world.random, sizes[random_below(&world.random, 5)] + 1));
        }
        check_world(&world);
        while (world.runs > 1) {
            size_t first = random_below(&world.random, world.runs - 1);

            world_merge(&world, first, 2 + random_below(&world.random, world.runs - first - 1));
            check_world(&world);
        }
        world_close(&world);
    }
}

/* How the first keys come: random, or ascending by one for each `step` entries and from the beginning again after each
 * `period`. */
struct first_keys {
    size_t step; /* 0: random */
    size_t period;
};

static void check_sort(uint64_t seed, struct trace_shape shape, size_t count, struct first_keys first, unsigned wide)
{
    struct random random;
    struct error error = {0};
    struct entries entries;
    struct record *records = memory_zeroed(count * sizeof *records, &error);

    random_seed(&random, seed);
    assert_true(entries_new(&entries, &shape, count, &error));
    entries.count = count;
    for (size_t i = 0; i < count; i++) {
        records[i].arrival = i;
        for (int k = 0; k < shape.keys; k++) {
            uint64_t key = random_below(&random, k == 1 ? UINT64_C(1) << wide : 900);

            records[i].key[k] = entries.key[k][i] =
                k == 0 && first.step > 0 ? (int64_t)(i % first.period / first.step) : (int64_t)key - 400;
        }
        for (int v = 0; v < shape.values; v++) {
            records[i].value[v] = entries.value[v][i] = (int64_t)random_below(&random, 5) - 2;
        }
    }
    assert_true(entries_sort(&entries, &shape, &error));
    size_t left = model_combine(&shape, records, count);

    assert_int_equal(entries.count, left);
    for (size_t i = 0; i < left; i++) {
        for (int k = 0; k < shape.keys; k++) {
            assert_int_equal(entries.key[k][i], records[i].key[k]);
        }
        for (int v = 0; v < shape.values; v++) {
            assert_int_equal(entries.value[v][i], records[i].value[v]);
        }
    }
    entries_free(&entries);
    memory_free(records);
}

/* Sorting that goes by chunks: by value of a first key that ascends, and by the highest bits. */
static void test_sorting_equals_the_model(void **state)
{
    static const size_t counts[] = {0, 1, 2, 1000, 90000};

    (void)state;
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct trace_shape shape = {1 + (int)(seed % 3), (int)(seed % 2), seed % 4 < 2 ? TRACE_ADD : TRACE_REPLACE};

        check_sort(seed, shape, counts[seed % 5], (struct first_keys){seed / 5 % 2 == 0 ? 9000 : 0, SIZE_MAX},
                   seed % 7 < 3 ? 62 : 6);
    }
}

/* Stretches that ascend are merged while they are few; of equal keys in several of them the last is the newest. */
static void test_merging_stretches_equals_the_model(void **state)
{
    (void)state;
    for (size_t stretches = 1; stretches <= 12; stretches++) {
        for (uint64_t seed = 0; seed < 8; seed++) {
            struct trace_shape shape = {1 + (int)(seed % 2), 1 + (int)(seed % 3), seed < 4 ? TRACE_ADD : TRACE_REPLACE};
            size_t count = 1 + 700 * stretches + seed;

            check_sort(seed, shape, count, (struct first_keys){1 + seed / 2 % 2 * 2, count / stretches + 1}, 6);
        }
    }
}

static void test_keys_at_the_ends_of_64_bits(void **state)
{
    struct trace_shape shape = {2, 1, TRACE_REPLACE};
    int64_t first[] = {INT64_MAX, INT64_MIN, 0, INT64_MAX, INT64_MIN};
    int64_t second[] = {INT64_MIN, INT64_MAX, 0, INT64_MAX, INT64_MIN};
    struct entries entries;
    struct error error = {0};

    (void)state;
    assert_true(entries_new(&entries, &shape, 5, &error));
    memcpy(entries.key[0], first, sizeof first);
    memcpy(entries.key[1], second, sizeof second);
    memcpy(entries.value[0], first, sizeof first);
    entries.count = 5;
    assert_true(entries_sort(&entries, &shape, &error));
    assert_int_equal(entries.key[0][0], INT64_MIN);
    assert_int_equal(entries.key[1][0], INT64_MIN);
    assert_int_equal(entries.key[1][1], INT64_MAX);
    assert_int_equal(entries.key[0][2], 0);
    assert_int_equal(entries.key[1][3], INT64_MIN);
    assert_int_equal(entries.value[0][4], INT64_MAX);
    entries_free(&entries);
}

static void fill_one(struct entries *entries, const struct trace_shape *shape, int64_t key, int64_t value)
{
    struct error error = {0};

    assert_true(entries_new(entries, shape, 2, &error));
    entries->key[0][0] = entries->key[0][1] = key;
    entries->value[0][0] = entries->value[0][1] = value;
    entries->count = 1;
}

static void add_one(struct world *world, int64_t value)
{
    struct error error = {0};
    struct entries entries;
    size_t r = world->runs++;
    uint64_t offset = 0;
    int fd = world_file(world, r);

    fill_one(&entries, &world->shape, 7, value);
    assert_true(run_write(fd, world->paths[r], &offset, &world->shape, &entries, &world->places[r], &error));
    close(fd);
    entries_free(&entries);
}

static bool ignore_portion(void *context, const struct entries *portion, struct error *error)
{
    (void)context, (void)portion, (void)error;
    return true;
}

static void test_a_sum_past_64_bits_is_an_error(void **state)
{
    struct world world;
    struct error error = {0};
    struct entries entries;
    struct trace_shape shape = {1, 1, TRACE_ADD};
    int64_t key = 7;
    int64_t value = 0;
    bool found = false;

    (void)state;
    fill_one(&entries, &shape, 7, INT64_MAX);
    entries.count = 2;
    assert_false(entries_sort(&entries, &shape, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    entries_free(&entries);
    world_open(&world, 1, shape);
    add_one(&world, INT64_MAX);
    add_one(&world, 1);
    struct trace *trace = world_trace(&world);

    error.code = ERROR_NONE;
    assert_false(trace_probe(trace, (int64_t *const[]){&key}, 1, &found, (int64_t *const[]){&value}, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    error.code = ERROR_NONE;
    assert_false(trace_scan(trace, NULL, 0, NULL, NULL, ignore_portion, NULL, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    trace_close(trace);
    world_close(&world);
}

static void test_entries_that_do_not_ascend_are_refused(void **state)
{
    struct world world;
    struct error error = {0};
    struct entries entries;
    uint64_t offset = 0;

    (void)state;
    world_open(&world, 1, (struct trace_shape){1, 1, TRACE_REPLACE});
    int fd = world_file(&world, world.runs++);

    fill_one(&entries, &world.shape, 7, 1);
    entries.count = 2;
    assert_false(run_write(fd, world.paths[0], &offset, &world.shape, &entries, &world.places[0], &error));
    assert_int_equal(error.code, ERROR_INTERNAL);
    close(fd);
    entries_free(&entries);
    world_close(&world);
}

/* Whichever byte of a run is changed, reading all of it says so, and names the file. */
static void test_damage_is_found(void **state)
{
    struct world world;

    (void)state;
    world_open(&world, 5, (struct trace_shape){2, 2, TRACE_ADD});
    world_add_run(&world, 3000);
    const struct run_place *place = &world.places[0];
    int fd = open(place->path, O_RDWR);

    for (int round = 0; round < 300; round++) {
        struct error error = {0};
        off_t at = (off_t)(place->offset + random_below(&world.random, place->size));
        uint8_t was = 0;

        assert_int_equal(pread(fd, &was, 1, at), 1);
        uint8_t is = (uint8_t)(was ^ (1U << random_below(&world.random, 8)));

        assert_int_equal(pwrite(fd, &is, 1, at), 1);
        assert_false(run_verify(&world.shape, place, &error));
        assert_int_equal(error.code, ERROR_CORRUPT);
        assert_non_null(strstr(error.message, place->path));
        assert_int_equal(pwrite(fd, &was, 1, at), 1);
    }
    struct error error = {0};

    assert_true(run_verify(&world.shape, place, &error));
    assert_int_equal(ftruncate(fd, (off_t)(place->offset + place->size - 8)), 0);
    assert_false(run_verify(&world.shape, place, &error));
    assert_int_equal(error.code, ERROR_CORRUPT);
    close(fd);
    world_close(&world);
}

/* Runs of random sizes come one after the other, merged as is due: few stay, and nothing is rewritten often. */
static void check_tiers(uint64_t seed, uint64_t most)
{
    struct random random;
    uint64_t runs[400];
    size_t count = 0;
    double total = 0;
    double rewritten = 0;

    random_seed(&random, seed);
    for (int step = 0; step < 2000; step++) {
        size_t first = 0;
        size_t due = 0;

        assert_true(count < 400);
        runs[count] = 1 + random_below(&random, random_below(&random, 50) == 0 ? most : most / 100 + 1);
        total += (double)runs[count++];
        for (trace_due(runs, count, 0, &first, &due); due > 0; trace_due(runs, count, 0, &first, &due)) {
            uint64_t sum = 0;

            assert_true(due >= 2 && first + due <= count);
            for (size_t r = first; r < first + due; r++) {
                sum += runs[r];
            }
            rewritten += (double)sum;
            runs[first] = sum;
            memmove(runs + first + 1, runs + first + due, (count - first - due) * sizeof runs[0]);
            count -= due - 1;
        }
        double tiers = 1;

        for (double n = total; n >= 4; n /= 4) {
            tiers++;
        }
        assert_true((double)count <= 3 * tiers);
        assert_true(rewritten <= total * (tiers + 1));
    }
}

static void test_tiers_stay_few_and_cheap(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 30; seed++) {
        check_tiers(seed, seed % 3 == 0 ? 1 : seed % 3 == 1 ? 1000 : 10000000);
    }
}

static void test_nothing_past_the_ceiling_is_due(void **state)
{
    const uint64_t runs[] = {1000000, 100, 100, 100, 100};
    const uint64_t large[] = {1000, 1000, 1000, 1000};
    size_t first = 9;
    size_t count = 9;

    (void)state;
    trace_due(runs, 5, 1000, &first, &count);
    assert_int_equal(first, 1);
    assert_int_equal(count, 4);
    trace_due(large, 4, 3999, &first, &count);
    assert_int_equal(count, 0);
    trace_due(large, 4, 4000, &first, &count);
    assert_int_equal(count, 4);
    trace_due(large, 0, 0, &first, &count);
    assert_int_equal(count, 0);
}

struct sharing {
    const struct trace *trace;
    const struct record *model;
    size_t count;
};

static bool probe_share(void *context, size_t index, unsigned worker, struct error *error)
{
    const struct sharing *sharing = context;
    int64_t key[500];
    int64_t value[500];
    bool found[500];
    struct random random;

    (void)worker;
    random_seed(&random, index);
    size_t places[500];

    for (size_t i = 0; i < 500; i++) {
        places[i] = random_below(&random, sharing->count);
        key[i] = sharing->model[places[i]].key[0];
    }
    if (!trace_probe(sharing->trace, (int64_t *const[]){key}, 500, found, (int64_t *const[]){value}, error)) {
        return false;
    }
    for (size_t i = 0; i < 500; i++) {
        if (!found[i] || value[i] != sharing->model[places[i]].value[0]) {
            return error_set(error, ERROR_INTERNAL, "probe %zu went wrong", index);
        }
    }
    return true;
}

static void test_threads_share_a_trace(void **state)
{
    struct world world;
    struct error error = {0};

    (void)state;
    world_open(&world, 4, (struct trace_shape){1, 1, TRACE_REPLACE});
    world.key_span = 100000;
    for (int r = 0; r < 3; r++) {
        world_add_run(&world, 10000);
    }
    struct trace *trace = world_trace(&world);
    struct sharing sharing = {.trace = trace};
    struct record *model = world_model(&world, &sharing.count);
    struct team *team = team_new(4, &error);

    sharing.model = model;
    if (!team_run(team, 64, probe_share, &sharing, &error)) {
        fail_msg("%s", error.message);
    }
    team_free(team);
    trace_close(trace);
    memory_free(model);
    world_close(&world);
}

struct job {
    struct world *world;
    const char *path;
};

static bool whole_life(void *context, struct error *error)
{
    const struct job *job = context;
    struct world *world = job->world;
    struct run_place place = {.path = job->path};
    uint64_t offset = 0;
    struct trace *trace = trace_open(&world->shape, world->places, world->runs, error);
    int fd = open(job->path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    bool good = trace != NULL && trace_merge_runs(trace, 0, world->runs, fd, job->path, &offset, &place, error) &&
                run_verify(&world->shape, &place, error) &&
                trace_scan(trace, NULL, 0, NULL, NULL, ignore_portion, NULL, error);

    trace_close(trace);
    close(fd);
    return good;
}

static bool sort_some(void *context, struct error *error)
{
    const struct trace_shape shape = {1, 1, TRACE_ADD};
    struct entries entries;
    size_t count = 70000;

    (void)context;
    if (!entries_new(&entries, &shape, count, error)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        entries.key[0][i] = (int64_t)((i * 7919) % count);
        entries.value[0][i] = 1;
    }
    entries.count = count;
    bool good = entries_sort(&entries, &shape, error);

    entries_free(&entries);
    return good;
}

static void test_every_failing_allocation_is_an_error(void **state)
{
    struct world world;
    char path[] = "/tmp/aisle-test-merged-XXXXXX";
    struct job job = {&world, path};

    (void)state;
    close(mkstemp(path));
    world_open(&world, 9, (struct trace_shape){2, 2, TRACE_REPLACE});
    world_add_run(&world, 700);
    world_add_run(&world, 900);
    torture_walk(whole_life, &job);
    torture_walk(sort_some, NULL);
    unlink(path);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_traces_equal_the_model),
        cmocka_unit_test(test_sorting_equals_the_model),
        cmocka_unit_test(test_merging_stretches_equals_the_model),
        cmocka_unit_test(test_keys_at_the_ends_of_64_bits),
        cmocka_unit_test(test_a_sum_past_64_bits_is_an_error),
        cmocka_unit_test(test_entries_that_do_not_ascend_are_refused),
        cmocka_unit_test(test_damage_is_found),
        cmocka_unit_test(test_tiers_stay_few_and_cheap),
        cmocka_unit_test(test_nothing_past_the_ceiling_is_due),
        cmocka_unit_test(test_threads_share_a_trace),
        cmocka_unit_test(test_every_failing_allocation_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
