/* A request's body, or what a client says in a tunnel, passes from the client's socket to a hop's
 * stream inside the kernel. The engine thread's alone. */
#ifndef SP_ENGINE_HOP_PASSING_H
#define SP_ENGINE_HOP_PASSING_H

#include "engine/hop.h"

enum sp_passing {
    SP_PASSING_COPY,  /* nothing has been done: the bytes must be copied */
    SP_PASSING_LATER, /* likewise, until what went before is out: the client's end is told then, and
                         not before (`drained`) */
    SP_PASSING_DONE,
};

/* Receives at most `*most` bytes of the client's socket, and says how many, and `*io`; they go out
 * behind all that it has sent before, once the hop is told to send. */
enum sp_passing sp_hop_pass(struct sp_hop *hop, int client, size_t *most, enum sp_io *io);

#endif
