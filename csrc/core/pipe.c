#include "core/pipe.h"

void
sp_pipe_init(struct sp_pipe *pipe, size_t ceiling)
{
    sp_buffer_init(&pipe->filling, ceiling);
    sp_queue_init(&pipe->draining, ceiling);
    pipe->ended = false;
}

void
sp_pipe_clear(struct sp_pipe *pipe)
{
    sp_buffer_clear(&pipe->filling);
    sp_queue_clear(&pipe->draining);
}

size_t
sp_pipe_room(const struct sp_pipe *pipe)
{
    return pipe->filling.ceiling - pipe->filling.len;
}

bool
sp_pipe_write(struct sp_pipe *pipe, struct sp_span bytes)
{
    return sp_buffer_append(&pipe->filling, bytes);
}

bool
sp_pipe_write_all(struct sp_pipe *pipe, const struct sp_span *spans, size_t count)
{
    size_t before = pipe->filling.len;
    bool written = true;

    for (size_t i = 0; written && i < count; i++) {
        written = sp_buffer_append(&pipe->filling, spans[i]);
    }
    if (!written) {
        pipe->filling.len = before;
    }
    return written;
}

bool
sp_pipe_is_empty(const struct sp_pipe *pipe)
{
    return pipe->filling.len == 0 && sp_queue_is_empty(&pipe->draining);
}

/* The memory of what is read is written into next. */
struct sp_span
sp_pipe_peek(struct sp_pipe *pipe)
{
    if (sp_queue_is_empty(&pipe->draining)) {
        struct sp_buffer empty = pipe->draining.bytes;
        empty.len = 0;
        pipe->draining = (struct sp_queue){.bytes = pipe->filling};
        pipe->filling = empty;
    }
    return sp_queue_peek(&pipe->draining);
}

void
sp_pipe_consume(struct sp_pipe *pipe, size_t count)
{
    sp_queue_pass(&pipe->draining, count);
}
