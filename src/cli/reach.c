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

/* The server that holds a folder says in it where it listens. */
static bool open_server(struct reach *reach, const char *folder, const struct error *held, struct error *error)
{
    struct error own = {0};
    const char *path = arena_format(reach->arena, error, "%s/" SERVER_FILE, folder);
    if (!path) return false;
    json_t *said = json_read_file(path, &own);
    if (!said && own.code == ERROR_NOT_FOUND && error) *error = *held;
    if (!said && own.code != ERROR_NOT_FOUND && error) *error = own;
    if (!said) return false;
    struct remote_options options = {0};
    bool good = aws_client_defaults("s3", reach->arena, &options.client, error);
    const char *url = json_string_value(json_object_get(said, "url"));
    const char *id = json_string_value(json_object_get(said, "access_key_id"));
    const char *region = json_string_value(json_object_get(said, "region"));
    const char *authority = json_string_value(json_object_get(said, "ca_file"));
    if (good && !url) good = error_set(error, ERROR_INVALID, "%s: \"url\" must be there: start the server again", path);
    if (good) {
        options.client.endpoint = url;
        if (region) options.client.region = region;
        if (authority) options.client.ca_file = authority;
        if (id && !is_set("AWS_ACCESS_KEY_ID")) {
            options.client.access_key_id = id;
            options.client.secret_access_key = json_string_value(json_object_get(said, "secret_access_key"));
            options.client.session_token = NULL;
        }
        reach->store = remote_open(&options, error);
    }
    json_decref(said);
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

static bool is_there(struct reach *reach, const char *folder, struct error *error)
{
    const char *path = arena_format(reach->arena, error, "%s/aisle.db", folder);
    return path && access(path, F_OK) == 0;
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
    bool folder = !endpoint->text && (data->given || (!says_aws() && is_there(reach, data->text, error)));
    if (folder ? open_folder(reach, data->text, error) : open_remote(reach, endpoint->text, error)) return reach;
    reach_close(reach);
    return NULL;
}

struct reach *reach_open_elsewhere(const struct value *endpoint, const struct value *data, struct error *error)
{
    error->code = ERROR_NONE;
    struct reach *reach = reach_new(error);
    if (!reach) return NULL;
    bool folder = !endpoint->text && !says_aws() && is_there(reach, data->text, error);
    if (!folder && open_remote(reach, endpoint->text, error)) return reach;
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
