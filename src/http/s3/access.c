#include "http/s3/access.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/digest.h"
#include "base/memory.h"
#include "http/s3/access_parts.h"

enum { REMEMBERED = 256, LONGEST_ID = 128, LONGEST_SECRET = 128 };

/* The key that signs one day's requests of an access key. */
struct derived {
    char id[LONGEST_ID + 1];
    char secret[LONGEST_SECRET + 1]; /* an access key may come back with another */
    struct sign_scope scope;
    struct sign_key key;
};

struct known {
    struct derived derived;
    struct access_identity *identity;
};

struct access {
    struct local_store *store;
    char *region, *service;
    pthread_mutex_t lock; /* over `known` */
    struct known known[REMEMBERED];
};

struct access *access_new(const struct access_options *options, struct error *error)
{
    struct access *access = memory_zeroed(sizeof *access, error);

    if (access == NULL) {
        return NULL;
    }
    pthread_mutex_init(&access->lock, NULL);
    access->store = options->store;
    access->region = memory_copy_text(options->region, strlen(options->region), error);
    access->service =
        access->region == NULL ? NULL : memory_copy_text(options->service, strlen(options->service), error);
    if (access->service == NULL) {
        access_free(access);
        return NULL;
    }
    return access;
}

static void drop_identity(struct access_identity *identity)
{
    if (identity != NULL && atomic_fetch_sub(&identity->uses, 1) == 1) {
        policy_free(identity->policy);
        memory_free(identity->json);
        memory_free(identity);
    }
}

void access_free(struct access *access)
{
    if (access == NULL) {
        return;
    }
    for (size_t i = 0; i < REMEMBERED; i++) {
        drop_identity(access->known[i].identity);
    }
    explicit_bzero(access->known, sizeof access->known);
    pthread_mutex_destroy(&access->lock);
    memory_free(access->region);
    memory_free(access->service);
    memory_free(access);
}

/* Where an access key's things are remembered (FNV-1a). */
static struct known *place_of(struct access *access, const char *id)
{
    uint32_t hash = UINT32_C(2166136261);

    for (; *id != '\0'; id++) {
        hash = (hash ^ (unsigned char)*id) * UINT32_C(16777619);
    }
    return &access->known[hash % REMEMBERED];
}

static bool same_scope(const struct sign_scope *a, const struct sign_scope *b)
{
    return strcmp(a->date, b->date) == 0 && strcmp(a->region, b->region) == 0 && strcmp(a->service, b->service) == 0;
}

static bool derive(struct access *access, const struct access_key *key, const struct sign_scope *scope,
                   struct sign_key *signing_key, struct error *error)
{
    struct known *place = place_of(access, key->id);
    bool found = false;

    pthread_mutex_lock(&access->lock);
    if (strcmp(place->derived.id, key->id) == 0 && strcmp(place->derived.secret, key->secret) == 0 &&
        same_scope(&place->derived.scope, scope)) {
        *signing_key = place->derived.key;
        found = true;
    }
    pthread_mutex_unlock(&access->lock);
    if (found) {
        return true;
    }
    if (!sign_key_derive(key->secret, scope, signing_key, error)) {
        return false;
    }
    if (strlen(key->id) <= LONGEST_ID && strlen(key->secret) <= LONGEST_SECRET) {
        pthread_mutex_lock(&access->lock);
        snprintf(place->derived.id, sizeof place->derived.id, "%s", key->id);
        snprintf(place->derived.secret, sizeof place->derived.secret, "%s", key->secret);
        place->derived.scope = *scope;
        place->derived.key = *signing_key;
        pthread_mutex_unlock(&access->lock);
    }
    return true;
}

static struct access_identity *compile_identity(const char *json, struct error *error)
{
    struct access_identity *identity = memory_zeroed(sizeof *identity, error);

    if (identity == NULL) {
        return NULL;
    }
    identity->uses = 1;
    identity->json = memory_copy_text(json, strlen(json), error);
    identity->policy =
        identity->json == NULL ? NULL : policy_compile(json, strlen(json), POLICY_OF_IDENTITY, NULL, error);
    if (identity->policy == NULL) {
        drop_identity(identity);
        return NULL;
    }
    return identity;
}

/* The key's policy as it is now, compiled when it was not before. */
static const struct access_identity *find_identity(struct access *access, const struct access_key *key,
                                                   struct error *error)
{
    struct known *place = place_of(access, key->id);
    struct access_identity *identity = NULL;
    struct access_identity *before = NULL;

    pthread_mutex_lock(&access->lock);
    if (place->identity != NULL && strcmp(place->identity->json, key->policy) == 0) {
        identity = place->identity;
        atomic_fetch_add(&identity->uses, 1);
    }
    pthread_mutex_unlock(&access->lock);
    if (identity != NULL) {
        return identity;
    }
    identity = compile_identity(key->policy, error);
    if (identity == NULL) {
        error_prefix(error, "the policy of the access key %s cannot be used", key->id);
        return NULL;
    }
    atomic_fetch_add(&identity->uses, 1);
    pthread_mutex_lock(&access->lock);
    before = place->identity;
    place->identity = identity;
    pthread_mutex_unlock(&access->lock);
    drop_identity(before);
    return identity;
}

/* --- who -------------------------------------------------------------------------------------------------------- */

static bool check_scope(const struct access *access, const struct sign_claim *claim, struct error *error)
{
    const char *name = claim->form == SIGN_QUERY ? "AuthorizationQueryParametersError" : "AuthorizationHeaderMalformed";

    if (strcmp(claim->scope.service, access->service) != 0) {
        return error_set_named(error, ERROR_USAGE, name,
                               "The authorization header is malformed; incorrect service \"%s\". This endpoint belongs "
                               "to \"%s\".",
                               claim->scope.service, access->service);
    }
    return strcmp(claim->scope.region, access->region) == 0 ||
           error_set_named(error, ERROR_USAGE, name,
                           "The authorization header is malformed; the region '%s' is wrong; expecting '%s'",
                           claim->scope.region, access->region);
}

static bool check_token(const struct access_key *key, const struct sign_claim *claim, struct error *error)
{
    const char *given = claim->session_token;
    const char *wanted = key->session_token;
    bool right = (given == NULL) == (wanted == NULL) &&
                 (given == NULL || (strlen(given) == strlen(wanted) && digest_equal(given, wanted, strlen(wanted))));

    return right || error_set_named(error, ERROR_DENIED, "InvalidToken",
                                    "The provided token is malformed or otherwise invalid.");
}

/* Finds the key of the claim and what belongs to it, before the signature is checked. */
static bool find_caller(struct access *access, const struct exchange *exchange, struct access_caller *caller,
                        struct error *error)
{
    const struct sign_claim *claim = &caller->claim;
    bool version_2 = claim->form == SIGN_URL_2 || claim->form == SIGN_FORM_2; /* has no scope */

    if (!version_2 && !check_scope(access, claim, error)) {
        return false;
    }
    caller->key = access_key_find(access->store, claim->access_key_id, error);
    if (caller->key == NULL) {
        return false;
    }
    if (!check_token(caller->key, claim, error) ||
        (!version_2 && !derive(access, caller->key, &claim->scope, &caller->signing_key, error))) {
        return false;
    }
    if (caller->key->policy != NULL) {
        caller->identity = find_identity(access, caller->key, error);
        if (caller->identity == NULL) {
            return false;
        }
    }
    caller->principal =
        arena_format(exchange->arena, error, "arn:aws:iam::%s:user/%s", caller->key->owner, caller->key->name);
    return caller->principal != NULL;
}

/* The signature is right: the caller is who it claims to be. */
static bool accept(struct access_caller *caller)
{
    caller->account = caller->key->owner;
    caller->name = caller->key->name;
    return true;
}

bool access_authenticate(struct access *access, const struct exchange *exchange, const char *body_sha256,
                         struct access_caller *caller, struct error *error)
{
    memset(caller, 0, sizeof *caller);
    if (!sign_claim_read(&exchange->request, exchange->arena, &caller->claim, error)) {
        return false;
    }
    if (caller->claim.form == SIGN_ANONYMOUS) {
        return true;
    }
    if (caller->claim.payload_hash == NULL) {
        caller->claim.payload_hash = body_sha256 != NULL ? body_sha256 : SIGN_UNSIGNED;
    }
    /* What the client says of the body is signed; it must also be so. */
    if (body_sha256 != NULL && strcmp(caller->claim.payload_hash, body_sha256) != 0) {
        return error_set_named(error, ERROR_DENIED, "SignatureDoesNotMatch",
                               "x-amz-content-sha256 is not the SHA-256 of the request's body.");
    }
    return find_caller(access, exchange, caller, error) &&
           sign_claim_check(&exchange->request, &caller->claim, &caller->signing_key, exchange->received_us,
                            exchange->arena, error) &&
           accept(caller);
}

bool access_is_url_2(const struct exchange *exchange)
{
    return exchange->query_count > 0 && exchange_query(exchange, "AWSAccessKeyId") != NULL;
}

bool access_authenticate_url_2(struct access *access, const struct exchange *exchange, const char *host_bucket,
                               struct access_caller *caller, struct error *error)
{
    memset(caller, 0, sizeof *caller);
    return sign_url_2_read(&exchange->request, exchange->arena, &caller->claim, error) &&
           find_caller(access, exchange, caller, error) &&
           sign_url_2_check(&exchange->request, &caller->claim, caller->key->secret, host_bucket, exchange->received_us,
                            exchange->arena, error) &&
           accept(caller);
}

bool access_authenticate_form(struct access *access, const struct exchange *exchange, const struct sign_field *fields,
                              size_t field_count, struct access_caller *caller, struct error *error)
{
    struct str policy = {NULL, 0};

    memset(caller, 0, sizeof *caller);
    if (!sign_form_read(fields, field_count, exchange->arena, &caller->claim, error)) {
        return false;
    }
    if (caller->claim.form == SIGN_ANONYMOUS) {
        return true;
    }
    for (size_t i = field_count; i > 0; i--) {
        struct str name = fields[i - 1].name;

        if (name.length == strlen("policy") && strncasecmp(name.data, "policy", name.length) == 0) {
            policy = fields[i - 1].value;
        }
    }
    if (caller->claim.form == SIGN_FORM_2) {
        return find_caller(access, exchange, caller, error) &&
               sign_form_2_check(policy, &caller->claim, caller->key->secret, error) && accept(caller);
    }
    return find_caller(access, exchange, caller, error) &&
           sign_form_check(policy, &caller->claim, &caller->signing_key, error) && accept(caller);
}

void access_leave(struct access *access, struct access_caller *caller)
{
    if (caller->key != NULL) {
        access_key_release(access->store, caller->key);
    }
    drop_identity((struct access_identity *)(uintptr_t)caller->identity);
    explicit_bzero(&caller->signing_key, sizeof caller->signing_key);
    caller->key = NULL;
    caller->identity = NULL;
    caller->account = NULL;
}

/* --- may -------------------------------------------------------------------------------------------------------- */

static bool is_same(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

static bool starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool deny(const struct access_caller *caller, const struct access_ask *ask, const char *resource,
                 const char *why, struct error *error)
{
    if (caller->account == NULL || (ask->bucket != NULL && !is_same(caller->account, ask->bucket->owner))) {
        return error_set_named(error, ERROR_DENIED, "AccessDenied", "Access Denied");
    }
    return error_set_named(error, ERROR_DENIED, "AccessDenied",
                           "User: %s is not authorized to perform: %s on resource: \"%s\" %s", caller->principal,
                           ask->action, resource, why);
}

/* Whether what the action is about belongs to who wrote the object, rather than to who owns the bucket. Source: Amazon
 * S3 User Guide, "Controlling ownership of objects": without ACLs all is the bucket owner's. */
static bool is_of_object(const struct access_ask *ask)
{
    return ask->key != NULL && (starts(ask->action, "s3:GetObject") || starts(ask->action, "s3:PutObjectAcl") ||
                                starts(ask->action, "s3:PutObjectVersionAcl"));
}

struct verdicts {
    enum policy_verdict bucket, identity;
};

static bool judge(const struct exchange *exchange, const struct access_caller *caller, const struct access_ask *ask,
                  const char *resource, struct verdicts *verdicts, struct error *error)
{
    const struct policy *policy = ask->rights == NULL ? NULL : ask->rights->policy;
    struct policy_request request = {.principal = caller->account == NULL ? NULL : caller->principal,
                                     .account = caller->account,
                                     .action = ask->action,
                                     .resource = resource};
    struct sign_field *context = NULL;
    struct error failure = {0};

    *verdicts = (struct verdicts){POLICY_SILENT, POLICY_SILENT};
    if (policy == NULL && caller->identity == NULL) {
        return true;
    }
    if (!access_context(exchange, caller, ask, &context, &request.context_count, error)) {
        return false;
    }
    request.context = context;
    if (policy != NULL) {
        verdicts->bucket = policy_judge(policy, &request, &failure);
    }
    if (caller->identity != NULL && failure.code == ERROR_NONE) {
        verdicts->identity = policy_judge(caller->identity->policy, &request, &failure);
    }
    return failure.code == ERROR_NONE || error_set(error, failure.code, "%s", failure.message);
}

/* A key without a policy stands for the account itself, which can always mend its bucket's policy. */
static bool is_rescue(const struct access_caller *caller, const struct access_ask *ask)
{
    return caller->identity == NULL && is_same(caller->account, ask->bucket->owner) &&
           (strcmp(ask->action, "s3:GetBucketPolicy") == 0 || strcmp(ask->action, "s3:PutBucketPolicy") == 0 ||
            strcmp(ask->action, "s3:DeleteBucketPolicy") == 0);
}

static bool allow_in_bucket(const struct access_caller *caller, const struct access_ask *ask, const char *resource,
                            const struct verdicts *verdicts, struct error *error)
{
    const struct access_rights *rights = ask->rights;
    bool of_object = is_of_object(ask);
    const char *owner = of_object && rights->acls && ask->object_owner != NULL ? ask->object_owner : ask->bucket->owner;
    bool by_identity = caller->account != NULL && (caller->identity == NULL || verdicts->identity == POLICY_ALLOWS);
    bool by_bucket = verdicts->bucket == POLICY_ALLOWS && is_same(owner, ask->bucket->owner);
    bool by_acl = false;

    if (verdicts->identity == POLICY_DENIES) {
        return deny(caller, ask, resource, "with an explicit deny in an identity-based policy", error);
    }
    if (is_rescue(caller, ask)) {
        return true;
    }
    if (verdicts->bucket == POLICY_DENIES) {
        return deny(caller, ask, resource, "with an explicit deny in a resource-based policy", error);
    }
    if (by_bucket && rights->restrict_public_buckets && rights->policy_is_public &&
        !is_same(caller->account, ask->bucket->owner)) {
        by_bucket = false;
    }
    if (is_same(caller->account, owner)) {
        return by_identity || by_bucket ||
               deny(caller, ask, resource, "because no identity-based policy allows the action", error);
    }
    if (!by_bucket && rights->acls &&
        !access_acl_grants(of_object ? ask->object_acl : rights->acl, ask->action, of_object, caller,
                           rights->ignore_public_acls, &by_acl, error)) {
        return false;
    }
    return ((by_bucket || by_acl) && (caller->account == NULL || by_identity)) ||
           deny(caller, ask, resource, "because the object belongs to another account", error);
}

/* Where no resource has a policy of its own: the account's keys have their own policies' rights. */
static bool allow_by_identity(const struct access_caller *caller, const struct access_ask *ask, const char *resource,
                              const struct verdicts *verdicts, struct error *error)
{
    if (verdicts->identity == POLICY_DENIES) {
        return deny(caller, ask, resource, "with an explicit deny in an identity-based policy", error);
    }
    return (caller->account != NULL && (caller->identity == NULL || verdicts->identity == POLICY_ALLOWS)) ||
           deny(caller, ask, resource, "because no identity-based policy allows the action", error);
}

bool access_allow(struct access *access, const struct exchange *exchange, const struct access_caller *caller,
                  const struct access_ask *ask, struct error *error)
{
    const char *expected = ask->bucket == NULL ? NULL : exchange_header(exchange, "x-amz-expected-bucket-owner");
    const char *resource =
        arena_format(exchange->arena, error, "arn:aws:s3:::%s%s%s", ask->bucket_name == NULL ? "*" : ask->bucket_name,
                     ask->key == NULL ? "" : "/", ask->key == NULL ? "" : ask->key);
    struct verdicts verdicts;

    (void)access;
    if (resource == NULL) {
        return false;
    }
    if (expected != NULL && strcmp(expected, ask->bucket->owner) != 0) {
        return error_set_named(error, ERROR_DENIED, "AccessDenied", "Access Denied");
    }
    if (!judge(exchange, caller, ask, resource, &verdicts, error)) {
        return false;
    }
    return ask->bucket != NULL ? allow_in_bucket(caller, ask, resource, &verdicts, error)
                               : allow_by_identity(caller, ask, resource, &verdicts, error);
}

/* The account in "arn:aws:SERVICE:REGION:ACCOUNT:…" is the caller's. */
static bool is_own(const struct access_caller *caller, const char *arn)
{
    for (int part = 0; part < 4 && arn != NULL; part++) {
        arn = strchr(arn, ':');
        arn = arn == NULL ? NULL : arn + 1;
    }
    return arn != NULL && caller->account != NULL && strcspn(arn, ":") == strlen(caller->account) &&
           starts(arn, caller->account);
}

bool access_allow_action(struct access *access, const struct exchange *exchange, const struct access_caller *caller,
                         const char *action, const char *resource, struct error *error)
{
    struct access_ask ask = {.action = action};
    struct verdicts verdicts;

    (void)access;
    if (!is_own(caller, resource)) {
        return error_set_named(error, ERROR_DENIED, "AccessDenied", "Access Denied");
    }
    return judge(exchange, caller, &ask, resource, &verdicts, error) &&
           allow_by_identity(caller, &ask, resource, &verdicts, error);
}
