#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/json.h"
#include "base/memory.h"
#include "http/s3/access_parts.h"

#define ALL_USERS "http://acs.amazonaws.com/groups/global/AllUsers"
#define AUTHENTICATED_USERS "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"

static void release_json(json_t **json)
{
    json_decref(*json);
}

static bool flag(json_t *json, const char *name)
{
    return json_is_true(json_object_get(json, name));
}

static bool read_public_access(const char *text, struct access_rights *rights, struct error *error)
{
    json_t *json __attribute__((cleanup(release_json))) = NULL;

    if (text == NULL) {
        rights->block_public_acls = rights->ignore_public_acls = true;
        rights->block_public_policy = rights->restrict_public_buckets = true;
        return true;
    }
    json = json_read(text, strlen(text), "the bucket's public access block", error);
    rights->block_public_acls = flag(json, "BlockPublicAcls");
    rights->ignore_public_acls = flag(json, "IgnorePublicAcls");
    rights->block_public_policy = flag(json, "BlockPublicPolicy");
    rights->restrict_public_buckets = flag(json, "RestrictPublicBuckets");
    return json != NULL;
}

static bool read_ownership(const char *text, struct access_rights *rights, struct error *error)
{
    json_t *json __attribute__((cleanup(release_json))) = NULL;

    if (text == NULL) {
        return true;
    }
    json = json_read(text, strlen(text), "the bucket's ownership controls", error);
    const char *ownership =
        json_string_value(json_object_get(json_array_get(json_object_get(json, "Rules"), 0), "ObjectOwnership"));

    rights->acls = ownership != NULL && strcmp(ownership, "BucketOwnerEnforced") != 0;
    return json != NULL;
}

static struct policy *compile_policy(const struct bucket *bucket, const char *json, size_t size, struct error *error)
{
    char prefix[128];

    snprintf(prefix, sizeof prefix, "arn:aws:s3:::%s", bucket->name);
    return policy_compile(json, size, POLICY_OF_RESOURCE, prefix, error);
}

struct access_rights *access_rights_new(const struct bucket *bucket, struct error *error)
{
    struct access_rights *rights = memory_zeroed(sizeof *rights, error);
    const char *policy = bucket->settings[BUCKET_POLICY];

    if (rights == NULL) {
        return NULL;
    }
    rights->acl = bucket->settings[BUCKET_ACL];
    if (!read_public_access(bucket->settings[BUCKET_PUBLIC_ACCESS], rights, error) ||
        !read_ownership(bucket->settings[BUCKET_OWNERSHIP], rights, error) ||
        (policy != NULL && (rights->policy = compile_policy(bucket, policy, strlen(policy), error)) == NULL)) {
        access_rights_free(rights);
        return NULL;
    }
    rights->policy_is_public = rights->policy != NULL && policy_is_public(rights->policy);
    return rights;
}

void access_rights_free(struct access_rights *rights)
{
    if (rights != NULL) {
        policy_free(rights->policy);
        memory_free(rights);
    }
}

bool access_rights_acls(const struct access_rights *rights)
{
    return rights->acls;
}

bool access_may_be(const struct access_caller *caller, const struct access_rights *rights)
{
    return caller->account != NULL || rights->policy != NULL || rights->acls;
}

bool access_rights_policy_is_public(const struct access_rights *rights)
{
    return rights->policy_is_public;
}

bool access_needs_tags(const struct access_caller *caller, const struct access_rights *rights)
{
    static const char prefix[] = "s3:ExistingObjectTag/";

    return (rights->policy != NULL && policy_mentions(rights->policy, prefix)) ||
           (caller->identity != NULL && policy_mentions(caller->identity->policy, prefix));
}

bool access_check_policy(const struct bucket *bucket, const struct access_rights *rights, const char *json, size_t size,
                         struct error *error)
{
    struct policy *policy = compile_policy(bucket, json, size, error);

    if (policy == NULL) {
        return false;
    }
    bool is_public = policy_is_public(policy);

    policy_free(policy);
    return !is_public || !rights->block_public_policy ||
           error_set_named(error, ERROR_DENIED, "AccessDenied",
                           "The policy lets everybody in, and public policies are prevented by the "
                           "BlockPublicPolicy setting of the bucket's public access block.");
}

bool access_canonical_id(const char *account, char id[65], struct error *error)
{
    uint8_t value[DIGEST_MAX_BYTES];

    if (!digest_once(DIGEST_SHA256, account, strlen(account), value, error)) {
        return false;
    }
    digest_hex(value, 32, id);
    return true;
}

/* --- ACLs ------------------------------------------------------------------------------------------------------- */

static json_t *read_acl(const char *acl, struct error *error)
{
    return json_read(acl, strlen(acl), "the ACL", error);
}

static const char *member(json_t *grant, const char *object, const char *name)
{
    const char *text = json_string_value(json_object_get(json_object_get(grant, object), name));

    return text == NULL ? "" : text;
}

static bool is_public_grant(json_t *grant)
{
    const char *group = member(grant, "Grantee", "URI");

    return strcmp(group, ALL_USERS) == 0 || strcmp(group, AUTHENTICATED_USERS) == 0;
}

bool access_check_acl(const struct bucket *bucket, const struct access_rights *rights, const char *acl,
                      struct error *error)
{
    json_t *json __attribute__((cleanup(release_json))) = read_acl(acl, error);
    char owner[65];
    json_t *grant;
    size_t i;
    bool owner_alone = true;
    bool is_public = false;

    if (json == NULL || !access_canonical_id(bucket->owner, owner, error)) {
        return false;
    }
    json_array_foreach (json_object_get(json, "Grants"), i, grant) {
        const char *permission = json_string_value(json_object_get(grant, "Permission"));

        is_public = is_public || is_public_grant(grant);
        owner_alone = owner_alone && strcmp(member(grant, "Grantee", "ID"), owner) == 0 && permission != NULL &&
                      strcmp(permission, "FULL_CONTROL") == 0;
    }
    if (!rights->acls && !owner_alone) {
        return error_set_named(error, ERROR_USAGE, "AccessControlListNotSupported", "The bucket does not allow ACLs");
    }
    return !is_public || !rights->block_public_acls ||
           error_set_named(error, ERROR_DENIED, "AccessDenied",
                           "The ACL lets everybody in, and public ACLs are prevented by the BlockPublicAcls setting of "
                           "the bucket's public access block.");
}

/* Amazon S3 User Guide, "Mapping of ACL permissions and access policy permissions". */
struct mapping {
    bool of_object;
    const char *permission;
    const char *action;
};

static const struct mapping mappings[] = {
    {false, "READ", "s3:ListBucket"},
    {false, "READ", "s3:ListBucketVersions"},
    {false, "READ", "s3:ListBucketMultipartUploads"},
    {false, "WRITE", "s3:PutObject"},
    {false, "READ_ACP", "s3:GetBucketAcl"},
    {false, "WRITE_ACP", "s3:PutBucketAcl"},
    {true, "READ", "s3:GetObject"},
    {true, "READ", "s3:GetObjectVersion"},
    {true, "READ_ACP", "s3:GetObjectAcl"},
    {true, "READ_ACP", "s3:GetObjectVersionAcl"},
    {true, "WRITE_ACP", "s3:PutObjectAcl"},
    {true, "WRITE_ACP", "s3:PutObjectVersionAcl"},
};

static bool permits(const char *permission, const char *action, bool of_object)
{
    for (size_t i = 0; i < sizeof mappings / sizeof *mappings; i++) {
        const struct mapping *mapping = &mappings[i];

        if (mapping->of_object == of_object && strcmp(mapping->action, action) == 0 &&
            (strcmp(permission, mapping->permission) == 0 || strcmp(permission, "FULL_CONTROL") == 0)) {
            return true;
        }
    }
    return false;
}

bool access_acl_grants(const char *acl, const char *action, bool of_object, const struct access_caller *caller,
                       bool ignore_public, bool *grants, struct error *error)
{
    json_t *json __attribute__((cleanup(release_json))) = NULL;
    char id[65] = "";
    json_t *grant;
    size_t i;

    *grants = false;
    if (acl == NULL) {
        return true;
    }
    json = read_acl(acl, error);
    if (json == NULL || (caller->account != NULL && !access_canonical_id(caller->account, id, error))) {
        return false;
    }
    json_array_foreach (json_object_get(json, "Grants"), i, grant) {
        const char *permission = json_string_value(json_object_get(grant, "Permission"));
        const char *group = member(grant, "Grantee", "URI");
        bool names_caller = caller->account != NULL && strcmp(member(grant, "Grantee", "ID"), id) == 0;

        if (!ignore_public) {
            names_caller = names_caller || strcmp(group, ALL_USERS) == 0 ||
                           (caller->account != NULL && strcmp(group, AUTHENTICATED_USERS) == 0);
        }
        *grants = *grants || (names_caller && permission != NULL && permits(permission, action, of_object));
    }
    return true;
}
