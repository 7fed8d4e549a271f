/* From the values of a block's rows to a packed batch. */
#ifndef AISLE_TABULAR_VALIDATE_BATCH_H
#define AISLE_TABULAR_VALIDATE_BATCH_H

#include "tabular/validate_judge.h"

/* Packs the rows kept into the block's batch. */
bool batch_build(struct job *job, struct error *error);

#endif
