#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "aws/sign_canonical.h"
#include "base/digest.h"

enum {
    MAXIMUM_SIGNED_HEADERS = 200,
    SKEW_SECONDS = 900,
    LONGEST_SECONDS = 604800,
    SCOPE_PARTS = 4, /* date, region, service, aws4_request */
};

#define MICROSECONDS INT64_C(1000000)
#define VERSION_2 "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."

/* --- parts of a claim ------------------------------------------------------------------------------------------- */

static bool copy_part(struct str part, char *to, size_t size)
{
    if (part.length == 0 || part.length >= size || memchr(part.data, '\0', part.length) != NULL) {
        return false;
    }
    memcpy(to, part.data, part.length);
    to[part.length] = '\0';
    return true;
}

const char *sign_credential_read(const char *text, struct arena *arena, struct sign_claim *claim)
{
    static const char form[] = "the Credential must have at least 5 slash-delimited elements, e.g. access-key-id/"
                               "YYYYMMDD/REGION/SERVICE/aws4_request";
    struct str parts[SCOPE_PARTS];
    const char *end = text + strlen(text);

    /* From the end: an access key id may hold slashes. */
    for (int i = SCOPE_PARTS - 1; i >= 0; i--) {
        const char *slash = memrchr(text, '/', (size_t)(end - text));

        if (slash == NULL) {
            return form;
        }
        parts[i] = str_slice(slash + 1, (size_t)(end - slash) - 1);
        end = slash;
    }
    if (!str_is(parts[3], "aws4_request")) {
        return "the Credential must end in aws4_request";
    }
    if (parts[0].length != 8 || !copy_part(parts[0], claim->scope.date, sizeof claim->scope.date)) {
        return "the Credential's date must be of the form YYYYMMDD";
    }
    if (!copy_part(parts[1], claim->scope.region, sizeof claim->scope.region) ||
        !copy_part(parts[2], claim->scope.service, sizeof claim->scope.service) || end == text || end - text > 128) {
        return form;
    }
    claim->access_key_id = arena_text(arena, text, (size_t)(end - text), NULL);
    return claim->access_key_id == NULL ? "no memory is left to read the Credential" : NULL;
}

const char *sign_date_read(struct str text, struct sign_claim *claim)
{
    if (!sign_time_read(text, &claim->signed_us)) {
        return "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"";
    }
    if (memcmp(text.data, claim->scope.date, 8) != 0) {
        return "the Credential's date is not that of X-Amz-Date";
    }
    return NULL;
}

const char *sign_signature_read(struct str text, struct sign_claim *claim)
{
    uint8_t bytes[32];

    if (!copy_part(text, claim->signature, sizeof claim->signature) || text.length != 64 ||
        !digest_from_hex(claim->signature, bytes, sizeof bytes)) {
        return "the Signature must have 64 hexadecimal digits";
    }
    return NULL;
}

static const struct sign_field *find_header(const struct sign_request *request, const char *lower_case)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (sign_name_is(request->headers[i].name, lower_case)) {
            return &request->headers[i];
        }
    }
    return NULL;
}

static bool is_signed(const struct sign_claim *claim, struct str name)
{
    struct str list = claim->signed_headers;
    struct str one;

    while (sign_next_name(&list, &one)) {
        if (sign_same_name(one, name)) {
            return true;
        }
    }
    return false;
}

/* NULL, or what is wrong with the list of signed headers. */
static const char *check_signed_headers(const struct sign_claim *claim)
{
    struct str list = claim->signed_headers;
    struct str name;
    size_t count = 0;

    while (sign_next_name(&list, &name)) {
        if (++count > MAXIMUM_SIGNED_HEADERS) {
            return "too many headers are signed";
        }
        for (size_t i = 0; i < name.length; i++) {
            if (name.data[i] >= 'A' && name.data[i] <= 'Z') {
                return "SignedHeaders must be in lower case";
            }
        }
    }
    return NULL;
}

static bool is_hash(const char *text)
{
    uint8_t bytes[32];

    return digest_from_hex(text, bytes, sizeof bytes);
}

static bool set_payload_hash(struct str value, struct arena *arena, struct sign_claim *claim, struct error *error)
{
    value = str_trim(value);
    const char *text = arena_text(arena, value.data, value.length, error);

    if (text == NULL) {
        return false;
    }
    claim->payload_hash = text;
    if (is_hash(text) || strcmp(text, SIGN_UNSIGNED) == 0 || strcmp(text, SIGN_STREAMING) == 0 ||
        strcmp(text, SIGN_STREAMING_TRAILER) == 0 || strcmp(text, SIGN_UNSIGNED_TRAILER) == 0) {
        return true;
    }
    if (str_starts_with(value, "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD")) {
        return error_set_named(error, ERROR_USAGE, "NotImplemented",
                               "chunks signed with ECDSA (Signature Version 4A) are not taken; sign with "
                               "AWS4-HMAC-SHA256");
    }
    return error_set_named(error, ERROR_USAGE, "InvalidArgument",
                           "x-amz-content-sha256 must be " SIGN_UNSIGNED ", " SIGN_UNSIGNED_TRAILER ", " SIGN_STREAMING
                           ", " SIGN_STREAMING_TRAILER " or a valid sha256 value.");
}

/* --- the Authorization header ----------------------------------------------------------------------------------- */

static bool malformed_header(struct error *error, const char *what)
{
    return error_set_named(error, ERROR_USAGE, "AuthorizationHeaderMalformed",
                           "The authorization header is malformed; %s.", what);
}

/* The members after the algorithm: NAME=VALUE, with commas and spaces between. */
struct members {
    struct str credential, signed_headers, signature;
};

static const char *split_members(struct str rest, struct members *members)
{
    while (rest.length > 0) {
        const char *comma = memchr(rest.data, ',', rest.length);
        size_t length = comma == NULL ? rest.length : (size_t)(comma - rest.data);
        struct str member = str_trim(str_slice(rest.data, length));
        const char *equals = member.length == 0 ? NULL : memchr(member.data, '=', member.length);
        size_t taken = comma == NULL ? length : length + 1;

        rest = str_slice(rest.data + taken, rest.length - taken);
        if (member.length == 0) {
            continue;
        }
        if (equals == NULL) {
            return "a member has no equals sign";
        }
        struct str name = str_slice(member.data, (size_t)(equals - member.data));
        struct str value = str_slice(equals + 1, member.length - name.length - 1);
        struct str *to = str_is(name, "Credential")      ? &members->credential
                         : str_is(name, "SignedHeaders") ? &members->signed_headers
                         : str_is(name, "Signature")     ? &members->signature
                                                         : NULL;

        if (to == NULL || to->length > 0 || value.length == 0) {
            return "it must have Credential, SignedHeaders and Signature, once each";
        }
        *to = value;
    }
    if (members->credential.length == 0 || members->signed_headers.length == 0 || members->signature.length == 0) {
        return "it must have Credential, SignedHeaders and Signature, once each";
    }
    return NULL;
}

/* When the request was signed: X-Amz-Date, or else Date (RFC 9110, section 5.6.7). */
static bool read_date(const struct sign_request *request, struct sign_claim *claim, struct error *error)
{
    const struct sign_field *header = find_header(request, "x-amz-date");
    struct tm parts = {0};
    char text[40];

    if (header != NULL) {
        const char *wrong = sign_date_read(str_trim(header->value), claim);

        return wrong == NULL || malformed_header(error, wrong);
    }
    header = find_header(request, "date");
    if (header == NULL || !copy_part(header->value, text, sizeof text)) {
        return error_set_named(error, ERROR_DENIED, "AccessDenied",
                               "AWS authentication requires a valid Date or x-amz-date header");
    }
    const char *rest = strptime(text, "%a, %d %b %Y %H:%M:%S ", &parts);

    if (rest == NULL || (strcmp(rest, "GMT") != 0 && strcmp(rest, "+0000") != 0)) {
        return error_set_named(error, ERROR_DENIED, "AccessDenied",
                               "AWS authentication requires a valid Date or x-amz-date header");
    }
    claim->signed_us = (int64_t)timegm(&parts) * MICROSECONDS;
    sign_time_format(claim->signed_us, text);
    return memcmp(text, claim->scope.date, 8) == 0 ||
           malformed_header(error, "the Credential's date is not that of the Date header");
}

static bool read_header(const struct sign_request *request, struct str value, struct arena *arena,
                        struct sign_claim *claim, struct error *error)
{
    struct members members = {0};

    claim->form = SIGN_HEADER;
    value = str_slice(value.data + strlen(SIGN_ALGORITHM), value.length - strlen(SIGN_ALGORITHM));
    const char *wrong = split_members(value, &members);
    const char *credential =
        wrong == NULL ? arena_text(arena, members.credential.data, members.credential.length, error) : NULL;

    if (wrong == NULL && credential == NULL) {
        return false;
    }
    claim->signed_headers = members.signed_headers;
    wrong = wrong != NULL ? wrong : sign_credential_read(credential, arena, claim);
    wrong = wrong != NULL ? wrong : sign_signature_read(members.signature, claim);
    wrong = wrong != NULL ? wrong : check_signed_headers(claim);
    if (wrong != NULL) {
        return malformed_header(error, wrong);
    }
    const struct sign_field *token = find_header(request, "x-amz-security-token");
    const struct sign_field *hash = find_header(request, "x-amz-content-sha256");

    if (token != NULL) {
        struct str text = str_trim(token->value);

        claim->session_token = arena_text(arena, text.data, text.length, error);
        if (claim->session_token == NULL) {
            return false;
        }
    }
    if (hash == NULL && strcmp(claim->scope.service, "s3") == 0) {
        return error_set_named(error, ERROR_USAGE, "InvalidRequest",
                               "Missing required header for this request: x-amz-content-sha256");
    }
    return (hash == NULL || set_payload_hash(hash->value, arena, claim, error)) && read_date(request, claim, error);
}

/* --- the query -------------------------------------------------------------------------------------------------- */

enum parameter { ALGORITHM, CREDENTIAL, DATE, EXPIRES, HEADERS, SIGNATURE, TOKEN, CONTENT_HASH, V2_KEY, PARAMETERS };

static const char *const parameter_names[PARAMETERS] = {
    [ALGORITHM] = "X-Amz-Algorithm",  [CREDENTIAL] = "X-Amz-Credential",       [DATE] = "X-Amz-Date",
    [EXPIRES] = "X-Amz-Expires",      [HEADERS] = "X-Amz-SignedHeaders",       [SIGNATURE] = "X-Amz-Signature",
    [TOKEN] = "X-Amz-Security-Token", [CONTENT_HASH] = "X-Amz-Content-Sha256", [V2_KEY] = "AWSAccessKeyId",
};

static bool malformed_query(struct error *error, const char *what)
{
    return error_set_named(error, ERROR_USAGE, "AuthorizationQueryParametersError",
                           "Error parsing the query's authorization: %s", what);
}

static bool find_parameters(struct str query, struct arena *arena, const char *values[PARAMETERS], struct error *error)
{
    struct sign_field pair;

    while (sign_next_pair(&query, &pair)) {
        const char *name = NULL;

        /* Most names are not of interest: they begin with neither X nor A nor an escape. */
        if (pair.name.length == 0 || strchr("XA%", pair.name.data[0]) == NULL) {
            continue;
        }
        name = sign_decode_form(pair.name, arena, error);
        if (name == NULL) {
            return false;
        }
        for (int i = 0; i < PARAMETERS; i++) {
            if (strcmp(name, parameter_names[i]) != 0) {
                continue;
            }
            if (values[i] != NULL) {
                return malformed_query(error, "an X-Amz- parameter is given twice");
            }
            values[i] = sign_decode_form(pair.value, arena, error);
            if (values[i] == NULL) {
                return false;
            }
        }
    }
    return true;
}

static const char *read_expires(const char *text, struct sign_claim *claim)
{
    size_t length = strlen(text);

    if (length == 0 || strspn(text, "0123456789") != length) {
        return "X-Amz-Expires should be a number";
    }
    claim->expires_seconds = length > 6 ? LONGEST_SECONDS + 1 : strtol(text, NULL, 10);
    if (claim->expires_seconds > LONGEST_SECONDS) {
        return "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less "
               "than 604800 seconds";
    }
    return claim->expires_seconds == 0 ? "X-Amz-Expires must be more than 0 seconds" : NULL;
}

static bool read_query(const struct sign_request *request, const char *const values[PARAMETERS], struct arena *arena,
                       struct sign_claim *claim, struct error *error)
{
    claim->form = SIGN_QUERY;
    for (int i = ALGORITHM; i <= SIGNATURE; i++) {
        if (values[i] == NULL) {
            return malformed_query(error, "a presigned URL needs X-Amz-Algorithm, X-Amz-Credential, X-Amz-Date, "
                                          "X-Amz-Expires, X-Amz-SignedHeaders and X-Amz-Signature");
        }
    }
    if (strcmp(values[ALGORITHM], SIGN_ALGORITHM) != 0) {
        return malformed_query(error, "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"");
    }
    claim->signed_headers = str_of(values[HEADERS]);
    claim->session_token = values[TOKEN];
    const char *wrong = sign_credential_read(values[CREDENTIAL], arena, claim);

    wrong = wrong != NULL ? wrong : sign_date_read(str_of(values[DATE]), claim);
    wrong = wrong != NULL ? wrong : read_expires(values[EXPIRES], claim);
    wrong = wrong != NULL ? wrong : sign_signature_read(str_of(values[SIGNATURE]), claim);
    wrong = wrong != NULL ? wrong : check_signed_headers(claim);
    if (wrong != NULL) {
        return malformed_query(error, wrong);
    }
    const struct sign_field *hash = find_header(request, "x-amz-content-sha256");

    if (values[CONTENT_HASH] != NULL) {
        return set_payload_hash(str_of(values[CONTENT_HASH]), arena, claim, error);
    }
    if (hash != NULL) {
        return set_payload_hash(hash->value, arena, claim, error);
    }
    claim->payload_hash = strcmp(claim->scope.service, "s3") == 0 ? SIGN_UNSIGNED : NULL;
    return true;
}

/* Nobody's chunks cannot be signed. */
static bool read_anonymous(const struct sign_request *request, struct arena *arena, struct sign_claim *claim,
                           struct error *error)
{
    const struct sign_field *hash = find_header(request, "x-amz-content-sha256");

    claim->payload_hash = SIGN_UNSIGNED;
    if (hash == NULL) {
        return true;
    }
    if (!set_payload_hash(hash->value, arena, claim, error)) {
        return false;
    }
    return (strcmp(claim->payload_hash, SIGN_STREAMING) != 0 &&
            strcmp(claim->payload_hash, SIGN_STREAMING_TRAILER) != 0) ||
           error_set_named(error, ERROR_USAGE, "InvalidRequest",
                           "A request without a signature cannot have signed chunks; use " SIGN_UNSIGNED_TRAILER ".");
}

bool sign_claim_read(const struct sign_request *request, struct arena *arena, struct sign_claim *claim,
                     struct error *error)
{
    const char *values[PARAMETERS] = {NULL};
    const struct sign_field *header = find_header(request, "authorization");

    memset(claim, 0, sizeof *claim);
    claim->form = SIGN_ANONYMOUS;
    if (!find_parameters(request->query, arena, values, error)) {
        return false;
    }
    bool in_query = values[ALGORITHM] != NULL || values[SIGNATURE] != NULL || values[CREDENTIAL] != NULL;

    if (header != NULL && (in_query || values[V2_KEY] != NULL)) {
        return error_set_named(error, ERROR_USAGE, "InvalidArgument",
                               "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature "
                               "query string parameter or the Authorization header should be specified");
    }
    if (in_query) {
        return read_query(request, values, arena, claim, error);
    }
    if (values[V2_KEY] != NULL) {
        return error_set_named(error, ERROR_USAGE, "InvalidRequest", VERSION_2);
    }
    if (header == NULL) {
        return read_anonymous(request, arena, claim, error);
    }
    struct str value = str_trim(header->value);

    if (str_starts_with(value, SIGN_ALGORITHM)) {
        return read_header(request, value, arena, claim, error);
    }
    if (str_starts_with(value, "AWS ") || str_starts_with(value, "AWS4-")) {
        return error_set_named(error, ERROR_USAGE, "InvalidRequest", VERSION_2);
    }
    return error_set_named(error, ERROR_USAGE, "InvalidArgument", "Unsupported Authorization Type");
}

/* --- the check -------------------------------------------------------------------------------------------------- */

static bool check_time(const struct sign_claim *claim, int64_t now_us, struct error *error)
{
    const int64_t skew_us = SKEW_SECONDS * MICROSECONDS;

    if (claim->form == SIGN_QUERY) {
        if (claim->signed_us > now_us + skew_us) {
            return error_set_named(error, ERROR_DENIED, "AccessDenied", "Request is not valid yet");
        }
        if (now_us > claim->signed_us + claim->expires_seconds * MICROSECONDS) {
            return error_set_named(error, ERROR_DENIED, "AccessDenied", "Request has expired");
        }
    } else if (claim->signed_us > now_us + skew_us || claim->signed_us < now_us - skew_us) {
        return error_set_named(error, ERROR_DENIED, "RequestTimeTooSkewed",
                               "The difference between the request time and the current time is too large.");
    }
    return true;
}

static bool check_all_signed(const struct sign_request *request, const struct sign_claim *claim, struct error *error)
{
    if (!is_signed(claim, str_of("host"))) {
        return error_set_named(error, ERROR_DENIED, "AccessDenied", "The host header is not signed");
    }
    for (size_t i = 0; i < request->header_count; i++) {
        struct str name = request->headers[i].name;

        if (name.length > 6 && sign_name_is(str_slice(name.data, 6), "x-amz-") && !is_signed(claim, name)) {
            return error_set_named(error, ERROR_DENIED, "AccessDenied",
                                   "There were headers present in the request which were not signed: %.*s",
                                   (int)(name.length < 100 ? name.length : 100), name.data);
        }
    }
    return true;
}

bool sign_claim_check(const struct sign_request *request, const struct sign_claim *claim, const struct sign_key *key,
                      int64_t now_us, struct arena *arena, struct error *error)
{
    struct sign_parts parts = {.request = request,
                               .scope = &claim->scope,
                               .signed_us = claim->signed_us,
                               .signed_headers = claim->signed_headers,
                               .payload_hash = claim->payload_hash,
                               .in_query = claim->form == SIGN_QUERY};
    struct buffer canonical __attribute__((cleanup(buffer_free))) = {0};
    struct buffer text __attribute__((cleanup(buffer_free))) = {0};
    char signature[65];

    (void)arena;
    if (!check_time(claim, now_us, error) || !check_all_signed(request, claim, error) ||
        !sign_canonical(&parts, key, signature, NULL, NULL, error)) {
        return false;
    }
    if (digest_equal(signature, claim->signature, 64)) {
        return true;
    }
    if (!sign_canonical(&parts, key, signature, &canonical, &text, error) || buffer_text(&canonical) == NULL ||
        buffer_text(&text) == NULL) {
        return buffer_check(&canonical, error) && buffer_check(&text, error) && false;
    }
    return error_set_named(error, ERROR_DENIED, "SignatureDoesNotMatch",
                           "The request signature we calculated does not match the signature you provided. Check your "
                           "key and signing method. The string to sign is \"%s\", of the canonical request \"%s\".",
                           text.data, canonical.data);
}
