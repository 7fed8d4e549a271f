#include "http/s3/shapes.h"

/* Source: Amazon S3 API Reference, "Data types", and the parameters of boto3's calls of the same names. */

static const char *const enabled_or_suspended[] = {"Enabled", "Suspended", NULL};
static const char *const enabled_or_disabled[] = {"Enabled", "Disabled", NULL};
static const char *const enabled[] = {"Enabled", NULL};
static const char *const on_or_off[] = {"ON", "OFF", NULL};
static const char *const lock_modes[] = {"GOVERNANCE", "COMPLIANCE", NULL};
static const char *const ownerships[] = {"BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter", NULL};
static const char *const permissions[] = {"FULL_CONTROL", "READ", "WRITE", "READ_ACP", "WRITE_ACP", NULL};
static const char *const grantee_types[] = {"CanonicalUser", "AmazonCustomerByEmail", "Group", NULL};
static const char *const algorithms[] = {"AES256", "aws:kms", "aws:kms:dsse", NULL};
static const char *const filter_names[] = {"prefix", "suffix", "Prefix", "Suffix", NULL};
static const char *const colder_classes[] = {
    "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER", "GLACIER_IR", "DEEP_ARCHIVE", NULL};

/* Versioning */
static const struct shape_member versioning[] = {
    {.element = "Status", .member = "Status", .values = enabled_or_suspended},
    {.element = "MfaDelete", .member = "MFADelete", .values = enabled_or_disabled},
    {.element = NULL},
};
const struct shape shape_versioning = {"VersioningConfiguration", versioning};

/* Tags */
static const struct shape_member tag[] = {
    {.element = "Key", .member = "Key", .needed = true},
    {.element = "Value", .member = "Value", .needed = true},
    {.element = NULL},
};
static const struct shape_member tagging[] = {
    {.element = "TagSet",
     .member = "TagSet",
     .kind = SHAPE_STRUCT,
     .list = true,
     .needed = true,
     .item = "Tag",
     .members = tag},
    {.element = NULL},
};
const struct shape shape_tagging = {"Tagging", tagging};

/* The creation of a bucket */
static const struct shape_member create_bucket[] = {
    {.element = "LocationConstraint", .member = "LocationConstraint"},
    {.element = "Tags", .member = "Tags", .kind = SHAPE_STRUCT, .list = true, .item = "Tag", .members = tag},
    {.element = NULL},
};
const struct shape shape_create_bucket = {"CreateBucketConfiguration", create_bucket};

/* Lifecycle */
static const struct shape_member lifecycle_and[] = {
    {.element = "Prefix", .member = "Prefix"},
    {.element = "Tag", .member = "Tags", .kind = SHAPE_STRUCT, .list = true, .members = tag},
    {.element = "ObjectSizeGreaterThan", .member = "ObjectSizeGreaterThan", .kind = SHAPE_NUMBER},
    {.element = "ObjectSizeLessThan", .member = "ObjectSizeLessThan", .kind = SHAPE_NUMBER},
    {.element = NULL},
};
static const struct shape_member lifecycle_filter[] = {
    {.element = "Prefix", .member = "Prefix"},
    {.element = "Tag", .member = "Tag", .kind = SHAPE_STRUCT, .members = tag},
    {.element = "ObjectSizeGreaterThan", .member = "ObjectSizeGreaterThan", .kind = SHAPE_NUMBER},
    {.element = "ObjectSizeLessThan", .member = "ObjectSizeLessThan", .kind = SHAPE_NUMBER},
    {.element = "And", .member = "And", .kind = SHAPE_STRUCT, .members = lifecycle_and},
    {.element = NULL},
};
static const struct shape_member lifecycle_expiration[] = {
    {.element = "Date", .member = "Date", .kind = SHAPE_TIME},
    {.element = "Days", .member = "Days", .kind = SHAPE_NUMBER},
    {.element = "ExpiredObjectDeleteMarker", .member = "ExpiredObjectDeleteMarker", .kind = SHAPE_BOOL},
    {.element = NULL},
};
static const struct shape_member lifecycle_transition[] = {
    {.element = "Date", .member = "Date", .kind = SHAPE_TIME},
    {.element = "Days", .member = "Days", .kind = SHAPE_NUMBER},
    {.element = "StorageClass", .member = "StorageClass", .needed = true, .values = colder_classes},
    {.element = NULL},
};
static const struct shape_member noncurrent_transition[] = {
    {.element = "NoncurrentDays", .member = "NoncurrentDays", .kind = SHAPE_NUMBER},
    {.element = "StorageClass", .member = "StorageClass", .needed = true, .values = colder_classes},
    {.element = "NewerNoncurrentVersions", .member = "NewerNoncurrentVersions", .kind = SHAPE_NUMBER},
    {.element = NULL},
};
static const struct shape_member noncurrent_expiration[] = {
    {.element = "NoncurrentDays", .member = "NoncurrentDays", .kind = SHAPE_NUMBER},
    {.element = "NewerNoncurrentVersions", .member = "NewerNoncurrentVersions", .kind = SHAPE_NUMBER},
    {.element = NULL},
};
static const struct shape_member abort_uploads[] = {
    {.element = "DaysAfterInitiation", .member = "DaysAfterInitiation", .kind = SHAPE_NUMBER, .needed = true},
    {.element = NULL},
};
static const struct shape_member lifecycle_rule[] = {
    {.element = "Expiration", .member = "Expiration", .kind = SHAPE_STRUCT, .members = lifecycle_expiration},
    {.element = "ID", .member = "ID"},
    {.element = "Prefix", .member = "Prefix"},
    {.element = "Filter", .member = "Filter", .kind = SHAPE_STRUCT, .members = lifecycle_filter},
    {.element = "Status", .member = "Status", .needed = true, .values = enabled_or_disabled},
    {.element = "Transition",
     .member = "Transitions",
     .kind = SHAPE_STRUCT,
     .list = true,
     .members = lifecycle_transition},
    {.element = "NoncurrentVersionTransition",
     .member = "NoncurrentVersionTransitions",
     .kind = SHAPE_STRUCT,
     .list = true,
     .members = noncurrent_transition},
    {.element = "NoncurrentVersionExpiration",
     .member = "NoncurrentVersionExpiration",
     .kind = SHAPE_STRUCT,
     .members = noncurrent_expiration},
    {.element = "AbortIncompleteMultipartUpload",
     .member = "AbortIncompleteMultipartUpload",
     .kind = SHAPE_STRUCT,
     .members = abort_uploads},
    {.element = NULL},
};
static const struct shape_member lifecycle[] = {
    {.element = "Rule",
     .member = "Rules",
     .kind = SHAPE_STRUCT,
     .list = true,
     .needed = true,
     .members = lifecycle_rule},
    {.element = NULL},
};
const struct shape shape_lifecycle = {"LifecycleConfiguration", lifecycle};

/* Encryption */
static const struct shape_member encryption_default[] = {
    {.element = "SSEAlgorithm", .member = "SSEAlgorithm", .needed = true, .values = algorithms},
    {.element = "KMSMasterKeyID", .member = "KMSMasterKeyID"},
    {.element = NULL},
};
static const struct shape_member encryption_rule[] = {
    {.element = "ApplyServerSideEncryptionByDefault",
     .member = "ApplyServerSideEncryptionByDefault",
     .kind = SHAPE_STRUCT,
     .needed = true,
     .members = encryption_default},
    {.element = "BucketKeyEnabled", .member = "BucketKeyEnabled", .kind = SHAPE_BOOL},
    {.element = NULL},
};
static const struct shape_member encryption[] = {
    {.element = "Rule",
     .member = "Rules",
     .kind = SHAPE_STRUCT,
     .list = true,
     .needed = true,
     .members = encryption_rule},
    {.element = NULL},
};
const struct shape shape_encryption = {"ServerSideEncryptionConfiguration", encryption};

/* Public access block */
static const struct shape_member public_access[] = {
    {.element = "BlockPublicAcls", .member = "BlockPublicAcls", .kind = SHAPE_BOOL},
    {.element = "IgnorePublicAcls", .member = "IgnorePublicAcls", .kind = SHAPE_BOOL},
    {.element = "BlockPublicPolicy", .member = "BlockPublicPolicy", .kind = SHAPE_BOOL},
    {.element = "RestrictPublicBuckets", .member = "RestrictPublicBuckets", .kind = SHAPE_BOOL},
    {.element = NULL},
};
const struct shape shape_public_access = {"PublicAccessBlockConfiguration", public_access};

/* CORS */
static const struct shape_member cors_rule[] = {
    {.element = "ID", .member = "ID"},
    {.element = "AllowedHeader", .member = "AllowedHeaders", .list = true},
    {.element = "AllowedMethod", .member = "AllowedMethods", .list = true, .needed = true},
    {.element = "AllowedOrigin", .member = "AllowedOrigins", .list = true, .needed = true},
    {.element = "ExposeHeader", .member = "ExposeHeaders", .list = true},
    {.element = "MaxAgeSeconds", .member = "MaxAgeSeconds", .kind = SHAPE_NUMBER},
    {.element = NULL},
};
static const struct shape_member cors[] = {
    {.element = "CORSRule",
     .member = "CORSRules",
     .kind = SHAPE_STRUCT,
     .list = true,
     .needed = true,
     .members = cors_rule},
    {.element = NULL},
};
const struct shape shape_cors = {"CORSConfiguration", cors};

/* Ownership */
static const struct shape_member ownership_rule[] = {
    {.element = "ObjectOwnership", .member = "ObjectOwnership", .needed = true, .values = ownerships},
    {.element = NULL},
};
static const struct shape_member ownership[] = {
    {.element = "Rule",
     .member = "Rules",
     .kind = SHAPE_STRUCT,
     .list = true,
     .needed = true,
     .members = ownership_rule},
    {.element = NULL},
};
const struct shape shape_ownership = {"OwnershipControls", ownership};

/* ACLs */
static const struct shape_member owner[] = {
    {.element = "ID", .member = "ID", .needed = true},
    {.element = "DisplayName", .member = "DisplayName"},
    {.element = NULL},
};
static const struct shape_member grantee[] = {
    {.element = "Type", .member = "Type", .kind = SHAPE_TYPE, .values = grantee_types},
    {.element = "ID", .member = "ID"},
    {.element = "DisplayName", .member = "DisplayName"},
    {.element = "EmailAddress", .member = "EmailAddress"},
    {.element = "URI", .member = "URI"},
    {.element = NULL},
};
static const struct shape_member grant[] = {
    {.element = "Grantee", .member = "Grantee", .kind = SHAPE_STRUCT, .needed = true, .members = grantee},
    {.element = "Permission", .member = "Permission", .needed = true, .values = permissions},
    {.element = NULL},
};
static const struct shape_member acl[] = {
    {.element = "Owner", .member = "Owner", .kind = SHAPE_STRUCT, .needed = true, .members = owner},
    {.element = "AccessControlList",
     .member = "Grants",
     .kind = SHAPE_STRUCT,
     .list = true,
     .needed = true,
     .item = "Grant",
     .members = grant},
    {.element = NULL},
};
const struct shape shape_acl = {"AccessControlPolicy", acl};

/* Notifications */
static const struct shape_member filter_rule[] = {
    {.element = "Name", .member = "Name", .needed = true, .values = filter_names},
    {.element = "Value", .member = "Value", .needed = true},
    {.element = NULL},
};
static const struct shape_member key_filter[] = {
    {.element = "FilterRule", .member = "FilterRules", .kind = SHAPE_STRUCT, .list = true, .members = filter_rule},
    {.element = NULL},
};
static const struct shape_member notification_filter[] = {
    {.element = "S3Key", .member = "Key", .kind = SHAPE_STRUCT, .members = key_filter},
    {.element = NULL},
};
static const struct shape_member topic[] = {
    {.element = "Id", .member = "Id"},
    {.element = "Topic", .member = "TopicArn", .needed = true},
    {.element = "Event", .member = "Events", .list = true, .needed = true},
    {.element = "Filter", .member = "Filter", .kind = SHAPE_STRUCT, .members = notification_filter},
    {.element = NULL},
};
static const struct shape_member queue[] = {
    {.element = "Id", .member = "Id"},
    {.element = "Queue", .member = "QueueArn", .needed = true},
    {.element = "Event", .member = "Events", .list = true, .needed = true},
    {.element = "Filter", .member = "Filter", .kind = SHAPE_STRUCT, .members = notification_filter},
    {.element = NULL},
};
static const struct shape_member function[] = {
    {.element = "Id", .member = "Id"},
    {.element = "CloudFunction", .member = "LambdaFunctionArn", .needed = true},
    {.element = "Event", .member = "Events", .list = true, .needed = true},
    {.element = "Filter", .member = "Filter", .kind = SHAPE_STRUCT, .members = notification_filter},
    {.element = NULL},
};
static const struct shape_member nothing[] = {{.element = NULL}};
static const struct shape_member notification[] = {
    {.element = "TopicConfiguration",
     .member = "TopicConfigurations",
     .kind = SHAPE_STRUCT,
     .list = true,
     .members = topic},
    {.element = "QueueConfiguration",
     .member = "QueueConfigurations",
     .kind = SHAPE_STRUCT,
     .list = true,
     .members = queue},
    {.element = "CloudFunctionConfiguration",
     .member = "LambdaFunctionConfigurations",
     .kind = SHAPE_STRUCT,
     .list = true,
     .members = function},
    {.element = "EventBridgeConfiguration",
     .member = "EventBridgeConfiguration",
     .kind = SHAPE_STRUCT,
     .members = nothing},
    {.element = NULL},
};
const struct shape shape_notification = {"NotificationConfiguration", notification};

/* Object lock */
static const struct shape_member default_retention[] = {
    {.element = "Mode", .member = "Mode", .needed = true, .values = lock_modes},
    {.element = "Days", .member = "Days", .kind = SHAPE_NUMBER},
    {.element = "Years", .member = "Years", .kind = SHAPE_NUMBER},
    {.element = NULL},
};
static const struct shape_member lock_rule[] = {
    {.element = "DefaultRetention",
     .member = "DefaultRetention",
     .kind = SHAPE_STRUCT,
     .needed = true,
     .members = default_retention},
    {.element = NULL},
};
static const struct shape_member object_lock[] = {
    {.element = "ObjectLockEnabled", .member = "ObjectLockEnabled", .needed = true, .values = enabled},
    {.element = "Rule", .member = "Rule", .kind = SHAPE_STRUCT, .members = lock_rule},
    {.element = NULL},
};
const struct shape shape_object_lock = {"ObjectLockConfiguration", object_lock};

static const struct shape_member retention[] = {
    {.element = "Mode", .member = "Mode", .values = lock_modes},
    {.element = "RetainUntilDate", .member = "RetainUntilDate", .kind = SHAPE_TIME},
    {.element = NULL},
};
const struct shape shape_retention = {"Retention", retention};

static const struct shape_member legal_hold[] = {
    {.element = "Status", .member = "Status", .needed = true, .values = on_or_off},
    {.element = NULL},
};
const struct shape shape_legal_hold = {"LegalHold", legal_hold};

/* Logging */
static const struct shape_member logging_enabled[] = {
    {.element = "TargetBucket", .member = "TargetBucket", .needed = true},
    {.element = "TargetGrants",
     .member = "TargetGrants",
     .kind = SHAPE_STRUCT,
     .list = true,
     .item = "Grant",
     .members = grant},
    {.element = "TargetPrefix", .member = "TargetPrefix", .needed = true},
    {.element = NULL},
};
static const struct shape_member logging[] = {
    {.element = "LoggingEnabled", .member = "LoggingEnabled", .kind = SHAPE_STRUCT, .members = logging_enabled},
    {.element = NULL},
};
const struct shape shape_logging = {"BucketLoggingStatus", logging};

const struct shape *const shape_all[] = {
    &shape_versioning, &shape_lifecycle, &shape_encryption, &shape_public_access, &shape_cors,
    &shape_tagging,    &shape_ownership, &shape_acl,        &shape_notification,  &shape_object_lock,
    &shape_logging,    &shape_retention, &shape_legal_hold, &shape_create_bucket, NULL,
};
