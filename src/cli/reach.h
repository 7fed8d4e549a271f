/* Which object store a command's s3:// names mean.
 *
 *   1. --endpoint-url: the server there.
 *   2. --data: the buckets of that data folder; through its server when one runs on it.
 *   3. AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, AWS_PROFILE or AWS_ACCESS_KEY_ID is set: what AWS's tools would talk to.
 *   4. The data folder of AISLE_DATA, or ./aisle-data, when it is there.
 *   5. What AWS's tools would talk to without those.
 *
 * Credentials come from where AWS's tools look for them; those of a folder's server from the folder.
 */
#ifndef AISLE_CLI_REACH_H
#define AISLE_CLI_REACH_H

#include "aws/client.h"
#include "cli/options.h"
#include "store/store.h"

#define CLI_OPTION_ENDPOINT                                                                                            \
    {                                                                                                                  \
        .name = "endpoint-url", .kind = VALUE_TEXT, .argument = "URL",                                                 \
        .help = "the S3 server to talk to, such as http://127.0.0.1:9000"                                              \
    }

#define CLI_OPTION_BUCKETS                                                                                             \
    {                                                                                                                  \
        .name = "data", .kind = VALUE_FOLDER, .argument = "DIR", .fallback = "./aisle-data",                           \
        .environment = "AISLE_DATA", .help = "the data folder whose buckets are meant"                                 \
    }

/* The account that a data folder's buckets belong to when nobody has signed in. */
#define REACH_OWNER "000000000000"

struct reach;
/* The values of the two options. */
struct reach *reach_open(const struct value *endpoint, const struct value *data, struct error *error);
void reach_close(struct reach *reach);
struct store *reach_store(const struct reach *reach);

/* As reach_open, but NULL with the error's code ERROR_NONE where the data folder's own buckets are meant and rule 2
 * does not count: for a command that opens the data folder for itself. */
struct reach *reach_open_elsewhere(const struct value *endpoint, const struct value *data, struct error *error);

/* How to talk to the server that holds a data folder: it says in the folder where it listens. ERROR_NOT_FOUND when
 * none says so. Texts live in the arena. */
bool reach_server(const char *folder, struct arena *arena, struct aws_client_options *options, struct error *error);

#endif
