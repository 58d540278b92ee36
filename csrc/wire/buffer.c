#include "wire/buffer.h"

#include <stdlib.h>
#include <string.h>

#define SP_FIRST_CAPACITY 512

static size_t
grown_capacity(const struct sp_buffer *buffer, size_t needed)
{
    size_t capacity = buffer->capacity > 0 ? buffer->capacity : SP_FIRST_CAPACITY;

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
sp_buffer_clear(struct sp_buffer *buffer)
{
    free(buffer->data);
    sp_buffer_init(buffer, buffer->ceiling);
}

bool
sp_buffer_append(struct sp_buffer *buffer, struct sp_span bytes)
{
    buffer->is_short = false;
    if (bytes.len > buffer->ceiling - buffer->len) {
        return false;
    }
    if (bytes.len > buffer->capacity - buffer->len) {
        size_t capacity = grown_capacity(buffer, buffer->len + bytes.len);
        char *data = realloc(buffer->data, capacity);
        if (data == NULL) {
            buffer->is_short = true;
            return false;
        }
        buffer->data = data;
        buffer->capacity = capacity;
    }
    if (bytes.len > 0) {
        memcpy(buffer->data + buffer->len, bytes.data, bytes.len);
        buffer->len += bytes.len;
    }
    return true;
}

struct sp_span
sp_buffer_peek(const struct sp_buffer *buffer)
{
    return (struct sp_span){buffer->data, buffer->len};
}
