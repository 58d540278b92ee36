#include "upstream/upstream.h"

#include "core/clock.h"

#include <stdlib.h>
#include <string.h>

static bool
copy_string(const char *from, char **to)
{
    *to = from != NULL ? strdup(from) : NULL;
    return from == NULL || *to != NULL;
}

enum sp_error
sp_upstream_new(const struct sp_upstream_options *options, struct sp_upstream **upstream)
{
    struct sp_upstream *made = calloc(1, sizeof(*made));

    if (made == NULL) {
        return SP_E_NO_MEMORY;
    }
    atomic_init(&made->references, 1);
    made->options = *options;
    made->looked_beside = SP_NEVER;
    if (!copy_string(options->url, &made->url) ||
        !copy_string(options->unix_socket, &made->unix_socket) ||
        !copy_string(options->ca_file, &made->ca_file) ||
        !copy_string(options->ca_path, &made->ca_path) ||
        !copy_string(options->loop_token, &made->loop_token)) {
        sp_upstream_give_back(made);
        return SP_E_NO_MEMORY;
    }
    made->options.url = made->url;
    made->options.unix_socket = made->unix_socket;
    made->options.ca_file = made->ca_file;
    made->options.ca_path = made->ca_path;
    made->options.loop_token = made->loop_token;
    *upstream = made;
    return SP_OK;
}

struct sp_upstream *
sp_upstream_take(struct sp_upstream *upstream)
{
    atomic_fetch_add_explicit(&upstream->references, 1, memory_order_relaxed);
    return upstream;
}

void
sp_upstream_give_back(struct sp_upstream *upstream)
{
    if (upstream != NULL && atomic_fetch_sub(&upstream->references, 1) == 1) {
        free(upstream->url);
        free(upstream->unix_socket);
        free(upstream->ca_file);
        free(upstream->ca_path);
        free(upstream->loop_token);
        free(upstream);
    }
}

bool
sp_upstream_is_tls(const struct sp_upstream *upstream)
{
    return strncmp(upstream->url, "https:", 6) == 0;
}

struct sp_span
sp_upstream_loop_token(const struct sp_upstream *upstream)
{
    const char *token = upstream->loop_token;

    return token != NULL ? (struct sp_span){token, strlen(token)} : (struct sp_span){NULL, 0};
}

static bool
is_same_text(const char *one, const char *other)
{
    return one == other || (one != NULL && other != NULL && strcmp(one, other) == 0);
}

bool
sp_upstream_is_same(const struct sp_upstream *one, const struct sp_upstream *other)
{
    return one == other ||
           (is_same_text(one->url, other->url) && one->options.verify == other->options.verify &&
            is_same_text(one->unix_socket, other->unix_socket) &&
            is_same_text(one->ca_file, other->ca_file) &&
            is_same_text(one->ca_path, other->ca_path));
}
