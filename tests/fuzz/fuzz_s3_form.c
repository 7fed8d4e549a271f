/* A browser's form in two pieces, and its policy's conditions. The first byte says where the pieces part. */
#include <stdlib.h>
#include <string.h>

#include "http/s3/form.h"
#include "http/s3/post_policy.h"

struct seen {
    struct arena *arena;
    unsigned files;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool begin_file(void *context, const struct sign_field *fields, size_t count, const char *filename,
                       struct error *error)
{
    struct seen *seen = context;
    struct post_sizes sizes;
    const char *policy = form_value(fields, count, "policy");

    if (seen->files++ > 0 || filename == NULL) {
        abort();
    }
    return policy == NULL ||
           post_policy_check(policy, fields, count, "drops", INT64_C(1751373296000000), &sizes, seen->arena, error);
}

static bool take(void *context, const void *data, size_t size, struct error *error)
{
    (void)context;
    (void)data;
    (void)error;
    return size > 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error = {0};
    struct seen seen = {.arena = arena_new(16 << 20, &error)};
    const struct form_options options = {"multipart/form-data; boundary=b", seen.arena, begin_file, take, &seen};
    struct form *form = seen.arena != NULL && size > 0 ? form_new(&options, &error) : NULL;

    if (form != NULL) {
        size_t first = (size - 1) * data[0] / 256;

        if (form_add(form, data + 1, first, &error) && form_add(form, data + 1 + first, size - 1 - first, &error) &&
            form_end(form, &error) && seen.files != 1) {
            abort();
        }
    }
    form_free(form);
    arena_free(seen.arena);
    return 0;
}
