#include "http/s3/acl.h"

#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "http/s3/answer.h"
#include "http/s3/object_facts.h"
#include "http/s3/operation.h"
#include "http/s3/setting.h"

#define ALL_USERS "http://acs.amazonaws.com/groups/global/AllUsers"
#define AUTHENTICATED_USERS "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
#define LOG_DELIVERY "http://acs.amazonaws.com/groups/s3/LogDelivery"

enum { MOST_GRANTS = 100 };

/* What a canned ACL grants beside full control to the owner. */
static const struct canned {
    const char *name;
    const char *group;
    const char *permissions[2];
    bool bucket_owner; /* to the bucket's owner, not to a group */
} canned_acls[] = {
    {.name = "private"},
    {.name = "public-read", .group = ALL_USERS, .permissions = {"READ"}},
    {.name = "public-read-write", .group = ALL_USERS, .permissions = {"READ", "WRITE"}},
    {.name = "authenticated-read", .group = AUTHENTICATED_USERS, .permissions = {"READ"}},
    {.name = "aws-exec-read"},
    {.name = "bucket-owner-read", .permissions = {"READ"}, .bucket_owner = true},
    {.name = "bucket-owner-full-control", .permissions = {"FULL_CONTROL"}, .bucket_owner = true},
    {.name = "log-delivery-write", .group = LOG_DELIVERY, .permissions = {"WRITE", "READ_ACP"}},
};

static json_t *grant_to_user(const char *id, const char *permission)
{
    return json_pack("{s:{s:s,s:s},s:s}", "Grantee", "Type", "CanonicalUser", "ID", id, "Permission", permission);
}

static json_t *grant_to_group(const char *uri, const char *permission)
{
    return json_pack("{s:{s:s,s:s},s:s}", "Grantee", "Type", "Group", "URI", uri, "Permission", permission);
}

/* An ACL without grants, of an account. */
static json_t *acl_of(const char *owner, char id[65], struct error *error)
{
    if (!access_canonical_id(owner, id, error)) {
        return NULL;
    }
    return json_pack("{s:{s:s},s:[]}", "Owner", "ID", id, "Grants");
}

/* As text in the arena; takes the tree. */
static const char *finish_acl(struct s3_request *request, json_t *acl, uint64_t failures, struct error *error)
{
    const char *text = acl != NULL && json_built(failures, error) ? setting_text(request, acl, error) : NULL;

    json_decref(acl);
    return text;
}

const char *s3_acl_canned(struct s3_request *request, const char *name, const char *owner, const char *bucket_owner,
                          struct error *error)
{
    const struct canned *canned = NULL;
    char id[65], bucket_owner_id[65];

    for (size_t i = 0; i < sizeof canned_acls / sizeof canned_acls[0]; i++) {
        if (strcmp(canned_acls[i].name, name) == 0) {
            canned = &canned_acls[i];
        }
    }
    if (canned == NULL) {
        s3_bad_argument(request, "x-amz-acl", name, "The canned ACL is not known", error);
        return NULL;
    }
    uint64_t failures = json_failures();
    json_t *acl = acl_of(owner, id, error);
    json_t *grants = json_object_get(acl, "Grants");

    if (acl == NULL || !access_canonical_id(bucket_owner, bucket_owner_id, error)) {
        json_decref(acl);
        json_built(failures, error);
        return NULL;
    }
    json_array_append_new(grants, grant_to_user(id, "FULL_CONTROL"));
    for (size_t i = 0; i < 2 && canned->permissions[i] != NULL; i++) {
        if (!canned->bucket_owner) {
            json_array_append_new(grants, grant_to_group(canned->group, canned->permissions[i]));
        } else if (strcmp(id, bucket_owner_id) != 0) {
            json_array_append_new(grants, grant_to_user(bucket_owner_id, canned->permissions[i]));
        }
    }
    return finish_acl(request, acl, failures, error);
}

static const struct grant_header {
    const char *header, *permission;
} grant_headers[] = {
    {"x-amz-grant-full-control", "FULL_CONTROL"},
    {"x-amz-grant-read", "READ"},
    {"x-amz-grant-write", "WRITE"},
    {"x-amz-grant-read-acp", "READ_ACP"},
    {"x-amz-grant-write-acp", "WRITE_ACP"},
};
enum { GRANT_HEADERS = sizeof grant_headers / sizeof grant_headers[0] };

static bool unresolvable(struct error *error)
{
    return error_set_named(error, ERROR_INVALID, "UnresolvableGrantByEmailAddress",
                           "The e-mail address you provided does not match any account on record.");
}

static bool known_group(const char *uri)
{
    return strcmp(uri, ALL_USERS) == 0 || strcmp(uri, AUTHENTICATED_USERS) == 0 || strcmp(uri, LOG_DELIVERY) == 0;
}

static bool known_id(const char *id)
{
    uint8_t bytes[32];

    return strlen(id) == 64 && digest_from_hex(id, bytes, sizeof bytes);
}

/* One of `id="…"`, `uri="…"` and `emailAddress="…"`. */
static bool add_grantee(struct s3_request *request, struct str item, const struct grant_header *header, json_t *grants,
                        struct error *error)
{
    const char *equals = memchr(item.data, '=', item.length);
    struct str kind = str_trim(str_slice(item.data, equals != NULL ? (size_t)(equals - item.data) : 0));
    struct str value =
        equals != NULL ? str_trim(str_slice(equals + 1, item.length - (size_t)(equals + 1 - item.data))) : kind;

    if (value.length >= 2 && value.data[0] == '"' && value.data[value.length - 1] == '"') {
        value = str_slice(value.data + 1, value.length - 2);
    }
    const char *text = arena_text(request->arena, value.data, value.length, error);

    if (text == NULL) {
        return false;
    }
    if (kind.length == 12 && strncasecmp(kind.data, "emailAddress", 12) == 0) {
        return unresolvable(error);
    }
    if (str_is(kind, "id") && known_id(text)) {
        json_array_append_new(grants, grant_to_user(text, header->permission));
        return true;
    }
    if (str_is(kind, "uri") && known_group(text)) {
        json_array_append_new(grants, grant_to_group(text, header->permission));
        return true;
    }
    return s3_bad_argument(request, header->header, s3_header(request, header->header),
                           "A grantee is id=\"CANONICAL ID\" or uri=\"GROUP\"", error);
}

static bool add_grants(struct s3_request *request, const struct grant_header *header, json_t *grants,
                       struct error *error)
{
    const char *text = s3_header(request, header->header);

    while (text != NULL && *text != '\0') {
        size_t length = strcspn(text, ",");

        if (!add_grantee(request, str_trim(str_slice(text, length)), header, grants, error)) {
            return false;
        }
        text += length + (text[length] == ',');
    }
    return true;
}

bool s3_acl_from_headers(struct s3_request *request, const char *owner, const char **json, struct error *error)
{
    const char *name = s3_header(request, "x-amz-acl");
    const char *bucket_owner = request->bucket != NULL ? request->bucket->owner : owner;
    bool granted = false;
    char id[65];

    *json = NULL;
    for (size_t i = 0; i < GRANT_HEADERS; i++) {
        granted = granted || s3_header(request, grant_headers[i].header) != NULL;
    }
    if (granted && name != NULL) {
        return error_set_named(error, ERROR_INVALID, "InvalidRequest",
                               "Specifying both Canned ACLs and Header Grants is not allowed");
    }
    if (name != NULL) {
        *json = s3_acl_canned(request, name, owner, bucket_owner, error);
        return *json != NULL;
    }
    if (!granted) {
        return true;
    }
    uint64_t failures = json_failures();
    json_t *acl = acl_of(owner, id, error);

    for (size_t i = 0; acl != NULL && i < GRANT_HEADERS; i++) {
        if (!add_grants(request, &grant_headers[i], json_object_get(acl, "Grants"), error)) {
            json_decref(acl);
            return false;
        }
    }
    *json = finish_acl(request, acl, failures, error);
    return *json != NULL;
}

/* Keeps an ACL that came with a new object, when the bucket lets objects have one. */
static bool keep_acl(struct s3_request *request, const char *json, struct error *error)
{
    const struct object_place place = s3_place(request);
    const struct access_rights *rights = request->bucket->derived;

    if (json == NULL) {
        return true;
    }
    if (!access_check_acl(request->bucket, rights, json, error)) {
        return false;
    }
    if (!access_rights_acls(rights)) {
        return true;
    }
    request->put.acl = json;
    return s3_allow(request, "s3:PutObjectAcl", request->bucket, &place, error);
}

bool s3_put_acl(struct s3_request *request, struct error *error)
{
    const char *json = NULL;

    return s3_acl_from_headers(request, request->put.owner, &json, error) && keep_acl(request, json, error);
}

bool s3_put_acl_named(struct s3_request *request, const char *name, struct error *error)
{
    const char *json = s3_acl_canned(request, name, request->put.owner, request->bucket->owner, error);

    return json != NULL && keep_acl(request, json, error);
}

/* Shows an ACL, the owner's full control when there is none. */
static bool write_acl(struct s3_request *request, const char *json, const char *owner, struct error *error)
{
    struct buffer *out = answer_body(request->exchange);

    if (json == NULL || !access_rights_acls(request->bucket->derived)) {
        json = s3_acl_canned(request, "private", owner, owner, error);
    }
    json_t *value = json != NULL ? json_read(json, strlen(json), "an ACL", error) : NULL;

    if (value == NULL) {
        return false;
    }
    shape_to_xml(&shape_acl, value, out);
    json_decref(value);
    return buffer_check(out, error) && answer_header(request->exchange, "Content-Type", "application/xml", error);
}

/* What a document's grantee must have. */
static bool check_grantee(const json_t *grantee, struct error *error)
{
    const char *type = json_string_value(json_object_get(grantee, "Type"));
    const char *id = json_string_value(json_object_get(grantee, "ID"));
    const char *uri = json_string_value(json_object_get(grantee, "URI"));

    if (strcmp(type, "AmazonCustomerByEmail") == 0) {
        return unresolvable(error);
    }
    if (strcmp(type, "Group") == 0) {
        return (uri != NULL && known_group(uri)) ||
               error_set_named(error, ERROR_INVALID, "InvalidArgument", "Invalid group uri");
    }
    return (id != NULL && known_id(id)) || error_set_named(error, ERROR_INVALID, "InvalidArgument", "Invalid id");
}

static bool check_document(const json_t *acl, const char *owner, struct error *error)
{
    const json_t *grants = json_object_get(acl, "Grants"), *grant = NULL;
    const char *named = json_string_value(json_object_get(json_object_get(acl, "Owner"), "ID"));
    char id[65];
    size_t i = 0;

    if (!access_canonical_id(owner, id, error)) {
        return false;
    }
    if (strcmp(id, named) != 0) {
        return error_set_named(error, ERROR_DENIED, "AccessDenied", "The owner of the ACL cannot be changed.");
    }
    if (json_array_size(grants) > MOST_GRANTS) {
        return error_set_named(error, ERROR_INVALID, "MalformedACLError", "there are more than 100 grants");
    }
    json_array_foreach (grants, i, grant) {
        if (!check_grantee(json_object_get(grant, "Grantee"), error)) {
            return false;
        }
    }
    return true;
}

/* The ACL that a request puts: of its headers or of its document. */
static const char *read_acl(struct s3_request *request, const char *owner, struct error *error)
{
    const char *json = NULL;

    if (!s3_acl_from_headers(request, owner, &json, error)) {
        return NULL;
    }
    if (json != NULL && request->body.document.length > 0) {
        error_set_named(error, ERROR_INVALID, "UnexpectedContent", "This request does not support content");
        return NULL;
    }
    if (json == NULL && request->body.document.length == 0) {
        error_set_named(error, ERROR_INVALID, "MissingSecurityHeader",
                        "Your request was missing a required header: x-amz-acl, or an ACL in the body");
        return NULL;
    }
    if (json == NULL) {
        struct error problem = {0};
        json_t *acl = setting_document(request, &shape_acl, &problem);

        if (acl == NULL) {
            bool malformed = problem.name != NULL && strcmp(problem.name, "MalformedXML") == 0;

            error_set_named(error, problem.code, malformed ? "MalformedACLError" : problem.name, "%s", problem.message);
            return NULL;
        }
        json = check_document(acl, owner, error) ? setting_text(request, acl, error) : NULL;
        json_decref(acl);
    }
    if (json == NULL || !access_check_acl(request->bucket, request->bucket->derived, json, error)) {
        return NULL;
    }
    return json;
}

bool s3_get_bucket_acl(struct s3_request *request, struct error *error)
{
    return write_acl(request, request->bucket->settings[BUCKET_ACL], request->bucket->owner, error);
}

bool s3_put_bucket_acl(struct s3_request *request, struct error *error)
{
    const char *json = read_acl(request, request->bucket->owner, error);

    return json != NULL && bucket_set(request->store, request->bucket_name, BUCKET_ACL,
                                      access_rights_acls(request->bucket->derived) ? json : NULL, error);
}

bool s3_get_object_acl(struct s3_request *request, struct error *error)
{
    struct object object = {0};

    return s3_object_find(request, &object, error) &&
           s3_answer_version(request, request->bucket, object.version_id, error) &&
           write_acl(request, object.acl, object.owner, error);
}

bool s3_put_object_acl(struct s3_request *request, struct error *error)
{
    struct object object = {0};
    struct object_place place = s3_place(request);

    if (!s3_object_find(request, &object, error)) {
        return false;
    }
    const char *json = read_acl(request, object.owner, error);

    place.version_id = object.version_id;
    return json != NULL &&
           (!access_rights_acls(request->bucket->derived) || object_set_acl(request->store, &place, json, error)) &&
           s3_answer_version(request, request->bucket, object.version_id, error);
}
