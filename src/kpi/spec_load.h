/* Reading a KPI spec, from within: shared by the files that read its datasets and its tables. */
#ifndef AISLE_KPI_SPEC_LOAD_H
#define AISLE_KPI_SPEC_LOAD_H

#include <jansson.h>

#include "base/buffer.h"
#include "kpi/spec.h"

/* Decimals of a column or of a measure: with these, sums and ratios stay within 128 bits. */
#define SPEC_SCALE_MOST 12

/* Everything that reading one spec needs. */
struct loading {
    struct arena *arena;
    const char *folder;
    const char *path;
    struct kpi_spec *spec;
    struct buffer hashed; /* the texts that text_hash covers */
    struct error *error;
};

/* A copy of a name that the spec keeps. Names of datasets, tables and the like become parts of paths and of keys, so
 * they are 1 to 64 letters, digits, _ and -; `what` stands for it in the error. NULL on failure. */
char *spec_name(struct loading *load, const char *name, const char *what);

/* A member that may be absent. False when it is there and of another type; `where` is its place for the reader. */
bool spec_section(struct loading *load, json_t *object, const char *key, json_type type, const char *where,
                  json_t **section);

/* The column of a dataset for a plain name: one that is declared, or the field of the schema, which becomes a column
 * now. -1 on failure. */
int spec_resolve(struct loading *load, struct kpi_dataset *dataset, const char *name);

/* spec_tables.c: the tables of the spec, or those of them that `only` names. */
bool spec_load_tables(struct loading *load, json_t *root, const char *only);

#endif
