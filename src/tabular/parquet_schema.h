/* The schema of a Parquet footer: which columns there are and how each is read. */
#ifndef AISLE_TABULAR_PARQUET_SCHEMA_H
#define AISLE_TABULAR_PARQUET_SCHEMA_H

#include "tabular/parquet_meta.h"

/* Reads the list of SchemaElements at hand into the footer's leaves. Fails with a sentence that names the column for
 * one that is nested, repeated or of a type that has no kind here. */
bool schema_read(struct parquet_footer *footer, struct thrift_reader *reader, struct thrift_field *field,
                 struct error *error);

#endif
