/* The listener: its sockets, and the connections that came in by them. The engine thread's
 * alone; `listener_caller` is what Python's threads do with it. */
#ifndef SP_DOOR_LISTENER_H
#define SP_DOOR_LISTENER_H

#include "door/downstream.h"
#include "door/handover.h"
#include "door/journal.h"
#include "wire/incoming.h"

#define SP_LISTENERS_MAX 8

struct sp_listening_socket {
    struct sp_watcher watcher;
    struct sp_listener *listener; /* borrowed */
    int fd;                       /* owned */
};

/* What is said while Django is not there. */
struct sp_absence {
    struct sp_failure failure;
    char *texts;     /* owned: what its spans are views of */
    bool is_at_once; /* as long as there is no site; else to what has waited too long */
};

struct sp_listener {
    struct sp_guest guest;
    struct sp_mailbox *mailbox; /* borrowed: lives as long as the process */
    struct sp_loop *loop;       /* borrowed likewise */
    struct sp_listening_socket sockets[SP_LISTENERS_MAX];
    size_t door_count;
    bool is_paused; /* there is no room, or no descriptor, for more connections */
    bool is_short;  /* it is a descriptor that lacked */
    bool is_closed;
    size_t max_connections;
    size_t connection_count;
    struct sp_downstream *first;
    struct sp_downstream *waiting, **last_waiting; /* for Django, oldest first */
    struct sp_timer retry; /* set while something is lacking that may be there again */
    struct sp_downstream *touched;
    struct sp_downstream *closed;
    struct sp_site *site; /* a reference of our own; NULL until Django has come */
    struct sp_absence absence;
    struct sp_channels channels;
    int questions;             /* owned: a datagram socket by which Hosts are asked about; or -1 */
    struct sp_journal journal; /* any thread's */
    struct sp_incoming incoming; /* the request that is being looked at */
    char path[SP_INCOMING_TARGET_CEILING];
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

/* `downstream` waits for Django, or no longer does. */
void sp_listener_queue(struct sp_listener *listener, struct sp_downstream *downstream);
void sp_listener_unqueue(struct sp_listener *listener, struct sp_downstream *downstream);

/* `downstream` is closed, and freed at the end of the round. */
void sp_listener_remove(struct sp_downstream *downstream);

/* Whatever waits for Django is decided anew. */
void sp_listener_retry(struct sp_loop *loop, struct sp_listener *listener);

/* Listens no more, and answers what is under way: connections go as their clients read it. */
void sp_listener_part(struct sp_loop *loop, struct sp_listener *listener);

/* Likewise, and ends every connection at once. */
void sp_listener_end(struct sp_loop *loop, struct sp_listener *listener);

#endif
