#include "aws/policy.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "aws/policy_parts.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/memory.h"

enum { MAXIMUM_BYTES = 20480, MAXIMUM_STATEMENTS = 500 };

enum principal_kind { EVERYBODY, ACCOUNT, ARN, CANONICAL, OTHER };

struct principal {
    enum principal_kind kind;
    const char *text; /* account id, ARN, canonical id */
};

struct statement {
    bool deny;
    bool not_principal, not_action, not_resource;
    bool has_principals;
    struct principal *principals;
    size_t principal_count;
    struct pattern *actions;
    size_t action_count;
    struct pattern *resources;
    size_t resource_count;
    struct condition *conditions;
};

struct policy {
    struct arena *arena;
    struct statement *statements;
    size_t count;
};

struct compiler {
    struct arena *arena;
    enum policy_kind kind;
    const char *resource_prefix;
    bool with_variables;
    char place[160]; /* "Statement 2 (\"AllowRead\")" */
    struct error *error;
};

bool policy_malformed(struct error *error, const char *format, ...)
{
    char message[600];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    return error_set_named(error, ERROR_INVALID, "MalformedPolicy", "%s", message);
}

size_t policy_list_size(json_t *json)
{
    return json_is_array(json) ? json_array_size(json) : json != NULL;
}

const char *policy_list_text(json_t *json, size_t index, struct arena *arena, struct error *error)
{
    json_t *value = json_is_array(json) ? json_array_get(json, index) : json;

    switch (json == NULL ? JSON_NULL : json_typeof(value)) {
    case JSON_STRING:
        return arena_text(arena, json_string_value(value), json_string_length(value), error);
    case JSON_INTEGER:
        return arena_format(arena, error, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    case JSON_REAL:
        return arena_format(arena, error, "%.17g", json_real_value(value));
    case JSON_TRUE:
        return "true";
    case JSON_FALSE:
        return "false";
    default:
        policy_malformed(error, "a text is awaited where there is an object, a list or null");
        return NULL;
    }
}

bool policy_context_next(const struct policy_request *request, const char *key, size_t *at, struct str *value)
{
    size_t length = strlen(key);

    for (; *at < request->context_count; (*at)++) {
        const struct sign_field *field = &request->context[*at];

        if (field->name.length == length && strncasecmp(field->name.data, key, length) == 0) {
            *value = field->value;
            (*at)++;
            return true;
        }
    }
    return false;
}

/* --- compiling -------------------------------------------------------------------------------------------------- */

static bool starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool is_account(const char *text, size_t length)
{
    return length == 12 && strspn(text, "0123456789") >= 12;
}

/* "*", an account id, or an ARN of an account's root, user or role. */
static bool compile_aws_principal(struct compiler *compiler, const char *text, struct principal *principal)
{
    static const char iam[] = "arn:aws:iam::";
    static const char sts[] = "arn:aws:sts::";
    size_t head = sizeof iam - 1;

    principal->text = text;
    principal->kind = ARN;
    if (strcmp(text, "*") == 0) {
        principal->kind = EVERYBODY;
        return true;
    }
    if (is_account(text, strlen(text))) {
        principal->kind = ACCOUNT;
        return true;
    }
    if ((starts(text, iam) || starts(text, sts)) && is_account(text + head, strcspn(text + head, ":")) &&
        strpbrk(text, "*?") == NULL) {
        const char *name = text + head + 13;

        if (starts(text, iam) && strcmp(name, "root") == 0) {
            principal->kind = ACCOUNT;
            principal->text = arena_text(compiler->arena, text + head, 12, compiler->error);
            return principal->text != NULL;
        }
        if (starts(name, "user/") || starts(name, "role/") || starts(name, "assumed-role/") ||
            starts(name, "federated-user/")) {
            return true;
        }
    }
    return policy_malformed(compiler->error, "%s: invalid principal in policy: \"%s\"", compiler->place, text);
}

static bool compile_principal(struct compiler *compiler, const char *type, const char *text,
                              struct principal *principal)
{
    if (strcmp(type, "AWS") == 0) {
        return compile_aws_principal(compiler, text, principal);
    }
    principal->text = text;
    if (strcmp(type, "CanonicalUser") == 0) {
        principal->kind = CANONICAL;
        return true;
    }
    /* Services and federated users are nobody who signs requests here. */
    principal->kind = OTHER;
    return strcmp(type, "Service") == 0 || strcmp(type, "Federated") == 0 ||
           policy_malformed(compiler->error, "%s: invalid principal in policy: there is no kind \"%s\"",
                            compiler->place, type);
}

static bool compile_principals(struct compiler *compiler, json_t *json, struct statement *statement)
{
    const char *type;
    json_t *list;
    size_t count = 0;

    statement->has_principals = true;
    if (json_is_string(json) && strcmp(json_string_value(json), "*") == 0) {
        statement->principals = arena_zeroed(compiler->arena, sizeof *statement->principals, compiler->error);
        statement->principal_count = 1; /* zeroed: EVERYBODY */
        return statement->principals != NULL;
    }
    json_object_foreach (json, type, list) {
        count += policy_list_size(list);
    }
    if (!json_is_object(json) || count == 0) {
        return policy_malformed(compiler->error,
                                "%s: invalid principal in policy: it is \"*\" or names some under "
                                "\"AWS\"",
                                compiler->place);
    }
    statement->principals = arena_zeroed(compiler->arena, count * sizeof *statement->principals, compiler->error);
    if (statement->principals == NULL) {
        return false;
    }
    json_object_foreach (json, type, list) {
        for (size_t i = 0; i < policy_list_size(list); i++) {
            const char *text = policy_list_text(list, i, compiler->arena, compiler->error);

            if (text == NULL ||
                !compile_principal(compiler, type, text, &statement->principals[statement->principal_count])) {
                return false;
            }
            statement->principal_count++;
        }
    }
    return true;
}

static bool compile_patterns(struct compiler *compiler, json_t *json, unsigned flags,
                             bool (*check)(struct compiler *compiler, const char *text), struct pattern **patterns,
                             size_t *count)
{
    size_t size = policy_list_size(json);

    *patterns = arena_zeroed(compiler->arena, (size + 1) * sizeof **patterns, compiler->error);
    if (*patterns == NULL) {
        return false;
    }
    for (*count = 0; *count < size; (*count)++) {
        const char *text = policy_list_text(json, *count, compiler->arena, compiler->error);

        if (text == NULL || !check(compiler, text) ||
            !pattern_compile(text, flags, compiler->arena, &(*patterns)[*count], compiler->error)) {
            return false;
        }
    }
    return size > 0 ||
           policy_malformed(compiler->error, "%s: a list of actions or resources is empty", compiler->place);
}

static bool check_action(struct compiler *compiler, const char *text)
{
    const char *colon = strchr(text, ':');

    if (strcmp(text, "*") == 0 && compiler->kind == POLICY_OF_IDENTITY) {
        return true;
    }
    if (colon == NULL || colon == text || colon[1] == '\0' ||
        (compiler->kind == POLICY_OF_RESOURCE && strncasecmp(text, "s3:", 3) != 0)) {
        return policy_malformed(compiler->error, "%s: policy has invalid action: \"%s\"", compiler->place, text);
    }
    return true;
}

static bool check_resource(struct compiler *compiler, const char *text)
{
    const char *prefix = compiler->resource_prefix;
    size_t length = prefix == NULL ? 0 : strlen(prefix);

    if (prefix != NULL) {
        return (starts(text, prefix) && (text[length] == '\0' || text[length] == '/')) ||
               policy_malformed(compiler->error,
                                "%s: policy has invalid resource: \"%s\" is neither \"%s\" nor begins with \"%s/\"",
                                compiler->place, text, prefix, prefix);
    }
    return strcmp(text, "*") == 0 || starts(text, "arn:") ||
           policy_malformed(compiler->error, "%s: policy has invalid resource: \"%s\" is neither \"*\" nor an ARN",
                            compiler->place, text);
}

/* The one of two members that is there; NULL with an error when there are both, or none of a needed pair. */
static bool one_of(struct compiler *compiler, json_t *json, const char *name, const char *not_name, bool needed,
                   json_t **value, bool *negated)
{
    json_t *plain = json_object_get(json, name);
    json_t *other = json_object_get(json, not_name);

    *negated = other != NULL;
    *value = plain != NULL ? plain : other;
    if (plain != NULL && other != NULL) {
        return policy_malformed(compiler->error, "%s: it has both \"%s\" and \"%s\"", compiler->place, name, not_name);
    }
    return *value != NULL || !needed ||
           policy_malformed(compiler->error, "%s: missing required field %s", compiler->place, name);
}

static bool check_members(struct compiler *compiler, json_t *json)
{
    static const char *const known[] = {"Sid",       "Effect",   "Principal",   "NotPrincipal", "Action",
                                        "NotAction", "Resource", "NotResource", "Condition"};
    const char *name;
    json_t *value;

    json_object_foreach (json, name, value) {
        bool found = false;

        for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
            found = found || strcmp(known[i], name) == 0;
        }
        if (!found) {
            return policy_malformed(compiler->error, "%s: unknown field %s", compiler->place, name);
        }
    }
    return true;
}

static bool compile_statement(struct compiler *compiler, json_t *json, size_t number, struct statement *statement)
{
    const char *sid = json_string_value(json_object_get(json, "Sid"));
    const char *effect = json_string_value(json_object_get(json, "Effect"));
    unsigned variables = compiler->with_variables ? PATTERN_VARIABLES : 0;
    json_t *principals = NULL;
    json_t *actions = NULL;
    json_t *resources = NULL;

    snprintf(compiler->place, sizeof compiler->place, sid == NULL ? "statement %zu" : "statement %zu (\"%s\")", number,
             sid == NULL ? "" : sid);
    if (!json_is_object(json)) {
        return policy_malformed(compiler->error, "%s must be an object", compiler->place);
    }
    if (!check_members(compiler, json)) {
        return false;
    }
    if (effect == NULL || (strcmp(effect, "Allow") != 0 && strcmp(effect, "Deny") != 0)) {
        return policy_malformed(compiler->error, "%s: \"Effect\" must be \"Allow\" or \"Deny\"", compiler->place);
    }
    statement->deny = strcmp(effect, "Deny") == 0;
    if (!one_of(compiler, json, "Principal", "NotPrincipal", compiler->kind == POLICY_OF_RESOURCE, &principals,
                &statement->not_principal) ||
        !one_of(compiler, json, "Action", "NotAction", true, &actions, &statement->not_action) ||
        !one_of(compiler, json, "Resource", "NotResource", true, &resources, &statement->not_resource)) {
        return false;
    }
    if (principals != NULL && compiler->kind == POLICY_OF_IDENTITY) {
        return policy_malformed(compiler->error, "%s: an identity's policy has no principal: it is the key's own",
                                compiler->place);
    }
    return (principals == NULL || compile_principals(compiler, principals, statement)) &&
           compile_patterns(compiler, actions, PATTERN_WILDCARDS, check_action, &statement->actions,
                            &statement->action_count) &&
           compile_patterns(compiler, resources, PATTERN_WILDCARDS | variables, check_resource, &statement->resources,
                            &statement->resource_count) &&
           condition_compile(json_object_get(json, "Condition"), compiler->with_variables, compiler->place,
                             compiler->arena, &statement->conditions, compiler->error);
}

static bool check_document(struct compiler *compiler, json_t *json)
{
    const char *name;
    json_t *value;

    if (!json_is_object(json)) {
        return policy_malformed(compiler->error, "a policy is a JSON object");
    }
    json_object_foreach (json, name, value) {
        if (strcmp(name, "Version") == 0) {
            const char *version = json_string_value(value);

            if (version == NULL || (strcmp(version, "2012-10-17") != 0 && strcmp(version, "2008-10-17") != 0)) {
                return policy_malformed(compiler->error, "\"Version\" must be \"2012-10-17\" or \"2008-10-17\"");
            }
            compiler->with_variables = strcmp(version, "2012-10-17") == 0;
        } else if (strcmp(name, "Id") != 0 && strcmp(name, "Statement") != 0) {
            return policy_malformed(compiler->error, "unknown field %s", name);
        }
    }
    return true;
}

static bool compile_statements(struct compiler *compiler, json_t *json, struct policy *policy)
{
    json_t *list = json_object_get(json, "Statement");
    size_t count = policy_list_size(list);

    if (count == 0 || count > MAXIMUM_STATEMENTS) {
        return policy_malformed(compiler->error, "a policy has 1 to %d statements, in \"Statement\"",
                                MAXIMUM_STATEMENTS);
    }
    policy->statements = arena_zeroed(compiler->arena, count * sizeof *policy->statements, compiler->error);
    for (; policy->statements != NULL && policy->count < count; policy->count++) {
        json_t *one = json_is_array(list) ? json_array_get(list, policy->count) : list;

        if (!compile_statement(compiler, one, policy->count + 1, &policy->statements[policy->count])) {
            return false;
        }
    }
    return policy->statements != NULL;
}

static void release_json(json_t **json)
{
    json_decref(*json);
}

struct policy *policy_compile(const char *text, size_t size, enum policy_kind kind, const char *resource_prefix,
                              struct error *error)
{
    struct error unread = {0};
    json_t *json __attribute__((cleanup(release_json))) = NULL;
    struct policy *policy = NULL;
    struct compiler compiler = {.kind = kind, .resource_prefix = resource_prefix, .error = error};

    if (size > MAXIMUM_BYTES) {
        policy_malformed(error, "the policy has %zu bytes, more than %d", size, MAXIMUM_BYTES);
        return NULL;
    }
    json = json_read(text, size, "the policy", &unread);
    if (json == NULL) {
        if (unread.code == ERROR_MEMORY) {
            error_set(error, unread.code, "%s", unread.message);
        } else {
            policy_malformed(error, "Policies must be valid JSON: %s", unread.message);
        }
        return NULL;
    }
    policy = memory_zeroed(sizeof *policy, error);
    if (policy == NULL) {
        return NULL;
    }
    policy->arena = arena_new(0, error);
    compiler.arena = policy->arena;
    if (policy->arena == NULL || !check_document(&compiler, json) || !compile_statements(&compiler, json, policy)) {
        policy_free(policy);
        return NULL;
    }
    return policy;
}

void policy_free(struct policy *policy)
{
    if (policy != NULL) {
        arena_free(policy->arena);
        memory_free(policy);
    }
}

/* --- judging ---------------------------------------------------------------------------------------------------- */

static bool is_canonical(const char *account, const char *id)
{
    uint8_t value[DIGEST_MAX_BYTES];
    char hex[65];

    if (!digest_once(DIGEST_SHA256, account, strlen(account), value, NULL)) {
        return false;
    }
    digest_hex(value, 32, hex);
    return strcasecmp(hex, id) == 0;
}

static bool is_principal(const struct principal *principal, const struct policy_request *request)
{
    switch (principal->kind) {
    case EVERYBODY:
        return true;
    case ACCOUNT:
        return request->account != NULL && strcmp(request->account, principal->text) == 0;
    case ARN:
        return request->principal != NULL && strcmp(request->principal, principal->text) == 0;
    case CANONICAL:
        return request->account != NULL && is_canonical(request->account, principal->text);
    case OTHER:
        break;
    }
    return false;
}

static bool names_principal(const struct statement *statement, const struct policy_request *request)
{
    bool named = false;

    for (size_t i = 0; i < statement->principal_count && !named; i++) {
        named = is_principal(&statement->principals[i], request);
    }
    return !statement->has_principals || named != statement->not_principal;
}

static bool any_matches(const struct pattern *patterns, size_t count, const char *text, unsigned flags,
                        const struct policy_request *request, bool *matches, struct error *error)
{
    *matches = false;
    for (size_t i = 0; i < count && !*matches; i++) {
        if (!pattern_matches(&patterns[i], str_of(text), flags, request, matches, error)) {
            return false;
        }
    }
    return true;
}

static bool applies(const struct statement *statement, const struct policy_request *request, bool *yes,
                    struct error *error)
{
    *yes = names_principal(statement, request);
    if (!*yes) {
        return true;
    }
    if (!any_matches(statement->actions, statement->action_count, request->action, PATTERN_FOLD, request, yes, error)) {
        return false;
    }
    *yes = *yes != statement->not_action;
    if (!*yes) {
        return true;
    }
    if (!any_matches(statement->resources, statement->resource_count, request->resource, 0, request, yes, error)) {
        return false;
    }
    *yes = *yes != statement->not_resource;
    return !*yes || condition_holds(statement->conditions, request, yes, error);
}

enum policy_verdict policy_judge(const struct policy *policy, const struct policy_request *request, struct error *error)
{
    enum policy_verdict verdict = POLICY_SILENT;

    for (size_t i = 0; i < policy->count; i++) {
        const struct statement *statement = &policy->statements[i];
        bool yes = false;

        if (verdict == POLICY_ALLOWS && !statement->deny) {
            continue;
        }
        if (!applies(statement, request, &yes, error)) {
            return POLICY_DENIES;
        }
        if (yes && statement->deny) {
            return POLICY_DENIES;
        }
        verdict = yes ? POLICY_ALLOWS : verdict;
    }
    return verdict;
}

static bool names_everybody(const struct statement *statement)
{
    for (size_t i = 0; i < statement->principal_count; i++) {
        if (statement->principals[i].kind == EVERYBODY) {
            return true;
        }
    }
    return statement->not_principal;
}

bool policy_is_public(const struct policy *policy)
{
    for (size_t i = 0; i < policy->count; i++) {
        const struct statement *statement = &policy->statements[i];

        if (!statement->deny && names_everybody(statement) && !condition_narrows(statement->conditions)) {
            return true;
        }
    }
    return false;
}

bool policy_mentions(const struct policy *policy, const char *key_prefix)
{
    size_t length = strlen(key_prefix);

    for (size_t i = 0; i < policy->count; i++) {
        const struct statement *statement = &policy->statements[i];

        if (condition_mentions(statement->conditions, key_prefix)) {
            return true;
        }
        for (size_t j = 0; j < statement->resource_count; j++) {
            const struct pattern *resource = &statement->resources[j];

            for (size_t k = 0; k < resource->variable_count; k++) {
                if (strncasecmp(resource->variables[k].name, key_prefix, length) == 0) {
                    return true;
                }
            }
        }
    }
    return false;
}
