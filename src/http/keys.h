/* Access keys over HTTP, for whoever administers the server: /-/keys and /-/keys/ID, as task/keys.h has them.
 *
 * Requests are signed as those of S3 are, by an access key of the server's own account without a policy; the body's
 * hash must be signed. As secrets go over the wire, only this machine or TLS is answered. No bucket can be named "-".
 */
#ifndef AISLE_HTTP_KEYS_H
#define AISLE_HTTP_KEYS_H

#include "http/exchange.h"
#include "store/local/local.h"

struct keys;

struct keys_options {
    struct local_store *store;
    const char *region;
    const char *account; /* of the server's owner */
    const char *domain;  /* whose subdomains are buckets; NULL: localhost */
};

struct keys *keys_new(const struct keys_options *options, struct error *error);
void keys_free(struct keys *keys);
const struct service *keys_service(struct keys *keys);

/* Whether a request is for it: by its path, unless its host names a bucket. */
bool keys_takes(const struct keys *keys, const struct exchange *exchange);

#endif
