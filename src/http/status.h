/* What operators ask a server: /healthz, /readyz and /metrics. */
#ifndef AISLE_HTTP_STATUS_H
#define AISLE_HTTP_STATUS_H

#include "http/exchange.h"
#include "http/metrics.h"

struct status;

struct status_options {
    struct metrics *metrics;
    bool metrics_remote; /* show /metrics to other machines than this one, too */
    /* Whether requests can be served: gives the reason when not. Runs on a worker, may wait. */
    bool (*ready)(void *context, struct error *error);
    void *context;
};

struct status *status_new(const struct status_options *options, struct error *error);
void status_free(struct status *status);
const struct service *status_service(struct status *status);

/* Whether a request asks for one of the three: GET or HEAD of exactly that path, without a signature (which an S3
 * client that means a bucket of that name sends). */
bool status_takes(const struct exchange *exchange);

#endif
