/* What the database of a data folder says. */
#include <string.h>

#include "base/memory.h"
#include "store/folder_private.h"

/* Rows as they come, before they are put in the caller's arena. */
struct gathered {
    void *rows;
    size_t count, capacity;
};

static void *gather(struct gathered *gathered, size_t size, struct error *error)
{
    if (gathered->count == gathered->capacity) {
        size_t capacity = gathered->capacity > 0 ? gathered->capacity * 2 : 16;
        void *rows = memory_resize(gathered->rows, capacity, size, error);

        if (rows == NULL) {
            return NULL;
        }
        gathered->rows = rows;
        gathered->capacity = capacity;
    }
    return (char *)gathered->rows + gathered->count++ * size;
}

/* Hands the rows over to the arena. */
static bool hand_over(struct gathered *gathered, size_t size, struct arena *arena, void **rows, size_t *count,
                      struct error *error)
{
    *count = gathered->count;
    *rows = arena_take(arena, gathered->count * size + 1, error);
    if (*rows != NULL && gathered->count > 0) {
        memcpy(*rows, gathered->rows, gathered->count * size);
    }
    return *rows != NULL;
}

/* All rows of a query, each as `read` makes it of `size` bytes. */
static bool read_rows(struct folder *folder, sqlite3_stmt *query, size_t size,
                      bool (*read)(sqlite3_stmt *query, struct arena *arena, void *row, struct error *error),
                      struct arena *arena, void **rows, size_t *count, struct error *error)
{
    struct gathered gathered = {0};
    int there = 0;

    *rows = NULL;
    while ((there = catalog_step(&folder->catalog, query, error)) > 0) {
        void *row = gather(&gathered, size, error);

        if (row == NULL || !read(query, arena, row, error)) {
            sqlite3_reset(query);
            there = -1;
            break;
        }
    }
    bool good = there == 0 && hand_over(&gathered, size, arena, rows, count, error);

    memory_free(gathered.rows);
    return good;
}

static bool read_file(sqlite3_stmt *query, struct arena *arena, void *row, struct error *error)
{
    struct folder_file *file = row;

    file->role = catalog_text(query, 0, arena, error);
    file->dataset = catalog_text(query, 1, arena, error);
    file->partition = catalog_text(query, 2, arena, error);
    file->path = catalog_text(query, 3, arena, error);
    file->rows = (uint64_t)sqlite3_column_int64(query, 4);
    file->size_bytes = (uint64_t)sqlite3_column_int64(query, 5);
    file->run = catalog_text(query, 6, arena, error);
    return file->role != NULL && file->dataset != NULL && file->partition != NULL && file->path != NULL &&
           file->run != NULL;
}

static bool read_files(struct folder *folder, sqlite3_stmt *query, struct arena *arena, struct folder_file **files,
                       size_t *count, struct error *error)
{
    void *rows = NULL;
    bool good = read_rows(folder, query, sizeof **files, read_file, arena, &rows, count, error);

    *files = rows;
    return good;
}

bool folder_files(struct folder *folder, struct arena *arena, const char *role, const char *dataset,
                  const char *partition, struct folder_file **files, size_t *count, struct error *error)
{
    enum catalog_query which = dataset != NULL ? (partition != NULL ? CATALOG_FILES_OF_BOTH : CATALOG_FILES_OF_DATASET)
                               : partition != NULL ? CATALOG_FILES_OF_PARTITION
                                                   : CATALOG_FILES;
    sqlite3_stmt *query = catalog_statement(&folder->catalog, which, error);

    if (query == NULL) {
        return false;
    }
    catalog_bind_text(query, 1, role);
    catalog_bind_text(query, 2, dataset);
    catalog_bind_text(query, 3, partition);
    return read_files(folder, query, arena, files, count, error);
}

bool folder_all_files(struct folder *folder, struct arena *arena, struct folder_file **files, size_t *count,
                      struct error *error)
{
    sqlite3_stmt *query = catalog_statement(&folder->catalog, CATALOG_ALL_FILES, error);

    return query != NULL && read_files(folder, query, arena, files, count, error);
}

/* The text that a query with these values gives; NULL with the error's code ERROR_NONE when it gives no row. */
static const char *find_text(struct folder *folder, enum catalog_query which, const char *first, const char *second,
                             struct arena *arena, struct error *error)
{
    sqlite3_stmt *query = catalog_statement(&folder->catalog, which, error);
    const char *text = NULL;

    if (query == NULL) {
        return NULL;
    }
    if (error != NULL) {
        error->code = ERROR_NONE;
    }
    catalog_bind_text(query, 1, first);
    if (second != NULL) {
        catalog_bind_text(query, 2, second);
    }
    if (catalog_step(&folder->catalog, query, error) > 0) {
        text = catalog_text(query, 0, arena, error);
        sqlite3_reset(query);
    }
    return text;
}

const char *folder_document(struct folder *folder, struct arena *arena, const char *key, struct error *error)
{
    return find_text(folder, CATALOG_DOCUMENT, key, NULL, arena, error);
}

const char *folder_owner(struct folder *folder, struct arena *arena, const char *role, const char *dataset,
                         struct error *error)
{
    return find_text(folder, CATALOG_OWNER, role, dataset, arena, error);
}

bool folder_taken(struct folder *folder, struct arena *arena, const char *pipeline, const char *dataset,
                  const char *sha256, struct folder_taken *taken, struct error *error)
{
    sqlite3_stmt *query = catalog_statement(&folder->catalog, CATALOG_TAKEN, error);

    *taken = (struct folder_taken){.taken = false};
    if (query == NULL) {
        return false;
    }
    catalog_bind_text(query, 1, sha256);
    catalog_bind_text(query, 2, pipeline);
    catalog_bind_text(query, 3, dataset);
    int there = catalog_step(&folder->catalog, query, error);

    if (there > 0) {
        taken->taken = true;
        taken->run = catalog_text(query, 0, arena, error);
        taken->name = catalog_text(query, 1, arena, error);
        there = taken->run != NULL && taken->name != NULL ? 0 : -1;
        sqlite3_reset(query);
    }
    return there == 0;
}

static bool read_source(sqlite3_stmt *query, struct arena *arena, struct folder_source *source, struct error *error)
{
    source->run = catalog_text(query, 0, arena, error);
    source->dataset = catalog_text(query, 1, arena, error);
    source->name = catalog_text(query, 2, arena, error);
    source->sha256 = catalog_text(query, 3, arena, error);
    source->size_bytes = (uint64_t)sqlite3_column_int64(query, 4);
    source->rows = (uint64_t)sqlite3_column_int64(query, 5);
    return source->run != NULL && source->dataset != NULL && source->name != NULL && source->sha256 != NULL;
}

bool folder_source(struct folder *folder, struct arena *arena, int64_t number, struct folder_source *source,
                   struct error *error)
{
    sqlite3_stmt *query = catalog_statement(&folder->catalog, CATALOG_SOURCE, error);

    if (query == NULL) {
        return false;
    }
    *source = (struct folder_source){.number = number};
    sqlite3_bind_int64(query, 1, number);
    int there = catalog_step(&folder->catalog, query, error);

    if (there > 0) {
        there = read_source(query, arena, source, error) ? 1 : -1;
        sqlite3_reset(query);
    } else if (there == 0) {
        error_set(error, ERROR_NOT_FOUND, "%s knows no source file number %lld", folder->path, (long long)number);
    }
    return there > 0;
}

bool folder_next_source(struct folder *folder, int64_t *number, struct error *error)
{
    sqlite3_stmt *query = catalog_statement(&folder->catalog, CATALOG_NEXT_SOURCE, error);

    if (query == NULL || catalog_step(&folder->catalog, query, error) <= 0) {
        return false;
    }
    *number = sqlite3_column_int64(query, 0);
    sqlite3_reset(query);
    return true;
}

static bool read_output(sqlite3_stmt *query, struct arena *arena, void *row, struct error *error)
{
    struct folder_output *output = row;

    output->path = catalog_text(query, 0, arena, error);
    output->ended = sqlite3_column_int(query, 1) != 0;
    return output->path != NULL;
}

bool folder_outputs(struct folder *folder, struct arena *arena, const char *url, struct folder_output **outputs,
                    size_t *count, struct error *error)
{
    sqlite3_stmt *query = catalog_statement(&folder->catalog, CATALOG_OUTPUTS, error);
    void *rows = NULL;

    if (query == NULL) {
        return false;
    }
    catalog_bind_text(query, 1, url);
    bool good = read_rows(folder, query, sizeof **outputs, read_output, arena, &rows, count, error);

    *outputs = rows;
    return good;
}

static bool read_run(sqlite3_stmt *query, struct arena *arena, void *row, struct error *error)
{
    struct folder_run *run = row;

    run->id = catalog_text(query, 0, arena, error);
    run->pipeline = catalog_text(query, 1, arena, error);
    run->status = catalog_text(query, 2, arena, error);
    run->json = catalog_text(query, 3, arena, error);
    run->started_us = sqlite3_column_int64(query, 4);
    run->ended_us = sqlite3_column_int64(query, 5);
    return run->id != NULL && run->pipeline != NULL && run->status != NULL && run->json != NULL;
}

bool folder_runs(struct folder *folder, struct arena *arena, size_t most, struct folder_run **runs, size_t *count,
                 struct error *error)
{
    sqlite3_stmt *query = catalog_statement(&folder->catalog, CATALOG_RUNS, error);
    void *rows = NULL;

    if (query == NULL) {
        return false;
    }
    sqlite3_bind_int64(query, 1, most < INT64_MAX ? (int64_t)most : INT64_MAX);
    bool good = read_rows(folder, query, sizeof **runs, read_run, arena, &rows, count, error);

    *runs = rows;
    return good;
}
