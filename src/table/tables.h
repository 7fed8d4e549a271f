/* Tables of items by partition and sort key: the port.
 *
 * What is asked and answered is DynamoDB's own JSON (API version 2012-08-10): an operation's name, its request, its
 * response. So a client's words reach an implementation unchanged, and the three (the local one in SQLite, a client of
 * DynamoDB or of another server) are held to one contract suite. May be called from any thread.
 *
 * Failures carry DynamoDB's names (ResourceNotFoundException, ConditionalCheckFailedException, ValidationException, …);
 * where a failure has a body of its own (cancellation reasons, the item that stood in the way) it is left in
 * `response`.
 */
#ifndef AISLE_TABLE_TABLES_H
#define AISLE_TABLE_TABLES_H

#include "base/buffer.h"
#include "base/error.h"

struct tables {
    const struct tables_verbs *verbs;
};

struct tables_verbs {
    bool (*call)(struct tables *tables, const char *operation, struct str request, struct buffer *response,
                 struct error *error);
    void (*free)(struct tables *tables);
};

/* `operation` is "PutItem" and its like; UnknownOperationException for any other. */
bool tables_call(struct tables *tables, const char *operation, struct str request, struct buffer *response,
                 struct error *error);
void tables_free(struct tables *tables);

#endif
