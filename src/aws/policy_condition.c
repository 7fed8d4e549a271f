#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "aws/policy_parts.h"

enum kind { STRING, NUMERIC, DATE, BOOLEAN, BINARY, ADDRESS, ARN, ABSENCE };
enum relation { EQUAL, LESS, LESS_OR_EQUAL, GREATER, GREATER_OR_EQUAL };
enum quantifier { ONE_VALUE, ANY_VALUE, ALL_VALUES };

struct operator
{
    const char *name;
    enum kind kind;
    enum relation relation;
    bool negated;
    unsigned flags; /* of the pattern */
};

/* IAM User Guide, "IAM JSON policy elements: Condition operators". */
static const struct operator operators[] = {
    {"StringEquals", STRING, EQUAL, false, 0},
    {"StringNotEquals", STRING, EQUAL, true, 0},
    {"StringEqualsIgnoreCase", STRING, EQUAL, false, PATTERN_FOLD},
    {"StringNotEqualsIgnoreCase", STRING, EQUAL, true, PATTERN_FOLD},
    {"StringLike", STRING, EQUAL, false, PATTERN_WILDCARDS},
    {"StringNotLike", STRING, EQUAL, true, PATTERN_WILDCARDS},
    {"NumericEquals", NUMERIC, EQUAL, false, 0},
    {"NumericNotEquals", NUMERIC, EQUAL, true, 0},
    {"NumericLessThan", NUMERIC, LESS, false, 0},
    {"NumericLessThanEquals", NUMERIC, LESS_OR_EQUAL, false, 0},
    {"NumericGreaterThan", NUMERIC, GREATER, false, 0},
    {"NumericGreaterThanEquals", NUMERIC, GREATER_OR_EQUAL, false, 0},
    {"DateEquals", DATE, EQUAL, false, 0},
    {"DateNotEquals", DATE, EQUAL, true, 0},
    {"DateLessThan", DATE, LESS, false, 0},
    {"DateLessThanEquals", DATE, LESS_OR_EQUAL, false, 0},
    {"DateGreaterThan", DATE, GREATER, false, 0},
    {"DateGreaterThanEquals", DATE, GREATER_OR_EQUAL, false, 0},
    {"Bool", BOOLEAN, EQUAL, false, 0},
    {"BinaryEquals", BINARY, EQUAL, false, 0},
    {"IpAddress", ADDRESS, EQUAL, false, 0},
    {"NotIpAddress", ADDRESS, EQUAL, true, 0},
    {"ArnEquals", ARN, EQUAL, false, PATTERN_WILDCARDS | PATTERN_ARN},
    {"ArnLike", ARN, EQUAL, false, PATTERN_WILDCARDS | PATTERN_ARN},
    {"ArnNotEquals", ARN, EQUAL, true, PATTERN_WILDCARDS | PATTERN_ARN},
    {"ArnNotLike", ARN, EQUAL, true, PATTERN_WILDCARDS | PATTERN_ARN},
    {"Null", ABSENCE, EQUAL, false, 0},
};

/* Addresses of version 4 are kept as version 6 maps them. */
struct network {
    uint8_t bytes[16];
    unsigned bits;
    bool version_4;
};

struct value {
    struct pattern pattern; /* STRING, BINARY, ARN */
    double number;          /* NUMERIC; seconds since 1970 of DATE */
    bool truth;             /* BOOLEAN, ABSENCE */
    struct network network; /* ADDRESS */
};

struct condition {
    const struct operator* operator;
    enum quantifier quantifier;
    bool if_exists;
    const char *key;
    struct value *values;
    size_t value_count;
    struct condition *next;
};

/* --- values ----------------------------------------------------------------------------------------------------- */

static bool read_number(const char *text, double *number)
{
    char *end = NULL;

    if (*text == '\0' || strspn(text, "+-.0123456789eE") != strlen(text)) {
        return false;
    }
    *number = strtod(text, &end);
    return *end == '\0' && isfinite(*number);
}

static bool read_two_digits(const char *text, int *number)
{
    if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9') {
        return false;
    }
    *number = (text[0] - '0') * 10 + (text[1] - '0');
    return true;
}

/* "", "Z", "+02:00" or "+0200": the seconds to add to come to UTC. */
static bool read_zone(const char *text, double *seconds)
{
    int hours = 0;
    int minutes = 0;

    *seconds = 0;
    if (strcmp(text, "Z") == 0 || *text == '\0') {
        return true;
    }
    if ((text[0] != '+' && text[0] != '-') || !read_two_digits(text + 1, &hours)) {
        return false;
    }
    const char *rest = text[3] == ':' ? text + 4 : text + 3;

    *seconds = (text[0] == '-' ? 1 : -1) * (double)(hours * 3600);
    if (!read_two_digits(rest, &minutes) || rest[2] != '\0') {
        return false;
    }
    *seconds += (text[0] == '-' ? 1 : -1) * (double)(minutes * 60);
    return hours < 24 && minutes < 60;
}

/* The forms of ISO 8601 that W3C's note names, or seconds since 1970. */
static bool read_date(const char *text, double *number)
{
    static const char *const forms[] = {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"};
    double zone = 0;

    if (strspn(text, "0123456789") == strlen(text) && strlen(text) > 4) {
        return read_number(text, number);
    }
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct tm parts = {.tm_mday = 1};
        const char *rest = strptime(text, forms[i], &parts);
        double fraction = 0;

        if (rest == NULL) {
            continue;
        }
        if (i == 0 && *rest == '.') {
            char *end = NULL;

            fraction = strtod(rest, &end);
            rest = end;
        }
        if (!read_zone(rest, &zone)) {
            return false;
        }
        *number = (double)timegm(&parts) + fraction + zone;
        return true;
    }
    return false;
}

static bool read_truth(const char *text, bool *truth)
{
    *truth = strcasecmp(text, "true") == 0;
    return *truth || strcasecmp(text, "false") == 0;
}

static bool read_network(const char *text, struct network *network)
{
    char address[INET6_ADDRSTRLEN + 1];
    size_t length = strcspn(text, "/");
    struct in_addr version_4;
    char *end = NULL;

    memset(network, 0, sizeof *network);
    if (length == 0 || length >= sizeof address) {
        return false;
    }
    memcpy(address, text, length);
    address[length] = '\0';
    network->bits = 128;
    if (inet_pton(AF_INET, address, &version_4) == 1) {
        network->bytes[10] = network->bytes[11] = 0xFF;
        memcpy(network->bytes + 12, &version_4, 4);
        network->version_4 = true;
    } else if (inet_pton(AF_INET6, address, network->bytes) != 1) {
        return false;
    }
    if (text[length] == '/') {
        long bits = strtol(text + length + 1, &end, 10);

        if (text[length + 1] < '0' || text[length + 1] > '9' || *end != '\0' ||
            bits > (network->version_4 ? 32 : 128)) {
            return false;
        }
        network->bits = (unsigned)bits + (network->version_4 ? 96 : 0);
    }
    return true;
}

static bool is_within(const struct network *network, const struct network *address)
{
    unsigned whole = network->bits / 8;
    unsigned rest = network->bits % 8;

    return memcmp(network->bytes, address->bytes, whole) == 0 &&
           (rest == 0 || ((network->bytes[whole] ^ address->bytes[whole]) >> (8 - rest)) == 0);
}

/* --- compiling -------------------------------------------------------------------------------------------------- */

static bool compile_value(struct condition *condition, struct value *value, const char *text, bool with_variables,
                          const char *place, struct arena *arena, struct error *error)
{
    const struct operator* operator= condition->operator;
    bool read = true;

    switch (operator->kind) {
    case STRING:
    case ARN:
        return pattern_compile(text, operator->flags |(with_variables ? PATTERN_VARIABLES : 0), arena, &value->pattern,
                               error);
    case BINARY:
        return pattern_compile(text, 0, arena, &value->pattern, error);
    case NUMERIC:
        read = read_number(text, &value->number);
        break;
    case DATE:
        read = read_date(text, &value->number);
        break;
    case BOOLEAN:
    case ABSENCE:
        read = read_truth(text, &value->truth);
        break;
    case ADDRESS:
        read = read_network(text, &value->network);
        break;
    }
    return read ||
           policy_malformed(error, "%s: \"%s\" is no value for %s of %s", place, text, operator->name, condition->key);
}

static bool starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool find_operator(const char *name, struct condition *condition)
{
    size_t length = 0;

    condition->quantifier = ONE_VALUE;
    if (starts(name, "ForAnyValue:")) {
        condition->quantifier = ANY_VALUE;
    } else if (starts(name, "ForAllValues:")) {
        condition->quantifier = ALL_VALUES;
    }
    name = condition->quantifier == ONE_VALUE ? name : strchr(name, ':') + 1;
    length = strlen(name);
    condition->if_exists = str_ends_with(str_of(name), "IfExists");
    if (condition->if_exists) {
        length -= strlen("IfExists");
    }
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        if (strlen(operators[i].name) == length && strncmp(operators[i].name, name, length) == 0) {
            condition->operator= & operators[i];
            return operators[i].kind != ABSENCE || (!condition->if_exists && condition->quantifier == ONE_VALUE);
        }
    }
    return false;
}

static bool compile_key(struct condition *condition, const char *key, json_t *json, bool with_variables,
                        const char *place, struct arena *arena, struct error *error)
{
    size_t count = policy_list_size(json);

    if (strchr(key, ':') == NULL || count == 0) {
        return policy_malformed(error, "%s: the condition key \"%s\" has no service before a colon, or no value", place,
                                key);
    }
    condition->key = arena_text(arena, key, strlen(key), error);
    condition->values = arena_zeroed(arena, count * sizeof *condition->values, error);
    if (condition->key == NULL || condition->values == NULL) {
        return false;
    }
    for (; condition->value_count < count; condition->value_count++) {
        const char *text = policy_list_text(json, condition->value_count, arena, error);

        if (text == NULL || !compile_value(condition, &condition->values[condition->value_count], text, with_variables,
                                           place, arena, error)) {
            return false;
        }
    }
    return true;
}

bool condition_compile(json_t *json, bool with_variables, const char *place, struct arena *arena,
                       struct condition **conditions, struct error *error)
{
    const char *name;
    json_t *keys;

    *conditions = NULL;
    if (json != NULL && !json_is_object(json)) {
        return policy_malformed(error, "%s: \"Condition\" must be an object", place);
    }
    json_object_foreach (json, name, keys) {
        struct condition read = {0};
        const char *key;
        json_t *values;

        if (!find_operator(name, &read)) {
            return policy_malformed(error, "%s: there is no condition operator \"%s\"", place, name);
        }
        if (!json_is_object(keys)) {
            return policy_malformed(error, "%s: \"%s\" must be an object of condition keys", place, name);
        }
        json_object_foreach (keys, key, values) {
            struct condition *condition = arena_take(arena, sizeof *condition, error);

            if (condition == NULL) {
                return false;
            }
            *condition = read;
            if (!compile_key(condition, key, values, with_variables, place, arena, error)) {
                return false;
            }
            condition->next = *conditions;
            *conditions = condition;
        }
    }
    return true;
}

/* --- judging ---------------------------------------------------------------------------------------------------- */

static bool relate(enum relation relation, double left, double right)
{
    switch (relation) {
    case EQUAL:
        return left == right;
    case LESS:
        return left < right;
    case LESS_OR_EQUAL:
        return left <= right;
    case GREATER:
        return left > right;
    case GREATER_OR_EQUAL:
        return left >= right;
    }
    return false;
}

/* What is given in the request, read as the operator reads it. False: it is not one. */
static bool read_given(enum kind kind, struct str given, struct value *value)
{
    char text[128];

    if (kind == STRING || kind == ARN || kind == BINARY) {
        return true;
    }
    if (given.length >= sizeof text || memchr(given.data, '\0', given.length) != NULL) {
        return false;
    }
    memcpy(text, given.data, given.length);
    text[given.length] = '\0';
    switch (kind) {
    case NUMERIC:
        return read_number(text, &value->number);
    case DATE:
        return read_date(text, &value->number);
    case BOOLEAN:
        return read_truth(text, &value->truth);
    case ADDRESS:
        return read_network(text, &value->network);
    case STRING:
    case ARN:
    case BINARY:
    case ABSENCE:
        break;
    }
    return false;
}

/* Whether one given value is among the policy's, leaving a negation aside. */
static bool match_value(const struct condition *condition, struct str given, const struct policy_request *request,
                        bool *matches, struct error *error)
{
    const struct operator* operator= condition->operator;
    struct value read = {0};

    *matches = false;
    if (!read_given(operator->kind, given, &read)) {
        return true;
    }
    for (size_t i = 0; i < condition->value_count && !*matches; i++) {
        const struct value *value = &condition->values[i];

        switch (operator->kind) {
        case STRING:
        case ARN:
        case BINARY:
            if (!pattern_matches(&value->pattern, given, operator->flags, request, matches, error)) {
                return false;
            }
            break;
        case NUMERIC:
        case DATE:
            *matches = relate(operator->relation, read.number, value->number);
            break;
        case BOOLEAN:
            *matches = read.truth == value->truth;
            break;
        case ADDRESS:
            *matches = is_within(&value->network, &read.network);
            break;
        case ABSENCE:
            break;
        }
    }
    return true;
}

static bool holds_one(const struct condition *condition, const struct policy_request *request, bool *holds,
                      struct error *error)
{
    bool negated = condition->operator->negated;
    /* One value that does not match makes a negated condition hold only under ForAnyValue; otherwise all must not. */
    bool all = condition->quantifier == ALL_VALUES || (condition->quantifier == ONE_VALUE && negated);
    struct str given;
    size_t at = 0;
    bool any = false;

    if (condition->operator->kind == ABSENCE) {
        *holds = false;
        bool absent = !policy_context_next(request, condition->key, &at, &given);

        for (size_t i = 0; i < condition->value_count; i++) {
            *holds = *holds || condition->values[i].truth == absent;
        }
        return true;
    }
    *holds = all;
    while (policy_context_next(request, condition->key, &at, &given)) {
        bool matches = false;

        any = true;
        if (!match_value(condition, given, request, &matches, error)) {
            return false;
        }
        *holds = all ? *holds && matches != negated : *holds || matches != negated;
    }
    if (!any) {
        *holds = condition->if_exists || condition->quantifier == ALL_VALUES ||
                 (negated && condition->quantifier == ONE_VALUE);
    }
    return true;
}

bool condition_holds(const struct condition *conditions, const struct policy_request *request, bool *holds,
                     struct error *error)
{
    *holds = true;
    for (; conditions != NULL && *holds; conditions = conditions->next) {
        if (!holds_one(conditions, request, holds, error)) {
            return false;
        }
    }
    return true;
}

/* Amazon S3 User Guide, "The meaning of 'public'": ranges wider than these are the public. */
static bool is_narrow_network(const struct network *network)
{
    return network->version_4 ? network->bits >= 96 + 8 : network->bits >= 32;
}

static bool narrows_one(const struct condition *condition)
{
    static const char *const keys[] = {
        "aws:PrincipalAccount",  "aws:PrincipalArn",      "aws:PrincipalOrgID",
        "aws:PrincipalOrgPaths", "aws:SourceAccount",     "aws:SourceArn",
        "aws:SourceIp",          "aws:SourceOrgID",       "aws:SourceOwner",
        "aws:SourceVpc",         "aws:SourceVpce",        "aws:userid",
        "aws:username",          "s3:DataAccessPointArn", "s3:DataAccessPointAccount",
    };
    const struct operator* operator= condition->operator;
    bool known = false;

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        known = known || strcasecmp(condition->key, keys[i]) == 0;
    }
    if (!known || operator->negated || condition->if_exists || condition->quantifier ==
                  ALL_VALUES ||(operator->kind != STRING && operator->kind != ARN && operator->kind != ADDRESS)) {
        return false;
    }
    for (size_t i = 0; i < condition->value_count; i++) {
        const struct value *value = &condition->values[i];

        if (operator->kind == ADDRESS ? !is_narrow_network(&value->network)
                                      : value->pattern.has_wildcards || value->pattern.variable_count> 0) {
            return false;
        }
    }
    return true;
}

bool condition_narrows(const struct condition *conditions)
{
    while (conditions != NULL && !narrows_one(conditions)) {
        conditions = conditions->next;
    }
    return conditions != NULL;
}

bool condition_mentions(const struct condition *conditions, const char *key_prefix)
{
    size_t length = strlen(key_prefix);

    for (; conditions != NULL; conditions = conditions->next) {
        if (strncasecmp(conditions->key, key_prefix, length) == 0) {
            return true;
        }
        for (size_t i = 0; i < conditions->value_count; i++) {
            const struct pattern *pattern = &conditions->values[i].pattern;

            for (size_t j = 0; j < pattern->variable_count; j++) {
                if (strncasecmp(pattern->variables[j].name, key_prefix, length) == 0) {
                    return true;
                }
            }
        }
    }
    return false;
}
