#undef NDEBUG
#include "connect_loop.h"

#include "core/clock.h"
#include "core/descriptors.h"

#include <assert.h>
#include <stdio.h>

struct sp_loop loop;

static void
happened(struct sp_loop *unused, struct sp_watcher *watcher, unsigned events)
{
    assert(unused == &loop);
    ((struct call *)((struct sp_stream *)watcher)->user)->happened |= events;
}

void
done(struct sp_loop *given, void *owner, const struct sp_connected *connected)
{
    struct call *call = owner;

    assert(given == &loop && !call->told);
    call->told = true;
    call->attempt = NULL;
    call->connected = *connected;
    (void)snprintf(call->words, sizeof(call->words), "%s", connected->words);
    loop.told++;
    if (connected->error == SP_OK) {
        assert(connected->fd >= 0 && sp_descriptor_is_kept(connected->fd));
        call->stream = sp_stream_new(&loop.sockets, loop.upstream, connected);
        assert(call->stream != NULL);
        sp_stream_give_to(call->stream, call, happened);
    }
}

void
begin(struct call *call, sp_connected_fn *told)
{
    *call = (struct call){.told = false};
    call->attempt = sp_connector_begin(loop.connector, loop.upstream, told, call);
    assert(call->attempt != NULL);
}

/* One round, at most `timeout` ms long. */
void
turn(long long timeout)
{
    struct sp_poll_event events[64];
    long long now = sp_clock_now();
    long long due;

    loop.rounds++;
    size_t told = loop.told;
    sp_connector_run(loop.connector, now);
    due = sp_connector_deadline(loop.connector);
    if (loop.told != told) {
        timeout = 0;
    }
    else if (due != SP_NEVER && due - now < timeout) {
        timeout = due > now ? due - now : 0;
    }
    size_t count = sp_poller_wait(loop.poller, (int)timeout, events, COUNT(events));
    for (size_t i = 0; i < count; i++) {
        struct sp_watcher *watcher = sp_sockets_watcher(&loop.sockets, events[i].fd);
        if (watcher != NULL) {
            watcher->happened(&loop, watcher, events[i].events);
        }
    }
}

void
turn_until_told(size_t count)
{
    long long end = sp_clock_now() + LIMIT;

    while (loop.told < count) {
        assert(sp_clock_now() < end);
        turn(1000);
    }
}

void
wait_for(struct call *call, unsigned events)
{
    long long end = sp_clock_now() + LIMIT;

    call->happened = 0;
    sp_stream_watch(call->stream, events);
    while (call->happened == 0) {
        assert(sp_clock_now() < end);
        turn(1000);
    }
    sp_stream_watch(call->stream, 0);
}

enum sp_io
send_some(struct call *call, struct sp_span bytes, size_t *taken)
{
    return sp_stream_send(call->stream, &bytes, 1, taken);
}

void
say(struct call *call, struct sp_span bytes)
{
    size_t taken = 0;

    while (bytes.len > 0 || sp_stream_is_behind(call->stream)) {
        enum sp_io io = send_some(call, bytes, &taken);
        assert(io == SP_IO_OK || io == SP_IO_AGAIN);
        bytes = (struct sp_span){bytes.data + taken, bytes.len - taken};
        if (io == SP_IO_AGAIN) {
            wait_for(call, SP_POLL_OUT);
        }
    }
}

/* Waits for `least` bytes, or for the end. */
enum sp_io
hear(struct call *call, char *bytes, size_t size, size_t least, size_t *heard)
{
    enum sp_io io = SP_IO_OK;

    *heard = 0;
    while (*heard < least && (io == SP_IO_OK || io == SP_IO_AGAIN)) {
        size_t got = 0;
        io = sp_stream_receive(call->stream, bytes + *heard, size - *heard, &got);
        *heard += got;
        if (io == SP_IO_AGAIN) {
            wait_for(call, SP_POLL_IN);
        }
    }
    return io;
}
