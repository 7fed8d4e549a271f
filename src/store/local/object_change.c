/* Changing what is told of a version without its bytes: tags, ACL, retention and legal hold. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "store/local/local_private.h"

struct change_detail {
    const struct object_place *place;
    /* Packs again what has changed: of each letter in `replaced` nothing of the old detail stays. */
    const char *replaced;
    bool (*pack)(struct change_detail *change, struct buffer *into, struct error *error);
    bool (*judge)(const struct change_detail *change, const struct object_row *row, const struct bucket_row *bucket,
                  struct error *error); /* NULL: always */
    const struct store_field *tags;
    size_t tag_count;
    const char *acl;
    enum object_lock_mode mode;
    int64_t until_us;
    bool bypass, hold;
};

static void pack_text(struct buffer *into, const struct packed_text *text)
{
    buffer_append_char(into, text->letter);
    buffer_append(into, text->name, strlen(text->name) + 1);
    buffer_append(into, text->value, strlen(text->value) + 1);
}

static unsigned flags_of(const struct object_row *row, unsigned flags)
{
    struct packed_text text;

    flags &= ~(unsigned)(OBJECT_TAGGED | OBJECT_LOCKED);
    for (size_t at = 0; packed_next(row, &at, &text);) {
        flags |= text.letter == 't' ? OBJECT_TAGGED : text.letter == 'l' || text.letter == 'g' ? OBJECT_LOCKED : 0U;
    }
    return flags;
}

static bool apply_change(void *context, struct statement_cache *db, struct error *error)
{
    struct change_detail *change = context;
    struct buffer into __attribute__((cleanup(buffer_free))) = {0};
    struct bucket_row bucket;
    struct object_found found;
    struct packed_text text;

    if (!bucket_row_find(db, change->place->bucket, &bucket, error)) {
        return false;
    }
    int there = object_row_find(db, bucket.id, change->place->key, change->place->version_id, &found, error);

    if (there <= 0) {
        return there == 0 && object_absent(change->place, error);
    }
    struct object_row row = found.row;
    struct object seen = {.delete_marker = (row.flags & OBJECT_MARKER) != 0};
    bool good = object_judge_marker(change->place, &seen, error) &&
                (change->judge == NULL || change->judge(change, &row, &bucket, error));

    for (size_t at = 0; packed_next(&row, &at, &text);) {
        if (strchr(change->replaced, text.letter) == NULL) {
            pack_text(&into, &text);
        }
    }
    statement_done(found.statement);
    if (!good || !change->pack(change, &into, error) || !buffer_check(&into, error)) {
        return false;
    }
    row.detail = into.data;
    row.detail_bytes = into.length;
    row.flags = flags_of(&row, row.flags);
    return object_row_write(db, bucket.id, change->place->key, &row, error);
}

static bool pack_tags(struct change_detail *change, struct buffer *into, struct error *error)
{
    (void)error;
    for (size_t t = 0; t < change->tag_count; t++) {
        pack_text(into, &(struct packed_text){'t', change->tags[t].name, change->tags[t].value});
    }
    return true;
}

bool object_set_tags(struct local_store *store, const struct object_place *place, const struct store_field *tags,
                     size_t count, struct error *error)
{
    struct change_detail change = {
        .place = place, .replaced = "t", .pack = pack_tags, .tags = tags, .tag_count = count};

    return object_check_tags(tags, count, error) && committer_do(store->committer, apply_change, &change, error);
}

static bool pack_acl(struct change_detail *change, struct buffer *into, struct error *error)
{
    (void)error;
    if (change->acl != NULL) {
        pack_text(into, &(struct packed_text){'a', "", change->acl});
    }
    return true;
}

bool object_set_acl(struct local_store *store, const struct object_place *place, const char *json, struct error *error)
{
    struct change_detail change = {.place = place, .replaced = "a", .pack = pack_acl, .acl = json};

    return committer_do(store->committer, apply_change, &change, error);
}

static bool need_object_lock(const struct bucket_row *bucket, const struct change_detail *change, struct error *error)
{
    return bucket->object_lock ||
           error_set_named(error, ERROR_INVALID, "InvalidRequest", "the bucket \"%s\" was not made with object lock",
                           change->place->bucket);
}

static bool judge_retention(const struct change_detail *change, const struct object_row *row,
                            const struct bucket_row *bucket, struct error *error)
{
    struct packed_text text;

    if (!need_object_lock(bucket, change, error)) {
        return false;
    }
    for (size_t at = 0; packed_next(row, &at, &text);) {
        if (text.letter != 'l') {
            continue;
        }
        int64_t until_us = strtoll(text.value, NULL, 10);
        bool compliance = strcmp(text.name, "COMPLIANCE") == 0;
        bool weaker =
            change->mode == LOCK_NONE || change->until_us < until_us || (compliance && change->mode != LOCK_COMPLIANCE);

        if (weaker && until_us > clock_now_us() && (compliance || !change->bypass)) {
            return error_set_named(error, ERROR_DENIED, "AccessDenied",
                                   "the version is locked (%s); its retention can only be made stricter", text.name);
        }
    }
    return true;
}

static bool pack_retention(struct change_detail *change, struct buffer *into, struct error *error)
{
    (void)error;
    object_pack_lock(into, change->mode, change->until_us, false);
    return true;
}

bool object_set_retention(struct local_store *store, const struct object_place *place, enum object_lock_mode mode,
                          int64_t until_us, bool bypass, struct error *error)
{
    struct change_detail change = {.place = place,
                                   .replaced = "l",
                                   .pack = pack_retention,
                                   .judge = judge_retention,
                                   .mode = mode,
                                   .until_us = until_us,
                                   .bypass = bypass};

    if (mode != LOCK_NONE && until_us <= clock_now_us()) {
        return error_set_named(error, ERROR_INVALID, "InvalidArgument", "the retain until date must be in the future");
    }
    return committer_do(store->committer, apply_change, &change, error);
}

static bool judge_hold(const struct change_detail *change, const struct object_row *row,
                       const struct bucket_row *bucket, struct error *error)
{
    (void)row;
    return need_object_lock(bucket, change, error);
}

static bool pack_hold(struct change_detail *change, struct buffer *into, struct error *error)
{
    (void)error;
    object_pack_lock(into, LOCK_NONE, 0, change->hold);
    return true;
}

bool object_set_legal_hold(struct local_store *store, const struct object_place *place, bool hold, struct error *error)
{
    struct change_detail change = {
        .place = place, .replaced = "g", .pack = pack_hold, .judge = judge_hold, .hold = hold};

    return committer_do(store->committer, apply_change, &change, error);
}

static bool copy_tags(const struct object_row *row, struct arena *arena, struct store_field **tags, size_t *count,
                      struct error *error)
{
    struct packed_text text;
    size_t room = 0;

    for (size_t at = 0; packed_next(row, &at, &text);) {
        room += text.letter == 't';
    }
    *tags = arena_take(arena, (room + 1) * sizeof **tags, error);
    if (*tags == NULL) {
        return false;
    }
    for (size_t at = 0; packed_next(row, &at, &text);) {
        if (text.letter == 't') {
            struct store_field *tag = &(*tags)[(*count)++];

            tag->name = arena_text(arena, text.name, strlen(text.name), error);
            tag->value = tag->name != NULL ? arena_text(arena, text.value, strlen(text.value), error) : NULL;
            if (tag->value == NULL) {
                return false;
            }
        }
    }
    return true;
}

bool object_tags(struct local_store *store, const struct object_place *place, struct arena *arena,
                 struct store_field **tags, size_t *count, struct error *error)
{
    const struct bucket *bucket = bucket_find(store, place->bucket, error);
    struct statement_cache *reader = bucket != NULL ? local_read_begin(store, error) : NULL;
    struct object_found found;
    int there = reader != NULL ? object_row_find(reader, bucket->id, place->key, place->version_id, &found, error) : -1;
    bool good = false;

    *tags = NULL;
    *count = 0;
    if (there > 0) {
        struct object seen = {.delete_marker = (found.row.flags & OBJECT_MARKER) != 0};

        good = object_judge_marker(place, &seen, error) && copy_tags(&found.row, arena, tags, count, error);
        statement_done(found.statement);
    } else if (there == 0) {
        object_absent(place, error);
    }
    local_read_end(store, reader);
    bucket_release(store, bucket);
    return good;
}
