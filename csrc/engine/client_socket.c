#include "engine/client_socket.h"

#include "core/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* A reset shows behind bytes that nobody has read yet, an end of the stream does not: there
 * may be a client that waits for its answer. */
bool
sp_client_is_gone(int fd)
{
    /* xnu's poll says nothing of a descriptor of which nothing is asked. */
    struct pollfd client = {.fd = fd, .events = POLLOUT};
    char byte;

    if (poll(&client, 1, 0) > 0 && (client.revents & ~POLLOUT) != 0) {
        return true;
    }
    ssize_t got = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

    return got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

bool
sp_client_cut(int fd)
{
    struct sockaddr nobody = {.sa_family = AF_UNSPEC};

    return connect(fd, &nobody, sizeof(nobody)) == 0;
}

#ifdef __linux__
/* Where they stand in the kernel's struct tcp_info, which older headers do not have whole. */
#define SP_TCP_NOT_SENT   144
#define SP_TCP_SENT       200
#define SP_TCP_SENT_AGAIN 208
#define SP_TCP_SIZE       216

bool
sp_client_written(int fd, unsigned long long *count)
{
    char info[SP_TCP_SIZE];
    socklen_t size = sizeof(info);
    uint32_t not_sent;
    uint64_t sent;
    uint64_t sent_again;

    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &size) < 0 || size < sizeof(info)) {
        return false;
    }
    memcpy(&not_sent, info + SP_TCP_NOT_SENT, sizeof(not_sent));
    memcpy(&sent, info + SP_TCP_SENT, sizeof(sent));
    memcpy(&sent_again, info + SP_TCP_SENT_AGAIN, sizeof(sent_again));
    *count = sent - sent_again + not_sent;
    return true;
}
#else
bool
sp_client_written(int fd, unsigned long long *count)
{
    (void)fd;
    (void)count;
    return false;
}
#endif

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

/* A dead end takes the descriptor's place; what was there lives on only in copies of it. */
static enum sp_error
replace_by_dead_end(int fd)
{
    int dead_end = open_dead_end(fd);
    int flags = fcntl(fd, F_GETFD);

    if (dead_end < 0) {
        return SP_E_SYSTEM;
    }
    int replaced = dup2(dead_end, fd);
    (void)close(dead_end);
    return replaced < 0 || fcntl(fd, F_SETFD, flags) < 0 ? SP_E_SYSTEM : SP_OK;
}

/* (13) A copy lives on; a dead end takes the place of the server's own descriptor. */
enum sp_error
sp_client_take(int fd, int *taken)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

    if (copy < 0) {
        return SP_E_SYSTEM;
    }
    if (replace_by_dead_end(fd) != SP_OK) {
        (void)close(copy);
        return SP_E_SYSTEM;
    }
    *taken = copy;
    return SP_OK;
}

enum sp_error
sp_client_break(int fd)
{
    struct linger reset = {.l_onoff = 1, .l_linger = 0};

    /* A Unix socket knows no reset; its peer then sees an end without the last chunk. */
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    /* Without a descriptor to spare there is no dead end. */
    return replace_by_dead_end(fd) == SP_OK || sp_client_cut(fd) ? SP_OK : SP_E_SYSTEM;
}
