/* What the files of the local tables share with each other.
 *
 * In the database:
 *
 *   item_table   a row for each table: its name and definition (definition_store)
 *   item         space, key, value: items, and entries of indexes, each in the space of its table or index; value is
 * the stored form of the item or of what the index has of it (table/attribute.h), key as table/item_key.h says
 *   item_space   the last space that was given to a table; they are not given twice
 *   item_token   ClientRequestToken of transactions of the last 10 minutes: token, when, SHA-256 of what was asked
 */
#ifndef AISLE_TABLE_LOCAL_LOCAL_PRIVATE_H
#define AISLE_TABLE_LOCAL_LOCAL_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "store/statement_cache.h"
#include "table/definition.h"
#include "table/item_key.h"
#include "table/local/local_tables.h"

struct local_tables {
    struct tables tables;
    struct local_store *store;
    struct committer *committer;
    char *region, *account;
    /* Who writes items holds it shared from finding the definition until all is done; who changes definitions alone. */
    pthread_rwlock_t altering;
    atomic_bool stop;                      /* upkeep ends */
    pthread_mutex_t mutex;                 /* over what follows */
    struct table_definition **definitions; /* ascending by name */
    size_t definition_count, definition_capacity;
};

/* One operation that is under way. */
struct call {
    struct local_tables *tables;
    const json_t *request;
    struct arena *arena;
    struct buffer *response;
};

struct operation {
    const char *name;
    bool (*run)(struct call *call, struct error *error);
    bool writes; /* items */
};
extern const struct operation table_operations[]; /* each ended by an operation without a name */
extern const struct operation item_operations[];
extern const struct operation read_operations[];
extern const struct operation batch_operations[];
extern const struct operation transaction_operations[];

/* The table of that name, held until definition_release; ResourceNotFoundException. */
struct table_definition *definition_find(struct local_tables *tables, const char *name, struct error *error);
/* The table that the request names; a missing or wrong name is a ValidationException. */
struct table_definition *definition_of_request(struct call *call, const json_t *request, struct error *error);
void definition_release(struct local_tables *tables, struct table_definition *definition);
/* Puts the definition in the place of the one of its name, or adds it; NULL takes that name's away. Takes it over. */
bool definition_exchange(struct local_tables *tables, const char *name, struct table_definition *definition,
                         struct error *error);

/* A member of a request that must be a text, "" being none; NULL with a ValidationException or SerializationException.
 */
const char *request_text(const json_t *request, const char *member, struct error *error);
/* A member that may be absent: true with `*text` NULL. */
bool request_optional_text(const json_t *request, const char *member, const char **text, struct error *error);
/* One of these choices (ended by NULL), the first when it is absent. */
bool request_choice(const json_t *request, const char *member, const char *const *choices, int *choice,
                    struct error *error);

/* ExpressionAttributeNames and -Values of a request; `values` must outlive the scope. */
bool request_scope(struct call *call, const json_t *request, struct attribute *values, struct expression_scope *scope,
                   struct error *error);

/* For a request without expressions: it may not have their names and values. `why` says which there might be. */
bool request_no_scope(const json_t *request, const char *why, struct error *error);

/* --- writing: write.c --- */

enum write_kind { WRITE_PUT, WRITE_UPDATE, WRITE_DELETE, WRITE_CHECK };

struct write {
    enum write_kind kind;
    struct table_definition *definition; /* held */
    struct attribute item;               /* WRITE_PUT: the item; else the key */
    struct str key;                      /* of item_key */
    const struct condition *condition;   /* NULL: none */
    struct update update;                /* WRITE_UPDATE */
    bool all_old_on_failure;             /* ReturnValuesOnConditionCheckFailure: ALL_OLD */
    /* What came of it; in the call's arena. */
    bool had, has;
    bool consistent; /* of a read */
    struct attribute before, after;
};

/* In the committer: does it, indexes too. ConditionalCheckFailedException leaves `had` and `before` filled in. */
bool write_apply(struct write *write, struct statement_cache *db, struct arena *arena, struct error *error);

/* Reads a Put, Delete, Update or ConditionCheck from a request's member. */
bool write_read(struct call *call, const json_t *request, enum write_kind kind, struct write *write,
                struct error *error);

/* Only the table and the key that a request names ("Key"): in definition, item and key of `write`. */
bool write_read_key(struct call *call, const json_t *request, struct write *write, struct error *error);

/* ProjectionExpression of a request that has no other expression; `*any` false: whole items. */
bool read_projection(struct call *call, const json_t *request, struct projection *projection, bool *any,
                     struct error *error);

/* The stored item at a key: 1 there is one, 0 none, -1 failure. */
int item_load(struct statement_cache *db, int64_t space, struct str key, struct arena *arena, struct attribute *item,
              struct error *error);

/* --- what it cost: capacity.c --- */

/* Adds "ConsumedCapacity" to the response where the request asks for it (ReturnConsumedCapacity). `units` of the table
 * or the index, and `fetched` of the table for what the index lacks. */
bool capacity_asked(const json_t *request, int *how, struct error *error);
double capacity_read_units(uint64_t bytes, bool consistent);
double capacity_write_units(uint64_t bytes);
void capacity_append(struct buffer *out, const struct table_definition *definition, const struct table_index *index,
                     int how, double units, double fetched);

#endif
