#include "wire/buffer.h"

#include <stdlib.h>

#define SP_FIRST_CAPACITY 512
#define SP_LITTLE         64

static size_t
grown_capacity(const struct sp_buffer *buffer, size_t needed)
{
    size_t first = buffer->is_for_little ? SP_LITTLE : SP_FIRST_CAPACITY;
    size_t capacity = buffer->capacity > 0 ? buffer->capacity : first;

    while (capacity < needed) {
        capacity *= 2;
    }
    return capacity < buffer->ceiling ? capacity : buffer->ceiling;
}

void
sp_buffer_init(struct sp_buffer *buffer, size_t ceiling)
{
    *buffer = (struct sp_buffer){.ceiling = ceiling};
}

void
sp_buffer_init_for_little(struct sp_buffer *buffer, size_t ceiling)
{
    *buffer = (struct sp_buffer){.ceiling = ceiling, .is_for_little = true};
}

void
sp_buffer_clear(struct sp_buffer *buffer)
{
    free(buffer->data);
    *buffer =
        (struct sp_buffer){.ceiling = buffer->ceiling, .is_for_little = buffer->is_for_little};
}

bool
sp_buffer_grow(struct sp_buffer *buffer, size_t more)
{
    buffer->is_short = false;
    if (more > buffer->ceiling - buffer->len) {
        return false;
    }
    size_t capacity = grown_capacity(buffer, buffer->len + more);
    char *data = realloc(buffer->data, capacity);
    if (data == NULL) {
        buffer->is_short = true;
        return false;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

struct sp_span
sp_buffer_peek(const struct sp_buffer *buffer)
{
    return (struct sp_span){buffer->data, buffer->len};
}
