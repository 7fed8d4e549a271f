#include "http/metrics.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "support/torture.h"
#include "support/unit.h"

static struct metrics *some_metrics(void)
{
    struct metrics *metrics = metrics_new(NULL);

    assert_non_null(metrics);
    assert_true(metrics_family(metrics, "requests_total", METRICS_COUNTER, "Requests.", NULL));
    assert_true(metrics_family(metrics, "open", METRICS_GAUGE, "Open now.", NULL));
    assert_true(metrics_family(metrics, "seconds", METRICS_HISTOGRAM, "Times.", NULL));
    return metrics;
}

static void shows(struct metrics *metrics, const char *expected)
{
    struct buffer out = {0};

    metrics_show(metrics, &out);
    const char *text = buffer_text(&out);

    assert_non_null(text);
    if (strstr(text, expected) == NULL) fail_msg("there is no\n%s\nin\n%s", expected, text);
    buffer_free(&out);
}

static void the_text_is_the_exposition_format(void **state)
{
    struct metrics *metrics = some_metrics();

    (void)state;
    metrics_add(metrics, "requests_total", "operation=\"Get\",status=\"200\"", 2);
    metrics_add(metrics, "requests_total", "operation=\"Get\",status=\"404\"", 1);
    metrics_add(metrics, "requests_total", "operation=\"Get\",status=\"200\"", 3);
    metrics_set(metrics, "open", "", 7);
    metrics_set(metrics, "open", "", 2.5);
    metrics_observe(metrics, "seconds", "operation=\"Get\"", 0.0004);
    metrics_observe(metrics, "seconds", "operation=\"Get\"", 0.03);
    metrics_observe(metrics, "seconds", "operation=\"Get\"", 100);
    shows(metrics, "# HELP requests_total Requests.\n# TYPE requests_total counter\n"
                   "requests_total{operation=\"Get\",status=\"200\"} 5\n"
                   "requests_total{operation=\"Get\",status=\"404\"} 1\n"
                   "# HELP open Open now.\n# TYPE open gauge\nopen 2.5\n");
    shows(metrics, "seconds_bucket{operation=\"Get\",le=\"0.0005\"} 1\n");
    shows(metrics, "seconds_bucket{operation=\"Get\",le=\"0.025\"} 1\n"
                   "seconds_bucket{operation=\"Get\",le=\"0.05\"} 2\n");
    shows(metrics, "seconds_bucket{operation=\"Get\",le=\"10\"} 2\n"
                   "seconds_bucket{operation=\"Get\",le=\"+Inf\"} 3\n"
                   "seconds_sum{operation=\"Get\"} 100.0304\nseconds_count{operation=\"Get\"} 3\n");
    metrics_free(metrics);
}

static void series_past_the_limit_are_counted(void **state)
{
    struct metrics *metrics = some_metrics();

    (void)state;
    for (int i = 0; i < 10007; i++) {
        char labels[32];

        snprintf(labels, sizeof labels, "n=\"%d\"", i);
        metrics_add(metrics, "requests_total", labels, 1);
    }
    metrics_add(metrics, "nobody_told_of_it", "", 1);
    shows(metrics, "requests_total{n=\"9999\"} 1\n");
    shows(metrics, "aisle_metrics_dropped_total 8\n");
    metrics_free(metrics);
    metrics_free(NULL);
}

static void collect(void *context, struct metrics *metrics)
{
    metrics_set(metrics, "open", "", ++*(int *)context);
}

static void collectors_are_asked_before_each_showing(void **state)
{
    struct metrics *metrics = some_metrics();
    int count = 0;

    (void)state;
    assert_true(metrics_collector(metrics, collect, &count, NULL));
    shows(metrics, "\nopen 1\n");
    shows(metrics, "\nopen 2\n");
    metrics_free(metrics);
}

static bool add_many(void *context, size_t index, unsigned worker, struct error *error)
{
    char labels[32];

    (void)worker, (void)error;
    snprintf(labels, sizeof labels, "n=\"%zu\"", index % 10);
    metrics_add(context, "requests_total", labels, 1);
    metrics_observe(context, "seconds", "", 0.001);
    return true;
}

static void threads_may_count_at_once(void **state)
{
    struct metrics *metrics = some_metrics();
    struct team *team = team_new(4, NULL);

    (void)state;
    assert_true(team_run(team, 10000, add_many, metrics, NULL));
    shows(metrics, "requests_total{n=\"3\"} 1000\n");
    shows(metrics, "seconds_count 10000\n");
    team_free(team);
    metrics_free(metrics);
}

static bool make(void *context, struct error *error)
{
    struct metrics *metrics = metrics_new(error);
    bool good = metrics != NULL && metrics_family(metrics, "a", METRICS_COUNTER, "A.", error);

    (void)context;
    metrics_free(metrics);
    return good;
}

static void want_of_memory_is_reported(void **state)
{
    (void)state;
    torture_walk(make, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_is_the_exposition_format),
        cmocka_unit_test(series_past_the_limit_are_counted),
        cmocka_unit_test(collectors_are_asked_before_each_showing),
        cmocka_unit_test(threads_may_count_at_once),
        cmocka_unit_test(want_of_memory_is_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
