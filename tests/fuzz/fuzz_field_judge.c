/* One value judged by a field of every type and form, and its reasons written. */
#include <stdint.h>
#include <stdlib.h>

#include "base/json.h"
#include "tabular/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char json_text[] =
    "{\"missingValues\": [\"\", \"-\"], \"fields\": ["
    "{\"name\": \"a\", \"constraints\": {\"required\": true, \"pattern\": \"(a|b)*c+\", \"minLength\": 2, "
    "\"maxLength\": 5}},"
    "{\"name\": \"b\", \"intern\": true, \"constraints\": {\"enum\": [\"x\", \"y\"]}, \"severity\": {\"enum\": "
    "\"warning\"}},"
    "{\"name\": \"c\", \"type\": \"integer\", \"bareNumber\": false, \"constraints\": {\"minimum\": -5, \"maximum\": "
    "5}},"
    "{\"name\": \"d\", \"type\": \"number\", \"scale\": 3, \"groupChar\": \",\", \"constraints\": "
    "{\"exclusiveMinimum\": 0}},"
    "{\"name\": \"e\", \"type\": \"date\", \"format\": \"%d/%b/%y\"}, {\"name\": \"f\", \"type\": \"date\", "
    "\"format\": \"any\"},"
    "{\"name\": \"g\", \"type\": \"datetime\"}, {\"name\": \"h\", \"type\": \"datetime\", \"format\": \"any\"},"
    "{\"name\": \"i\", \"type\": \"time\"}, {\"name\": \"j\", \"type\": \"year\"}, {\"name\": \"k\", \"type\": "
    "\"yearmonth\"},"
    "{\"name\": \"l\", \"type\": \"duration\"}, {\"name\": \"m\", \"type\": \"object\"}, {\"name\": \"n\", \"type\": "
    "\"array\"},"
    "{\"name\": \"o\", \"type\": \"geopoint\"}, {\"name\": \"p\", \"type\": \"geojson\"},"
    "{\"name\": \"q\", \"format\": \"email\"}, {\"name\": \"r\", \"format\": \"uri\"}, {\"name\": \"s\", \"format\": "
    "\"uuid\"},"
    "{\"name\": \"t\", \"format\": \"binary\"}, {\"name\": \"u\", \"type\": \"boolean\"},"
    "{\"name\": \"v\", \"type\": \"geopoint\", \"format\": \"array\"}]}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error = {0};
    struct arena *arena = arena_new(0, &error);
    json_t *json = json_read(json_text, sizeof json_text - 1, "schema", &error);
    struct schema *schema = arena && json ? schema_compile(arena, json, "schema", &error) : NULL;
    struct terms *terms = terms_new(&error);
    if (!schema || !terms) abort();
    struct str text = str_slice((const char *)data, size);
    for (size_t i = 0; i < schema->field_count; i++) {
        struct buffer reason __attribute__((cleanup(buffer_free))) = {0};
        struct verdict verdict;
        field_judge(schema, &schema->fields[i], text, terms, &verdict);
        if (!verdict.present && verdict.value != COLUMN_NULL) abort();
        for (int rule = 0; rule < RULE_COUNT; rule++)
            if (verdict.broken & (1U << rule)) field_reason(&schema->fields[i], (enum rule)rule, verdict.text, &reason);
        if (reason.length > 1000 || (verdict.broken != 0 && reason.length == 0)) abort();
    }
    terms_free(terms);
    schema_free(schema);
    json_decref(json);
    arena_free(arena);
    return 0;
}
