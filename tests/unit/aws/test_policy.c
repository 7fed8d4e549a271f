#include "aws/policy.h"

#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/random.h"
#include "support/torture.h"

enum { MOST_CONTEXT = 8 };

static struct error error;

#define BUCKET "arn:aws:s3:::shop"
#define ALICE "arn:aws:iam::111122223333:user/alice"

static struct policy *compile(const char *json, enum policy_kind kind)
{
    struct policy *policy =
        policy_compile(json, strlen(json), kind, kind == POLICY_OF_RESOURCE ? BUCKET : NULL, &error);

    if (policy == NULL) {
        fail_msg("%s: %s", json, error.message);
    }
    return policy;
}

/* A question, with the context as NAME, VALUE, NAME, VALUE, …, NULL. */
struct question {
    const char *principal, *account, *action, *resource;
    const char *context[2 * MOST_CONTEXT + 1];
};

static enum policy_verdict judge(const struct policy *policy, const struct question *question)
{
    struct sign_field fields[MOST_CONTEXT];
    struct policy_request request = {.principal = question->principal,
                                     .account = question->account,
                                     .action = question->action,
                                     .resource = question->resource,
                                     .context = fields};

    for (const char *const *at = question->context; *at != NULL; at += 2) {
        fields[request.context_count++] = (struct sign_field){str_of(at[0]), str_of(at[1])};
    }
    return policy_judge(policy, &request, &error);
}

static enum policy_verdict ask(const char *json, const struct question *question)
{
    struct policy *policy =
        compile(json, strstr(json, "Principal\":") == NULL ? POLICY_OF_IDENTITY : POLICY_OF_RESOURCE);
    enum policy_verdict verdict = judge(policy, question);

    policy_free(policy);
    return verdict;
}

static const struct question get = {ALICE, "111122223333", "s3:GetObject", BUCKET "/orders/1.csv", {NULL}};

#define IDENTITY(effect, action, resource)                                                                             \
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"" effect "\",\"Action\":" action                         \
    ",\"Resource\":" resource "}]}"

/* "Policy evaluation logic": default deny, an allow, and an explicit deny that overrides it in whatever order. */
static void an_explicit_deny_overrides_any_allow(void **state)
{
    static const char allow[] = "{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"*\"}";
    static const char deny[] = "{\"Effect\":\"Deny\",\"Action\":\"s3:GetObject\",\"Resource\":\"" BUCKET "/orders/*\"}";
    char json[600];

    (void)state;
    assert_int_equal(ask(IDENTITY("Allow", "\"s3:PutObject\"", "\"*\""), &get), POLICY_SILENT);
    assert_int_equal(ask(IDENTITY("Allow", "\"s3:GetObject\"", "\"*\""), &get), POLICY_ALLOWS);
    snprintf(json, sizeof json, "{\"Statement\":[%s,%s]}", allow, deny);
    assert_int_equal(ask(json, &get), POLICY_DENIES);
    snprintf(json, sizeof json, "{\"Statement\":[%s,%s]}", deny, allow);
    assert_int_equal(ask(json, &get), POLICY_DENIES);
    snprintf(json, sizeof json, "{\"Statement\":%s}", deny);
    assert_int_equal(ask(json, &get), POLICY_DENIES);
}

struct match {
    const char *pattern, *text;
    bool matches;
};

/* "IAM JSON policy elements: Action" and "Resource": * and ?, actions without regard to case, resources with it. */
static void wildcards_match_as_documented(void **state)
{
    static const struct match matches[] = {
        {"s3:GetObject", "s3:getobject", true},
        {"s3:Get*", "s3:GetObjectAcl", true},
        {"s3:*Object", "s3:GetObject", true},
        {"s3:*Object", "s3:GetObjectAcl", false},
        {"s3:Get??????", "s3:GetObject", true},
        {"s3:Get?????", "s3:GetObject", false},
        {"*", "s3:GetObject", true},
        {"s3:**", "s3:GetObject", true},
        {"sqs:*", "s3:GetObject", false},
    };
    static const struct match resources[] = {
        {BUCKET "/*", BUCKET "/a/b/c", true},
        {BUCKET "/*", BUCKET, false},
        {BUCKET "*", BUCKET "2/x", true},
        {BUCKET "/A", BUCKET "/a", false},
        {BUCKET "/a?c", BUCKET "/abc", true},
        {BUCKET "/a?c", BUCKET "/ac", false},
        {BUCKET "/*/x/*", BUCKET "/a/x/", true},
        {BUCKET "/*a*b*c", BUCKET "/xaybzbc", true},
        {"*", BUCKET "/abc", true},
        {"arn:aws:s3:::*/q", BUCKET "/q", true},
    };
    char json[300];

    (void)state;
    for (size_t i = 0; i < sizeof matches / sizeof *matches; i++) {
        struct question question = get;

        question.action = matches[i].text;
        snprintf(json, sizeof json, IDENTITY("Allow", "[\"x:y\",\"%s\"]", "\"*\""), matches[i].pattern);
        if ((ask(json, &question) == POLICY_ALLOWS) != matches[i].matches) {
            fail_msg("%s and %s", matches[i].pattern, matches[i].text);
        }
    }
    for (size_t i = 0; i < sizeof resources / sizeof *resources; i++) {
        struct question question = get;

        question.resource = resources[i].text;
        snprintf(json, sizeof json, IDENTITY("Allow", "\"*\"", "\"%s\""), resources[i].pattern);
        if ((ask(json, &question) == POLICY_ALLOWS) != resources[i].matches) {
            fail_msg("%s and %s", resources[i].pattern, resources[i].text);
        }
    }
}

static void not_action_and_not_resource_are_all_others(void **state)
{
    static const char json[] =
        "{\"Statement\":{\"Effect\":\"Allow\",\"NotAction\":\"s3:Delete*\",\"NotResource\":[\"" BUCKET "/secret/*\"]}}";
    struct question question = get;

    (void)state;
    assert_int_equal(ask(json, &question), POLICY_ALLOWS);
    question.action = "s3:DeleteObject";
    assert_int_equal(ask(json, &question), POLICY_SILENT);
    question.action = "s3:GetObject";
    question.resource = BUCKET "/secret/x";
    assert_int_equal(ask(json, &question), POLICY_SILENT);
}

/* "AWS JSON policy elements: Principal". */
static void principals_are_matched(void **state)
{
    static const struct {
        const char *principal;
        bool alice, bob, other, anonymous;
    } cases[] = {
        {"\"Principal\":\"*\"", true, true, true, true},
        {"\"Principal\":{\"AWS\":\"*\"}", true, true, true, true},
        {"\"Principal\":{\"AWS\":\"111122223333\"}", true, true, false, false},
        {"\"Principal\":{\"AWS\":[\"arn:aws:iam::111122223333:root\"]}", true, true, false, false},
        {"\"Principal\":{\"AWS\":\"" ALICE "\"}", true, false, false, false},
        {"\"Principal\":{\"AWS\":[\"444455556666\",\"" ALICE "\"]}", true, false, true, false},
        {"\"NotPrincipal\":{\"AWS\":\"" ALICE "\"}", false, true, true, true},
        {"\"Principal\":{\"Service\":\"logging.s3.amazonaws.com\"}", false, false, false, false},
    };
    struct question alice = get;
    struct question bob = get;
    struct question other = get;
    struct question anonymous = get;

    (void)state;
    bob.principal = "arn:aws:iam::111122223333:user/bob";
    other.principal = "arn:aws:iam::444455556666:user/alice";
    other.account = "444455556666";
    anonymous.principal = anonymous.account = NULL;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char json[400];

        snprintf(json, sizeof json,
                 "{\"Statement\":[{\"Effect\":\"Allow\",%s,\"Action\":\"s3:GetObject\",\"Resource\":\"" BUCKET
                 "/*\"}]}",
                 cases[i].principal);
        assert_int_equal(ask(json, &alice) == POLICY_ALLOWS, cases[i].alice);
        assert_int_equal(ask(json, &bob) == POLICY_ALLOWS, cases[i].bob);
        assert_int_equal(ask(json, &other) == POLICY_ALLOWS, cases[i].other);
        assert_int_equal(ask(json, &anonymous) == POLICY_ALLOWS, cases[i].anonymous);
    }
}

static void canonical_users_are_matched(void **state)
{
    uint8_t value[DIGEST_MAX_BYTES];
    char id[65];
    char json[400];
    struct question question = get;

    (void)state;
    assert_true(digest_once(DIGEST_SHA256, "111122223333", 12, value, &error));
    digest_hex(value, 32, id);
    snprintf(json, sizeof json,
             "{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"CanonicalUser\":\"%s\"},\"Action\":\"s3:*\","
             "\"Resource\":\"" BUCKET "/*\"}]}",
             id);
    assert_int_equal(ask(json, &question), POLICY_ALLOWS);
    question.account = "444455556666";
    assert_int_equal(ask(json, &question), POLICY_SILENT);
}

struct condition_case {
    const char *condition;
    bool holds;
    const char *context[9];
};

/* "IAM JSON policy elements: Condition operators", "Conditions with multiple context keys or values" and
 * "Multivalued context keys". */
static const struct condition_case condition_cases[] = {
    {"{\"StringEquals\":{\"s3:prefix\":\"home/\"}}", true, {"s3:prefix", "home/"}},
    {"{\"StringEquals\":{\"s3:prefix\":\"home/\"}}", true, {"S3:PREFIX", "home/"}},
    {"{\"StringEquals\":{\"s3:prefix\":\"home/\"}}", false, {"s3:prefix", "HOME/"}},
    {"{\"StringEquals\":{\"s3:prefix\":\"home/*\"}}", false, {"s3:prefix", "home/x"}},
    {"{\"StringEquals\":{\"s3:prefix\":\"home/\"}}", false, {NULL}},
    {"{\"StringEquals\":{\"s3:prefix\":[\"a\",\"b\"]}}", true, {"s3:prefix", "b"}},
    {"{\"StringEqualsIfExists\":{\"s3:prefix\":\"home/\"}}", true, {NULL}},
    {"{\"StringEqualsIfExists\":{\"s3:prefix\":\"home/\"}}", false, {"s3:prefix", "x"}},
    {"{\"StringNotEquals\":{\"s3:prefix\":[\"a\",\"b\"]}}", false, {"s3:prefix", "b"}},
    {"{\"StringNotEquals\":{\"s3:prefix\":[\"a\",\"b\"]}}", true, {"s3:prefix", "c"}},
    {"{\"StringNotEquals\":{\"s3:prefix\":\"a\"}}", true, {NULL}},
    {"{\"StringEqualsIgnoreCase\":{\"s3:x-amz-acl\":\"Private\"}}", true, {"s3:x-amz-acl", "pRIVATE"}},
    {"{\"StringNotEqualsIgnoreCase\":{\"s3:x-amz-acl\":\"Private\"}}", false, {"s3:x-amz-acl", "pRIVATE"}},
    {"{\"StringLike\":{\"s3:prefix\":[\"\",\"home/${aws:username}/*\"]}}",
     true,
     {"s3:prefix", "home/alice/x", "aws:username", "alice"}},
    {"{\"StringLike\":{\"s3:prefix\":[\"\",\"home/${aws:username}/*\"]}}",
     false,
     {"s3:prefix", "home/bob/x", "aws:username", "alice"}},
    {"{\"StringLike\":{\"s3:prefix\":\"home/${aws:username}/*\"}}",
     false,
     {"s3:prefix", "home/alice/x", "aws:username", "*"}},
    {"{\"StringLike\":{\"s3:prefix\":\"home/${aws:username}/*\"}}", false, {"s3:prefix", "home//x"}},
    {"{\"StringLike\":{\"s3:prefix\":\"home/${aws:username, 'guest'}/*\"}}", true, {"s3:prefix", "home/guest/x"}},
    {"{\"StringLike\":{\"s3:prefix\":\"a${*}b${?}${$}*\"}}", true, {"s3:prefix", "a*b?$c"}},
    {"{\"StringLike\":{\"s3:prefix\":\"a${*}b\"}}", false, {"s3:prefix", "axb"}},
    {"{\"StringNotLike\":{\"aws:Referer\":\"https://shop.example/*\"}}",
     true,
     {"aws:Referer", "https://evil.example/"}},
    {"{\"NumericLessThanEquals\":{\"s3:max-keys\":\"10\"}}", true, {"s3:max-keys", "10"}},
    {"{\"NumericLessThanEquals\":{\"s3:max-keys\":10}}", false, {"s3:max-keys", "11"}},
    {"{\"NumericLessThan\":{\"s3:max-keys\":\"10\"}}", false, {"s3:max-keys", "ten"}},
    {"{\"NumericGreaterThan\":{\"s3:signatureAge\":600000}}", true, {"s3:signatureAge", "600001"}},
    {"{\"NumericGreaterThanEquals\":{\"s3:signatureAge\":600000}}", true, {"s3:signatureAge", "600000"}},
    {"{\"NumericNotEquals\":{\"s3:max-keys\":\"10\"}}", true, {"s3:max-keys", "11"}},
    {"{\"NumericEquals\":{\"s3:max-keys\":\"10\"}}", true, {"s3:max-keys", "10.0"}},
    {"{\"DateGreaterThan\":{\"aws:CurrentTime\":\"2025-07-01T00:00:00Z\"}}",
     true,
     {"aws:CurrentTime", "2025-07-01T00:00:00.001Z"}},
    {"{\"DateLessThan\":{\"aws:CurrentTime\":\"2025-07-01T02:00:00+02:00\"}}",
     false,
     {"aws:CurrentTime", "2025-07-01T00:00:00.000Z"}},
    {"{\"DateEquals\":{\"aws:CurrentTime\":\"2025-07-01\"}}", true, {"aws:CurrentTime", "2025-07-01T00:00:00Z"}},
    {"{\"DateLessThanEquals\":{\"aws:EpochTime\":1751328000}}", true, {"aws:EpochTime", "1751328000"}},
    {"{\"DateGreaterThanEquals\":{\"aws:EpochTime\":\"2025-07-01T00:00Z\"}}", true, {"aws:EpochTime", "1751328000"}},
    {"{\"DateNotEquals\":{\"aws:EpochTime\":\"2025-07-01\"}}", false, {"aws:EpochTime", "1751328000"}},
    {"{\"Bool\":{\"aws:SecureTransport\":\"false\"}}", true, {"aws:SecureTransport", "false"}},
    {"{\"Bool\":{\"aws:SecureTransport\":true}}", false, {"aws:SecureTransport", "false"}},
    {"{\"BoolIfExists\":{\"aws:MultiFactorAuthPresent\":\"false\"}}", true, {NULL}},
    {"{\"BinaryEquals\":{\"x:key\":\"QmluYXJ5\"}}", true, {"x:key", "QmluYXJ5"}},
    {"{\"IpAddress\":{\"aws:SourceIp\":[\"203.0.113.0/24\",\"2001:DB8:1234:5678::/64\"]}}",
     true,
     {"aws:SourceIp", "203.0.113.255"}},
    {"{\"IpAddress\":{\"aws:SourceIp\":[\"203.0.113.0/24\",\"2001:DB8:1234:5678::/64\"]}}",
     true,
     {"aws:SourceIp", "2001:db8:1234:5678:1::1"}},
    {"{\"IpAddress\":{\"aws:SourceIp\":\"203.0.113.0/25\"}}", false, {"aws:SourceIp", "203.0.113.128"}},
    {"{\"IpAddress\":{\"aws:SourceIp\":\"203.0.113.7\"}}", true, {"aws:SourceIp", "::ffff:203.0.113.7"}},
    {"{\"IpAddress\":{\"aws:SourceIp\":\"0.0.0.0/0\"}}", false, {"aws:SourceIp", "2001:db8::1"}},
    {"{\"IpAddress\":{\"aws:SourceIp\":\"::/0\"}}", true, {"aws:SourceIp", "2001:db8::1"}},
    {"{\"NotIpAddress\":{\"aws:SourceIp\":\"203.0.113.0/24\"}}", true, {"aws:SourceIp", "198.51.100.1"}},
    {"{\"NotIpAddress\":{\"aws:SourceIp\":\"203.0.113.0/24\"}}", false, {"aws:SourceIp", "203.0.113.1"}},
    {"{\"ArnLike\":{\"aws:PrincipalArn\":\"arn:aws:iam::*:user/a*\"}}", true, {"aws:PrincipalArn", ALICE}},
    {"{\"ArnEquals\":{\"aws:PrincipalArn\":\"arn:aws:*:user/alice\"}}", false, {"aws:PrincipalArn", ALICE}},
    {"{\"ArnNotLike\":{\"aws:PrincipalArn\":\"arn:aws:iam::*:user/b*\"}}", true, {"aws:PrincipalArn", ALICE}},
    {"{\"Null\":{\"s3:x-amz-server-side-encryption\":\"true\"}}", true, {NULL}},
    {"{\"Null\":{\"s3:x-amz-server-side-encryption\":true}}", false, {"s3:x-amz-server-side-encryption", "AES256"}},
    {"{\"Null\":{\"s3:x-amz-server-side-encryption\":\"false\"}}", true, {"s3:x-amz-server-side-encryption", "AES256"}},
    /* several keys and operators: all must hold */
    {"{\"StringEquals\":{\"s3:prefix\":\"a\",\"s3:delimiter\":\"/\"}}", false, {"s3:prefix", "a"}},
    {"{\"StringEquals\":{\"s3:prefix\":\"a\"},\"Bool\":{\"aws:SecureTransport\":\"true\"}}",
     true,
     {"s3:prefix", "a", "aws:SecureTransport", "true"}},
    {"{\"StringEquals\":{\"s3:prefix\":\"a\"},\"Bool\":{\"aws:SecureTransport\":\"true\"}}",
     false,
     {"s3:prefix", "a", "aws:SecureTransport", "false"}},
    {"{\"StringEquals\":{\"s3:ExistingObjectTag/kind\":\"day\"}}", true, {"s3:ExistingObjectTag/kind", "day"}},
    /* many values in the request */
    {"{\"ForAllValues:StringEquals\":{\"s3:RequestObjectTagKeys\":[\"a\",\"b\"]}}",
     true,
     {"s3:RequestObjectTagKeys", "a", "s3:RequestObjectTagKeys", "b"}},
    {"{\"ForAllValues:StringEquals\":{\"s3:RequestObjectTagKeys\":[\"a\",\"b\"]}}",
     false,
     {"s3:RequestObjectTagKeys", "a", "s3:RequestObjectTagKeys", "c"}},
    {"{\"ForAllValues:StringEquals\":{\"s3:RequestObjectTagKeys\":[\"a\",\"b\"]}}", true, {NULL}},
    {"{\"ForAnyValue:StringEquals\":{\"s3:RequestObjectTagKeys\":[\"a\",\"b\"]}}",
     true,
     {"s3:RequestObjectTagKeys", "c", "s3:RequestObjectTagKeys", "b"}},
    {"{\"ForAnyValue:StringEquals\":{\"s3:RequestObjectTagKeys\":[\"a\",\"b\"]}}", false, {NULL}},
    {"{\"ForAnyValue:StringNotEquals\":{\"s3:RequestObjectTagKeys\":[\"a\"]}}",
     true,
     {"s3:RequestObjectTagKeys", "a", "s3:RequestObjectTagKeys", "c"}},
    {"{\"ForAllValues:StringNotEquals\":{\"s3:RequestObjectTagKeys\":[\"a\"]}}",
     false,
     {"s3:RequestObjectTagKeys", "a", "s3:RequestObjectTagKeys", "c"}},
    {"{\"StringNotEquals\":{\"s3:RequestObjectTagKeys\":[\"a\"]}}",
     false,
     {"s3:RequestObjectTagKeys", "a", "s3:RequestObjectTagKeys", "c"}},
    {"{\"ForAnyValue:StringLikeIfExists\":{\"s3:RequestObjectTagKeys\":\"a*\"}}", true, {NULL}},
};

static void conditions_hold_as_documented(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof condition_cases / sizeof *condition_cases; i++) {
        const struct condition_case *one = &condition_cases[i];
        struct question question = get;
        char json[600];

        snprintf(json, sizeof json,
                 "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\","
                 "\"Condition\":%s}]}",
                 one->condition);
        memcpy(question.context, one->context, sizeof one->context);
        if ((ask(json, &question) == POLICY_ALLOWS) != one->holds) {
            fail_msg("%s with %s", one->condition, one->context[0]);
        }
    }
}

/* "IAM policy elements: Variables and tags". */
static void variables_are_put_into_resources(void **state)
{
    static const char json[] = IDENTITY("Allow", "\"s3:*\"", "\"" BUCKET "/home/${aws:username}/*\"");
    static const char old[] =
        "{\"Version\":\"2008-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"" BUCKET
        "/home/${aws:username}/*\"}]}";
    struct question question = get;

    (void)state;
    question.resource = BUCKET "/home/alice/x";
    assert_int_equal(ask(json, &question), POLICY_SILENT); /* there is no value */
    question.context[0] = "aws:username";
    question.context[1] = "alice";
    assert_int_equal(ask(json, &question), POLICY_ALLOWS);
    assert_int_equal(ask(old, &question), POLICY_SILENT); /* no variables in that version */
    question.resource = BUCKET "/home/bob/x";
    assert_int_equal(ask(json, &question), POLICY_SILENT);
    question.context[1] = "*"; /* a value's star is no wildcard */
    assert_int_equal(ask(json, &question), POLICY_SILENT);
}

static void refuses_documents_that_are_none(void **state)
{
#define STATEMENT(rest) "{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\"," rest "}]}"
#define WHOLE "\"Action\":\"s3:GetObject\",\"Resource\":\"" BUCKET "/*\""
    static const char *const documents[] = {
        "",
        "null",
        "[]",
        "{}",
        "{\"Statement\":[]}",
        "{\"Statement\":[1]}",
        "{\"Statement\":[{}]}",
        "{\"Version\":\"2013\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\"," WHOLE "}]}",
        "{\"Other\":1,\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\"," WHOLE "}]}",
        "{\"Statement\":[{\"Effect\":\"allow\",\"Principal\":\"*\"," WHOLE "}]}",
        "{\"Statement\":[{\"Effect\":\"Allow\"," WHOLE "}]}",
        "{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"x\"," WHOLE "}]}",
        "{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{}," WHOLE "}]}",
        "{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"alice\"}," WHOLE "}]}",
        "{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"arn:aws:iam::1:root\"}," WHOLE "}]}",
        "{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"arn:aws:iam::111122223333:user/*\"}," WHOLE
        "}]}",
        "{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Other\":\"x\"}," WHOLE "}]}",
        STATEMENT("\"Resource\":\"" BUCKET "\""),
        STATEMENT("\"Action\":\"s3:GetObject\""),
        STATEMENT("\"Action\":[],\"Resource\":\"" BUCKET "\""),
        STATEMENT("\"Action\":\"GetObject\",\"Resource\":\"" BUCKET "\""),
        STATEMENT("\"Action\":\"sqs:Send\",\"Resource\":\"" BUCKET "\""),
        STATEMENT("\"Action\":\"s3:GetObject\",\"Resource\":\"*\""),
        STATEMENT("\"Action\":\"s3:GetObject\",\"Resource\":\"arn:aws:s3:::shops/*\""),
        STATEMENT("\"Action\":\"s3:GetObject\",\"NotAction\":\"s3:*\",\"Resource\":\"" BUCKET "\""),
        STATEMENT(WHOLE ",\"Extra\":1"),
        STATEMENT(WHOLE ",\"Condition\":[]"),
        STATEMENT(WHOLE ",\"Condition\":{\"StringSame\":{\"s3:prefix\":\"a\"}}"),
        STATEMENT(WHOLE ",\"Condition\":{\"NullIfExists\":{\"s3:prefix\":\"true\"}}"),
        STATEMENT(WHOLE ",\"Condition\":{\"StringEquals\":{\"prefix\":\"a\"}}"),
        STATEMENT(WHOLE ",\"Condition\":{\"StringEquals\":{\"s3:prefix\":[]}}"),
        STATEMENT(WHOLE ",\"Condition\":{\"StringEquals\":{\"s3:prefix\":{}}}"),
        STATEMENT(WHOLE ",\"Condition\":{\"NumericEquals\":{\"s3:max-keys\":\"many\"}}"),
        STATEMENT(WHOLE ",\"Condition\":{\"Bool\":{\"aws:SecureTransport\":\"yes\"}}"),
        STATEMENT(WHOLE ",\"Condition\":{\"IpAddress\":{\"aws:SourceIp\":\"10.0.0.0/33\"}}"),
        STATEMENT(WHOLE ",\"Condition\":{\"IpAddress\":{\"aws:SourceIp\":\"10.0.0\"}}"),
        STATEMENT(WHOLE ",\"Condition\":{\"DateEquals\":{\"aws:CurrentTime\":\"tomorrow\"}}"),
        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\"," WHOLE
        ",\"Condition\":{\"StringLike\":{\"s3:prefix\":\"${aws:username\"}}}]}",
        "{\"Statement\":[{\"Effect\":\"Allow\",\"Effect\":\"Deny\",\"Principal\":\"*\"," WHOLE "}]}",
    };
    char large[21000];

    (void)state;
    for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
        error.name = "";
        if (policy_compile(documents[i], strlen(documents[i]), POLICY_OF_RESOURCE, BUCKET, &error) != NULL) {
            fail_msg("%s is taken", documents[i]);
        }
        assert_string_equal(error.name, "MalformedPolicy");
    }
    assert_null(
        policy_compile("{\"Statement\":{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"*\",\"Resource\":\"*\"}}",
                       79, POLICY_OF_IDENTITY, NULL, &error));
    memset(large, ' ', sizeof large);
    assert_null(policy_compile(large, sizeof large, POLICY_OF_IDENTITY, NULL, &error));
    assert_string_equal(error.name, "MalformedPolicy");
}

/* Amazon S3 User Guide, "Blocking public access to your Amazon S3 storage": the meaning of "public". */
static void public_is_what_the_guide_calls_so(void **state)
{
    static const struct {
        const char *principal, *condition;
        bool is_public;
    } cases[] = {
        {"\"Principal\":\"*\"", "{}", true},
        {"\"Principal\":{\"AWS\":\"*\"}", "{}", true},
        {"\"Principal\":{\"AWS\":\"111122223333\"}", "{}", false},
        {"\"NotPrincipal\":{\"AWS\":\"111122223333\"}", "{}", true},
        {"\"Principal\":\"*\"", "{\"StringEquals\":{\"aws:SourceVpc\":\"vpc-91237329\"}}", false},
        {"\"Principal\":\"*\"", "{\"StringLike\":{\"aws:SourceVpc\":\"vpc-*\"}}", true},
        {"\"Principal\":\"*\"", "{\"StringNotEquals\":{\"aws:SourceVpc\":\"vpc-91237329\"}}", true},
        {"\"Principal\":\"*\"", "{\"StringEqualsIfExists\":{\"aws:SourceVpc\":\"vpc-91237329\"}}", true},
        {"\"Principal\":\"*\"", "{\"IpAddress\":{\"aws:SourceIp\":\"203.0.113.0/24\"}}", false},
        {"\"Principal\":\"*\"", "{\"IpAddress\":{\"aws:SourceIp\":\"0.0.0.0/1\"}}", true},
        {"\"Principal\":\"*\"", "{\"IpAddress\":{\"aws:SourceIp\":[\"203.0.113.0/24\",\"::/1\"]}}", true},
        {"\"Principal\":\"*\"", "{\"NotIpAddress\":{\"aws:SourceIp\":\"203.0.113.0/24\"}}", true},
        {"\"Principal\":\"*\"", "{\"StringEquals\":{\"aws:PrincipalOrgID\":\"o-1\"}}", false},
        {"\"Principal\":\"*\"", "{\"StringEquals\":{\"s3:prefix\":\"a\"}}", true},
        {"\"Principal\":\"*\"", "{\"Bool\":{\"aws:SecureTransport\":\"true\"}}", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char json[500];

        snprintf(json, sizeof json, "{\"Statement\":[{\"Effect\":\"Allow\",%s," WHOLE ",\"Condition\":%s}]}",
                 cases[i].principal, cases[i].condition);
        struct policy *policy = compile(json, POLICY_OF_RESOURCE);

        if (policy_is_public(policy) != cases[i].is_public) {
            fail_msg("%s", json);
        }
        policy_free(policy);
    }
    struct policy *deny =
        compile("{\"Statement\":[{\"Effect\":\"Deny\",\"Principal\":\"*\"," WHOLE "}]}", POLICY_OF_RESOURCE);

    assert_false(policy_is_public(deny));
    policy_free(deny);
}

static void says_which_keys_it_speaks_of(void **state)
{
    struct policy *by_condition =
        compile("{\"Statement\":[{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":"
                "{\"StringEquals\":{\"S3:existingobjecttag/kind\":\"x\"}}}]}",
                POLICY_OF_IDENTITY);
    struct policy *by_variable =
        compile(IDENTITY("Allow", "\"*\"", "\"" BUCKET "/${s3:ExistingObjectTag/shop}/*\""), POLICY_OF_IDENTITY);

    (void)state;
    assert_true(policy_mentions(by_condition, "s3:ExistingObjectTag/"));
    assert_false(policy_mentions(by_condition, "s3:RequestObjectTag/"));
    assert_true(policy_mentions(by_variable, "s3:ExistingObjectTag/"));
    policy_free(by_condition);
    policy_free(by_variable);
}

/* A slow matcher that tries every length under each star. */
static bool model(const char *pattern, const char *text)
{
    if (*pattern == '*') {
        return model(pattern + 1, text) || (*text != '\0' && model(pattern, text + 1));
    }
    return *pattern == '\0' ? *text == '\0'
                            : *text != '\0' && (*pattern == '?' || *pattern == *text) && model(pattern + 1, text + 1);
}

static void wildcards_match_as_the_model_does(void **state)
{
    struct random random;

    (void)state;
    random_seed(&random, 5);
    for (int round = 0; round < 3000; round++) {
        char pattern[8] = "";
        char text[9] = "";
        char json[300];
        char resource[64];
        size_t pattern_length = random_below(&random, sizeof pattern);
        size_t text_length = random_below(&random, sizeof text);

        for (size_t i = 0; i < pattern_length; i++) {
            pattern[i] = "ab*?"[random_below(&random, 4)];
        }
        for (size_t i = 0; i < text_length; i++) {
            text[i] = "ab"[random_below(&random, 2)];
        }
        struct question question = get;

        snprintf(json, sizeof json, IDENTITY("Allow", "\"*\"", "\"" BUCKET "/%s\""), pattern);
        snprintf(resource, sizeof resource, BUCKET "/%s", text);
        question.resource = resource;
        if ((ask(json, &question) == POLICY_ALLOWS) != model(pattern, text)) {
            fail_msg("%s and %s", pattern, text);
        }
    }
}

static bool compile_and_judge(void *context, struct error *problem)
{
    static const char json[] =
        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Sid\":\"a\",\"Effect\":\"Allow\",\"Principal\":{\"AWS\":[\"*\","
        "\"" ALICE "\"]},\"Action\":[\"s3:Get*\"],\"Resource\":[\"" BUCKET "/${aws:username}/*\"],\"Condition\":"
        "{\"StringLike\":{\"s3:prefix\":[\"${aws:username,'x'}/*\"]},\"IpAddress\":{\"aws:SourceIp\":\"10.0.0.0/"
        "8\"}}}]}";
    static const struct sign_field fields[] = {{{"aws:username", 12}, {"alice", 5}},
                                               {{"s3:prefix", 9}, {"alice/1", 7}},
                                               {{"aws:SourceIp", 12}, {"10.1.1.1", 8}}};
    struct policy_request request = {ALICE, "111122223333", "s3:GetObject", BUCKET "/alice/1", fields, 3};
    struct policy *policy = policy_compile(json, strlen(json), POLICY_OF_RESOURCE, BUCKET, problem);
    enum policy_verdict verdict = policy == NULL ? POLICY_DENIES : policy_judge(policy, &request, problem);

    (void)context;
    policy_free(policy);
    return verdict == POLICY_ALLOWS;
}

static void want_of_memory_is_an_error_and_denies(void **state)
{
    (void)state;
    torture_walk(compile_and_judge, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_explicit_deny_overrides_any_allow),
        cmocka_unit_test(wildcards_match_as_documented),
        cmocka_unit_test(not_action_and_not_resource_are_all_others),
        cmocka_unit_test(principals_are_matched),
        cmocka_unit_test(canonical_users_are_matched),
        cmocka_unit_test(conditions_hold_as_documented),
        cmocka_unit_test(variables_are_put_into_resources),
        cmocka_unit_test(refuses_documents_that_are_none),
        cmocka_unit_test(public_is_what_the_guide_calls_so),
        cmocka_unit_test(says_which_keys_it_speaks_of),
        cmocka_unit_test(wildcards_match_as_the_model_does),
        cmocka_unit_test(want_of_memory_is_an_error_and_denies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
