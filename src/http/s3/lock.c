#include "http/s3/lock.h"

#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/json.h"
#include "http/date.h"
#include "http/s3/object_facts.h"
#include "http/s3/operation.h"
#include "http/s3/setting.h"

static bool need_lock(const struct s3_request *request, struct error *error)
{
    return request->bucket->object_lock ||
           error_set_named(error, ERROR_INVALID, "InvalidRequest", "Bucket is missing Object Lock Configuration");
}

static bool read_mode(struct s3_request *request, const char *text, enum object_lock_mode *mode, struct error *error)
{
    if (strcmp(text, "GOVERNANCE") == 0) {
        *mode = LOCK_GOVERNANCE;
    } else if (strcmp(text, "COMPLIANCE") == 0) {
        *mode = LOCK_COMPLIANCE;
    } else {
        return s3_bad_argument(request, "x-amz-object-lock-mode", text, "Unknown wormMode directive.", error);
    }
    return true;
}

static bool read_until(struct s3_request *request, const char *text, int64_t *until_us, struct error *error)
{
    if (!http_date_parse(text, until_us)) {
        return s3_bad_argument(request, "x-amz-object-lock-retain-until-date", text,
                               "The retain until date must be provided in ISO 8601 format", error);
    }
    return *until_us > clock_now_us() || s3_bad_argument(request, "x-amz-object-lock-retain-until-date", text,
                                                         "The retain until date must be in the future!", error);
}

static bool read_retention(struct s3_request *request, const char *mode, const char *until, struct error *error)
{
    const struct object_place place = s3_place(request);

    if (mode == NULL || until == NULL) {
        return s3_bad_argument(
            request, mode == NULL ? "x-amz-object-lock-mode" : "x-amz-object-lock-retain-until-date", NULL,
            "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied", error);
    }
    return need_lock(request, error) && read_mode(request, mode, &request->put.lock_mode, error) &&
           read_until(request, until, &request->put.lock_until_us, error) &&
           s3_allow(request, "s3:PutObjectRetention", request->bucket, &place, error);
}

bool s3_put_lock(struct s3_request *request, struct error *error)
{
    const char *mode = s3_header(request, "x-amz-object-lock-mode");
    const char *until = s3_header(request, "x-amz-object-lock-retain-until-date");
    const char *hold = s3_header(request, "x-amz-object-lock-legal-hold");
    const struct object_place place = s3_place(request);

    if ((mode != NULL || until != NULL) && !read_retention(request, mode, until, error)) {
        return false;
    }
    if (hold == NULL) {
        return true;
    }
    if (strcmp(hold, "ON") != 0 && strcmp(hold, "OFF") != 0) {
        return s3_bad_argument(request, "x-amz-object-lock-legal-hold", hold,
                               "Legal Hold must be either of 'ON' or 'OFF'", error);
    }
    request->put.legal_hold = strcmp(hold, "ON") == 0;
    return need_lock(request, error) && s3_allow(request, "s3:PutObjectLegalHold", request->bucket, &place, error);
}

static bool write_document(struct s3_request *request, const struct shape *shape, json_t *value, uint64_t failures,
                           struct error *error)
{
    struct buffer *out = answer_body(request->exchange);
    bool built = json_built(failures, error);

    if (built) {
        shape_to_xml(shape, value, out);
    }
    json_decref(value);
    return built && buffer_check(out, error) &&
           answer_header(request->exchange, "Content-Type", "application/xml", error);
}

bool s3_get_object_retention(struct s3_request *request, struct error *error)
{
    struct object object = {0};
    char until[32];

    if (!s3_object_find(request, &object, error) || !need_lock(request, error)) {
        return false;
    }
    if (object.lock_mode == LOCK_NONE) {
        return error_set_named(error, ERROR_NOT_FOUND, "NoSuchObjectLockConfiguration", "it has no retention");
    }
    clock_format_rfc3339(object.lock_until_us, until);
    uint64_t failures = json_failures();

    return write_document(request, &shape_retention,
                          json_pack("{s:s,s:s}", "Mode",
                                    object.lock_mode == LOCK_COMPLIANCE ? "COMPLIANCE" : "GOVERNANCE",
                                    "RetainUntilDate", until),
                          failures, error);
}

bool s3_get_object_legal_hold(struct s3_request *request, struct error *error)
{
    struct object object = {0};

    if (!s3_object_find(request, &object, error) || !need_lock(request, error)) {
        return false;
    }
    uint64_t failures = json_failures();

    return write_document(request, &shape_legal_hold, json_pack("{s:s}", "Status", object.legal_hold ? "ON" : "OFF"),
                          failures, error);
}

/* Both empty take the retention away. */
static bool read_retention_document(struct s3_request *request, const json_t *value, enum object_lock_mode *mode,
                                    int64_t *until_us, struct error *error)
{
    const char *mode_text = json_string_value(json_object_get(value, "Mode"));
    const char *until_text = json_string_value(json_object_get(value, "RetainUntilDate"));

    if (mode_text == NULL && until_text == NULL) {
        return true;
    }
    if (mode_text == NULL || until_text == NULL) {
        return error_set_named(error, ERROR_INVALID, "MalformedXML",
                               "The XML you provided was not well-formed or did not validate against our published "
                               "schema: a Retention has both Mode and RetainUntilDate");
    }
    return read_mode(request, mode_text, mode, error) && read_until(request, until_text, until_us, error);
}

bool s3_put_object_retention(struct s3_request *request, struct error *error)
{
    const char *asked = s3_header(request, "x-amz-bypass-governance-retention");
    bool bypass = asked != NULL && strcasecmp(asked, "true") == 0;
    const struct object_place place = s3_place(request);
    enum object_lock_mode mode = LOCK_NONE;
    int64_t until_us = 0;
    json_t *value = need_lock(request, error) ? setting_document(request, &shape_retention, error) : NULL;
    bool good = value != NULL && read_retention_document(request, value, &mode, &until_us, error);

    json_decref(value);
    return good && (!bypass || s3_allow(request, "s3:BypassGovernanceRetention", request->bucket, &place, error)) &&
           object_set_retention(request->store, &place, mode, until_us, bypass, error);
}

bool s3_put_object_legal_hold(struct s3_request *request, struct error *error)
{
    const struct object_place place = s3_place(request);
    json_t *value = need_lock(request, error) ? setting_document(request, &shape_legal_hold, error) : NULL;

    if (value == NULL) {
        return false;
    }
    bool hold = strcmp(json_string_value(json_object_get(value, "Status")), "ON") == 0;

    json_decref(value);
    return object_set_legal_hold(request->store, &place, hold, error);
}
