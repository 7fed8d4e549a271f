#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http/date.h"
#include "http/s3/object_facts.h"
#include "http/s3/operation.h"

enum attribute { WITH_ETAG = 1, WITH_CHECKSUM = 2, WITH_PARTS = 4, WITH_CLASS = 8, WITH_SIZE = 16 };

static const struct named {
    const char *name;
    unsigned attribute;
} attributes[] = {
    {"ETag", WITH_ETAG},          {"Checksum", WITH_CHECKSUM}, {"ObjectParts", WITH_PARTS},
    {"StorageClass", WITH_CLASS}, {"ObjectSize", WITH_SIZE},
};

/* One header's names, divided by commas. */
static bool add_wanted(struct s3_request *request, struct str names, unsigned *wanted, struct error *error)
{
    const char *text = names.data;

    while (*text != '\0') {
        size_t length = strcspn(text, ","), i = 0, known = sizeof attributes / sizeof attributes[0];
        struct str name = str_trim(str_slice(text, length));

        while (i < known && !str_is(name, attributes[i].name)) {
            i++;
        }
        if (i == known) {
            return s3_bad_argument(request, "x-amz-object-attributes", names.data, "Invalid attribute name specified.",
                                   error);
        }
        *wanted |= attributes[i].attribute;
        text += length + (text[length] == ',');
    }
    return true;
}

/* Some clients send a header for each name. */
static bool read_wanted(struct s3_request *request, unsigned *wanted, struct error *error)
{
    static const char header[] = "x-amz-object-attributes";
    size_t count = 0;
    const struct sign_field *headers = s3_headers(request, &count);

    *wanted = 0;
    for (size_t i = 0; i < count; i++) {
        if (headers[i].name.length == sizeof header - 1 &&
            strncasecmp(headers[i].name.data, header, sizeof header - 1) == 0 &&
            !add_wanted(request, headers[i].value, wanted, error)) {
            return false;
        }
    }
    return *wanted != 0 || error_set_named(error, ERROR_INVALID, "InvalidRequest",
                                           "The x-amz-object-attributes header specifying the attributes to be "
                                           "retrieved is either missing or empty");
}

/* A header that is a whole number. */
static bool read_count(struct s3_request *request, const char *name, unsigned fallback, unsigned *count,
                       struct error *error)
{
    const char *text = s3_header(request, name);
    char *end = NULL;

    *count = fallback;
    if (text == NULL) {
        return true;
    }
    unsigned long value = strtoul(text, &end, 10);

    if (text[0] < '0' || text[0] > '9' || *end != '\0') {
        return s3_bad_argument(request, name, text, "The header is not a whole number", error);
    }
    *count = value < UPLOAD_MAX_PARTS ? (unsigned)value : UPLOAD_MAX_PARTS;
    return true;
}

static bool write_part(struct s3_request *request, const struct object_place *place, unsigned number,
                       struct buffer *out, struct error *error)
{
    struct object_checksum checksum = {0};
    uint64_t offset = 0, size = 0;

    if (!object_part_range(request->store, place, number, &offset, &size, &checksum, error)) {
        return false;
    }
    xml_open(out, "Part");
    s3_xml_checksum_value(out, &checksum);
    xml_leaf_number(out, "PartNumber", number);
    xml_leaf_number(out, "Size", (int64_t)size);
    xml_close(out, "Part");
    return true;
}

/* Single parts are told only of an object that has their checksums, as S3 does. */
static bool write_parts(struct s3_request *request, const struct object *object, struct buffer *out,
                        struct error *error)
{
    struct object_place place = s3_place(request);
    unsigned after = 0, most = 0;

    if (!read_count(request, "x-amz-part-number-marker", 0, &after, error) ||
        !read_count(request, "x-amz-max-parts", 1000, &most, error)) {
        return false;
    }
    unsigned last = object->part_count > after && object->part_count - after > most ? after + most : object->part_count;

    if (request->bucket->versioning != VERSIONING_NEVER) {
        place.version_id = object->version_id;
    }
    xml_open(out, "ObjectParts");
    xml_leaf_number(out, "PartsCount", object->part_count);
    if (object->checksum.present && object->checksum.composite) {
        xml_leaf_number(out, "PartNumberMarker", after);
        xml_leaf_number(out, "NextPartNumberMarker", last);
        xml_leaf_number(out, "MaxParts", most);
        xml_leaf_bool(out, "IsTruncated", last < object->part_count);
        for (unsigned number = after + 1; number <= last; number++) {
            if (!write_part(request, &place, number, out, error)) {
                return false;
            }
        }
    }
    xml_close(out, "ObjectParts");
    return true;
}

bool s3_get_object_attributes(struct s3_request *request, struct error *error)
{
    struct object object = {0};
    unsigned wanted = 0;
    char modified[30];

    if (!read_wanted(request, &wanted, error) || !s3_object_find(request, &object, error) ||
        !s3_object_check_key(request, &object, error)) {
        return false;
    }
    http_date_format(object.modified_us, modified);
    if (!answer_header(request->exchange, "Last-Modified", modified, error) ||
        !s3_answer_version(request, request->bucket, object.version_id, error)) {
        return false;
    }
    struct buffer *out = s3_xml_begin(request, "GetObjectAttributesResponse", error);

    if (out == NULL) {
        return false;
    }
    xml_leaf_text(out, "ETag", (wanted & WITH_ETAG) != 0 ? object.etag : NULL);
    if ((wanted & WITH_CHECKSUM) != 0 && object.checksum.present) {
        xml_open(out, "Checksum");
        s3_xml_checksum(out, &object.checksum);
        xml_close(out, "Checksum");
    }
    if ((wanted & WITH_PARTS) != 0 && object.part_count > 0 && !write_parts(request, &object, out, error)) {
        return false;
    }
    xml_leaf_text(out, "StorageClass", (wanted & WITH_CLASS) != 0 ? object.storage_class : NULL);
    if ((wanted & WITH_SIZE) != 0) {
        xml_leaf_number(out, "ObjectSize", (int64_t)object.size_bytes);
    }
    return s3_xml_end(request, "GetObjectAttributesResponse", error);
}
