#include "tabular/text_form.h"

#include "base/json.h"
#include "tabular/number.h"

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Labels of letters, digits and inner hyphens, parted by dots; at least two. */
static bool is_domain(struct str text)
{
    size_t labels = 0;
    size_t start = 0;
    for (size_t i = 0; i <= text.length; i++) {
        if (i < text.length && text.data[i] != '.') {
            char c = text.data[i];
            if (!is_letter(c) && !is_digit(c) && c != '-' && (unsigned char)c < 0x80) return false;
            continue;
        }
        size_t length = i - start;
        if (length == 0 || length > 63 || text.data[start] == '-' || text.data[i - 1] == '-') return false;
        labels++;
        start = i + 1;
    }
    return labels >= 2 && text.length <= 255;
}

static bool is_email(struct str text)
{
    size_t at = 0;
    while (at < text.length && text.data[at] != '@') {
        unsigned char c = (unsigned char)text.data[at];
        if (c <= ' ' || c == 0x7F || strchr("\"(),:;<>[\\]", c)) return false;
        if (c == '.' && (at == 0 || text.data[at - 1] == '.')) return false;
        at++;
    }
    if (at == 0 || at > 64 || at == text.length || text.data[at - 1] == '.') return false;
    return is_domain(str_slice(text.data + at + 1, text.length - at - 1));
}

static bool is_uri(struct str text)
{
    size_t at = 0;
    while (at < text.length && (is_letter(text.data[at]) || is_digit(text.data[at]) || text.data[at] == '+' ||
                                text.data[at] == '-' || text.data[at] == '.'))
        at++;
    if (at == 0 || !is_letter(text.data[0]) || at + 1 >= text.length || text.data[at] != ':') return false;
    for (at++; at < text.length; at++) {
        char c = text.data[at];
        if (c == '%') {
            if (at + 2 >= text.length || !is_hex(text.data[at + 1]) || !is_hex(text.data[at + 2])) return false;
        } else if (!is_letter(c) && !is_digit(c) && (c == 0 || !strchr("-._~:/?#[]@!$&'()*+,;=", c))) {
            return false;
        }
    }
    return true;
}

static bool is_uuid(struct str text)
{
    if (text.length != 36) return false;
    for (size_t i = 0; i < 36; i++) {
        bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
        if (hyphen ? text.data[i] != '-' : !is_hex(text.data[i])) return false;
    }
    return true;
}

static bool is_base64(struct str text)
{
    if (text.length % 4 != 0) return false;
    size_t padding = 0;
    while (padding < 2 && padding < text.length && text.data[text.length - 1 - padding] == '=') padding++;
    for (size_t i = 0; i + padding < text.length; i++) {
        char c = text.data[i];
        if (!is_letter(c) && !is_digit(c) && c != '+' && c != '/') return false;
    }
    return true;
}

/* "12Y" with one of the designators, which come in the order given; `*designators` moves past it. */
static bool take_part(struct str *rest, const char **designators)
{
    size_t digits = 0;
    while (digits < rest->length && (is_digit(rest->data[digits]) || rest->data[digits] == '.')) digits++;
    if (digits == 0 || digits == rest->length || !is_digit(rest->data[0]) || !is_digit(rest->data[digits - 1]))
        return false;
    int64_t ignored;
    struct str number = str_slice(rest->data, digits);
    bool fraction = memchr(number.data, '.', digits) != NULL;
    if (number_parse(number, NUMBER_SCALE_MAX, &number_format_default, &ignored) == NUMBER_MALFORMED) return false;
    const char *found = rest->data[digits] ? strchr(*designators, rest->data[digits]) : NULL;
    if (!found) return false;
    *designators = found + 1;
    *rest = str_slice(rest->data + digits + 1, rest->length - digits - 1);
    return !fraction || rest->length == 0;
}

static bool is_duration(struct str text)
{
    if (text.length < 3 || text.data[0] != 'P') return false;
    const char *designators = "YMWD";
    bool time = false;
    text = str_slice(text.data + 1, text.length - 1);
    while (text.length > 0) {
        if (!time && text.data[0] == 'T') {
            time = true;
            designators = "HMS";
            text = str_slice(text.data + 1, text.length - 1);
        }
        if (!take_part(&text, &designators)) return false;
    }
    return true;
}

/* Whether two numbers are degrees of longitude and latitude. */
static bool are_degrees(double longitude, double latitude)
{
    return longitude >= -180 && longitude <= 180 && latitude >= -90 && latitude <= 90;
}

static bool is_geopoint(struct str text)
{
    const char *comma = memchr(text.data, ',', text.length);
    if (!comma) return false;
    size_t at = (size_t)(comma - text.data);
    int64_t longitude, latitude;
    const struct number_format *format = &number_format_default;
    struct str first = str_trim(str_slice(text.data, at));
    struct str second = str_trim(str_slice(comma + 1, text.length - at - 1));
    enum number_result one = number_parse(first, 15, format, &longitude);
    enum number_result two = number_parse(second, 15, format, &latitude);
    return one == NUMBER_OK && two == NUMBER_OK && are_degrees((double)longitude / 1e15, (double)latitude / 1e15);
}

static bool is_geojson_type(const char *type)
{
    static const char *const types[] = {
        "Point",        "MultiPoint",         "LineString", "MultiLineString",  "Polygon",
        "MultiPolygon", "GeometryCollection", "Feature",    "FeatureCollection"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(types[i], type) == 0) return true;
    return false;
}

static bool json_has_form(enum text_form form, json_t *json)
{
    const char *type = json_string_value(json_object_get(json, "type"));
    json_t *longitude = json_array_get(json, 0);
    json_t *latitude = json_array_get(json, 1);
    bool sized = json_array_size(json) == 2;
    switch (form) {
    case FORM_OBJECT:
        return json_is_object(json);
    case FORM_ARRAY:
        return json_is_array(json);
    case FORM_GEOJSON:
        return type && is_geojson_type(type);
    case FORM_TOPOJSON:
        return type && strcmp(type, "Topology") == 0;
    case FORM_GEOPOINT_OBJECT:
        longitude = json_object_get(json, "lon");
        latitude = json_object_get(json, "lat");
        sized = json_object_size(json) == 2;
        break;
    default:
        break;
    }
    return sized && json_is_number(longitude) && json_is_number(latitude) &&
           are_degrees(json_number_value(longitude), json_number_value(latitude));
}

static enum text_form_result judge_json(enum text_form form, struct str text)
{
    struct error error = {0};
    json_t *json = json_read(text.data, text.length, "cell", &error);
    if (!json) return error.code == ERROR_MEMORY ? TEXT_FORM_FAILED : TEXT_FORM_DIFFERS;
    bool fits = json_has_form(form, json);
    json_decref(json);
    return fits ? TEXT_FORM_FITS : TEXT_FORM_DIFFERS;
}

enum text_form_result text_form_judge(enum text_form form, struct str text)
{
    bool fits;
    switch (form) {
    case FORM_NONE:
        return TEXT_FORM_FITS;
    case FORM_EMAIL:
        fits = is_email(text);
        break;
    case FORM_URI:
        fits = is_uri(text);
        break;
    case FORM_UUID:
        fits = is_uuid(text);
        break;
    case FORM_BINARY:
        fits = is_base64(text);
        break;
    case FORM_GEOPOINT:
        fits = text.length > 0 && is_geopoint(text);
        break;
    case FORM_DURATION:
        fits = is_duration(text);
        break;
    default:
        return text.length > 0 ? judge_json(form, text) : TEXT_FORM_DIFFERS;
    }
    return fits ? TEXT_FORM_FITS : TEXT_FORM_DIFFERS;
}

const char *text_form_wish(enum text_form form)
{
    static const char *const wishes[] = {
        [FORM_NONE] = NULL,
        [FORM_EMAIL] = "an e-mail address",
        [FORM_URI] = "a URI",
        [FORM_UUID] = "a UUID",
        [FORM_BINARY] = "base64",
        [FORM_OBJECT] = "a JSON object",
        [FORM_ARRAY] = "a JSON array",
        [FORM_GEOPOINT] = "a point as \"longitude, latitude\"",
        [FORM_GEOPOINT_ARRAY] = "a point as [longitude, latitude]",
        [FORM_GEOPOINT_OBJECT] = "a point as {\"lon\": …, \"lat\": …}",
        [FORM_GEOJSON] = "GeoJSON",
        [FORM_TOPOJSON] = "TopoJSON",
        [FORM_DURATION] = "a duration as P1Y2M3DT4H5M6S",
    };
    return wishes[form];
}
