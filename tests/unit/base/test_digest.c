#include "base/digest.h"

#include <string.h>

#include "base/random.h"
#include "support/torture.h"

#define ALL ((1U << DIGEST_KINDS) - 1)

static void check(enum digest_kind kind, const char *text, const char *wanted)
{
    struct error error;
    uint8_t value[DIGEST_MAX_BYTES];
    char hex[2 * DIGEST_MAX_BYTES + 1];

    assert_true(digest_once(kind, text, strlen(text), value, &error));
    digest_hex(value, digest_bytes(kind), hex);
    assert_string_equal(hex, wanted);
}

/* RFC 1321 A.5, FIPS 180-4's examples, RFC 3720 B.4's polynomial, the CRC catalogue. */
static void published_values_come_out(void **state)
{
    char hex[65];
    struct error error;

    (void)state;
    check(DIGEST_MD5, "abc", "900150983cd24fb0d6963f7d28e17f72");
    check(DIGEST_MD5, "", "d41d8cd98f00b204e9800998ecf8427e");
    check(DIGEST_SHA1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d");
    check(DIGEST_SHA256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    check(DIGEST_SHA256, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    check(DIGEST_CRC32, "123456789", "cbf43926");
    check(DIGEST_CRC32C, "123456789", "e3069283");
    check(DIGEST_CRC64NVME, "123456789", "ae8b14860a799888");
    assert_true(digest_sha256_hex("abc", 3, hex, &error));
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void pieces_give_what_the_whole_gives(void **state)
{
    static uint8_t bytes[3000];
    struct random random;
    struct error error;

    (void)state;
    random_seed(&random, 3);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)random_next(&random);
    }
    for (int round = 0; round < 200; round++) {
        unsigned kinds = (unsigned)random_below(&random, ALL + 1);
        struct digest *digest = digest_new(kinds, &error);
        size_t at = 0;

        assert_non_null(digest);
        while (at < sizeof bytes) {
            size_t left = sizeof bytes - at;
            size_t size = (size_t)random_below(&random, (left < 700 ? left : 700) + 1);

            assert_true(digest_add(digest, bytes + at, size, &error));
            at += size;
            for (enum digest_kind kind = 0; kind < DIGEST_KINDS; kind++) {
                uint8_t value[DIGEST_MAX_BYTES];
                uint8_t wanted[DIGEST_MAX_BYTES];

                assert_int_equal(digest_value(digest, kind, value, &error), (kinds & 1U << kind) != 0);
                assert_true(digest_once(kind, bytes, at, wanted, &error));
                assert_true((kinds & 1U << kind) == 0 || digest_equal(value, wanted, digest_bytes(kind)));
            }
        }
        digest_free(digest);
    }
}

static void joins_are_of_crcs_alone(void **state)
{
    struct error error;
    uint8_t first[DIGEST_MAX_BYTES];
    uint8_t second[DIGEST_MAX_BYTES];
    uint8_t joined[8];
    uint8_t wanted[DIGEST_MAX_BYTES];

    (void)state;
    for (enum digest_kind kind = DIGEST_CRC32; kind < DIGEST_KINDS; kind++) {
        assert_true(digest_once(kind, "1234", 4, first, &error) && digest_once(kind, "56789", 5, second, &error) &&
                    digest_once(kind, "123456789", 9, wanted, &error));
        assert_true(digest_join(kind, first, second, 5, joined, &error));
        assert_memory_equal(joined, wanted, digest_bytes(kind));
    }
    assert_false(digest_join(DIGEST_MD5, first, second, 5, joined, &error));
}

/* RFC 4231, test cases 1, 2 and 6. */
static void hmac_is_the_standards(void **state)
{
    uint8_t key[131];
    uint8_t value[32];
    char hex[65];
    struct error error;

    (void)state;
    memset(key, 0x0b, 20);
    assert_true(digest_hmac_sha256(key, 20, "Hi There", 8, value, &error));
    digest_hex(value, 32, hex);
    assert_string_equal(hex, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    assert_true(digest_hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, value, &error));
    digest_hex(value, 32, hex);
    assert_string_equal(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof key);
    assert_true(digest_hmac_sha256(key, sizeof key, "Test Using Larger Than Block-Size Key - Hash Key First", 54, value,
                                   &error));
    digest_hex(value, 32, hex);
    assert_string_equal(hex, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    assert_true(digest_hmac_sha256(NULL, 0, "", 0, value, &error));
    digest_hex(value, 32, hex);
    assert_string_equal(hex, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void texts_go_both_ways(void **state)
{
    uint8_t bytes[40];
    uint8_t back[42];
    char text[100];
    struct random random;

    (void)state;
    random_seed(&random, 4);
    for (int round = 0; round < 2000; round++) {
        size_t size = (size_t)random_below(&random, sizeof bytes);

        for (size_t i = 0; i < size; i++) {
            bytes[i] = (uint8_t)random_next(&random);
        }
        digest_hex(bytes, size, text);
        assert_int_equal(strlen(text), 2 * size);
        assert_true(digest_from_hex(text, back, size));
        assert_memory_equal(bytes, back, size);
        assert_false(digest_from_hex(text, back, size + 1));
        assert_false(size > 0 && digest_from_hex(text, back, size - 1));
        digest_base64(bytes, size, text);
        assert_int_equal(strlen(text), (size + 2) / 3 * 4);
        assert_true(digest_from_base64(text, back, size));
        assert_memory_equal(bytes, back, size);
        assert_false(digest_from_base64(text, back, size + 1));
        assert_false(size > 0 && digest_from_base64(text, back, size - 1));
    }
    /* RFC 4648, 10 */
    digest_base64((const uint8_t *)"foob", 4, text);
    assert_string_equal(text, "Zm9vYg==");
    assert_true(digest_from_hex("00fFAa", back, 3));
    assert_memory_equal(back, "\x00\xff\xaa", 3);
}

static void wrong_texts_are_refused(void **state)
{
    static const char *const wrong[] = {
        "", "Zm9vYg", "Zm9vYg=", "Zm9vYg===", "Zm9vYh==", "Zm9v=g==", "Zm9 Yg==", "Zm9vYg==\n", "Zm9-Yg=="};
    uint8_t bytes[8];

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(digest_from_base64(wrong[i], bytes, 4));
    }
    assert_false(digest_from_hex("0g", bytes, 1));
    assert_false(digest_from_hex("0", bytes, 1));
    assert_false(digest_from_hex("0x", bytes, 1));
}

static bool digest_all(void *context, struct error *error)
{
    struct digest *digest = digest_new(ALL, error);
    uint8_t value[DIGEST_MAX_BYTES];
    bool good =
        digest != NULL && digest_add(digest, context, 4, error) && digest_value(digest, DIGEST_MD5, value, error);

    digest_free(digest);
    return good;
}

static void every_allocation_may_fail(void **state)
{
    char text[] = "text";

    (void)state;
    torture_walk(digest_all, text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_values_come_out), cmocka_unit_test(pieces_give_what_the_whole_gives),
        cmocka_unit_test(joins_are_of_crcs_alone),   cmocka_unit_test(hmac_is_the_standards),
        cmocka_unit_test(texts_go_both_ways),        cmocka_unit_test(wrong_texts_are_refused),
        cmocka_unit_test(every_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
