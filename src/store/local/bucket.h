/* Buckets of the local store, and their settings.
 *
 * A setting is a JSON document of the shape that AWS's SDKs give the call that puts it (boto3's parameter of
 * put_bucket_lifecycle_configuration, put_bucket_cors, …), so that it reads like the documentation. Who puts one has
 * checked it.
 */
#ifndef AISLE_STORE_LOCAL_BUCKET_H
#define AISLE_STORE_LOCAL_BUCKET_H

#include "store/local/local.h"

enum bucket_setting {
    BUCKET_VERSIONING,    /* {"Status": "Enabled" | "Suspended"} */
    BUCKET_LIFECYCLE,     /* {"Rules": [...]} */
    BUCKET_ENCRYPTION,    /* {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]} */
    BUCKET_POLICY,        /* the policy document itself */
    BUCKET_PUBLIC_ACCESS, /* {"BlockPublicAcls": true, "IgnorePublicAcls": true, "BlockPublicPolicy": true,
                             "RestrictPublicBuckets": true}; absent means all true */
    BUCKET_CORS,          /* {"CORSRules": [...]} */
    BUCKET_TAGS,          /* {"TagSet": [{"Key": …, "Value": …}]} */
    BUCKET_OWNERSHIP,     /* {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}; absent means that */
    BUCKET_ACL,           /* {"Owner": …, "Grants": [...]}; absent means the owner has full control */
    BUCKET_NOTIFICATION,  /* {"TopicConfigurations": [...], …, "EventBridgeConfiguration": {}} */
    BUCKET_OBJECT_LOCK,   /* {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": …}} */
    BUCKET_LOGGING,       /* {"LoggingEnabled": {...}} */
    BUCKET_SETTINGS
};

enum bucket_versioning { VERSIONING_NEVER, VERSIONING_ENABLED, VERSIONING_SUSPENDED };

/* One bucket as it stood when it was asked for. Counted: bucket_release. */
struct bucket {
    int64_t id;
    const char *name;
    const char *owner; /* account id */
    int64_t created_us;
    enum bucket_versioning versioning;
    bool object_lock;
    const char *settings[BUCKET_SETTINGS]; /* JSON; NULL: not set */
    void *derived;                         /* what `derive` of bucket_deriver made of it, such as a compiled policy */
};

/* Lets a room above keep what it compiles of a bucket's settings together with the bucket. */
struct bucket_deriver {
    void *(*derive)(const struct bucket *bucket, struct error *error); /* NULL without an error: nothing */
    void (*release)(void *derived);
};
void bucket_set_deriver(struct local_store *store, const struct bucket_deriver *deriver); /* before any use */

/* The bucket, from memory when it was asked for before; NoSuchBucket. */
const struct bucket *bucket_find(struct local_store *store, const char *name, struct error *error);
void bucket_release(struct local_store *store, const struct bucket *bucket);

struct bucket_create {
    const char *name;
    const char *owner;
    bool object_lock;      /* versioning, too */
    const char *ownership; /* JSON or NULL */
};
/* InvalidBucketName (S3's rules for general purpose buckets), BucketAlreadyOwnedByYou, BucketAlreadyExists. */
bool bucket_create(struct local_store *store, const struct bucket_create *create, struct error *error);
/* BucketNotEmpty while it holds any version, delete marker or part of an upload. */
bool bucket_remove(struct local_store *store, const char *name, struct error *error);

/* Those of one owner, or all when NULL, by name. */
bool bucket_list(struct local_store *store, struct arena *arena, const char *owner, struct bucket **buckets,
                 size_t *count, struct error *error);

/* Puts (or with NULL takes away) a setting. */
bool bucket_set(struct local_store *store, const char *name, enum bucket_setting setting, const char *json,
                struct error *error);

#endif
