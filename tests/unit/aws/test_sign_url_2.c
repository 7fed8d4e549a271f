#include "aws/sign.h"

#include <string.h>

#include "support/unit.h"

#define SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define EXPIRES INT64_C(1175139620)
#define BEFORE ((EXPIRES - 100) * INT64_C(1000000))
#define SIGNED "AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=1175139620"

static struct error error;

struct asked {
    const char *method, *path, *query, *host_bucket;
    int64_t now_us;
    const char *header, *value; /* one more than the host; NULL: none */
    const char *name;           /* of the error, "" for none */
};

static const char *ask(const struct asked *asked)
{
    struct sign_field headers[] = {
        {str_of("Host"), str_of("s3.amazonaws.com")},
        {str_of(asked->header == NULL ? "" : asked->header), str_of(asked->value == NULL ? "" : asked->value)}};
    struct sign_request request = {.method = str_of(asked->method),
                                   .path = str_of(asked->path),
                                   .query = str_of(asked->query),
                                   .headers = headers,
                                   .header_count = asked->header == NULL ? 1 : 2};
    struct arena *arena = arena_new(0, &error);
    struct sign_claim claim;

    error.name = "";
    bool good = arena != NULL && sign_url_2_read(&request, arena, &claim, &error) &&
                sign_url_2_check(&request, &claim, SECRET, asked->host_bucket, asked->now_us, arena, &error);

    assert_int_equal(good, error.name[0] == '\0');
    arena_free(arena);
    return error.name;
}

/* The example of the guide's "Query string request authentication", and what may not pass in its name. */
static void checks_the_documented_url(void **state)
{
    static const struct asked cases[] = {
        {"GET", "/photos/puppy.jpg", SIGNED, "johnsmith", BEFORE, NULL, NULL, ""},
        {"GET", "/johnsmith/photos/puppy.jpg", SIGNED, NULL, BEFORE, NULL, NULL, ""},
        {"GET", "/johnsmith/photos/puppy.jpg", SIGNED, NULL, (EXPIRES + 1) * 1000000, NULL, NULL, "AccessDenied"},
        {"GET", "/johnsmith/photos/puppy.jpg", SIGNED, NULL, BEFORE - INT64_C(604800000000), NULL, NULL,
         "AccessDenied"},
        {"GET", "/johnsmith/photos/puppy.jpg", SIGNED, "johnsmith", BEFORE, NULL, NULL, "SignatureDoesNotMatch"},
        {"PUT", "/johnsmith/photos/puppy.jpg", SIGNED, NULL, BEFORE, NULL, NULL, "SignatureDoesNotMatch"},
        {"GET", "/johnsmith/photos/puppy.png", SIGNED, NULL, BEFORE, NULL, NULL, "SignatureDoesNotMatch"},
        {"GET", "/johnsmith/photos/puppy.jpg", SIGNED "&acl", NULL, BEFORE, NULL, NULL, "SignatureDoesNotMatch"},
        {"GET", "/johnsmith/photos/puppy.jpg", SIGNED "&acl&acl=1", NULL, BEFORE, NULL, NULL, "AccessDenied"},
        {"GET", "/johnsmith/photos/puppy.jpg", SIGNED "&retention", NULL, BEFORE, NULL, NULL, "InvalidRequest"},
        {"GET", "/johnsmith/photos/puppy.jpg", SIGNED "&X-Amz-Expires=9", NULL, BEFORE, NULL, NULL, "InvalidRequest"},
        {"GET", "/johnsmith/photos/puppy.jpg", SIGNED "&Expires=1175139621", NULL, BEFORE, NULL, NULL, "AccessDenied"},
        {"GET", "/johnsmith/photos/puppy.jpg", "AWSAccessKeyId=A&Signature=x&Expires=1", NULL, BEFORE, NULL, NULL,
         "AccessDenied"},
        {"GET", "/johnsmith/photos/puppy.jpg", "AWSAccessKeyId=A", NULL, BEFORE, NULL, NULL, "AccessDenied"},
        {"GET", "/johnsmith/photos/puppy.jpg", SIGNED, NULL, BEFORE, "x-amz-acl", "public-read",
         "SignatureDoesNotMatch"},
        {"GET", "/johnsmith/photos/puppy.jpg", SIGNED, NULL, BEFORE, "Content-Type", "text/html",
         "SignatureDoesNotMatch"},
        {"GET", "/johnsmith/photos/puppy.jpg", SIGNED, NULL, BEFORE, "Authorization", "AWS a:b", "AccessDenied"},
        {"GET", "/johnsmith/photos/puppy.jpg", SIGNED, NULL, BEFORE, "User-Agent", "curl", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *name = ask(&cases[i]);

        if (strcmp(name, cases[i].name) != 0) {
            fail_msg("case %zu: %s, not %s: %s", i, name, cases[i].name, error.message);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checks_the_documented_url),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
