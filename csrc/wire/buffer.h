/* Bytes that grow up to a ceiling. */
#ifndef SP_WIRE_BUFFER_H
#define SP_WIRE_BUFFER_H

#include "wire/span.h"

#include <string.h>

struct sp_buffer {
    char *data; /* owned */
    size_t len;
    size_t capacity;
    size_t ceiling; /* never holds more bytes than this */
    bool is_short;  /* what was refused last was so for want of memory */
    bool is_for_little;
};

/* Empty, without memory of its own yet. */
void sp_buffer_init(struct sp_buffer *buffer, size_t ceiling);
/* The same, of what is seldom more than a word or two. */
void sp_buffer_init_for_little(struct sp_buffer *buffer, size_t ceiling);
void sp_buffer_clear(struct sp_buffer *buffer);

/* For sp_buffer_reserve(), where there is no room yet. */
bool sp_buffer_grow(struct sp_buffer *buffer, size_t more);

/* Makes room for `more` bytes. False when the ceiling would be passed or memory is short. */
static inline bool
sp_buffer_reserve(struct sp_buffer *buffer, size_t more)
{
    return more <= buffer->capacity - buffer->len || sp_buffer_grow(buffer, more);
}

/* Appends to room that has been made. */
static inline void
sp_buffer_put(struct sp_buffer *buffer, struct sp_span bytes)
{
    if (bytes.len > 0) {
        memcpy(buffer->data + buffer->len, bytes.data, bytes.len);
        buffer->len += bytes.len;
    }
}

/* False, and nothing is added, when the ceiling would be passed or memory is short. */
static inline bool
sp_buffer_append(struct sp_buffer *buffer, struct sp_span bytes)
{
    if (!sp_buffer_reserve(buffer, bytes.len)) {
        return false;
    }
    sp_buffer_put(buffer, bytes);
    return true;
}

/* Valid until the buffer next changes. */
struct sp_span sp_buffer_peek(const struct sp_buffer *buffer);

#endif
