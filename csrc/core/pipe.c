#include "core/pipe.h"

void
sp_pipe_init(struct sp_pipe *pipe, size_t ceiling)
{
    *pipe = (struct sp_pipe){.drained = 0};
    sp_buffer_init(&pipe->filling, ceiling);
    sp_buffer_init(&pipe->draining, ceiling);
}

void
sp_pipe_clear(struct sp_pipe *pipe)
{
    sp_buffer_clear(&pipe->filling);
    sp_buffer_clear(&pipe->draining);
    pipe->drained = 0;
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
    return pipe->filling.len == 0 && pipe->drained == pipe->draining.len;
}

struct sp_span
sp_pipe_peek(struct sp_pipe *pipe)
{
    if (pipe->drained == pipe->draining.len) {
        struct sp_buffer empty = pipe->draining;
        empty.len = 0;
        pipe->draining = pipe->filling;
        pipe->filling = empty;
        pipe->drained = 0;
    }
    return sp_span_from(sp_buffer_peek(&pipe->draining), pipe->drained);
}

void
sp_pipe_consume(struct sp_pipe *pipe, size_t count)
{
    pipe->drained += count;
}
