/* What a setting must be beyond its shape. */
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "http/date.h"
#include "http/s3/put_headers.h"
#include "http/s3/setting.h"

enum { MOST_RULES = 1000, MOST_CORS_RULES = 100, MOST_BUCKET_TAGS = 50 };

static const char *text_of(const json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));

    return text != NULL ? text : "";
}

static bool malformed(const char *what, struct error *error)
{
    return error_set_named(error, ERROR_INVALID, "MalformedXML",
                           "The XML you provided was not well-formed or did not validate against our published schema: "
                           "%s",
                           what);
}

static bool wrong(const char *what, struct error *error)
{
    return error_set_named(error, ERROR_INVALID, "InvalidArgument", "%s", what);
}

bool setting_check_versioning(struct s3_request *request, json_t *value, struct error *error)
{
    const char *status = text_of(value, "Status");

    if (strcmp(text_of(value, "MFADelete"), "Enabled") == 0) {
        return error_set_named(error, ERROR_INVALID, "NotImplemented", "MFA Delete is not implemented.");
    }
    if (status[0] == '\0') {
        return error_set_named(error, ERROR_INVALID, "IllegalVersioningConfigurationException",
                               "The Versioning element must be specified");
    }
    return !request->bucket->object_lock || strcmp(status, "Enabled") == 0 ||
           error_set_named(error, ERROR_CONFLICT, "InvalidBucketState",
                           "An Object Lock configuration is present on this bucket, so the versioning state cannot be "
                           "changed.");
}

/* A count of days that, when it is there, is at least `least`. */
static bool check_days(const json_t *action, const char *member, json_int_t least, const char *what,
                       struct error *error)
{
    const json_t *days = json_object_get(action, member);

    return days == NULL || json_integer_value(days) >= least ||
           error_set_named(error, ERROR_INVALID, "InvalidArgument", "'%s' for %s action must be a %s integer", member,
                           what, least > 0 ? "positive" : "nonnegative");
}

static bool check_midnight(const json_t *action, struct error *error)
{
    const json_t *date = json_object_get(action, "Date");
    int64_t time_us = 0;

    return date == NULL ||
           (http_date_parse(json_string_value(date), &time_us) && time_us % (86400 * INT64_C(1000000)) == 0) ||
           wrong("'Date' must be at midnight GMT", error);
}

static bool check_expiration(const json_t *rule, struct error *error)
{
    const json_t *action = json_object_get(rule, "Expiration");

    if (action == NULL) {
        return true;
    }
    if (json_object_size(action) != 1) {
        return malformed("an Expiration has exactly one of Date, Days and ExpiredObjectDeleteMarker", error);
    }
    return check_days(action, "Days", 1, "Expiration", error) && check_midnight(action, error);
}

static bool check_transitions(const json_t *rule, struct error *error)
{
    const json_t *list = json_object_get(rule, "Transitions");
    const json_t *noncurrent = json_object_get(rule, "NoncurrentVersionTransitions");
    const json_t *action = NULL;
    size_t i = 0;

    json_array_foreach (list, i, action) {
        if ((json_object_get(action, "Days") != NULL) == (json_object_get(action, "Date") != NULL)) {
            return malformed("a Transition has exactly one of Date and Days", error);
        }
        if (!check_days(action, "Days", 0, "Transition", error) || !check_midnight(action, error)) {
            return false;
        }
    }
    json_array_foreach (noncurrent, i, action) {
        if (json_object_get(action, "NoncurrentDays") == NULL) {
            return malformed("a NoncurrentVersionTransition lacks NoncurrentDays", error);
        }
    }
    return true;
}

static bool check_noncurrent(const json_t *rule, struct error *error)
{
    const json_t *action = json_object_get(rule, "NoncurrentVersionExpiration");
    const json_t *uploads = json_object_get(rule, "AbortIncompleteMultipartUpload");

    if (action != NULL && json_object_get(action, "NoncurrentDays") == NULL) {
        return malformed("a NoncurrentVersionExpiration lacks NoncurrentDays", error);
    }
    return check_days(action, "NoncurrentDays", 1, "NoncurrentVersionExpiration", error) &&
           check_days(action, "NewerNoncurrentVersions", 1, "NoncurrentVersionExpiration", error) &&
           check_days(uploads, "DaysAfterInitiation", 1, "AbortIncompleteMultipartUpload", error);
}

static bool check_filter(const json_t *rule, struct error *error)
{
    const json_t *filter = json_object_get(rule, "Filter");
    const json_t *both = json_object_get(filter, "And");

    if ((filter != NULL) == (json_object_get(rule, "Prefix") != NULL)) {
        return malformed("a Rule has exactly one of Filter and Prefix", error);
    }
    if (json_object_size(filter) > 1) {
        return malformed("a Filter has at most one member; And joins several", error);
    }
    size_t joined = json_object_size(both) + json_array_size(json_object_get(both, "Tags"));

    joined -= json_object_get(both, "Tags") != NULL;
    if (both != NULL && joined < 2) {
        return malformed("And joins at least two conditions", error);
    }
    bool tags = json_object_get(filter, "Tag") != NULL || json_object_get(both, "Tags") != NULL;

    if (tags && json_object_get(json_object_get(rule, "Expiration"), "ExpiredObjectDeleteMarker") != NULL) {
        return error_set_named(error, ERROR_INVALID, "InvalidRequest",
                               "ExpiredObjectDeleteMarker cannot be specified with Tags.");
    }
    return !tags || json_object_get(rule, "AbortIncompleteMultipartUpload") == NULL ||
           error_set_named(error, ERROR_INVALID, "InvalidRequest",
                           "AbortIncompleteMultipartUpload cannot be specified with Tags.");
}

/* Every rule has an id that no other has. */
static bool check_id(json_t *rules, size_t index, struct error *error)
{
    json_t *rule = json_array_get(rules, index);
    const char *id = text_of(rule, "ID");
    char made[27];

    if (id[0] == '\0') {
        return random_ulid(made, error) && (json_object_set_new(rule, "ID", json_string(made)) == 0 ||
                                            error_set(error, ERROR_MEMORY, "out of memory for a rule's id"));
    }
    if (strlen(id) > 255) {
        return wrong("ID length should not exceed allowed limit of 255", error);
    }
    for (size_t i = 0; i < index; i++) {
        if (strcmp(text_of(json_array_get(rules, i), "ID"), id) == 0) {
            return wrong("Rule ID must be unique. Found same ID for more than one rule", error);
        }
    }
    return true;
}

bool setting_check_lifecycle(struct s3_request *request, json_t *value, struct error *error)
{
    static const char *const actions[] = {"Expiration", "Transitions", "NoncurrentVersionTransitions",
                                          "NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"};
    json_t *rules = json_object_get(value, "Rules");
    const json_t *rule = NULL;
    size_t i = 0;

    (void)request;
    if (json_array_size(rules) > MOST_RULES) {
        return malformed("there are more than 1,000 rules", error);
    }
    json_array_foreach (rules, i, rule) {
        size_t given = 0;

        for (size_t j = 0; j < sizeof actions / sizeof actions[0]; j++) {
            given += json_object_get(rule, actions[j]) != NULL;
        }
        if (given == 0) {
            return error_set_named(error, ERROR_INVALID, "InvalidRequest",
                                   "At least one action needs to be specified in a rule");
        }
        if (!check_id(rules, i, error) || !check_filter(rule, error) || !check_expiration(rule, error) ||
            !check_transitions(rule, error) || !check_noncurrent(rule, error)) {
            return false;
        }
    }
    return true;
}

bool setting_check_encryption(struct s3_request *request, json_t *value, struct error *error)
{
    const json_t *rules = json_object_get(value, "Rules");
    const json_t *by_default = json_object_get(json_array_get(rules, 0), "ApplyServerSideEncryptionByDefault");

    (void)request;
    if (json_array_size(rules) != 1) {
        return malformed("there must be one rule", error);
    }
    if (strcmp(text_of(by_default, "SSEAlgorithm"), "AES256") != 0) {
        return error_set_named(error, ERROR_INVALID, "NotImplemented",
                               "Encryption with keys of AWS KMS is not implemented; AES256 is.");
    }
    return json_object_get(by_default, "KMSMasterKeyID") == NULL ||
           wrong("a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse",
                 error);
}

static bool check_wildcards(const json_t *list, const char *element, size_t most, struct error *error)
{
    const json_t *item = NULL;
    size_t i = 0;

    json_array_foreach (list, i, item) {
        const char *text = json_string_value(item);
        const char *star = strchr(text, '*');

        if (star != NULL && (most == 0 || strchr(star + 1, '*') != NULL)) {
            return error_set_named(error, ERROR_INVALID, "InvalidRequest",
                                   most == 0 ? "%s \"%s\" contains wildcard. We currently do not support wildcard."
                                             : "%s \"%s\" can not have more than one wildcard.",
                                   element, text);
        }
    }
    return true;
}

bool setting_check_cors(struct s3_request *request, json_t *value, struct error *error)
{
    static const char *const methods[] = {"GET", "PUT", "POST", "DELETE", "HEAD", NULL};
    const json_t *rules = json_object_get(value, "CORSRules"), *rule = NULL, *method = NULL;
    size_t i = 0, j = 0;

    (void)request;
    if (json_array_size(rules) > MOST_CORS_RULES) {
        return error_set_named(error, ERROR_INVALID, "InvalidRequest",
                               "The number of CORS rules should not exceed allowed limit of 100 rules.");
    }
    json_array_foreach (rules, i, rule) {
        json_array_foreach (json_object_get(rule, "AllowedMethods"), j, method) {
            size_t known = 0;

            while (methods[known] != NULL && strcmp(methods[known], json_string_value(method)) != 0) {
                known++;
            }
            if (methods[known] == NULL) {
                return error_set_named(error, ERROR_INVALID, "InvalidRequest",
                                       "Found unsupported HTTP method in CORS config. Unsupported method is %s",
                                       json_string_value(method));
            }
        }
        if (!check_wildcards(json_object_get(rule, "AllowedOrigins"), "AllowedOrigin", 1, error) ||
            !check_wildcards(json_object_get(rule, "AllowedHeaders"), "AllowedHeader", 1, error) ||
            !check_wildcards(json_object_get(rule, "ExposeHeaders"), "ExposeHeader", 0, error)) {
            return false;
        }
    }
    return true;
}

bool setting_tags_read(struct s3_request *request, const json_t *value, struct store_field **tags, size_t *count,
                       struct error *error)
{
    const json_t *set = json_object_get(value, "TagSet");

    *count = json_array_size(set);
    *tags = arena_take(request->arena, (*count + 1) * sizeof **tags, error);
    for (size_t i = 0; *tags != NULL && i < *count; i++) {
        const char *key = text_of(json_array_get(set, i), "Key"), *text = text_of(json_array_get(set, i), "Value");

        (*tags)[i].name = arena_text(request->arena, key, strlen(key), error);
        (*tags)[i].value = arena_text(request->arena, text, strlen(text), error);
        if ((*tags)[i].name == NULL || (*tags)[i].value == NULL) {
            return false;
        }
    }
    return *tags != NULL;
}

bool setting_check_tags(struct s3_request *request, json_t *value, struct error *error)
{
    struct store_field *tags = NULL;
    size_t count = 0;

    return setting_tags_read(request, value, &tags, &count, error) &&
           s3_tags_check(request, tags, count, MOST_BUCKET_TAGS, error);
}

bool setting_check_ownership(struct s3_request *request, json_t *value, struct error *error)
{
    const json_t *rules = json_object_get(value, "Rules");

    if (json_array_size(rules) != 1) {
        return malformed("there must be one rule", error);
    }
    if (strcmp(text_of(json_array_get(rules, 0), "ObjectOwnership"), "BucketOwnerEnforced") != 0 ||
        request->bucket->settings[BUCKET_ACL] == NULL) {
        return true;
    }
    json_t *acl = setting_value(request->bucket, BUCKET_ACL, error);
    bool alone = json_array_size(json_object_get(acl, "Grants")) <= 1;

    json_decref(acl);
    return acl != NULL &&
           (alone || error_set_named(error, ERROR_INVALID, "InvalidBucketAclWithObjectOwnership",
                                     "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting"));
}

static bool check_targets(json_t *list, const char *arn_member, struct error *error)
{
    json_t *target = NULL;
    const json_t *event = NULL;
    size_t i = 0, j = 0;

    json_array_foreach (list, i, target) {
        char id[27];

        if (strncmp(text_of(target, arn_member), "arn:", 4) != 0) {
            return wrong("The ARN is not well formed", error);
        }
        json_array_foreach (json_object_get(target, "Events"), j, event) {
            if (strncmp(json_string_value(event), "s3:", 3) != 0) {
                return wrong("The event is not supported for notifications", error);
            }
        }
        if (json_object_get(target, "Id") == NULL &&
            (!random_ulid(id, error) || json_object_set_new(target, "Id", json_string(id)) != 0)) {
            return false;
        }
    }
    return true;
}

bool setting_check_notification(struct s3_request *request, json_t *value, struct error *error)
{
    (void)request;
    return check_targets(json_object_get(value, "TopicConfigurations"), "TopicArn", error) &&
           check_targets(json_object_get(value, "QueueConfigurations"), "QueueArn", error) &&
           check_targets(json_object_get(value, "LambdaFunctionConfigurations"), "LambdaFunctionArn", error);
}

bool setting_check_object_lock(struct s3_request *request, json_t *value, struct error *error)
{
    const json_t *retention = json_object_get(json_object_get(value, "Rule"), "DefaultRetention");
    const json_t *days = json_object_get(retention, "Days"), *years = json_object_get(retention, "Years");

    if (!request->bucket->object_lock) {
        return error_set_named(error, ERROR_CONFLICT, "InvalidBucketState",
                               "Object Lock configuration cannot be enabled on existing buckets");
    }
    if (retention == NULL) {
        return true;
    }
    if ((days != NULL) == (years != NULL)) {
        return malformed("a DefaultRetention has exactly one of Days and Years", error);
    }
    json_int_t count = json_integer_value(days != NULL ? days : years);

    return (count >= 1 && count <= (days != NULL ? 36500 : 100)) ||
           error_set_named(error, ERROR_INVALID, "InvalidRetentionPeriod",
                           "Default retention period must be a positive integer value of at most 36500 days or 100 "
                           "years.");
}

bool setting_check_logging(struct s3_request *request, json_t *value, struct error *error)
{
    (void)request;
    return json_object_get(value, "LoggingEnabled") == NULL ||
           error_set_named(error, ERROR_INVALID, "NotImplemented",
                           "Access logs are written to the server's log, not to a bucket.");
}
