/* Listing uploads that are not complete, and their parts. */
#include <stdio.h>
#include <string.h>

#include "store/local/upload_private.h"

static const char list_sql[] = "SELECT key, id, owner, started_us, flags, detail FROM upload WHERE bucket = ?1 AND "
                               "(key, id) > (?2, ?3) AND completed_us IS NULL ORDER BY key, id";
static const char parts_sql[] = "SELECT number, size_bytes, modified_us, hash, checksum_kind, checksum FROM part "
                                "WHERE upload = ?1 AND number > ?2 ORDER BY number LIMIT ?3";

/* No upload's id comes after it. */
static const char after_every_id[] = "~";

struct listing_context {
    const struct upload_listing *listing;
    struct arena *arena;
    struct upload_page *page;
    const char *prefix; /* the common prefix that was found last */
};

/* The common prefix of a key, with its delimiter; 0: it has none. */
static size_t common_prefix(const struct upload_listing *listing, const char *key)
{
    size_t skipped = strlen(listing->prefix);
    const char *found = listing->delimiter[0] != '\0' ? strstr(key + skipped, listing->delimiter) : NULL;

    return found != NULL ? (size_t)(found - key) + strlen(listing->delimiter) : 0;
}

static bool is_full(struct listing_context *work)
{
    struct upload_page *page = work->page;

    page->truncated = page->upload_count + page->prefix_count >= work->listing->most;
    return page->truncated;
}

/* Takes a row; `*more` false: the page is full. */
static bool take_row(struct listing_context *work, sqlite3_stmt *list, bool *more, struct error *error)
{
    const struct upload_listing *listing = work->listing;
    struct upload_page *page = work->page;
    struct arena *arena = work->arena;
    const char *key = statement_text(list, 0, arena, error);
    const char *id = key != NULL ? statement_text(list, 1, arena, error) : NULL;

    if (id == NULL) {
        return false;
    }
    size_t length = common_prefix(listing, key);

    if (length > 0 && ((work->prefix != NULL && strncmp(work->prefix, key, length) == 0) ||
                       (strlen(listing->after_key) == length && strncmp(listing->after_key, key, length) == 0))) {
        return true;
    }
    *more = !is_full(work);
    if (!*more) {
        return true;
    }
    if (length > 0) {
        work->prefix = arena_text(arena, key, length, error);
        page->prefixes[page->prefix_count++] = work->prefix;
        page->next_key = work->prefix;
        page->next_id = "";
        return work->prefix != NULL;
    }
    struct upload_row row = {
        .packed = {.flags = (unsigned)sqlite3_column_int64(list, 4),
                   .bytes = upload_detail(list, 5, arena, error),
                   .size = (size_t)sqlite3_column_bytes(list, 5)},
        .owner = statement_text(list, 2, arena, error),
        .started_us = sqlite3_column_int64(list, 3),
    };

    page->next_key = key;
    page->next_id = id;
    return row.packed.bytes != NULL && row.owner != NULL &&
           upload_fill(&row, key, id, arena, &page->uploads[page->upload_count++], error);
}

static bool read_rows(struct listing_context *work, struct statement_cache *reader, int64_t bucket, struct error *error)
{
    const struct upload_listing *listing = work->listing;
    size_t prefix = strlen(listing->prefix);
    bool before = strcmp(listing->after_key, listing->prefix) < 0;
    const char *after_id = listing->after_id != NULL && listing->after_id[0] != '\0' ? listing->after_id : NULL;
    sqlite3_stmt *list = statement_get(reader, list_sql, error);
    bool more = true;
    int there = list != NULL ? 1 : -1;

    if (list != NULL) {
        sqlite3_bind_int64(list, 1, bucket);
        statement_bind_text(list, 2, before ? listing->prefix : listing->after_key);
        statement_bind_text(list, 3, before ? "" : after_id != NULL ? after_id : after_every_id);
    }
    while (there > 0 && more && (there = statement_next(reader, list, error)) > 0) {
        const char *key = (const char *)sqlite3_column_text(list, 0);

        if (key == NULL || strncmp(key, listing->prefix, prefix) != 0) {
            more = false;
        } else if (!take_row(work, list, &more, error)) {
            there = -1;
        }
    }
    if (list != NULL) {
        statement_done(list);
    }
    return there >= 0;
}

bool upload_list(struct local_store *store, const struct upload_listing *listing, struct arena *arena,
                 struct upload_page *page, struct error *error)
{
    struct listing_context work = {.listing = listing, .arena = arena, .page = page};

    memset(page, 0, sizeof *page);
    page->uploads = arena_take(arena, listing->most * sizeof *page->uploads, error);
    page->prefixes = page->uploads != NULL ? arena_take(arena, listing->most * sizeof *page->prefixes, error) : NULL;
    const struct bucket *bucket = page->prefixes != NULL ? bucket_find(store, listing->bucket, error) : NULL;

    if (bucket == NULL) {
        return false;
    }
    struct statement_cache *reader = local_read_begin(store, error);
    bool good = reader != NULL && read_rows(&work, reader, bucket->id, error);

    local_read_end(store, reader);
    bucket_release(store, bucket);
    return good;
}

static bool read_part(sqlite3_stmt *query, struct arena *arena, struct upload_part *part, struct error *error)
{
    const void *hash = sqlite3_column_blob(query, 3);
    const char *checksum = (const char *)sqlite3_column_text(query, 5);
    char etag[2 * ETAG_BYTES + 1];

    *part = (struct upload_part){
        .number = (unsigned)sqlite3_column_int(query, 0),
        .size_bytes = (uint64_t)sqlite3_column_int64(query, 1),
        .modified_us = sqlite3_column_int64(query, 2),
    };
    if (hash == NULL || sqlite3_column_bytes(query, 3) != ETAG_BYTES) {
        return error_set(error, ERROR_CORRUPT, "the row of part %u is damaged; run aisle fsck", part->number);
    }
    if (checksum != NULL) {
        part->checksum.present = true;
        part->checksum.kind = (enum digest_kind)sqlite3_column_int(query, 4);
        snprintf(part->checksum.value, sizeof part->checksum.value, "%s", checksum);
    }
    digest_hex(hash, ETAG_BYTES, etag);
    part->etag = arena_text(arena, etag, 2 * ETAG_BYTES, error);
    return part->etag != NULL;
}

static bool read_parts(struct statement_cache *reader, const char *id, unsigned after, unsigned most,
                       struct arena *arena, struct upload_part *parts, size_t *count, bool *truncated,
                       struct error *error)
{
    sqlite3_stmt *query = statement_get(reader, parts_sql, error);
    int there = query != NULL ? 1 : -1;

    if (query != NULL) {
        statement_bind_text(query, 1, id);
        sqlite3_bind_int64(query, 2, after);
        sqlite3_bind_int64(query, 3, (int64_t)most + 1);
    }
    while (there > 0 && (there = statement_next(reader, query, error)) > 0) {
        *truncated = *count == most;
        if (*truncated) {
            break;
        }
        if (!read_part(query, arena, &parts[(*count)++], error)) {
            there = -1;
        }
    }
    if (query != NULL) {
        statement_done(query);
    }
    return there >= 0;
}

bool upload_parts(struct local_store *store, const char *bucket, const char *key, const char *id, unsigned after,
                  unsigned most, struct arena *arena, struct upload_part **parts, size_t *count, bool *truncated,
                  struct error *error)
{
    struct upload upload;

    *count = 0;
    *truncated = false;
    *parts = arena_take(arena, most * sizeof **parts, error);
    if (*parts == NULL || !upload_head(store, bucket, key, id, arena, &upload, error)) {
        return false;
    }
    struct statement_cache *reader = local_read_begin(store, error);
    bool good = reader != NULL && read_parts(reader, id, after, most, arena, *parts, count, truncated, error);

    local_read_end(store, reader);
    return good;
}
