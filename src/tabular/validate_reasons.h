/* Why a row is rejected. */
#ifndef AISLE_TABULAR_VALIDATE_REASONS_H
#define AISLE_TABULAR_VALIDATE_REASONS_H

#include "tabular/validate_judge.h"

/* Whether a row breaks a conditional rule. */
bool reasons_condition(const struct job *job, const struct condition_rule *rule, size_t row);

/* Counts the rules a rejected row breaks, and appends it with its reasons to the worker's rejects where the file has
 * such a stream. `breach` is its first one (index + 1), 0 when it has none. */
bool reasons_tell(struct job *job, size_t row, uint32_t breach, bool conditional, struct error *error);

#endif
