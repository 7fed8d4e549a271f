/* PostObject: a browser's form. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "http/s3/acl.h"
#include "http/s3/answer.h"
#include "http/s3/body.h"
#include "http/s3/form.h"
#include "http/s3/operation.h"
#include "http/s3/post_policy.h"
#include "http/s3/put_headers.h"
#include "http/s3/setting.h"

/* "${filename}" in the key stands for the file's name. */
static const char *make_key(struct s3_request *request, const char *key, const char *filename, struct error *error)
{
    const char *at = strstr(key, "${filename}");
    const char *base = strrchr(filename, '/');

    base = base != NULL ? base + 1 : filename;
    return at == NULL ? key : arena_format(request->arena, error, "%.*s%s%s", (int)(at - key), key, base, at + 11);
}

static bool starts_with(struct str text, const char *prefix)
{
    size_t length = strlen(prefix);

    return text.length >= length && strncasecmp(text.data, prefix, length) == 0;
}

/* A field that becomes a header of answers can hold only what a header can (RFC 9110, 5.1 and 5.5). */
static bool check_field(struct s3_request *request, const struct sign_field *field, struct error *error)
{
    bool header = starts_with(field->name, "x-amz-") || starts_with(field->name, "Content-") ||
                  starts_with(field->name, "Cache-Control") || starts_with(field->name, "Expires");
    bool good = true;

    for (size_t i = 0; header && i < field->name.length; i++) {
        unsigned char c = (unsigned char)field->name.data[i];

        good = good && c > ' ' && c < 127 && strchr("()<>@,;:\\\"/[]?={}", c) == NULL;
    }
    for (size_t i = 0; header && i < field->value.length; i++) {
        unsigned char c = (unsigned char)field->value.data[i];

        good = good && (c >= ' ' || c == '\t') && c != 127;
    }
    return good ||
           s3_bad_argument(request, "field", arena_text(request->arena, field->name.data, field->name.length, NULL),
                           "A field of the form holds what a header cannot.", error);
}

/* The form's fields stand for headers from here on: "acl" for x-amz-acl. The type that a browser gives the file says
 * nothing: the field Content-Type does. */
static bool fields_as_headers(struct s3_request *request, const struct sign_field *fields, size_t count,
                              struct error *error)
{
    struct sign_field *headers = arena_take(request->arena, (count + 1) * sizeof *headers, error);

    if (headers == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!check_field(request, &fields[i], error)) {
            return false;
        }
        headers[i] = fields[i];
        if (fields[i].name.length == 3 && strncasecmp(fields[i].name.data, "acl", 3) == 0) {
            headers[i].name = str_of("x-amz-acl");
        }
    }
    request->fields = headers;
    request->field_count = count;
    return true;
}

/* The field "tagging" is a Tagging document. */
static bool read_tags(struct s3_request *request, struct error *error)
{
    const char *text = s3_header(request, "tagging");
    const struct object_place place = s3_place(request);
    struct store_field *tags = NULL;
    size_t count = 0;

    if (text == NULL) {
        return true;
    }
    json_t *value = shape_from_xml(&shape_tagging, text, strlen(text), request->arena, error);
    bool good = value != NULL && setting_tags_read(request, value, &tags, &count, error) &&
                s3_tags_check(request, tags, count, OBJECT_MAX_TAGS, error);

    json_decref(value);
    request->put.tags = request->new_tags = tags;
    request->put.tag_count = request->new_tag_count = count;
    return good && s3_allow(request, "s3:PutObjectTagging", request->bucket, &place, error);
}

static bool check_policy(struct s3_request *request, const struct sign_field *fields, size_t count, struct error *error)
{
    const char *policy = form_value(fields, count, "policy");

    if (policy == NULL) {
        request->sizes = (struct post_sizes){0, UINT64_MAX};
        return true;
    }
    return post_policy_check(policy, fields, count, request->bucket_name, clock_now_us(), &request->sizes,
                             request->arena, error);
}

static bool begin_file(void *context, const struct sign_field *fields, size_t count, const char *filename,
                       struct error *error)
{
    struct s3_request *request = context;
    const char *key = form_value(fields, count, "key");

    if (key == NULL || key[0] == '\0') {
        return error_set_named(error, ERROR_INVALID, "UserKeyMustBeSpecified", "the form has no key");
    }
    request->key = make_key(request, key, filename, error);
    if (request->key == NULL || !s3_check_key(request, error) ||
        !access_authenticate_form(request->s3->access, request->exchange, fields, count, &request->caller, error) ||
        !check_policy(request, fields, count, error)) {
        return false;
    }
    const struct object_place place = s3_place(request);

    request->exchange->log_key = request->key;
    request->exchange->log_principal = request->caller.name;
    if (!fields_as_headers(request, fields, count, error) || !read_tags(request, error) ||
        !s3_allow(request, "s3:PutObject", request->bucket, &place, error) || !s3_put_from_headers(request, error) ||
        !s3_body_checksums(request, error)) {
        return false;
    }
    request->put.event = "ObjectCreated:Post";
    request->put.digests = s3_body_digests(request);
    request->body.put = object_put_begin(request->store, &request->put, error);
    return request->body.put != NULL;
}

static bool take(void *context, const void *data, size_t size, struct error *error)
{
    struct s3_request *request = context;
    uint64_t most = request->s3->options.max_object_bytes;

    request->body.received_bytes += size;
    most = request->sizes.most_bytes < most ? request->sizes.most_bytes : most;
    if (request->body.received_bytes > most) {
        s3_extra(request, "MaxSizeAllowed", arena_format(request->arena, NULL, "%llu", (unsigned long long)most));
        return error_set_named(error, ERROR_LIMIT, "EntityTooLarge", "the file is larger than it may be");
    }
    return object_put_write(request->body.put, data, size, error);
}

bool s3_post_object_begin(struct s3_request *request, struct error *error)
{
    const struct form_options options = {
        .content_type = exchange_header(request->exchange, "Content-Type"),
        .arena = request->arena,
        .begin_file = begin_file,
        .take = take,
        .context = request,
    };

    request->body.form = form_new(&options, error);
    return request->body.form != NULL;
}

static const char *location(struct s3_request *request, struct error *error)
{
    const char *host = exchange_header(request->exchange, "Host");
    const char *path = request->exchange->path;
    const char *key = sign_encode(str_of(request->key), true, request->arena, error);
    size_t length = strlen(path);

    while (length > 0 && path[length - 1] == '/') {
        length--;
    }
    return key == NULL
               ? NULL
               : arena_format(request->arena, error, "%s://%s%.*s/%s", request->exchange->tls ? "https" : "http",
                              host != NULL ? host : "", (int)length, path, key);
}

static bool redirect(struct s3_request *request, const char *url, const struct object *object, struct error *error)
{
    const char *bucket = sign_encode(str_of(request->bucket_name), false, request->arena, error);
    const char *key = sign_encode(str_of(request->key), false, request->arena, error);

    answer_status(request->exchange, 303);
    return bucket != NULL && key != NULL &&
           answer_header_format(request->exchange, error, "Location", "%s%cbucket=%s&key=%s&etag=%%22%s%%22", url,
                                strchr(url, '?') != NULL ? '&' : '?', bucket, key, object->etag);
}

static bool answer_created(struct s3_request *request, const char *url, const struct object *object,
                           struct error *error)
{
    struct buffer *out = answer_body(request->exchange);

    answer_status(request->exchange, 201);
    xml_declare(out);
    xml_open(out, "PostResponse");
    xml_leaf_text(out, "Location", url);
    xml_leaf_text(out, "Bucket", request->bucket_name);
    xml_leaf_text(out, "Key", request->key);
    s3_xml_etag(out, object->etag);
    return answer_header(request->exchange, "Content-Type", "application/xml", error) &&
           s3_xml_end(request, "PostResponse", error);
}

bool s3_post_object(struct s3_request *request, struct error *error)
{
    struct object object = {0};

    if (!form_end(request->body.form, error)) {
        return false;
    }
    if (request->body.received_bytes < request->sizes.least_bytes) {
        return error_set_named(error, ERROR_INVALID, "EntityTooSmall", "the file is smaller than it may be");
    }
    if (!object_put_finish(request->body.put, &request->body.expected, request->arena, &object, error) ||
        !s3_answer_etag(request, object.etag, error) ||
        !s3_answer_version(request, request->bucket, object.version_id, error) ||
        !s3_answer_encryption(request, object.encryption, object.customer_key_md5, error)) {
        return false;
    }
    const char *to = s3_header(request, "success_action_redirect");
    const char *status = s3_header(request, "success_action_status");
    const char *url = location(request, error);

    if (url == NULL) {
        return false;
    }
    to = to != NULL ? to : s3_header(request, "redirect");
    if (to != NULL && (strncmp(to, "http://", 7) == 0 || strncmp(to, "https://", 8) == 0)) {
        return redirect(request, to, &object, error);
    }
    if (!answer_header(request->exchange, "Location", url, error)) {
        return false;
    }
    if (status != NULL && strcmp(status, "201") == 0) {
        return answer_created(request, url, &object, error);
    }
    answer_status(request->exchange, status != NULL && strcmp(status, "200") == 0 ? 200 : 204);
    return true;
}
