/* Forms that a text must have, beyond being text: the string formats and the structured types of Table Schema. */
#ifndef AISLE_TABULAR_TEXT_FORM_H
#define AISLE_TABULAR_TEXT_FORM_H

#include "base/str.h"

enum text_form {
    FORM_NONE,            /* any text */
    FORM_EMAIL,           /* local@domain (RFC 5321, without quoted local parts) */
    FORM_URI,             /* RFC 3986, with a scheme */
    FORM_UUID,            /* RFC 9562: 8-4-4-4-12 hexadecimal digits */
    FORM_BINARY,          /* base64 (RFC 4648), padded */
    FORM_OBJECT,          /* a JSON object */
    FORM_ARRAY,           /* a JSON array */
    FORM_GEOPOINT,        /* "longitude, latitude" in degrees */
    FORM_GEOPOINT_ARRAY,  /* [longitude, latitude] */
    FORM_GEOPOINT_OBJECT, /* {"lon": …, "lat": …} */
    FORM_GEOJSON,         /* a JSON object of a GeoJSON type (RFC 7946) */
    FORM_TOPOJSON,        /* a JSON object of type "Topology" */
    FORM_DURATION,        /* ISO 8601: P1Y2M3DT4H5M6.7S, P3W */
};

enum text_form_result { TEXT_FORM_FITS, TEXT_FORM_DIFFERS, TEXT_FORM_FAILED /* no memory */ };

/* Judges a text, which is UTF-8. */
enum text_form_result text_form_judge(enum text_form form, struct str text);

/* What the form asks for, to follow "must be ": "an e-mail address". NULL for FORM_NONE. */
const char *text_form_wish(enum text_form form);

#endif
