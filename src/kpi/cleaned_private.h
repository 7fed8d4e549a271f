/* Cleaned rows from within: the files of a folder, shared by those who read and write them. */
#ifndef AISLE_KPI_CLEANED_PRIVATE_H
#define AISLE_KPI_CLEANED_PRIVATE_H

#include <pthread.h>

#include "kpi/cleaned.h"
#include "kpi/state.h"

/* A file that is current, or will be when the change commits. */
struct part {
    int dataset;
    int64_t place;
    const char *path; /* within the folder */
    uint64_t rows, size_bytes;
    bool staged; /* made by this change */
    bool dropped;
};

/* What one worker writes files with, kept from file to file. */
struct desk {
    struct parquet_writer *writers[KPI_MAX_DATASETS];
    void *columns[KPI_MAX_COLUMNS * 2];
    size_t sizes[KPI_MAX_COLUMNS * 2]; /* in bytes */
};

struct cleaned {
    struct desk *desks; /* by worker */
    unsigned workers;
    const struct kpi_spec *spec;
    struct folder *folder;
    struct change *change;
    const char *run;
    struct terms *terms;
    struct arena *arena;
    pthread_mutex_t lock; /* over parts, arena and change while several threads write */
    struct part *parts;   /* sorted by dataset and place as far as `sorted` */
    size_t count, capacity, sorted;
    unsigned serial;
};

/* The index of the first part of a place, and how many parts it has. */
size_t cleaned_find_parts(struct cleaned *cleaned, int dataset, int64_t place, size_t *count);

bool cleaned_add_part(struct cleaned *cleaned, struct part part, struct error *error);
bool cleaned_drop_part(struct cleaned *cleaned, struct part *part, struct error *error);

#endif
