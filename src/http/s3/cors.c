#include "http/s3/cors.h"

#include <string.h>
#include <strings.h>

#include "http/s3/operation.h"
#include "http/s3/setting.h"

static bool same(const char *a, const char *b, size_t length, bool fold)
{
    return (fold ? strncasecmp(a, b, length) : strncmp(a, b, length)) == 0;
}

bool cors_matches(const char *pattern, const char *text, size_t length, bool fold)
{
    const char *star = strchr(pattern, '*');
    size_t whole = strlen(pattern);

    if (star == NULL) {
        return whole == length && same(pattern, text, length, fold);
    }
    size_t before = (size_t)(star - pattern), after = whole - before - 1;

    return length >= before + after && same(pattern, text, before, fold) &&
           same(star + 1, text + length - after, after, fold);
}

/* The first item of a list that matches; NULL when none does. */
static const char *match_in(const json_t *list, const char *text, size_t length, bool fold)
{
    const json_t *item = NULL;
    size_t i = 0;

    json_array_foreach (list, i, item) {
        if (cors_matches(json_string_value(item), text, length, fold)) {
            return json_string_value(item);
        }
    }
    return NULL;
}

/* Whether each of the headers, divided by commas, may be sent. */
static bool headers_allowed(const json_t *rule, const char *headers)
{
    const json_t *allowed = json_object_get(rule, "AllowedHeaders");

    while (headers != NULL && *headers != '\0') {
        size_t length = strcspn(headers, ",");
        struct str name = str_trim(str_slice(headers, length));

        if (name.length > 0 && match_in(allowed, name.data, name.length, true) == NULL) {
            return false;
        }
        headers += length + (headers[length] == ',');
    }
    return true;
}

/* What a browser asks. */
struct question {
    const char *origin, *method, *headers; /* headers NULL: none */
    bool preflight;
};

/* The first rule that lets it, and which of its origins did. */
static const json_t *find_rule(const json_t *value, const struct question *question, const char **origin)
{
    const json_t *rule = NULL;
    size_t i = 0;

    json_array_foreach (json_object_get(value, "CORSRules"), i, rule) {
        *origin = match_in(json_object_get(rule, "AllowedOrigins"), question->origin, strlen(question->origin), false);
        if (*origin != NULL &&
            match_in(json_object_get(rule, "AllowedMethods"), question->method, strlen(question->method), false) !=
                NULL &&
            headers_allowed(rule, question->headers)) {
            return rule;
        }
    }
    return NULL;
}

static bool answer_joined(struct s3_request *request, const char *header, const json_t *list, struct error *error)
{
    struct buffer text __attribute__((cleanup(buffer_free))) = {0};
    const json_t *item = NULL;
    size_t i = 0;

    if (json_array_size(list) == 0) {
        return true;
    }
    json_array_foreach (list, i, item) {
        buffer_append_text(&text, i > 0 ? ", " : "");
        buffer_append_text(&text, json_string_value(item));
    }
    const char *value = buffer_text(&text);

    return value != NULL ? answer_header(request->exchange, header, value, error) : buffer_check(&text, error);
}

static bool answer_rule(struct s3_request *request, const json_t *rule, const char *origin,
                        const struct question *question, struct error *error)
{
    struct exchange *exchange = request->exchange;
    bool any = strcmp(origin, "*") == 0;
    const json_t *age = json_object_get(rule, "MaxAgeSeconds");

    return answer_header(exchange, "Access-Control-Allow-Origin", any ? "*" : question->origin, error) &&
           answer_joined(request, "Access-Control-Allow-Methods", json_object_get(rule, "AllowedMethods"), error) &&
           (!question->preflight || question->headers == NULL ||
            answer_header(exchange, "Access-Control-Allow-Headers", question->headers, error)) &&
           answer_joined(request, "Access-Control-Expose-Headers", json_object_get(rule, "ExposeHeaders"), error) &&
           (age == NULL || answer_header_format(exchange, error, "Access-Control-Max-Age", "%lld",
                                                (long long)json_integer_value(age))) &&
           (any || answer_header(exchange, "Access-Control-Allow-Credentials", "true", error)) &&
           answer_header(exchange, "Vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method",
                         error);
}

/* `*found` says whether a rule let it. */
static bool apply(struct s3_request *request, const struct question *question, bool *found, struct error *error)
{
    json_t *value = setting_value(request->bucket, BUCKET_CORS, error);
    const char *origin = NULL;
    const json_t *rule = value != NULL ? find_rule(value, question, &origin) : NULL;
    bool good = value != NULL && (rule == NULL || answer_rule(request, rule, origin, question, error));

    *found = rule != NULL;
    json_decref(value);
    return good;
}

bool cors_answer(struct s3_request *request, struct error *error)
{
    struct question question = {.origin = exchange_header(request->exchange, "Origin")};
    bool found = false;

    if (question.origin == NULL || request->bucket == NULL || request->bucket->settings[BUCKET_CORS] == NULL ||
        str_is(request->exchange->request.method, "OPTIONS")) {
        return true;
    }
    question.method = arena_text(request->arena, request->exchange->request.method.data,
                                 request->exchange->request.method.length, error);
    return question.method != NULL && apply(request, &question, &found, error);
}

/* In lower case, as the answer has them. */
static const char *lower(struct s3_request *request, const char *headers, struct error *error)
{
    char *text = headers != NULL ? arena_text(request->arena, headers, strlen(headers), error) : NULL;

    for (char *c = text; c != NULL && *c != '\0'; c++) {
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
    }
    return text;
}

static bool known_method(const char *method)
{
    static const char *const methods[] = {"GET", "PUT", "POST", "DELETE", "HEAD"};

    for (size_t i = 0; method != NULL && i < sizeof methods / sizeof methods[0]; i++) {
        if (strcmp(methods[i], method) == 0) {
            return true;
        }
    }
    return false;
}

bool s3_preflight(struct s3_request *request, struct error *error)
{
    const struct question question = {
        .origin = s3_header(request, "Origin"),
        .method = s3_header(request, "Access-Control-Request-Method"),
        .headers = lower(request, s3_header(request, "Access-Control-Request-Headers"), error),
        .preflight = true,
    };
    bool found = false;

    if (question.origin == NULL) {
        return error_set_named(error, ERROR_INVALID, "BadRequest",
                               "Insufficient information. Origin request header needed.");
    }
    if (!known_method(question.method)) {
        return error_set_named(error, ERROR_INVALID, "BadRequest", "Invalid Access-Control-Request-Method: %s",
                               question.method != NULL ? question.method : "null");
    }
    if (request->bucket->settings[BUCKET_CORS] == NULL) {
        return error_set_named(error, ERROR_DENIED, "AccessForbidden",
                               "CORSResponse: CORS is not enabled for this bucket.");
    }
    if (!apply(request, &question, &found, error)) {
        return false;
    }
    return found || error_set_named(error, ERROR_DENIED, "AccessForbidden",
                                    "CORSResponse: This CORS request is not allowed. This is usually because the "
                                    "evalution of Origin, request method / Access-Control-Request-Method or "
                                    "Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.");
}
