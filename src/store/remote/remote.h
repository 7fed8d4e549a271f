/* The store port over the S3 protocol: AWS, this program's server, or any other. */
#ifndef AISLE_STORE_REMOTE_REMOTE_H
#define AISLE_STORE_REMOTE_REMOTE_H

#include "aws/client.h"
#include "store/store.h"

struct remote_options {
    struct aws_client_options client;
    bool virtual_host;   /* bucket.host instead of host/bucket; only where the endpoint's host allows it */
    uint64_t part_bytes; /* of uploads and downloads in parts; 0: 16 MiB */
    unsigned parallel;   /* parts at once; 0: 4 */
};

/* Uploads past one part are multipart, sent in parallel and aborted when they fail; downloads are ranges under one
 * If-Match, so that they are of one version; each part is checked by CRC64NVME or CRC32C where the server gives it. */
struct store *remote_open(const struct remote_options *options, struct error *error);

#endif
