/* A poll(2) that behaves as xnu's, by Linux's own: linked into a program, or preloaded. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define ASKED (POLLIN | POLLRDNORM | POLLPRI | POLLRDBAND | POLLOUT | POLLWRNORM | POLLWRBAND)

/* xnu's OPEN_MAX is 10240. */
static nfds_t
limit(void)
{
    const char *given = getenv("XNU_OPEN_MAX");

    return given != NULL ? (nfds_t)strtoul(given, NULL, 10) : 10240;
}

static int
ask_linux(struct pollfd *fds, nfds_t count, int timeout)
{
    struct timespec left = {timeout / 1000, timeout % 1000 * 1000000L};

    return (int)syscall(SYS_ppoll, fds, count, timeout < 0 ? NULL : &left, NULL, 0);
}

/* The end of the stream alone is a POLLHUP there, beside which nothing can be written. */
static short
as_xnu(short reported)
{
    int events = reported & ~POLLRDHUP;

    return (short)((reported & POLLRDHUP) != 0 ? (events | POLLHUP) & ~(POLLOUT | POLLWRNORM)
                                               : events);
}

int
poll(struct pollfd *fds, nfds_t count, int timeout)
{
    struct pollfd *asked = NULL;
    int ready = 0;

    if (count > limit()) {
        errno = EINVAL;
        return -1;
    }
    asked = calloc(count + 1, sizeof(*asked));
    if (asked == NULL) {
        errno = EAGAIN;
        return -1;
    }
    for (nfds_t i = 0; i < count; i++) {
        short events = fds[i].events;
        asked[i] = (struct pollfd){.fd = (events & ASKED) != 0 ? fds[i].fd : -1, .events = events};
        asked[i].events |= (events & POLLIN) != 0 ? POLLRDHUP : 0;
    }
    int result = ask_linux(asked, count, timeout);
    for (nfds_t i = 0; i < count && result >= 0; i++) {
        fds[i].revents = as_xnu(asked[i].revents);
        ready += fds[i].revents != 0 ? 1 : 0;
    }
    free(asked);
    return result < 0 ? result : ready;
}
