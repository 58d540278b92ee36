/* Preloaded: a pair of sockets as an older libcurl makes it that was built without socketpair(). */
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

int
socketpair(int family, int type, int protocol, int ends[2])
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr *name = (struct sockaddr *)&here;
    socklen_t size = sizeof(here);
    int listening = socket(AF_INET, type, 0);

    (void)family;
    (void)protocol;
    ends[0] = ends[1] = -1;
    if (bind(listening, name, size) == 0 && listen(listening, 1) == 0 &&
        getsockname(listening, name, &size) == 0) {
        ends[0] = socket(AF_INET, type, 0);
        ends[1] = connect(ends[0], name, size) == 0 ? accept(listening, NULL, NULL) : -1;
    }
    (void)close(listening);
    return ends[1] < 0 ? -1 : 0;
}
