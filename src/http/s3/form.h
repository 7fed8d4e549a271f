/* A browser's form (RFC 7578, multipart/form-data), as it streams by: fields first, then one file. */
#ifndef AISLE_HTTP_S3_FORM_H
#define AISLE_HTTP_S3_FORM_H

#include "aws/sign.h"
#include "base/arena.h"
#include "base/error.h"

struct form;

struct form_options {
    const char *content_type; /* the request's, with the boundary */
    struct arena *arena;      /* names and values of the fields go here */
    /* All fields before the file are here. `filename` is "" when it gives none. */
    bool (*begin_file)(void *context, const struct sign_field *fields, size_t count, const char *filename,
                       struct error *error);
    bool (*take)(void *context, const void *data, size_t size, struct error *error); /* the file's bytes */
    void *context;
};

/* RequestIsNotMultiPartContent. Free with form_free. */
struct form *form_new(const struct form_options *options, struct error *error);
void form_free(struct form *form);

/* MalformedPOSTRequest; MaxPostPreDataLengthExceededError for more than 64 KiB of fields. */
bool form_add(struct form *form, const void *data, size_t size, struct error *error);
/* MalformedPOSTRequest when the form is cut; InvalidArgument when it had no file. */
bool form_end(struct form *form, struct error *error);

/* A field's value by its name without case; NULL when it is not there. */
const char *form_value(const struct sign_field *fields, size_t count, const char *name);

#endif
