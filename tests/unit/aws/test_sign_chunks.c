#include "aws/sign.h"

#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "support/unit.h"

#define MAY_24_2013 INT64_C(1369353600000000)
#define CHUNK_1 "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"
#define CHUNK_2 "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"
#define CHUNK_END "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"

static struct error error;

static bool take(void *context, const void *data, size_t size, struct error *problem)
{
    (void)problem;
    buffer_append(context, data, size);
    return true;
}

static bool refuse(void *context, const void *data, size_t size, struct error *problem)
{
    (void)context;
    (void)data;
    (void)size;
    return error_set(problem, ERROR_IO, "the disk is gone");
}

static void append_chunk(struct buffer *body, size_t size, const char *signature)
{
    buffer_append_format(body, signature == NULL ? "%zx" : "%zx;chunk-signature=%s", size, signature);
    buffer_append_text(body, "\r\n");
    for (size_t i = 0; i < size; i++) {
        buffer_append_char(body, 'a');
    }
    if (size > 0) {
        buffer_append_text(body, "\r\n");
    }
}

/* The claim of the documentation's example of that form. */
static struct sign_claim claim_of(const char *form, const char *seed)
{
    struct sign_claim claim = {
        .form = SIGN_HEADER, .scope = {"20130524", "us-east-1", "s3"}, .signed_us = MAY_24_2013, .payload_hash = form};

    snprintf(claim.signature, sizeof claim.signature, "%s", seed);
    return claim;
}

/* Sends the body in pieces of that size and gives whether it was taken to its end. */
static bool receive(const struct sign_claim *claim, const char *trailers, uint64_t decoded, struct str body,
                    size_t piece, struct buffer *taken, char trailer[64])
{
    struct sign_chunks_options options = {
        .claim = claim, .trailer_names = trailers, .decoded_bytes = decoded, .take = take, .context = taken};
    bool good = sign_key_derive("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", &claim->scope, &options.key, &error);
    struct sign_chunks *chunks = sign_chunks_new(&options, &error);

    assert_non_null(chunks);
    for (size_t at = 0; good && at < body.length; at += piece) {
        good = sign_chunks_add(chunks, body.data + at, body.length - at < piece ? body.length - at : piece, &error);
    }
    good = good && sign_chunks_end(chunks, &error);
    if (good && trailer != NULL) {
        const char *value = sign_chunks_trailer(chunks, "X-Amz-Checksum-Crc32c");

        snprintf(trailer, 64, "%s", value == NULL ? "none" : value);
        assert_null(sign_chunks_trailer(chunks, "x-amz-checksum-sha1"));
    }
    sign_chunks_free(chunks);
    return good;
}

static const char seed[] = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";

static void append_documented(struct buffer *body)
{
    append_chunk(body, 65536, CHUNK_1);
    append_chunk(body, 1024, CHUNK_2);
    append_chunk(body, 0, CHUNK_END);
    buffer_append_text(body, "\r\n");
}

/* "Transferring Payload in Multiple Chunks (Chunked Upload)": the example's signatures. */
static void takes_the_documented_chunks_in_any_pieces(void **state)
{
    const size_t pieces[] = {1 << 20, 65536, 1000, 7, 1};
    struct buffer body __attribute__((cleanup(buffer_free))) = {0};
    struct buffer taken __attribute__((cleanup(buffer_free))) = {0};
    struct sign_claim claim = claim_of(SIGN_STREAMING, seed);

    (void)state;
    append_documented(&body);
    assert_int_equal(body.length, 66824); /* the example's Content-Length */
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        buffer_clear(&taken);
        assert_true(receive(&claim, NULL, 66560, str_slice(body.data, body.length), pieces[i], &taken, NULL));
        assert_int_equal(taken.length, 66560);
        assert_int_equal(taken.data[66559], 'a');
    }
}

static void refuses_chunks_that_were_changed_or_cut(void **state)
{
    struct buffer body __attribute__((cleanup(buffer_free))) = {0};
    struct buffer taken __attribute__((cleanup(buffer_free))) = {0};
    struct sign_claim claim = claim_of(SIGN_STREAMING, seed);

    (void)state;
    append_documented(&body);
    struct str whole = str_slice(body.data, body.length);

    body.data[30000] = 'b';
    assert_false(receive(&claim, NULL, 66560, whole, 8192, &taken, NULL));
    assert_string_equal(error.name, "SignatureDoesNotMatch");
    body.data[30000] = 'a';
    assert_true(receive(&claim, NULL, UINT64_MAX, whole, 8192, &taken, NULL));
    /* Every place to cut it but between the last chunk's line and the empty one after it. */
    for (size_t cut = 1; cut < 300; cut++) {
        assert_int_equal(receive(&claim, NULL, 66560, str_slice(body.data, body.length - cut), 8192, &taken, NULL),
                         cut == 2);
    }
    assert_false(receive(&claim, NULL, 66559, whole, 8192, &taken, NULL));
    assert_string_equal(error.name, "IncompleteBody");
    assert_false(receive(&claim, NULL, 66561, whole, 8192, &taken, NULL));
    assert_string_equal(error.name, "IncompleteBody");
    buffer_append_char(&body, 'x');
    assert_false(receive(&claim, NULL, 66560, str_slice(body.data, body.length), 8192, &taken, NULL));
    /* Chunks in another order: each is chained to the one before. */
    buffer_clear(&body);
    append_chunk(&body, 1024, CHUNK_2);
    assert_false(receive(&claim, NULL, 66560, str_slice(body.data, body.length), 8192, &taken, NULL));
    assert_string_equal(error.name, "SignatureDoesNotMatch");
    /* A seed of another request. */
    buffer_clear(&body);
    append_documented(&body);
    claim.signature[0] = '5';
    assert_false(receive(&claim, NULL, 66560, str_slice(body.data, body.length), 8192, &taken, NULL));
    assert_string_equal(error.name, "SignatureDoesNotMatch");
}

static const char trailer_seed[] = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e";

static void append_with_trailer(struct buffer *body, const char *checksum)
{
    append_chunk(body, 65536, "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2");
    append_chunk(body, 1024, "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7");
    append_chunk(body, 0, "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992");
    buffer_append_format(body, "x-amz-checksum-crc32c:%s\r\n", checksum);
}

#define TRAILER_SIGNATURE                                                                                              \
    "x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n"

/* "… Including Trailing Headers": the example's signatures. */
static void takes_the_documented_trailer(void **state)
{
    struct buffer body __attribute__((cleanup(buffer_free))) = {0};
    struct buffer taken __attribute__((cleanup(buffer_free))) = {0};
    struct sign_claim claim = claim_of(SIGN_STREAMING_TRAILER, trailer_seed);
    char trailer[64];

    (void)state;
    append_with_trailer(&body, "sOO8/Q==");
    assert_false(
        receive(&claim, "x-amz-checksum-crc32c", 66560, str_slice(body.data, body.length), 4096, &taken, trailer));
    assert_string_equal(error.name, "IncompleteBody"); /* its signature is missing */
    buffer_append_text(&body, TRAILER_SIGNATURE);
    assert_true(receive(&claim, "x-amz-checksum-crc32c", 66560, str_slice(body.data, body.length), 1, &taken, trailer));
    assert_string_equal(trailer, "sOO8/Q==");
    assert_false(
        receive(&claim, "x-amz-checksum-sha256", 66560, str_slice(body.data, body.length), 99, &taken, trailer));
    assert_string_equal(error.name, "MalformedTrailerError");
    buffer_clear(&body);
    append_with_trailer(&body, "sOO8/A==");
    buffer_append_text(&body, TRAILER_SIGNATURE);
    assert_false(
        receive(&claim, "x-amz-checksum-crc32c", 66560, str_slice(body.data, body.length), 99, &taken, trailer));
    assert_string_equal(error.name, "SignatureDoesNotMatch");
}

static void takes_unsigned_chunks_with_a_trailer(void **state)
{
    struct buffer taken __attribute__((cleanup(buffer_free))) = {0};
    struct sign_claim claim = claim_of(SIGN_UNSIGNED_TRAILER, trailer_seed);
    static const char names[] = "x-amz-checksum-sha256, x-amz-checksum-crc32c";
    char trailer[64];

    (void)state;
    for (size_t piece = 1; piece < 50; piece++) {
        buffer_clear(&taken);
        assert_true(receive(&claim, names, 5,
                            str_of("3\r\nabc\r\n2\r\nde\r\n0\r\nX-Amz-Checksum-Crc32c: AAAAAA== \r\n\r\n"), piece,
                            &taken, trailer));
        assert_int_equal(taken.length, 5);
        assert_memory_equal(taken.data, "abcde", 5);
        assert_string_equal(trailer, "AAAAAA==");
    }
    assert_true(receive(&claim, NULL, 0, str_of("0\r\n\r\n"), 9, &taken, trailer));
    assert_string_equal(trailer, "none");
}

static void refuses_broken_framing(void **state)
{
    static const char *const bodies[] = {
        "",
        "\r\n",
        "-1\r\n",
        "g\r\n",
        "0x3\r\nabc\r\n0\r\n\r\n",
        "11111111111111111\r\n",
        "ffffffffffffffff\r\n",
        "3\r\nabcd\r\n0\r\n\r\n",
        "3\r\nab\r\n0\r\n\r\n",
        "3\r\nabc0\r\n\r\n",
        "3\r\nabc\r\n",
        "3\r\nabc\r\n0",
        "0\r\nno colon\r\n\r\n",
        "0\r\nx-amz-checksum-crc32c:a",
        "0\r\nother:a\r\n\r\n",
        "0\r\nx-amz-trailer-signature:aa\r\n\r\n",
        "0\r\n\r\nmore",
    };
    struct buffer taken __attribute__((cleanup(buffer_free))) = {0};
    struct sign_claim claim = claim_of(SIGN_UNSIGNED_TRAILER, trailer_seed);
    struct sign_claim signed_claim = claim_of(SIGN_STREAMING, seed);

    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        for (size_t piece = 1; piece < 20; piece += 9) {
            if (receive(&claim, "x-amz-checksum-crc32c", UINT64_MAX, str_of(bodies[i]), piece, &taken, NULL)) {
                fail_msg("body %zu is taken", i);
            }
        }
    }
    assert_false(receive(&signed_claim, NULL, 3, str_of("3\r\nabc\r\n0\r\n\r\n"), 9, &taken, NULL));
    assert_string_equal(error.name, "InvalidRequest"); /* no signatures */
    assert_false(receive(&signed_claim, NULL, 3, str_of("3;chunk-signature=zz\r\nabc\r\n"), 9, &taken, NULL));
}

static void a_line_without_end_is_not_gathered_for_ever(void **state)
{
    struct buffer body __attribute__((cleanup(buffer_free))) = {0};
    struct buffer taken __attribute__((cleanup(buffer_free))) = {0};
    struct sign_claim claim = claim_of(SIGN_UNSIGNED_TRAILER, trailer_seed);

    (void)state;
    buffer_append_text(&body, "0\r\n");
    for (int i = 0; i < 5000; i++) {
        buffer_append_char(&body, 'a');
    }
    assert_false(receive(&claim, "a", UINT64_MAX, str_slice(body.data, body.length), 100, &taken, NULL));
    assert_non_null(strstr(error.message, "too long"));
}

static void a_failure_of_the_taker_ends_it(void **state)
{
    struct sign_claim claim = claim_of(SIGN_UNSIGNED_TRAILER, trailer_seed);
    struct sign_chunks_options options = {.claim = &claim, .decoded_bytes = UINT64_MAX, .take = refuse};
    struct sign_chunks *chunks = sign_chunks_new(&options, &error);

    (void)state;
    assert_false(sign_chunks_add(chunks, "3\r\nabc\r\n", 8, &error));
    assert_string_equal(error.message, "the disk is gone");
    sign_chunks_free(chunks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_the_documented_chunks_in_any_pieces),
        cmocka_unit_test(refuses_chunks_that_were_changed_or_cut),
        cmocka_unit_test(takes_the_documented_trailer),
        cmocka_unit_test(takes_unsigned_chunks_with_a_trailer),
        cmocka_unit_test(refuses_broken_framing),
        cmocka_unit_test(a_line_without_end_is_not_gathered_for_ever),
        cmocka_unit_test(a_failure_of_the_taker_ends_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
