/* The XML reader: what it takes, written again, reads the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "aws/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_tree(struct buffer *out, const struct xml_element *element)
{
    if (element->first_child == NULL) {
        xml_leaf_text(out, element->name, element->text);
        return;
    }
    xml_open(out, element->name);
    for (const struct xml_element *child = element->first_child; child != NULL; child = child->next) {
        write_tree(out, child);
    }
    xml_close(out, element->name);
}

static void compare(const struct xml_element *a, const struct xml_element *b)
{
    if (strcmp(a->name, b->name) != 0 || strcmp(a->text, b->text) != 0) {
        abort();
    }
    a = a->first_child;
    b = b->first_child;
    for (; a != NULL && b != NULL; a = a->next, b = b->next) {
        compare(a, b);
    }
    if (a != NULL || b != NULL) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error;
    struct buffer out __attribute__((cleanup(buffer_free))) = {0};
    struct arena *arena = arena_new(0, &error);
    const struct xml_element *root = xml_read(data, size, arena, &error);

    if (root != NULL) {
        write_tree(&out, root);
        const struct xml_element *again = xml_read(out.data, out.length, arena, &error);

        if (again == NULL) {
            abort();
        }
        compare(root, again);
    }
    arena_free(arena);
    return 0;
}
