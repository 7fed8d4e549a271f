/* The server's configuration: aisle.yaml, checked against what is known, and the defaults for all that it leaves out.
 * docs/configuration.md lists every key. An error names file, line, column and key.
 */
#ifndef AISLE_TASK_CONFIG_H
#define AISLE_TASK_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct config_watch {
    const char *folder; /* files dropped here become objects */
    const char *bucket;
    const char *prefix; /* "" or "raw_data/" */
    bool done_marker;   /* a file counts when FILE.done stands beside it, rather than when it stops growing */
    unsigned settle_ms; /* how long a file must not have changed */
    const char *after;  /* "keep", "delete" or "archive" (into FOLDER/.taken) */
};

struct config {
    const char *data;
    const char *listen;
    bool allow_remote; /* listen beyond loopback without TLS */
    const char *tls_certificate, *tls_key;
    const char *region, *domain, *account;
    const char *access_key_id, *secret_access_key; /* NULL: made on first start */
    const char *key_file;
    const char **buckets; /* there when the server has started */
    unsigned bucket_count;
    struct config_watch *watches;
    unsigned watch_count;
    unsigned workers, max_connections, max_connections_per_ip, idle_timeout_seconds; /* 0: the server's defaults */
    unsigned drain_seconds;              /* requests under way get so long to finish when the server is told to end */
    unsigned lifecycle_interval_seconds; /* 3,600 */
    const char *log_level;               /* "info" */
    bool log_requests;
    bool metrics_remote; /* show /metrics to other machines, too */
};

/* Reads the file, or gives the defaults when `path` is NULL. */
struct config *config_load(const char *path, struct error *error);
/* As config_load, of bytes in memory; `name` stands for the path in errors. */
struct config *config_read(const char *data, size_t size, const char *name, struct error *error);
void config_free(struct config *config);

#endif
