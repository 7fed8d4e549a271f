#include "cli/outlet.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "cli/sheet.h"
#include "tabular/parquet.h"

enum { GROUP_ROWS = 262144 }; /* of a Parquet row group */

struct outlet {
    const char *path;   /* NULL: standard output */
    struct buffer part; /* the path of the file in the making */
    FILE *file;         /* NULL once closed; standard output when there is no path */
    const struct value_column *columns;
    size_t count;
    struct sheet *sheet;           /* of CSV and JSON lines */
    struct parquet_writer *writer; /* of Parquet */
    struct parquet_field *fields;
    struct parquet_values *values;
};

static bool open_file(struct outlet *outlet, struct error *error)
{
    outlet->file = stdout;
    if (outlet->path == NULL) return true;
    outlet->file = NULL;
    buffer_append_format(&outlet->part, "%s.part", outlet->path);
    if (!buffer_check(&outlet->part, error)) return false;
    int fd = open(buffer_text(&outlet->part), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) return error_set_errno(error, errno, "%s cannot be written", outlet->part.data);
    outlet->file = fdopen(fd, "w");
    if (outlet->file == NULL) {
        error_set_errno(error, errno, "%s cannot be written", outlet->part.data);
        close(fd);
        return false;
    }
    return true;
}

static bool open_parquet(struct outlet *outlet, const struct terms *terms, struct error *error)
{
    const char *name = outlet->path == NULL ? "standard output" : outlet->path;
    int fd = fileno(outlet->file);
    if (outlet->path == NULL && isatty(fd))
        return error_set(error, ERROR_USAGE, "Parquet is not for terminals; name a file with -o FILE");
    outlet->fields = memory_zeroed((outlet->count + 1) * sizeof *outlet->fields, error);
    outlet->values = memory_zeroed((outlet->count + 1) * sizeof *outlet->values, error);
    if (outlet->fields == NULL || outlet->values == NULL) return false;
    for (size_t c = 0; c < outlet->count; c++)
        outlet->fields[c] = (struct parquet_field){
            .name = outlet->columns[c].name, .kind = outlet->columns[c].kind, .scale = outlet->columns[c].scale};
    outlet->writer = parquet_create(fd, name, outlet->fields, outlet->count, PARQUET_ZSTD, terms, error);
    return outlet->writer != NULL;
}

static bool open_sheet(struct outlet *outlet, enum sheet_form form, const struct terms *terms, struct error *error)
{
    struct sheet_options options = {.form = form, .out = outlet->file, .terms = terms, .bar = SHEET_NO_BAR};
    outlet->sheet = sheet_new(outlet->columns, outlet->count, &options, error);
    return outlet->sheet != NULL;
}

struct outlet *outlet_open(enum outlet_format format, const char *path, const struct value_column *columns,
                           size_t count, const struct terms *terms, struct error *error)
{
    struct outlet *outlet = memory_zeroed(sizeof *outlet, error);
    if (outlet == NULL) return NULL;
    outlet->path = path;
    outlet->columns = columns;
    outlet->count = count;
    buffer_init(&outlet->part, 0);
    bool good = open_file(outlet, error);
    if (good && format == OUTLET_PARQUET)
        good = open_parquet(outlet, terms, error);
    else if (good)
        good = open_sheet(outlet, format == OUTLET_CSV ? SHEET_CSV : SHEET_JSON_LINES, terms, error);
    if (!good) {
        outlet_free(outlet);
        return NULL;
    }
    return outlet;
}

/* A full disk is told at once, not after hours of writing into it. */
static bool check_file(const struct outlet *outlet, struct error *error)
{
    if (!ferror(outlet->file)) return true;
    return error_set(error, ERROR_IO, "%s cannot be written further (is the disk full?)",
                     outlet->path == NULL ? "standard output" : outlet->path);
}

static bool write_groups(struct outlet *outlet, const struct value_column *columns, size_t rows, struct error *error)
{
    for (size_t from = 0; from < rows; from += GROUP_ROWS) {
        for (size_t c = 0; c < outlet->count; c++) {
            outlet->values[c].values = columns[c].values == NULL ? NULL : columns[c].values + from;
            outlet->values[c].texts = columns[c].texts == NULL ? NULL : columns[c].texts + from;
        }
        size_t group = rows - from < GROUP_ROWS ? rows - from : GROUP_ROWS;
        if (!parquet_write_group(outlet->writer, outlet->values, group, error)) return false;
    }
    return true;
}

bool outlet_write(struct outlet *outlet, const struct value_column *columns, size_t rows, struct error *error)
{
    if (outlet->writer != NULL) return write_groups(outlet, columns, rows, error);
    return sheet_write(outlet->sheet, columns, 0, rows, error) && check_file(outlet, error);
}

bool outlet_finish(struct outlet *outlet, struct error *error)
{
    uint64_t size_bytes = 0;
    bool good = outlet->writer != NULL ? parquet_finish(outlet->writer, &size_bytes, error)
                                       : sheet_finish(outlet->sheet, error) && check_file(outlet, error);
    if (!good || outlet->path == NULL) return good;
    FILE *file = outlet->file;
    outlet->file = NULL;
    if (fclose(file) != 0 || rename(outlet->part.data, outlet->path) != 0) {
        error_set_errno(error, errno, "%s cannot be written", outlet->path);
        unlink(outlet->part.data);
        return false;
    }
    return true;
}

void outlet_free(struct outlet *outlet)
{
    if (outlet == NULL) return;
    parquet_writer_free(outlet->writer);
    sheet_free(outlet->sheet);
    if (outlet->path != NULL && outlet->file != NULL) {
        fclose(outlet->file);
        unlink(outlet->part.data);
    }
    memory_free(outlet->fields);
    memory_free(outlet->values);
    buffer_free(&outlet->part);
    memory_free(outlet);
}
