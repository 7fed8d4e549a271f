#include <string.h>

#include "http/s3/body.h"
#include "http/s3/listing.h"
#include "http/s3/operation.h"

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

static void write_checksum(struct buffer *out, const struct upload *upload)
{
    if (upload->checksum_given) {
        xml_leaf_text(out, "ChecksumAlgorithm", s3_checksum_name(upload->checksum_kind));
        xml_leaf_text(out, "ChecksumType", upload->checksum_composite ? "COMPOSITE" : "FULL_OBJECT");
    }
}

static void write_upload(struct buffer *out, const struct upload *upload, bool url)
{
    xml_open(out, "Upload");
    s3_xml_key(out, "Key", upload->key, url);
    xml_leaf_text(out, "UploadId", upload->id);
    s3_xml_owner(out, "Initiator", upload->owner);
    s3_xml_owner(out, "Owner", upload->owner);
    xml_leaf_text(out, "StorageClass", upload->storage_class);
    xml_leaf_time(out, "Initiated", upload->started_us);
    write_checksum(out, upload);
    xml_close(out, "Upload");
}

static void write_uploads(struct buffer *out, const struct upload_listing *listing, const struct upload_page *page,
                          bool url)
{
    xml_leaf_text(out, "Bucket", listing->bucket);
    s3_xml_key(out, "KeyMarker", listing->after_key, url);
    xml_leaf_text(out, "UploadIdMarker", listing->after_id);
    s3_xml_key(out, "Prefix", listing->prefix, url);
    if (listing->delimiter[0] != '\0') {
        s3_xml_key(out, "Delimiter", listing->delimiter, url);
    }
    if (page->truncated) {
        s3_xml_key(out, "NextKeyMarker", page->next_key, url);
        xml_leaf_text(out, "NextUploadIdMarker", or_empty(page->next_id));
    }
    if (url) {
        xml_leaf_text(out, "EncodingType", "url");
    }
    xml_leaf_number(out, "MaxUploads", listing->most);
    xml_leaf_bool(out, "IsTruncated", page->truncated);
    for (size_t i = 0; i < page->upload_count; i++) {
        write_upload(out, &page->uploads[i], url);
    }
    for (size_t i = 0; i < page->prefix_count; i++) {
        xml_open(out, "CommonPrefixes");
        s3_xml_key(out, "Prefix", page->prefixes[i], url);
        xml_close(out, "CommonPrefixes");
    }
}

bool s3_list_multipart_uploads(struct s3_request *request, struct error *error)
{
    struct upload_listing listing = {
        .bucket = request->bucket_name,
        .prefix = or_empty(s3_query(request, "prefix")),
        .delimiter = or_empty(s3_query(request, "delimiter")),
        .after_key = or_empty(s3_query(request, "key-marker")),
        .after_id = or_empty(s3_query(request, "upload-id-marker")),
    };
    struct upload_page page = {0};
    bool url = false;

    if (!s3_query_number(request, "max-uploads", S3_MOST_LISTED, S3_MOST_LISTED, &listing.most, error) ||
        !s3_listing_encoding(request, &url, error) ||
        !upload_list(request->store, &listing, request->arena, &page, error)) {
        return false;
    }
    struct buffer *out = s3_xml_begin(request, "ListMultipartUploadsResult", error);

    if (out == NULL) {
        return false;
    }
    write_uploads(out, &listing, &page, url);
    return s3_xml_end(request, "ListMultipartUploadsResult", error);
}

/* A page of an upload's parts. */
struct part_page {
    unsigned after, most;
    struct upload_part *parts;
    size_t count;
    bool truncated;
};

static void write_parts(struct buffer *out, const struct s3_request *request, const struct upload *upload,
                        const struct part_page *page)
{
    xml_leaf_text(out, "Bucket", request->bucket_name);
    xml_leaf_text(out, "Key", request->key);
    xml_leaf_text(out, "UploadId", upload->id);
    s3_xml_owner(out, "Initiator", upload->owner);
    s3_xml_owner(out, "Owner", upload->owner);
    xml_leaf_text(out, "StorageClass", upload->storage_class);
    xml_leaf_number(out, "PartNumberMarker", page->after);
    if (page->truncated && page->count > 0) {
        xml_leaf_number(out, "NextPartNumberMarker", page->parts[page->count - 1].number);
    }
    xml_leaf_number(out, "MaxParts", page->most);
    xml_leaf_bool(out, "IsTruncated", page->truncated);
    write_checksum(out, upload);
    for (size_t i = 0; i < page->count; i++) {
        const struct upload_part *part = &page->parts[i];

        xml_open(out, "Part");
        xml_leaf_number(out, "PartNumber", part->number);
        xml_leaf_time(out, "LastModified", part->modified_us);
        s3_xml_etag(out, part->etag);
        xml_leaf_number(out, "Size", (int64_t)part->size_bytes);
        s3_xml_checksum_value(out, &part->checksum);
        xml_close(out, "Part");
    }
}

bool s3_list_parts(struct s3_request *request, struct error *error)
{
    const char *id = s3_query(request, "uploadId");
    struct upload upload = {0};
    struct part_page page = {0};

    if (!s3_query_number(request, "max-parts", S3_MOST_LISTED, S3_MOST_LISTED, &page.most, error) ||
        !s3_query_number(request, "part-number-marker", 0, UPLOAD_MAX_PARTS, &page.after, error) ||
        !upload_head(request->store, request->bucket_name, request->key, id, request->arena, &upload, error) ||
        !upload_parts(request->store, request->bucket_name, request->key, id, page.after, page.most, request->arena,
                      &page.parts, &page.count, &page.truncated, error)) {
        return false;
    }
    struct buffer *out = s3_xml_begin(request, "ListPartsResult", error);

    if (out == NULL) {
        return false;
    }
    write_parts(out, request, &upload, &page);
    return s3_xml_end(request, "ListPartsResult", error);
}
