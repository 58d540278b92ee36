#include "door/downstream.h"

#include "core/clock.h"
#include "core/descriptors.h"
#include "door/intake.h"
#include "door/listener.h"
#include "door/patience.h"
#include "door/visit.h"
#include "engine/client_socket.h"
#include "engine/roster.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define BIT(state) (1U << (state))

#define SP_LINGERING_SIZE ((size_t)16 * 1024 * 1024)
#define SP_READ_SIZE      ((size_t)64 * 1024)

/* Any may be closed. */
static const unsigned moves[SP_DOWNSTREAM_STATES] = {
    [SP_DOWNSTREAM_READING] = BIT(SP_DOWNSTREAM_WAITING) | BIT(SP_DOWNSTREAM_EXCHANGING) |
                              BIT(SP_DOWNSTREAM_HANDED) | BIT(SP_DOWNSTREAM_FLUSHING),
    [SP_DOWNSTREAM_WAITING] = BIT(SP_DOWNSTREAM_READING) | BIT(SP_DOWNSTREAM_FLUSHING),
    [SP_DOWNSTREAM_EXCHANGING] = BIT(SP_DOWNSTREAM_READING) | BIT(SP_DOWNSTREAM_FLUSHING),
    [SP_DOWNSTREAM_HANDED] = BIT(SP_DOWNSTREAM_READING),
    [SP_DOWNSTREAM_FLUSHING] = BIT(SP_DOWNSTREAM_LINGERING),
    [SP_DOWNSTREAM_LINGERING] = 0,
    [SP_DOWNSTREAM_CLOSED] = 0,
};

void
sp_downstream_set_state(struct sp_downstream *downstream, enum sp_downstream_state state)
{
    bool allowed = state == SP_DOWNSTREAM_CLOSED || (moves[downstream->state] & BIT(state)) != 0;

    assert(allowed);
    (void)allowed; /* NDEBUG looks no longer */
    downstream->state = state;
    downstream->since = sp_clock_now();
}

void
sp_downstream_enlist(struct sp_downstream *downstream, struct sp_downstream **link)
{
    downstream->next_waiting = *link;
    downstream->waiting_link = link;
    if (*link != NULL) {
        (*link)->waiting_link = &downstream->next_waiting;
    }
    *link = downstream;
}

void
sp_downstream_delist(struct sp_downstream *downstream)
{
    *downstream->waiting_link = downstream->next_waiting;
    if (downstream->next_waiting != NULL) {
        downstream->next_waiting->waiting_link = downstream->waiting_link;
    }
    downstream->waiting_link = NULL;
}

struct sp_span
sp_downstream_unused(const struct sp_downstream *downstream)
{
    return sp_span_from(sp_buffer_peek(&downstream->in), downstream->used);
}

void
sp_downstream_use(struct sp_downstream *downstream, size_t count)
{
    downstream->used += count;
    downstream->scanned = 0;
    if (downstream->used == downstream->in.len) {
        downstream->used = 0;
        downstream->in.len = 0;
    }
}

enum sp_error
sp_downstream_replace(struct sp_downstream *downstream, size_t count, struct sp_span bytes)
{
    struct sp_span unused = sp_downstream_unused(downstream);
    struct sp_buffer in;

    sp_buffer_init(&in, downstream->in.ceiling);
    if (!sp_buffer_append(&in, bytes) || !sp_buffer_append(&in, sp_span_from(unused, count))) {
        enum sp_error error = in.is_short ? SP_E_NO_MEMORY : SP_E_REQUEST_LONG;
        sp_buffer_clear(&in);
        return error;
    }
    sp_buffer_clear(&downstream->in);
    downstream->in = in;
    downstream->used = 0;
    downstream->scanned = 0;
    return SP_OK;
}

/* Most clients are idle most of the time: between two requests one holds no memory for them. Not
 * before what was read is done with, since a head is looked at until its request is under way. */
static void
give_back_memory(struct sp_downstream *downstream)
{
    if (downstream->in.len == 0) {
        sp_buffer_clear(&downstream->in);
    }
}

/* How many bytes may be read now. */
static size_t
room(struct sp_downstream *downstream)
{
    if (downstream->used > 0) {
        struct sp_span rest = sp_downstream_unused(downstream);
        memmove(downstream->in.data, rest.data, rest.len);
        downstream->in.len = rest.len;
        downstream->used = 0;
    }
    size_t free_space = SP_INTAKE_CEILING - downstream->in.len;
    return free_space < SP_READ_SIZE ? free_space : SP_READ_SIZE;
}

void
sp_downstream_watch(struct sp_loop *loop, struct sp_downstream *downstream)
{
    unsigned events = SP_POLL_ERROR;

    events |= downstream->is_here && !downstream->is_full ? SP_POLL_IN : 0U;
    events |= downstream->is_blocked ? SP_POLL_OUT : 0U;
    sp_sockets_watch(&loop->sockets, downstream->connection->fd, events);
}

void
sp_downstream_touch(struct sp_downstream *downstream)
{
    if (!downstream->is_touched) {
        downstream->is_touched = true;
        downstream->next_touched = downstream->listener->touched;
        downstream->listener->touched = downstream;
    }
}

void
sp_downstream_close(struct sp_loop *loop, struct sp_downstream *downstream, bool reset)
{
    struct sp_connection *connection = downstream->connection;

    if (downstream->state == SP_DOWNSTREAM_CLOSED) {
        return;
    }
    if (downstream->state == SP_DOWNSTREAM_WAITING) {
        sp_listener_unqueue(downstream->listener, downstream);
    }
    sp_downstream_set_state(downstream, SP_DOWNSTREAM_CLOSED);
    sp_timer_clear(&downstream->timer);
    if (connection != NULL && reset) {
        sp_sockets_disown(&loop->sockets, connection->fd);
        sp_connection_reset(connection);
    }
    else if (connection != NULL) {
        sp_sockets_disown(&loop->sockets, connection->fd);
        sp_connection_close(connection);
    }
    sp_visit_abandon(loop, downstream);
    sp_listener_remove(downstream);
}

static void
send_waiting(struct sp_loop *loop, struct sp_downstream *downstream)
{
    struct sp_connection *connection = downstream->connection;
    bool was_blocked = downstream->is_blocked;

    if (!sp_connection_flush(connection)) {
        sp_downstream_close(loop, downstream, true);
        return;
    }
    downstream->is_blocked = !sp_connection_is_flushed(connection);
    if (was_blocked != downstream->is_blocked) {
        sp_downstream_watch(loop, downstream);
    }
    if (was_blocked && !downstream->is_blocked) {
        sp_visit_resume(loop, downstream);
    }
}

void
sp_downstream_finish(struct sp_downstream *downstream)
{
    sp_downstream_set_state(downstream, SP_DOWNSTREAM_FLUSHING);
    sp_downstream_touch(downstream);
}

/* (28) The end is said; to close now would destroy what the client has not read yet. */
static void
linger(struct sp_loop *loop, struct sp_downstream *downstream)
{
    if (!downstream->is_here) {
        sp_downstream_close(loop, downstream, false);
        return;
    }
    sp_downstream_set_state(downstream, SP_DOWNSTREAM_LINGERING);
    sp_connection_end(downstream->connection);
    downstream->in.len = downstream->used = 0;
    downstream->is_full = false;
    sp_downstream_watch(loop, downstream);
}

static void
go_on(struct sp_loop *loop, struct sp_downstream *downstream)
{
    if (!downstream->is_blocked && !sp_connection_is_flushed(downstream->connection)) {
        send_waiting(loop, downstream);
    }
    if (downstream->state == SP_DOWNSTREAM_FLUSHING && !downstream->is_blocked) {
        linger(loop, downstream);
    }
    if (downstream->state == SP_DOWNSTREAM_EXCHANGING && downstream->in.len > 0) {
        sp_intake_go_on(loop, downstream);
        if (downstream->state == SP_DOWNSTREAM_EXCHANGING && !downstream->is_here) {
            sp_intake_end(loop, downstream);
        }
    }
    if (downstream->state == SP_DOWNSTREAM_READING && !downstream->is_blocked) {
        sp_visit_begin(loop, downstream);
    }
    if (downstream->is_full && downstream->state != SP_DOWNSTREAM_CLOSED &&
        downstream->state != SP_DOWNSTREAM_HANDED && room(downstream) > 0) {
        downstream->is_full = false;
        sp_downstream_watch(loop, downstream);
    }
}

void
sp_downstream_proceed(struct sp_loop *loop, struct sp_downstream *downstream)
{
    if (downstream->state != SP_DOWNSTREAM_CLOSED && downstream->state != SP_DOWNSTREAM_HANDED) {
        go_on(loop, downstream);
    }
    give_back_memory(downstream);
    sp_patience_note(downstream, false);
}

static void
note_end(struct sp_loop *loop, struct sp_downstream *downstream)
{
    bool is_answered = downstream->state == SP_DOWNSTREAM_READING &&
                       !sp_connection_is_flushed(downstream->connection);

    downstream->is_here = false;
    if (is_answered) {
        sp_downstream_finish(downstream);
    }
    sp_intake_end(loop, downstream);
}

static void
take_in(struct sp_loop *loop, struct sp_downstream *downstream, struct sp_span bytes)
{
    if (downstream->state == SP_DOWNSTREAM_LINGERING ||
        downstream->state == SP_DOWNSTREAM_FLUSHING) {
        downstream->lingered += bytes.len;
        if (downstream->lingered > SP_LINGERING_SIZE) {
            sp_downstream_close(loop, downstream, true);
        }
        return;
    }
    if (downstream->in.len == 0 && downstream->state == SP_DOWNSTREAM_READING) {
        downstream->since = sp_clock_now(); /* a head begins */
    }
    if (!sp_buffer_append(&downstream->in, bytes)) {
        sp_downstream_close(loop, downstream, true);
    }
    else if (downstream->state == SP_DOWNSTREAM_EXCHANGING) {
        sp_intake_go_on(loop, downstream);
    }
    else if (downstream->state == SP_DOWNSTREAM_READING) {
        /* Django would send its answer into the one that is not sent yet. */
        if (sp_connection_is_flushed(downstream->connection)) {
            sp_visit_begin(loop, downstream);
        }
        else {
            sp_downstream_touch(downstream);
        }
    }
}

static void
read_more(struct sp_loop *loop, struct sp_downstream *downstream)
{
    char bytes[SP_READ_SIZE];
    size_t wanted = room(downstream);

    if (wanted == 0) {
        downstream->is_full = true;
        sp_downstream_watch(loop, downstream);
        return;
    }
    ssize_t got = recv(downstream->connection->fd, bytes, wanted, 0);
    if (got > 0) {
        take_in(loop, downstream, (struct sp_span){bytes, (size_t)got});
    }
    else if (got == 0) {
        note_end(loop, downstream);
    }
    else if (!sp_descriptor_would_block()) {
        sp_downstream_close(loop, downstream, true);
    }
}

static void
look(struct sp_loop *loop, struct sp_downstream *downstream, unsigned events)
{
    if ((events & SP_POLL_OUT) != 0 && downstream->is_blocked) {
        send_waiting(loop, downstream);
        sp_downstream_touch(downstream);
    }
    if (downstream->state == SP_DOWNSTREAM_CLOSED) {
        return;
    }
    if ((events & (SP_POLL_IN | SP_POLL_ERROR)) != 0 && downstream->is_here &&
        !downstream->is_full) {
        read_more(loop, downstream);
    }
    else if ((events & SP_POLL_ERROR) != 0 && sp_client_is_gone(downstream->connection->fd)) {
        /* Looked at again: the event may be of a socket that had this number before. */
        sp_downstream_close(loop, downstream, true);
    }
}

static void
client_stirred(struct sp_loop *loop, struct sp_watcher *watcher, unsigned events)
{
    struct sp_downstream *downstream = (struct sp_downstream *)(void *)watcher;
    unsigned long long sent = downstream->connection->sent;

    look(loop, downstream, events);
    give_back_memory(downstream);
    sp_patience_note(downstream,
                     (events & SP_POLL_IN) != 0 || downstream->connection->sent != sent);
}

enum sp_error
sp_downstream_new(struct sp_listener *listener, int fd, const char *peer,
                  struct sp_downstream **downstream)
{
    struct sp_connection *connection = NULL;
    enum sp_error error = sp_connection_new(fd, &connection);

    if (error != SP_OK) {
        return error;
    }
    size_t peer_size = strlen(peer) + 1;
    struct sp_downstream *made = calloc(1, sizeof(*made) + peer_size);
    if (made == NULL) {
        sp_connection_free(connection);
        return SP_E_NO_MEMORY;
    }
    made->watcher.happened = client_stirred;
    made->listener = listener;
    made->connection = connection;
    made->is_here = true;
    made->waiting_since = SP_NEVER;
    made->since = sp_clock_now();
    sp_buffer_init(&made->in, SP_INTAKE_CEILING);
    memcpy(made->peer, peer, peer_size);
    *downstream = made;
    return SP_OK;
}

void
sp_downstream_free(struct sp_downstream *downstream)
{
    if (downstream != NULL) {
        sp_connection_free(downstream->connection);
        sp_buffer_clear(&downstream->in);
        free(downstream);
    }
}
