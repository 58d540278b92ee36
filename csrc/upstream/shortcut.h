/* Where an upstream was found last: for a few seconds a plain connect(2) goes there at once,
 * without libcurl, which costs more than the connection itself. The engine thread's alone. */
#ifndef SP_UPSTREAM_SHORTCUT_H
#define SP_UPSTREAM_SHORTCUT_H

#include "upstream/upstream.h"

#include <sys/socket.h>

#define SP_SHORTCUTS                                                                               \
    8U /* upstreams that are remembered; a newer one takes the oldest one's place */

struct sp_shortcut {
    struct sp_upstream *upstream; /* a reference of our own, or NULL */
    struct sockaddr_storage address;
    socklen_t size;
    long long found; /* ms */
};

struct sp_shortcuts {
    struct sp_shortcut items[SP_SHORTCUTS];
    unsigned next;
};

/* `fd` is a plain connection to `upstream`, which libcurl has made. */
void sp_shortcuts_note(struct sp_shortcuts *shortcuts, struct sp_upstream *upstream, int fd,
                       long long now);

/* A socket that is about to be connected to where it was found, non-blocking and kept in the
 * record: whether it is, the first sending tells. SP_NO_SOCKET: that is not known, or too long ago.
 */
int sp_shortcuts_take(struct sp_shortcuts *shortcuts, const struct sp_upstream *upstream,
                      long long now);

/* It is not to be found there any more. */
void sp_shortcuts_forget(struct sp_shortcuts *shortcuts, const struct sp_upstream *upstream);

void sp_shortcuts_clear(struct sp_shortcuts *shortcuts);

#endif
