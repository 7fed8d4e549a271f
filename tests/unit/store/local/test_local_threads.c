/* Many threads on the same keys: a reader sees one whole body, a listing one state, and the counts come out. */
#include <pthread.h>
#include <stdatomic.h>

#include "base/random.h"
#include "store/local/lifecycle.h"
#include "support/local_store.h"

#define THREADS 6
#define KEYS 5
#define STEPS 120
#define BIG 20000

struct worker {
    struct local_place *place;
    unsigned number;
    unsigned puts, deletes;
    const char *fault;
};

/* A body is one letter, its length tells which. */
static size_t size_of(unsigned letter)
{
    return letter % 2 == 0 ? 100 + letter : BIG + letter;
}

static const char *put_letter(struct worker *worker, struct arena *arena, const char *key, unsigned letter)
{
    static const size_t piece = 7000;
    struct object_put options = {.bucket = "one", .key = key, .owner = TEST_OWNER, .event = "ObjectCreated:Put"};
    struct error error = {0};
    struct object object;
    char text[BIG + 26];
    bool good = true;

    memset(text, 'a' + (int)letter, sizeof text);
    struct put *put = object_put_begin(worker->place->store, &options, &error);

    for (size_t at = 0; put != NULL && good && at < size_of(letter); at += piece) {
        good = object_put_write(put, text, size_of(letter) - at < piece ? size_of(letter) - at : piece, &error);
    }
    good = good && put != NULL && object_put_finish(put, &(struct put_expected){0}, arena, &object, &error);
    object_put_abandon(put);
    worker->puts += good;
    return good ? NULL : "a put failed";
}

static const char *get_letter(struct worker *worker, struct arena *arena, const char *key)
{
    struct error error = {0};
    struct object object;
    struct object_reader *reader =
        object_open(worker->place->store, &(struct object_place){"one", key, NULL}, NULL, arena, &object, &error);
    char text[BIG + 26];
    const char *fault = NULL;

    if (reader == NULL) {
        return error.name != NULL && strcmp(error.name, "NoSuchKey") == 0 ? NULL : "a get failed";
    }
    ssize_t got = object_read(reader, text, sizeof text, 0, &error);

    if (got != (ssize_t)object.size_bytes || got <= 0 || (size_t)got != size_of((unsigned)(text[0] - 'a'))) {
        fault = "a body is not whole";
    }
    for (ssize_t i = 1; fault == NULL && i < got; i++) {
        fault = text[i] != text[0] ? "a body is mixed of two" : NULL;
    }
    object_close(reader);
    return fault;
}

static const char *delete_letter(struct worker *worker, struct arena *arena, const char *key)
{
    struct object_delete delete = {.bucket = "one", .key = key, .owner = TEST_OWNER};
    struct object_deleted deleted = {0};

    worker->deletes++;
    return object_delete(worker->place->store, &delete, 1, arena, &deleted, NULL) && deleted.ok ? NULL
                                                                                                : "a delete failed";
}

static const char *list_letters(struct worker *worker, struct arena *arena)
{
    struct object_listing listing = {.bucket = "one", .prefix = "", .delimiter = "", .after = "", .most = 1000};
    struct object_page page;

    if (!object_list(worker->place->store, &listing, arena, &page, NULL)) {
        return "a listing failed";
    }
    for (size_t o = 1; o < page.object_count; o++) {
        if (strcmp(page.objects[o - 1].key, page.objects[o].key) >= 0) {
            return "a listing is not in order";
        }
    }
    return page.object_count > KEYS ? "a listing has too many keys" : NULL;
}

static const char *change_bucket(struct worker *worker)
{
    return bucket_set(worker->place->store, "one", BUCKET_TAGS, "{}", NULL) ? NULL : "a setting failed";
}

static const char *copy_letter(struct worker *worker, struct arena *arena, const char *key, const char *other)
{
    struct object_put options = {.bucket = "one", .key = other, .owner = TEST_OWNER, .event = "ObjectCreated:Put"};
    struct error error = {0};
    struct object object;

    if (object_copy(worker->place->store, &(struct object_place){"one", key, NULL}, NULL, NULL, &options, arena,
                    &object, &error)) {
        worker->puts++;
        return NULL;
    }
    return error.name != NULL && strcmp(error.name, "NoSuchKey") == 0 ? NULL : "a copy failed";
}

/* Moves what there is to a compressed class, beside all the others. One thread does it. */
static const char *move_letters(struct worker *worker)
{
    struct lifecycle_counts counts = {0};

    return lifecycle_run(worker->place->store, INT64_C(4102444800000000), &counts, NULL) && counts.failed == 0
               ? NULL
               : "a move failed";
}

static void *work(void *context)
{
    struct worker *worker = context;
    struct arena *arena = arena_new(0, NULL);
    struct random random;

    random_seed(&random, worker->number);
    for (unsigned step = 0; step < STEPS && worker->fault == NULL; step++) {
        char key[8];
        char other[8];
        uint64_t dice = random_below(&random, 20);

        snprintf(key, sizeof key, "k%u", (unsigned)random_below(&random, KEYS));
        snprintf(other, sizeof other, "k%u", (unsigned)random_below(&random, KEYS));
        worker->fault = dice < 6              ? put_letter(worker, arena, key, (unsigned)random_below(&random, 26))
                        : dice < 13           ? get_letter(worker, arena, key)
                        : dice < 15           ? delete_letter(worker, arena, key)
                        : dice < 17           ? list_letters(worker, arena)
                        : dice < 19           ? copy_letter(worker, arena, key, other)
                        : worker->number == 0 ? move_letters(worker)
                                              : change_bucket(worker);
        arena_reset(arena);
    }
    arena_free(arena);
    return NULL;
}

static void check_end(struct local_place *place, const struct worker *workers)
{
    struct object_event *events = NULL;
    struct error error = {0};
    size_t count = 0;
    size_t created = 0;
    size_t puts = 0;

    must(object_events(place->store, 0, 100000, place->arena, &events, &count, &error), &error);
    for (size_t e = 0; e < count; e++) {
        created += strcmp(events[e].name, "ObjectCreated:Put") == 0;
    }
    for (unsigned t = 0; t < THREADS; t++) {
        puts += workers[t].puts;
    }
    assert_int_equal(created, puts);
    for (unsigned k = 0; k < KEYS; k++) {
        char key[8];

        snprintf(key, sizeof key, "k%u", k);
        delete_key(place, "one", key, NULL);
    }
    assert_int_equal(count_blobs(place), 0);
    must(bucket_remove(place->store, "one", &error), &error);
}

static void test_threads_do_not_disturb_each_other(void **state)
{
    struct local_place *place = *state;
    struct worker workers[THREADS] = {0};
    pthread_t threads[THREADS];

    make_bucket(place, "one");
    must(bucket_set(place->store, "one", BUCKET_LIFECYCLE,
                    "{\"Rules\": [{\"Status\": \"Enabled\", \"Filter\": {}, \"Transitions\": [{\"Days\": 1, "
                    "\"StorageClass\": \"GLACIER\"}]}]}",
                    NULL),
         &(struct error){0});
    for (unsigned t = 0; t < THREADS; t++) {
        workers[t] = (struct worker){.place = place, .number = t};
        assert_int_equal(pthread_create(&threads[t], NULL, work, &workers[t]), 0);
    }
    for (unsigned t = 0; t < THREADS; t++) {
        pthread_join(threads[t], NULL);
    }
    for (unsigned t = 0; t < THREADS; t++) {
        if (workers[t].fault != NULL) {
            fail_msg("%s", workers[t].fault);
        }
    }
    check_end(place, workers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_threads_do_not_disturb_each_other, local_place_setup,
                                        local_place_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
