/* What a table is: its keys, indexes and settings, read from CreateTable's request and told by DescribeTable. */
#ifndef AISLE_TABLE_DEFINITION_H
#define AISLE_TABLE_DEFINITION_H

#include "table/attribute.h"
#include "table/expression.h"

#define TABLE_MAX_LOCAL_INDEXES 5
#define TABLE_MAX_GLOBAL_INDEXES 20

enum index_projection { PROJECTION_ALL, PROJECTION_KEYS_ONLY, PROJECTION_INCLUDE };

struct table_index {
    const char *name;
    bool global; /* else local: the table's partition key, another sort key */
    struct key_schema keys;
    enum index_projection projection;
    const char **included; /* PROJECTION_INCLUDE */
    size_t included_count;
    int64_t space; /* where its entries lie */
};

struct table_definition {
    const char *name;
    const char *id; /* UUID */
    int64_t space;  /* where its items lie */
    int64_t created_us;
    struct key_schema keys;
    struct table_index *indexes; /* local ones first */
    size_t index_count;
    const char *time_to_live; /* the attribute; NULL: none */
    const char *stream_view;  /* NEW_IMAGE, …; NULL: no stream */
    const char *stream_label; /* of the stream that is on */
    bool deletion_protection;
    bool on_demand; /* PAY_PER_REQUEST */
    int64_t read_units, write_units;
    json_t *tags;        /* [{"Key": …, "Value": …}] or NULL */
    struct arena *arena; /* of all texts */
    unsigned references; /* of those who hold it */
};

/* Reads a CreateTable request. ValidationException in DynamoDB's words. The table and its indexes take the spaces from
 * `first_space` on, as many as there are indexes, and one. Free with definition_free. */
struct table_definition *definition_create(const json_t *request, int64_t first_space, int64_t now_us,
                                           struct error *error);
void definition_free(struct table_definition *definition);

/* Stored form: the request that made the table (with later changes put in) and what it does not say; and back. */
json_t *definition_store(const struct table_definition *definition, const json_t *request, struct error *error);
struct table_definition *definition_load(const json_t *stored, struct error *error);

/* Whether entries of the index have the attribute. */
bool definition_projects(const struct table_definition *definition, const struct table_index *index, struct str name);

const struct table_index *definition_index(const struct table_definition *definition, const char *name);

/* TableDescription of a table that has so many items of so many bytes. NULL when memory runs short. */
struct definition_told {
    const char *region, *account, *status;
    uint64_t items, bytes;
};
json_t *definition_describe(const struct table_definition *definition, const struct definition_told *told);

/* Table names: 3 to 255 of a-z A-Z 0-9 _ - . */
bool definition_check_name(const char *name, const char *parameter, struct error *error);

#endif
