#include "core/queue.h"

void
sp_queue_init(struct sp_queue *queue, size_t ceiling)
{
    queue->gone = 0;
    sp_buffer_init(&queue->bytes, ceiling);
}

void
sp_queue_clear(struct sp_queue *queue)
{
    queue->gone = 0;
    sp_buffer_clear(&queue->bytes);
}

bool
sp_queue_is_empty(const struct sp_queue *queue)
{
    return queue->gone == queue->bytes.len;
}

struct sp_span
sp_queue_peek(const struct sp_queue *queue)
{
    return sp_span_from(sp_buffer_peek(&queue->bytes), queue->gone);
}

void
sp_queue_pass(struct sp_queue *queue, size_t count)
{
    queue->gone += count;
}

/* Most connections are idle most of the time. */
void
sp_queue_drop(struct sp_queue *queue, size_t count)
{
    sp_queue_pass(queue, count);
    if (sp_queue_is_empty(queue)) {
        sp_queue_clear(queue);
    }
}

bool
sp_queue_keep(struct sp_queue *queue, const struct sp_span *spans, size_t count, size_t gone)
{
    bool kept = true;

    for (size_t i = 0; i < count && kept; i++) {
        size_t cut = gone < spans[i].len ? gone : spans[i].len;
        kept = sp_buffer_append(&queue->bytes, sp_span_from(spans[i], cut));
        gone -= cut;
    }
    return kept;
}

enum sp_io
sp_queue_send(struct sp_queue *queue, int fd, const struct sp_span *spans, size_t count,
              size_t *taken)
{
    struct sp_span all[SP_SEND_MOST] = {sp_queue_peek(queue)};
    size_t waiting = all[0].len;

    for (size_t i = 0; i < count; i++) {
        all[i + 1] = spans[i];
    }
    enum sp_io io = sp_io_send(fd, all, count + 1, taken);
    size_t of_waiting = *taken < waiting ? *taken : waiting;
    sp_queue_drop(queue, of_waiting);
    if (io != SP_IO_BROKEN && !sp_queue_keep(queue, spans, count, *taken - of_waiting)) {
        io = SP_IO_BROKEN;
    }
    return io;
}
