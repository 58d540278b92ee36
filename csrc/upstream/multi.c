#include "upstream/multi.h"

#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* The numbers that the next two descriptors will have, unless another thread is quicker. */
static bool
foresee(int numbers[2])
{
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, numbers) < 0) {
        return false;
    }
    (void)close(numbers[0]); /* nothing was sent */
    (void)close(numbers[1]);
    return true;
}

/* libcurl 8.5 to 8.8 has a pipe. */
static bool
is_local(int fd)
{
    struct sockaddr_storage name = {0};
    socklen_t size = sizeof(name);
    struct stat file = {0};

    return (fstat(fd, &file) == 0 && S_ISFIFO(file.st_mode)) ||
           (getsockname(fd, (struct sockaddr *)&name, &size) == 0 && name.ss_family == AF_UNIX);
}

static bool
is_readable(int fd)
{
    struct pollfd watched = {.fd = fd, .events = POLLIN};

    return poll(&watched, 1, 0) == 1 && watched.revents == POLLIN;
}

/* Until 8.9 a multi handle has a pair of descriptors, for curl_multi_wakeup() alone, and libcurl
 * does not mark them close-on-exec. We never poll by libcurl, so the byte that proves that
 * they are the ones stays where it is. */
CURLM *
sp_multi_new(void)
{
    int pair[2];
    bool foreseen = foresee(pair);
    CURLM *multi = curl_multi_init();

    if (multi != NULL && foreseen && is_local(pair[0]) && is_local(pair[1]) &&
        !is_readable(pair[0]) && curl_multi_wakeup(multi) == CURLM_OK && is_readable(pair[0])) {
        (void)fcntl(pair[0], F_SETFD, FD_CLOEXEC); /* if it fails, they leak as before */
        (void)fcntl(pair[1], F_SETFD, FD_CLOEXEC);
    }
    return multi;
}
