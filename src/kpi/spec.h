/* A KPI spec: what tables a pipeline computes, from which datasets, joined how. Compiled from kpis.json.
 *
 *   datasets   name -> { schema, joins: {parent dataset: own field}, columns: {name: expression}, cleaned: [names] }
 *   partition  the column (a date) by which cleaned rows are laid out and KPIs recomputed; a dataset without that
 *              column is kept whole
 *   tables     name, key columns, measures
 *
 * An expression is the name of a column or field of the dataset, "parent.name" for one of a joined dataset, or
 *   {"date": X}            the UTC date of a timestamp
 *   {"month": X}           its month as the text 2025-03
 *   {"seconds": [X, Y]}    seconds from X to Y, null unless both are there
 *   {"multiply": [X, Y]}   exact product; the scales add up
 * A measure is over the rows of one dataset ("from") that satisfy "where" ({column: [values]}) and not
 * "where_not":
 *   {"count": true}, {"count": X} (rows where X is there), {"sum": X}, {"distinct": X}, {"min": X}, {"max": X}
 * or over other measures of the table:
 *   {"ratio": [A, B], "per": n}   A / (B * n), null when B is 0
 *   {"mean_gap": [A, B, N]}       (B - A) / (N - 1), null when N < 2: mean distance of N points from A to B
 *   {"rank": A}                   1 for the largest A
 * Keys are texts, dates or whole numbers; min and max are of numbers or dates; mean_gap is of dates or whole numbers.
 * "scale" (0 to 12) rounds half up to so many decimals; "hidden" keeps a measure out of what is shown.
 * docs/kpis.md teaches this with examples.
 */
#ifndef AISLE_KPI_SPEC_H
#define AISLE_KPI_SPEC_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"
#include "tabular/schema.h"

#define KPI_MAX_DATASETS 8
#define KPI_MAX_JOINS 4
#define KPI_MAX_FIELDS 62 /* of a schema: with lineage and derived columns they make a cleaned file */
#define KPI_MAX_COLUMNS 64
#define KPI_MAX_TABLES 64
#define KPI_MAX_KEYS 3
#define KPI_MAX_MEASURES 24

enum kpi_operator {
    OPERATOR_FIELD,
    OPERATOR_PARENT,
    OPERATOR_DATE,
    OPERATOR_MONTH,
    OPERATOR_SECONDS,
    OPERATOR_MULTIPLY
};

struct kpi_column {
    const char *name;
    enum kpi_operator operator;
    int field; /* OPERATOR_FIELD: of the schema */
    int join;  /* OPERATOR_PARENT: which join, and the parent's column */
    int parent_column;
    int argument[2];       /* others: columns of the same dataset, of smaller index */
    enum column_kind kind; /* TERM, INTEGER, DECIMAL, DATE, TIMESTAMP or BOOLEAN */
    int scale;
    bool used;           /* some table needs it */
    bool for_parent_use; /* some joined dataset needs it: kept in the key index */
};

struct kpi_join {
    int dataset;
    int field; /* own field that holds the parent's key */
};

struct kpi_dataset {
    const char *name;
    struct schema *schema;
    int key_field;
    struct kpi_join joins[KPI_MAX_JOINS];
    int join_count;
    struct kpi_column columns[KPI_MAX_COLUMNS];
    int column_count;
    int partition_column;                /* -1: kept whole */
    int partition_join;                  /* the join the partition comes from, -1: own */
    int parent_columns[KPI_MAX_COLUMNS]; /* columns kept in the key index, in order */
    int parent_column_count;
    int cleaned[KPI_MAX_COLUMNS]; /* derived columns written beside the fields */
    int cleaned_count;
    bool has_children; /* some dataset joins to it */
};

enum kpi_measure_kind {
    MEASURE_COUNT,
    MEASURE_SUM,
    MEASURE_DISTINCT,
    MEASURE_MIN,
    MEASURE_MAX,
    MEASURE_RATIO,
    MEASURE_MEAN_GAP,
    MEASURE_RANK
};

struct kpi_condition {
    int column;
    bool negated;
    struct str *values;
    size_t value_count;
};

struct kpi_measure {
    const char *name;
    enum kpi_measure_kind kind;
    bool hidden;
    int dataset; /* base kinds */
    int column;  /* -1: count every row */
    struct kpi_condition *conditions;
    size_t condition_count;
    int argument[3]; /* derived kinds: measures of the table, of smaller index */
    int64_t per;
    enum column_kind result; /* INTEGER, DECIMAL or DATE */
    int scale;               /* of the shown value */
    int sum_scale;           /* of the accumulated value */
    int accumulator;         /* value column of the table's trace, -1: none, as it is derived or from a multiset */
    int multiset;            /* what a table that is not by day counts distinct, or finds extremes in; else -1 */
    int set;                 /* what a table by day counts distinct in while it goes through a day; else -1 */
};

struct kpi_table {
    const char *name;
    const char *title;
    const char *dynamodb_name;
    const char *keys[KPI_MAX_KEYS];
    enum column_kind key_kinds[KPI_MAX_KEYS];
    int key_count;
    int partition_key; /* which key is the partition column, -1: none. With one the table is by day: each day's groups
                          come from that day's rows alone and are worked out anew when one of these changes */
    struct kpi_measure measures[KPI_MAX_MEASURES];
    int measure_count;
    int accumulator_count; /* accumulator 0 counts the rows behind the group */
};

/* How often each value occurs in each group of a table that is not by day: what distinct, min and max stand on there.
 * Measures that need the same one share it. */
struct kpi_multiset {
    int table;
    int dataset;
    int column;
    const struct kpi_measure *measure; /* whose conditions it has */
};

struct kpi_spec {
    const char *pipeline;
    const char *text_hash; /* SHA-256 of the spec and schema files: state made under another is rebuilt */
    struct kpi_dataset datasets[KPI_MAX_DATASETS];
    int dataset_count; /* parents before children */
    const char *partition;
    struct kpi_table *tables;
    int table_count;
    struct kpi_multiset *multisets;
    int multiset_count;
    int set_count; /* measures of tables by day that count distinct */
};

static inline bool kpi_table_by_day(const struct kpi_table *table)
{
    return table->partition_key >= 0;
}

/* Reads `folder`/kpis.json and the schemas it names. `only`, when not NULL, names the tables to keep, separated by
 * commas. Errors name file, table and member. */
struct kpi_spec *kpi_spec_load(struct arena *arena, const char *folder, const char *only, struct error *error);
void kpi_spec_free(struct kpi_spec *spec); /* what the arena does not own: the schemas' patterns */

int kpi_dataset_find(const struct kpi_spec *spec, const char *name);                   /* -1: none */
const struct kpi_table *kpi_table_find(const struct kpi_spec *spec, const char *name); /* NULL: none */

/* Sets, by field of the schema, those that working out tables needs: what columns are made of, joins, and the key where
 * there are children. */
void kpi_fields_used(const struct kpi_dataset *dataset, bool *fields);

/* Where a column of a parent stands among its parent_columns. -1: nowhere. */
int kpi_parent_position(const struct kpi_dataset *parent, int column);

/* The column of a dataset with this name, -1: none. */
int kpi_column_find(const struct kpi_dataset *dataset, const char *name);

#endif
