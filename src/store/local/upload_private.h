/* What the files of uploads share with each other. */
#ifndef AISLE_STORE_LOCAL_UPLOAD_PRIVATE_H
#define AISLE_STORE_LOCAL_UPLOAD_PRIVATE_H

#include "store/local/local_private.h"
#include "store/local/upload.h"

/* A row of the table upload. */
struct upload_row {
    int64_t bucket;
    struct packed packed; /* of the object to be; the flags say the checksum that was asked for, too */
    const char *owner;
    int64_t started_us;
    bool completed;
};

/* The row of an upload, completed or not, in the arena: 1 it is there, 0 it is not, -1 failure. */
int upload_row_find(struct statement_cache *db, int64_t bucket, const char *key, const char *id, struct arena *arena,
                    struct upload_row *row, struct error *error);

/* The detail in a column of such a row, in the arena. */
const char *upload_detail(sqlite3_stmt *statement, int column, struct arena *arena, struct error *error);

/* As NoSuchUpload. Returns false. */
bool upload_absent(const char *key, const char *id, struct error *error);

/* What a row tells its readers. */
bool upload_fill(const struct upload_row *row, const char *key, const char *id, struct arena *arena,
                 struct upload *upload, struct error *error);

/* In a transaction: removes the row of an upload and all its parts. */
bool upload_remove(struct statement_cache *db, int64_t bucket, const char *key, const char *id, struct doomed *doomed,
                   struct error *error);
/* The parts alone. */
bool upload_remove_parts(struct statement_cache *db, const char *id, struct doomed *doomed, struct error *error);

#endif
