/* A connection to the database with its prepared statements. For the rooms that keep tables in it.
 *
 * A statement is found by the address of its SQL: give a text that is a constant of the program, the same one each
 * time. One thread at a time may use a cache.
 */
#ifndef AISLE_STORE_STATEMENT_CACHE_H
#define AISLE_STORE_STATEMENT_CACHE_H

#include <sqlite3.h>

#include "base/arena.h"
#include "base/error.h"

struct statement_cache;

/* Opens a connection to the database of the data folder at `folder` (a path that outlives it), which is there and of
 * this version: for reading only, or for writing, without checkpoints of its own. */
struct statement_cache *statement_cache_open(const char *folder, bool write, struct error *error);
void statement_cache_close(struct statement_cache *cache);
sqlite3 *statement_cache_db(const struct statement_cache *cache);

/* A statement ready to be bound; the cache keeps it. NULL on failure. */
sqlite3_stmt *statement_get(struct statement_cache *cache, const char *sql, struct error *error);

/* Steps to the next row: 1 there is one, 0 the end (the statement is reset), -1 failure (reset, too). Who stops before
 * the end calls statement_done. */
int statement_next(struct statement_cache *cache, sqlite3_stmt *statement, struct error *error);
void statement_done(sqlite3_stmt *statement);

/* Runs a bound statement to its end. */
bool statement_run(struct statement_cache *cache, sqlite3_stmt *statement, struct error *error);

/* Binds a text (NULL: null) that stays where it is until the statement was run. */
void statement_bind_text(sqlite3_stmt *statement, int place, const char *text);

/* A text column in the arena; "" for null. NULL on failure. */
const char *statement_text(sqlite3_stmt *statement, int column, struct arena *arena, struct error *error);

/* What SQLite said last about the database of this folder, as an error. Returns false. */
bool statement_fail(sqlite3 *db, const char *folder, struct error *error);

#endif
