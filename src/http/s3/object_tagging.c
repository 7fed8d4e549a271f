#include "http/s3/answer.h"
#include "http/s3/object_facts.h"
#include "http/s3/operation.h"
#include "http/s3/put_headers.h"
#include "http/s3/setting.h"

bool s3_get_object_tagging(struct s3_request *request, struct error *error)
{
    struct object_place place = s3_place(request);
    struct object object = {0};
    struct store_field *tags = NULL;
    size_t count = 0;

    if (!s3_object_find(request, &object, error)) {
        return false;
    }
    place.version_id = object.version_id;
    if (!object_tags(request->store, &place, request->arena, &tags, &count, error) ||
        !s3_answer_version(request, request->bucket, object.version_id, error)) {
        return false;
    }
    struct buffer *out = s3_xml_begin(request, "Tagging", error);

    if (out == NULL) {
        return false;
    }
    xml_open(out, "TagSet");
    for (size_t i = 0; i < count; i++) {
        xml_open(out, "Tag");
        xml_leaf_text(out, "Key", tags[i].name);
        xml_leaf_text(out, "Value", tags[i].value);
        xml_close(out, "Tag");
    }
    xml_close(out, "TagSet");
    return s3_xml_end(request, "Tagging", error);
}

static bool set_tags(struct s3_request *request, const struct store_field *tags, size_t count, struct error *error)
{
    struct object_place place = s3_place(request);
    struct object object = {0};

    if (!s3_object_find(request, &object, error)) {
        return false;
    }
    place.version_id = object.version_id;
    return object_set_tags(request->store, &place, tags, count, error) &&
           s3_answer_version(request, request->bucket, object.version_id, error);
}

bool s3_put_object_tagging(struct s3_request *request, struct error *error)
{
    struct store_field *tags = NULL;
    size_t count = 0;
    json_t *value = setting_document(request, &shape_tagging, error);
    bool good = value != NULL && setting_tags_read(request, value, &tags, &count, error) &&
                s3_tags_check(request, tags, count, OBJECT_MAX_TAGS, error);

    json_decref(value);
    if (!good) {
        return false;
    }
    const struct object_place place = s3_place(request);
    const char *action = request->version_id != NULL ? "s3:PutObjectVersionTagging" : "s3:PutObjectTagging";

    request->new_tags = tags;
    request->new_tag_count = count;
    return s3_allow(request, action, request->bucket, &place, error) && set_tags(request, tags, count, error);
}

bool s3_delete_object_tagging(struct s3_request *request, struct error *error)
{
    answer_status(request->exchange, 204);
    return set_tags(request, NULL, 0, error);
}
