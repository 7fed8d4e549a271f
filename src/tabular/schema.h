/* A Frictionless Table Schema (specs.frictionlessdata.io/table-schema), compiled, with Aisle's extensions.
 *
 * Standard: fields (name, type, format, decimalChar, groupChar, bareNumber, trueValues, falseValues, missingValues,
 * constraints: required, unique, minimum, maximum, exclusiveMinimum, exclusiveMaximum, minLength, maxLength, pattern,
 * enum), missingValues, primaryKey, foreignKeys. Extensions, all documented in docs/schemas.md:
 *   field.aliases      other header names that mean this field
 *   field.optional     the column may be absent from the header (default false)
 *   field.default      the value where the column is absent or the value is missing (`quantity` = 1)
 *   field.scale        decimals kept of a number (default 6); more non-zero decimals are an error
 *   field.trim         spaces at both ends do not count (default true)
 *   field.intern       a string that repeats: kept as a term (ids, statuses, categories)
 *   field.severity     "error" (default) or "warning" per rule: {"enum": "warning"}
 *   field.messages     the reason's text per rule: {"required": "Missing required field: brand", …}
 *   rules              conditional rules: {"when": {"field": "brand", "present": true},
 *                      "require": "model", "message": "Model is required when brand is provided"}; "when" may
 *                      also be {"field": "status", "in": ["shipped", …]}
 *   reasons            the order of reasons in a row: a list of rule names ("required": that rule of every field),
 *                      ["price"] (every rule of that field) and ["price", "type"]; what is not named follows in
 *                      field order, and in a field in the order of enum rule
 *   drift              header differs: "fail", "ignore" (default: unknown columns are passed by) or "accept"
 *   rejectBudget       {"count": N, "share": 0.1}: more rejects than either end the run with status 3
 *   version            fields whose latest timestamp decides which of two rows with one key is newer
 *   match              names of folder or file stems that mean this dataset ("order_items")
 *   dialect, encoding  {"delimiter": ";", "quoteChar": "'"}; "utf-8", "latin-1" or "utf-16"
 */
#ifndef AISLE_TABULAR_SCHEMA_H
#define AISLE_TABULAR_SCHEMA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/str.h"
#include "tabular/column.h"
#include "tabular/number.h"
#include "tabular/term.h"
#include "tabular/text_form.h"

enum rule {
    RULE_REQUIRED,
    RULE_TYPE,    /* not of the type or format, a scale too fine, out of the type's range */
    RULE_MINIMUM, /* also exclusiveMinimum */
    RULE_MAXIMUM,
    RULE_MIN_LENGTH,
    RULE_MAX_LENGTH,
    RULE_PATTERN,
    RULE_ENUM,
    RULE_UNIQUE,    /* judged over the whole file, not here */
    RULE_REFERENCE, /* a foreign key names nothing; likewise */
    RULE_CONDITION, /* a conditional rule of the schema; `field` is the required one */
    RULE_ENCODING,  /* the row is not UTF-8, or holds a NUL */
    RULE_FIELDS,    /* the row is too short or too long */
    RULE_QUOTING,   /* a quote in the middle of an unquoted field, or bytes after a closing quote */
    RULE_COUNT
};

/* What a type becomes (enum column_kind): string TERM when interned, else TEXT; integer and year INTEGER; yearmonth
 * INTEGER, in months since 0000-01; number DECIMAL; boolean BOOLEAN; date DATE; datetime TIMESTAMP; time INTEGER, in
 * microseconds since midnight; all others TEXT (or TERM), as they stand. */
enum field_type {
    FIELD_STRING,
    FIELD_INTEGER,
    FIELD_NUMBER,
    FIELD_BOOLEAN,
    FIELD_DATE,
    FIELD_DATETIME,
    FIELD_TIME,
    FIELD_YEAR,
    FIELD_YEARMONTH,
    FIELD_DURATION,
    FIELD_OBJECT,
    FIELD_ARRAY,
    FIELD_GEOPOINT,
    FIELD_GEOJSON,
    FIELD_ANY
};

enum drift { DRIFT_FAIL, DRIFT_IGNORE, DRIFT_ACCEPT };

struct field {
    const char *name;
    const char **aliases;
    size_t alias_count;
    enum field_type type;
    const char *format;    /* dates and times: NULL for the default; "any"; or as timestamp_parse_format takes it */
    enum text_form form;   /* TERM and TEXT: more than any text; field_judge decides unless it is FORM_NONE */
    enum column_kind kind; /* what it becomes: interned strings TERM, other strings TEXT, … */
    int scale;             /* COLUMN_DECIMAL */
    bool required, optional, trim, unique;
    bool has_default;
    struct str default_text;
    int64_t default_value;       /* for kinds other than TERM and TEXT: it as a value */
    struct number_format number; /* how numbers are written */
    struct str *missing;         /* missingValues of this field, else the schema's */
    size_t missing_count;
    struct str *trues, *falses; /* booleans */
    size_t true_count, false_count;
    bool has_minimum, has_maximum, exclusive_minimum, exclusive_maximum;
    int64_t minimum, maximum; /* in the kind's own unit and scale */
    bool has_lengths;
    uint32_t min_length, max_length; /* characters */
    struct str *enums;
    int64_t *enum_values; /* for kinds other than TERM and TEXT: they as values; else NULL */
    size_t enum_count;
    struct pattern *pattern;         /* opaque: PCRE2, anchored, match limits; NULL for none */
    bool warning[RULE_COUNT];        /* a breach of this rule is a warning, the row stays valid */
    const char *message[RULE_COUNT]; /* NULL: the default text */
};

struct condition_rule {
    int when_field;          /* index */
    bool when_present;       /* true: has a value; false: is missing */
    struct str *when_values; /* when not NULL: has one of these values */
    size_t when_value_count;
    int require_field;
    const char *message;
};

struct reference {
    int *fields;           /* the referring fields */
    const char *dataset;   /* the foreign resource; "" for this file itself */
    const char **foreigns; /* its fields, one for each of ours */
    size_t count;
};

struct schema {
    const char *name; /* the file's stem, or its "name" */
    struct field *fields;
    size_t field_count;
    struct str *missing; /* missingValues; fields without their own share it */
    size_t missing_count;
    int *primary_key; /* field indexes */
    size_t primary_key_count;
    struct reference *references;
    size_t reference_count;
    struct condition_rule *conditions;
    size_t condition_count;
    int *version_fields;
    size_t version_count;
    const char **match;
    size_t match_count;
    enum drift drift;
    bool has_budget;
    uint64_t budget_count; /* UINT64_MAX: no count */
    double budget_share;   /* 1.0: no share */
    char delimiter, quote; /* dialect, from "dialect": {"delimiter", "quoteChar"} */
    int encoding;          /* enum csv_encoding */
    uint16_t *order;       /* rank of (field * RULE_COUNT + rule) among a row's reasons */
    uint16_t *by_rank;     /* the other way: what has that rank; field_count * RULE_COUNT elements */
};

/* More fields than this are refused. */
#define SCHEMA_FIELD_CEILING 4096

/* Reads and compiles a schema file; the error names the file, the field and what is wrong. Owned by `arena`
 * except for patterns, which schema_free releases. */
struct schema *schema_load(struct arena *arena, const char *path, struct error *error);

/* The same from parsed JSON; `name` stands for the file. */
struct schema *schema_compile(struct arena *arena, const void *json, const char *name, struct error *error);

void schema_free(struct schema *schema);

/* The index of a field by its name or an alias, -1 when there is none. */
int schema_find(const struct schema *schema, struct str name);

/* How the columns of a header map to the schema. */
struct header_map {
    int *field_of_column; /* for each column of the file its field, or -1 */
    int *column_of_field; /* for each field its column, or -1 */
    size_t column_count;
    const char *problem; /* NULL, or why the header cannot be taken: a missing required column, a duplicate,
                            an unknown column under drift "fail" (in the arena) */
    const char *notice;  /* NULL, or drift worth telling: unknown columns, and then optional ones that are not there */
};
bool schema_map_header(struct arena *arena, const struct schema *schema, const struct str *names, size_t count,
                       struct header_map *map, struct error *error);

/* One value judged: the specification that the fast kernels are held to. `text` is the field's value as it stands
 * in the row (unquoted, not yet trimmed). */
struct verdict {
    bool present;    /* not one of missingValues */
    uint32_t broken; /* a bit per rule that the value breaks as an error */
    uint32_t warned; /* and as a warning */
    int64_t value;   /* when present and of the type, for kinds other than text; terms only with `terms` */
    bool failed;     /* memory ran out: the verdict is not to be used */
    struct str text; /* trimmed; where the value is missing and has a default, the default's */
};
void field_judge(const struct schema *schema, const struct field *field, struct str text, struct terms *terms,
                 struct verdict *verdict);

/* Appends the reason for a broken rule: the schema's message, or a default one that names field, rule, bound and
 * value ("price: must be at least 0, is -3"). `value` may be empty. Of the rules of a whole row (RULE_ENCODING,
 * RULE_FIELDS, RULE_QUOTING) `field` may be NULL, and `value` says more ("7 instead of 9"). */
void field_reason(const struct field *field, enum rule rule, struct str value, struct buffer *into);

/* Whether a conditional rule is broken by a row; `verdicts` holds one a field. */
bool condition_is_broken(const struct condition_rule *rule, const struct verdict *verdicts);

/* Calls `visit` for every reason of a row, in the schema's order: what its verdicts (one a field) break as errors, and
 * its conditional rules, whose `message` it is (NULL: the default). Returns how many there are; 0 is a valid row. */
size_t schema_each_reason(const struct schema *schema, const struct verdict *verdicts,
                          void (*visit)(void *context, size_t field, enum rule rule, const char *message),
                          void *context);

/* Appends these reasons joined by ", ". `broken`, when not NULL, is the union of the rules. */
size_t schema_row_reasons(const struct schema *schema, const struct verdict *verdicts, struct buffer *into,
                          uint32_t *broken);

/* The rule's name as schemas spell it: "required", "type", "minimum", … */
const char *rule_name(enum rule rule);

#endif
