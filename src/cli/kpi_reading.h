/* What the commands that read KPI tables share: opening, naming, filtering. */
#ifndef AISLE_CLI_KPI_READING_H
#define AISLE_CLI_KPI_READING_H

#include "cli/outlet.h"
#include "kpi/tables.h"
#include "tabular/value_text.h"

/* Opens the tables of a pipeline (by name or folder) in a data folder. Where there are none the error says how to make
 * some. */
bool kpi_reading_open(struct kpi_store *store, const char *data_folder, const char *pipeline, struct error *error);

/* The table of a name as people write it: `category_day`, `category`, `days`, `categories`. NULL with the nearest name.
 */
const struct kpi_table *kpi_reading_table(const struct kpi_spec *spec, const char *name, struct error *error);

/* Asks for one value of a key: of the key named `key`, or, when it is NULL, of the first that is a text. A NULL value
 * asks for nothing. */
bool kpi_reading_key(const struct kpi_table *table, const char *key, const char *value, struct kpi_filter *filter,
                     struct error *error);

/* The column that says most: what the table ranks by, else the first sum of decimals, else the first sum or count. -1
 * for none. */
int kpi_reading_main_column(const struct kpi_result *result);

/* Whether the values of several rows of a column add up to something that is true of all of them. */
bool kpi_reading_is_additive(const struct kpi_result *result, int column);

/* The result's columns as they are written: money with all its decimals. */
#define KPI_READING_COLUMNS (KPI_MAX_KEYS + KPI_MAX_MEASURES)
void kpi_reading_columns(const struct kpi_result *result, struct value_column columns[KPI_READING_COLUMNS]);

/* Writes the rows of a table as they are read, to a file or (`path` NULL) to standard output. */
bool kpi_reading_export(const struct kpi_view *view, const struct kpi_table *table, const struct kpi_filter *filter,
                        enum outlet_format format, const char *path, struct error *error);

#endif
