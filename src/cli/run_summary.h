/* A run's record as people read it: what became of the rows of each dataset, and what else the run says. */
#ifndef AISLE_CLI_RUN_SUMMARY_H
#define AISLE_CLI_RUN_SUMMARY_H

#include <jansson.h>
#include <stdio.h>

#include "base/error.h"

/* Writes the record (the JSON that `aisle run --json` prints) as a line with its status; a table with a row for each
 * dataset (read = valid + rejected + duplicate + pending) and their sums, for this run and, where they differ, for all
 * runs; the files that were not simply taken; and the record's other members by name. What the record does not have is
 * left out. */
bool run_summary_write(FILE *out, json_t *record, struct error *error);

#endif
