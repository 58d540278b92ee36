#include "door/downstream.h"

#include "core/clock.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define BIT(state) (1U << (state))

#define SP_READ_SIZE ((size_t)64 * 1024)

/* Of what a client sends while its last answer goes out, and behind it. */
#define SP_LINGERING_SIZE ((size_t)16 * 1024 * 1024)

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
    downstream->since = downstream->door->loop->now;
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

void
sp_downstream_use_kept(struct sp_downstream *downstream)
{
    size_t kept = downstream->kept;

    downstream->kept = 0;
    sp_downstream_use(downstream, kept);
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

/* How many bytes may be read now. */
static size_t
make_room(struct sp_downstream *downstream)
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

bool
sp_downstream_has_room(struct sp_downstream *downstream)
{
    return make_room(downstream) > 0;
}

void
sp_downstream_watch(struct sp_downstream *downstream)
{
    unsigned events = SP_POLL_ERROR;

    events |= !downstream->stream->is_over && !downstream->stream->is_held ? SP_POLL_IN : 0U;
    events |= downstream->is_blocked ? SP_POLL_OUT : 0U;
    sp_stream_watch(downstream->stream, events);
}

void
sp_downstream_touch(struct sp_downstream *downstream)
{
    if (!downstream->is_touched) {
        downstream->is_touched = true;
        downstream->next_touched = downstream->door->touched;
        downstream->door->touched = downstream;
    }
}

static bool
take_in(struct sp_downstream *downstream, struct sp_span bytes)
{
    if (downstream->in.len == 0 && downstream->state == SP_DOWNSTREAM_READING) {
        downstream->since = downstream->door->loop->now; /* a head begins */
    }
    return sp_buffer_append(&downstream->in, bytes);
}

void
sp_downstream_stop(struct sp_downstream *downstream)
{
    downstream->stream->is_held = true;
    sp_downstream_watch(downstream);
}

enum sp_reading
sp_downstream_note(struct sp_downstream *downstream, enum sp_io io)
{
    switch (io) {
    case SP_IO_OK:
        return SP_READING_BYTES;
    case SP_IO_AGAIN:
        return SP_READING_NOTHING;
    case SP_IO_END:
        downstream->stream->is_over = true;
        return SP_READING_END;
    case SP_IO_BROKEN:
    case SP_IO_SHORT:
        break;
    }
    return SP_READING_BROKEN;
}

static enum sp_io
read_away(struct sp_downstream *downstream)
{
    enum sp_io io = sp_stream_read_away(downstream->stream);

    return downstream->stream->lingered > SP_LINGERING_SIZE ? SP_IO_BROKEN : io;
}

enum sp_reading
sp_downstream_read(struct sp_downstream *downstream)
{
    if (downstream->state == SP_DOWNSTREAM_FLUSHING ||
        downstream->state == SP_DOWNSTREAM_LINGERING) {
        return sp_downstream_note(downstream, read_away(downstream));
    }
    char bytes[SP_READ_SIZE];
    size_t wanted = make_room(downstream);
    size_t got = 0;

    if (wanted == 0) {
        sp_downstream_stop(downstream);
        return SP_READING_NOTHING;
    }
    enum sp_io io = sp_io_receive(downstream->stream->fd, bytes, wanted, &got);
    bool taken = got == 0 || take_in(downstream, (struct sp_span){bytes, got});
    return taken ? sp_downstream_note(downstream, io) : SP_READING_BROKEN;
}

/* To close now would destroy what the client has not read yet. */
enum sp_step
sp_downstream_linger(struct sp_downstream *downstream)
{
    if (downstream->stream->is_over) {
        return SP_STEP_CLOSE;
    }
    sp_downstream_set_state(downstream, SP_DOWNSTREAM_LINGERING);
    sp_stream_end(downstream->stream);
    downstream->in.len = downstream->used = 0;
    downstream->stream->is_held = false;
    sp_downstream_watch(downstream);
    return SP_STEP_NONE;
}

enum sp_error
sp_downstream_new(struct sp_door *door, int fd, const char *peer, struct sp_downstream **downstream)
{
    struct sp_stream *stream = sp_stream_of_client(fd);
    size_t peer_size = strlen(peer) + 1;
    struct sp_downstream *made = calloc(1, sizeof(*made) + peer_size);

    if (stream == NULL || made == NULL) {
        sp_stream_free(stream);
        free(made);
        return SP_E_NO_MEMORY;
    }
    made->door = door;
    made->stream = stream;
    made->waiting_since = SP_NEVER;
    made->since = door->loop->now;
    sp_buffer_init(&made->in, SP_INTAKE_CEILING);
    memcpy(made->peer, peer, peer_size);
    *downstream = made;
    return SP_OK;
}

void
sp_downstream_free(struct sp_downstream *downstream)
{
    if (downstream != NULL) {
        sp_stream_free(downstream->stream);
        sp_buffer_clear(&downstream->in);
        free(downstream);
    }
}
