#include "http/s3/post_policy.h"

#include <string.h>
#include <strings.h>

#include "base/digest.h"
#include "base/json.h"
#include "http/date.h"
#include "http/s3/form.h"

/* A policy and the form that it is for. */
struct check {
    const struct sign_field *fields;
    size_t count;
    const char *bucket;
    bool *covered; /* of each field: whether a condition speaks of it */
    struct post_sizes *sizes;
};

static bool invalid(struct error *error, const char *what)
{
    return error_set_named(error, ERROR_INVALID, "InvalidPolicyDocument", "Invalid Policy: %s.", what);
}

static bool failed(struct error *error, const json_t *condition)
{
    struct buffer text __attribute__((cleanup(buffer_free))) = {0};

    json_append(&text, condition, 0);
    return error_set_named(error, ERROR_DENIED, "AccessDenied",
                           "Invalid according to Policy: Policy Condition failed: %.*s", (int)text.length,
                           text.data != NULL ? text.data : "");
}

static json_t *read_document(const char *base64, struct arena *arena, struct error *error)
{
    size_t length = strlen(base64);
    size_t size = length / 4 * 3;

    for (size_t i = length; i > 0 && base64[i - 1] == '=' && size > 0; i--) {
        size--;
    }
    uint8_t *bytes = arena_take(arena, size + 1, error);

    if (bytes == NULL) {
        return NULL;
    }
    if (!digest_from_base64(base64, bytes, size)) {
        invalid(error, "it is not base 64");
        return NULL;
    }
    struct error problem = {0};
    json_t *document = json_read((const char *)bytes, size, "Policy", &problem);

    if (document == NULL) {
        invalid(error, "it is not JSON");
    }
    return document;
}

/* The value of what a condition names, and that it was spoken of. */
static const char *value_of(struct check *check, const char *name)
{
    for (size_t i = 0; i < check->count; i++) {
        check->covered[i] = check->covered[i] || (check->fields[i].name.length == strlen(name) &&
                                                  strncasecmp(check->fields[i].name.data, name, strlen(name)) == 0);
    }
    return strcasecmp(name, "bucket") == 0 ? check->bucket : form_value(check->fields, check->count, name);
}

/* ["content-length-range", 1, 10485760] */
static bool read_sizes(struct check *check, const json_t *condition, struct error *error)
{
    const json_t *least = json_array_get(condition, 1), *most = json_array_get(condition, 2);

    if (!json_is_integer(least) || !json_is_integer(most) || json_integer_value(least) < 0 ||
        json_integer_value(most) < json_integer_value(least)) {
        return invalid(error, "content-length-range is not a range of whole numbers");
    }
    check->sizes->least_bytes = (uint64_t)json_integer_value(least);
    check->sizes->most_bytes = (uint64_t)json_integer_value(most);
    return true;
}

/* ["eq", "$key", "a"] or ["starts-with", "$key", "user/"] */
static bool check_list(struct check *check, const json_t *condition, struct error *error)
{
    const char *word = json_string_value(json_array_get(condition, 0));

    if (word == NULL || json_array_size(condition) != 3) {
        return invalid(error, "a condition in a list has an operator and two values");
    }
    if (strcasecmp(word, "content-length-range") == 0) {
        return read_sizes(check, condition, error);
    }
    const char *name = json_string_value(json_array_get(condition, 1));
    const char *wanted = json_string_value(json_array_get(condition, 2));

    if (name == NULL || name[0] != '$' || wanted == NULL) {
        return invalid(error, "a condition names a field by $NAME and gives a text");
    }
    const char *value = value_of(check, name + 1);
    bool begins = strcasecmp(word, "starts-with") == 0;

    if (!begins && strcasecmp(word, "eq") != 0) {
        return invalid(error, "the operators are eq, starts-with and content-length-range");
    }
    /* That a field may begin with anything lets it be left out, too. */
    if (begins && wanted[0] == '\0') {
        return true;
    }
    return (value != NULL && (begins ? strncmp(value, wanted, strlen(wanted)) : strcmp(value, wanted)) == 0) ||
           failed(error, condition);
}

static bool check_object(struct check *check, json_t *condition, struct error *error)
{
    const char *name = NULL;
    json_t *wanted = NULL;

    json_object_foreach (condition, name, wanted) {
        const char *value = value_of(check, name);

        if (!json_is_string(wanted)) {
            return invalid(error, "a condition gives a text");
        }
        if (value == NULL || strcmp(value, json_string_value(wanted)) != 0) {
            return failed(error, condition);
        }
    }
    return true;
}

static bool check_conditions(struct check *check, json_t *document, struct error *error)
{
    json_t *conditions = json_object_get(document, "conditions"), *condition = NULL;
    size_t i = 0;

    if (!json_is_array(conditions)) {
        return invalid(error, "it has no conditions");
    }
    json_array_foreach (conditions, i, condition) {
        bool good = json_is_array(condition)    ? check_list(check, condition, error)
                    : json_is_object(condition) ? check_object(check, condition, error)
                                                : invalid(error, "a condition is a list or an object");

        if (!good) {
            return false;
        }
    }
    return true;
}

static bool check_expiration(const json_t *document, int64_t now_us, struct error *error)
{
    const char *text = json_string_value(json_object_get(document, "expiration"));
    int64_t expires_us = 0;

    if (text == NULL || !http_date_parse(text, &expires_us)) {
        return invalid(error, "it has no valid expiration");
    }
    return now_us < expires_us ||
           error_set_named(error, ERROR_DENIED, "AccessDenied", "Invalid according to Policy: Policy expired.");
}

/* Fields that no condition needs to speak of. */
static bool is_free(struct str name)
{
    static const char *const names[] = {"policy", "x-amz-signature", "file", "signature", "AWSAccessKeyId", NULL};

    for (size_t i = 0; names[i] != NULL; i++) {
        if (name.length == strlen(names[i]) && strncasecmp(name.data, names[i], name.length) == 0) {
            return true;
        }
    }
    return name.length >= 9 && strncasecmp(name.data, "x-ignore-", 9) == 0;
}

static bool is_same_name(struct str a, struct str b)
{
    return a.length == b.length && strncasecmp(a.data, b.data, a.length) == 0;
}

/* A field that is given again would pass by the condition that its first value was held to. */
static bool is_given_before(const struct check *check, size_t field)
{
    size_t i = 0;

    while (i < field && !is_same_name(check->fields[i].name, check->fields[field].name)) {
        i++;
    }
    return i < field;
}

static bool check_covered(const struct check *check, struct error *error)
{
    for (size_t i = 0; i < check->count; i++) {
        if (is_given_before(check, i)) {
            return error_set_named(error, ERROR_DENIED, "AccessDenied",
                                   "Invalid according to Policy: a field is given twice: %.*s",
                                   STR_ARGS(check->fields[i].name));
        }
        if (!check->covered[i] && !is_free(check->fields[i].name)) {
            return error_set_named(error, ERROR_DENIED, "AccessDenied",
                                   "Invalid according to Policy: Extra input fields: %.*s",
                                   STR_ARGS(check->fields[i].name));
        }
    }
    return true;
}

bool post_policy_check(const char *base64, const struct sign_field *fields, size_t count, const char *bucket,
                       int64_t now_us, struct post_sizes *sizes, struct arena *arena, struct error *error)
{
    json_t *document = read_document(base64, arena, error);
    struct check check = {.fields = fields, .count = count, .bucket = bucket, .sizes = sizes};

    *sizes = (struct post_sizes){0, UINT64_MAX};
    check.covered = arena_zeroed(arena, count + 1, error);
    bool good = document != NULL && check.covered != NULL && check_expiration(document, now_us, error) &&
                check_conditions(&check, document, error) && check_covered(&check, error);

    json_decref(document);
    return good;
}
