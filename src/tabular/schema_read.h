/* What the files that compile a schema share; nobody else includes it. */
#ifndef AISLE_TABULAR_SCHEMA_READ_H
#define AISLE_TABULAR_SCHEMA_READ_H

#include <jansson.h>

#include "tabular/schema.h"

struct schema_reader {
    struct arena *arena;
    const char *name; /* of the file, for errors */
    struct schema *schema;
};

/* Fills `error` with "NAME: WHERE: …"; returns false. */
bool schema_wrong(const struct schema_reader *reader, struct error *error, const char *where, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* A list of texts owned by the arena. A single string is a list of one; numbers and booleans become their JSON text.
 * An absent member gives 0 and leaves `texts` alone. */
bool schema_read_texts(const struct schema_reader *reader, json_t *object, const char *key, const char *where,
                       struct str **texts, size_t *count, struct error *error);

/* A boolean member, `*value` untouched when it is absent. */
bool schema_read_flag(const struct schema_reader *reader, json_t *object, const char *key, const char *where,
                      bool *value, struct error *error);

/* A string member copied to the arena; NULL in `*text` when it is absent. */
bool schema_read_text(const struct schema_reader *reader, json_t *object, const char *key, const char *where,
                      const char **text, struct error *error);

/* The rule of that name (as rule_name), -1 when there is none. */
int schema_rule_of(const char *name);

/* Compiles one element of "fields" into `field`, whose pattern is the schema's to free. */
bool schema_read_field(const struct schema_reader *reader, json_t *json, struct field *field, struct error *error);

/* The members that speak about fields: keys, references, conditional rules, version, order of reasons. All fields
 * are compiled. */
bool schema_read_relations(const struct schema_reader *reader, json_t *json, struct error *error);
bool schema_read_order(const struct schema_reader *reader, json_t *json, struct error *error);

/* One text as a value of the field's type; not for TERM and TEXT. `*result` tells a number's trouble. */
bool field_parse(const struct field *field, struct str text, int64_t *value, enum number_result *result);

#endif
