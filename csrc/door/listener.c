#include "door/listener.h"

#include "core/clock.h"
#include "core/descriptors.h"
#include "door/patience.h"
#include "door/refusal.h"
#include "door/visit.h"
#include "engine/roster.h"

#include <errno.h>
#include <netdb.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Of one listening socket in one round, so that a storm leaves time for who is in already. */
#define SP_ACCEPTS 64

/* Of what a client still sends when all is over. */
#define SP_LAST_READ  ((size_t)16 * 1024)
#define SP_LAST_READS 64U

static void
watch_sockets(struct sp_loop *loop, struct sp_listener *listener, bool is_paused)
{
    listener->is_paused = is_paused;
    for (size_t i = 0; i < listener->door_count; i++) {
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

static void
welcome(struct sp_loop *loop, struct sp_listener *listener, int fd, const char *peer)
{
    struct sp_downstream *downstream = NULL;

    if (sp_downstream_new(listener, fd, peer, &downstream) != SP_OK) {
        return;
    }
    if (!sp_sockets_own(&loop->sockets, fd, &downstream->watcher)) {
        sp_downstream_free(downstream);
        return;
    }
    downstream->next = listener->first;
    if (listener->first != NULL) {
        listener->first->previous = downstream;
    }
    listener->first = downstream;
    listener->connection_count++;
    sp_downstream_watch(loop, downstream);
    sp_patience_note(downstream, false);
}

/* Those that have become tunnels have their descriptors still. */
static bool
has_room(const struct sp_loop *loop, const struct sp_listener *listener)
{
    return listener->connection_count + loop->relayed_count < listener->max_connections;
}

/* (19) Without a descriptor to spare, connections wait in the backlog until one is given up. */
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
            listener->is_short = true;
            watch_sockets(loop, listener, true);
        }
        if (fd < 0) {
            return;
        }
        name_peer((const struct sockaddr *)&address, size, peer);
        welcome(loop, listener, fd, peer);
    }
}

void
sp_listener_queue(struct sp_listener *listener, struct sp_downstream *downstream)
{
    if (downstream->state == SP_DOWNSTREAM_READING) {
        sp_downstream_set_state(downstream, SP_DOWNSTREAM_WAITING);
    }
    if (downstream->waiting_since == SP_NEVER) {
        downstream->waiting_since = sp_clock_now();
    }
    sp_downstream_enlist(downstream, listener->last_waiting);
    listener->last_waiting = &downstream->next_waiting;
}

void
sp_listener_unqueue(struct sp_listener *listener, struct sp_downstream *downstream)
{
    if (downstream->next_waiting == NULL) {
        listener->last_waiting = downstream->waiting_link;
    }
    sp_downstream_delist(downstream);
}

/* (27) Something has come that they wait for, perhaps. */
void
sp_listener_retry(struct sp_loop *loop, struct sp_listener *listener)
{
    struct sp_downstream *waiting = listener->waiting;

    listener->waiting = NULL;
    listener->last_waiting = &listener->waiting;
    while (waiting != NULL) {
        struct sp_downstream *downstream = waiting;
        waiting->waiting_link = &waiting;
        sp_downstream_delist(downstream);
        sp_downstream_set_state(downstream, SP_DOWNSTREAM_READING);
        downstream->scanned = 0;
        sp_visit_begin(loop, downstream);
        sp_patience_note(downstream, false);
    }
}

void
sp_listener_remove(struct sp_downstream *downstream)
{
    struct sp_listener *listener = downstream->listener;

    if (downstream->previous != NULL) {
        downstream->previous->next = downstream->next;
    }
    else {
        listener->first = downstream->next;
    }
    if (downstream->next != NULL) {
        downstream->next->previous = downstream->previous;
    }
    downstream->next = listener->closed;
    listener->closed = downstream;
    listener->connection_count--;
    listener->is_short = false;
}

/* What it lacked it may have again: a descriptor, or Django one for a request that it gave back. */
static void
retry(struct sp_loop *loop, struct sp_timer *timer)
{
    char *at = (char *)timer - offsetof(struct sp_listener, retry);
    struct sp_listener *listener = (struct sp_listener *)(void *)at;

    listener->is_short = false;
    sp_listener_retry(loop, listener);
}

static void
end_round(struct sp_loop *loop, struct sp_listener *listener)
{
    while (listener->touched != NULL) {
        struct sp_downstream *downstream = listener->touched;
        listener->touched = downstream->next_touched;
        downstream->is_touched = false;
        sp_downstream_proceed(loop, downstream);
    }
    while (listener->closed != NULL) {
        struct sp_downstream *downstream = listener->closed;
        listener->closed = downstream->next;
        sp_downstream_free(downstream);
    }
    if (listener->is_paused && !listener->is_closed && !listener->is_short &&
        has_room(loop, listener)) {
        watch_sockets(loop, listener, false);
    }
    if ((listener->waiting != NULL || listener->is_short) && !sp_timer_is_set(&listener->retry)) {
        sp_timers_set(&loop->timers, &listener->retry, SP_WAIT_RETRY, sp_clock_now());
    }
}

static void
close_sockets(struct sp_loop *loop, struct sp_listener *listener)
{
    for (size_t i = 0; i < listener->door_count; i++) {
        sp_sockets_disown(&loop->sockets, listener->sockets[i].fd);
        sp_descriptor_close(listener->sockets[i].fd);
    }
    listener->door_count = 0;
}

/* One whose request nobody will go on with, or that has none. */
static struct sp_downstream *
find_undismissed(const struct sp_listener *listener)
{
    struct sp_downstream *downstream = listener->first;

    while (downstream != NULL && downstream->state >= SP_DOWNSTREAM_FLUSHING) {
        downstream = downstream->next;
    }
    return downstream;
}

/* What is under way and can be answered is: a client might take silence for leave to repeat it. */
static void
dismiss(struct sp_loop *loop, struct sp_downstream *downstream)
{
    if (downstream->state == SP_DOWNSTREAM_EXCHANGING) {
        sp_roster_end(loop, downstream->visit.exchange, SP_E_SHUTDOWN);
    }
    else if (!sp_connection_is_flushed(downstream->connection)) {
        sp_downstream_finish(downstream);
    }
    else if (downstream->state == SP_DOWNSTREAM_WAITING ||
             sp_downstream_unused(downstream).len > 0) {
        sp_refusal_send(loop, downstream, &sp_refusal_ending);
    }
    else {
        sp_downstream_close(loop, downstream, false);
    }
}

void
sp_listener_part(struct sp_loop *loop, struct sp_listener *listener)
{
    struct sp_downstream *downstream;

    listener->is_closed = true;
    close_sockets(loop, listener);
    sp_handover_end(loop, listener);
    while ((downstream = find_undismissed(listener)) != NULL) {
        dismiss(loop, downstream);
    }
    end_round(loop, listener);
}

/* Bytes that nobody has read would make a reset of the end, and destroy the answer before it. */
static void
read_away(int fd)
{
    char bytes[SP_LAST_READ];

    for (unsigned i = 0; i < SP_LAST_READS && recv(fd, bytes, sizeof(bytes), 0) > 0; i++) {
    }
}

void
sp_listener_end(struct sp_loop *loop, struct sp_listener *listener)
{
    sp_listener_part(loop, listener);
    while (listener->first != NULL) {
        const struct sp_connection *connection = listener->first->connection;
        read_away(connection->fd);
        sp_downstream_close(loop, listener->first, !sp_connection_is_flushed(connection));
    }
    end_round(loop, listener);
    sp_timer_clear(&listener->retry);
    if (listener->questions >= 0) {
        sp_descriptor_close(listener->questions);
        listener->questions = -1;
    }
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
    listener->loop = loop;
    listener->retry.expired = retry;
    if (options->questions >= 0) {
        listener->questions = sp_descriptor_copy(options->questions);
        if (listener->questions < 0) {
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
        listener->door_count++;
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
