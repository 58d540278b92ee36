#include "engine/poller.h"

#include <poll.h>
#include <stdlib.h>

#define SP_FIRST_CAPACITY 64

struct sp_poller {
    struct pollfd *watched; /* owned; in no order, the first `count` are in use */
    size_t count;
    size_t capacity;
    size_t next; /* where the next report begins, so that no descriptor starves */
};

static short
to_poll(unsigned events)
{
    return (short)(((events & SP_POLL_IN) != 0 ? POLLIN : 0) |
                   ((events & SP_POLL_OUT) != 0 ? POLLOUT : 0));
}

static unsigned
from_poll(short events)
{
    return ((events & POLLIN) != 0 ? (unsigned)SP_POLL_IN : 0) |
           ((events & POLLOUT) != 0 ? (unsigned)SP_POLL_OUT : 0) |
           ((events & (POLLERR | POLLHUP | POLLNVAL)) != 0 ? (unsigned)SP_POLL_ERROR : 0);
}

static struct pollfd *
find(const struct sp_poller *poller, int fd)
{
    for (size_t i = 0; i < poller->count; i++) {
        if (poller->watched[i].fd == fd) {
            return &poller->watched[i];
        }
    }
    return NULL;
}

enum sp_error
sp_poller_new(struct sp_poller **poller)
{
    *poller = calloc(1, sizeof(**poller));
    return *poller != NULL ? SP_OK : SP_E_NO_MEMORY;
}

void
sp_poller_free(struct sp_poller *poller)
{
    if (poller != NULL) {
        free(poller->watched);
        free(poller);
    }
}

enum sp_error
sp_poller_set(struct sp_poller *poller, int fd, unsigned events)
{
    struct pollfd *known = find(poller, fd);

    if (known != NULL) {
        known->events = to_poll(events);
        return SP_OK;
    }
    if (poller->count == poller->capacity) {
        /* Bounded by the descriptors that a process can have. */
        size_t capacity = poller->capacity > 0 ? poller->capacity * 2 : SP_FIRST_CAPACITY;
        struct pollfd *grown = realloc(poller->watched, capacity * sizeof(*grown));
        if (grown == NULL) {
            return SP_E_NO_MEMORY;
        }
        poller->watched = grown;
        poller->capacity = capacity;
    }
    poller->watched[poller->count++] = (struct pollfd){.fd = fd, .events = to_poll(events)};
    return SP_OK;
}

void
sp_poller_remove(struct sp_poller *poller, int fd)
{
    struct pollfd *known = find(poller, fd);

    if (known != NULL) {
        *known = poller->watched[--poller->count];
    }
}

size_t
sp_poller_wait(struct sp_poller *poller, int timeout, struct sp_poll_event *events, size_t capacity)
{
    int ready = poll(poller->watched, (nfds_t)poller->count, timeout);
    size_t told = 0;

    for (size_t i = 0; ready > 0 && i < poller->count && told < capacity; i++) {
        const struct pollfd *watched = &poller->watched[(poller->next + i) % poller->count];
        if (watched->revents != 0) {
            events[told++] = (struct sp_poll_event){watched->fd, from_poll(watched->revents)};
        }
    }
    poller->next = poller->count > 0 ? (poller->next + 1) % poller->count : 0;
    return told;
}
