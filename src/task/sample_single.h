/* Parts of data that is one file a part, a row a number. */
#ifndef AISLE_TASK_SAMPLE_SINGLE_H
#define AISLE_TASK_SAMPLE_SINGLE_H

#include "task/sample_dirt.h"

struct sample_single {
    const char *stem; /* of file names */
    const char *header;
    char *(*put)(char *at, const struct sample_part *part, uint64_t number); /* a row; gives where it ends */
    const struct dirt_rules *dirt;
};

/* Makes the rows of a part, some of them dirty; what dirt puts off comes at the end. */
bool sample_single_part(struct sample_part *part, const struct sample_single *kind, struct error *error);

#endif
