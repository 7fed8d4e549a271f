/* The parameters from before there were expressions, as the trees that expressions have: Expected, QueryFilter,
 * ScanFilter, KeyConditions, AttributeUpdates, AttributesToGet. Errors are ValidationExceptions in DynamoDB's words.
 *
 * Source: Amazon DynamoDB Developer Guide, "Legacy conditional parameters".
 */
#ifndef AISLE_TABLE_OLDER_H
#define AISLE_TABLE_OLDER_H

#include "table/expression.h"

/* Which of the parameters a map of conditions is. */
enum older_kind { OLDER_EXPECTED, OLDER_FILTER, OLDER_KEYS };

/* `*condition` is NULL when `given` is NULL or empty. `together`: "AND", "OR" or NULL (ConditionalOperator). */
bool older_condition(const json_t *given, enum older_kind kind, const char *together, struct arena *arena,
                     const struct condition **condition, struct error *error);

bool older_update(const json_t *given, struct arena *arena, struct update *update, struct error *error);

bool older_projection(const json_t *given, struct arena *arena, struct projection *projection, struct error *error);

/* Fails when a request has parameters of both kinds. */
bool older_check_mix(const json_t *request, struct error *error);

#endif
