/* Who may do what: signed requests against a store with keys, policies, public access blocks and ACLs. */
#include "http/s3/access.h"

#include "base/digest.h"
#include "base/thread.h"
#include "support/local_store.h"

#define NOW_US INT64_C(1751373296000000)
#define OTHER_OWNER "444455556666"
#define PUBLIC_OPEN                                                                                                    \
    "{\"BlockPublicAcls\":false,\"IgnorePublicAcls\":false,\"BlockPublicPolicy\":false,\"RestrictPublicBuckets\":"     \
    "false}"
#define ALL_USERS "http://acs.amazonaws.com/groups/global/AllUsers"

enum { MOST_HEADERS = 12 };

static struct error error;

/* A request of a client, and the exchange that it becomes. */
struct asking {
    struct exchange exchange;
    struct sign_field headers[MOST_HEADERS];
    struct access_caller caller;
};

static struct access *open_access(struct local_place *place)
{
    struct access_options options = {.store = place->store, .region = "us-east-1", .service = "s3"};
    struct access *access = access_new(&options, &error);

    assert_non_null(access);
    return access;
}

static struct access_key add_key(struct local_place *place, const char *name, const char *owner, const char *policy)
{
    struct access_key made;
    struct access_key key = {.name = name, .owner = owner, .policy = policy, .active = true};

    must(access_key_add(place->store, &key, false, place->arena, &made, &error), &error);
    return made;
}

static void prepare(struct local_place *place, struct asking *asking)
{
    memset(asking, 0, sizeof *asking);
    asking->headers[0] = (struct sign_field){str_of("host"), str_of("127.0.0.1")};
    asking->exchange = (struct exchange){.arena = place->arena,
                                         .request = {.method = str_of("GET"),
                                                     .path = str_of("/shop/orders/1.csv"),
                                                     .query = str_of(""),
                                                     .headers = asking->headers,
                                                     .header_count = 1},
                                         .client_ip = "192.0.2.7",
                                         .received_us = NOW_US};
}

static void add_header(struct asking *asking, const char *name, const char *value)
{
    asking->headers[asking->exchange.request.header_count++] = (struct sign_field){str_of(name), str_of(value)};
}

static void sign(struct asking *asking, const struct access_key *key, const char *region, const char *service)
{
    struct sign_credentials credentials = {key->id, key->secret, key->session_token};
    struct sign_scope scope = {.date = "20250701"};
    struct sign_field *added = NULL;
    size_t count = 0;

    snprintf(scope.region, sizeof scope.region, "%s", region);
    snprintf(scope.service, sizeof scope.service, "%s", service);
    assert_true(sign_headers(&asking->exchange.request, &credentials, &scope, NOW_US, SIGN_UNSIGNED,
                             asking->exchange.arena, &added, &count, &error));
    for (size_t i = 0; i < count; i++) {
        asking->headers[asking->exchange.request.header_count++] = added[i];
    }
}

/* Asks as the key (NULL: anonymous); an error's name, or "" when it is allowed. */
static const char *ask_with(struct local_place *place, struct access *access, const struct access_key *key,
                            struct asking *asking, const struct access_ask *what)
{
    struct access_ask ask = *what;
    struct access_rights *rights = NULL;

    if (key != NULL) {
        sign(asking, key, "us-east-1", "s3");
    }
    if (ask.bucket_name != NULL) {
        ask.bucket = bucket_find(place->store, ask.bucket_name, &error);
        must(ask.bucket != NULL, &error);
        rights = access_rights_new(ask.bucket, &error);
        must(rights != NULL, &error);
        ask.rights = rights;
    }
    error = (struct error){0};
    bool allowed = access_authenticate(access, &asking->exchange, NULL, &asking->caller, &error) &&
                   access_allow(access, &asking->exchange, &asking->caller, &ask, &error);

    access_leave(access, &asking->caller);
    access_rights_free(rights);
    if (ask.bucket != NULL) {
        bucket_release(place->store, ask.bucket);
    }
    return allowed ? "" : error.name;
}

static const char *ask(struct local_place *place, struct access *access, const struct access_key *key,
                       const char *action, const char *object)
{
    struct access_ask what = {.action = action, .bucket_name = "shop", .key = object};
    struct asking asking;

    prepare(place, &asking);
    return ask_with(place, access, key, &asking, &what);
}

static void set(struct local_place *place, enum bucket_setting setting, const char *json)
{
    must(bucket_set(place->store, "shop", setting, json, &error), &error);
}

static void says_who_signed(void **state)
{
    struct local_place *place = *state;
    struct access *access = open_access(place);
    struct access_key admin = add_key(place, "admin", TEST_OWNER, NULL);

    for (int round = 0; round < 3; round++) { /* the derived key is remembered */
        struct asking asking;

        prepare(place, &asking);
        sign(&asking, &admin, "us-east-1", "s3");
        must(access_authenticate(access, &asking.exchange, NULL, &asking.caller, &error), &error);
        assert_string_equal(asking.caller.account, TEST_OWNER);
        assert_string_equal(asking.caller.name, "admin");
        assert_string_equal(asking.caller.principal, "arn:aws:iam::" TEST_OWNER ":user/admin");
        assert_null(asking.caller.identity);
        access_leave(access, &asking.caller);
    }
    access_free(access);
}

static void refuses_who_is_not_who_they_say(void **state)
{
    static const struct {
        const char *what, *region, *service, *name;
        int64_t later_us;
    } cases[] = {
        {"region", "eu-central-1", "s3", "AuthorizationHeaderMalformed", 0},
        {"service", "us-east-1", "dynamodb", "AuthorizationHeaderMalformed", 0},
        {"clock", "us-east-1", "s3", "RequestTimeTooSkewed", INT64_C(1000000000)},
        {"secret", "us-east-1", "s3", "SignatureDoesNotMatch", 0},
        {"id", "us-east-1", "s3", "InvalidAccessKeyId", 0},
        {"token", "us-east-1", "s3", "InvalidToken", 0},
    };
    struct local_place *place = *state;
    struct access *access = open_access(place);
    struct access_key admin = add_key(place, "admin", TEST_OWNER, NULL);

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct access_key key = admin;
        struct asking asking;

        key.secret = strcmp(cases[i].what, "secret") == 0 ? "0123456789012345678901234567890123456789" : key.secret;
        key.id = strcmp(cases[i].what, "id") == 0 ? "AKIAUNKNOWN" : key.id;
        key.session_token = strcmp(cases[i].what, "token") == 0 ? "token" : NULL;
        prepare(place, &asking);
        sign(&asking, &key, cases[i].region, cases[i].service);
        asking.exchange.received_us += cases[i].later_us;
        assert_false(access_authenticate(access, &asking.exchange, NULL, &asking.caller, &error));
        assert_string_equal(error.name, cases[i].name);
        assert_null(asking.caller.account);
        access_leave(access, &asking.caller);
    }
    access_free(access);
}

static void session_tokens_must_be_the_right_ones(void **state)
{
    struct local_place *place = *state;
    struct access *access = open_access(place);
    struct access_key made;
    struct access_key key = {.name = "step", .owner = TEST_OWNER, .active = true};

    make_bucket(place, "shop");
    must(access_key_add(place->store, &key, true, place->arena, &made, &error), &error);
    assert_string_equal(ask(place, access, &made, "s3:GetObject", "a"), "");
    struct access_key other = made;

    other.session_token = "other";
    assert_string_equal(ask(place, access, &other, "s3:GetObject", "a"), "InvalidToken");
    other.session_token = NULL;
    assert_string_equal(ask(place, access, &other, "s3:GetObject", "a"), "InvalidToken");
    must(access_key_set_active(place->store, made.id, false, &error), &error);
    assert_string_equal(ask(place, access, &made, "s3:GetObject", "a"), "InvalidAccessKeyId");
    access_free(access);
}

#define MAY(effect, action, resource)                                                                                  \
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"" effect "\",\"Action\":\"" action                       \
    "\",\"Resource\":\"" resource "\"}]}"
#define LETS(effect, who, action, resource)                                                                            \
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"" effect "\",\"Principal\":" who ",\"Action\":\"" action \
    "\",\"Resource\":\"" resource "\"}]}"
#define SHOP "arn:aws:s3:::shop"

/* "Policy evaluation logic", within one account: identity and resource policies add up, a deny of either wins. */
static void within_an_account_either_policy_suffices(void **state)
{
    struct local_place *place = *state;
    struct access *access = open_access(place);
    struct access_key admin = add_key(place, "admin", TEST_OWNER, NULL);
    struct access_key step = add_key(place, "step", TEST_OWNER, MAY("Allow", "s3:GetObject", SHOP "/orders/*"));

    make_bucket(place, "shop");
    assert_string_equal(ask(place, access, &admin, "s3:DeleteBucket", NULL), "");
    assert_string_equal(ask(place, access, &step, "s3:GetObject", "orders/1"), "");
    assert_string_equal(ask(place, access, &step, "s3:GetObject", "sales/1"), "AccessDenied");
    assert_non_null(strstr(error.message, "user/step is not authorized to perform: s3:GetObject"));
    assert_string_equal(ask(place, access, &step, "s3:PutObject", "orders/1"), "AccessDenied");
    set(place, BUCKET_POLICY,
        LETS("Allow", "{\"AWS\":\"arn:aws:iam::" TEST_OWNER ":user/step\"}", "s3:PutObject", SHOP "/*"));
    assert_string_equal(ask(place, access, &step, "s3:PutObject", "orders/1"), "");
    set(place, BUCKET_POLICY, LETS("Deny", "\"*\"", "s3:*", SHOP "/orders/*"));
    assert_string_equal(ask(place, access, &step, "s3:GetObject", "orders/1"), "AccessDenied");
    assert_string_equal(ask(place, access, &admin, "s3:GetObject", "orders/1"), "AccessDenied");
    assert_string_equal(ask(place, access, &admin, "s3:GetObject", "sales/1"), "");
    must(access_key_set_policy(place->store, step.id, MAY("Deny", "s3:*", "*"), &error), &error);
    set(place, BUCKET_POLICY, LETS("Allow", "\"*\"", "s3:*", SHOP "/*"));
    assert_string_equal(ask(place, access, &step, "s3:GetObject", "orders/1"), "AccessDenied");
    access_free(access);
}

static void the_account_itself_can_always_mend_the_policy(void **state)
{
    struct local_place *place = *state;
    struct access *access = open_access(place);
    struct access_key admin = add_key(place, "admin", TEST_OWNER, NULL);
    struct access_key step = add_key(place, "step", TEST_OWNER, MAY("Allow", "s3:*", "*"));

    make_bucket(place, "shop");
    set(place, BUCKET_POLICY, LETS("Deny", "\"*\"", "s3:*", SHOP));
    assert_string_equal(ask(place, access, &admin, "s3:ListBucket", NULL), "AccessDenied");
    assert_string_equal(ask(place, access, &admin, "s3:DeleteBucketPolicy", NULL), "");
    assert_string_equal(ask(place, access, &step, "s3:DeleteBucketPolicy", NULL), "AccessDenied");
    access_free(access);
}

/* Across accounts both sides must allow. */
static void another_account_needs_both_sides(void **state)
{
    struct local_place *place = *state;
    struct access *access = open_access(place);
    struct access_key other = add_key(place, "other", OTHER_OWNER, NULL);
    struct access_key narrow = add_key(place, "narrow", OTHER_OWNER, MAY("Allow", "s3:PutObject", "*"));

    make_bucket(place, "shop");
    assert_string_equal(ask(place, access, &other, "s3:GetObject", "a"), "AccessDenied");
    set(place, BUCKET_POLICY, LETS("Allow", "{\"AWS\":\"" OTHER_OWNER "\"}", "s3:GetObject", SHOP "/*"));
    assert_string_equal(ask(place, access, &other, "s3:GetObject", "a"), "");
    assert_string_equal(ask(place, access, &other, "s3:PutObject", "a"), "AccessDenied");
    assert_string_equal(ask(place, access, &narrow, "s3:GetObject", "a"), "AccessDenied");
    assert_string_equal(ask(place, access, &narrow, "s3:PutObject", "a"), "AccessDenied");
    access_free(access);
}

/* "Blocking public access": on unless the bucket says otherwise. */
static void nobody_gets_in_only_by_a_policy_that_is_not_blocked(void **state)
{
    struct local_place *place = *state;
    struct access *access = open_access(place);
    struct access_key other = add_key(place, "other", OTHER_OWNER, NULL);

    make_bucket(place, "shop");
    assert_string_equal(ask(place, access, NULL, "s3:GetObject", "a"), "AccessDenied");
    set(place, BUCKET_POLICY, LETS("Allow", "\"*\"", "s3:GetObject", SHOP "/*"));
    assert_string_equal(ask(place, access, NULL, "s3:GetObject", "a"), "AccessDenied");
    assert_string_equal(ask(place, access, &other, "s3:GetObject", "a"), "AccessDenied");
    set(place, BUCKET_PUBLIC_ACCESS, PUBLIC_OPEN);
    assert_string_equal(ask(place, access, NULL, "s3:GetObject", "a"), "");
    assert_string_equal(ask(place, access, &other, "s3:GetObject", "a"), "");
    assert_string_equal(ask(place, access, NULL, "s3:PutObject", "a"), "AccessDenied");
    assert_string_equal(error.message, "Access Denied");
    struct access_ask service = {.action = "s3:ListAllMyBuckets"};
    struct asking asking;

    prepare(place, &asking);
    assert_string_equal(ask_with(place, access, NULL, &asking, &service), "AccessDenied");
    access_free(access);
}

static void public_policies_and_acls_are_blocked_when_they_are_put(void **state)
{
    static const char policy[] = LETS("Allow", "\"*\"", "s3:GetObject", SHOP "/*");
    static const char foreign[] = LETS("Allow", "\"*\"", "s3:GetObject", "arn:aws:s3:::other/*");
    static const char public_acl[] =
        "{\"Grants\":[{\"Grantee\":{\"Type\":\"Group\",\"URI\":\"" ALL_USERS "\"},\"Permission\":\"READ\"}]}";
    struct local_place *place = *state;
    char own[300];
    char id[65];

    make_bucket(place, "shop");
    const struct bucket *bucket = bucket_find(place->store, "shop", &error);
    struct access_rights *rights = access_rights_new(bucket, &error);

    assert_false(access_check_policy(bucket, rights, policy, strlen(policy), &error));
    assert_string_equal(error.name, "AccessDenied");
    assert_false(access_check_policy(bucket, rights, foreign, strlen(foreign), &error));
    assert_string_equal(error.name, "MalformedPolicy");
    assert_false(access_check_acl(bucket, rights, public_acl, &error));
    assert_string_equal(error.name, "AccessControlListNotSupported");
    assert_true(access_canonical_id(TEST_OWNER, id, &error));
    snprintf(own, sizeof own,
             "{\"Grants\":[{\"Grantee\":{\"Type\":\"CanonicalUser\",\"ID\":\"%s\"},\"Permission\":\"FULL_CONTROL\"}]}",
             id);
    assert_true(access_check_acl(bucket, rights, own, &error));
    access_rights_free(rights);
    bucket_release(place->store, bucket);
    set(place, BUCKET_OWNERSHIP, "{\"Rules\":[{\"ObjectOwnership\":\"ObjectWriter\"}]}");
    bucket = bucket_find(place->store, "shop", &error);
    rights = access_rights_new(bucket, &error);
    assert_false(access_check_acl(bucket, rights, public_acl, &error));
    assert_string_equal(error.name, "AccessDenied");
    access_rights_free(rights);
    bucket_release(place->store, bucket);
    set(place, BUCKET_PUBLIC_ACCESS, PUBLIC_OPEN);
    bucket = bucket_find(place->store, "shop", &error);
    rights = access_rights_new(bucket, &error);
    assert_true(access_check_acl(bucket, rights, public_acl, &error));
    assert_true(access_check_policy(bucket, rights, policy, strlen(policy), &error));
    access_rights_free(rights);
    bucket_release(place->store, bucket);
}

/* "Access control list (ACL) overview", where the bucket's ownership allows them. */
static void acls_count_only_where_ownership_lets_them(void **state)
{
    static const char list_acl[] =
        "{\"Grants\":[{\"Grantee\":{\"Type\":\"Group\",\"URI\":\"" ALL_USERS "\"},\"Permission\":\"READ\"}]}";
    struct local_place *place = *state;
    struct access *access = open_access(place);
    struct access_key admin = add_key(place, "admin", TEST_OWNER, NULL);
    struct access_key other = add_key(place, "other", OTHER_OWNER, NULL);
    struct access_ask read = {.action = "s3:GetObject",
                              .bucket_name = "shop",
                              .key = "a",
                              .object_owner = OTHER_OWNER,
                              .object_acl = list_acl};
    struct asking asking;

    make_bucket(place, "shop");
    set(place, BUCKET_PUBLIC_ACCESS, PUBLIC_OPEN);
    set(place, BUCKET_ACL, list_acl);
    assert_string_equal(ask(place, access, NULL, "s3:ListBucket", NULL), "AccessDenied");
    set(place, BUCKET_OWNERSHIP, "{\"Rules\":[{\"ObjectOwnership\":\"ObjectWriter\"}]}");
    assert_string_equal(ask(place, access, NULL, "s3:ListBucket", NULL), "");
    assert_string_equal(ask(place, access, NULL, "s3:PutObject", "x"), "AccessDenied");
    prepare(place, &asking);
    assert_string_equal(ask_with(place, access, NULL, &asking, &read), "");
    read.object_acl = NULL;
    prepare(place, &asking);
    assert_string_equal(ask_with(place, access, NULL, &asking, &read), "AccessDenied");
    prepare(place, &asking);
    assert_string_equal(ask_with(place, access, &other, &asking, &read), ""); /* its own object */
    prepare(place, &asking);
    assert_string_equal(ask_with(place, access, &admin, &asking, &read), "AccessDenied"); /* another's */
    read.action = "s3:DeleteObject";
    prepare(place, &asking);
    assert_string_equal(ask_with(place, access, &admin, &asking, &read), "");
    set(place, BUCKET_PUBLIC_ACCESS, "{\"IgnorePublicAcls\":true}");
    assert_string_equal(ask(place, access, NULL, "s3:ListBucket", NULL), "AccessDenied");
    access_free(access);
}

/* A condition, and a request that meets it. */
static void the_request_gives_the_condition_keys(void **state)
{
    static const struct {
        const char *condition;
        bool allowed;
    } cases[] = {
        {"\"IpAddress\":{\"aws:SourceIp\":\"192.0.2.0/24\"}", true},
        {"\"IpAddress\":{\"aws:SourceIp\":\"198.51.100.0/24\"}", false},
        {"\"Bool\":{\"aws:SecureTransport\":\"false\"}", true},
        {"\"DateGreaterThan\":{\"aws:CurrentTime\":\"2025-07-01T12:34:55Z\"}", true},
        {"\"DateGreaterThan\":{\"aws:CurrentTime\":\"2025-07-01T12:34:57Z\"}", false},
        {"\"StringEquals\":{\"aws:username\":\"step\"}", true},
        {"\"StringEquals\":{\"aws:PrincipalAccount\":\"" TEST_OWNER "\"}", true},
        {"\"ArnLike\":{\"aws:PrincipalArn\":\"arn:aws:iam::*:user/step\"}", true},
        {"\"StringLike\":{\"aws:UserAgent\":\"test/*\"}", true},
        {"\"StringEquals\":{\"s3:x-amz-acl\":\"private\"}", true},
        {"\"StringEquals\":{\"s3:x-amz-server-side-encryption\":\"AES256\"}", false},
        {"\"StringEquals\":{\"s3:RequestObjectTag/shop\":\"Graz West\"}", true},
        {"\"ForAllValues:StringEquals\":{\"s3:RequestObjectTagKeys\":[\"shop\",\"kind\"]}", true},
        {"\"ForAllValues:StringEquals\":{\"s3:RequestObjectTagKeys\":[\"shop\"]}", false},
        {"\"StringEquals\":{\"s3:signatureversion\":\"AWS4-HMAC-SHA256\",\"s3:authType\":\"REST-HEADER\"}", true},
        {"\"NumericLessThan\":{\"s3:signatureAge\":1}", true},
        {"\"StringEquals\":{\"s3:prefix\":\"orders/\",\"s3:VersionId\":\"7\"}", true},
        {"\"NumericLessThanEquals\":{\"s3:max-keys\":9}", false},
        {"\"StringEquals\":{\"s3:ExistingObjectTag/kind\":\"day\"}", true},
        {"\"StringEquals\":{\"s3:ResourceAccount\":\"" TEST_OWNER "\"}", true},
    };
    static const struct sign_field query[] = {
        {{"prefix", 6}, {"orders/", 7}}, {{"versionId", 9}, {"7", 1}}, {{"max-keys", 8}, {"10", 2}}};
    static const struct sign_field given[] = {{{"s3:ExistingObjectTag/kind", 25}, {"day", 3}}};
    struct local_place *place = *state;
    struct access *access = open_access(place);

    make_bucket(place, "shop");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct access_ask what = {.action = "s3:GetObject",
                                  .bucket_name = "shop",
                                  .key = "a",
                                  .version_id = "7",
                                  .context = given,
                                  .context_count = 1};
        struct asking asking;
        char json[400];

        snprintf(json, sizeof json,
                 "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\","
                 "\"Condition\":{%s}}]}",
                 cases[i].condition);
        struct access_key step = add_key(place, "step", TEST_OWNER, json);

        prepare(place, &asking);
        asking.exchange.query = query;
        asking.exchange.query_count = sizeof query / sizeof *query;
        add_header(&asking, "User-Agent", "test/1");
        add_header(&asking, "X-Amz-Acl", "private");
        add_header(&asking, "x-amz-tagging", "shop=Graz+W%65st&kind=");
        const char *name = ask_with(place, access, &step, &asking, &what);

        if ((*name == '\0') != cases[i].allowed) {
            fail_msg("%s: %s", cases[i].condition, error.message);
        }
    }
    access_free(access);
}

/* A form's fields stand for headers; what its request's own headers say is not part of what is put. */
static void given_headers_stand_for_the_requests(void **state)
{
    static const struct sign_field fields[] = {{{"x-amz-acl", 9}, {"public-read", 11}}};
    static const char json[] = "{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"},"
                               "{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":"
                               "{\"StringEquals\":{\"s3:x-amz-acl\":\"public-read\"}}}]}";
    struct local_place *place = *state;
    struct access *access = open_access(place);
    struct access_key step = add_key(place, "step", TEST_OWNER, json);
    struct access_ask what = {.action = "s3:PutObject", .bucket_name = "shop", .key = "a"};
    struct asking asking;

    make_bucket(place, "shop");
    prepare(place, &asking);
    assert_string_equal(ask_with(place, access, &step, &asking, &what), "");
    what.headers = fields;
    what.header_count = 1;
    prepare(place, &asking);
    add_header(&asking, "x-amz-acl", "private");
    assert_string_equal(ask_with(place, access, &step, &asking, &what), "AccessDenied");
    access_free(access);
}

static void nobody_can_do_nothing_where_no_door_is_open(void **state)
{
    static const struct access_caller nobody = {0};
    static const struct access_caller somebody = {.account = OTHER_OWNER};
    struct local_place *place = *state;

    make_bucket(place, "shop");
    const struct bucket *bucket = bucket_find(place->store, "shop", &error);
    struct access_rights *rights = access_rights_new(bucket, &error);

    assert_false(access_may_be(&nobody, rights));
    assert_true(access_may_be(&somebody, rights));
    access_rights_free(rights);
    bucket_release(place->store, bucket);
    set(place, BUCKET_POLICY, LETS("Allow", "\"*\"", "s3:GetObject", SHOP "/*"));
    bucket = bucket_find(place->store, "shop", &error);
    rights = access_rights_new(bucket, &error);
    assert_true(access_may_be(&nobody, rights));
    access_rights_free(rights);
    bucket_release(place->store, bucket);
}

static void says_whether_the_objects_tags_are_needed(void **state)
{
    struct local_place *place = *state;

    make_bucket(place, "shop");
    set(place, BUCKET_POLICY,
        "{\"Statement\":[{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"s3:GetObject\",\"Resource\":\"" SHOP
        "/*\",\"Condition\":{\"StringEquals\":{\"s3:ExistingObjectTag/kind\":\"secret\"}}}]}");
    const struct bucket *bucket = bucket_find(place->store, "shop", &error);
    struct access_rights *rights = access_rights_new(bucket, &error);
    struct access_caller caller = {0};

    assert_true(access_needs_tags(&caller, rights));
    access_rights_free(rights);
    bucket_release(place->store, bucket);
    set(place, BUCKET_POLICY, NULL);
    bucket = bucket_find(place->store, "shop", &error);
    rights = access_rights_new(bucket, &error);
    assert_false(access_needs_tags(&caller, rights));
    access_rights_free(rights);
    bucket_release(place->store, bucket);
}

static void the_expected_owner_must_be_the_owner(void **state)
{
    struct local_place *place = *state;
    struct access *access = open_access(place);
    struct access_key admin = add_key(place, "admin", TEST_OWNER, NULL);
    struct access_ask what = {.action = "s3:GetObject", .bucket_name = "shop", .key = "a"};
    struct asking asking;

    make_bucket(place, "shop");
    prepare(place, &asking);
    add_header(&asking, "x-amz-expected-bucket-owner", TEST_OWNER);
    assert_string_equal(ask_with(place, access, &admin, &asking, &what), "");
    prepare(place, &asking);
    add_header(&asking, "x-amz-expected-bucket-owner", OTHER_OWNER);
    assert_string_equal(ask_with(place, access, &admin, &asking, &what), "AccessDenied");
    access_free(access);
}

static void a_form_is_checked_by_its_policy(void **state)
{
    struct local_place *place = *state;
    struct access *access = open_access(place);
    struct access_key admin = add_key(place, "admin", TEST_OWNER, NULL);
    struct sign_scope scope = {"20250701", "us-east-1", "s3"};
    struct sign_key key;
    uint8_t value[32];
    char signature[65];
    char credential[100];
    struct asking asking;

    prepare(place, &asking);
    assert_true(sign_key_derive(admin.secret, &scope, &key, &error));
    assert_true(digest_hmac_sha256(key.bytes, 32, "eyB9", 4, value, &error));
    digest_hex(value, 32, signature);
    snprintf(credential, sizeof credential, "%s/20250701/us-east-1/s3/aws4_request", admin.id);
    struct sign_field fields[] = {
        {str_of("Policy"), str_of("eyB9")},
        {str_of("x-amz-algorithm"), str_of("AWS4-HMAC-SHA256")},
        {str_of("x-amz-credential"), str_of(credential)},
        {str_of("x-amz-date"), str_of("20250701T120000Z")},
        {str_of("x-amz-signature"), str_of(signature)},
    };

    must(access_authenticate_form(access, &asking.exchange, fields, 5, &asking.caller, &error), &error);
    assert_string_equal(asking.caller.name, "admin");
    access_leave(access, &asking.caller);
    fields[0].value = str_of("eyA9");
    assert_false(access_authenticate_form(access, &asking.exchange, fields, 5, &asking.caller, &error));
    assert_string_equal(error.name, "SignatureDoesNotMatch");
    access_leave(access, &asking.caller);
    must(access_authenticate_form(access, &asking.exchange, fields, 0, &asking.caller, &error), &error);
    assert_null(asking.caller.account);
    access_leave(access, &asking.caller);
    access_free(access);
}

/* Other services' requests need not say what their body's hash is; where they do, it must be so. */
static void a_body_that_was_changed_is_found(void **state)
{
    static const char sent[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    static const char other[] = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
    static const char *const said[] = {NULL, sent, SIGN_UNSIGNED};
    struct local_place *place = *state;
    struct access_options options = {.store = place->store, .region = "us-east-1", .service = "dynamodb"};
    struct access *access = access_new(&options, &error);
    struct access_key admin = add_key(place, "admin", TEST_OWNER, NULL);
    struct sign_credentials credentials = {admin.id, admin.secret, NULL};
    struct sign_scope scope = {"20250701", "us-east-1", "dynamodb"};

    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        struct sign_field *added = NULL;
        size_t count = 0;
        struct asking asking;

        prepare(place, &asking);
        if (said[i] != NULL) {
            add_header(&asking, "x-amz-content-sha256", said[i]);
        }
        assert_true(sign_headers(&asking.exchange.request, &credentials, &scope, NOW_US,
                                 said[i] == NULL ? sent : said[i], place->arena, &added, &count, &error));
        for (size_t j = 0; j < count; j++) {
            asking.headers[asking.exchange.request.header_count++] = added[j];
        }
        assert_int_equal(access_authenticate(access, &asking.exchange, sent, &asking.caller, &error), i < 2);
        access_leave(access, &asking.caller);
        assert_false(access_authenticate(access, &asking.exchange, other, &asking.caller, &error));
        assert_string_equal(error.name, "SignatureDoesNotMatch");
        access_leave(access, &asking.caller);
    }
    access_free(access);
}

static const char *ask_action(struct local_place *place, struct access *access, const struct access_key *key,
                              const char *resource)
{
    struct asking asking;

    prepare(place, &asking);
    sign(&asking, key, "us-east-1", "s3");
    error = (struct error){0};
    bool allowed = access_authenticate(access, &asking.exchange, NULL, &asking.caller, &error) &&
                   access_allow_action(access, &asking.exchange, &asking.caller, "dynamodb:GetItem", resource, &error);

    access_leave(access, &asking.caller);
    return allowed ? "" : error.name;
}

static void resources_without_a_policy_are_their_accounts_alone(void **state)
{
    static const char orders[] = "arn:aws:dynamodb:us-east-1:" TEST_OWNER ":table/orders";
    static const char sales[] = "arn:aws:dynamodb:us-east-1:" TEST_OWNER ":table/sales";
    struct local_place *place = *state;
    struct access *access = open_access(place);
    struct access_key admin = add_key(place, "admin", TEST_OWNER, NULL);
    struct access_key other = add_key(place, "other", OTHER_OWNER, NULL);
    struct access_key step =
        add_key(place, "step", TEST_OWNER, MAY("Allow", "dynamodb:Get*", "arn:aws:dynamodb:*:*:table/orders"));

    assert_string_equal(ask_action(place, access, &admin, orders), "");
    assert_string_equal(ask_action(place, access, &other, orders), "AccessDenied");
    assert_string_equal(ask_action(place, access, &step, orders), "");
    assert_string_equal(ask_action(place, access, &step, sales), "AccessDenied");
    assert_string_equal(ask_action(place, access, &admin, "orders"), "AccessDenied");
    access_free(access);
}

struct crowd {
    struct local_place *place;
    struct access *access;
    struct access_key key;
};

/* One of many who ask at once; every tenth changes the key's policy, which is one of two that both allow it. */
static bool ask_in_crowd(void *context, size_t index, unsigned worker, struct error *problem)
{
    static const char *const policies[] = {MAY("Allow", "s3:GetObject", "*"), MAY("Allow", "s3:*", "*")};
    struct crowd *crowd = context;
    struct arena *arena = arena_new(0, problem);
    struct local_place own = {.arena = arena, .store = crowd->place->store};
    struct access_ask what = {.action = "s3:GetObject", .bucket_name = "shop", .key = "a"};
    struct asking asking;
    bool good = arena != NULL;

    (void)worker;
    if (good && index % 10 == 0) {
        good = access_key_set_policy(own.store, crowd->key.id, policies[index / 10 % 2], problem);
    }
    if (good) {
        struct sign_credentials credentials = {crowd->key.id, crowd->key.secret, NULL};
        struct sign_scope scope = {"20250701", "us-east-1", "s3"};
        struct sign_field *added = NULL;
        size_t count = 0;

        prepare(&own, &asking);
        good = sign_headers(&asking.exchange.request, &credentials, &scope, NOW_US, SIGN_UNSIGNED, arena, &added,
                            &count, problem);
        for (size_t i = 0; good && i < count; i++) {
            asking.headers[asking.exchange.request.header_count++] = added[i];
        }
    }
    if (good) {
        what.bucket = bucket_find(own.store, "shop", problem);
        struct access_rights *rights = what.bucket == NULL ? NULL : access_rights_new(what.bucket, problem);

        what.rights = rights;
        good = rights != NULL && access_authenticate(crowd->access, &asking.exchange, NULL, &asking.caller, problem) &&
               access_allow(crowd->access, &asking.exchange, &asking.caller, &what, problem);
        access_leave(crowd->access, &asking.caller);
        access_rights_free(rights);
        if (what.bucket != NULL) {
            bucket_release(own.store, what.bucket);
        }
    }
    if (arena != NULL) {
        arena_free(arena);
    }
    return good;
}

static void many_may_ask_while_policies_change(void **state)
{
    struct crowd crowd = {.place = *state, .access = open_access(*state)};
    struct team *team = team_new(4, &error);

    crowd.key = add_key(crowd.place, "step", TEST_OWNER, MAY("Allow", "s3:*", "*"));
    make_bucket(crowd.place, "shop");
    must(team != NULL && team_run(team, 400, ask_in_crowd, &crowd, &error), &error);
    team_free(team);
    access_free(crowd.access);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, local_place_setup, local_place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(says_who_signed),
        TEST(refuses_who_is_not_who_they_say),
        TEST(session_tokens_must_be_the_right_ones),
        TEST(within_an_account_either_policy_suffices),
        TEST(the_account_itself_can_always_mend_the_policy),
        TEST(another_account_needs_both_sides),
        TEST(nobody_gets_in_only_by_a_policy_that_is_not_blocked),
        TEST(public_policies_and_acls_are_blocked_when_they_are_put),
        TEST(acls_count_only_where_ownership_lets_them),
        TEST(the_request_gives_the_condition_keys),
        TEST(given_headers_stand_for_the_requests),
        TEST(nobody_can_do_nothing_where_no_door_is_open),
        TEST(says_whether_the_objects_tags_are_needed),
        TEST(the_expected_owner_must_be_the_owner),
        TEST(a_form_is_checked_by_its_policy),
        TEST(a_body_that_was_changed_is_found),
        TEST(resources_without_a_policy_are_their_accounts_alone),
        TEST(many_may_ask_while_policies_change),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
