/* Testing a data folder against what its database says. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "store/folder_private.h"

struct testing {
    struct folder *folder;
    const struct folder_verifier *verifier;
    uint64_t problems;
};

static void report(struct testing *testing, const struct folder_file *file, const struct error *what)
{
    testing->problems++;
    if (testing->verifier->problem != NULL) {
        testing->verifier->problem(testing->verifier->context, file, what);
    }
}

static bool test_database(struct testing *testing, struct error *error)
{
    sqlite3_stmt *check = NULL;
    struct catalog *catalog = &testing->folder->catalog;

    if (sqlite3_prepare_v2(catalog->db, "PRAGMA integrity_check(20)", -1, &check, NULL) != SQLITE_OK) {
        return catalog_fail(catalog, error);
    }
    int there = 0;

    while ((there = catalog_step(catalog, check, error)) > 0) {
        const char *text = (const char *)sqlite3_column_text(check, 0);
        struct error what = {0};

        if (text != NULL && strcmp(text, "ok") != 0) {
            error_set(&what, ERROR_CORRUPT, "%s/" CATALOG_FILE ": %s", testing->folder->path, text);
            report(testing, NULL, &what);
        }
    }
    sqlite3_finalize(check);
    return there == 0;
}

static bool file_sound(const struct testing *testing, const struct folder_file *file, const char *path,
                       struct error *what)
{
    struct stat status;

    if (stat(path, &status) != 0) {
        return error_set_errno(what, errno, "%s is named by the database, and cannot be examined", path);
    }
    if (!S_ISREG(status.st_mode) || (uint64_t)status.st_size != file->size_bytes) {
        return error_set(what, ERROR_CORRUPT, "%s has %lld bytes where the database says %llu", path,
                         (long long)status.st_size, (unsigned long long)file->size_bytes);
    }
    return testing->verifier->content == NULL ||
           testing->verifier->content(testing->verifier->context, file, path, what);
}

static bool test_files(struct testing *testing, struct arena *arena, struct error *error)
{
    struct buffer path __attribute__((cleanup(buffer_free))) = {0};
    struct folder_file *files = NULL;
    size_t count = 0;

    if (!folder_all_files(testing->folder, arena, &files, &count, error)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        struct error what = {0};

        if (folder_join(testing->folder, files[i].path, &path, error) == NULL) {
            return false;
        }
        if (!file_sound(testing, &files[i], path.data, &what)) {
            report(testing, &files[i], &what);
        }
    }
    return true;
}

bool folder_verify(struct folder *folder, const struct folder_verifier *verifier, uint64_t *problems,
                   struct error *error)
{
    struct testing testing = {.folder = folder, .verifier = verifier};
    bool was_reading = folder->reading;
    struct arena *arena = arena_new(0, error);

    if (arena == NULL) {
        return false;
    }
    bool good =
        folder_read_begin(folder, error) && test_database(&testing, error) && test_files(&testing, arena, error);

    if (!was_reading) {
        folder_read_end(folder);
    }
    arena_free(arena);
    *problems = testing.problems;
    return good;
}
