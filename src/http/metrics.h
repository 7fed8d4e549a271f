/* Numbers that the program shows at /metrics, in Prometheus's text exposition format (version 0.0.4). */
#ifndef AISLE_HTTP_METRICS_H
#define AISLE_HTTP_METRICS_H

#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

struct metrics;
struct metrics *metrics_new(struct error *error);
void metrics_free(struct metrics *metrics);

/* Adds to a counter, sets a gauge, or puts a duration in a histogram's bucket. `labels` is "" or
 * `operation="GetObject", status="200"` as it is shown. A family (name) is told of once with metrics_family; a series
 * is made at its first use. Never fail the caller; past 10,000 series new ones are not kept and are counted in
 * aisle_metrics_dropped_total. */
enum metrics_kind { METRICS_COUNTER, METRICS_GAUGE, METRICS_HISTOGRAM };
bool metrics_family(struct metrics *metrics, const char *name, enum metrics_kind kind, const char *help,
                    struct error *error);
void metrics_add(struct metrics *metrics, const char *name, const char *labels, double value);
void metrics_set(struct metrics *metrics, const char *name, const char *labels, double value);
void metrics_observe(struct metrics *metrics, const char *name, const char *labels, double seconds);

/* Durations that were put in buckets beforehand, where that has to be quick. */
#define METRICS_BUCKETS 15
struct metrics_durations {
    double seconds; /* their sum */
    uint64_t counts[METRICS_BUCKETS];
};
void metrics_durations_add(struct metrics_durations *durations, double seconds);
void metrics_observe_all(struct metrics *metrics, const char *name, const char *labels,
                         const struct metrics_durations *durations);

/* What is read when it is asked for: called before each showing. */
bool metrics_collector(struct metrics *metrics, void (*collect)(void *context, struct metrics *metrics), void *context,
                       struct error *error);
void metrics_show(struct metrics *metrics, struct buffer *out);

#endif
