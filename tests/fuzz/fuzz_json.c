/* The strict JSON reader and the string writer: whatever is read as a string and written again reads the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error;
    struct buffer written __attribute__((cleanup(buffer_free))) = {0};
    json_t *value = json_read((const char *)data, size, "input", &error);

    json_decref(value);
    json_append_string(&written, str_slice((const char *)data, size));
    value = json_read(written.data, written.length, "written", &error);
    /* jansson refuses the escape of NUL, which is well-formed JSON, in strings by default. */
    if (value == NULL && memchr(data, '\0', size) == NULL) {
        abort();
    }
    if (value != NULL) {
        size_t wrong = 0;
        struct str text = str_slice(json_string_value(value), json_string_length(value));
        bool exact = str_is_utf8(str_slice((const char *)data, size), &wrong);

        if (exact && !str_equal(text, str_slice((const char *)data, size))) {
            abort();
        }
    }
    json_decref(value);
    return 0;
}
