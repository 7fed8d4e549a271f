/* Removing blobs that no row names, after an owner that did not end in order. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "store/folder_private.h"
#include "store/local/local_private.h"

static const char named_sql[] = "SELECT 1 FROM body WHERE blob = ?1";

struct sweep {
    struct local_store *store;
    struct statement_cache *reader;
    const char *folder;
};

static bool sweep_blob(void *context, const char *name, struct error *error)
{
    struct sweep *sweep = context;
    sqlite3_stmt *named = statement_get(sweep->reader, named_sql, error);

    if (named == NULL) {
        return false;
    }
    statement_bind_text(named, 1, name);
    int there = statement_next(sweep->reader, named, error);

    statement_done(named);
    if (there != 0) {
        return there > 0;
    }
    struct buffer path __attribute__((cleanup(buffer_free))) = {0};

    buffer_append_format(&path, "%s/%s", sweep->folder, name);
    if (buffer_text(&path) == NULL) {
        return buffer_check(&path, error);
    }
    log_event(LOG_INFO, "unnamed_file_removed", "path", "s", path.data, NULL);
    return file_remove(path.data, error);
}

static bool sweep_folder(void *context, const char *name, struct error *error)
{
    struct sweep *sweep = context;
    struct buffer path __attribute__((cleanup(buffer_free))) = {0};

    buffer_append_format(&path, "%s/blobs/%s", sweep->store->path, name);
    if (buffer_text(&path) == NULL) {
        return buffer_check(&path, error);
    }
    sweep->folder = path.data;
    return file_list(path.data, sweep_blob, sweep, error);
}

bool local_sweep(struct local_store *store, struct error *error)
{
    struct buffer path __attribute__((cleanup(buffer_free))) = {0};
    struct sweep sweep = {.store = store};

    buffer_append_format(&path, "%s/blobs", store->path);
    if (buffer_text(&path) == NULL) {
        return buffer_check(&path, error);
    }
    if (!file_make_folders(path.data, error)) {
        return false;
    }
    if (!store->folder->swept) {
        return true;
    }
    if (!lock_readers_hold(store->folder->lock_fd)) {
        /* A backup may still need what no row names any more. */
        local_unclean(store);
        return true;
    }
    sweep.reader = local_read_begin(store, error);
    bool good = sweep.reader != NULL && file_list(path.data, sweep_folder, &sweep, error);

    local_read_end(store, sweep.reader);
    lock_readers_admit(store->folder->lock_fd);
    return good;
}
