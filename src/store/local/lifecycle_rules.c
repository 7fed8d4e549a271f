#include "store/local/lifecycle_rules.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"

#define DAY_US INT64_C(86400000000)
#define MOST_DAYS 100000

/* How cold each storage class is, by its number: what moves goes only to a colder one. */
static const unsigned coldness[] = {0, 0, 1, 3, 2, 4, 5, 6, 5, 0};

static bool malformed(const char *what, struct error *error)
{
    return error_set_named(error, ERROR_INVALID, "MalformedXML", "the lifecycle configuration is not valid: %s", what);
}

static const char *copy_text(const char *text, struct arena *arena, struct error *error)
{
    return arena_text(arena, text, strlen(text), error);
}

/* "2025-07-01", or with a time of day after it. */
static bool read_date(const char *text, int64_t *date_us)
{
    struct tm parts = {0};
    const char *rest = strptime(text, "%Y-%m-%d", &parts);

    if (rest != NULL && *rest == 'T') {
        rest = strptime(rest, "T%H:%M:%S", &parts);
    }
    if (rest == NULL) {
        return false;
    }
    *date_us = (int64_t)timegm(&parts) * 1000000;
    return *date_us != 0;
}

static bool read_when(json_t *object, const char *days_name, struct lifecycle_when *when, struct error *error)
{
    json_t *days = json_object_get(object, days_name);
    json_t *date = json_object_get(object, "Date");

    when->given = days != NULL || date != NULL;
    when->days = json_integer_value(days);
    if (days != NULL && (!json_is_integer(days) || when->days < 0 || when->days > MOST_DAYS)) {
        return malformed("days must be a whole number from 0 to 100,000", error);
    }
    return date == NULL || (json_is_string(date) && read_date(json_string_value(date), &when->date_us)) ||
           malformed("a date must look like 2025-07-01T00:00:00Z", error);
}

static bool read_kept(json_t *object, unsigned *kept, struct error *error)
{
    json_t *given = json_object_get(object, "NewerNoncurrentVersions");

    if (given != NULL &&
        (!json_is_integer(given) || json_integer_value(given) < 0 || json_integer_value(given) > 100)) {
        return malformed("NewerNoncurrentVersions must be a whole number from 0 to 100", error);
    }
    *kept = (unsigned)json_integer_value(given);
    return true;
}

static bool read_moves(json_t *list, const char *days_name, struct lifecycle_move *moves, size_t *count,
                       struct error *error)
{
    if (json_array_size(list) > LIFECYCLE_MOST_MOVES) {
        return malformed("a rule has too many transitions", error);
    }
    for (size_t m = 0; m < json_array_size(list); m++) {
        json_t *given = json_array_get(list, m);
        const char *class = json_string_value(json_object_get(given, "StorageClass"));
        struct lifecycle_move *move = &moves[(*count)++];

        if (class == NULL) {
            return malformed("a transition has no StorageClass", error);
        }
        if (!storage_class_number(class, &move->class, error) || !read_when(given, days_name, &move->when, error) ||
            !read_kept(given, &move->newer_kept, error)) {
            return false;
        }
    }
    return true;
}

static bool read_tag(json_t *tag, struct lifecycle_rule *rule, struct arena *arena, struct error *error)
{
    const char *name = json_string_value(json_object_get(tag, "Key"));
    const char *value = json_string_value(json_object_get(tag, "Value"));
    struct store_field *own = &rule->tags[rule->tag_count++];

    if (name == NULL || value == NULL) {
        return malformed("a tag needs a Key and a Value", error);
    }
    own->name = copy_text(name, arena, error);
    own->value = own->name != NULL ? copy_text(value, arena, error) : NULL;
    return own->value != NULL;
}

static bool read_size(json_t *filter, const char *name, uint64_t *size, bool *sized, struct error *error)
{
    json_t *given = json_object_get(filter, name);

    if (given == NULL) {
        return true;
    }
    *sized = true;
    *size = (uint64_t)json_integer_value(given);
    return (json_is_integer(given) && json_integer_value(given) >= 0) ||
           malformed("a size must be a whole number", error);
}

/* A filter, or what its And holds. */
static bool read_filter(json_t *filter, struct lifecycle_rule *rule, struct arena *arena, struct error *error)
{
    json_t *prefix = json_object_get(filter, "Prefix");
    json_t *tag = json_object_get(filter, "Tag");
    json_t *tags = json_object_get(filter, "Tags");

    if (prefix != NULL) {
        rule->prefix = json_is_string(prefix) ? copy_text(json_string_value(prefix), arena, error) : NULL;
        if (rule->prefix == NULL) {
            return json_is_string(prefix) ? false : malformed("a prefix must be a text", error);
        }
    }
    rule->tags = arena_take(arena, (json_array_size(tags) + 1) * sizeof *rule->tags, error);
    if (rule->tags == NULL || (tag != NULL && !read_tag(tag, rule, arena, error))) {
        return false;
    }
    for (size_t t = 0; t < json_array_size(tags) && tag == NULL; t++) {
        if (!read_tag(json_array_get(tags, t), rule, arena, error)) {
            return false;
        }
    }
    return read_size(filter, "ObjectSizeGreaterThan", &rule->larger_than, &rule->sized, error) &&
           read_size(filter, "ObjectSizeLessThan", &rule->smaller_than, &rule->sized, error);
}

static bool read_rule(json_t *given, struct lifecycle_rule *rule, struct arena *arena, struct error *error)
{
    json_t *filter = json_object_get(given, "Filter");
    json_t *both = json_object_get(filter, "And");
    json_t *noncurrent = json_object_get(given, "NoncurrentVersionExpiration");
    json_t *expiration = json_object_get(given, "Expiration");

    rule->prefix = "";
    rule->smaller_than = UINT64_MAX;
    rule->expired_marker = json_is_true(json_object_get(expiration, "ExpiredObjectDeleteMarker"));
    /* Before filters there was a prefix right in the rule. */
    return read_filter(both != NULL     ? both
                       : filter != NULL ? filter
                                        : given,
                       rule, arena, error) &&
           read_when(expiration, "Days", &rule->expire, error) &&
           read_when(noncurrent, "NoncurrentDays", &rule->noncurrent, error) &&
           read_kept(noncurrent, &rule->noncurrent_kept, error) &&
           read_when(json_object_get(given, "AbortIncompleteMultipartUpload"), "DaysAfterInitiation", &rule->abort,
                     error) &&
           read_moves(json_object_get(given, "Transitions"), "Days", rule->moves, &rule->move_count, error) &&
           read_moves(json_object_get(given, "NoncurrentVersionTransitions"), "NoncurrentDays", rule->noncurrent_moves,
                      &rule->noncurrent_move_count, error);
}

bool lifecycle_rules_read(const char *json, struct arena *arena, struct lifecycle_rules *rules, struct error *error)
{
    json_t *document = json_read(json, strlen(json), "LifecycleConfiguration", error);
    json_t *list = json_object_get(document, "Rules");
    bool good = document != NULL && (json_is_array(list) || malformed("it has no Rules", error));

    rules->count = 0;
    rules->rules = good ? arena_zeroed(arena, (json_array_size(list) + 1) * sizeof *rules->rules, error) : NULL;
    good = rules->rules != NULL;
    for (size_t r = 0; good && r < json_array_size(list); r++) {
        json_t *given = json_array_get(list, r);
        const char *status = json_string_value(json_object_get(given, "Status"));

        if (status != NULL && strcmp(status, "Enabled") == 0) {
            good = read_rule(given, &rules->rules[rules->count++], arena, error);
        }
    }
    json_decref(document);
    return good;
}

bool lifecycle_due(const struct lifecycle_when *when, int64_t since_us, int64_t now_us)
{
    if (!when->given) {
        return false;
    }
    if (when->date_us != 0) {
        return now_us >= when->date_us;
    }
    int64_t due_us = since_us + when->days * DAY_US;

    return now_us >= (due_us + DAY_US - 1) / DAY_US * DAY_US;
}

static bool has_tag(const struct object_row *row, const struct store_field *tag)
{
    struct packed_text text;

    for (size_t at = 0; packed_next(row, &at, &text);) {
        if (text.letter == 't' && strcmp(text.name, tag->name) == 0 && strcmp(text.value, tag->value) == 0) {
            return true;
        }
    }
    return false;
}

static bool applies(const struct lifecycle_rule *rule, const struct lifecycle_version *version)
{
    bool marker = (version->row->flags & OBJECT_MARKER) != 0;

    if (strncmp(version->key, rule->prefix, strlen(rule->prefix)) != 0) {
        return false;
    }
    /* A delete marker has neither tags nor a size. */
    if (marker) {
        return rule->tag_count == 0 && !rule->sized;
    }
    if (version->row->size_bytes <= rule->larger_than && rule->sized && rule->larger_than > 0) {
        return false;
    }
    if (version->row->size_bytes >= rule->smaller_than) {
        return false;
    }
    for (size_t t = 0; t < rule->tag_count; t++) {
        if (!has_tag(version->row, &rule->tags[t])) {
            return false;
        }
    }
    return true;
}

static bool is_out(const struct lifecycle_rule *rule, const struct lifecycle_version *version, int64_t now_us)
{
    if (!version->current) {
        return version->newer >= rule->noncurrent_kept &&
               lifecycle_due(&rule->noncurrent, version->noncurrent_us, now_us);
    }
    if ((version->row->flags & OBJECT_MARKER) != 0) {
        return version->alone &&
               (rule->expired_marker || lifecycle_due(&rule->expire, version->row->modified_us, now_us));
    }
    return lifecycle_due(&rule->expire, version->row->modified_us, now_us);
}

/* The coldest class that a version is to be in by now. */
static void look_for_move(const struct lifecycle_rule *rule, const struct lifecycle_version *version, int64_t now_us,
                          unsigned *class)
{
    const struct lifecycle_move *moves = version->current ? rule->moves : rule->noncurrent_moves;
    size_t count = version->current ? rule->move_count : rule->noncurrent_move_count;
    int64_t since_us = version->current ? version->row->modified_us : version->noncurrent_us;

    for (size_t m = 0; m < count; m++) {
        if (coldness[moves[m].class] > coldness[*class] &&
            (version->current || version->newer >= moves[m].newer_kept) &&
            lifecycle_due(&moves[m].when, since_us, now_us)) {
            *class = moves[m].class;
        }
    }
}

enum lifecycle_verdict lifecycle_judge(const struct lifecycle_rules *rules, const struct lifecycle_version *version,
                                       int64_t now_us, unsigned *class)
{
    bool marker = (version->row->flags & OBJECT_MARKER) != 0;
    unsigned now_in = version->row->flags >> OBJECT_CLASS_SHIFT & OBJECT_NUMBER_MASK;

    now_in = now_in < sizeof coldness / sizeof coldness[0] ? now_in : 0;
    *class = now_in;
    for (size_t r = 0; r < rules->count; r++) {
        const struct lifecycle_rule *rule = &rules->rules[r];

        if (!applies(rule, version)) {
            continue;
        }
        if (is_out(rule, version, now_us)) {
            return version->current && !marker ? LIFECYCLE_EXPIRE : LIFECYCLE_REMOVE;
        }
        if (!marker) {
            look_for_move(rule, version, now_us, class);
        }
    }
    return *class != now_in ? LIFECYCLE_MOVE : LIFECYCLE_KEEP;
}
