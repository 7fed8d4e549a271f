#include <string.h>

#include "http/s3/answer.h"
#include "http/s3/listing.h"
#include "http/s3/operation.h"

static void write_object(struct buffer *out, struct s3_listing *listing, const struct object *object, bool owner)
{
    buffer_append_text(out, "<Contents>");
    s3_xml_key(out, "Key", object->key, listing->url);
    s3_listing_facts(out, listing, object);
    if (owner) {
        s3_listing_owner(out, listing, object->owner);
    }
    buffer_append_text(out, "</Contents>");
}

static void write_page(struct buffer *out, struct s3_listing *listing, const struct object_page *page, bool owner)
{
    /* About what a row takes, so that the text grows seldom. */
    buffer_room(out, page->object_count * 400);
    for (size_t i = 0; i < page->object_count; i++) {
        write_object(out, listing, &page->objects[i], owner);
    }
    for (size_t i = 0; i < page->prefix_count; i++) {
        xml_open(out, "CommonPrefixes");
        s3_xml_key(out, "Prefix", page->prefixes[i], listing->url);
        xml_close(out, "CommonPrefixes");
    }
}

bool s3_list_objects(struct s3_request *request, struct error *error)
{
    struct s3_listing listing = {0};
    struct object_page page = {0};
    const char *marker = s3_query(request, "marker");

    if (!s3_listing_read(request, &listing, error)) {
        return false;
    }
    listing.options.after = marker != NULL ? marker : "";
    if (!object_list(request->store, &listing.options, request->arena, &page, error)) {
        return false;
    }
    struct buffer *out = s3_xml_begin(request, "ListBucketResult", error);

    if (out == NULL) {
        return false;
    }
    xml_leaf_text(out, "Name", request->bucket_name);
    s3_xml_key(out, "Prefix", listing.options.prefix, listing.url);
    s3_xml_key(out, "Marker", listing.options.after, listing.url);
    if (page.truncated && listing.options.delimiter[0] != '\0') {
        s3_xml_key(out, "NextMarker", page.next_key, listing.url);
    }
    s3_listing_rest(out, &listing, page.truncated);
    write_page(out, &listing, &page, true);
    return s3_xml_end(request, "ListBucketResult", error);
}

/* Where a page begins: after the token's key, else after start-after. */
static bool read_place(struct s3_request *request, struct s3_listing *listing, struct error *error)
{
    const char *token = s3_query(request, "continuation-token");
    const char *start = s3_query(request, "start-after");

    listing->options.after = start != NULL ? start : "";
    if (token == NULL) {
        return true;
    }
    listing->options.after = s3_token_read(request, token);
    return listing->options.after != NULL ||
           s3_bad_argument(request, "continuation-token", token, "The continuation token provided is incorrect", error);
}

bool s3_list_objects_v2(struct s3_request *request, struct error *error)
{
    struct s3_listing listing = {0};
    struct object_page page = {0};
    const char *fetch_owner = s3_query(request, "fetch-owner");
    const char *start = s3_query(request, "start-after");

    if (!s3_listing_read(request, &listing, error) || !read_place(request, &listing, error) ||
        !object_list(request->store, &listing.options, request->arena, &page, error)) {
        return false;
    }
    struct buffer *out = s3_xml_begin(request, "ListBucketResult", error);

    if (out == NULL) {
        return false;
    }
    xml_leaf_text(out, "Name", request->bucket_name);
    s3_xml_key(out, "Prefix", listing.options.prefix, listing.url);
    if (start != NULL) {
        s3_xml_key(out, "StartAfter", start, listing.url);
    }
    xml_leaf_text(out, "ContinuationToken", s3_query(request, "continuation-token"));
    if (page.truncated) {
        const char *token = s3_token(request, page.next_key, error);

        if (token == NULL) {
            return false;
        }
        xml_leaf_text(out, "NextContinuationToken", token);
    }
    xml_leaf_number(out, "KeyCount", (int64_t)(page.object_count + page.prefix_count));
    s3_listing_rest(out, &listing, page.truncated);
    write_page(out, &listing, &page, fetch_owner != NULL && strcmp(fetch_owner, "true") == 0);
    return s3_xml_end(request, "ListBucketResult", error);
}
