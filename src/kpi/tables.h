/* KPI tables as their readers see them: one row a group, every measure worked out and rounded. */
#ifndef AISLE_KPI_TABLES_H
#define AISLE_KPI_TABLES_H

#include "base/arena.h"
#include "kpi/spec.h"
#include "kpi/state.h"
#include "tabular/term.h"

/* One column of a result: a key of the table or a measure that is not hidden. */
struct kpi_output {
    const char *name;
    enum column_kind kind; /* TERM, DATE, INTEGER or DECIMAL */
    int scale;             /* of DECIMAL */
};

/* Rows by column; COLUMN_NULL is no value. Keys come first. */
struct kpi_result {
    const struct kpi_table *table;
    int key_count, column_count;
    struct kpi_output columns[KPI_MAX_KEYS + KPI_MAX_MEASURES];
    int64_t *values[KPI_MAX_KEYS + KPI_MAX_MEASURES];
    size_t rows;
};

/* Which rows: an exact value for a key (NULL: any), and days from … to for a date key, months for a key that is a month
 * (INT64_MIN and INT64_MAX: no bound; a month is within when any of its days is). */
struct kpi_filter {
    const char *key[KPI_MAX_KEYS];
    int64_t from_day, to_day;
};

/* A key of a table, of the kind that the table has there, from its text. False when no row can have it: it is not of
 * that kind, or a text that is nowhere. */
bool kpi_key_value(const struct terms *terms, enum column_kind kind, const char *text, int64_t *value);

/* Where tables are read from. */
struct kpi_view {
    const struct state *state;
    const struct kpi_spec *spec;
    const struct terms *terms;
};

/* The rows of a table in the state, ordered by their keys as a reader expects (terms_compare). ERROR_LIMIT, with the
 * group and the measure, when a value that is worked out does not fit 64 bits at its scale. */
bool kpi_read(const struct state *state, const struct kpi_spec *spec, const struct terms *terms,
              const struct kpi_table *table, const struct kpi_filter *filter, struct kpi_result *result,
              struct error *error);
void kpi_result_free(struct kpi_result *result);

/* The same rows in the same order, some tens of thousands at a time where the first key is a date or a whole number and
 * no measure is a rank, else all at once. `visit` gets at least one result, of no rows when there are none; it may take
 * the values out of it (and leave it zeroed). It returns false, with `error` set, to fail. */
bool kpi_stream(const struct kpi_view *view, const struct kpi_table *table, const struct kpi_filter *filter,
                bool (*visit)(void *context, struct kpi_result *result, struct error *error), void *context,
                struct error *error);

/* Orders rows by a column, largest first (`descending`) or smallest first; null last; ties keep their order. */
bool kpi_result_order(struct kpi_result *result, int column, bool descending, struct error *error);

/* A pipeline's tables in a data folder, as the last commit left them; later commits are not seen. */
struct kpi_store {
    struct arena *arena;
    struct kpi_spec *spec;
    struct folder *folder;
    struct terms *terms;
    struct state *state;
};

/* `pipeline_folder` holds kpis.json. ERROR_NOT_FOUND when the folder holds no run of it; ERROR_CONFLICT when it was
 * made under another spec (the next run rebuilds it). */
bool kpi_store_open(struct kpi_store *store, const char *data_folder, const char *pipeline_folder, struct error *error);
void kpi_store_close(struct kpi_store *store);

#endif
