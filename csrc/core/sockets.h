/* The descriptors that the loop watches, and who is told of what happens on them. The engine
 * thread's alone. */
#ifndef SP_CORE_SOCKETS_H
#define SP_CORE_SOCKETS_H

#include "core/poller.h"

#include <stdbool.h>
#include <stddef.h>

#define SP_NO_SOCKET (-1)

struct sp_loop;
struct sp_socket;

/* Whoever is told what happens on a descriptor. The first member of what owns the descriptor. */
struct sp_watcher {
    void (*happened)(struct sp_loop *loop, struct sp_watcher *watcher, unsigned events);
};

struct sp_sockets {
    struct sp_socket *items; /* owned; by descriptor, at most SP_DESCRIPTORS_MAX */
    size_t count;
    struct sp_poller *poller; /* borrowed: lives as long as the loop */
    bool is_behind;           /* the poller has refused one: see sp_sockets_watch_again() */
};

/* Frees the table; the descriptors are their owners' to close. */
void sp_sockets_clear(struct sp_sockets *sockets);

/* `watcher` (borrowed until it is disowned) is told of what it watches for; nothing yet. False:
 * memory is short. */
bool sp_sockets_own(struct sp_sockets *sockets, int fd, struct sp_watcher *watcher);

/* From now on for `events`: SP_POLL_*, SP_POLL_ERROR alone where nothing else is asked for. 0:
 * nothing, and the poller forgets it. */
void sp_sockets_watch(struct sp_sockets *sockets, int fd, unsigned events);

/* Those that the poller has refused, for want of memory or of the watches that a user may have. */
void sp_sockets_watch_again(struct sp_sockets *sockets);

/* Before the descriptor is closed or given away. */
void sp_sockets_disown(struct sp_sockets *sockets, int fd);

/* Whoever is to be told of `fd`, or NULL. */
struct sp_watcher *sp_sockets_watcher(struct sp_sockets *sockets, int fd);

#endif
