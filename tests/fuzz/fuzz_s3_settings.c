/* A document of settings: the first byte chooses its shape. What is read must be written and read again the same. */
#include <stdlib.h>

#include "base/json.h"
#include "http/s3/shapes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error = {0};
    struct arena *arena = arena_new(16 << 20, &error);
    struct buffer xml = {0};
    size_t shapes = 0;

    while (shape_all[shapes] != NULL) {
        shapes++;
    }
    if (arena != NULL && size > 0) {
        const struct shape *shape = shape_all[data[0] % shapes];
        json_t *value = shape_from_xml(shape, data + 1, size - 1, arena, &error);

        if (value != NULL) {
            shape_to_xml(shape, value, &xml);
            json_t *again = shape_from_xml(shape, xml.data, xml.length, arena, &error);

            if (again == NULL || !json_equal(value, again)) {
                abort();
            }
            json_decref(again);
        } else if (error.name == NULL && error.code != ERROR_MEMORY && error.code != ERROR_LIMIT) {
            abort();
        }
        json_decref(value);
    }
    buffer_free(&xml);
    arena_free(arena);
    return 0;
}
