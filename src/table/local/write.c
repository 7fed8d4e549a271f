/* Writing one item: condition, change, indexes; within the transaction of whoever asks. */
#include "table/local/local_private.h"

#define VALIDATION "ValidationException"

static const char get_item[] = "SELECT value FROM item WHERE space = ?1 AND key = ?2";
static const char put_item[] = "INSERT INTO item(space, key, value) VALUES(?1, ?2, ?3) "
                               "ON CONFLICT(space, key) DO UPDATE SET value = excluded.value";
static const char delete_item[] = "DELETE FROM item WHERE space = ?1 AND key = ?2";

static void bind_place(sqlite3_stmt *statement, int64_t space, struct str key)
{
    sqlite3_bind_int64(statement, 1, space);
    sqlite3_bind_blob64(statement, 2, key.data, key.length, SQLITE_STATIC);
}

int item_load(struct statement_cache *db, int64_t space, struct str key, struct arena *arena, struct attribute *item,
              struct error *error)
{
    sqlite3_stmt *statement = statement_get(db, get_item, error);

    if (statement == NULL) {
        return -1;
    }
    bind_place(statement, space, key);
    int row = statement_next(db, statement, error);

    if (row != 1) {
        return row;
    }
    size_t size = (size_t)sqlite3_column_bytes(statement, 0);
    char *value = arena_text(arena, sqlite3_column_blob(statement, 0), size, error); /* values point into it */
    bool good = value != NULL && attribute_load(value, size, arena, item, error);

    statement_done(statement);
    return good ? 1 : -1;
}

static bool store(struct statement_cache *db, int64_t space, struct str key, const struct attribute *value,
                  struct error *error)
{
    struct buffer bytes __attribute__((cleanup(buffer_free))) = {0};
    sqlite3_stmt *statement = statement_get(db, put_item, error);

    attribute_store(&bytes, value);
    if (statement == NULL || !buffer_check(&bytes, error)) {
        return false;
    }
    bind_place(statement, space, key);
    sqlite3_bind_blob64(statement, 3, bytes.data, bytes.length, SQLITE_STATIC);
    return statement_run(db, statement, error);
}

static bool erase(struct statement_cache *db, int64_t space, struct str key, struct error *error)
{
    sqlite3_stmt *statement = statement_get(db, delete_item, error);

    if (statement == NULL) {
        return false;
    }
    bind_place(statement, space, key);
    return statement_run(db, statement, error);
}

/* What the index has of the item. */
static bool project(const struct table_definition *definition, const struct table_index *index,
                    const struct attribute *item, struct arena *arena, struct attribute *entry, struct error *error)
{
    *entry = *item;
    if (index->projection == PROJECTION_ALL) {
        return true;
    }
    struct attribute_member *members = arena_take(arena, (item->as.map.count + 1) * sizeof *members, error);
    size_t count = 0;

    if (members == NULL) {
        return false;
    }
    for (size_t i = 0; i < item->as.map.count; i++) {
        if (definition_projects(definition, index, item->as.map.members[i].name)) {
            members[count++] = item->as.map.members[i];
        }
    }
    entry->as.map.members = members;
    entry->as.map.count = count;
    return true;
}

/* The index's entry of the item goes. */
static bool unlist(const struct write *write, const struct table_index *index, struct statement_cache *db,
                   struct error *error)
{
    struct buffer key __attribute__((cleanup(buffer_free))) = {0};

    if (!item_index_key(&index->keys, &write->before, write->key, &key, error)) {
        return buffer_check(&key, error);
    }
    return erase(db, index->space, str_slice(key.data, key.length), error);
}

static bool list(const struct write *write, const struct table_index *index, struct statement_cache *db,
                 struct arena *arena, struct error *error)
{
    struct buffer key __attribute__((cleanup(buffer_free))) = {0};
    struct attribute entry;

    if (!item_index_key(&index->keys, &write->after, write->key, &key, error)) {
        return buffer_check(&key, error);
    }
    return project(write->definition, index, &write->after, arena, &entry, error) &&
           store(db, index->space, str_slice(key.data, key.length), &entry, error);
}

static bool change_indexes(const struct write *write, struct statement_cache *db, struct arena *arena,
                           struct error *error)
{
    for (size_t i = 0; i < write->definition->index_count; i++) {
        const struct table_index *index = &write->definition->indexes[i];

        if ((write->had && !unlist(write, index, db, error)) || (write->has && !list(write, index, db, arena, error))) {
            return false;
        }
    }
    return true;
}

/* An attribute that is a key of an index must have its type, and not be empty. */
static bool check_index_part(const struct table_index *index, const struct attribute *item, bool sort,
                             struct error *error)
{
    struct str name = sort ? index->keys.sort : index->keys.partition;
    enum attribute_type type = sort ? index->keys.sort_type : index->keys.partition_type;
    const struct attribute *value = name.data != NULL ? attribute_find(item, name) : NULL;

    if (value == NULL) {
        return true;
    }
    if (value->type != type) {
        return error_set_named(
            error, ERROR_INVALID, VALIDATION,
            "One or more parameter values were invalid: Type mismatch for Index Key %.*s Expected: %s "
            "Actual: %s IndexName: %s",
            STR_ARGS(name), attribute_type_name(type), attribute_type_name(value->type), index->name);
    }
    if (type != ATTRIBUTE_NUMBER && value->as.text.length == 0) {
        return error_set_named(
            error, ERROR_INVALID, VALIDATION,
            "One or more parameter values are not valid. A value specified for a secondary index key "
            "is not supported. The AttributeValue for a key attribute cannot contain an empty %s value. "
            "IndexName: %s, IndexKey: %.*s",
            type == ATTRIBUTE_STRING ? "string" : "binary", index->name, STR_ARGS(name));
    }
    if (type != ATTRIBUTE_NUMBER && value->as.text.length > (sort ? KEY_MAX_SORT_BYTES : KEY_MAX_PARTITION_BYTES)) {
        return error_set_named(error, ERROR_INVALID, VALIDATION, "One or more parameter values were invalid: %s",
                               sort ? "Aggregated size of all range keys has exceeded the size limit of 1024 bytes"
                                    : "Size of hashkey has exceeded the maximum size limit of2048 bytes");
    }
    return true;
}

static bool check_after(const struct write *write, struct error *error)
{
    if (attribute_item_bytes(&write->after) > ITEM_MAX_BYTES) {
        return error_set_named(error, ERROR_INVALID, VALIDATION,
                               write->kind == WRITE_UPDATE ? "Item size to update has exceeded the maximum allowed size"
                                                           : "Item size has exceeded the maximum allowed size");
    }
    for (size_t i = 0; i < write->definition->index_count; i++) {
        const struct table_index *index = &write->definition->indexes[i];

        if (!check_index_part(index, &write->after, false, error) ||
            !check_index_part(index, &write->after, true, error)) {
            return false;
        }
    }
    return true;
}

bool write_apply(struct write *write, struct statement_cache *db, struct arena *arena, struct error *error)
{
    static const struct attribute nothing = {.type = ATTRIBUTE_MAP};
    int found = item_load(db, write->definition->space, write->key, arena, &write->before, error);

    if (found < 0) {
        return false;
    }
    write->had = found == 1;
    if (write->condition != NULL && !expression_holds(write->condition, write->had ? &write->before : &nothing)) {
        return error_set_named(error, ERROR_INVALID, "ConditionalCheckFailedException",
                               "The conditional request failed");
    }
    if (write->kind == WRITE_CHECK) {
        return true;
    }
    write->has = write->kind != WRITE_DELETE;
    if (write->kind == WRITE_PUT) {
        write->after = write->item;
    } else if (write->kind == WRITE_UPDATE &&
               !update_apply(&write->update, write->had ? &write->before : &write->item, arena, &write->after, error)) {
        return false;
    }
    if (write->has
            ? !check_after(write, error) || !store(db, write->definition->space, write->key, &write->after, error)
            : write->had && !erase(db, write->definition->space, write->key, error)) {
        return false;
    }
    return change_indexes(write, db, arena, error);
}
