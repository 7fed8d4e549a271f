#include "task/keys.h"

#include <string.h>

#include "aws/policy.h"
#include "base/clock.h"

enum { LONGEST_NAME = 64, LEAST_SESSION_SECONDS = 60, MOST_SESSION_SECONDS = 30 * 86400 };

#define MICROSECONDS INT64_C(1000000)

struct asking {
    struct local_store *store;
    const char *account;
    const char *id;
    json_t *body;
    struct arena *arena;
    struct error *error;
};

static json_t *time_json(int64_t time_us)
{
    char text[32];

    if (time_us == 0) {
        return json_null();
    }
    clock_format_rfc3339(time_us, text);
    return json_string(text);
}

/* A key as it is told; a policy that cannot be read is told as the text it is. */
static json_t *key_json(const struct access_key *key)
{
    json_t *policy = key->policy == NULL ? json_null() : json_loads(key->policy, JSON_REJECT_DUPLICATES, NULL);
    json_t *json = json_object();

    json_object_set_new(json, "id", json_string(key->id));
    json_object_set_new(json, "name", json_string(key->name));
    json_object_set_new(json, "owner", json_string(key->owner));
    json_object_set_new(json, "created", time_json(key->created_us));
    json_object_set_new(json, "expires", time_json(key->expires_us));
    json_object_set_new(json, "active", json_boolean(key->active));
    json_object_set_new(json, "policy", policy != NULL ? policy : json_string(key->policy));
    return json;
}

/* Gives the answer on, unless memory failed while it was made. */
static json_t *built(json_t *json, uint64_t failures, struct error *error)
{
    if (json_built(failures, error)) {
        return json;
    }
    json_decref(json);
    return NULL;
}

static json_t *list(const struct asking *asking)
{
    uint64_t failures = json_failures();
    struct access_key *keys = NULL;
    size_t count = 0;

    if (!access_key_list(asking->store, asking->arena, &keys, &count, asking->error)) {
        return NULL;
    }
    json_t *all = json_array();

    for (size_t i = 0; i < count; i++) {
        json_array_append_new(all, key_json(&keys[i]));
    }
    json_t *answer = json_object();

    json_object_set_new(answer, "keys", all);
    return built(answer, failures, asking->error);
}

/* What IAM takes for a user's name: it becomes part of an ARN and of policies' variables. */
static bool check_name(const char *name, struct error *error)
{
    size_t length = strlen(name);
    size_t good = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+=,.@-");

    return (length >= 1 && length <= LONGEST_NAME && good == length) ||
           error_set(error, ERROR_USAGE,
                     "a key's name has 1 to %d letters, digits or any of _+=,.@-; \"%.80s\" has not", LONGEST_NAME,
                     name);
}

static bool check_owner(const char *owner, struct error *error)
{
    return (strlen(owner) == 12 && strspn(owner, "0123456789") == 12) ||
           error_set(error, ERROR_USAGE, "an account has 12 digits, such as 111122223333; \"%.40s\" has not", owner);
}

/* The policy as the text that is kept; NULL with ERROR_NONE for JSON's null or no member. */
static const char *read_policy(const struct asking *asking)
{
    json_t *json = json_object_get(asking->body, "policy");
    struct buffer text __attribute__((cleanup(buffer_free))) = {0};

    if (json == NULL || json_is_null(json)) {
        return NULL;
    }
    json_append(&text, json, JSON_COMPACT);
    if (!buffer_check(&text, asking->error)) {
        return NULL;
    }
    struct policy *policy = policy_compile(text.data, text.length, POLICY_OF_IDENTITY, NULL, asking->error);

    if (policy == NULL) {
        return NULL;
    }
    policy_free(policy);
    return arena_text(asking->arena, text.data, text.length, asking->error);
}

static bool read_expiry(const struct asking *asking, bool session, int64_t *expires_us)
{
    json_t *json = json_object_get(asking->body, "expires_seconds");
    json_int_t seconds = json_integer_value(json);

    *expires_us = 0;
    if (json == NULL || json_is_null(json)) {
        return !session || error_set(asking->error, ERROR_USAGE, "a session needs a time that it ends after");
    }
    if (!json_is_integer(json) || seconds < LEAST_SESSION_SECONDS || seconds > MOST_SESSION_SECONDS) {
        return error_set(asking->error, ERROR_USAGE, "a key can end after %d seconds to %d days", LEAST_SESSION_SECONDS,
                         MOST_SESSION_SECONDS / 86400);
    }
    *expires_us = clock_now_us() + seconds * MICROSECONDS;
    return true;
}

static json_t *add(const struct asking *asking)
{
    static const char *const known[] = {"name", "owner", "policy", "session", "expires_seconds", NULL};
    uint64_t failures = json_failures();
    bool session = json_is_true(json_object_get(asking->body, "session"));
    struct access_key key = {.active = true};
    struct access_key made;

    if (!json_only(asking->body, known, "the key", asking->error)) {
        return NULL;
    }
    key.name = json_text_or(asking->body, "name", "", "the key", asking->error);
    key.owner =
        key.name == NULL ? NULL : json_text_or(asking->body, "owner", asking->account, "the key", asking->error);
    if (key.owner == NULL || !check_name(key.name, asking->error) || !check_owner(key.owner, asking->error) ||
        !read_expiry(asking, session, &key.expires_us)) {
        return NULL;
    }
    key.policy = read_policy(asking);
    if ((key.policy == NULL && asking->error->code != ERROR_NONE) ||
        !access_key_add(asking->store, &key, session, asking->arena, &made, asking->error)) {
        return NULL;
    }
    json_t *answer = key_json(&made);

    json_object_set_new(answer, "secret", json_string(made.secret));
    if (made.session_token != NULL) {
        json_object_set_new(answer, "session_token", json_string(made.session_token));
    }
    return built(answer, failures, asking->error);
}

static json_t *change(const struct asking *asking)
{
    static const char *const known[] = {"active", "policy", NULL};
    json_t *active = json_object_get(asking->body, "active");

    if (!json_only(asking->body, known, "the change", asking->error)) {
        return NULL;
    }
    if (active != NULL && !json_is_boolean(active)) {
        error_set(asking->error, ERROR_USAGE, "\"active\" must be true or false");
        return NULL;
    }
    if (json_object_get(asking->body, "policy") != NULL) {
        const char *policy = read_policy(asking);

        if ((policy == NULL && asking->error->code != ERROR_NONE) ||
            !access_key_set_policy(asking->store, asking->id, policy, asking->error)) {
            return NULL;
        }
    }
    if (active != NULL && !access_key_set_active(asking->store, asking->id, json_is_true(active), asking->error)) {
        return NULL;
    }
    return json_object();
}

static json_t *dispatch(const struct asking *asking, const char *method)
{
    bool of_one = asking->id[0] != '\0';
    json_t *answer = NULL;

    if (strcmp(method, "GET") == 0 && !of_one) {
        answer = list(asking);
    } else if (strcmp(method, "POST") == 0 && !of_one) {
        answer = add(asking);
    } else if (strcmp(method, "PATCH") == 0 && of_one) {
        answer = change(asking);
    } else if (strcmp(method, "DELETE") == 0 && of_one) {
        answer = access_key_remove(asking->store, asking->id, asking->error) ? json_object() : NULL;
    } else {
        error_set(asking->error, ERROR_USAGE, "access keys know no %s of \"%.100s\"", method, asking->id);
    }
    /* An id that is not known refuses a signature elsewhere; here it is what was asked for. */
    if (answer == NULL && asking->error->name != NULL && strcmp(asking->error->name, "InvalidAccessKeyId") == 0) {
        error_set(asking->error, ERROR_NOT_FOUND, "there is no access key \"%.100s\"; aisle key list shows all",
                  asking->id);
    }
    return answer;
}

json_t *keys_do(struct local_store *store, const char *account, const char *method, const char *id, json_t *body,
                struct error *error)
{
    struct error own = {0};
    struct arena *arena = arena_new(0, error);
    struct asking asking = {.store = store, .account = account, .id = id, .body = body, .arena = arena, .error = &own};

    if (arena == NULL) {
        return NULL;
    }
    json_t *answer = dispatch(&asking, method);

    if (answer == NULL && error != NULL) {
        *error = own;
    }
    arena_free(arena);
    return answer;
}
