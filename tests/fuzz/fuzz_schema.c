/* Schemas from JSON: whatever compiles can judge a row and map a header. */
#include <stdint.h>
#include <stdlib.h>

#include "base/json.h"
#include "tabular/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(struct arena *arena, const struct schema *schema)
{
    struct error error;
    struct header_map map;
    struct str names[2] = {str_of(schema->fields[0].name), str_of("other")};
    schema_map_header(arena, schema, names, 2, &map, &error);
    struct verdict *verdicts = arena_take(arena, schema->field_count * sizeof *verdicts, &error);
    if (!verdicts) return;
    static const char *const values[] = {"", "12", "2025-01-01", "x"};
    for (size_t round = 0; round < 4; round++) {
        struct buffer reasons __attribute__((cleanup(buffer_free))) = {0};
        uint32_t broken = 0;
        for (size_t i = 0; i < schema->field_count; i++)
            field_judge(schema, &schema->fields[i], str_of(values[round]), NULL, &verdicts[i]);
        size_t count = schema_row_reasons(schema, verdicts, &reasons, &broken);
        if ((count > 0) != (broken != 0)) abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error = {0};
    struct arena *arena = arena_new((size_t)64 << 20, &error);
    json_t *json = json_read((const char *)data, size, "input", &error);
    struct schema *schema = arena && json ? schema_compile(arena, json, "input", &error) : NULL;
    if (schema)
        use(arena, schema);
    else if (error.code == ERROR_NONE)
        abort();
    schema_free(schema);
    json_decref(json);
    arena_free(arena);
    return 0;
}
