#include "http/metrics.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

enum { MOST_SERIES = 10000, SLOTS = 4096, MOST_COLLECTORS = 16, BOUNDS = METRICS_BUCKETS - 1 };

/* Upper bounds of a histogram's buckets, in seconds. */
static const double bounds[BOUNDS] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};

struct series {
    struct series *next_in_slot, *next_in_family;
    const struct family *family;
    char *labels;
    double value;                     /* a histogram's sum */
    uint64_t counts[METRICS_BUCKETS]; /* what fell in each bucket alone; the last is past all bounds */
};

struct family {
    struct family *next;
    char *name, *help;
    enum metrics_kind kind;
    struct series *first, **last;
};

struct metrics {
    pthread_mutex_t lock;
    struct family *first, **last;
    struct series *slots[SLOTS];
    size_t series;
    uint64_t dropped;
    struct {
        void (*collect)(void *context, struct metrics *metrics);
        void *context;
    } collectors[MOST_COLLECTORS];
    size_t collector_count;
};

struct metrics *metrics_new(struct error *error)
{
    struct metrics *metrics = memory_zeroed(sizeof *metrics, error);

    if (metrics == NULL) return NULL;
    pthread_mutex_init(&metrics->lock, NULL);
    metrics->last = &metrics->first;
    return metrics;
}

static void family_free(struct family *family)
{
    for (struct series *next = NULL, *series = family->first; series != NULL; series = next) {
        next = series->next_in_family;
        memory_free(series->labels);
        memory_free(series);
    }
    memory_free(family->name);
    memory_free(family->help);
    memory_free(family);
}

void metrics_free(struct metrics *metrics)
{
    if (metrics == NULL) return;
    for (struct family *next = NULL, *family = metrics->first; family != NULL; family = next) {
        next = family->next;
        family_free(family);
    }
    pthread_mutex_destroy(&metrics->lock);
    memory_free(metrics);
}

static struct family *find_family(const struct metrics *metrics, const char *name)
{
    struct family *family = metrics->first;

    while (family != NULL && strcmp(family->name, name) != 0) family = family->next;
    return family;
}

bool metrics_family(struct metrics *metrics, const char *name, enum metrics_kind kind, const char *help,
                    struct error *error)
{
    struct family *family = memory_zeroed(sizeof *family, error);

    if (family == NULL) return false;
    family->kind = kind;
    family->last = &family->first;
    family->name = memory_copy_text(name, strlen(name), error);
    family->help = family->name == NULL ? NULL : memory_copy_text(help, strlen(help), error);
    if (family->help == NULL) {
        family_free(family);
        return false;
    }
    pthread_mutex_lock(&metrics->lock);
    bool known = find_family(metrics, name) != NULL;

    if (!known) {
        *metrics->last = family;
        metrics->last = &family->next;
    }
    pthread_mutex_unlock(&metrics->lock);
    if (known) family_free(family);
    return true;
}

/* FNV-1a (Fowler, Noll, Vo, 1991) over the name, then the labels. */
static size_t slot_of(const char *name, const char *labels)
{
    uint64_t hash = UINT64_C(0xCBF29CE484222325);

    for (const char *c = name; *c != '\0'; c++) hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001B3);
    for (const char *c = labels; *c != '\0'; c++) hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001B3);
    return (size_t)(hash ^ hash >> 32) % SLOTS;
}

static struct series *make_series(struct metrics *metrics, struct family *family, const char *labels, size_t slot)
{
    struct series *series = metrics->series < MOST_SERIES ? memory_zeroed(sizeof *series, NULL) : NULL;

    if (series == NULL) return NULL;
    series->labels = memory_copy_text(labels, strlen(labels), NULL);
    if (series->labels == NULL) {
        memory_free(series);
        return NULL;
    }
    series->family = family;
    series->next_in_slot = metrics->slots[slot];
    metrics->slots[slot] = series;
    *family->last = series;
    family->last = &series->next_in_family;
    metrics->series++;
    return series;
}

/* The series, made when it is not there yet; NULL when it cannot be kept, which is counted. Under the lock. */
static struct series *find_series(struct metrics *metrics, const char *name, const char *labels)
{
    size_t slot = slot_of(name, labels);
    struct series *series = metrics->slots[slot];

    while (series != NULL && (strcmp(series->family->name, name) != 0 || strcmp(series->labels, labels) != 0))
        series = series->next_in_slot;
    if (series != NULL) return series;
    struct family *family = find_family(metrics, name);

    if (family != NULL) series = make_series(metrics, family, labels, slot);
    if (series == NULL) metrics->dropped++;
    return series;
}

void metrics_add(struct metrics *metrics, const char *name, const char *labels, double value)
{
    pthread_mutex_lock(&metrics->lock);
    struct series *series = find_series(metrics, name, labels);

    if (series != NULL) series->value += value;
    pthread_mutex_unlock(&metrics->lock);
}

void metrics_set(struct metrics *metrics, const char *name, const char *labels, double value)
{
    pthread_mutex_lock(&metrics->lock);
    struct series *series = find_series(metrics, name, labels);

    if (series != NULL) series->value = value;
    pthread_mutex_unlock(&metrics->lock);
}

void metrics_durations_add(struct metrics_durations *durations, double seconds)
{
    size_t bucket = 0;

    while (bucket < BOUNDS && seconds > bounds[bucket]) bucket++;
    durations->seconds += seconds;
    durations->counts[bucket]++;
}

void metrics_observe_all(struct metrics *metrics, const char *name, const char *labels,
                         const struct metrics_durations *durations)
{
    pthread_mutex_lock(&metrics->lock);
    struct series *series = find_series(metrics, name, labels);

    if (series != NULL) {
        series->value += durations->seconds;
        for (size_t b = 0; b < METRICS_BUCKETS; b++) series->counts[b] += durations->counts[b];
    }
    pthread_mutex_unlock(&metrics->lock);
}

void metrics_observe(struct metrics *metrics, const char *name, const char *labels, double seconds)
{
    struct metrics_durations one = {0};

    metrics_durations_add(&one, seconds);
    metrics_observe_all(metrics, name, labels, &one);
}

bool metrics_collector(struct metrics *metrics, void (*collect)(void *context, struct metrics *metrics), void *context,
                       struct error *error)
{
    if (metrics->collector_count == MOST_COLLECTORS)
        return error_set(error, ERROR_INTERNAL, "there are more than %d collectors of metrics", MOST_COLLECTORS);
    metrics->collectors[metrics->collector_count].collect = collect;
    metrics->collectors[metrics->collector_count].context = context;
    metrics->collector_count++;
    return true;
}

/* Whole numbers without an exponent, others as short as they stay exact enough. */
static void append_value(struct buffer *out, double value)
{
    if (isfinite(value) && value == floor(value) && fabs(value) < 1e15) {
        buffer_append_format(out, " %.0f\n", value);
    } else {
        buffer_append_format(out, " %.9g\n", value);
    }
}

static void append_series(struct buffer *out, const char *name, const char *suffix, const char *labels,
                          const char *bound, double value)
{
    buffer_append_format(out, "%s%s", name, suffix);
    if (labels[0] != '\0' || bound != NULL) {
        buffer_append_format(out, "{%s", labels);
        if (bound != NULL) buffer_append_format(out, "%sle=\"%s\"", labels[0] == '\0' ? "" : ",", bound);
        buffer_append_char(out, '}');
    }
    append_value(out, value);
}

static void show_histogram(struct buffer *out, const char *name, const struct series *series)
{
    uint64_t sum = 0;

    for (size_t b = 0; b < BOUNDS; b++) {
        char bound[32];

        sum += series->counts[b];
        snprintf(bound, sizeof bound, "%g", bounds[b]);
        append_series(out, name, "_bucket", series->labels, bound, (double)sum);
    }
    sum += series->counts[BOUNDS];
    append_series(out, name, "_bucket", series->labels, "+Inf", (double)sum);
    append_series(out, name, "_sum", series->labels, NULL, series->value);
    append_series(out, name, "_count", series->labels, NULL, (double)sum);
}

void metrics_show(struct metrics *metrics, struct buffer *out)
{
    static const char *const kinds[] = {"counter", "gauge", "histogram"};

    for (size_t i = 0; i < metrics->collector_count; i++)
        metrics->collectors[i].collect(metrics->collectors[i].context, metrics);
    pthread_mutex_lock(&metrics->lock);
    for (const struct family *family = metrics->first; family != NULL; family = family->next) {
        buffer_append_format(out, "# HELP %s %s\n# TYPE %s %s\n", family->name, family->help, family->name,
                             kinds[family->kind]);
        for (const struct series *series = family->first; series != NULL; series = series->next_in_family) {
            if (family->kind == METRICS_HISTOGRAM) {
                show_histogram(out, family->name, series);
            } else {
                append_series(out, family->name, "", series->labels, NULL, series->value);
            }
        }
    }
    buffer_append_format(
        out,
        "# HELP aisle_metrics_dropped_total Values that were not kept, for want of room or of a family.\n"
        "# TYPE aisle_metrics_dropped_total counter\naisle_metrics_dropped_total %llu\n",
        (unsigned long long)metrics->dropped);
    pthread_mutex_unlock(&metrics->lock);
}
