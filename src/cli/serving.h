/* The parts of a running server, joined: folder, store, protocols, metrics, watches and what goes on beside. */
#ifndef AISLE_CLI_SERVING_H
#define AISLE_CLI_SERVING_H

#include "http/metrics.h"
#include "http/s3/s3.h"
#include "http/server.h"
#include "http/status.h"
#include "store/folder.h"
#include "store/local/access_key.h"
#include "task/config.h"

struct serving {
    const struct config *config;
    struct arena *arena;
    struct folder *folder;
    struct local_store *store;
    struct s3 *s3;
    struct access_key made_key; /* id NULL: none was made */
    struct metrics *metrics;
    struct status *status;
    struct server *server;
};

/* Opens the data folder and begins to serve. On failure serving_stop still releases what there is. */
bool serving_start(struct serving *serving, const struct config *config, struct error *error);

/* Lets requests under way finish, within the configured time, and closes everything in order. */
void serving_stop(struct serving *serving);

#endif
