/* Items: the first byte chooses JSON or the stored form. What is read and written again reads the same. */
#include <stdint.h>
#include <stdlib.h>

#include "base/json.h"
#include "table/attribute.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool read_item(const uint8_t *data, size_t size, struct arena *arena, struct attribute *item,
                      struct error *error)
{
    if (data[0] % 2 == 0) {
        return attribute_load(data + 1, size - 1, arena, item, error);
    }
    json_t *tree = json_read((const char *)data + 1, size - 1, "item", error);
    bool good = tree != NULL && attribute_from_json(tree, arena, item, error);

    json_decref(tree);
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error = {0};
    struct arena *arena = arena_new(0, &error);
    struct buffer stored __attribute__((cleanup(buffer_free))) = {0};
    struct attribute item;
    struct attribute again;

    if (size > 0 && read_item(data, size, arena, &item, &error)) {
        attribute_bytes(&item);
        attribute_store(&stored, &item);
        if (!attribute_load(stored.data, stored.length, arena, &again, &error) || !attribute_equal(&item, &again)) {
            abort();
        }
    }
    arena_free(arena);
    return 0;
}
