/* Bytes that wait to leave, in their order. */
#ifndef SP_CORE_QUEUE_H
#define SP_CORE_QUEUE_H

#include "core/io.h"
#include "wire/buffer.h"

struct sp_queue {
    struct sp_buffer bytes; /* whatever is appended to them waits */
    size_t gone;            /* of them, those that have left */
};

/* Holds at most `ceiling` bytes, and no memory while it is empty. */
void sp_queue_init(struct sp_queue *queue, size_t ceiling);
void sp_queue_clear(struct sp_queue *queue);

bool sp_queue_is_empty(const struct sp_queue *queue);

/* What waits; valid until the queue next changes. */
struct sp_span sp_queue_peek(const struct sp_queue *queue);

/* The first `count` of them have left, and may be asked for again: by `gone`. */
void sp_queue_pass(struct sp_queue *queue, size_t count);

/* The same, for good: with the last one the memory goes, too. */
void sp_queue_drop(struct sp_queue *queue, size_t count);

/* False, and nothing is added, when the ceiling would be passed or memory is short. */
static inline bool
sp_queue_append(struct sp_queue *queue, struct sp_span bytes)
{
    return sp_buffer_append(&queue->bytes, bytes);
}

/* Adds what is left of `spans` when `gone` bytes of them have left. False as above. */
bool sp_queue_keep(struct sp_queue *queue, const struct sp_span *spans, size_t count, size_t gone);

/* Sends what waits to a socket, and `spans` behind it (at most SP_SEND_MOST - 1), by one call;
 * `*taken` bytes are gone, and the rest waits. SP_IO_BROKEN also when that cannot be kept. */
enum sp_io sp_queue_send(struct sp_queue *queue, int fd, const struct sp_span *spans, size_t count,
                         size_t *taken);

#endif
