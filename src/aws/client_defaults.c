/* Where AWS's tools look for endpoint, region and credentials.
 * Source: AWS SDKs and Tools Reference Guide, "Environment variables" and "Shared config and credentials files".
 */
#include <stdlib.h>
#include <string.h>

#include "aws/client.h"
#include "base/file.h"

#define FILE_CEILING ((size_t)1 << 20)

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

/* What is looked for in one section of one file. */
struct wanted {
    const char *key;
    const char **value; /* set when it is found and still NULL */
};

static struct str next_line(struct str *rest)
{
    const char *end = memchr(rest->data, '\n', rest->length);
    struct str line = str_slice(rest->data, end ? (size_t)(end - rest->data) : rest->length);
    size_t used = line.length + (end ? 1 : 0);
    *rest = str_slice(rest->data + used, rest->length - used);
    if (line.length > 0 && line.data[line.length - 1] == '\r') line.length--;
    return line;
}

/* "[profile NAME]" or "[NAME]". */
static bool is_section(struct str line, const char *profile, bool prefixed)
{
    struct str name = str_trim(str_slice(line.data + 1, line.length - 1));
    const char *end = memchr(name.data, ']', name.length);
    if (end) name.length = (size_t)(end - name.data);
    name = str_trim(name);
    if (prefixed && str_starts_with(name, "profile ")) {
        return str_is(str_trim(str_slice(name.data + 8, name.length - 8)), profile);
    }
    return str_is(name, profile) && (!prefixed || strcmp(profile, "default") == 0);
}

static bool read_line(struct str line, const struct wanted *wanted, struct arena *arena, struct error *error)
{
    const char *equals = memchr(line.data, '=', line.length);
    if (!equals) return true;
    struct str key = str_trim(str_slice(line.data, (size_t)(equals - line.data)));
    struct str value = str_trim(str_slice(equals + 1, line.length - (size_t)(equals - line.data) - 1));
    for (; wanted->key; wanted++) {
        if (*wanted->value || value.length == 0 || !str_is(key, wanted->key)) continue;
        *wanted->value = arena_text(arena, value.data, value.length, error);
        return *wanted->value != NULL;
    }
    return true;
}

/* Fills in what a profile's section says. A file that is not there says nothing. */
static bool read_profile(const char *path, const char *profile, bool prefixed, const struct wanted *wanted,
                         struct arena *arena, bool *found, struct error *error)
{
    struct buffer text __attribute__((cleanup(buffer_free))) = {0};
    struct error own = {0};
    buffer_init(&text, FILE_CEILING);
    if (!file_load(path, &text, &own)) {
        if (own.code == ERROR_NOT_FOUND) return true;
        if (error) *error = own;
        return false;
    }
    bool inside = false;
    for (struct str rest = str_slice(text.data, text.length); rest.length > 0;) {
        struct str line = next_line(&rest);
        bool nested = line.length > 0 && (line.data[0] == ' ' || line.data[0] == '\t');
        line = str_trim(line);
        if (nested || line.length == 0 || line.data[0] == '#' || line.data[0] == ';') continue;
        if (line.data[0] == '[') {
            inside = is_section(line, profile, prefixed);
            *found |= inside;
        } else if (inside && !read_line(line, wanted, arena, error)) {
            return false;
        }
    }
    return true;
}

static const char *file_path(const char *name, const char *under_home, struct arena *arena, struct error *error)
{
    const char *given = variable(name), *home = variable("HOME");
    return given ? given : arena_format(arena, error, "%s/.aws/%s", home ? home : "", under_home);
}

static bool read_files(struct arena *arena, struct aws_client_options *options, struct error *error)
{
    const char *given = variable("AWS_PROFILE"), *profile = given ? given : "default";
    const char *credentials = file_path("AWS_SHARED_CREDENTIALS_FILE", "credentials", arena, error);
    const char *config = credentials ? file_path("AWS_CONFIG_FILE", "config", arena, error) : NULL;
    /* A key's parts are of one place: a file's secret does not go with the environment's id. */
    bool keyed = options->access_key_id || options->secret_access_key;
    const char *ignored[3] = {0};
    struct wanted wanted[] = {
        {"aws_access_key_id", keyed ? &ignored[0] : &options->access_key_id},
        {"aws_secret_access_key", keyed ? &ignored[1] : &options->secret_access_key},
        {"aws_session_token", keyed ? &ignored[2] : &options->session_token},
        {"region", &options->region},
        {"endpoint_url", &options->endpoint},
        {"ca_bundle", &options->ca_file},
        {NULL, NULL},
    };
    bool found = false;
    if (!config || !read_profile(credentials, profile, false, wanted, arena, &found, error) ||
        !read_profile(config, profile, true, wanted, arena, &found, error)) {
        return false;
    }
    if (given && !found) {
        return error_set(error, ERROR_USAGE, "AWS_PROFILE is '%s', but neither %s nor %s has such a profile", profile,
                         credentials, config);
    }
    return true;
}

bool aws_client_defaults(const char *service, struct arena *arena, struct aws_client_options *options,
                         struct error *error)
{
    const char *endpoint = strcmp(service, "s3") == 0 ? variable("AWS_ENDPOINT_URL_S3") : NULL;
    const char *region = variable("AWS_REGION");
    *options = (struct aws_client_options){
        .endpoint = endpoint ? endpoint : variable("AWS_ENDPOINT_URL"),
        .region = region ? region : variable("AWS_DEFAULT_REGION"),
        .service = service,
        .access_key_id = variable("AWS_ACCESS_KEY_ID"),
        .secret_access_key = variable("AWS_SECRET_ACCESS_KEY"),
        .session_token = variable("AWS_SESSION_TOKEN"),
        .ca_file = variable("AWS_CA_BUNDLE"),
    };
    if (!read_files(arena, options, error)) return false;
    if (!options->access_key_id != !options->secret_access_key) {
        return error_set(error, ERROR_USAGE, "there is %s without %s: set both, or neither",
                         options->access_key_id ? "an access key id" : "a secret access key",
                         options->access_key_id ? "its secret access key" : "its access key id");
    }
    if (!options->region) options->region = "us-east-1";
    if (!options->endpoint) {
        options->endpoint = arena_format(arena, error, "https://%s.%s.amazonaws.com", service, options->region);
    }
    return options->endpoint != NULL;
}
