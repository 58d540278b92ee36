/* A body in chunks (RFC 9112, 7.1): decoded strictly, however it is cut. */
#ifndef SP_WIRE_CHUNKED_H
#define SP_WIRE_CHUNKED_H

#include "wire/buffer.h"

#define SP_CHUNK_LINE_CEILING    ((size_t)4 * 1024)
#define SP_CHUNK_TRAILER_CEILING ((size_t)16 * 1024)

/* "ffffffffffffffff\r\n" */
#define SP_CHUNK_SIZE_ROOM ((size_t)18)

enum sp_chunked_step {
    SP_CHUNKED_MORE,
    SP_CHUNKED_DATA,
    SP_CHUNKED_DONE,
    SP_CHUNKED_BROKEN, /* not chunks, or a limit is passed, or else its trailers are short of
                        * memory; it stays broken */
};

/* Which byte comes next. */
enum sp_chunked_state {
    SP_CHUNKED_SIZE,
    SP_CHUNKED_EXTENSION,
    SP_CHUNKED_SIZE_LF,
    SP_CHUNKED_BYTES,
    SP_CHUNKED_BYTES_CR,
    SP_CHUNKED_BYTES_LF,
    SP_CHUNKED_TRAILER,
    SP_CHUNKED_TRAILER_LF,
    SP_CHUNKED_END,
    SP_CHUNKED_ERROR,
};

struct sp_chunked {
    enum sp_chunked_state state;
    long long left;            /* of the chunk at hand */
    size_t line;               /* bytes of the line with its size, so far */
    size_t trailer;            /* bytes of all trailer lines, so far */
    size_t kept;               /* of `trailers`: whole lines; what follows is a line at work */
    struct sp_buffer trailers; /* when done: field lines, each with its CRLF */
    struct sp_span connection; /* borrowed until then */
};

/* For the first body, `*chunked` is all zeroes; for the next one, memory is kept. `connection`,
 * borrowed until the body's end, is the list in the Connection fields of its message. */
void sp_chunked_init(struct sp_chunked *chunked, struct sp_span connection);
void sp_chunked_clear(struct sp_chunked *chunked);

/* Takes bytes off `*bytes`. DATA: `*data` is the next run of the body, never empty, a part of
 * what was taken; call again. MORE: all bytes are taken. DONE: `*bytes` is what follows the body.
 * Extensions are thrown away, and so are trailers that may not go on: sp_trailer_is_allowed(). */
enum sp_chunked_step sp_chunked_next(struct sp_chunked *chunked, struct sp_span *bytes,
                                     struct sp_span *data);

/* The line before a chunk of `size` bytes that we send, in `room`. */
struct sp_span sp_chunk_size_line(size_t size, char room[SP_CHUNK_SIZE_ROOM]);

#endif
