#include "engine/sockets.h"

#include "engine/descriptors.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SP_FIRST_COUNT ((size_t)64)

struct sp_socket {
    struct sp_watcher *watcher; /* of a socket of ours, else NULL */
    bool ours;                  /* opened here; else one of libcurl's own, such as its resolver's */
    bool held;                  /* not read for now */
    unsigned wanted;            /* by libcurl: SP_POLL_* */
    unsigned watched; /* by the poller: SP_POLL_*, 0 when it does not know the descriptor */
    unsigned uses;    /* requests sent on it */
    int local_port;   /* 0 until asked for */
    int remote_port;
    char remote_ip[INET6_ADDRSTRLEN];
    long long idle_until; /* ms; when it may no longer be used again */
};

static struct sp_socket *
socket_at(struct sp_sockets *sockets, curl_socket_t fd)
{
    size_t index = (size_t)fd;

    if (fd < 0 || fd >= SP_DESCRIPTORS_MAX) {
        return NULL;
    }
    if (index >= sockets->count) {
        size_t count = sockets->count > 0 ? sockets->count : SP_FIRST_COUNT;
        while (count <= index) {
            count *= 2;
        }
        struct sp_socket *items = realloc(sockets->items, count * sizeof(*items));
        if (items == NULL) {
            return NULL;
        }
        memset(items + sockets->count, 0, (count - sockets->count) * sizeof(*items));
        sockets->items = items;
        sockets->count = count;
    }
    return &sockets->items[index];
}

static void
unwatch(struct sp_sockets *sockets, curl_socket_t fd, struct sp_socket *item)
{
    if (item->watched != 0) {
        sp_poller_remove(sockets->poller, fd);
        item->watched = 0;
    }
}

/* A number that has come to a new file: what the old one was watched for is over. */
static void
begin_anew(struct sp_sockets *sockets, curl_socket_t fd, struct sp_socket *item)
{
    unwatch(sockets, fd, item);
    *item = (struct sp_socket){.watcher = NULL};
}

static void
watch(struct sp_sockets *sockets, curl_socket_t fd, struct sp_socket *item)
{
    unsigned events = item->held ? item->wanted & ~(unsigned)SP_POLL_IN : item->wanted;

    if (events == 0) {
        unwatch(sockets, fd, item);
    }
    else if (events != item->watched && sp_poller_set(sockets->poller, fd, events) == SP_OK) {
        /* Unwatched for want of memory, the exchange ends by its timeout. */
        item->watched = events;
    }
}

/* Numeric, as libcurl's PREREQFUNCTION will name it. */
static void
note_remote(struct sp_socket *item, const struct curl_sockaddr *address)
{
    if (address->family == AF_INET) {
        struct sockaddr_in ipv4;
        memcpy(&ipv4, &address->addr, sizeof(ipv4));
        (void)inet_ntop(AF_INET, &ipv4.sin_addr, item->remote_ip, sizeof(item->remote_ip));
        item->remote_port = ntohs(ipv4.sin_port);
    }
    else if (address->family == AF_INET6) {
        struct sockaddr_in6 ipv6;
        memcpy(&ipv6, &address->addr, sizeof(ipv6));
        (void)inet_ntop(AF_INET6, &ipv6.sin6_addr, item->remote_ip, sizeof(item->remote_ip));
        item->remote_port = ntohs(ipv6.sin6_port);
    }
}

static int
local_port_of(curl_socket_t fd)
{
    struct sockaddr_storage local = {0};
    socklen_t size = sizeof(local);

    if (getsockname(fd, (struct sockaddr *)&local, &size) < 0) {
        return 0;
    }
    if (local.ss_family == AF_INET) {
        struct sockaddr_in ipv4;
        memcpy(&ipv4, &local, sizeof(ipv4));
        return ntohs(ipv4.sin_port);
    }
    if (local.ss_family == AF_INET6) {
        struct sockaddr_in6 ipv6;
        memcpy(&ipv6, &local, sizeof(ipv6));
        return ntohs(ipv6.sin6_port);
    }
    return 0;
}

curl_socket_t
sp_sockets_open(struct sp_sockets *sockets, const struct curl_sockaddr *address)
{
    curl_socket_t fd = sp_descriptor_socket(address->family, address->socktype, address->protocol);

    if (fd < 0) {
        return CURL_SOCKET_BAD;
    }
    struct sp_socket *item = socket_at(sockets, fd);
    if (item == NULL) {
        sp_descriptor_close(fd);
        errno = EMFILE;
        return CURL_SOCKET_BAD;
    }
    begin_anew(sockets, fd, item);
    item->ours = true;
    note_remote(item, address);
    return fd;
}

void
sp_sockets_close(struct sp_sockets *sockets, curl_socket_t fd)
{
    struct sp_socket *item = socket_at(sockets, fd);

    if (item != NULL) {
        begin_anew(sockets, fd, item);
    }
    sp_descriptor_close(fd);
}

void
sp_sockets_clear(struct sp_sockets *sockets)
{
    free(sockets->items);
    sockets->items = NULL;
    sockets->count = 0;
}

void
sp_sockets_want(struct sp_sockets *sockets, curl_socket_t fd, int what)
{
    struct sp_socket *item = socket_at(sockets, fd);

    if (item == NULL) {
        return;
    }
    item->wanted = ((what & CURL_POLL_IN) != 0 && what != CURL_POLL_REMOVE ? SP_POLL_IN : 0) |
                   ((what & CURL_POLL_OUT) != 0 && what != CURL_POLL_REMOVE ? SP_POLL_OUT : 0);
    if (what == CURL_POLL_REMOVE) {
        item->held = false;
        if (item->ours && item->uses > 0) {
            return; /* the poller keeps it: see sp_sockets_translate */
        }
        /* One that never connected may be closed now without a word. */
    }
    watch(sockets, fd, item);
}

bool
sp_sockets_is_sending(struct sp_sockets *sockets, curl_socket_t fd)
{
    struct sp_socket *item = socket_at(sockets, fd);

    return item != NULL && (item->wanted & SP_POLL_OUT) != 0;
}

void
sp_sockets_hold(struct sp_sockets *sockets, curl_socket_t fd, bool held)
{
    struct sp_socket *item = socket_at(sockets, fd);

    if (item != NULL && item->held != held) {
        item->held = held;
        watch(sockets, fd, item);
    }
}

bool
sp_sockets_own(struct sp_sockets *sockets, curl_socket_t fd, struct sp_watcher *watcher)
{
    struct sp_socket *item = socket_at(sockets, fd);

    if (item == NULL) {
        return false;
    }
    begin_anew(sockets, fd, item);
    item->watcher = watcher;
    return true;
}

void
sp_sockets_watch(struct sp_sockets *sockets, curl_socket_t fd, unsigned events)
{
    struct sp_socket *item = socket_at(sockets, fd);

    if (item != NULL) {
        item->wanted = events;
        watch(sockets, fd, item);
    }
}

void
sp_sockets_disown(struct sp_sockets *sockets, curl_socket_t fd)
{
    struct sp_socket *item = socket_at(sockets, fd);

    if (item != NULL) {
        begin_anew(sockets, fd, item);
    }
}

struct sp_watcher *
sp_sockets_watcher(struct sp_sockets *sockets, curl_socket_t fd)
{
    struct sp_socket *item = socket_at(sockets, fd);

    return item != NULL ? item->watcher : NULL;
}

int
sp_sockets_translate(struct sp_sockets *sockets, const struct sp_poll_event *event)
{
    struct sp_socket *item = socket_at(sockets, event->fd);
    unsigned asked = item == NULL ? 0 : item->held ? item->wanted & SP_POLL_OUT : item->wanted;
    /* An error is found by doing what was asked for; libcurl then says it in words. */
    unsigned events = (event->events & SP_POLL_ERROR) != 0 ? asked : event->events & asked;

    if (asked == 0 && item != NULL) {
        /* Nobody asks: an idle connection that ends, or an error behind unread bytes. */
        unwatch(sockets, event->fd, item);
    }
    return ((events & SP_POLL_IN) != 0 ? CURL_CSELECT_IN : 0) |
           ((events & SP_POLL_OUT) != 0 ? CURL_CSELECT_OUT : 0);
}

static bool
is_on_route(struct sp_sockets *sockets, size_t fd, const struct sp_route *route)
{
    struct sp_socket *item = &sockets->items[fd];

    if (!item->ours || item->remote_port != route->remote_port ||
        strcmp(item->remote_ip, route->remote_ip) != 0) {
        return false;
    }
    if (item->local_port == 0 && !sp_descriptor_is_kept((int)fd)) {
        begin_anew(sockets, (curl_socket_t)fd, item); /* closed without a word */
        return false;
    }
    if (item->local_port == 0) {
        item->local_port = local_port_of((curl_socket_t)fd);
    }
    return item->local_port == route->local_port;
}

curl_socket_t
sp_sockets_find(struct sp_sockets *sockets, const struct sp_route *route)
{
    unsigned short *guess = &sockets->guesses[(unsigned)route->local_port % SP_GUESSES];

    if (*guess < sockets->count && is_on_route(sockets, *guess, route)) {
        return (curl_socket_t)*guess;
    }
    for (size_t fd = 0; fd < sockets->count; fd++) {
        if (is_on_route(sockets, fd, route)) {
            *guess = (unsigned short)fd;
            return (curl_socket_t)fd;
        }
    }
    return SP_NO_SOCKET;
}

bool
sp_sockets_is_stale(struct sp_sockets *sockets, curl_socket_t fd, long long now)
{
    struct sp_socket *item = socket_at(sockets, fd);
    char byte;

    if (item == NULL || item->uses++ == 0) {
        return false;
    }
    ssize_t got = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return now >= item->idle_until || got >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

void
sp_sockets_rest(struct sp_sockets *sockets, curl_socket_t fd, long long now, long long keep_alive)
{
    struct sp_socket *item = socket_at(sockets, fd);
    long long limit = SP_IDLE_LIMIT;

    if (keep_alive >= 0 && (keep_alive - 1) * 1000 < limit) {
        limit = (keep_alive - 1) * 1000;
    }
    if (item != NULL) {
        item->idle_until = now + limit;
    }
}
