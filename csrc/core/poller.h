/* Waiting for many descriptors at once. Two builds: epoll (linux/) and poll(2) (portable/). */
#ifndef SP_CORE_POLLER_H
#define SP_CORE_POLLER_H

#include "core/error.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    SP_POLL_IN = 1,
    SP_POLL_OUT = 2,
    SP_POLL_ERROR = 4, /* told without being asked for: an error, or both ends closed */
};

struct sp_poll_event {
    int fd;
    unsigned events;
};

struct sp_poller;

enum sp_error sp_poller_new(struct sp_poller **poller);
void sp_poller_free(struct sp_poller *poller);

/* Watches `fd` for `events` (SP_POLL_IN | SP_POLL_OUT). Whether it does so already, `is_known`
 * says, which may be wrong: others close descriptors, too. */
enum sp_error sp_poller_set(struct sp_poller *poller, int fd, unsigned events, bool is_known);

/* Stops watching `fd`, which must still be open. Unknown ones are fine. */
void sp_poller_remove(struct sp_poller *poller, int fd);

/* Waits up to `timeout` milliseconds (-1: for ever) and tells what happened, at most
 * `capacity` events. A signal ends the wait with none. */
size_t sp_poller_wait(struct sp_poller *poller, int timeout, struct sp_poll_event *events,
                      size_t capacity);

#endif
