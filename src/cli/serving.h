/* The parts of a running server, joined: folder, store, protocols, metrics, and what goes on beside. */
#ifndef AISLE_CLI_SERVING_H
#define AISLE_CLI_SERVING_H

#include "cli/upkeep.h"
#include "http/dynamodb/dynamodb.h"
#include "http/keys.h"
#include "http/metrics.h"
#include "http/s3/s3.h"
#include "http/server.h"
#include "http/status.h"
#include "store/local/access_key.h"
#include "store/local/watch.h"
#include "task/config.h"

struct serving {
    const struct config *config;
    struct arena *arena;
    struct folder *folder;
    struct local_store *store;
    struct access_key admin; /* a key with all rights; its texts live in the arena */
    bool key_made;           /* just now, so that its secret is to be told */
    struct s3 *s3;
    struct keys *keys;
    struct tables *tables;
    struct access *tables_access; /* for signatures of the tables' protocol */
    struct dynamodb *dynamodb;
    struct metrics *metrics;
    struct status *status;
    struct upkeep *upkeep;
    struct watch **watches; /* as many as the configuration has, ended by NULL */
    struct server *server;
    const char *note; /* the path of server.json once it is there */
};

/* Opens the data folder and begins to serve. On failure serving_stop still releases what there is.
 *
 * While it serves, server.json in the data folder (mode 0600) tells other commands of this machine how to reach it:
 * {"url": …, "region": …, "pid": …, "access_key_id": …, "secret_access_key": …}, and "ca_file", the certificate, under
 * TLS. */
bool serving_start(struct serving *serving, const struct config *config, struct error *error);

/* Lets requests under way finish, within the configured time, and closes everything in order. */
void serving_stop(struct serving *serving);

#endif
