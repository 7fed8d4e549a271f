/* The stored form of a definition: the request that made the table, and what has come since. */
#include "base/json.h"
#include "table/definition.h"

json_t *definition_store(const struct table_definition *definition, const json_t *request, struct error *error)
{
    uint64_t before = json_failures();
    json_t *stored = json_pack("{s:O, s:s, s:I, s:I, s:s*, s:s*}", "Request", request, "Id", definition->id, "Space",
                               (json_int_t)definition->space, "CreatedUs", (json_int_t)definition->created_us,
                               "TimeToLive", definition->time_to_live, "StreamLabel", definition->stream_label);

    if (stored == NULL || !json_built(before, error)) {
        json_decref(stored);
        error_set(error, ERROR_MEMORY, "not enough memory for the definition of table %s", definition->name);
        return NULL;
    }
    return stored;
}

static bool keep(struct table_definition *definition, const json_t *stored, const char *member, const char **text,
                 struct error *error)
{
    const char *given = json_string_value(json_object_get(stored, member));

    *text = given != NULL ? arena_text(definition->arena, given, strlen(given), error) : NULL;
    return given == NULL || *text != NULL;
}

struct table_definition *definition_load(const json_t *stored, struct error *error)
{
    struct table_definition *definition =
        definition_create(json_object_get(stored, "Request"), json_integer_value(json_object_get(stored, "Space")),
                          json_integer_value(json_object_get(stored, "CreatedUs")), error);

    if (definition != NULL && keep(definition, stored, "Id", &definition->id, error) &&
        keep(definition, stored, "TimeToLive", &definition->time_to_live, error) &&
        keep(definition, stored, "StreamLabel", &definition->stream_label, error)) {
        return definition;
    }
    definition_free(definition);
    return NULL;
}
