#include "core/poller.h"

#include "core/descriptors.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>

#define SP_BATCH 128

struct sp_poller {
    int epoll; /* owned */
};

static unsigned
to_epoll(unsigned events)
{
    return ((events & SP_POLL_IN) != 0 ? (unsigned)EPOLLIN : 0) |
           ((events & SP_POLL_OUT) != 0 ? (unsigned)EPOLLOUT : 0);
}

static unsigned
from_epoll(unsigned events)
{
    return ((events & EPOLLIN) != 0 ? (unsigned)SP_POLL_IN : 0) |
           ((events & EPOLLOUT) != 0 ? (unsigned)SP_POLL_OUT : 0) |
           ((events & (EPOLLERR | EPOLLHUP)) != 0 ? (unsigned)SP_POLL_ERROR : 0);
}

enum sp_error
sp_poller_new(struct sp_poller **poller)
{
    struct sp_poller *made = malloc(sizeof(*made));

    if (made == NULL) {
        return SP_E_NO_MEMORY;
    }
    made->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (made->epoll < 0) {
        goto fail;
    }
    if (!sp_descriptor_keep(made->epoll)) {
        sp_descriptor_close(made->epoll);
        goto fail;
    }
    *poller = made;
    return SP_OK;
fail:
    free(made);
    return SP_E_SYSTEM;
}

void
sp_poller_free(struct sp_poller *poller)
{
    if (poller != NULL) {
        sp_descriptor_close(poller->epoll);
        free(poller);
    }
}

enum sp_error
sp_poller_set(struct sp_poller *poller, int fd, unsigned events, bool is_known)
{
    struct epoll_event event = {.events = to_epoll(events), .data.fd = fd};
    int likely = is_known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    int other = is_known ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;

    if (epoll_ctl(poller->epoll, likely, fd, &event) == 0) {
        return SP_OK;
    }
    return (errno == ENOENT || errno == EEXIST) && epoll_ctl(poller->epoll, other, fd, &event) == 0
               ? SP_OK
               : SP_E_SYSTEM;
}

void
sp_poller_remove(struct sp_poller *poller, int fd)
{
    struct epoll_event unused = {0};

    (void)epoll_ctl(poller->epoll, EPOLL_CTL_DEL, fd, &unused); /* ENOENT: it never was there */
}

size_t
sp_poller_wait(struct sp_poller *poller, int timeout, struct sp_poll_event *events, size_t capacity)
{
    struct epoll_event raw[SP_BATCH];
    int count =
        epoll_wait(poller->epoll, raw, capacity < SP_BATCH ? (int)capacity : SP_BATCH, timeout);

    for (int i = 0; i < count; i++) {
        events[i] = (struct sp_poll_event){raw[i].data.fd, from_epoll(raw[i].events)};
    }
    return count > 0 ? (size_t)count : 0;
}
