#include "aws/sign.h"

#include <string.h>

#include "base/digest.h"
#include "base/random.h"
#include "support/torture.h"

#define EXAMPLE_SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define MAY_24_2013 INT64_C(1369353600000000)
#define AUGUST_30_2015 INT64_C(1440938160000000) /* 12:36:00 */

enum { MOST_HEADERS = 8 };

struct header {
    const char *name, *value;
};

/* A request of a vector; headers end with a NULL name. */
struct vector {
    const char *name, *method, *path, *query;
    struct header headers[MOST_HEADERS];
    const char *body;
    const char *signature;
};

/* The cases of aws-sig-v4-test-suite, as requests and the signatures that are right for them. */
static const struct vector suite[] = {
    {"get-vanilla",
     "GET",
     "/",
     "",
     {{"Host", "example.amazonaws.com"}},
     "",
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-vanilla-query-order-key-case",
     "GET",
     "/",
     "Param2=value2&Param1=value1",
     {{"Host", "example.amazonaws.com"}},
     "",
     "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
    {"get-vanilla-query-order-value",
     "GET",
     "/",
     "Param1=value2&Param1=value1",
     {{"Host", "example.amazonaws.com"}},
     "",
     "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694"},
    {"get-vanilla-query-unreserved",
     "GET",
     "/",
     "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=-._~"
     "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
     {{"Host", "example.amazonaws.com"}},
     "",
     "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"},
    {"get-vanilla-empty-query-key",
     "GET",
     "/",
     "Param1=value1",
     {{"Host", "example.amazonaws.com"}},
     "",
     "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
    {"get-utf8",
     "GET",
     "/ሴ",
     "",
     {{"Host", "example.amazonaws.com"}},
     "",
     "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
    {"get-vanilla-utf8-query",
     "GET",
     "/",
     "ሴ=bar",
     {{"Host", "example.amazonaws.com"}},
     "",
     "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
    {"get-unreserved",
     "GET",
     "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
     "",
     {{"Host", "example.amazonaws.com"}},
     "",
     "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
    {"get-header-key-duplicate",
     "GET",
     "/",
     "",
     {{"Host", "example.amazonaws.com"}, {"My-Header1", "value2"}, {"My-Header1", "value2"}, {"My-Header1", "value1"}},
     "",
     "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
    {"get-header-value-order",
     "GET",
     "/",
     "",
     {{"Host", "example.amazonaws.com"},
      {"My-Header1", "value4"},
      {"My-Header1", "value1"},
      {"My-Header1", "value3"},
      {"My-Header1", "value2"}},
     "",
     "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"},
    {"get-header-value-trim",
     "GET",
     "/",
     "",
     {{"Host", "example.amazonaws.com"}, {"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}},
     "",
     "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
    {"get-relative",
     "GET",
     "/example/..",
     "",
     {{"Host", "example.amazonaws.com"}},
     "",
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-relative-relative",
     "GET",
     "/example1/example2/../..",
     "",
     {{"Host", "example.amazonaws.com"}},
     "",
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-slash",
     "GET",
     "//",
     "",
     {{"Host", "example.amazonaws.com"}},
     "",
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-slash-dot-slash",
     "GET",
     "/./",
     "",
     {{"Host", "example.amazonaws.com"}},
     "",
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-slash-pointless-dot",
     "GET",
     "/./example",
     "",
     {{"Host", "example.amazonaws.com"}},
     "",
     "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"},
    {"get-slashes",
     "GET",
     "//example//",
     "",
     {{"Host", "example.amazonaws.com"}},
     "",
     "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
    {"get-space",
     "GET",
     "/example space/",
     "",
     {{"Host", "example.amazonaws.com"}},
     "",
     "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
    {"post-vanilla",
     "POST",
     "/",
     "",
     {{"Host", "example.amazonaws.com"}},
     "",
     "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
    {"post-header-key-case",
     "POST",
     "/",
     "",
     {{"Host", "example.amazonaws.com"}},
     "",
     "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
    {"post-header-key-sort",
     "POST",
     "/",
     "",
     {{"Host", "example.amazonaws.com"}, {"My-Header1", "value1"}},
     "",
     "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
    {"post-header-value-case",
     "POST",
     "/",
     "",
     {{"Host", "example.amazonaws.com"}, {"My-Header1", "VALUE1"}},
     "",
     "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"},
    {"post-vanilla-query",
     "POST",
     "/",
     "Param1=value1",
     {{"Host", "example.amazonaws.com"}},
     "",
     "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"},
    {"post-x-www-form-urlencoded",
     "POST",
     "/",
     "",
     {{"Content-Type", "application/x-www-form-urlencoded"}, {"Host", "example.amazonaws.com"}},
     "Param1=value1",
     "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
    {"post-x-www-form-urlencoded-parameters",
     "POST",
     "/",
     "",
     {{"Content-Type", "application/x-www-form-urlencoded; charset=utf8"}, {"Host", "example.amazonaws.com"}},
     "Param1=value1",
     "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe"},
};

static struct arena *arena;
static struct error error;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new(0, &error);
    return arena == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static struct sign_request request_of(const struct vector *vector, struct sign_field fields[MOST_HEADERS])
{
    struct sign_request request = {.method = str_of(vector->method),
                                   .path = str_of(vector->path),
                                   .query = str_of(vector->query),
                                   .headers = fields};

    while (request.header_count < MOST_HEADERS && vector->headers[request.header_count].name != NULL) {
        const struct header *header = &vector->headers[request.header_count];

        fields[request.header_count++] = (struct sign_field){str_of(header->name), str_of(header->value)};
    }
    return request;
}

static const char *body_hash(const char *body)
{
    uint8_t value[DIGEST_MAX_BYTES];
    char *hex = arena_take(arena, 65, &error);

    assert_true(digest_once(DIGEST_SHA256, body, strlen(body), value, &error));
    digest_hex(value, 32, hex);
    return hex;
}

static const char *signature_of(const struct sign_field *added, size_t count)
{
    struct str value = added[count - 1].value;

    assert_true(str_is(added[count - 1].name, "authorization"));
    assert_true(value.length > 64);
    return value.data + value.length - 64;
}

static void signs_as_the_public_test_suite_says(void **state)
{
    static const struct sign_credentials credentials = {"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                                                        NULL};
    static const struct sign_scope scope = {"20150830", "us-east-1", "service"};

    (void)state;
    for (size_t i = 0; i < sizeof suite / sizeof *suite; i++) {
        struct sign_field fields[MOST_HEADERS];
        struct sign_request request = request_of(&suite[i], fields);
        struct sign_field *added = NULL;
        size_t count = 0;

        assert_true(sign_headers(&request, &credentials, &scope, AUGUST_30_2015, body_hash(suite[i].body), arena,
                                 &added, &count, &error));
        assert_int_equal(count, 2);
        if (strcmp(signature_of(added, count), suite[i].signature) != 0) {
            fail_msg("%s: %s", suite[i].name, signature_of(added, count));
        }
    }
}

static const struct sign_scope s3_scope = {"20130524", "us-east-1", "s3"};
static const struct sign_credentials s3_credentials = {"AKIAIOSFODNN7EXAMPLE", EXAMPLE_SECRET, NULL};

/* The examples of "Signature Calculations for the Authorization Header: Transferring Payload in a Single Chunk". */
static const struct vector s3_examples[] = {
    {"get object",
     "GET",
     "/test.txt",
     "",
     {{"Host", "examplebucket.s3.amazonaws.com"}, {"Range", "bytes=0-9"}},
     "",
     "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
    {"put object",
     "PUT",
     "/test$file.text",
     "",
     {{"Date", "Fri, 24 May 2013 00:00:00 GMT"},
      {"Host", "examplebucket.s3.amazonaws.com"},
      {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
     "Welcome to Amazon S3.",
     "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
    {"get bucket lifecycle",
     "GET",
     "/",
     "lifecycle",
     {{"Host", "examplebucket.s3.amazonaws.com"}},
     "",
     "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
    {"list objects",
     "GET",
     "/",
     "max-keys=2&prefix=J",
     {{"Host", "examplebucket.s3.amazonaws.com"}},
     "",
     "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
};

static struct sign_key key_of(const char *secret, const struct sign_scope *scope)
{
    struct sign_key key;

    assert_true(sign_key_derive(secret, scope, &key, &error));
    return key;
}

/* Appends what a signature added, as a client sends it. */
static void send_with(struct sign_request *request, struct sign_field *fields, const struct sign_field *added,
                      size_t count)
{
    memcpy(fields + request->header_count, added, count * sizeof *added);
    request->header_count += count;
}

static void signs_and_checks_the_documented_s3_requests(void **state)
{
    struct sign_key key = key_of(EXAMPLE_SECRET, &s3_scope);

    (void)state;
    for (size_t i = 0; i < sizeof s3_examples / sizeof *s3_examples; i++) {
        struct sign_field fields[2 * MOST_HEADERS];
        struct sign_request request = request_of(&s3_examples[i], fields);
        struct sign_field *added = NULL;
        size_t count = 0;
        struct sign_claim claim;

        assert_true(sign_headers(&request, &s3_credentials, &s3_scope, MAY_24_2013, body_hash(s3_examples[i].body),
                                 arena, &added, &count, &error));
        assert_string_equal(signature_of(added, count), s3_examples[i].signature);
        send_with(&request, fields, added, count);
        assert_true(sign_claim_read(&request, arena, &claim, &error));
        assert_int_equal(claim.form, SIGN_HEADER);
        assert_string_equal(claim.access_key_id, "AKIAIOSFODNN7EXAMPLE");
        assert_string_equal(claim.scope.region, "us-east-1");
        assert_int_equal(claim.signed_us, MAY_24_2013);
        assert_string_equal(claim.payload_hash, body_hash(s3_examples[i].body));
        assert_true(sign_claim_check(&request, &claim, &key, MAY_24_2013, arena, &error));
    }
}

/* "Authenticating Requests: Using Query Parameters". */
static void presigns_the_documented_url(void **state)
{
    static const struct sign_field host = {{"host", 4}, {"examplebucket.s3.amazonaws.com", 30}};
    struct sign_request request = {
        .method = str_of("GET"), .path = str_of("/test.txt"), .query = str_of(""), .headers = &host, .header_count = 1};
    struct sign_key key = key_of(EXAMPLE_SECRET, &s3_scope);
    struct sign_claim claim;

    (void)state;
    const char *query = sign_query(&request, &s3_credentials, &s3_scope, MAY_24_2013, 86400, arena, &error);

    assert_string_equal(query,
                        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1"
                        "%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&"
                        "X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
    request.query = str_of(query);
    assert_true(sign_claim_read(&request, arena, &claim, &error));
    assert_int_equal(claim.form, SIGN_QUERY);
    assert_int_equal(claim.expires_seconds, 86400);
    assert_string_equal(claim.payload_hash, SIGN_UNSIGNED);
    assert_true(sign_claim_check(&request, &claim, &key, MAY_24_2013 + INT64_C(86400000000), arena, &error));
    assert_false(sign_claim_check(&request, &claim, &key, MAY_24_2013 + INT64_C(86400000001), arena, &error));
    assert_string_equal(error.name, "AccessDenied");
    assert_string_equal(error.message, "Request has expired");
    assert_false(sign_claim_check(&request, &claim, &key, MAY_24_2013 - INT64_C(901000000), arena, &error));
    assert_string_equal(error.name, "AccessDenied");
    assert_null(sign_query(&request, &s3_credentials, &s3_scope, MAY_24_2013, 604801, arena, &error));
    assert_null(sign_query(&request, &s3_credentials, &s3_scope, MAY_24_2013, 0, arena, &error));
}

/* "Browser-Based Upload using HTTP POST (Using AWS Signature Version 4)". */
static void checks_the_documented_form(void **state)
{
    static const char policy[] =
        "eyAiZXhwaXJhdGlvbiI6ICIyMDE1LTEyLTMwVDEyOjAwOjAwLjAwMFoiLA0KICAiY29uZGl0aW9ucyI6IFsNCiAgICB7ImJ1Y2tldCI6ICJzaW"
        "d2NGV4YW1wbGVidWNrZXQifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRrZXkiLCAidXNlci91c2VyMS8iXSwNCiAgICB7ImFjbCI6ICJwdWJs"
        "aWMtcmVhZCJ9LA0KICAgIHsic3VjY2Vzc19hY3Rpb25fcmVkaXJlY3QiOiAiaHR0cDovL3NpZ3Y0ZXhhbXBsZWJ1Y2tldC5zMy5hbWF6b25hd3"
        "MuY29tL3N1Y2Nlc3NmdWxfdXBsb2FkLmh0bWwifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRDb250ZW50LVR5cGUiLCAiaW1hZ2UvIl0sDQog"
        "ICAgeyJ4LWFtei1tZXRhLXV1aWQiOiAiMTQzNjUxMjM2NTEyNzQifSwNCiAgICB7IngtYW16LXNlcnZlci1zaWRlLWVuY3J5cHRpb24iOiAiQU"
        "VTMjU2In0sDQogICAgWyJzdGFydHMtd2l0aCIsICIkeC1hbXotbWV0YS10YWciLCAiIl0sDQoNCiAgICB7IngtYW16LWNyZWRlbnRpYWwiOiAi"
        "QUtJQUlPU0ZPRE5ON0VYQU1QTEUvMjAxNTEyMjkvdXMtZWFzdC0xL3MzL2F3czRfcmVxdWVzdCJ9LA0KICAgIHsieC1hbXotYWxnb3JpdGhtIj"
        "ogIkFXUzQtSE1BQy1TSEEyNTYifSwNCiAgICB7IngtYW16LWRhdGUiOiAiMjAxNTEyMjlUMDAwMDAwWiIgfQ0KICBdDQp9";
    struct sign_field fields[] = {
        {str_of("key"), str_of("user/user1/${filename}")},
        {str_of("X-Amz-Credential"), str_of("AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request")},
        {str_of("X-Amz-Algorithm"), str_of("AWS4-HMAC-SHA256")},
        {str_of("X-Amz-Date"), str_of("20151229T000000Z")},
        {str_of("Policy"), str_of(policy)},
        {str_of("X-Amz-Signature"), str_of("8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e")},
    };
    const size_t count = sizeof fields / sizeof *fields;
    struct sign_claim claim;

    (void)state;
    assert_true(sign_form_read(fields, count, arena, &claim, &error));
    assert_int_equal(claim.form, SIGN_POST_FORM);
    struct sign_key key = key_of(EXAMPLE_SECRET, &claim.scope);

    assert_true(sign_form_check(str_of(policy), &claim, &key, &error));
    assert_false(sign_form_check(str_slice(policy, sizeof policy - 5), &claim, &key, &error));
    assert_string_equal(error.name, "SignatureDoesNotMatch");
    fields[5].name = str_of("signature");
    assert_false(sign_form_read(fields, count, arena, &claim, &error)); /* of version 2 */
    fields[4].name = str_of("other");
    assert_true(sign_form_read(fields, count, arena, &claim, &error));
    assert_int_equal(claim.form, SIGN_ANONYMOUS);
    fields[5].name = str_of("x-amz-signature");
    assert_false(sign_form_read(fields, count, arena, &claim, &error)); /* signed, but nothing that is */
}

struct refusal {
    const char *query;
    const char *authorization;
    const char *name; /* of the error */
};

#define AT "Credential=AKID/20130524/us-east-1/s3/aws4_request"
#define HEX64 "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
#define QUERY_FOR(credential, date, expires)                                                                           \
    "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" credential "&X-Amz-Date=" date "&X-Amz-Expires=" expires      \
    "&X-Amz-SignedHeaders=host&X-Amz-Signature=" HEX64
#define CREDENTIAL "AKID%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"

static void refuses_malformed_claims_by_name(void **state)
{
    static const struct refusal refusals[] = {
        {"", "AWS AKID:c2lnbmF0dXJl", "InvalidRequest"},
        {"", "Bearer token", "InvalidArgument"},
        {"", "", "InvalidArgument"},
        {"", "AWS4-HMAC-SHA256 ", "AuthorizationHeaderMalformed"},
        {"", "AWS4-HMAC-SHA256 " AT ", SignedHeaders=host", "AuthorizationHeaderMalformed"},
        {"", "AWS4-HMAC-SHA256 " AT ", SignedHeaders=host, Signature=abc", "AuthorizationHeaderMalformed"},
        {"", "AWS4-HMAC-SHA256 " AT ", SignedHeaders=Host, Signature=" HEX64, "AuthorizationHeaderMalformed"},
        {"", "AWS4-HMAC-SHA256 " AT ", " AT ", SignedHeaders=host, Signature=" HEX64, "AuthorizationHeaderMalformed"},
        {"", "AWS4-HMAC-SHA256 " AT ", SignedHeaders=host, Signature=" HEX64 ", Other=1",
         "AuthorizationHeaderMalformed"},
        {"", "AWS4-HMAC-SHA256 Credential=AKID/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=" HEX64,
         "AuthorizationHeaderMalformed"},
        {"", "AWS4-HMAC-SHA256 Credential=AKID/20130524/us-east-1/s3/aws5, SignedHeaders=host, Signature=" HEX64,
         "AuthorizationHeaderMalformed"},
        {"", "AWS4-HMAC-SHA256 Credential=/20130524/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=" HEX64,
         "AuthorizationHeaderMalformed"},
        {"",
         "AWS4-HMAC-SHA256 Credential=AKID/20130525/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=" HEX64,
         "AuthorizationHeaderMalformed"},
        {"AWSAccessKeyId=AKID&Signature=x&Expires=1", NULL, "InvalidRequest"},
        {"X-Amz-Signature=" HEX64, NULL, "AuthorizationQueryParametersError"},
        {"X-Amz-Algorithm=AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 " AT, "InvalidArgument"},
        {QUERY_FOR(CREDENTIAL, "20130524T000000Z", "604801"), NULL, "AuthorizationQueryParametersError"},
        {QUERY_FOR(CREDENTIAL, "20130524T000000Z", "99999999999999999999999"), NULL,
         "AuthorizationQueryParametersError"},
        {QUERY_FOR(CREDENTIAL, "20130524T000000Z", "-1"), NULL, "AuthorizationQueryParametersError"},
        {QUERY_FOR(CREDENTIAL, "20130524T000000Z", "0"), NULL, "AuthorizationQueryParametersError"},
        {QUERY_FOR(CREDENTIAL, "20130525T000000Z", "60"), NULL, "AuthorizationQueryParametersError"},
        {QUERY_FOR(CREDENTIAL, "20130524", "60"), NULL, "AuthorizationQueryParametersError"},
        {QUERY_FOR("AKID", "20130524T000000Z", "60"), NULL, "AuthorizationQueryParametersError"},
        {QUERY_FOR(CREDENTIAL, "20130524T000000Z", "60") "&X-Amz-Expires=604800", NULL,
         "AuthorizationQueryParametersError"},
        {QUERY_FOR(CREDENTIAL, "20130524T000000Z", "60") "&X%2DAmz%2DExpires=604800", NULL,
         "AuthorizationQueryParametersError"},
        {"X-Amz-Algorithm=AWS4-ECDSA-P256-SHA256&X-Amz-Credential=" CREDENTIAL
         "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=" HEX64,
         NULL, "AuthorizationQueryParametersError"},
        {"X-Amz-Algorithm=%GG", NULL, "InvalidURI"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct sign_field fields[] = {
            {str_of("Host"), str_of("localhost")},
            {str_of("x-amz-date"), str_of("20130524T000000Z")},
            {str_of("x-amz-content-sha256"), str_of(EMPTY_HASH)},
            {str_of("Authorization"), str_of(refusals[i].authorization == NULL ? "" : refusals[i].authorization)},
        };
        struct sign_request request = {.method = str_of("GET"),
                                       .path = str_of("/"),
                                       .query = str_of(refusals[i].query),
                                       .headers = fields,
                                       .header_count = refusals[i].authorization == NULL ? 3 : 4};
        struct sign_claim claim;

        error.name = NULL;
        if (sign_claim_read(&request, arena, &claim, &error) || error.name == NULL ||
            strcmp(error.name, refusals[i].name) != 0) {
            fail_msg("case %zu: %s, not %s: %s", i, error.name, refusals[i].name, error.message);
        }
    }
}

/* A request that is right, to be made wrong. */
struct signed_request {
    struct sign_field fields[2 * MOST_HEADERS];
    struct sign_request request;
    struct sign_claim claim;
    struct sign_key key;
};

static void make_signed(struct signed_request *made, const char *token)
{
    struct sign_credentials credentials = s3_credentials;
    struct sign_field *added = NULL;
    size_t count = 0;

    credentials.session_token = token;
    made->fields[0] = (struct sign_field){str_of("Host"), str_of("127.0.0.1:9000")};
    made->fields[1] = (struct sign_field){str_of("X-Amz-Meta-Shop"), str_of("Graz  West ")};
    made->request = (struct sign_request){.method = str_of("PUT"),
                                          .path = str_of("/orders/day%201.csv"),
                                          .query = str_of("partNumber=1&uploadId=a%2Fb"),
                                          .headers = made->fields,
                                          .header_count = 2};
    made->key = key_of(EXAMPLE_SECRET, &s3_scope);
    assert_true(
        sign_headers(&made->request, &credentials, &s3_scope, MAY_24_2013, EMPTY_HASH, arena, &added, &count, &error));
    send_with(&made->request, made->fields, added, count);
    assert_true(sign_claim_read(&made->request, arena, &made->claim, &error));
    assert_true(sign_claim_check(&made->request, &made->claim, &made->key, MAY_24_2013, arena, &error));
}

static void assert_refused(struct signed_request *made, int64_t now_us, const char *name)
{
    error.name = "";
    assert_false(sign_claim_read(&made->request, arena, &made->claim, &error) &&
                 sign_claim_check(&made->request, &made->claim, &made->key, now_us, arena, &error));
    assert_string_equal(error.name, name);
}

static void refuses_what_was_changed_after_signing(void **state)
{
    const struct {
        size_t field;
        const char *value;
    } edits[] = {{0, "127.0.0.1:9001"}, {1, "Graz East"}, {3, SIGN_UNSIGNED}, {4, "other"}};
    struct signed_request made;

    (void)state;
    make_signed(&made, "token");
    assert_string_equal(made.claim.session_token, "token");
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        struct sign_field before = made.fields[edits[i].field];

        made.fields[edits[i].field].value = str_of(edits[i].value);
        assert_refused(&made, MAY_24_2013, "SignatureDoesNotMatch");
        made.fields[edits[i].field] = before;
    }
    made.request.method = str_of("DELETE");
    assert_refused(&made, MAY_24_2013, "SignatureDoesNotMatch");
    assert_non_null(strstr(error.message, "AWS4-HMAC-SHA256\n20130524T000000Z"));
    made.request.method = str_of("PUT");
    made.request.path = str_of("/orders/day%202.csv");
    assert_refused(&made, MAY_24_2013, "SignatureDoesNotMatch");
    made.request.path = str_of("/orders/day%201.csv");
    made.request.query = str_of("partNumber=2&uploadId=a%2Fb");
    assert_refused(&made, MAY_24_2013, "SignatureDoesNotMatch");
    made.request.query = str_of("partNumber=1&uploadId=a%2Fb&versionId=1");
    assert_refused(&made, MAY_24_2013, "SignatureDoesNotMatch");
}

static void takes_other_spellings_of_the_same_request(void **state)
{
    struct signed_request made;

    (void)state;
    make_signed(&made, NULL);
    made.request.path = str_of("/orders/%64ay 1.csv");
    made.request.query = str_of("uploadId=a/b&&partNumber=%31");
    made.fields[1] = (struct sign_field){str_of("x-aMz-mEta-shop"), str_of(" Graz     West")};
    assert_true(sign_claim_read(&made.request, arena, &made.claim, &error));
    assert_true(sign_claim_check(&made.request, &made.claim, &made.key, MAY_24_2013, arena, &error));
}

static void wants_the_clock_and_the_right_headers(void **state)
{
    const int64_t skew_us = INT64_C(900000000);
    struct signed_request made;

    (void)state;
    make_signed(&made, NULL);
    assert_true(sign_claim_check(&made.request, &made.claim, &made.key, MAY_24_2013 + skew_us, arena, &error));
    assert_true(sign_claim_check(&made.request, &made.claim, &made.key, MAY_24_2013 - skew_us, arena, &error));
    assert_refused(&made, MAY_24_2013 + skew_us + 1, "RequestTimeTooSkewed");
    assert_refused(&made, MAY_24_2013 - skew_us - 1, "RequestTimeTooSkewed");
    made.fields[made.request.header_count++] = (struct sign_field){str_of("x-amz-acl"), str_of("public-read")};
    assert_refused(&made, MAY_24_2013, "AccessDenied");
    made.request.header_count--;
    /* A second value under a signed name is signed, too. */
    made.fields[made.request.header_count++] = (struct sign_field){str_of("x-amz-meta-shop"), str_of("more")};
    assert_refused(&made, MAY_24_2013, "SignatureDoesNotMatch");
    made.request.header_count--;
    made.fields[3].name = str_of("other");
    assert_refused(&made, MAY_24_2013, "InvalidRequest");
    made.fields[3] = (struct sign_field){str_of("x-amz-content-sha256"), str_of("none")};
    assert_refused(&made, MAY_24_2013, "InvalidArgument");
    made.fields[3].value = str_of("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD");
    assert_refused(&made, MAY_24_2013, "NotImplemented");
}

static void a_request_without_a_claim_is_anonymous(void **state)
{
    static const struct sign_field host = {{"Host", 4}, {"localhost", 9}};
    struct sign_request request = {.method = str_of("GET"),
                                   .path = str_of("/a/b"),
                                   .query = str_of("X-Other=1&versionId=2"),
                                   .headers = &host,
                                   .header_count = 1};
    struct sign_claim claim;

    (void)state;
    assert_true(sign_claim_read(&request, arena, &claim, &error));
    assert_int_equal(claim.form, SIGN_ANONYMOUS);
    assert_null(claim.access_key_id);
    assert_string_equal(claim.payload_hash, SIGN_UNSIGNED);
}

static void an_anonymous_body_cannot_have_signed_chunks(void **state)
{
    static const struct {
        const char *hash, *name;
    } cases[] = {
        {SIGN_UNSIGNED_TRAILER, ""},           {EMPTY_HASH, ""},
        {SIGN_STREAMING, "InvalidRequest"},    {SIGN_STREAMING_TRAILER, "InvalidRequest"},
        {"something else", "InvalidArgument"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sign_field header = {str_of("X-Amz-Content-Sha256"), str_of(cases[i].hash)};
        struct sign_request request = {
            .method = str_of("PUT"), .path = str_of("/a/b"), .headers = &header, .header_count = 1};
        struct sign_claim claim;

        error.name = "";
        bool read = sign_claim_read(&request, arena, &claim, &error);

        assert_string_equal(error.name, cases[i].name);
        assert_int_equal(read, cases[i].name[0] == '\0');
        if (read) {
            assert_string_equal(claim.payload_hash, cases[i].hash);
        }
    }
}

static void encodes_and_decodes(void **state)
{
    (void)state;
    assert_string_equal(sign_encode(str_of("a/b c~\xC3\xA9+*"), true, arena, &error), "a/b%20c~%C3%A9%2B%2A");
    assert_string_equal(sign_encode(str_of("a/b"), false, arena, &error), "a%2Fb");
    assert_string_equal(sign_decode(str_of("a%2fb+%41"), arena, &error), "a/b+A");
    assert_string_equal(sign_decode(str_of(""), arena, &error), "");
    const char *const broken[] = {"%", "%4", "%4g", "a%00b", "%zz"};

    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        assert_null(sign_decode(str_of(broken[i]), arena, &error));
        assert_string_equal(error.name, "InvalidURI");
    }
}

static void every_text_comes_back_from_its_encoding(void **state)
{
    struct random random;

    (void)state;
    random_seed(&random, 4);
    for (int round = 0; round < 2000; round++) {
        char text[40];
        size_t length = random_below(&random, sizeof text);

        for (size_t i = 0; i < length; i++) {
            text[i] = (char)(1 + random_below(&random, 255));
        }
        const char *encoded = sign_encode(str_slice(text, length), round % 2 == 0, arena, &error);
        const char *decoded = sign_decode(str_of(encoded), arena, &error);

        assert_true(str_equal(str_of(decoded), str_slice(text, length)));
        arena_reset(arena);
    }
}

/* Whatever is signed is accepted, in the header and in the query, and no longer after any byte of it changed. */
static void random_requests_are_accepted_until_a_byte_changes(void **state)
{
    struct random random;

    (void)state;
    random_seed(&random, 44);
    for (int round = 0; round < 300; round++) {
        struct sign_field fields[MOST_HEADERS + 4] = {{str_of("host"), str_of("s3.test")}};
        struct sign_request request = {.method = str_of("GET"), .headers = fields, .header_count = 1};
        struct sign_key key = key_of(EXAMPLE_SECRET, &s3_scope);
        struct sign_claim claim;
        struct sign_field *added = NULL;
        size_t count = 0;
        char raw[24];

        for (size_t i = 0; i < sizeof raw; i++) {
            raw[i] = (char)(1 + random_below(&random, 255));
        }
        const char *path = sign_encode(str_slice(raw, 12), true, arena, &error);
        const char *name = sign_encode(str_slice(raw + 12, 6), false, arena, &error);
        const char *value = sign_encode(str_slice(raw + 18, 6), false, arena, &error);

        request.path = str_of(arena_format(arena, &error, "/%s", path));
        request.query = str_of(arena_format(arena, &error, "%s=%s&b=%s&%s=", name, value, name, value));
        if (round % 2 == 0) {
            assert_true(sign_headers(&request, &s3_credentials, &s3_scope, MAY_24_2013, SIGN_UNSIGNED, arena, &added,
                                     &count, &error));
            send_with(&request, fields, added, count);
        } else {
            request.query = str_of(sign_query(&request, &s3_credentials, &s3_scope, MAY_24_2013, 60, arena, &error));
        }
        assert_true(sign_claim_read(&request, arena, &claim, &error));
        assert_true(sign_claim_check(&request, &claim, &key, MAY_24_2013, arena, &error));
        char *changed = arena_text(arena, request.path.data, request.path.length, &error);
        size_t at = 1 + random_below(&random, request.path.length - 1);

        changed[at] = changed[at] == 'x' ? 'y' : 'x';
        request.path = str_of(changed);
        assert_false(sign_claim_check(&request, &claim, &key, MAY_24_2013, arena, &error));
        arena_reset(arena);
    }
}

/* Signs, reads and checks a request in the header, and one in the query. */
static bool sign_and_check(void *context, struct error *problem)
{
    struct sign_field fields[8] = {{str_of("Host"), str_of("127.0.0.1")}};
    struct sign_request request = {.method = str_of("GET"),
                                   .path = str_of("/a/b"),
                                   .query = str_of("c=d&a=b"),
                                   .headers = fields,
                                   .header_count = 1};
    struct arena *own = arena_new(0, problem);
    struct sign_field *added = NULL;
    size_t count = 0;
    struct sign_claim claim;
    struct sign_key key;
    bool good = own != NULL && sign_key_derive(EXAMPLE_SECRET, &s3_scope, &key, problem);

    (void)context;
    if (good) {
        const char *query = sign_query(&request, &s3_credentials, &s3_scope, MAY_24_2013, 60, own, problem);
        struct sign_request presigned = request;

        presigned.query = query == NULL ? request.query : str_of(query);
        good = query != NULL && sign_claim_read(&presigned, own, &claim, problem) &&
               sign_claim_check(&presigned, &claim, &key, MAY_24_2013, own, problem);
    }
    good = good &&
           sign_headers(&request, &s3_credentials, &s3_scope, MAY_24_2013, SIGN_UNSIGNED, own, &added, &count, problem);
    if (good) {
        send_with(&request, fields, added, count);
        good = sign_claim_read(&request, own, &claim, problem) &&
               sign_claim_check(&request, &claim, &key, MAY_24_2013, own, problem);
    }
    if (own != NULL) {
        arena_free(own);
    }
    return good;
}

static void want_of_memory_is_an_error(void **state)
{
    (void)state;
    torture_walk(sign_and_check, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(signs_as_the_public_test_suite_says, set_up, tear_down),
        cmocka_unit_test_setup_teardown(signs_and_checks_the_documented_s3_requests, set_up, tear_down),
        cmocka_unit_test_setup_teardown(presigns_the_documented_url, set_up, tear_down),
        cmocka_unit_test_setup_teardown(checks_the_documented_form, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_malformed_claims_by_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_what_was_changed_after_signing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(takes_other_spellings_of_the_same_request, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wants_the_clock_and_the_right_headers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_request_without_a_claim_is_anonymous, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_anonymous_body_cannot_have_signed_chunks, set_up, tear_down),
        cmocka_unit_test(want_of_memory_is_an_error),
        cmocka_unit_test_setup_teardown(encodes_and_decodes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_text_comes_back_from_its_encoding, set_up, tear_down),
        cmocka_unit_test_setup_teardown(random_requests_are_accepted_until_a_byte_changes, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
