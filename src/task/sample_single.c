#include "task/sample_single.h"

static bool make_rows(struct sample_part *part, const struct sample_single *kind, struct sample_file *file,
                      struct buffer *later, struct error *error)
{
    struct sample_dataset *counts = &part->counts[0];
    for (uint64_t number = part->first; number <= part->last; number++) {
        struct random dirt;
        sample_random(&dirt, part->options->seed, STREAM_DIRT, number);
        char *row = sample_file_row(file, error);
        if (row == NULL) return false;
        char *end = kind->put(row, part, number);
        end = dirt_apply(kind->dirt, part->options->dirty, &dirt, true, row, end, later, counts);
        sample_file_keep(file, end);
        counts->rows++;
    }
    return buffer_check(later, error) && sample_file_append(file, later->data, later->length, error);
}

bool sample_single_part(struct sample_part *part, const struct sample_single *kind, struct error *error)
{
    struct sample_file file = {.fd = -1};
    struct buffer later, path;
    buffer_init(&later, 0);
    buffer_init(&path, 0);
    sample_part_path(&path, part, "", kind->stem);
    bool made = buffer_check(&path, error) && sample_file_open(&file, part, path.data, kind->header, error) &&
                make_rows(part, kind, &file, &later, error) && sample_file_close(&file, error);
    part->counts[0].bytes = file.written;
    sample_file_abandon(&file);
    buffer_free(&later);
    buffer_free(&path);
    return made;
}
