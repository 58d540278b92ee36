#include "upstream/multi.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* A pair's, and what is open while it is made where there is no socketpair(). */
#define SP_FORESEEN 3

/* The numbers that the next descriptors will have, unless another thread is quicker. */
static bool
foresee(int numbers[SP_FORESEEN])
{
    bool made = true;

    for (size_t i = 0; i < SP_FORESEEN; i++) {
        numbers[i] = socket(AF_UNIX, SOCK_STREAM, 0);
        made = made && numbers[i] >= 0;
    }
    for (size_t i = 0; i < SP_FORESEEN; i++) {
        (void)close(numbers[i]); /* nothing was sent, and less than zero is nothing */
    }
    return made;
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

/* An older libcurl that was built without socketpair(), as CMake did it, has two ends of TCP. */
static bool
are_connected(int one, int other)
{
    struct sockaddr_in own = {0};
    struct sockaddr_in peer = {0};
    socklen_t size = sizeof(own);
    socklen_t peer_size = sizeof(peer);

    return getsockname(one, (struct sockaddr *)&own, &size) == 0 && own.sin_family == AF_INET &&
           getpeername(other, (struct sockaddr *)&peer, &peer_size) == 0 &&
           peer.sin_family == AF_INET && peer.sin_port == own.sin_port;
}

static bool
is_readable(int fd)
{
    struct pollfd watched = {.fd = fd, .events = POLLIN};

    return poll(&watched, 1, 0) == 1 && watched.revents == POLLIN;
}

/* The byte that proves it stays where it is, since we never poll by libcurl. */
static bool
is_wakeup_pair(CURLM *multi, int one, int other)
{
    return ((is_local(one) && is_local(other)) || are_connected(one, other)) && !is_readable(one) &&
           curl_multi_wakeup(multi) == CURLM_OK && is_readable(one);
}

/* Until 8.9 a multi handle has a pair of descriptors, for curl_multi_wakeup() alone, and libcurl
 * does not mark them close-on-exec. */
CURLM *
sp_multi_new(void)
{
    int numbers[SP_FORESEEN];
    bool foreseen = foresee(numbers);
    CURLM *multi = curl_multi_init();

    for (size_t i = 0; multi != NULL && foreseen && i + 1 < SP_FORESEEN; i++) {
        if (is_wakeup_pair(multi, numbers[i], numbers[i + 1])) {
            (void)fcntl(numbers[i], F_SETFD, FD_CLOEXEC); /* if it fails, they leak as before */
            (void)fcntl(numbers[i + 1], F_SETFD, FD_CLOEXEC);
            break;
        }
    }
    return multi;
}
