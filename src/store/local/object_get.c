/* Looking an object up. */
#include <string.h>

#include "store/local/local_private.h"

bool object_judge_marker(const struct object_place *place, const struct object *object, struct error *error)
{
    if (!object->delete_marker) {
        return true;
    }
    return place->version_id == NULL
               ? object_absent(place, error)
               : error_set_named(error, ERROR_USAGE, "MethodNotAllowed",
                                 "version %s of %s/%s is a delete marker, which can only be deleted", place->version_id,
                                 place->bucket, place->key);
}

static bool head_in(struct local_store *store, const struct bucket *bucket, const struct object_place *place,
                    struct arena *arena, struct object *object, struct error *error)
{
    struct statement_cache *reader = local_read_begin(store, error);
    struct object_found found;
    int there = reader != NULL ? object_row_find(reader, bucket->id, place->key, place->version_id, &found, error) : -1;
    bool good = there > 0;

    if (good) {
        good = object_unpack(bucket, place->key, &found.row, found.latest, arena, object, error);
        statement_done(found.statement);
    } else if (there == 0) {
        object_absent(place, error);
    }
    local_read_end(store, reader);
    return good && object_judge_marker(place, object, error);
}

bool object_head(struct local_store *store, const struct object_place *place, struct arena *arena,
                 struct object *object, struct error *error)
{
    const struct bucket *bucket = bucket_find(store, place->bucket, error);

    memset(object, 0, sizeof *object);
    if (bucket == NULL) {
        return false;
    }
    bool good = head_in(store, bucket, place, arena, object, error);

    bucket_release(store, bucket);
    return good;
}
