/* Receiving a body's bytes: into a blob, through the checksums, with what they must be checked at the end. */
#include <string.h>

#include "base/digest_beside.h"
#include "base/memory.h"
#include "base/random.h"
#include "store/local/local_private.h"

/* From here on a second processor pays. */
#define BESIDE_BYTES (UINT64_C(2) << 20)

static bool choose_key(struct intake *intake, const struct intake_options *options, struct error *error)
{
    if (options->encryption == ENCRYPTION_NONE) {
        return true;
    }
    intake->form |= options->encryption == ENCRYPTION_CUSTOMER ? BODY_WRAPPED_BY_CUSTOMER : BODY_WRAPPED_BY_STORE;
    memcpy(intake->wrapping, options->encryption == ENCRYPTION_CUSTOMER ? options->customer_key : intake->store->master,
           KEY_BYTES);
    return random_bytes(intake->key, KEY_BYTES, error);
}

bool intake_begin(struct intake *intake, struct local_store *store, const struct intake_options *options,
                  struct error *error)
{
    memset(intake, 0, sizeof *intake);
    intake->store = store;
    intake->form = options->compressed ? BODY_COMPRESSED : 0;
    intake->digests = options->digests | 1U << DIGEST_MD5 | 1U << DIGEST_SHA256;
    if (!choose_key(intake, options, error)) {
        return false;
    }
    struct blob_form form = {.compressed = options->compressed,
                             .key = options->encryption != ENCRYPTION_NONE ? intake->key : NULL};

    intake->md5 = digest_new(1U << DIGEST_MD5, error);
    intake->digest = intake->md5 != NULL ? digest_new(intake->digests & ~(1U << DIGEST_MD5), error) : NULL;
    intake->writer = intake->digest != NULL ? blob_create(store->path, &form, store->inline_bytes, error) : NULL;
    return intake->writer != NULL;
}

static bool add_md5(struct intake *intake, const void *data, size_t size, struct error *error)
{
    if (intake->beside == NULL && !intake->alone && intake->size_bytes >= BESIDE_BYTES) {
        intake->beside = digest_beside_new(intake->md5, NULL);
        intake->alone = intake->beside == NULL;
    }
    if (intake->beside == NULL) {
        return digest_add(intake->md5, data, size, error);
    }
    digest_beside_add(intake->beside, data, size);
    return true;
}

static bool end_md5(struct intake *intake, struct error *error)
{
    struct digest_beside *beside = intake->beside;

    intake->beside = NULL;
    return digest_beside_end(beside, error);
}

bool intake_write(struct intake *intake, const void *data, size_t size, struct error *error)
{
    if (size > OBJECT_MAX_BYTES - intake->size_bytes) {
        return error_set_named(error, ERROR_LIMIT, "EntityTooLarge", "an object may have no more than 5 TiB");
    }
    intake->size_bytes += size;
    return add_md5(intake, data, size, error) && digest_add(intake->digest, data, size, error) &&
           blob_write(intake->writer, data, size, error);
}

static bool check_md5(const struct put_expected *expected, const struct intake_sums *sums, struct error *error)
{
    uint8_t given[ETAG_BYTES];

    if (expected->md5_base64 == NULL) {
        return true;
    }
    if (!digest_from_base64(expected->md5_base64, given, sizeof given)) {
        return error_set_named(error, ERROR_INVALID, "InvalidDigest", "Content-MD5 \"%s\" is not an MD5 in base 64",
                               expected->md5_base64);
    }
    return memcmp(given, sums->md5, sizeof given) == 0 ||
           error_set_named(error, ERROR_INVALID, "BadDigest",
                           "the Content-MD5 that was sent is not that of the bytes that came");
}

static bool check_sha256(const struct put_expected *expected, const struct intake_sums *sums, struct error *error)
{
    uint8_t given[SHA256_BYTES];

    return expected->sha256_hex == NULL ||
           (digest_from_hex(expected->sha256_hex, given, sizeof given) &&
            memcmp(given, sums->sha256, sizeof given) == 0) ||
           error_set_named(error, ERROR_INVALID, "XAmzContentSHA256Mismatch",
                           "x-amz-content-sha256 is not the SHA-256 of the bytes that came");
}

static bool check_checksum(struct intake *intake, const struct put_expected *expected, struct object_checksum *checksum,
                           struct error *error)
{
    uint8_t value[DIGEST_MAX_BYTES];

    if (!expected->checksum_given) {
        return true;
    }
    if ((intake->digests & 1U << expected->checksum_kind) == 0) {
        return error_set(error, ERROR_INTERNAL, "a checksum is expected that was not asked for at the beginning");
    }
    struct digest *digest = expected->checksum_kind == DIGEST_MD5 ? intake->md5 : intake->digest;

    if (!digest_value(digest, expected->checksum_kind, value, error)) {
        return false;
    }
    checksum->present = true;
    checksum->kind = expected->checksum_kind;
    digest_base64(value, digest_bytes(checksum->kind), checksum->value);
    return expected->checksum_base64 == NULL || strcmp(expected->checksum_base64, checksum->value) == 0 ||
           error_set_named(error, ERROR_INVALID, "BadDigest",
                           "the checksum that was sent (%s) is not that of the bytes that came (%s)",
                           expected->checksum_base64, checksum->value);
}

static bool finish_sums(struct intake *intake, const struct put_expected *expected, struct intake_sums *sums,
                        struct error *error)
{
    uint8_t value[DIGEST_MAX_BYTES];

    memset(sums, 0, sizeof *sums);
    if (!end_md5(intake, error) || !digest_value(intake->md5, DIGEST_MD5, value, error)) {
        return false;
    }
    memcpy(sums->md5, value, sizeof sums->md5);
    if (!digest_value(intake->digest, DIGEST_SHA256, value, error)) {
        return false;
    }
    memcpy(sums->sha256, value, sizeof sums->sha256);
    if (expected->size_given && expected->size_bytes != intake->size_bytes) {
        return error_set_named(error, ERROR_INVALID, "IncompleteBody",
                               "%llu bytes were announced, and %llu came: send the whole body",
                               (unsigned long long)expected->size_bytes, (unsigned long long)intake->size_bytes);
    }
    return check_md5(expected, sums, error) && check_sha256(expected, sums, error) &&
           check_checksum(intake, expected, &sums->checksum, error);
}

bool intake_finish(struct intake *intake, const struct put_expected *expected, struct intake_sums *sums,
                   struct body *body, struct error *error)
{
    bool wrapped = (intake->form & (BODY_WRAPPED_BY_CUSTOMER | BODY_WRAPPED_BY_STORE)) != 0;

    if (!finish_sums(intake, expected, sums, error) || !blob_finish(intake->writer, &intake->stored, error)) {
        return false;
    }
    intake->stored_file = intake->stored.id[0] != '\0';
    memset(body, 0, sizeof *body);
    body->form = intake->form;
    body->size_bytes = intake->size_bytes;
    body->stored_bytes = intake->stored.stored_bytes;
    body->bytes = intake->stored.bytes;
    memcpy(body->blob, intake->stored.id, sizeof body->blob);
    if ((intake->form & BODY_WRAPPED_BY_CUSTOMER) != 0) {
        /* What is kept says nothing of bytes whose key is not kept. */
        memset(sums->sha256, 0, sizeof sums->sha256);
        if (!random_bytes(sums->md5, sizeof sums->md5, error)) {
            return false;
        }
    }
    return !wrapped || blob_key_wrap(intake->wrapping, intake->key,
                                     intake->stored_file ? body->blob : BODY_INLINE_BOUND, body->wrapped, error);
}

void intake_keep(struct intake *intake)
{
    intake->stored_file = false;
}

void intake_shed(struct intake *intake)
{
    if (intake->stored_file) {
        blob_writer_free(intake->writer);
        digest_free(intake->digest);
        digest_free(intake->md5);
        intake->writer = NULL;
        intake->digest = NULL;
        intake->md5 = NULL;
    }
}

void intake_free(struct intake *intake)
{
    end_md5(intake, NULL);
    blob_writer_free(intake->writer);
    digest_free(intake->digest);
    digest_free(intake->md5);
    if (intake->stored_file && !blob_remove(intake->store->path, intake->stored.id, NULL)) {
        local_unclean(intake->store);
    }
    explicit_bzero(intake->key, sizeof intake->key);
    explicit_bzero(intake->wrapping, sizeof intake->wrapping);
    memset(intake, 0, sizeof *intake);
}
