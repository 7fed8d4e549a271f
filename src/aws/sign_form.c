#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "aws/sign_canonical.h"
#include "base/digest.h"

/* HMAC-SHA1 in base 64. */
#define FORM_2_BYTES 20
#define FORM_2_CHARACTERS 28

static bool malformed(struct error *error, const char *what)
{
    return error_set_named(error, ERROR_USAGE, "InvalidArgument", "The form's authorization is malformed: %s.", what);
}

static const struct sign_field *find(const struct sign_field *fields, size_t count, const char *lower_case)
{
    for (size_t i = 0; i < count; i++) {
        if (sign_name_is(fields[i].name, lower_case)) {
            return &fields[i];
        }
    }
    return NULL;
}

static const char *text_of(const struct sign_field *field, struct arena *arena, struct error *error)
{
    return arena_text(arena, field->value.data, field->value.length, error);
}

/* The form's fields by Signature Version 2: AWSAccessKeyId, signature, and perhaps a token. */
static bool read_form_2(const struct sign_field *key, const struct sign_field *signature,
                        const struct sign_field *token, struct arena *arena, struct sign_claim *claim,
                        struct error *error)
{
    claim->form = SIGN_FORM_2;
    if (signature == NULL || signature->value.length != FORM_2_CHARACTERS) {
        return malformed(error, "a form with AWSAccessKeyId needs a signature of 28 characters");
    }
    memcpy(claim->signature, signature->value.data, FORM_2_CHARACTERS);
    claim->access_key_id = text_of(key, arena, error);
    claim->session_token = token != NULL ? text_of(token, arena, error) : NULL;
    return claim->access_key_id != NULL && (token == NULL || claim->session_token != NULL);
}

bool sign_form_read(const struct sign_field *fields, size_t field_count, struct arena *arena, struct sign_claim *claim,
                    struct error *error)
{
    const struct sign_field *algorithm = find(fields, field_count, "x-amz-algorithm");
    const struct sign_field *credential = find(fields, field_count, "x-amz-credential");
    const struct sign_field *date = find(fields, field_count, "x-amz-date");
    const struct sign_field *signature = find(fields, field_count, "x-amz-signature");
    const struct sign_field *token = find(fields, field_count, "x-amz-security-token");

    memset(claim, 0, sizeof *claim);
    claim->form = SIGN_ANONYMOUS;
    claim->payload_hash = SIGN_UNSIGNED;
    if (find(fields, field_count, "policy") == NULL) {
        /* A signature with nothing that it could be of is no anonymous form. */
        return signature == NULL || malformed(error, "it is signed, but has no policy");
    }
    const struct sign_field *key_of_2 = find(fields, field_count, "awsaccesskeyid");

    if (key_of_2 != NULL) {
        return read_form_2(key_of_2, find(fields, field_count, "signature"), token, arena, claim, error);
    }
    claim->form = SIGN_POST_FORM;
    if (algorithm == NULL || credential == NULL || date == NULL || signature == NULL) {
        return malformed(error, "a form with a policy needs x-amz-algorithm, x-amz-credential, x-amz-date and "
                                "x-amz-signature");
    }
    if (!str_is(algorithm->value, SIGN_ALGORITHM)) {
        return malformed(error, "x-amz-algorithm must be AWS4-HMAC-SHA256");
    }
    const char *text = text_of(credential, arena, error);

    if (text == NULL || (token != NULL && (claim->session_token = text_of(token, arena, error)) == NULL)) {
        return false;
    }
    const char *wrong = sign_credential_read(text, arena, claim);

    wrong = wrong != NULL ? wrong : sign_date_read(date->value, claim);
    wrong = wrong != NULL ? wrong : sign_signature_read(signature->value, claim);
    return wrong == NULL || malformed(error, wrong);
}

bool sign_form_check(struct str policy_base64, const struct sign_claim *claim, const struct sign_key *key,
                     struct error *error)
{
    uint8_t value[32];
    char signature[65];

    if (!digest_hmac_sha256(key->bytes, sizeof key->bytes, policy_base64.data, policy_base64.length, value, error)) {
        return false;
    }
    digest_hex(value, sizeof value, signature);
    return digest_equal(signature, claim->signature, 64) ||
           error_set_named(error, ERROR_DENIED, "SignatureDoesNotMatch",
                           "The request signature we calculated does not match the signature you provided. Check your "
                           "key and signing method.");
}

bool sign_form_2_check(struct str policy_base64, const struct sign_claim *claim, const char *secret_access_key,
                       struct error *error)
{
    uint8_t value[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    char signature[FORM_2_CHARACTERS + 1];

    if (HMAC(EVP_sha1(), secret_access_key, (int)strlen(secret_access_key), (const unsigned char *)policy_base64.data,
             policy_base64.length, value, &size) == NULL) {
        return error_set(error, ERROR_INTERNAL, "the cryptographic library has no HMAC-SHA1");
    }
    digest_base64(value, FORM_2_BYTES, signature);
    return digest_equal(signature, claim->signature, FORM_2_CHARACTERS) ||
           error_set_named(error, ERROR_DENIED, "SignatureDoesNotMatch",
                           "The request signature we calculated does not match the signature you provided. Check your "
                           "key and signing method.");
}
