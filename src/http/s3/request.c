#include "http/s3/request.h"

#include <stdlib.h>
#include <string.h>

#include "http/s3/errors.h"
#include "http/s3/form.h"

const char *s3_header(const struct s3_request *request, const char *name)
{
    const char *value = request->fields != NULL ? form_value(request->fields, request->field_count, name)
                                                : exchange_header(request->exchange, name);

    return value != NULL && value[0] != '\0' ? value : NULL;
}

const struct sign_field *s3_headers(const struct s3_request *request, size_t *count)
{
    *count = request->fields != NULL ? request->field_count : request->exchange->request.header_count;
    return request->fields != NULL ? request->fields : request->exchange->request.headers;
}

const char *s3_query(const struct s3_request *request, const char *name)
{
    return exchange_query(request->exchange, name);
}

void s3_extra(struct s3_request *request, const char *name, const char *value)
{
    if (request->extra_count < S3_MOST_EXTRAS) {
        request->extras[request->extra_count++] = (struct s3_extra){name, value};
    }
}

bool s3_bad_argument(struct s3_request *request, const char *name, const char *value, const char *message,
                     struct error *error)
{
    s3_extra(request, "ArgumentName", name);
    s3_extra(request, "ArgumentValue", value);
    return error_set_named(error, ERROR_INVALID, "InvalidArgument", "%s", message);
}

bool s3_check_key(struct s3_request *request, struct error *error)
{
    size_t length = strlen(request->key), wrong = 0;

    if (length > OBJECT_MAX_KEY_BYTES) {
        s3_extra(request, "MaxSizeAllowed", "1024");
        return error_set_named(error, ERROR_INVALID, "KeyTooLongError", "the key has %zu bytes, more than %d", length,
                               OBJECT_MAX_KEY_BYTES);
    }
    return str_is_utf8(str_of(request->key), &wrong) ||
           error_set_named(error, ERROR_INVALID, "InvalidURI", "The key is not UTF-8 at its byte %zu.", wrong);
}

struct object_place s3_place(const struct s3_request *request)
{
    return (struct object_place){request->bucket_name, request->key, request->version_id};
}

static bool error_forward(struct error *error, const struct error *problem)
{
    if (error != NULL) {
        *error = *problem;
    }
    return false;
}

static bool add_tag(struct s3_request *request, const char *form, const struct store_field *tag,
                    struct sign_field *field, struct error *error)
{
    const char *name = arena_format(request->arena, error, "%s/%s", form, tag->name);

    if (name != NULL) {
        *field = (struct sign_field){str_of(name), str_of(tag->value)};
    }
    return name != NULL;
}

/* Tags of the object, and those that a document is to give it, as condition keys. What is not there has none; that it
 * is missing is the operation's to say. */
static bool tag_context(struct s3_request *request, const struct object_place *place, struct access_ask *ask,
                        struct error *error)
{
    struct error problem = {0};
    struct store_field *tags = NULL;
    size_t count = 0;

    if (access_needs_tags(&request->caller, ask->rights) &&
        !object_tags(request->store, place, request->arena, &tags, &count, &problem) &&
        s3_error_of(&problem)->status >= 500) {
        return error_forward(error, &problem);
    }
    size_t room = count + 2 * request->new_tag_count;
    struct sign_field *context = room == 0 ? NULL : arena_take(request->arena, room * sizeof *context, error);

    if (room > 0 && context == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!add_tag(request, "s3:ExistingObjectTag", &tags[i], &context[ask->context_count++], error)) {
            return false;
        }
    }
    for (size_t i = 0; i < request->new_tag_count; i++) {
        const struct store_field *tag = &request->new_tags[i];

        context[ask->context_count++] = (struct sign_field){str_of("s3:RequestObjectTagKeys"), str_of(tag->name)};
        if (!add_tag(request, "s3:RequestObjectTag", tag, &context[ask->context_count++], error)) {
            return false;
        }
    }
    ask->context = context;
    return true;
}

/* What only the object tells: whose it is, its ACL and its tags. */
static bool object_context(struct s3_request *request, const struct object_place *place, struct access_ask *ask,
                           struct error *error)
{
    if (access_rights_acls(ask->rights)) {
        struct error problem = {0};
        struct object object = {0};

        if (object_head(request->store, place, request->arena, &object, &problem)) {
            ask->object_owner = object.owner;
            ask->object_acl = object.acl;
        } else if (s3_error_of(&problem)->status >= 500) {
            return error_forward(error, &problem);
        }
    }
    return tag_context(request, place, ask, error);
}

bool s3_allow(struct s3_request *request, const char *action, const struct bucket *bucket,
              const struct object_place *place, struct error *error)
{
    struct access_ask ask = {
        .action = action,
        .bucket_name = place != NULL                     ? place->bucket
                       : request->bucket_name[0] != '\0' ? request->bucket_name
                                                         : NULL,
        .bucket = bucket,
        .rights = bucket != NULL ? bucket->derived : NULL,
        .key = place != NULL ? place->key : NULL,
        .version_id = place != NULL ? place->version_id : NULL,
        .headers = request->fields,
        .header_count = request->field_count,
    };

    return (bucket == NULL || place == NULL || object_context(request, place, &ask, error)) &&
           access_allow(request->s3->access, request->exchange, &request->caller, &ask, error);
}

bool s3_query_number(struct s3_request *request, const char *name, unsigned fallback, unsigned most, unsigned *number,
                     struct error *error)
{
    const char *text = s3_query(request, name);
    char *end = NULL;

    *number = fallback;
    if (text == NULL || text[0] == '\0') {
        return true;
    }
    unsigned long value = strtoul(text, &end, 10);

    if (text[0] < '0' || text[0] > '9' || *end != '\0' || value > 2147483647) {
        const char *message =
            arena_format(request->arena, error, "Provided %s not an integer or within integer range", name);

        return message != NULL && s3_bad_argument(request, name, text, message, error);
    }
    *number = value < most ? (unsigned)value : most;
    return true;
}
