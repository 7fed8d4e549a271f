#include "store/local/browse.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "store/folder_private.h"
#include "store/local/local_private.h"

#define MARK ".aisle-browse"

static const char buckets_sql[] = "SELECT id, name FROM bucket WHERE ?1 IS NULL OR name = ?1 ORDER BY name";
/* The newest version of each key, unless that is a delete marker. */
static const char objects_sql[] =
    "SELECT o.key, b.form, b.blob, b.bytes FROM object o JOIN body b ON b.id = o.body WHERE o.bucket = ?1 AND "
    "o.rank = (SELECT min(n.rank) FROM object n WHERE n.bucket = o.bucket AND n.key = o.key) ORDER BY o.key";

struct browsing {
    const struct browse_options *options;
    struct browse_counts *counts;
    struct statement_cache *db;
    const char *bucket;
    struct buffer tree; /* the bucket's new tree */
    struct buffer path; /* of a file in it */
};

static void skip(struct browsing *browsing, const char *key, const char *why)
{
    browsing->counts->skipped++;
    if (browsing->options->skipped != NULL) {
        browsing->options->skipped(browsing->options->context, browsing->bucket, key, why);
    }
}

/* A key that is a path below a folder: no empty part, no "." or "..", none too long for a name. */
static bool is_path(const char *key)
{
    for (const char *part = key; part != NULL;) {
        size_t length = strcspn(part, "/");

        if (length == 0 || length > 255 || strncmp(part, ".", length) == 0 || strncmp(part, "..", length) == 0) {
            return false;
        }
        part = part[length] == '/' ? part + length + 1 : NULL;
    }
    return true;
}

/* 0, or errno. */
static int write_small(const char *path, const void *bytes, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
    int failure = fd < 0 ? errno : file_write(fd, bytes, size, path, NULL) ? 0 : EIO;

    if (fd >= 0) {
        close(fd);
    }
    return failure;
}

static int place(struct browsing *browsing, const char *blob, const void *bytes, size_t size)
{
    char from[4200];

    if (blob == NULL) {
        return write_small(browsing->path.data, bytes, size);
    }
    blob_path(browsing->options->data, blob, from, sizeof from);
    return linkat(AT_FDCWD, from, AT_FDCWD, browsing->path.data, 0) == 0 ? 0 : errno;
}

/* 0, or errno; the folders above the file are made. */
static int place_below(struct browsing *browsing, const char *blob, const void *bytes, size_t size)
{
    int failure = place(browsing, blob, bytes, size);
    char *slash = strrchr(browsing->path.data, '/');

    if (failure == ENOENT) {
        *slash = '\0';
        bool made = file_make_folders(browsing->path.data, NULL);

        *slash = '/';
        failure = made ? place(browsing, blob, bytes, size) : ENOTDIR;
    }
    return failure;
}

static bool add_object(struct browsing *browsing, sqlite3_stmt *row, struct error *error)
{
    const char *key = (const char *)sqlite3_column_text(row, 0);
    const char *blob = (const char *)sqlite3_column_text(row, 2);
    const void *bytes = sqlite3_column_blob(row, 3);
    size_t size = (size_t)sqlite3_column_bytes(row, 3);

    if (key == NULL) {
        return error_set(error, ERROR_MEMORY, "no memory to read the index of objects");
    }
    if ((sqlite3_column_int(row, 1) & ~BODY_ADOPTED) != 0) {
        skip(browsing, key, "it is encrypted, compressed or in parts");
        return true;
    }
    if (!is_path(key)) {
        skip(browsing, key, "no file can have that name");
        return true;
    }
    buffer_clear(&browsing->path);
    buffer_append_format(&browsing->path, "%s/%s", browsing->tree.data, key);
    if (buffer_text(&browsing->path) == NULL) {
        return buffer_check(&browsing->path, error);
    }
    int failure = place_below(browsing, blob, bytes, size);

    switch (failure) {
    case 0:
        browsing->counts->linked += blob != NULL;
        browsing->counts->written += blob == NULL;
        return true;
    case EEXIST:
    case ENOTDIR:
    case EISDIR:
    case ENAMETOOLONG:
        skip(browsing, key, "another key is a folder there, or no file can have that name");
        return true;
    case EXDEV:
        return error_set(
            error, ERROR_USAGE,
            "%s lies on another file system than %s, where files cannot be linked to; name a folder on the "
            "same one",
            browsing->options->into, browsing->options->data);
    default:
        return error_set_errno(error, failure, "%s cannot be made", browsing->path.data);
    }
}

static bool add_objects(struct browsing *browsing, int64_t bucket, struct error *error)
{
    sqlite3_stmt *objects = statement_get(browsing->db, objects_sql, error);
    int there = objects != NULL ? 1 : -1;

    if (objects != NULL) {
        sqlite3_bind_int64(objects, 1, bucket);
    }
    while (there > 0 && (there = statement_next(browsing->db, objects, error)) > 0) {
        if (!add_object(browsing, objects, error)) {
            statement_done(objects);
            there = -1;
        }
    }
    return there == 0;
}

/* Makes an empty tree beside the bucket's place: INTO/.BUCKET.new. */
static bool begin_tree(struct browsing *browsing, struct error *error)
{
    struct buffer mark __attribute__((cleanup(buffer_free))) = {0};

    buffer_clear(&browsing->tree);
    buffer_append_format(&browsing->tree, "%s/.%s.new", browsing->options->into, browsing->bucket);
    if (buffer_text(&browsing->tree) == NULL) {
        return buffer_check(&browsing->tree, error);
    }
    buffer_append_format(&mark, "%s/" MARK, browsing->tree.data);
    return (buffer_text(&mark) != NULL || buffer_check(&mark, error)) && file_remove_tree(browsing->tree.data, error) &&
           file_make_folders(browsing->tree.data, error) &&
           file_store(mark.data, "made by aisle browse, and made anew by it\n", 42, error);
}

/* Puts the tree in its place, and removes the one of before. */
static bool end_tree(struct browsing *browsing, struct error *error)
{
    struct buffer to __attribute__((cleanup(buffer_free))) = {0};
    struct stat status;

    buffer_append_format(&to, "%s/%s", browsing->options->into, browsing->bucket);
    if (buffer_text(&to) == NULL) {
        return buffer_check(&to, error);
    }
    size_t length = to.length;

    if (renameat2(AT_FDCWD, browsing->tree.data, AT_FDCWD, to.data, RENAME_NOREPLACE) == 0) {
        return true;
    }
    if (errno != EEXIST) {
        return error_set_errno(error, errno, "%s cannot be put in its place", browsing->tree.data);
    }
    buffer_append_text(&to, "/" MARK);
    if (buffer_text(&to) == NULL) {
        return buffer_check(&to, error);
    }
    if (lstat(to.data, &status) != 0) {
        to.data[length] = '\0';
        return error_set(error, ERROR_CONFLICT, "%s is there, and was not made by aisle browse; name another folder",
                         to.data);
    }
    to.data[length] = '\0';
    if (renameat2(AT_FDCWD, browsing->tree.data, AT_FDCWD, to.data, RENAME_EXCHANGE) != 0) {
        return error_set_errno(error, errno, "%s cannot be exchanged for the new tree", to.data);
    }
    return file_remove_tree(browsing->tree.data, error);
}

static bool make_tree(struct browsing *browsing, int64_t bucket, struct error *error)
{
    bool good = begin_tree(browsing, error) && add_objects(browsing, bucket, error) && end_tree(browsing, error);

    if (!good) {
        file_remove_tree(browsing->tree.data, NULL);
    }
    return good;
}

static bool make_trees(struct browsing *browsing, struct error *error)
{
    sqlite3_stmt *buckets = statement_get(browsing->db, buckets_sql, error);
    int there = buckets != NULL ? 1 : -1;
    bool any = false;

    if (buckets != NULL) {
        statement_bind_text(buckets, 1, browsing->options->bucket);
    }
    while (there > 0 && (there = statement_next(browsing->db, buckets, error)) > 0) {
        any = true;
        browsing->bucket = (const char *)sqlite3_column_text(buckets, 1);
        if (!make_tree(browsing, sqlite3_column_int64(buckets, 0), error)) {
            statement_done(buckets);
            there = -1;
        }
    }
    return there == 0 && (any || browsing->options->bucket == NULL || bucket_absent(browsing->options->bucket, error));
}

bool browse_make(const struct browse_options *options, struct browse_counts *counts, struct error *error)
{
    struct browsing browsing = {.options = options, .counts = counts};
    struct folder *folder = folder_open(options->data, FOLDER_READ, error);

    memset(counts, 0, sizeof *counts);
    if (folder == NULL) {
        return false;
    }
    /* The files of what is deleted meanwhile stay until the end. */
    bool good = file_make_folders(options->into, error) && lock_reader_enter(folder, error);

    browsing.db = good ? statement_cache_open(options->data, false, error) : NULL;
    good = browsing.db != NULL && make_trees(&browsing, error);
    statement_cache_close(browsing.db);
    if (folder->lock_fd >= 0) {
        lock_reader_leave(folder);
    }
    folder_close(folder);
    buffer_free(&browsing.tree);
    buffer_free(&browsing.path);
    return good;
}
