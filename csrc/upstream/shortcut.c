#include "upstream/shortcut.h"

#include "core/descriptors.h"
#include "core/sockets.h"

#include <errno.h>

/* As long as libcurl remembers a name's address for us. */
#define SP_SHORTCUT_HOLDS 5000LL /* ms */

static struct sp_shortcut *
shortcut_to(struct sp_shortcuts *shortcuts, const struct sp_upstream *upstream)
{
    for (size_t i = 0; i < SP_SHORTCUTS; i++) {
        struct sp_shortcut *item = &shortcuts->items[i];
        if (item->upstream != NULL && sp_upstream_is_same(item->upstream, upstream)) {
            return item;
        }
    }
    return NULL;
}

static void
forget(struct sp_shortcut *item)
{
    sp_upstream_give_back(item->upstream);
    item->upstream = NULL;
}

/* What is said in TLS passes libcurl, and a Unix socket is named by its path. */
static bool
is_plain(const struct sp_upstream *upstream)
{
    return !sp_upstream_is_tls(upstream) && upstream->options.unix_socket == NULL;
}

void
sp_shortcuts_note(struct sp_shortcuts *shortcuts, struct sp_upstream *upstream, int fd,
                  long long now)
{
    struct sp_shortcut *item = shortcut_to(shortcuts, upstream);

    if (!is_plain(upstream)) {
        return;
    }
    if (item == NULL) {
        item = &shortcuts->items[shortcuts->next++ % SP_SHORTCUTS];
        forget(item);
        item->upstream = sp_upstream_take(upstream);
    }
    item->size = sizeof(item->address);
    item->found = now;
    if (getpeername(fd, (struct sockaddr *)&item->address, &item->size) < 0) {
        forget(item);
    }
}

int
sp_shortcuts_take(struct sp_shortcuts *shortcuts, const struct sp_upstream *upstream, long long now)
{
    struct sp_shortcut *item = shortcut_to(shortcuts, upstream);

    if (item == NULL || now - item->found > SP_SHORTCUT_HOLDS) {
        return SP_NO_SOCKET;
    }
    int fd = sp_descriptor_socket(item->address.ss_family, SOCK_STREAM, 0);
    if (fd < 0) {
        return SP_NO_SOCKET; /* libcurl will say why */
    }
    if (!sp_descriptor_set_nonblocking(fd) ||
        (connect(fd, (struct sockaddr *)&item->address, item->size) < 0 && errno != EINPROGRESS)) {
        sp_descriptor_close(fd);
        return SP_NO_SOCKET;
    }
    return fd;
}

void
sp_shortcuts_forget(struct sp_shortcuts *shortcuts, const struct sp_upstream *upstream)
{
    struct sp_shortcut *item = shortcut_to(shortcuts, upstream);

    if (item != NULL) {
        forget(item);
    }
}

void
sp_shortcuts_clear(struct sp_shortcuts *shortcuts)
{
    for (size_t i = 0; i < SP_SHORTCUTS; i++) {
        forget(&shortcuts->items[i]);
    }
}
