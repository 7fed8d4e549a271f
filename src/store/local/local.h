/* The local object store: all of S3's objects in a data folder.
 *
 *   aisle.db       buckets, the index of objects and their versions, uploads, bodies up to 64 KiB, the outbox of events
 *   blobs/ab/ID    larger bodies: immutable, synced before the index names them; named by 26-character ids
 *   key            32 random bytes that other keys are wrapped with (mode 0600)
 *   tmp/           bodies that are being written
 *
 * A body is durable, and its index row and event are in one transaction, before a put returns. Readers never wait for
 * writers. All functions may be called from any thread; a put or a reader belongs to one thread at a time. Failures
 * carry S3's error names (struct error's `name`).
 */
#ifndef AISLE_STORE_LOCAL_LOCAL_H
#define AISLE_STORE_LOCAL_LOCAL_H

#include "store/committer.h"
#include "store/folder.h"
#include "store/store.h"

struct local_store;

struct local_options {
    struct folder *folder; /* open for writing; outlives the store */
    const char *key_file;  /* NULL: "key" in the data folder, made when it is absent */
    uint32_t inline_bytes; /* larger bodies become files; 0: 65,536 */
};

struct local_store *local_open(const struct local_options *options, struct error *error);
void local_close(struct local_store *store);

/* For rooms that keep their own tables in the same database: what commits together with objects. */
struct committer *local_committer(struct local_store *store);

/* A connection that reads, for one thread until it is given back. Each statement on it sees one state; several do
 * between local_snapshot_begin and local_snapshot_end. */
struct statement_cache *local_read_begin(struct local_store *store, struct error *error);
void local_read_end(struct local_store *store, struct statement_cache *reader);
bool local_snapshot_begin(struct statement_cache *reader, struct error *error);
void local_snapshot_end(struct statement_cache *reader);

/* The store as the port that tasks use. Writes in the name of `owner` (an account id). */
struct store *local_port(struct local_store *store, const char *owner, struct error *error);

#endif
