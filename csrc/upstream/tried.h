/* The addresses at which an upstream was looked for, and whether it listens beside them. */
#ifndef SP_UPSTREAM_TRIED_H
#define SP_UPSTREAM_TRIED_H

#include <stdbool.h>
#include <sys/socket.h>

struct sp_tried {
    struct sockaddr_storage last;
    socklen_t size;  /* of it; 0: none was tried */
    bool ipv4, ipv6; /* those that "localhost" stands for */
};

void sp_tried_note(struct sp_tried *tried, const struct sockaddr *address, socklen_t size);

/* Whether something listens on an address of "localhost" that was not tried, at the same port,
 * though what was is this machine's: dev servers that listen on "localhost" take one of the two.
 * Takes a few milliseconds at most. */
bool sp_tried_beside(const struct sp_tried *tried);

#endif
