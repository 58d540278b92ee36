#include "wire/chunked.h"

#include "wire/field.h"
#include "wire/trailer.h"

#include <limits.h>
#include <string.h>

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static enum sp_chunked_state
after_size_digit(struct sp_chunked *chunked, int digit)
{
    if (chunked->left > (LLONG_MAX - digit) / 16) {
        return SP_CHUNKED_ERROR;
    }
    chunked->left = chunked->left * 16 + digit;
    return SP_CHUNKED_SIZE;
}

/* chunk-size [ ";" extension ] CR: blanks would be read in more ways than one. */
static enum sp_chunked_state
after_size_char(struct sp_chunked *chunked, char c)
{
    bool has_size = chunked->line > 0;
    int digit = hex_digit(c);

    if (++chunked->line > SP_CHUNK_LINE_CEILING - 1) {
        return SP_CHUNKED_ERROR;
    }
    if (chunked->state == SP_CHUNKED_SIZE && digit >= 0) {
        return after_size_digit(chunked, digit);
    }
    if (has_size && c == '\r') {
        return SP_CHUNKED_SIZE_LF;
    }
    if (chunked->state == SP_CHUNKED_SIZE) {
        return has_size && c == ';' ? SP_CHUNKED_EXTENSION : SP_CHUNKED_ERROR;
    }
    return c > ' ' && c < 0x7F ? SP_CHUNKED_EXTENSION : SP_CHUNKED_ERROR;
}

/* A CRLF ends a chunk; the next line, with its size, begins. */
static enum sp_chunked_state
after_chunk(struct sp_chunked *chunked)
{
    chunked->left = 0;
    chunked->line = 0;
    return SP_CHUNKED_SIZE;
}

/* Keeps the line at work, or throws it away. An empty one is the end. */
static enum sp_chunked_state
after_trailer_line(struct sp_chunked *chunked)
{
    struct sp_span all = sp_buffer_peek(&chunked->trailers);
    struct sp_span line = {all.data + chunked->kept, all.len - chunked->kept - 2};
    struct sp_field field;

    if (line.len == 0) {
        chunked->trailers.len = chunked->kept;
        return SP_CHUNKED_END;
    }
    if (!sp_field_parse(line, &field) || sp_field_text_length(field.value) != field.value.len) {
        return SP_CHUNKED_ERROR;
    }
    if (sp_trailer_is_allowed(field.name, chunked->connection)) {
        chunked->kept = all.len;
    }
    chunked->trailers.len = chunked->kept;
    return SP_CHUNKED_TRAILER;
}

static enum sp_chunked_state
after_trailer_char(struct sp_chunked *chunked, char c)
{
    bool ends = chunked->state == SP_CHUNKED_TRAILER_LF;

    if (ends != (c == '\n') || ++chunked->trailer > SP_CHUNK_TRAILER_CEILING ||
        !sp_buffer_append(&chunked->trailers, (struct sp_span){&c, 1})) {
        return SP_CHUNKED_ERROR;
    }
    if (ends) {
        return after_trailer_line(chunked);
    }
    return c == '\r' ? SP_CHUNKED_TRAILER_LF : SP_CHUNKED_TRAILER;
}

static enum sp_chunked_state
after_char(struct sp_chunked *chunked, char c)
{
    switch (chunked->state) {
    case SP_CHUNKED_SIZE:
    case SP_CHUNKED_EXTENSION:
        return after_size_char(chunked, c);
    case SP_CHUNKED_SIZE_LF:
        if (c != '\n') {
            return SP_CHUNKED_ERROR;
        }
        return chunked->left > 0 ? SP_CHUNKED_BYTES : SP_CHUNKED_TRAILER;
    case SP_CHUNKED_BYTES_CR:
        return c == '\r' ? SP_CHUNKED_BYTES_LF : SP_CHUNKED_ERROR;
    case SP_CHUNKED_BYTES_LF:
        return c == '\n' ? after_chunk(chunked) : SP_CHUNKED_ERROR;
    case SP_CHUNKED_TRAILER:
    case SP_CHUNKED_TRAILER_LF:
        return after_trailer_char(chunked, c);
    case SP_CHUNKED_BYTES:
    case SP_CHUNKED_END:
    case SP_CHUNKED_ERROR:
        break;
    }
    return chunked->state;
}

static void
take_data(struct sp_chunked *chunked, struct sp_span *bytes, struct sp_span *data)
{
    bool whole = (unsigned long long)chunked->left <= bytes->len;
    size_t len = whole ? (size_t)chunked->left : bytes->len;

    *data = (struct sp_span){bytes->data, len};
    *bytes = (struct sp_span){bytes->data + len, bytes->len - len};
    chunked->left -= (long long)len;
    if (whole) {
        chunked->state = SP_CHUNKED_BYTES_CR;
    }
}

void
sp_chunked_init(struct sp_chunked *chunked, struct sp_span connection)
{
    chunked->state = SP_CHUNKED_SIZE;
    chunked->left = 0;
    chunked->line = 0;
    chunked->trailer = 0;
    chunked->kept = 0;
    chunked->trailers.len = 0;
    chunked->trailers.is_short = false;
    chunked->trailers.ceiling = SP_CHUNK_TRAILER_CEILING;
    chunked->connection = connection;
}

void
sp_chunked_clear(struct sp_chunked *chunked)
{
    sp_buffer_clear(&chunked->trailers);
    sp_chunked_init(chunked, SP_SPAN(""));
}

enum sp_chunked_step
sp_chunked_next(struct sp_chunked *chunked, struct sp_span *bytes, struct sp_span *data)
{
    while (bytes->len > 0 && chunked->state < SP_CHUNKED_END) {
        if (chunked->state == SP_CHUNKED_BYTES) {
            take_data(chunked, bytes, data);
            return SP_CHUNKED_DATA;
        }
        chunked->state = after_char(chunked, bytes->data[0]);
        bytes->data++;
        bytes->len--;
    }
    if (chunked->state < SP_CHUNKED_END) {
        return SP_CHUNKED_MORE;
    }
    return chunked->state == SP_CHUNKED_END ? SP_CHUNKED_DONE : SP_CHUNKED_BROKEN;
}

struct sp_span
sp_chunk_size_line(size_t size, char room[SP_CHUNK_SIZE_ROOM])
{
    static const char digits[] = "0123456789abcdef";
    size_t first = SP_CHUNK_SIZE_ROOM;

    room[--first] = '\n';
    room[--first] = '\r';
    do {
        room[--first] = digits[size % 16];
        size /= 16;
    } while (size > 0);
    return (struct sp_span){room + first, SP_CHUNK_SIZE_ROOM - first};
}
