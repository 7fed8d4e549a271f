#include <string.h>

#include "http/s3/operation.h"
#include "http/s3/setting.h"

/* The first row that fits takes the request, so what is selected by a parameter or header stands before what is not.
 * Sources: Amazon S3 API Reference, "Actions"; Service Authorization Reference, "Actions, resources, and condition keys
 * for Amazon S3". */
const struct operation operation_table[] = {
    {"GET", S3_SERVICE, NULL, "ListBuckets", "s3:ListAllMyBuckets", s3_list_buckets, 0, .body = S3_NO_BODY},

    /* Settings of buckets */
    {"GET", S3_BUCKET, "versioning", "GetBucketVersioning", "s3:GetBucketVersioning", s3_get_setting, S3_QUICK,
     .setting = &setting_versioning},
    {"PUT", S3_BUCKET, "versioning", "PutBucketVersioning", "s3:PutBucketVersioning", s3_put_setting, 0, S3_DOCUMENT,
     .setting = &setting_versioning},
    {"GET", S3_BUCKET, "lifecycle", "GetBucketLifecycleConfiguration", "s3:GetLifecycleConfiguration", s3_get_setting,
     S3_QUICK, .setting = &setting_lifecycle},
    {"PUT", S3_BUCKET, "lifecycle", "PutBucketLifecycleConfiguration", "s3:PutLifecycleConfiguration", s3_put_setting,
     0, S3_DOCUMENT, .setting = &setting_lifecycle},
    {"DELETE", S3_BUCKET, "lifecycle", "DeleteBucketLifecycle", "s3:PutLifecycleConfiguration", s3_delete_setting, 0,
     .setting = &setting_lifecycle},
    {"GET", S3_BUCKET, "encryption", "GetBucketEncryption", "s3:GetEncryptionConfiguration", s3_get_setting, S3_QUICK,
     .setting = &setting_encryption},
    {"PUT", S3_BUCKET, "encryption", "PutBucketEncryption", "s3:PutEncryptionConfiguration", s3_put_setting, 0,
     S3_DOCUMENT, .setting = &setting_encryption},
    {"DELETE", S3_BUCKET, "encryption", "DeleteBucketEncryption", "s3:PutEncryptionConfiguration", s3_delete_setting, 0,
     .setting = &setting_encryption},
    {"GET", S3_BUCKET, "publicAccessBlock", "GetPublicAccessBlock", "s3:GetBucketPublicAccessBlock", s3_get_setting,
     S3_QUICK, .setting = &setting_public_access},
    {"PUT", S3_BUCKET, "publicAccessBlock", "PutPublicAccessBlock", "s3:PutBucketPublicAccessBlock", s3_put_setting, 0,
     S3_DOCUMENT, .setting = &setting_public_access},
    {"DELETE", S3_BUCKET, "publicAccessBlock", "DeletePublicAccessBlock", "s3:PutBucketPublicAccessBlock",
     s3_delete_setting, 0, .setting = &setting_public_access},
    {"GET", S3_BUCKET, "cors", "GetBucketCors", "s3:GetBucketCORS", s3_get_setting, S3_QUICK, .setting = &setting_cors},
    {"PUT", S3_BUCKET, "cors", "PutBucketCors", "s3:PutBucketCORS", s3_put_setting, 0, S3_DOCUMENT,
     .setting = &setting_cors},
    {"DELETE", S3_BUCKET, "cors", "DeleteBucketCors", "s3:PutBucketCORS", s3_delete_setting, 0,
     .setting = &setting_cors},
    {"GET", S3_BUCKET, "tagging", "GetBucketTagging", "s3:GetBucketTagging", s3_get_setting, S3_QUICK,
     .setting = &setting_tags},
    {"PUT", S3_BUCKET, "tagging", "PutBucketTagging", "s3:PutBucketTagging", s3_put_setting, 0, S3_DOCUMENT,
     .setting = &setting_tags},
    {"DELETE", S3_BUCKET, "tagging", "DeleteBucketTagging", "s3:PutBucketTagging", s3_delete_setting, 0,
     .setting = &setting_tags},
    {"GET", S3_BUCKET, "ownershipControls", "GetBucketOwnershipControls", "s3:GetBucketOwnershipControls",
     s3_get_setting, S3_QUICK, .setting = &setting_ownership},
    {"PUT", S3_BUCKET, "ownershipControls", "PutBucketOwnershipControls", "s3:PutBucketOwnershipControls",
     s3_put_setting, 0, S3_DOCUMENT, .setting = &setting_ownership},
    {"DELETE", S3_BUCKET, "ownershipControls", "DeleteBucketOwnershipControls", "s3:PutBucketOwnershipControls",
     s3_delete_setting, 0, .setting = &setting_ownership},
    {"GET", S3_BUCKET, "notification", "GetBucketNotificationConfiguration", "s3:GetBucketNotification", s3_get_setting,
     S3_QUICK, .setting = &setting_notification},
    {"PUT", S3_BUCKET, "notification", "PutBucketNotificationConfiguration", "s3:PutBucketNotification", s3_put_setting,
     0, S3_DOCUMENT, .setting = &setting_notification},
    {"GET", S3_BUCKET, "object-lock", "GetObjectLockConfiguration", "s3:GetBucketObjectLockConfiguration",
     s3_get_setting, S3_QUICK, .setting = &setting_object_lock},
    {"PUT", S3_BUCKET, "object-lock", "PutObjectLockConfiguration", "s3:PutBucketObjectLockConfiguration",
     s3_put_setting, 0, S3_DOCUMENT, .setting = &setting_object_lock},
    {"GET", S3_BUCKET, "logging", "GetBucketLogging", "s3:GetBucketLogging", s3_get_setting, S3_QUICK,
     .setting = &setting_logging},
    {"PUT", S3_BUCKET, "logging", "PutBucketLogging", "s3:PutBucketLogging", s3_put_setting, 0, S3_DOCUMENT,
     .setting = &setting_logging},
    {"GET", S3_BUCKET, "policy", "GetBucketPolicy", "s3:GetBucketPolicy", s3_get_bucket_policy, S3_QUICK,
     .body = S3_NO_BODY},
    {"PUT", S3_BUCKET, "policy", "PutBucketPolicy", "s3:PutBucketPolicy", s3_put_bucket_policy, 0, .body = S3_DOCUMENT},
    {"DELETE", S3_BUCKET, "policy", "DeleteBucketPolicy", "s3:DeleteBucketPolicy", s3_delete_bucket_policy, 0,
     .body = S3_NO_BODY},
    {"GET", S3_BUCKET, "policyStatus", "GetBucketPolicyStatus", "s3:GetBucketPolicyStatus", s3_get_bucket_policy_status,
     S3_QUICK, .body = S3_NO_BODY},
    {"GET", S3_BUCKET, "acl", "GetBucketAcl", "s3:GetBucketAcl", s3_get_bucket_acl, S3_QUICK, .body = S3_NO_BODY},
    {"PUT", S3_BUCKET, "acl", "PutBucketAcl", "s3:PutBucketAcl", s3_put_bucket_acl, 0, .body = S3_DOCUMENT},
    {"GET", S3_BUCKET, "location", "GetBucketLocation", "s3:GetBucketLocation", s3_get_bucket_location, S3_QUICK,
     .body = S3_NO_BODY},
    {"GET", S3_BUCKET, "requestPayment", "GetBucketRequestPayment", "s3:GetBucketRequestPayment",
     s3_get_request_payment, S3_QUICK, .body = S3_NO_BODY},
    {"PUT", S3_BUCKET, "requestPayment", "PutBucketRequestPayment", "s3:PutBucketRequestPayment",
     s3_put_request_payment, 0, .body = S3_DOCUMENT},

    /* Settings that are not here */
    {"GET", S3_BUCKET, "website", "GetBucketWebsite", "s3:GetBucketWebsite", s3_absent, S3_QUICK,
     .absent = "NoSuchWebsiteConfiguration"},
    {"PUT", S3_BUCKET, "website", "PutBucketWebsite", "s3:PutBucketWebsite", s3_absent, S3_QUICK,
     .absent = "NotImplemented"},
    {"DELETE", S3_BUCKET, "website", "DeleteBucketWebsite", "s3:DeleteBucketWebsite", s3_delete_absent, S3_QUICK,
     .body = S3_NO_BODY},
    {"GET", S3_BUCKET, "replication", "GetBucketReplication", "s3:GetReplicationConfiguration", s3_absent, S3_QUICK,
     .absent = "ReplicationConfigurationNotFoundError"},
    {"PUT", S3_BUCKET, "replication", "PutBucketReplication", "s3:PutReplicationConfiguration", s3_absent, S3_QUICK,
     .absent = "NotImplemented"},
    {"DELETE", S3_BUCKET, "replication", "DeleteBucketReplication", "s3:PutReplicationConfiguration", s3_delete_absent,
     S3_QUICK, .body = S3_NO_BODY},
    {"GET", S3_BUCKET, "accelerate", "GetBucketAccelerateConfiguration", "s3:GetAccelerateConfiguration",
     s3_empty_document, S3_QUICK, .absent = "AccelerateConfiguration"},
    {"PUT", S3_BUCKET, "accelerate", "PutBucketAccelerateConfiguration", "s3:PutAccelerateConfiguration", s3_absent,
     S3_QUICK, .absent = "NotImplemented"},
    {"GET", S3_BUCKET, "inventory", "GetBucketInventoryConfiguration", "s3:GetInventoryConfiguration", s3_absent_id,
     S3_QUICK, .absent = "ListInventoryConfigurationsResult"},
    {"PUT", S3_BUCKET, "inventory", "PutBucketInventoryConfiguration", "s3:PutInventoryConfiguration", s3_absent,
     S3_QUICK, .absent = "NotImplemented"},
    {"DELETE", S3_BUCKET, "inventory", "DeleteBucketInventoryConfiguration", "s3:PutInventoryConfiguration", s3_absent,
     S3_QUICK, .absent = "NoSuchConfiguration"},
    {"GET", S3_BUCKET, "analytics", "GetBucketAnalyticsConfiguration", "s3:GetAnalyticsConfiguration", s3_absent_id,
     S3_QUICK, .absent = "ListBucketAnalyticsConfigurationsResult"},
    {"PUT", S3_BUCKET, "analytics", "PutBucketAnalyticsConfiguration", "s3:PutAnalyticsConfiguration", s3_absent,
     S3_QUICK, .absent = "NotImplemented"},
    {"DELETE", S3_BUCKET, "analytics", "DeleteBucketAnalyticsConfiguration", "s3:PutAnalyticsConfiguration", s3_absent,
     S3_QUICK, .absent = "NoSuchConfiguration"},
    {"GET", S3_BUCKET, "metrics", "GetBucketMetricsConfiguration", "s3:GetMetricsConfiguration", s3_absent_id, S3_QUICK,
     .absent = "ListMetricsConfigurationsResult"},
    {"PUT", S3_BUCKET, "metrics", "PutBucketMetricsConfiguration", "s3:PutMetricsConfiguration", s3_absent, S3_QUICK,
     .absent = "NotImplemented"},
    {"DELETE", S3_BUCKET, "metrics", "DeleteBucketMetricsConfiguration", "s3:PutMetricsConfiguration", s3_absent,
     S3_QUICK, .absent = "NoSuchConfiguration"},
    {"GET", S3_BUCKET, "intelligent-tiering", "GetBucketIntelligentTieringConfiguration",
     "s3:GetIntelligentTieringConfiguration", s3_absent_id, S3_QUICK,
     .absent = "ListBucketIntelligentTieringConfigurationsResult"},
    {"PUT", S3_BUCKET, "intelligent-tiering", "PutBucketIntelligentTieringConfiguration",
     "s3:PutIntelligentTieringConfiguration", s3_absent, S3_QUICK, .absent = "NotImplemented"},
    {"DELETE", S3_BUCKET, "intelligent-tiering", "DeleteBucketIntelligentTieringConfiguration",
     "s3:PutIntelligentTieringConfiguration", s3_absent, S3_QUICK, .absent = "NoSuchConfiguration"},
    {"GET", S3_BUCKET, "session", "CreateSession", "s3:CreateSession", s3_absent, S3_QUICK, .absent = "NotImplemented"},
    {"GET", S3_BUCKET, "metadataTable", "GetBucketMetadataTableConfiguration", "s3:GetBucketMetadataTableConfiguration",
     s3_absent, S3_QUICK, .absent = "NotImplemented"},
    {"POST", S3_BUCKET, "metadataTable", "CreateBucketMetadataTableConfiguration",
     "s3:CreateBucketMetadataTableConfiguration", s3_absent, S3_QUICK, .absent = "NotImplemented"},
    {"DELETE", S3_BUCKET, "metadataTable", "DeleteBucketMetadataTableConfiguration",
     "s3:DeleteBucketMetadataTableConfiguration", s3_absent, S3_QUICK, .absent = "NotImplemented"},
    {"GET", S3_BUCKET, "metadataConfiguration", "GetBucketMetadataConfiguration",
     "s3:GetBucketMetadataTableConfiguration", s3_absent, S3_QUICK, .absent = "NotImplemented"},
    {"POST", S3_BUCKET, "metadataConfiguration", "CreateBucketMetadataConfiguration",
     "s3:CreateBucketMetadataTableConfiguration", s3_absent, S3_QUICK, .absent = "NotImplemented"},
    {"DELETE", S3_BUCKET, "metadataConfiguration", "DeleteBucketMetadataConfiguration",
     "s3:DeleteBucketMetadataTableConfiguration", s3_absent, S3_QUICK, .absent = "NotImplemented"},

    /* Listings */
    {"GET", S3_BUCKET, "versions", "ListObjectVersions", "s3:ListBucketVersions", s3_list_object_versions, 0,
     .body = S3_NO_BODY},
    {"GET", S3_BUCKET, "uploads", "ListMultipartUploads", "s3:ListBucketMultipartUploads", s3_list_multipart_uploads, 0,
     .body = S3_NO_BODY},
    {"GET", S3_BUCKET, "list-type=2", "ListObjectsV2", "s3:ListBucket", s3_list_objects_v2, 0, .body = S3_NO_BODY},
    {"GET", S3_BUCKET, NULL, "ListObjects", "s3:ListBucket", s3_list_objects, 0, .body = S3_NO_BODY},

    /* Buckets */
    {"HEAD", S3_BUCKET, NULL, "HeadBucket", "s3:ListBucket", s3_head_bucket, S3_QUICK, .body = S3_NO_BODY},
    {"PUT", S3_BUCKET, NULL, "CreateBucket", "s3:CreateBucket", s3_create_bucket, S3_WITHOUT_BUCKET,
     .body = S3_DOCUMENT},
    {"DELETE", S3_BUCKET, NULL, "DeleteBucket", "s3:DeleteBucket", s3_delete_bucket, 0, .body = S3_NO_BODY},
    {"POST", S3_BUCKET, "delete", "DeleteObjects", "s3:DeleteObject", s3_delete_objects, S3_OWN_ACCESS,
     .body = S3_DOCUMENT},
    {"POST", S3_BUCKET, NULL, "PostObject", "s3:PutObject", s3_post_object, S3_OPEN | S3_OWN_ACCESS, S3_FORM,
     .begin = s3_post_object_begin},
    {"OPTIONS", S3_BUCKET, NULL, "PreflightRequest", "s3:", s3_preflight, S3_OPEN | S3_QUICK, .body = S3_NO_BODY},

    /* Uploads in parts */
    {"POST", S3_OBJECT, "uploads", "CreateMultipartUpload", "s3:PutObject", s3_create_multipart_upload, 0,
     .body = S3_NO_BODY},
    {"PUT", S3_OBJECT, "uploadId", "UploadPartCopy", "s3:PutObject", s3_upload_part_copy, 0,
     .header = "x-amz-copy-source"},
    {"PUT", S3_OBJECT, "uploadId", "UploadPart", "s3:PutObject", s3_upload_part, 0, S3_BYTES,
     .begin = s3_upload_part_begin},
    {"POST", S3_OBJECT, "uploadId", "CompleteMultipartUpload", "s3:PutObject", s3_complete_multipart_upload,
     S3_OWN_CHECKSUM, .body = S3_DOCUMENT},
    {"DELETE", S3_OBJECT, "uploadId", "AbortMultipartUpload", "s3:AbortMultipartUpload", s3_abort_multipart_upload, 0,
     .body = S3_NO_BODY},
    {"GET", S3_OBJECT, "uploadId", "ListParts", "s3:ListMultipartUploadParts", s3_list_parts, 0, .body = S3_NO_BODY},

    /* What belongs to an object */
    {"GET", S3_OBJECT, "acl", "GetObjectAcl", "s3:GetObjectAcl", s3_get_object_acl, 0,
     .version_action = "s3:GetObjectVersionAcl"},
    {"PUT", S3_OBJECT, "acl", "PutObjectAcl", "s3:PutObjectAcl", s3_put_object_acl, 0, S3_DOCUMENT,
     .version_action = "s3:PutObjectVersionAcl"},
    {"GET", S3_OBJECT, "tagging", "GetObjectTagging", "s3:GetObjectTagging", s3_get_object_tagging, 0,
     .version_action = "s3:GetObjectVersionTagging"},
    {"PUT", S3_OBJECT, "tagging", "PutObjectTagging", "s3:PutObjectTagging", s3_put_object_tagging, S3_OWN_ACCESS,
     .body = S3_DOCUMENT},
    {"DELETE", S3_OBJECT, "tagging", "DeleteObjectTagging", "s3:DeleteObjectTagging", s3_delete_object_tagging, 0,
     .version_action = "s3:DeleteObjectVersionTagging"},
    {"GET", S3_OBJECT, "retention", "GetObjectRetention", "s3:GetObjectRetention", s3_get_object_retention, 0,
     .body = S3_NO_BODY},
    {"PUT", S3_OBJECT, "retention", "PutObjectRetention", "s3:PutObjectRetention", s3_put_object_retention, 0,
     .body = S3_DOCUMENT},
    {"GET", S3_OBJECT, "legal-hold", "GetObjectLegalHold", "s3:GetObjectLegalHold", s3_get_object_legal_hold, 0,
     .body = S3_NO_BODY},
    {"PUT", S3_OBJECT, "legal-hold", "PutObjectLegalHold", "s3:PutObjectLegalHold", s3_put_object_legal_hold, 0,
     .body = S3_DOCUMENT},
    {"GET", S3_OBJECT, "attributes", "GetObjectAttributes", "s3:GetObjectAttributes", s3_get_object_attributes, 0,
     .version_action = "s3:GetObjectVersionAttributes"},
    {"GET", S3_OBJECT, "torrent", "GetObjectTorrent", "s3:GetObjectTorrent", s3_absent, S3_QUICK,
     .absent = "NotImplemented"},
    {"POST", S3_OBJECT, "select", "SelectObjectContent", "s3:GetObject", s3_absent, S3_QUICK,
     .absent = "NotImplemented"},
    {"POST", S3_OBJECT, "restore", "RestoreObject", "s3:RestoreObject", s3_restore_object, 0, .body = S3_NO_BODY},
    {"PUT", S3_OBJECT, "renameObject", "RenameObject", "s3:PutObject", s3_absent, S3_QUICK, .absent = "NotImplemented"},

    /* Objects */
    {"GET", S3_OBJECT, NULL, "GetObject", "s3:GetObject", s3_get_object, S3_QUICK,
     .version_action = "s3:GetObjectVersion"},
    {"HEAD", S3_OBJECT, NULL, "HeadObject", "s3:GetObject", s3_head_object, S3_QUICK,
     .version_action = "s3:GetObjectVersion"},
    {"PUT", S3_OBJECT, NULL, "CopyObject", "s3:PutObject", s3_copy_object, 0, .header = "x-amz-copy-source"},
    {"PUT", S3_OBJECT, NULL, "PutObject", "s3:PutObject", s3_put_object, 0, S3_BYTES, .begin = s3_put_object_begin},
    {"DELETE", S3_OBJECT, NULL, "DeleteObject", "s3:DeleteObject", s3_delete_object, 0,
     .version_action = "s3:DeleteObjectVersion"},
    {"OPTIONS", S3_OBJECT, NULL, "PreflightRequest", "s3:", s3_preflight, S3_OPEN | S3_QUICK, .body = S3_NO_BODY},
    {.name = NULL},
};

/* Whether the query has "NAME", or "NAME=VALUE". */
static bool has_query(const struct s3_request *request, const char *wanted)
{
    size_t length = strcspn(wanted, "=");

    for (size_t i = 0; i < request->exchange->query_count; i++) {
        const struct sign_field *given = &request->exchange->query[i];

        if (given->name.length == length && memcmp(given->name.data, wanted, length) == 0) {
            return wanted[length] == '\0' || strcmp(given->value.data, wanted + length + 1) == 0;
        }
    }
    return false;
}

static bool fits(const struct operation *operation, const struct s3_request *request, enum s3_level level)
{
    return operation->level == level && str_is(request->exchange->request.method, operation->method) &&
           (operation->query == NULL || has_query(request, operation->query)) &&
           (operation->header == NULL || s3_header(request, operation->header) != NULL);
}

/* Whether another method knows one of the query's parameters: then this request is not the one without it. */
static bool misses(const struct s3_request *request, enum s3_level level)
{
    for (const struct operation *operation = operation_table; operation->name != NULL; operation++) {
        if (operation->level == level && operation->query != NULL && strchr(operation->query, '=') == NULL &&
            has_query(request, operation->query)) {
            return true;
        }
    }
    return false;
}

const struct operation *operation_find(const struct s3_request *request, struct error *error)
{
    enum s3_level level = request->key[0] != '\0'           ? S3_OBJECT
                          : request->bucket_name[0] != '\0' ? S3_BUCKET
                                                            : S3_SERVICE;
    bool plain = request->exchange->query_count == 0;

    for (const struct operation *operation = operation_table; operation->name != NULL; operation++) {
        if ((!plain || operation->query == NULL) && fits(operation, request, level)) {
            if (operation->query == NULL && !plain && !str_is(request->exchange->request.method, "OPTIONS") &&
                misses(request, level)) {
                break;
            }
            return operation;
        }
    }
    error_set_named(error, ERROR_INVALID, "MethodNotAllowed", "no operation takes this request");
    return NULL;
}
