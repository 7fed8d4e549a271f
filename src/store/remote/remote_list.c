/* Buckets, and what is in them. */
#include <stdlib.h>
#include <string.h>

#include "store/remote/remote_private.h"

/* Keys come percent-encoded with + for a space: XML cannot carry all that a key can. */
static const char *decode(const char *text, struct arena *arena, struct error *error)
{
    char *spaced = arena_text(arena, text, strlen(text), error);
    for (char *c = spaced; c && *c; c++) {
        if (*c == '+') *c = ' ';
    }
    return spaced ? sign_decode(str_of(spaced), arena, error) : NULL;
}

struct lister {
    struct remote *remote;
    const char *bucket;
    const struct store_listing *listing;
    bool (*visit)(void *context, const struct store_object *object, bool is_prefix, struct error *error);
    void *context;
    struct buffer token; /* of the next page; empty: there is none */
};

static bool page_query(const struct lister *lister, struct buffer *query, struct arena *arena, struct error *error)
{
    const struct store_listing *listing = lister->listing;
    buffer_append_text(query, "encoding-type=url&list-type=2");
    if (lister->token.length > 0) {
        remote_query(query, "continuation-token", lister->token.data, arena, error);
    } else if (*listing->start_after) {
        remote_query(query, "start-after", listing->start_after, arena, error);
    }
    if (*listing->prefix) remote_query(query, "prefix", listing->prefix, arena, error);
    if (*listing->delimiter) remote_query(query, "delimiter", listing->delimiter, arena, error);
    return buffer_text(query) || buffer_check(query, error);
}

static bool visit_object(const struct lister *lister, const struct xml_element *element, const char *key,
                         struct arena *arena, struct error *error)
{
    struct store_object object = {.key = key,
                                  .version_id = "",
                                  .size_bytes = strtoull(xml_text(element, "Size", "0"), NULL, 10),
                                  .modified_us = remote_time(xml_text(element, "LastModified", "")),
                                  .etag = remote_etag(xml_text(element, "ETag", ""), arena, error),
                                  .sha256 = "",
                                  .content_type = ""};
    return object.etag && lister->visit(lister->context, &object, false, error);
}

static bool visit_prefix(const struct lister *lister, const char *prefix, struct error *error)
{
    struct store_object object = {.key = prefix, .version_id = "", .etag = "", .sha256 = "", .content_type = ""};
    return lister->visit(lister->context, &object, true, error);
}

/* Objects and prefixes come in two lists, each in order. */
static bool visit_page(const struct lister *lister, const struct xml_element *root, struct arena *arena,
                       struct error *error)
{
    const struct xml_element *object = xml_child(root, "Contents"), *prefix = xml_child(root, "CommonPrefixes");
    bool encoded = strcmp(xml_text(root, "EncodingType", ""), "url") == 0;
    const char *key = NULL, *folder = NULL;
    while (object || prefix) {
        if (object && !key) {
            key = xml_text(object, "Key", "");
            key = encoded ? decode(key, arena, error) : key;
            if (!key) return false;
        }
        if (prefix && !folder) {
            folder = xml_text(prefix, "Prefix", "");
            folder = encoded ? decode(folder, arena, error) : folder;
            if (!folder) return false;
        }
        if (object && (!prefix || strcmp(key, folder) <= 0)) {
            if (!visit_object(lister, object, key, arena, error)) return false;
            object = xml_next(object);
            key = NULL;
        } else {
            if (!visit_prefix(lister, folder, error)) return false;
            prefix = xml_next(prefix);
            folder = NULL;
        }
    }
    return true;
}

static bool list_page(struct lister *lister, struct error *error)
{
    struct buffer query __attribute__((cleanup(buffer_free))) = {0};
    struct aws_response response = {0};
    struct arena *arena = arena_new(0, error);
    bool good = arena && page_query(lister, &query, arena, error);
    struct remote_call call = {.method = "GET", .bucket = lister->bucket, .query = query.data};
    good = good && remote_send(lister->remote, &call, &response, error);
    const struct xml_element *root = good ? remote_xml(lister->remote, &response, "ListBucketResult", error) : NULL;
    good = root && visit_page(lister, root, arena, error);
    buffer_clear(&lister->token);
    if (good && strcmp(xml_text(root, "IsTruncated", "false"), "true") == 0) {
        buffer_append_text(&lister->token, xml_text(root, "NextContinuationToken", ""));
        good = buffer_text(&lister->token) || buffer_check(&lister->token, error);
        if (good && lister->token.length == 0) {
            good = error_set(error, ERROR_INVALID, "%s lists s3://%s without saying how to go on",
                             aws_client_endpoint(lister->remote->client), lister->bucket);
        }
    }
    aws_response_free(&response);
    if (arena) arena_free(arena);
    return good;
}

bool remote_list(struct store *store, const char *bucket, const struct store_listing *listing,
                 bool (*visit)(void *context, const struct store_object *object, bool is_prefix, struct error *error),
                 void *context, struct error *error)
{
    struct lister lister = {
        .remote = remote_of(store), .bucket = bucket, .listing = listing, .visit = visit, .context = context};
    bool good = true;
    do {
        good = list_page(&lister, error);
    } while (good && lister.token.length > 0);
    buffer_free(&lister.token);
    return good;
}

static bool visit_buckets(const struct xml_element *root,
                          bool (*visit)(void *context, const char *bucket, int64_t created_us, struct error *error),
                          void *context, struct error *error)
{
    const struct xml_element *buckets = xml_child(root, "Buckets");
    const struct xml_element *bucket = buckets ? xml_child(buckets, "Bucket") : NULL;
    for (; bucket; bucket = xml_next(bucket)) {
        if (!visit(context, xml_text(bucket, "Name", ""), remote_time(xml_text(bucket, "CreationDate", "")), error)) {
            return false;
        }
    }
    return true;
}

bool remote_list_buckets(struct store *store,
                         bool (*visit)(void *context, const char *bucket, int64_t created_us, struct error *error),
                         void *context, struct error *error)
{
    struct remote *remote = remote_of(store);
    struct buffer query __attribute__((cleanup(buffer_free))) = {0};
    bool good = true;
    do {
        struct remote_call call = {.method = "GET", .query = buffer_text(&query)};
        struct aws_response response = {0};
        good = (call.query || buffer_check(&query, error)) && remote_send(remote, &call, &response, error);
        const struct xml_element *root = good ? remote_xml(remote, &response, "ListAllMyBucketsResult", error) : NULL;
        good = root && visit_buckets(root, visit, context, error);
        const char *token = good ? xml_text(root, "ContinuationToken", "") : "";
        buffer_clear(&query);
        if (*token) remote_query(&query, "continuation-token", token, response.arena, error);
        aws_response_free(&response);
    } while (good && query.length > 0);
    return good;
}

bool remote_make_bucket(struct store *store, const char *bucket, struct error *error)
{
    struct remote *remote = remote_of(store);
    const char *region = aws_client_region(remote->client);
    struct buffer body __attribute__((cleanup(buffer_free))) = {0};
    struct remote_call call = {.method = "PUT", .bucket = bucket};
    struct aws_response response;
    struct error own = {0};
    /* The first region is the one that must not be named. */
    if (strcmp(region, "us-east-1") != 0) {
        xml_open_root(&body, "CreateBucketConfiguration");
        xml_leaf_text(&body, "LocationConstraint", region);
        xml_close(&body, "CreateBucketConfiguration");
        if (!buffer_check(&body, error)) return false;
        call.body = body.data;
        call.body_bytes = body.length;
    }
    bool good = remote_send(remote, &call, &response, &own);
    aws_response_free(&response);
    if (!good && own.name && strcmp(own.name, "BucketAlreadyOwnedByYou") == 0) return true;
    if (!good && error) *error = own;
    return good;
}

bool remote_remove_bucket(struct store *store, const char *bucket, struct error *error)
{
    struct remote_call call = {.method = "DELETE", .bucket = bucket};
    struct aws_response response;
    struct error own = {0};
    bool good = remote_send(remote_of(store), &call, &response, &own);
    bool again = response.attempts > 1;
    aws_response_free(&response);
    /* The answer to an attempt before this one was lost. */
    if (!good && again && own.name && strcmp(own.name, "NoSuchBucket") == 0) return true;
    if (!good && error) *error = own;
    return good;
}
