#include "core/sockets.h"

#include "core/descriptors.h"

#include <stdlib.h>
#include <string.h>

#define SP_FIRST_COUNT ((size_t)64)

struct sp_socket {
    struct sp_watcher *watcher; /* NULL: nobody's */
    unsigned wanted;            /* SP_POLL_* */
    unsigned watched; /* by the poller: the same, 0 when it does not know the descriptor */
};

static struct sp_socket *
socket_at(struct sp_sockets *sockets, int fd)
{
    size_t index = (size_t)fd;

    if (fd < 0 || fd >= SP_DESCRIPTORS_MAX) {
        return NULL;
    }
    if (index >= sockets->count) {
        size_t count = sockets->count > 0 ? sockets->count : SP_FIRST_COUNT;
        while (count <= index) {
            count *= 2;
        }
        struct sp_socket *items = realloc(sockets->items, count * sizeof(*items));
        if (items == NULL) {
            return NULL;
        }
        memset(items + sockets->count, 0, (count - sockets->count) * sizeof(*items));
        sockets->items = items;
        sockets->count = count;
    }
    return &sockets->items[index];
}

/* A number that has come to a new file, or goes: what it was watched for is over. */
static void
begin_anew(struct sp_sockets *sockets, int fd, struct sp_socket *item)
{
    if (item->watched != 0) {
        sp_poller_remove(sockets->poller, fd);
    }
    *item = (struct sp_socket){.watcher = NULL};
}

void
sp_sockets_clear(struct sp_sockets *sockets)
{
    free(sockets->items);
    sockets->items = NULL;
    sockets->count = 0;
}

bool
sp_sockets_own(struct sp_sockets *sockets, int fd, struct sp_watcher *watcher)
{
    struct sp_socket *item = socket_at(sockets, fd);

    if (item == NULL) {
        return false;
    }
    begin_anew(sockets, fd, item);
    item->watcher = watcher;
    return true;
}

static void
tell_poller(struct sp_sockets *sockets, int fd, struct sp_socket *item)
{
    if (item->wanted == item->watched) {
        return;
    }
    if (item->wanted == 0) {
        sp_poller_remove(sockets->poller, fd);
        item->watched = 0;
    }
    else if (sp_poller_set(sockets->poller, fd, item->wanted, item->watched != 0) == SP_OK) {
        item->watched = item->wanted;
    }
    else {
        sockets->is_behind = true; /* a listening socket, or a tunnel, has no timeout */
    }
}

void
sp_sockets_watch(struct sp_sockets *sockets, int fd, unsigned events)
{
    struct sp_socket *item = socket_at(sockets, fd);

    if (item != NULL) {
        item->wanted = events;
        tell_poller(sockets, fd, item);
    }
}

void
sp_sockets_watch_again(struct sp_sockets *sockets)
{
    sockets->is_behind = false;
    for (size_t i = 0; i < sockets->count; i++) {
        tell_poller(sockets, (int)i, &sockets->items[i]);
    }
}

void
sp_sockets_disown(struct sp_sockets *sockets, int fd)
{
    struct sp_socket *item = socket_at(sockets, fd);

    if (item != NULL) {
        begin_anew(sockets, fd, item);
    }
}

struct sp_watcher *
sp_sockets_watcher(struct sp_sockets *sockets, int fd)
{
    struct sp_socket *item = socket_at(sockets, fd);

    return item != NULL ? item->watcher : NULL;
}
