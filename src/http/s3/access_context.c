#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "http/s3/access_parts.h"

enum { OWN_KEYS = 40, MOST_TAGS = 64, LONGEST_NAME = 256 };

struct gathering {
    const struct exchange *exchange;
    const struct sign_field *headers; /* the request's, or what stands for them */
    size_t header_count;
    struct sign_field *fields;
    size_t count;
    struct error *error;
    bool failed;
};

static void add(struct gathering *gathering, const char *name, const char *value)
{
    if (value != NULL) {
        gathering->fields[gathering->count++] = (struct sign_field){str_of(name), str_of(value)};
    }
}

static void add_number(struct gathering *gathering, const char *name, int64_t number)
{
    const char *text = arena_format(gathering->exchange->arena, gathering->error, "%" PRId64, number);

    gathering->failed = gathering->failed || text == NULL;
    add(gathering, name, text);
}

static void add_time(struct gathering *gathering, const char *name, int64_t time_us)
{
    char *text = arena_take(gathering->exchange->arena, 32, gathering->error);

    if (text == NULL) {
        gathering->failed = true;
        return;
    }
    clock_format_rfc3339(time_us, text);
    add(gathering, name, text);
}

static void add_caller(struct gathering *gathering, const struct access_caller *caller)
{
    static const char *const auth_types[] = {[SIGN_HEADER] = "REST-HEADER",
                                             [SIGN_QUERY] = "REST-QUERY-STRING",
                                             [SIGN_POST_FORM] = "POST",
                                             [SIGN_URL_2] = "REST-QUERY-STRING",
                                             [SIGN_FORM_2] = "POST"};
    bool version_2 = caller->claim.form == SIGN_URL_2 || caller->claim.form == SIGN_FORM_2;
    bool is_root = caller->key != NULL && caller->key->policy == NULL;

    add(gathering, "aws:PrincipalType", caller->account == NULL ? "Anonymous" : is_root ? "Account" : "User");
    add(gathering, "aws:userid", caller->account == NULL ? "anonymous" : caller->claim.access_key_id);
    if (caller->account == NULL) {
        return;
    }
    add(gathering, "aws:username", caller->name);
    add(gathering, "aws:PrincipalArn", caller->principal);
    add(gathering, "aws:PrincipalAccount", caller->account);
    add(gathering, "s3:signatureversion", version_2 ? "AWS" : "AWS4-HMAC-SHA256");
    add(gathering, "s3:authType", auth_types[caller->claim.form]);
    if (!version_2) { /* which does not say when it was made */
        add_number(gathering, "s3:signatureAge", (gathering->exchange->received_us - caller->claim.signed_us) / 1000);
    }
    if (caller->key != NULL && caller->key->session_token != NULL) {
        add_time(gathering, "aws:TokenIssueTime", caller->key->created_us);
    }
}

static const struct sign_field *find_header(const struct gathering *gathering, const char *name)
{
    size_t length = strlen(name);

    for (size_t i = 0; i < gathering->header_count; i++) {
        const struct sign_field *header = &gathering->headers[i];

        if (header->name.length == length && strncasecmp(header->name.data, name, length) == 0) {
            return header;
        }
    }
    return NULL;
}

static void add_request(struct gathering *gathering, const struct access_ask *ask)
{
    static const struct {
        const char *header, *key;
    } headers[] = {
        {"if-match", "s3:if-match"},
        {"if-none-match", "s3:if-none-match"},
        {"x-amz-object-lock-mode", "s3:object-lock-mode"},
        {"x-amz-object-lock-retain-until-date", "s3:object-lock-retain-until-date"},
        {"x-amz-object-lock-legal-hold", "s3:object-lock-legal-hold"},
    };
    static const struct {
        const char *parameter, *key;
    } parameters[] = {
        {"prefix", "s3:prefix"},
        {"delimiter", "s3:delimiter"},
        {"max-keys", "s3:max-keys"},
    };
    const struct exchange *exchange = gathering->exchange;

    add(gathering, "aws:SourceIp", exchange->client_ip);
    add(gathering, "aws:SecureTransport", exchange->tls ? "true" : "false");
    add_time(gathering, "aws:CurrentTime", exchange->received_us);
    add_number(gathering, "aws:EpochTime", exchange->received_us / 1000000);
    add(gathering, "aws:UserAgent", exchange_header(exchange, "user-agent"));
    add(gathering, "aws:Referer", exchange_header(exchange, "referer"));
    add(gathering, "s3:VersionId", ask->version_id);
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        const struct sign_field *header = find_header(gathering, headers[i].header);

        if (header != NULL) {
            gathering->fields[gathering->count++] = (struct sign_field){str_of(headers[i].key), header->value};
        }
    }
    for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++) {
        add(gathering, parameters[i].key, exchange_query(exchange, parameters[i].parameter));
    }
}

/* Each header x-amz-NAME is the key s3:x-amz-NAME. */
static void add_headers(struct gathering *gathering)
{
    for (size_t i = 0; i < gathering->header_count; i++) {
        struct str name = gathering->headers[i].name;
        struct str value = str_trim(gathering->headers[i].value);

        if (name.length <= 6 || name.length > LONGEST_NAME || strncasecmp(name.data, "x-amz-", 6) != 0) {
            continue;
        }
        const char *key = arena_format(gathering->exchange->arena, gathering->error, "s3:%.*s", STR_ARGS(name));

        if (key == NULL) {
            gathering->failed = true;
            return;
        }
        gathering->fields[gathering->count++] = (struct sign_field){str_of(key), value};
    }
}

static const char *decode(struct gathering *gathering, struct str text)
{
    char *copy = arena_text(gathering->exchange->arena, text.data, text.length, gathering->error);

    for (size_t i = 0; copy != NULL && i < text.length; i++) {
        if (copy[i] == '+') {
            copy[i] = ' ';
        }
    }
    return copy == NULL ? NULL
                        : sign_decode(str_slice(copy, text.length), gathering->exchange->arena, gathering->error);
}

/* x-amz-tagging: "shop=Graz&kind=day". */
static void add_tags(struct gathering *gathering)
{
    const struct sign_field *header = find_header(gathering, "x-amz-tagging");
    const char *text = header == NULL ? NULL : header->value.data;
    size_t tags = 0;

    while (text != NULL && *text != '\0') {
        size_t length = strcspn(text, "&");
        size_t name_length = strcspn(text, "=&");
        bool has_value = name_length < length;
        const char *name = decode(gathering, str_slice(text, name_length));
        const char *value =
            decode(gathering, has_value ? str_slice(text + name_length + 1, length - name_length - 1) : str_of(""));
        const char *key =
            name == NULL ? NULL
                         : arena_format(gathering->exchange->arena, gathering->error, "s3:RequestObjectTag/%s", name);

        if (key == NULL || value == NULL || ++tags > MOST_TAGS) {
            gathering->failed = true;
            if (tags > MOST_TAGS) {
                error_set_named(gathering->error, ERROR_USAGE, "InvalidTag", "x-amz-tagging has too many tags");
            }
            return;
        }
        add(gathering, key, value);
        add(gathering, "s3:RequestObjectTagKeys", name);
        text += length + (text[length] == '&');
    }
}

bool access_context(const struct exchange *exchange, const struct access_caller *caller, const struct access_ask *ask,
                    struct sign_field **context, size_t *count, struct error *error)
{
    const struct sign_request *request = &exchange->request;
    struct gathering gathering = {.exchange = exchange,
                                  .headers = ask->headers != NULL ? ask->headers : request->headers,
                                  .header_count = ask->headers != NULL ? ask->header_count : request->header_count,
                                  .error = error};
    size_t most = OWN_KEYS + 2 * MOST_TAGS + gathering.header_count + ask->context_count;

    gathering.fields = arena_take(exchange->arena, most * sizeof *gathering.fields, error);
    if (gathering.fields == NULL) {
        return false;
    }
    add_caller(&gathering, caller);
    add_request(&gathering, ask);
    add_headers(&gathering);
    add_tags(&gathering);
    if (ask->bucket != NULL) {
        add(&gathering, "s3:ResourceAccount", ask->bucket->owner);
        add(&gathering, "aws:ResourceAccount", ask->bucket->owner);
    }
    if (ask->context_count > 0) {
        memcpy(gathering.fields + gathering.count, ask->context, ask->context_count * sizeof *ask->context);
        gathering.count += ask->context_count;
    }
    *context = gathering.fields;
    *count = gathering.count;
    return !gathering.failed;
}
