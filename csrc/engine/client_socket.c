#include "engine/client_socket.h"

#include "engine/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* A reset shows behind bytes that nobody has read yet, an end of the stream does not: there
 * may be a client that waits for its answer. */
bool
sp_client_is_gone(int fd)
{
    struct pollfd client = {.fd = fd};
    char byte;

    if (poll(&client, 1, 0) > 0) {
        return true;
    }
    ssize_t got = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

    return got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

enum sp_error
sp_client_await(int fd, int timeout, size_t *count)
{
    struct pollfd client = {.fd = fd, .events = POLLIN};
    int available = 0;

    if (poll(&client, 1, timeout) <= 0) {
        return SP_E_AGAIN;
    }
    /* A failure to count is left to the reader, which meets the error itself. */
    if (ioctl(fd, FIONREAD, &available) < 0) {
        available = 0;
    }
    *count = available > 0 ? (size_t)available : 0;
    return SP_OK;
}

/* A socket whose peer is gone, as blocking as `like` is. */
static int
open_dead_end(int like)
{
    int ends[2];
    int flags = fcntl(like, F_GETFL);

    if (flags < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0) {
        return -1;
    }
    (void)close(ends[1]);
    if (fcntl(ends[0], F_SETFL, flags) < 0) {
        (void)close(ends[0]);
        return -1;
    }
    return ends[0];
}

enum sp_error
sp_client_break(int fd)
{
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    int dead_end = open_dead_end(fd);
    int flags = fcntl(fd, F_GETFD);

    if (dead_end < 0) {
        return SP_E_SYSTEM;
    }
    /* A Unix socket knows no reset; its peer then sees an end without the last chunk. */
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    int replaced = dup2(dead_end, fd);
    (void)close(dead_end);
    if (replaced < 0 || fcntl(fd, F_SETFD, flags) < 0) {
        return SP_E_SYSTEM;
    }
    return SP_OK;
}
