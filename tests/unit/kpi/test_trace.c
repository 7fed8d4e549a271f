/* Traces against a model: a sorted array of all keys with what they come to, made by brute force. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/random.h"
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_traces_equal_the_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
