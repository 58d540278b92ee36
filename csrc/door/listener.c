#include "door/listener.h"

#include "core/descriptors.h"
#include "door/events.h"

#include <errno.h>
#include <netdb.h>
#include <sys/socket.h>

/* Of one listening socket in one round, so that a storm leaves time for who is in already. */
#define SP_ACCEPTS 64

static void
watch_sockets(struct sp_loop *loop, struct sp_listener *listener, bool is_paused)
{
    listener->is_paused = is_paused;
    for (size_t i = 0; i < listener->socket_count; i++) {
        sp_sockets_watch(&loop->sockets, listener->sockets[i].fd, is_paused ? 0U : SP_POLL_IN);
    }
}

/* Also of what the system counts: it does not become more by asking again at once. */
static bool
is_short_of_something(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* Numeric, as Python's REMOTE_ADDR has it; empty for a Unix socket's. */
static void
name_peer(const struct sockaddr *address, socklen_t size, char peer[SP_PEER_SIZE])
{
    if (address->sa_family == AF_UNIX ||
        getnameinfo(address, size, peer, SP_PEER_SIZE, NULL, 0, NI_NUMERICHOST) != 0) {
        peer[0] = '\0';
    }
}

/* Those that have become tunnels have their descriptors still. */
static bool
has_room(const struct sp_loop *loop, const struct sp_listener *listener)
{
    return listener->conductor.count + loop->relayed_count < listener->max_connections;
}

/* (16) Without a descriptor to spare, connections wait in the backlog until one is given up. */
static void
connection_came(struct sp_loop *loop, struct sp_watcher *watcher, unsigned events)
{
    struct sp_listening_socket *listening = (struct sp_listening_socket *)(void *)watcher;
    struct sp_listener *listener = listening->listener;

    (void)events; /* only a connection can have come */
    for (unsigned i = 0; i < SP_ACCEPTS; i++) {
        struct sockaddr_storage address = {0};
        socklen_t size = sizeof(address);
        char peer[SP_PEER_SIZE];
        if (!has_room(loop, listener)) {
            watch_sockets(loop, listener, true);
            return;
        }
        int fd = sp_descriptor_accept(listening->fd, (struct sockaddr *)&address, &size);
        if (fd < 0 && is_short_of_something(errno)) {
            sp_timers_set(&loop->timers, &listener->shortage, SP_WAIT_RETRY, loop->now);
            watch_sockets(loop, listener, true);
        }
        if (fd < 0) {
            return;
        }
        name_peer((const struct sockaddr *)&address, size, peer);
        sp_events_welcome(&listener->conductor, fd, peer);
    }
}

static void
end_round(struct sp_loop *loop, struct sp_listener *listener)
{
    if (sp_events_end_round(&listener->conductor)) {
        sp_timer_clear(&listener->shortage); /* a descriptor is free */
    }
    if (listener->is_paused && listener->socket_count > 0 &&
        !sp_timer_is_set(&listener->shortage) && has_room(loop, listener)) {
        watch_sockets(loop, listener, false);
    }
}

/* Nothing need be done: the next round tries again. */
static void
shortage_ended(struct sp_loop *loop, struct sp_timer *timer)
{
    (void)loop;
    (void)timer;
}

static void
close_sockets(struct sp_loop *loop, struct sp_listener *listener)
{
    for (size_t i = 0; i < listener->socket_count; i++) {
        sp_sockets_disown(&loop->sockets, listener->sockets[i].fd);
        sp_descriptor_close(listener->sockets[i].fd);
    }
    listener->socket_count = 0;
}

void
sp_listener_part(struct sp_loop *loop, struct sp_listener *listener)
{
    close_sockets(loop, listener);
    sp_events_part(&listener->conductor);
}

void
sp_listener_end(struct sp_loop *loop, struct sp_listener *listener)
{
    close_sockets(loop, listener);
    sp_timer_clear(&listener->shortage);
    sp_events_end(&listener->conductor);
}

static void
guest_end_round(struct sp_loop *loop, struct sp_guest *guest)
{
    end_round(loop, (struct sp_listener *)(void *)guest);
}

static void
guest_end(struct sp_loop *loop, struct sp_guest *guest)
{
    sp_listener_end(loop, (struct sp_listener *)(void *)guest);
}

enum sp_error
sp_listener_begin(struct sp_loop *loop, struct sp_listener *listener,
                  const struct sp_listener_options *options)
{
    sp_events_begin(loop, &listener->conductor);
    listener->shortage.expired = shortage_ended;
    if (options->questions >= 0) {
        listener->conductor.questions = sp_descriptor_copy(options->questions);
        if (listener->conductor.questions < 0) {
            return SP_E_SYSTEM;
        }
    }
    for (size_t i = 0; i < options->count; i++) {
        struct sp_listening_socket *listening = &listener->sockets[i];
        *listening = (struct sp_listening_socket){
            {connection_came}, listener, sp_descriptor_copy(options->fds[i])};
        if (listening->fd < 0) {
            return SP_E_SYSTEM;
        }
        listener->socket_count++;
        if (!sp_descriptor_set_nonblocking(listening->fd) ||
            !sp_sockets_own(&loop->sockets, listening->fd, &listening->watcher)) {
            return SP_E_SYSTEM;
        }
    }
    watch_sockets(loop, listener, false);
    listener->guest = (struct sp_guest){.end_round = guest_end_round, .end = guest_end};
    sp_loop_invite(loop, &listener->guest);
    return SP_OK;
}
