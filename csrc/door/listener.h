/* The listener: its sockets, and the connections that came in by them. The engine thread's
 * alone; `listener_caller` is what Python's threads do with it. */
#ifndef SP_DOOR_LISTENER_H
#define SP_DOOR_LISTENER_H

#include "door/conductor.h"

#define SP_LISTENERS_MAX 8

struct sp_listening_socket {
    struct sp_watcher watcher;
    struct sp_listener *listener; /* borrowed */
    int fd;                       /* owned */
};

struct sp_listener {
    struct sp_guest guest;
    struct sp_conductor conductor;
    struct sp_listening_socket sockets[SP_LISTENERS_MAX];
    size_t socket_count;
    size_t max_connections;
    bool is_paused;           /* there is no room, or no descriptor, for more connections */
    struct sp_timer shortage; /* set while it is a descriptor that lacks */
};

/* Copies are taken of all sockets. */
struct sp_listener_options {
    int fds[SP_LISTENERS_MAX]; /* that listen */
    size_t count;
    size_t max_connections;
    int questions; /* as in sp_listener, non-blocking */
};

enum sp_error sp_listener_begin(struct sp_loop *loop, struct sp_listener *listener,
                                const struct sp_listener_options *options);

/* Listens no more, and answers what is under way: connections go as their clients read it. */
void sp_listener_part(struct sp_loop *loop, struct sp_listener *listener);

/* Likewise, and ends every connection at once. */
void sp_listener_end(struct sp_loop *loop, struct sp_listener *listener);

#endif
