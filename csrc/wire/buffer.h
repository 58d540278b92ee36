/* Bytes that grow up to a ceiling. */
#ifndef SP_WIRE_BUFFER_H
#define SP_WIRE_BUFFER_H

#include "wire/span.h"

struct sp_buffer {
    char *data; /* owned */
    size_t len;
    size_t capacity;
    size_t ceiling; /* never holds more bytes than this */
    bool is_short;  /* the last bytes were not added for want of memory */
};

/* Empty, without memory of its own yet. */
void sp_buffer_init(struct sp_buffer *buffer, size_t ceiling);
void sp_buffer_clear(struct sp_buffer *buffer);

/* False, and nothing is added, when the ceiling would be passed or memory is short. */
bool sp_buffer_append(struct sp_buffer *buffer, struct sp_span bytes);

/* Valid until the buffer next changes. */
struct sp_span sp_buffer_peek(const struct sp_buffer *buffer);

#endif
