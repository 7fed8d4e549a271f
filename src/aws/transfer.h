/* One HTTP exchange over a libcurl handle. For the client only. */
#ifndef AISLE_AWS_TRANSFER_H
#define AISLE_AWS_TRANSFER_H

#include <curl/curl.h>

#include "aws/client.h"

struct transfer {
    CURL *handle;
    const char *url;
    const struct aws_request *request;
    struct curl_slist *headers; /* all that are sent, host among them */
    const struct aws_client_options *options;
};

enum transfer_end {
    TRANSFER_ANSWERED,    /* a whole answer of any status is in the response */
    TRANSFER_BROKEN,      /* no answer, or part of one; the request may have been carried out. The error says why */
    TRANSFER_UNREACHABLE, /* nothing was sent. The error says why */
    TRANSFER_FAILED,      /* for a reason of our own that another attempt does not change; in the error */
};

/* The response must be zeroed but for an arena. `*taken`: bytes were given to the request's `take`. */
enum transfer_end transfer_run(const struct transfer *transfer, struct aws_response *response, bool *taken,
                               struct error *error);

#endif
