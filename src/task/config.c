/* aisle.yaml against the table of what it may hold. libyaml reads the file; what it means is looked up here, so that an
 * error can name the line and column of the very word that is wrong. */
#include "task/config.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <yaml.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/str.h"

enum { MOST_FILE_BYTES = 1024 * 1024, MOST_ITEMS = 1000, MOST_KEYS = 32 };

enum kind { KIND_TEXT, KIND_SWITCH, KIND_COUNT, KIND_CHOICE, KIND_TEXTS, KIND_WATCHES };

struct key {
    const char *name;
    enum kind kind;
    size_t offset, count_offset; /* in the struct; of a list its length */
    uint64_t minimum, maximum;   /* of a count, or of a text's bytes */
    const char *const *choices;
    bool required;
};

struct loaded {
    struct config config; /* first: what the caller holds */
    struct arena *arena;
};

/* One file on its way into the struct. */
struct reading {
    const char *path;
    yaml_document_t *document;
    struct arena *arena;
};

static const char *const levels[] = {"debug", "info", "warn", "error", NULL};
static const char *const afters[] = {"keep", "delete", "archive", NULL};

#define TEXT(member, most)                                                                                             \
    {                                                                                                                  \
        .name = #member, .kind = KIND_TEXT, .offset = offsetof(struct config, member), .minimum = 1, .maximum = (most) \
    }
#define SWITCH(member)                                                                                                 \
    {                                                                                                                  \
        .name = #member, .kind = KIND_SWITCH, .offset = offsetof(struct config, member)                                \
    }
#define COUNT(member, least, most)                                                                                     \
    {                                                                                                                  \
        .name = #member, .kind = KIND_COUNT, .offset = offsetof(struct config, member), .minimum = (least),            \
        .maximum = (most)                                                                                              \
    }

static const struct key config_keys[] = {
    TEXT(data, 4096),
    TEXT(listen, 80),
    SWITCH(allow_remote),
    TEXT(tls_certificate, 4096),
    TEXT(tls_key, 4096),
    TEXT(region, 63),
    TEXT(domain, 253),
    TEXT(account, 12),
    TEXT(access_key_id, 128),
    TEXT(secret_access_key, 128),
    TEXT(key_file, 4096),
    {.name = "buckets",
     .kind = KIND_TEXTS,
     .offset = offsetof(struct config, buckets),
     .count_offset = offsetof(struct config, bucket_count),
     .minimum = 3,
     .maximum = 63},
    {.name = "watch",
     .kind = KIND_WATCHES,
     .offset = offsetof(struct config, watches),
     .count_offset = offsetof(struct config, watch_count)},
    COUNT(workers, 1, 1024),
    COUNT(max_connections, 1, 1000000),
    COUNT(max_connections_per_ip, 1, 1000000),
    COUNT(idle_timeout_seconds, 1, 86400),
    COUNT(drain_seconds, 0, 3600),
    COUNT(lifecycle_interval_seconds, 1, 604800),
    {.name = "log_level", .kind = KIND_CHOICE, .offset = offsetof(struct config, log_level), .choices = levels},
    SWITCH(log_requests),
    SWITCH(metrics_remote),
    {.name = NULL},
};

static const struct key watch_keys[] = {
    {.name = "folder",
     .kind = KIND_TEXT,
     .offset = offsetof(struct config_watch, folder),
     .minimum = 1,
     .maximum = 4096,
     .required = true},
    {.name = "bucket",
     .kind = KIND_TEXT,
     .offset = offsetof(struct config_watch, bucket),
     .minimum = 3,
     .maximum = 63,
     .required = true},
    {.name = "prefix", .kind = KIND_TEXT, .offset = offsetof(struct config_watch, prefix), .maximum = 900},
    {.name = "done_marker", .kind = KIND_SWITCH, .offset = offsetof(struct config_watch, done_marker)},
    {.name = "settle_ms", .kind = KIND_COUNT, .offset = offsetof(struct config_watch, settle_ms), .maximum = 86400000},
    {.name = "after", .kind = KIND_CHOICE, .offset = offsetof(struct config_watch, after), .choices = afters},
    {.name = NULL},
};

/* An error at a node's place. */
static bool wrong(const struct reading *reading, const yaml_node_t *node, struct error *error, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static bool wrong(const struct reading *reading, const yaml_node_t *node, struct error *error, const char *format, ...)
{
    char text[600];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return error_set(error, ERROR_USAGE, "%s, line %zu, column %zu: %s", reading->path, node->start_mark.line + 1,
                     node->start_mark.column + 1, text);
}

static struct str scalar(const yaml_node_t *node)
{
    return str_slice((const char *)node->data.scalar.value, node->data.scalar.length);
}

/* A scalar without NUL; NULL with an error for lists and mappings. */
static const char *read_text(const struct reading *reading, const struct key *key, const yaml_node_t *node,
                             struct error *error)
{
    if (node->type != YAML_SCALAR_NODE) {
        wrong(reading, node, error, "%s must be a single value, not a list or a mapping", key->name);
        return NULL;
    }
    struct str text = scalar(node);

    if (text.length < key->minimum || text.length > key->maximum || memchr(text.data, '\0', text.length) != NULL) {
        wrong(reading, node, error, "%s must have %llu to %llu characters", key->name, (unsigned long long)key->minimum,
              (unsigned long long)key->maximum);
        return NULL;
    }
    return arena_text(reading->arena, text.data, text.length, error);
}

static bool read_switch(const struct reading *reading, const struct key *key, const yaml_node_t *node, bool *value,
                        struct error *error)
{
    bool is_scalar = node->type == YAML_SCALAR_NODE;

    *value = is_scalar && str_is(scalar(node), "true");
    if (*value || (is_scalar && str_is(scalar(node), "false"))) return true;
    return wrong(reading, node, error, "%s must be true or false", key->name);
}

static bool read_count(const struct reading *reading, const struct key *key, const yaml_node_t *node, unsigned *value,
                       struct error *error)
{
    uint64_t number = 0;
    bool good = node->type == YAML_SCALAR_NODE && node->data.scalar.length > 0 && node->data.scalar.length < 12;

    for (size_t i = 0; good && i < node->data.scalar.length; i++) {
        unsigned char c = node->data.scalar.value[i];

        good = c >= '0' && c <= '9';
        number = number * 10 + (uint64_t)(c - '0');
    }
    if (!good || number < key->minimum || number > key->maximum)
        return wrong(reading, node, error, "%s must be a whole number from %llu to %llu", key->name,
                     (unsigned long long)key->minimum, (unsigned long long)key->maximum);
    *value = (unsigned)number;
    return true;
}

static bool read_choice(const struct reading *reading, const struct key *key, const yaml_node_t *node,
                        const char **value, struct error *error)
{
    char all[200] = "";
    size_t length = 0;

    for (size_t i = 0; key->choices[i] != NULL; i++) {
        if (node->type == YAML_SCALAR_NODE && str_is(scalar(node), key->choices[i])) {
            *value = key->choices[i];
            return true;
        }
        length += (size_t)snprintf(all + length, sizeof all - length, "%s%s", i == 0 ? "" : ", ", key->choices[i]);
    }
    return wrong(reading, node, error, "%s must be one of %s", key->name, all);
}

/* The items of a list, in the arena; `size` bytes for each. */
static void *list_room(const struct reading *reading, const struct key *key, const yaml_node_t *node, size_t size,
                       unsigned *count, struct error *error)
{
    if (node->type != YAML_SEQUENCE_NODE) {
        wrong(reading, node, error, "%s must be a list, an item a line, each after a dash", key->name);
        return NULL;
    }
    size_t items = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);

    if (items > MOST_ITEMS) {
        wrong(reading, node, error, "%s has %zu items; at most %d are taken", key->name, items, MOST_ITEMS);
        return NULL;
    }
    *count = (unsigned)items;
    return arena_zeroed(reading->arena, (items + 1) * size, error);
}

static bool read_mapping(const struct reading *reading, const yaml_node_t *node, const struct key *keys, void *into,
                         struct error *error);

static bool read_texts(const struct reading *reading, const struct key *key, const yaml_node_t *node, char *into,
                       struct error *error)
{
    unsigned count = 0;
    const char **texts = list_room(reading, key, node, sizeof *texts, &count, error);

    if (texts == NULL) return false;
    for (unsigned i = 0; i < count; i++) {
        texts[i] = read_text(reading, key,
                             yaml_document_get_node(reading->document, node->data.sequence.items.start[i]), error);
        if (texts[i] == NULL) return false;
    }
    *(const char ***)(void *)(into + key->offset) = texts;
    *(unsigned *)(void *)(into + key->count_offset) = count;
    return true;
}

static bool read_watches(const struct reading *reading, const struct key *key, const yaml_node_t *node, char *into,
                         struct error *error)
{
    unsigned count = 0;
    struct config_watch *watches = list_room(reading, key, node, sizeof *watches, &count, error);

    if (watches == NULL) return false;
    for (unsigned i = 0; i < count; i++) {
        watches[i] = (struct config_watch){.prefix = "", .settle_ms = 2000, .after = "keep"};
        if (!read_mapping(reading, yaml_document_get_node(reading->document, node->data.sequence.items.start[i]),
                          watch_keys, &watches[i], error))
            return false;
    }
    *(struct config_watch **)(void *)(into + key->offset) = watches;
    *(unsigned *)(void *)(into + key->count_offset) = count;
    return true;
}

static bool read_value(const struct reading *reading, const struct key *key, const yaml_node_t *node, char *into,
                       struct error *error)
{
    void *member = into + key->offset;

    switch (key->kind) {
    case KIND_TEXT:
        *(const char **)member = read_text(reading, key, node, error);
        return *(const char **)member != NULL;
    case KIND_SWITCH:
        return read_switch(reading, key, node, member, error);
    case KIND_COUNT:
        return read_count(reading, key, node, member, error);
    case KIND_CHOICE:
        return read_choice(reading, key, node, member, error);
    case KIND_TEXTS:
        return read_texts(reading, key, node, into, error);
    case KIND_WATCHES:
        break;
    }
    return read_watches(reading, key, node, into, error);
}

static bool unknown_key(const struct reading *reading, const yaml_node_t *node, const struct key *keys,
                        struct error *error)
{
    struct str word = scalar(node);
    const char *nearest = NULL;
    size_t least = word.length / 3 + 2;

    for (const struct key *key = keys; key->name != NULL; key++) {
        size_t far = str_distance(word, str_of(key->name));

        if (far < least) {
            least = far;
            nearest = key->name;
        }
    }
    int length = word.length > 60 ? 60 : (int)word.length;

    if (nearest != NULL)
        return wrong(reading, node, error, "there is no key '%.*s' here; did you mean '%s'?", length, word.data,
                     nearest);
    return wrong(reading, node, error, "there is no key '%.*s' here; docs/configuration.md lists them", length,
                 word.data);
}

static bool read_pair(const struct reading *reading, const yaml_node_pair_t *pair, const struct key *keys, bool *seen,
                      char *into, struct error *error)
{
    const yaml_node_t *name = yaml_document_get_node(reading->document, pair->key);
    const yaml_node_t *value = yaml_document_get_node(reading->document, pair->value);

    if (name->type != YAML_SCALAR_NODE) return wrong(reading, name, error, "a key must be a single word");
    for (size_t k = 0; keys[k].name != NULL; k++) {
        if (!str_is(scalar(name), keys[k].name)) continue;
        if (seen[k]) return wrong(reading, name, error, "the key %s is here for the second time", keys[k].name);
        seen[k] = true;
        return read_value(reading, &keys[k], value, into, error);
    }
    return unknown_key(reading, name, keys, error);
}

static bool read_mapping(const struct reading *reading, const yaml_node_t *node, const struct key *keys, void *into,
                         struct error *error)
{
    bool seen[MOST_KEYS] = {false};

    if (node->type != YAML_MAPPING_NODE)
        return wrong(reading, node, error, "here must be keys with their values, such as '%s: …'", keys[0].name);
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++)
        if (!read_pair(reading, pair, keys, seen, into, error)) return false;
    for (size_t k = 0; keys[k].name != NULL; k++)
        if (keys[k].required && !seen[k]) return wrong(reading, node, error, "the key %s is missing", keys[k].name);
    return true;
}

/* What the keys say together. */
static bool check(const struct reading *reading, const struct config *config, struct error *error)
{
    if ((config->tls_certificate == NULL) != (config->tls_key == NULL))
        return error_set(error, ERROR_USAGE, "%s: tls_certificate and tls_key go together; %s is missing",
                         reading->path, config->tls_key == NULL ? "tls_key" : "tls_certificate");
    if ((config->access_key_id == NULL) != (config->secret_access_key == NULL))
        return error_set(error, ERROR_USAGE, "%s: access_key_id and secret_access_key go together; %s is missing",
                         reading->path, config->access_key_id == NULL ? "access_key_id" : "secret_access_key");
    if (strlen(config->account) != 12 || strspn(config->account, "0123456789") != 12)
        return error_set(error, ERROR_USAGE, "%s: account must be 12 digits, not '%s'", reading->path, config->account);
    return true;
}

static bool read_document(struct reading *reading, yaml_parser_t *parser, struct config *config, struct error *error)
{
    yaml_document_t document;

    if (yaml_parser_load(parser, &document) == 0) {
        bool memory = parser->error == YAML_MEMORY_ERROR;

        return memory ? error_set(error, ERROR_MEMORY, "%s could not be read: out of memory", reading->path)
                      : error_set(error, ERROR_USAGE, "%s, line %zu, column %zu: this is no YAML: %s", reading->path,
                                  parser->problem_mark.line + 1, parser->problem_mark.column + 1,
                                  parser->problem == NULL ? "bytes that are no text" : parser->problem);
    }
    /* cppcheck-suppress autoVariables ; it is taken back below */
    reading->document = &document;
    const yaml_node_t *root = yaml_document_get_root_node(&document);
    bool good = root == NULL || read_mapping(reading, root, config_keys, config, error);

    yaml_document_delete(&document);
    reading->document = NULL;
    return good && check(reading, config, error);
}

static bool parse(struct loaded *loaded, const char *data, size_t size, const char *name, struct error *error)
{
    struct reading reading = {.path = name, .arena = loaded->arena};
    yaml_parser_t parser;

    if (yaml_parser_initialize(&parser) == 0)
        return error_set(error, ERROR_MEMORY, "%s could not be read: out of memory", name);
    yaml_parser_set_input_string(&parser, (const unsigned char *)data, size);
    bool good = read_document(&reading, &parser, &loaded->config, error);

    yaml_parser_delete(&parser);
    return good;
}

static struct config *defaults(struct error *error)
{
    struct loaded *loaded = memory_zeroed(sizeof *loaded, error);

    if (loaded == NULL) return NULL;
    loaded->config = (struct config){
        .data = "./aisle-data",
        .listen = "127.0.0.1:9000",
        .region = "us-east-1",
        .account = "000000000000",
        .drain_seconds = 10,
        .lifecycle_interval_seconds = 3600,
        .log_level = "info",
    };
    loaded->arena = arena_new(0, error);
    if (loaded->arena != NULL) return &loaded->config;
    memory_free(loaded);
    return NULL;
}

struct config *config_read(const char *data, size_t size, const char *name, struct error *error)
{
    struct config *config = defaults(error);

    if (config == NULL || parse((struct loaded *)(void *)config, data, size, name, error)) return config;
    config_free(config);
    return NULL;
}

struct config *config_load(const char *path, struct error *error)
{
    struct buffer bytes __attribute__((cleanup(buffer_free))) = {.ceiling = MOST_FILE_BYTES};

    if (path == NULL) return defaults(error);
    if (!file_load(path, &bytes, error)) return NULL;
    return config_read(bytes.data == NULL ? "" : bytes.data, bytes.length, path, error);
}

void config_free(struct config *config)
{
    struct loaded *loaded = (struct loaded *)(void *)config;

    if (loaded == NULL) return;
    arena_free(loaded->arena);
    memory_free(loaded);
}
