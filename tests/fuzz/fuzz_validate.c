/* Validation of any bytes as order items, whatever the blocks they are cut into: it ends, and rows, reasons and counts
 * are those of a plain loop over the rows. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "support/validate_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char schema_text[] =
    "{\"name\": \"items\", \"fields\": ["
    "{\"name\": \"id\", \"type\": \"string\", \"intern\": true, \"constraints\": {\"required\": true}},"
    "{\"name\": \"status\", \"type\": \"string\", \"intern\": true,"
    " \"constraints\": {\"enum\": [\"delivered\", \"returned\"]}, \"severity\": {\"enum\": \"warning\"}},"
    "{\"name\": \"created_at\", \"type\": \"datetime\", \"format\": \"any\"},"
    "{\"name\": \"price\", \"type\": \"number\", \"scale\": 2, \"constraints\": {\"required\": true, \"minimum\": 0}},"
    "{\"name\": \"note\", \"type\": \"string\", \"missingValues\": [\"\", \"none\"]}],"
    "\"rules\": [{\"when\": {\"field\": \"status\", \"in\": [\"returned\"]}, \"require\": \"note\","
    " \"message\": \"a returned item needs a note\"}]}";

static const char header[] = "id,status,created_at,price,note\n";

struct fuzzing {
    struct arena *arena;
    struct schema *schema;
    struct team *teams[2];
};

/* Made once and kept for all inputs. */
static const struct fuzzing *fuzzing(void)
{
    static struct fuzzing made;
    struct error error;
    if (made.schema != NULL) return &made;
    json_t *json = json_read(schema_text, sizeof schema_text - 1, "items", &error);
    made.arena = arena_new(0, &error);
    made.schema = schema_compile(made.arena, json, "items", &error);
    made.teams[0] = team_new(1, &error);
    made.teams[1] = team_new(2, &error);
    json_decref(json);
    if (made.schema == NULL || made.teams[0] == NULL || made.teams[1] == NULL) abort();
    return &made;
}

/* The first byte says how the file is cut and whether it begins with a header. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    const struct fuzzing *made = fuzzing();
    bool whole = data[0] % 2 == 0;
    struct real_options options = {.team = made->teams[data[0] / 2 % 2], .block_bytes = 3u + data[0]};
    options.slice_bytes = data[0] / 4 % 2 == 0 ? 0 : 100;
    struct buffer file;
    buffer_init(&file, 0);
    if (whole) buffer_append_text(&file, header);
    buffer_append(&file, data + 1, size - 1);
    struct error error = {0};
    struct terms *terms = terms_new(&error);
    struct outcome model = {0};
    struct outcome real = {0};
    bool fine = real_run(&real, made->schema, NULL, file.data, file.length, terms, &options, &error);
    /* Bytes that begin like a compressed file or UTF-16 may be refused before they are a table. */
    if (!fine && (whole || error.code == ERROR_INTERNAL)) abort();
    /* What makes a file binary is no part of the model, nor is a byte order mark. */
    bool text = memchr(data, 0, size) == NULL;
    bool marked = file.length >= 3 && memcmp(file.data, "\xef\xbb\xbf", 3) == 0;
    if (fine && !marked && (real.verdict == FILE_TAKEN || (whole && text))) {
        model_run(&model, made->schema, NULL, file.data, file.length, terms);
        if (outcome_difference(&model, &real) != NULL) abort();
        outcome_free(&model);
    }
    outcome_free(&real);
    terms_free(terms);
    buffer_free(&file);
    return 0;
}
