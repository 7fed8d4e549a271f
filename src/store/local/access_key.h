/* Access keys: who may sign requests, in whose name, with which rights. */
#ifndef AISLE_STORE_LOCAL_ACCESS_KEY_H
#define AISLE_STORE_LOCAL_ACCESS_KEY_H

#include "store/local/local.h"

struct access_key {
    const char *id;            /* 20 characters, "AK…" (or "AS…" with a session token) */
    const char *secret;        /* 40 characters; on disk wrapped with the store's key */
    const char *name;          /* of the user, "admin", "orders-validate" */
    const char *owner;         /* account id, 12 digits */
    const char *policy;        /* JSON of an identity's policy; NULL: all rights of the owner */
    const char *session_token; /* NULL: none needed */
    int64_t created_us;
    int64_t expires_us; /* 0: never */
    bool active;
};

/* The key, from memory when it was asked for before; InvalidAccessKeyId, also of one that is not active; ExpiredToken.
 * Counted: access_key_release. */
const struct access_key *access_key_find(struct local_store *store, const char *id, struct error *error);
void access_key_release(struct local_store *store, const struct access_key *key);

/* Makes one; id, secret and token are made up where they are NULL. Fills `made` in the arena. */
bool access_key_add(struct local_store *store, const struct access_key *key, bool with_session, struct arena *arena,
                    struct access_key *made, struct error *error);
bool access_key_list(struct local_store *store, struct arena *arena, struct access_key **keys, size_t *count,
                     struct error *error); /* without secrets */
bool access_key_set_active(struct local_store *store, const char *id, bool active, struct error *error);
bool access_key_set_policy(struct local_store *store, const char *id, const char *policy, struct error *error);
bool access_key_remove(struct local_store *store, const char *id, struct error *error);

#endif
