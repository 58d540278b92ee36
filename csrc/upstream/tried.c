#include "upstream/tried.h"

#include "core/descriptors.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>

/* ms; within one machine the answer is there at once, or the queue is full. */
#define SP_BESIDE_TIME 5

void
sp_tried_note(struct sp_tried *tried, const struct sockaddr *address, socklen_t size)
{
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;

    if (address->sa_family == AF_INET && size >= sizeof(ipv4)) {
        memcpy(&ipv4, address, sizeof(ipv4));
        in_addr_t host = ntohl(ipv4.sin_addr.s_addr);
        tried->ipv4 |= host == INADDR_LOOPBACK || host == INADDR_ANY;
    }
    else if (address->sa_family == AF_INET6 && size >= sizeof(ipv6)) {
        memcpy(&ipv6, address, sizeof(ipv6));
        tried->ipv6 |=
            IN6_IS_ADDR_LOOPBACK(&ipv6.sin6_addr) || IN6_IS_ADDR_UNSPECIFIED(&ipv6.sin6_addr);
    }
    else {
        return;
    }
    memcpy(&tried->last, address, size);
    tried->size = size;
}

/* Ports stand at the same place in both families, but that is nobody's promise. */
static in_port_t
take_port(struct sockaddr_storage *address)
{
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
    in_port_t port;

    if (address->ss_family == AF_INET) {
        memcpy(&ipv4, address, sizeof(ipv4));
        port = ipv4.sin_port;
        ipv4.sin_port = 0;
        memcpy(address, &ipv4, sizeof(ipv4));
    }
    else {
        memcpy(&ipv6, address, sizeof(ipv6));
        port = ipv6.sin6_port;
        ipv6.sin6_port = 0;
        memcpy(address, &ipv6, sizeof(ipv6));
    }
    return port;
}

/* Only a machine's own addresses can be bound. */
static bool
is_this_machines(const struct sockaddr_storage *address, socklen_t size)
{
    int fd = sp_descriptor_socket(address->ss_family, SOCK_DGRAM, 0);
    bool is_bound = fd >= 0 && bind(fd, (const struct sockaddr *)address, size) == 0;

    if (fd >= 0) {
        sp_descriptor_close(fd);
    }
    return is_bound;
}

static bool
accepts(const struct sockaddr *address, socklen_t size)
{
    int fd = sp_descriptor_socket(address->sa_family, SOCK_STREAM, 0);
    struct pollfd wait = {.fd = fd, .events = POLLOUT};
    int error = 0;
    socklen_t length = sizeof(error);

    if (fd < 0) {
        return false;
    }
    bool accepted = sp_descriptor_set_nonblocking(fd) && connect(fd, address, size) == 0;
    if (!accepted && errno == EINPROGRESS) {
        accepted = poll(&wait, 1, SP_BESIDE_TIME) == 1 &&
                   getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error == 0;
    }
    sp_descriptor_close(fd);
    return accepted;
}

bool
sp_tried_beside(const struct sp_tried *tried)
{
    struct sockaddr_storage last = tried->last;

    if (tried->size == 0) {
        return false;
    }
    in_port_t port = take_port(&last);
    struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = port};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = port};
    ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ipv6.sin6_addr = in6addr_loopback;
    return is_this_machines(&last, tried->size) &&
           ((!tried->ipv4 && accepts((const struct sockaddr *)&ipv4, sizeof(ipv4))) ||
            (!tried->ipv6 && accepts((const struct sockaddr *)&ipv6, sizeof(ipv6))));
}
