/* Which actions on which tables a request asks for, and whether the caller may do them. */
#ifndef AISLE_HTTP_DYNAMODB_RIGHTS_H
#define AISLE_HTTP_DYNAMODB_RIGHTS_H

#include "http/dynamodb/dynamodb.h"

/* Asks once for each table and index that the request names: batches under the operation's own action, transactions
 * under those of their parts (Developer Guide, "Using IAM with DynamoDB transactions"). AccessDenied. A body that is no
 * JSON asks for all tables. */
bool rights_check(const struct dynamodb_options *options, const struct exchange *exchange,
                  const struct access_caller *caller, const char *operation, struct str body, struct error *error);

#endif
