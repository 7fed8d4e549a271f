#include "http/s3/form.h"

#include <string.h>
#include <strings.h>

#include "base/buffer.h"
#include "base/memory.h"

enum { MOST_FIELDS = 200, MOST_FIELD_BYTES = 64 * 1024, MOST_BOUNDARY = 70 };

enum form_state { IN_PREAMBLE, AFTER_BOUNDARY, IN_HEADERS, IN_FIELD, IN_FILE, IN_EPILOGUE };

struct form {
    struct form_options options;
    char delimiter[MOST_BOUNDARY + 5]; /* "\r\n--boundary" */
    size_t delimiter_length;
    enum form_state state;
    struct buffer pending; /* what came and was not used yet */
    struct sign_field fields[MOST_FIELDS];
    size_t field_count, field_bytes;
    const char *name; /* of the part that is being read */
    bool had_file;
};

static bool malformed(const char *what, struct error *error)
{
    return error_set_named(error, ERROR_INVALID, "MalformedPOSTRequest",
                           "The body of your POST request is not well-formed multipart/form-data: %s.", what);
}

/* A parameter of a header's value: ; name="value" or ; name=value. In the arena; NULL when it is not there. */
static const char *parameter(const char *value, const char *name, struct arena *arena, struct error *error)
{
    size_t length = strlen(name);

    while ((value = strchr(value, ';')) != NULL) {
        value++;
        value += strspn(value, " \t");
        if (strncasecmp(value, name, length) != 0 || value[length] != '=') {
            continue;
        }
        value += length + 1;
        if (*value != '"') {
            return arena_text(arena, value, strcspn(value, "; \t\r\n"), error);
        }
        char *text = arena_text(arena, value + 1, strlen(value + 1), error), *to = text;

        for (const char *from = text; from != NULL && *from != '\0' && *from != '"'; from++) {
            from += *from == '\\' && (from[1] == '"' || from[1] == '\\');
            *to++ = *from;
        }
        if (to != NULL) {
            *to = '\0';
        }
        return text;
    }
    return NULL;
}

struct form *form_new(const struct form_options *options, struct error *error)
{
    const char *type = options->content_type != NULL ? options->content_type : "";
    const char *boundary =
        strncasecmp(type, "multipart/form-data", 19) == 0 ? parameter(type, "boundary", options->arena, error) : NULL;
    size_t length = boundary != NULL ? strlen(boundary) : 0;

    if (length == 0 || length > MOST_BOUNDARY) {
        error_set_named(error, ERROR_INVALID, "RequestIsNotMultiPartContent", "it has no boundary");
        return NULL;
    }
    struct form *form = memory_zeroed(sizeof *form, error);

    if (form == NULL) {
        return NULL;
    }
    form->options = *options;
    memcpy(form->delimiter, "\r\n--", 4);
    memcpy(form->delimiter + 4, boundary, length);
    form->delimiter_length = length + 4;
    /* The first boundary has no line before it; now all are alike. */
    buffer_append_text(&form->pending, "\r\n");
    return form;
}

void form_free(struct form *form)
{
    if (form != NULL) {
        buffer_free(&form->pending);
        memory_free(form);
    }
}

static void drop(struct form *form, size_t size)
{
    form->pending.length -= size;
    memmove(form->pending.data, form->pending.data + size, form->pending.length);
}

static const char *find(const struct form *form, const char *what, size_t length)
{
    return form->pending.length < length ? NULL : memmem(form->pending.data, form->pending.length, what, length);
}

/* Each gives in `*more` whether something could be used of what is pending. */

static bool read_preamble(struct form *form, bool *more, struct error *error)
{
    const char *at = find(form, form->delimiter, form->delimiter_length);

    if (at == NULL) {
        return form->pending.length <= MOST_FIELD_BYTES || malformed("it does not begin with its boundary", error);
    }
    drop(form, (size_t)(at - form->pending.data) + form->delimiter_length);
    form->state = AFTER_BOUNDARY;
    *more = true;
    return true;
}

static bool read_boundary_end(struct form *form, bool *more, struct error *error)
{
    if (form->pending.length < 2) {
        return true;
    }
    bool last = memcmp(form->pending.data, "--", 2) == 0;

    if (!last && memcmp(form->pending.data, "\r\n", 2) != 0) {
        return malformed("a boundary is not followed by a line's end", error);
    }
    if (last) {
        form->state = IN_EPILOGUE;
    } else {
        drop(form, 2);
        form->state = IN_HEADERS;
    }
    *more = true;
    return true;
}

/* One header line of a part. */
static const char *header_value(const char *headers, const char *name, struct arena *arena, struct error *error)
{
    size_t length = strlen(name);

    while (headers != NULL && *headers != '\0') {
        size_t line = strcspn(headers, "\r\n");

        if (line > length && strncasecmp(headers, name, length) == 0 && headers[length] == ':') {
            struct str value = str_trim(str_slice(headers + length + 1, line - length - 1));

            return arena_text(arena, value.data, value.length, error);
        }
        headers += line;
        headers += strspn(headers, "\r\n");
    }
    return NULL;
}

static bool begin_part(struct form *form, const char *headers, struct error *error)
{
    struct arena *arena = form->options.arena;
    const char *disposition = header_value(headers, "Content-Disposition", arena, error);

    form->name = disposition != NULL ? parameter(disposition, "name", arena, error) : NULL;
    if (form->name == NULL) {
        return malformed("a part has no name", error);
    }
    if (strcasecmp(form->name, "file") != 0) {
        form->state = IN_FIELD;
        return true;
    }
    if (form->had_file) {
        return error_set_named(error, ERROR_INVALID, "IncorrectNumberOfFilesInPostRequest", "there are two files");
    }
    const char *filename = parameter(disposition, "filename", arena, error);

    form->had_file = true;
    form->state = IN_FILE;
    return form->options.begin_file(form->options.context, form->fields, form->field_count,
                                    filename != NULL ? filename : "", error);
}

static bool read_headers(struct form *form, bool *more, struct error *error)
{
    const char *at = find(form, "\r\n\r\n", 4);

    if (at == NULL) {
        return form->pending.length <= MOST_FIELD_BYTES || malformed("a part's headers do not end", error);
    }
    size_t length = (size_t)(at - form->pending.data);

    /* All parts' headers stay in memory, so they count, too. */
    form->field_bytes += length;
    if (form->field_bytes > MOST_FIELD_BYTES) {
        return error_set_named(error, ERROR_INVALID, "MaxPostPreDataLengthExceededError", "the fields are too long");
    }
    const char *headers = arena_text(form->options.arena, form->pending.data, length, error);

    if (headers == NULL) {
        return false;
    }
    /* The second line's end stays: a field may be empty, and then it begins the next boundary. */
    drop(form, length + 4);
    *more = true;
    return begin_part(form, headers, error);
}

static bool keep_field(struct form *form, size_t length, struct error *error)
{
    if (form->field_count == MOST_FIELDS || form->field_bytes + length > MOST_FIELD_BYTES) {
        return error_set_named(error, ERROR_INVALID, "MaxPostPreDataLengthExceededError", "the fields are too long");
    }
    /* What stands behind a NUL would be seen by some readers of a value and not by others. */
    if (memchr(form->pending.data, '\0', length) != NULL) {
        return malformed("a field has a NUL", error);
    }
    const char *value = arena_text(form->options.arena, form->pending.data, length, error);

    if (value == NULL) {
        return false;
    }
    /* What comes after the file says nothing. */
    if (!form->had_file) {
        form->fields[form->field_count++] = (struct sign_field){str_of(form->name), str_slice(value, length)};
    }
    form->field_bytes += length + strlen(form->name);
    return true;
}

static bool read_field(struct form *form, bool *more, struct error *error)
{
    const char *at = find(form, form->delimiter, form->delimiter_length);

    if (form->field_bytes + form->pending.length > MOST_FIELD_BYTES && at == NULL) {
        return error_set_named(error, ERROR_INVALID, "MaxPostPreDataLengthExceededError", "the fields are too long");
    }
    if (at == NULL) {
        return true;
    }
    size_t length = (size_t)(at - form->pending.data);

    if (!keep_field(form, length, error)) {
        return false;
    }
    drop(form, length + form->delimiter_length);
    form->state = AFTER_BOUNDARY;
    *more = true;
    return true;
}

/* Gives on all but what may be the beginning of the boundary. */
static bool read_file(struct form *form, bool *more, struct error *error)
{
    const char *at = find(form, form->delimiter, form->delimiter_length);
    size_t kept = form->delimiter_length - 1;
    size_t length = at != NULL                    ? (size_t)(at - form->pending.data)
                    : form->pending.length > kept ? form->pending.length - kept
                                                  : 0;

    if (length > 0 && !form->options.take(form->options.context, form->pending.data, length, error)) {
        return false;
    }
    drop(form, at != NULL ? length + form->delimiter_length : length);
    if (at != NULL) {
        form->state = AFTER_BOUNDARY;
        *more = true;
    }
    return true;
}

bool form_add(struct form *form, const void *data, size_t size, struct error *error)
{
    bool more = true;

    if (form->state == IN_EPILOGUE) {
        return true;
    }
    buffer_append(&form->pending, data, size);
    if (!buffer_check(&form->pending, error)) {
        return false;
    }
    while (more) {
        bool good = true;

        more = false;
        switch (form->state) {
        case IN_PREAMBLE:
            good = read_preamble(form, &more, error);
            break;
        case AFTER_BOUNDARY:
            good = read_boundary_end(form, &more, error);
            break;
        case IN_HEADERS:
            good = read_headers(form, &more, error);
            break;
        case IN_FIELD:
            good = read_field(form, &more, error);
            break;
        case IN_FILE:
            good = read_file(form, &more, error);
            break;
        case IN_EPILOGUE:
            buffer_clear(&form->pending);
            break;
        }
        if (!good) {
            return false;
        }
    }
    return true;
}

bool form_end(struct form *form, struct error *error)
{
    if (form->state != IN_EPILOGUE) {
        return malformed("it ends before its last boundary", error);
    }
    return form->had_file ||
           error_set_named(error, ERROR_INVALID, "IncorrectNumberOfFilesInPostRequest", "there is no file");
}

const char *form_value(const struct sign_field *fields, size_t count, const char *name)
{
    size_t length = strlen(name);

    for (size_t i = 0; i < count; i++) {
        if (fields[i].name.length == length && strncasecmp(fields[i].name.data, name, length) == 0) {
            return fields[i].value.data;
        }
    }
    return NULL;
}
