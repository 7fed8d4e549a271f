/* The database of a data folder: opening it, its tables, and the statements on them. For the files of this room only.
 */
#ifndef AISLE_STORE_CATALOG_H
#define AISLE_STORE_CATALOG_H

#include <sqlite3.h>

#include "base/arena.h"
#include "base/error.h"

#define CATALOG_FILE "aisle.db"

enum catalog_query {
    CATALOG_BEGIN_READ,
    CATALOG_BEGIN_WRITE,
    CATALOG_COMMIT,
    CATALOG_ROLLBACK,
    CATALOG_PIN, /* the first read of a transaction decides what it sees */
    CATALOG_FILES,
    CATALOG_FILES_OF_DATASET,
    CATALOG_FILES_OF_PARTITION,
    CATALOG_FILES_OF_BOTH,
    CATALOG_ALL_FILES,
    CATALOG_HAS_FILE,
    CATALOG_ADD_FILE,
    CATALOG_REMOVE_FILE,
    CATALOG_FORGOTTEN,
    CATALOG_ADD_FORGOTTEN,
    CATALOG_CLEAR_FORGOTTEN,
    CATALOG_REVIVE, /* a path that is used again */
    CATALOG_DOCUMENT,
    CATALOG_PUT_DOCUMENT,
    CATALOG_REMOVE_DOCUMENT,
    CATALOG_TAKEN,
    CATALOG_OWNER,
    CATALOG_SOURCE,
    CATALOG_NEXT_SOURCE,
    CATALOG_ADD_SOURCE,
    CATALOG_LIST_OUTPUTS,
    CATALOG_OUTPUTS,
    CATALOG_OUTPUT_DONE,
    CATALOG_OUTPUT_GONE,
    CATALOG_RUNS,
    CATALOG_PUT_RUN,
    CATALOG_QUERIES
};

struct catalog {
    sqlite3 *db;
    const char *path; /* of the data folder, for messages; outlives the catalog */
    sqlite3_stmt *statements[CATALOG_QUERIES];
};

/* Opens the database of the folder at `path`; for writing also makes it when it is absent. ERROR_NOT_FOUND when a
 * reader finds none, ERROR_CONFLICT when a newer program made it, ERROR_CORRUPT when it is no database of ours. */
bool catalog_open(struct catalog *catalog, const char *path, bool write, struct error *error);
void catalog_close(struct catalog *catalog);

/* A statement ready to be bound, prepared at its first use; the catalog keeps it. NULL on failure. */
sqlite3_stmt *catalog_statement(struct catalog *catalog, enum catalog_query query, struct error *error);

/* Runs a bound statement that gives no row, and resets it. */
bool catalog_run(struct catalog *catalog, sqlite3_stmt *statement, struct error *error);

/* Steps to the next row: 1 there is one, 0 the end (the statement is reset), -1 failure (reset, too). */
int catalog_step(struct catalog *catalog, sqlite3_stmt *statement, struct error *error);

/* Runs a query that takes nothing and gives nothing, such as CATALOG_COMMIT. */
bool catalog_do(struct catalog *catalog, enum catalog_query query, struct error *error);

/* Binds a text (NULL: null) that stays where it is until the statement was run. */
void catalog_bind_text(sqlite3_stmt *statement, int place, const char *text);

/* A text column in the arena; "" for null. */
const char *catalog_text(sqlite3_stmt *statement, int column, struct arena *arena, struct error *error);

/* What SQLite said last, as an error. Returns false. */
bool catalog_fail(const struct catalog *catalog, struct error *error);

#endif
