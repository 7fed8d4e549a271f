#include "http/s3/target.h"

#include <string.h>

/* Domains that virtual hosts are under when none is configured; longer ones first. */
static const char *const default_domains[] = {"s3.localhost", "localhost", NULL};

/* What stands before ".DOMAIN"; 0 when the host is not under it. */
static size_t label_length(const char *host, const char *domain)
{
    size_t host_length = strlen(host), domain_length = strlen(domain);

    if (host_length <= domain_length + 1 || host[host_length - domain_length - 1] != '.' ||
        strcmp(host + host_length - domain_length, domain) != 0) {
        return 0;
    }
    return host_length - domain_length - 1;
}

static size_t bucket_in_host(const struct s3_request *request)
{
    const char *const configured[] = {request->s3->options.domain, NULL};
    const char *const *domains = configured[0] != NULL ? configured : default_domains;
    const char *host = request->exchange->host;
    size_t length = 0;

    for (size_t i = 0; domains[i] != NULL; i++) {
        if (strcmp(host, domains[i]) == 0) {
            return 0;
        }
        if (length == 0) {
            length = label_length(host, domains[i]);
        }
    }
    return length;
}

bool s3_target_find(struct s3_request *request, struct error *error)
{
    const char *path = request->exchange->path;
    size_t in_host = bucket_in_host(request);

    request->version_id = s3_query(request, "versionId");
    if (request->version_id != NULL && request->version_id[0] == '\0') {
        return s3_bad_argument(request, "versionId", "", "Version id cannot be the empty string", error);
    }
    path += path[0] == '/';
    request->bucket_in_host = in_host > 0;
    if (in_host > 0) {
        request->bucket_name = arena_text(request->arena, request->exchange->host, in_host, error);
        request->key = path;
        return request->bucket_name != NULL;
    }
    size_t length = strcspn(path, "/");

    request->bucket_name = arena_text(request->arena, path, length, error);
    request->key = path[length] == '/' ? path + length + 1 : "";
    return request->bucket_name != NULL;
}
