#include "cli/reach.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "store/local/local.h"
#include "store/remote/remote.h"

#define SERVER_FILE "server.json"

struct reach {
    struct arena *arena;
    struct folder *folder;
    struct local_store *local;
    struct store *store;
};

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value && *value;
}

static bool says_aws(void)
{
    return is_set("AWS_ENDPOINT_URL_S3") || is_set("AWS_ENDPOINT_URL") || is_set("AWS_PROFILE") ||
           is_set("AWS_ACCESS_KEY_ID");
}

static bool open_remote(struct reach *reach, const char *endpoint, struct error *error)
{
    struct remote_options options = {0};
    if (!aws_client_defaults("s3", reach->arena, &options.client, error)) return false;
    if (endpoint) options.client.endpoint = endpoint;
    /* AWS itself, whose names all resolve; elsewhere a bucket seldom has a host of its own. */
    options.virtual_host = strstr(options.client.endpoint, ".amazonaws.com") != NULL;
    reach->store = remote_open(&options, error);
    return reach->store != NULL;
}

/* A member's text in the arena; left as it is where there is no such member. */
static bool take_member(json_t *said, const char *name, struct arena *arena, const char **text, struct error *error)
{
    const char *value = json_string_value(json_object_get(said, name));
    if (!value) return true;
    *text = arena_text(arena, value, strlen(value), error);
    return *text != NULL;
}

/* The folder's key, where the environment has none. */
static bool take_key(json_t *said, struct arena *arena, struct aws_client_options *options, struct error *error)
{
    const char *id = NULL, *secret = NULL;
    if (is_set("AWS_ACCESS_KEY_ID")) return true;
    if (!take_member(said, "access_key_id", arena, &id, error) ||
        !take_member(said, "secret_access_key", arena, &secret, error)) {
        return false;
    }
    if (!id || !secret) return true;
    options->access_key_id = id;
    options->secret_access_key = secret;
    options->session_token = NULL;
    return true;
}

bool reach_server(const char *folder, struct arena *arena, struct aws_client_options *options, struct error *error)
{
    const char *path = arena_format(arena, error, "%s/" SERVER_FILE, folder);
    json_t *said = path ? json_read_file(path, error) : NULL;
    if (!said) return false;
    const char *url = NULL;
    bool good = aws_client_defaults("s3", arena, options, error) && take_member(said, "url", arena, &url, error) &&
                take_member(said, "region", arena, &options->region, error) &&
                take_member(said, "ca_file", arena, &options->ca_file, error) && take_key(said, arena, options, error);
    if (good && !url) good = error_set(error, ERROR_INVALID, "%s: \"url\" must be there: start the server again", path);
    options->endpoint = url;
    json_decref(said);
    return good;
}

static bool open_server(struct reach *reach, const char *folder, const struct error *held, struct error *error)
{
    struct error own = {0};
    struct remote_options options = {0};
    if (!reach_server(folder, reach->arena, &options.client, &own)) {
        if (error) *error = own.code == ERROR_NOT_FOUND ? *held : own;
        return false;
    }
    reach->store = remote_open(&options, error);
    return reach->store != NULL;
}

static bool open_folder(struct reach *reach, const char *path, struct error *error)
{
    struct error own = {0};
    reach->folder = folder_open(path, FOLDER_WRITE, &own);
    if (!reach->folder && own.code == ERROR_CONFLICT) return open_server(reach, path, &own, error);
    if (!reach->folder) {
        if (error) *error = own;
        return false;
    }
    struct local_options options = {.folder = reach->folder};
    reach->local = local_open(&options, error);
    reach->store = reach->local ? local_port(reach->local, REACH_OWNER, error) : NULL;
    return reach->store != NULL;
}

/* Whether the data folder is meant because nothing else is (rules 3 to 5). */
static bool falls_to_folder(struct reach *reach, const struct value *endpoint, const struct value *data, bool *folder,
                            struct error *error)
{
    *folder = false;
    if (endpoint->text || says_aws()) return true;
    const char *path = arena_format(reach->arena, error, "%s/aisle.db", data->text);
    *folder = path && access(path, F_OK) == 0;
    return path != NULL;
}

static struct reach *reach_new(struct error *error)
{
    struct reach *reach = memory_zeroed(sizeof *reach, error);
    if (!reach) return NULL;
    reach->arena = arena_new(0, error);
    if (reach->arena) return reach;
    reach_close(reach);
    return NULL;
}

struct reach *reach_open(const struct value *endpoint, const struct value *data, struct error *error)
{
    struct reach *reach = reach_new(error);
    if (!reach) return NULL;
    bool folder = data->given && !endpoint->text;
    if ((folder || falls_to_folder(reach, endpoint, data, &folder, error)) &&
        (folder ? open_folder(reach, data->text, error) : open_remote(reach, endpoint->text, error))) {
        return reach;
    }
    reach_close(reach);
    return NULL;
}

struct reach *reach_open_elsewhere(const struct value *endpoint, const struct value *data, struct error *error)
{
    error->code = ERROR_NONE;
    struct reach *reach = reach_new(error);
    if (!reach) return NULL;
    bool folder = false;
    if (falls_to_folder(reach, endpoint, data, &folder, error) && !folder &&
        open_remote(reach, endpoint->text, error)) {
        return reach;
    }
    reach_close(reach);
    return NULL;
}

struct store *reach_store(const struct reach *reach)
{
    return reach->store;
}

void reach_close(struct reach *reach)
{
    if (!reach) return;
    store_free(reach->store);
    if (reach->local) local_close(reach->local);
    if (reach->folder) folder_close(reach->folder);
    if (reach->arena) arena_free(reach->arena);
    memory_free(reach);
}
