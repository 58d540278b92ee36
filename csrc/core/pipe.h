/* A bounded buffer in two halves: one side fills the one while the other side empties the
 * other, so that the bytes themselves are copied without a lock. */
#ifndef SP_CORE_PIPE_H
#define SP_CORE_PIPE_H

#include "core/queue.h"

struct sp_pipe {
    struct sp_buffer filling; /* touched under the owner's lock */
    struct sp_queue draining; /* the reader's alone, but for swapping under the lock */
    bool ended;               /* the writer will write no more */
};

/* Each half holds at most `ceiling` bytes; both grow only as bytes come. */
void sp_pipe_init(struct sp_pipe *pipe, size_t ceiling);
void sp_pipe_clear(struct sp_pipe *pipe);

/* Under the lock, the writer: how many bytes it may write, and writing them. */
size_t sp_pipe_room(const struct sp_pipe *pipe);
bool sp_pipe_write(struct sp_pipe *pipe, struct sp_span bytes);

/* The same for several spans, all or none. */
bool sp_pipe_write_all(struct sp_pipe *pipe, const struct sp_span *spans, size_t count);

/* Under the lock: nothing is written that is not read. */
bool sp_pipe_is_empty(const struct sp_pipe *pipe);

/* Under the lock, the reader: the bytes that are there, valid until consumed. They may be
 * read without the lock. Empty when there are none. */
struct sp_span sp_pipe_peek(struct sp_pipe *pipe);

/* The reader: `count` of the peeked bytes are read. */
void sp_pipe_consume(struct sp_pipe *pipe, size_t count);

#endif
