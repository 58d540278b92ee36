#include "core/io.h"

#include "core/descriptors.h"

#include <string.h>
#include <sys/socket.h>

enum sp_io
sp_io_of(ssize_t count)
{
    if (count < 0) {
        return sp_descriptor_would_block() ? SP_IO_AGAIN : SP_IO_BROKEN;
    }
    return count > 0 ? SP_IO_OK : SP_IO_END;
}

struct iovec
sp_io_vector(struct sp_span span)
{
    struct iovec vector = {NULL, span.len};

    /* Nothing is written there, but no cast may say so. */
    memcpy((void *)&vector.iov_base, (const void *)&span.data, sizeof(void *));
    return vector;
}

enum sp_io
sp_io_send(int fd, const struct sp_span *spans, size_t count, size_t *taken)
{
    struct iovec vector[SP_SEND_MOST];

    for (size_t i = 0; i < count; i++) {
        vector[i] = sp_io_vector(spans[i]);
    }
    /* Its own type is an int here and a size_t there: this fits both. */
    struct msghdr message = {.msg_iov = vector, .msg_iovlen = (unsigned short)count};
    ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);
    *taken = sent > 0 ? (size_t)sent : 0;
    return sent < 0 ? sp_io_of(sent) : SP_IO_OK;
}

enum sp_io
sp_io_receive(int fd, char *bytes, size_t size, size_t *got)
{
    ssize_t count = recv(fd, bytes, size, 0);

    *got = count > 0 ? (size_t)count : 0;
    return sp_io_of(count);
}
