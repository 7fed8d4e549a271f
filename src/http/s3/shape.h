/* Documents of settings, as XML and as the JSON that AWS's SDKs give the same call: one description for both ways. */
#ifndef AISLE_HTTP_S3_SHAPE_H
#define AISLE_HTTP_S3_SHAPE_H

#include <jansson.h>

#include "aws/xml.h"

enum shape_kind {
    SHAPE_TEXT,
    SHAPE_NUMBER, /* a whole number from 0 on */
    SHAPE_BOOL,
    SHAPE_TIME, /* a date and time, kept as RFC 3339 text */
    SHAPE_STRUCT,
    SHAPE_TYPE, /* the xsi:type attribute of the element that it is a member of */
};

/* One member. A list is either flat, the element repeated, or with `item` an element that holds the items. */
struct shape_member {
    const char *element; /* in XML */
    const char *member;  /* in JSON */
    enum shape_kind kind;
    bool list, needed;
    const char *item;
    const char *const *values;          /* the texts that it may have, ended by NULL; NULL: any */
    const struct shape_member *members; /* SHAPE_STRUCT: ended by one without an element */
};

struct shape {
    const char *root;
    const struct shape_member *members;
};

/* A document as JSON; MalformedXML says which element is wrong: not known, missing, repeated, or of a value that may
 * not be. Free with json_decref. */
json_t *shape_from_xml(const struct shape *shape, const void *data, size_t size, struct arena *arena,
                       struct error *error);

/* The document of what shape_from_xml gave, its root with S3's namespace. */
void shape_to_xml(const struct shape *shape, const json_t *value, struct buffer *out);

#endif
