/* Conditions of requests on an object's ETag, time and size. */
#include <string.h>

#include "base/str.h"
#include "store/local/local_private.h"

/* One of a list of entity tags (RFC 9110, 8.8.3), or *. Quotes may be missing, as S3 allows. */
static bool tag_matches(struct str tag, const char *etag, bool weak)
{
    if (str_starts_with(tag, "W/")) {
        if (!weak) {
            return false;
        }
        tag = str_slice(tag.data + 2, tag.length - 2);
    }
    if (tag.length >= 2 && tag.data[0] == '"' && tag.data[tag.length - 1] == '"') {
        tag = str_slice(tag.data + 1, tag.length - 2);
    }
    return str_is(tag, etag);
}

/* Whether a list holds the tag; `weak`: compared as If-None-Match does. */
static bool list_holds(const char *list, const char *etag, bool weak)
{
    for (;;) {
        size_t length = strcspn(list, ",");
        struct str tag = str_trim(str_slice(list, length));

        if (str_is(tag, "*") || tag_matches(tag, etag, weak)) {
            return true;
        }
        if (list[length] == '\0') {
            return false;
        }
        list += length + 1;
    }
}

static bool precondition(const char *which, struct error *error)
{
    return error_set_named(error, ERROR_CONFLICT, "PreconditionFailed",
                           "at least one of the preconditions that were given does not hold: %s", which);
}

static bool not_modified(const struct object *object, struct error *error)
{
    return error_set_named(error, ERROR_CONFLICT, "NotModified", "%s has not changed", object->key);
}

/* HTTP knows seconds only. */
static int64_t second_of(int64_t time_us)
{
    return time_us / 1000000;
}

bool object_conditions_hold(const struct object *object, const struct object_conditions *conditions,
                            struct error *error)
{
    if (conditions->if_match != NULL) {
        if (!list_holds(conditions->if_match, object->etag, false)) {
            return precondition("If-Match", error);
        }
    } else if (conditions->if_unmodified_since_us != 0 &&
               second_of(object->modified_us) > second_of(conditions->if_unmodified_since_us)) {
        return precondition("If-Unmodified-Since", error);
    }
    if (conditions->if_none_match != NULL) {
        return !list_holds(conditions->if_none_match, object->etag, true) || not_modified(object, error);
    }
    return conditions->if_modified_since_us == 0 ||
           second_of(object->modified_us) > second_of(conditions->if_modified_since_us) || not_modified(object, error);
}

bool conditions_for_write(const struct object_conditions *conditions, const struct object_place *place,
                          const struct object_row *current, struct error *error)
{
    char etag[ETAG_CHARACTERS + 1];

    if (conditions->if_match == NULL && conditions->if_none_match == NULL) {
        return true;
    }
    if (current == NULL || (current->flags & OBJECT_MARKER) != 0) {
        return conditions->if_match == NULL || object_absent(place, error);
    }
    object_row_etag(current, etag);
    if (conditions->if_match != NULL && !list_holds(conditions->if_match, etag, false)) {
        return precondition("If-Match", error);
    }
    return conditions->if_none_match == NULL || !list_holds(conditions->if_none_match, etag, true) ||
           precondition("If-None-Match", error);
}

bool conditions_for_delete(const struct object_conditions *conditions, const struct object_row *row,
                           struct error *error)
{
    char etag[ETAG_CHARACTERS + 1];

    if (row == NULL || (row->flags & OBJECT_MARKER) != 0) {
        return true;
    }
    object_row_etag(row, etag);
    if (conditions->if_match != NULL && !list_holds(conditions->if_match, etag, false)) {
        return precondition("If-Match", error);
    }
    if (conditions->if_none_match != NULL && list_holds(conditions->if_none_match, etag, true)) {
        return precondition("If-None-Match", error);
    }
    if (conditions->if_unmodified_since_us != 0 &&
        second_of(row->modified_us) > second_of(conditions->if_unmodified_since_us)) {
        return precondition("If-Unmodified-Since", error);
    }
    return !conditions->if_size_given || row->size_bytes == (uint64_t)conditions->if_size ||
           precondition("x-amz-if-match-size", error);
}
