#include <string.h>

#include "aws/sign_canonical.h"
#include "base/digest.h"

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
    if (find(fields, field_count, "awsaccesskeyid") != NULL) {
        return error_set_named(error, ERROR_USAGE, "InvalidRequest",
                               "The authorization mechanism you have provided is not supported. Please use "
                               "AWS4-HMAC-SHA256.");
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
