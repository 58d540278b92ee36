/* Bytes to and from a socket that does not wait. */
#ifndef SP_CORE_IO_H
#define SP_CORE_IO_H

#include "wire/span.h"

#include <sys/types.h>
#include <sys/uio.h>

enum sp_io {
    SP_IO_OK,
    SP_IO_AGAIN,  /* the socket must be readable, or writable, first */
    SP_IO_END,    /* the peer's stream has ended */
    SP_IO_BROKEN, /* the connection is of no use any more */
    SP_IO_SHORT,  /* the same, for want of memory here: the peer has done nothing */
};

/* What a call has come to that says how many bytes it has moved, or less than zero and errno. */
enum sp_io sp_io_of(ssize_t count);

/* A span as sendmsg() takes it. */
struct iovec sp_io_vector(struct sp_span span);

/* Sends some of at most SP_SEND_MOST spans by one call; `*taken` bytes of them are gone. */
#define SP_SEND_MOST ((size_t)4)
enum sp_io sp_io_send(int fd, const struct sp_span *spans, size_t count, size_t *taken);

/* Receives at most `size` bytes, more than none. */
enum sp_io sp_io_receive(int fd, char *bytes, size_t size, size_t *got);

#endif
