#include "upstream/upstream.h"

#include "core/clock.h"

#include <stdlib.h>
#include <string.h>

static size_t
size_of(const char *text)
{
    return text != NULL ? strlen(text) + 1 : 0;
}

/* Copies what `*text` says to `room`, if anything, and has it point there. */
static char *
move_text(const char **text, char *room)
{
    size_t size = size_of(*text);

    if (size > 0) {
        memcpy(room, *text, size);
        *text = room;
    }
    return room + size;
}

enum sp_error
sp_upstream_new(const struct sp_upstream_options *options, struct sp_upstream **upstream)
{
    struct sp_upstream_options kept = *options;
    const char **texts[] = {&kept.url, &kept.unix_socket, &kept.ca_file, &kept.ca_path,
                            &kept.loop_token};
    size_t count = sizeof(texts) / sizeof(texts[0]);
    size_t size = sizeof(struct sp_upstream);

    for (size_t i = 0; i < count; i++) {
        size += size_of(*texts[i]);
    }
    struct sp_upstream *made = calloc(1, size);
    if (made == NULL) {
        return SP_E_NO_MEMORY;
    }
    char *room = made->texts;
    for (size_t i = 0; i < count; i++) {
        room = move_text(texts[i], room);
    }
    atomic_init(&made->references, 1);
    made->options = kept;
    made->looked_beside = SP_NEVER;
    atomic_init(&made->answered, SP_NEVER);
    atomic_init(&made->down_since, SP_NEVER);
    atomic_init(&made->is_left, false);
    atomic_init(&made->is_missed, false);
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
        free(upstream);
    }
}

void
sp_upstream_leave(struct sp_upstream *upstream, struct sp_upstream *heir, bool is_down_still)
{
    if (heir != NULL && is_down_still) {
        atomic_store(&heir->answered, atomic_load(&upstream->answered));
        atomic_store(&heir->down_since, atomic_load(&upstream->down_since));
    }
    if (heir != NULL) {
        atomic_store(&heir->is_missed, atomic_load(&upstream->is_missed));
    }
    atomic_store(&upstream->is_left, true);
}

bool
sp_upstream_is_tls(const struct sp_upstream *upstream)
{
    return strncmp(upstream->options.url, "https:", 6) == 0;
}

const char *
sp_upstream_place(const struct sp_upstream *upstream)
{
    const struct sp_upstream_options *at = &upstream->options;

    return at->unix_socket != NULL ? at->unix_socket : at->url;
}

struct sp_span
sp_upstream_loop_token(const struct sp_upstream *upstream)
{
    const char *token = upstream->options.loop_token;

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
    return one == other || (is_same_text(one->options.url, other->options.url) &&
                            one->options.verify == other->options.verify &&
                            is_same_text(one->options.unix_socket, other->options.unix_socket) &&
                            is_same_text(one->options.ca_file, other->options.ca_file) &&
                            is_same_text(one->options.ca_path, other->options.ca_path));
}
