/* What is done with access keys, in JSON: one meaning for the command that works on a folder nobody owns and for the
 * server that is asked over HTTP.
 *
 *   GET    ""     {"keys": [{"id", "name", "owner", "created", "expires", "active", "policy"}]} without secrets
 *   POST   ""     {"name", "owner", "policy", "session", "expires_seconds"}, all but the name may be left out: makes
 *                 one, and tells its "secret" and "session_token" this once
 *   PATCH  ID     {"active": true|false} and/or {"policy": {...}|null}: null gives it all rights of its account
 *   DELETE ID
 */
#ifndef AISLE_TASK_KEYS_H
#define AISLE_TASK_KEYS_H

#include "base/json.h"
#include "store/local/access_key.h"

/* `account` owns keys whose owner is not named. `body` may be NULL. The answer is the caller's (json_decref); NULL with
 * ERROR_USAGE or ERROR_INVALID for what is wrong with the question, ERROR_NOT_FOUND for an unknown id. */
json_t *keys_do(struct local_store *store, const char *account, const char *method, const char *id, json_t *body,
                struct error *error);

#endif
