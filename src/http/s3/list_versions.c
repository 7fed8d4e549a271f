#include <string.h>

#include "http/s3/listing.h"
#include "http/s3/operation.h"

static void write_version(struct buffer *out, struct s3_listing *listing, const struct object *object)
{
    const char *element = object->delete_marker ? "DeleteMarker" : "Version";

    xml_open(out, element);
    s3_xml_key(out, "Key", object->key, listing->url);
    xml_leaf_text(out, "VersionId", object->version_id);
    xml_leaf_bool(out, "IsLatest", object->latest);
    if (object->delete_marker) {
        xml_leaf_time(out, "LastModified", object->modified_us);
    } else {
        s3_listing_facts(out, listing, object);
    }
    s3_listing_owner(out, listing, object->owner);
    xml_close(out, element);
}

static void write_page(struct buffer *out, struct s3_listing *listing, const struct object_page *page)
{
    const char *version = listing->options.after_version;

    xml_leaf_text(out, "Name", listing->options.bucket);
    s3_xml_key(out, "Prefix", listing->options.prefix, listing->url);
    s3_xml_key(out, "KeyMarker", listing->options.after, listing->url);
    xml_leaf_text(out, "VersionIdMarker", version != NULL ? version : "");
    if (page->truncated) {
        s3_xml_key(out, "NextKeyMarker", page->next_key, listing->url);
        xml_leaf_text(out, "NextVersionIdMarker", page->next_version);
    }
    s3_listing_rest(out, listing, page->truncated);
    for (size_t i = 0; i < page->object_count; i++) {
        write_version(out, listing, &page->objects[i]);
    }
    for (size_t i = 0; i < page->prefix_count; i++) {
        xml_open(out, "CommonPrefixes");
        s3_xml_key(out, "Prefix", page->prefixes[i], listing->url);
        xml_close(out, "CommonPrefixes");
    }
}

bool s3_list_object_versions(struct s3_request *request, struct error *error)
{
    struct s3_listing listing = {0};
    struct object_page page = {0};
    const char *key = s3_query(request, "key-marker"), *version = s3_query(request, "version-id-marker");

    if (!s3_listing_read(request, &listing, error)) {
        return false;
    }
    if (version != NULL && version[0] != '\0' && (key == NULL || key[0] == '\0')) {
        return s3_bad_argument(request, "version-id-marker", version,
                               "A version-id marker cannot be specified without a key marker.", error);
    }
    listing.options.versions = true;
    listing.options.after = key != NULL ? key : "";
    listing.options.after_version = version != NULL && version[0] != '\0' ? version : NULL;
    if (!object_list(request->store, &listing.options, request->arena, &page, error)) {
        return false;
    }
    struct buffer *out = s3_xml_begin(request, "ListVersionsResult", error);

    if (out == NULL) {
        return false;
    }
    write_page(out, &listing, &page);
    return s3_xml_end(request, "ListVersionsResult", error);
}
