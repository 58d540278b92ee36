#include "door/handover.h"

#include "core/clock.h"
#include "core/descriptors.h"
#include "door/frame.h"
#include "door/orphan.h"
#include "door/showing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Of what waits in a channel for Django to read it: a request is at most a head and what was read
 * of its body, and a second one is not begun. */
#define SP_CHANNEL_CEILING (SP_INTAKE_CEILING + (size_t)64 * 1024)

static bool
would_block(void)
{
    return sp_descriptor_would_block() || errno == ETOOMANYREFS;
}

static void
watch_channel(struct sp_loop *loop, const struct sp_channel *channel)
{
    unsigned events = SP_POLL_IN;

    events |= !sp_queue_is_empty(&channel->out) || channel->is_crowded ? SP_POLL_OUT : 0U;
    sp_sockets_watch(&loop->sockets, channel->fd, events);
}

/* Its end is noticed in the next round; until then it gets nothing. */
static void
give_up_channel(struct sp_channel *channel)
{
    struct sp_channels *channels = channel->channels;

    if (channels->current == channel) {
        channels->current = NULL;
    }
    (void)shutdown(channel->fd, SHUT_RDWR); /* if it fails, the other end is gone already */
}

/* Sends a frame whole, or keeps the rest of it. False: it is to be sent later, or by another
 * channel. */
static bool
send_frame(struct sp_loop *loop, struct sp_channel *channel, const struct sp_frame *frame)
{
    char head[SP_FRAME_HEAD];
    char room[SP_FRAME_CONTROL];
    struct iovec vector[2] = {{head, sizeof(head)}, sp_io_vector(frame->bytes)};
    struct msghdr message = {.msg_iov = vector, .msg_iovlen = frame->bytes.len > 0 ? 2 : 1};

    if (!sp_queue_is_empty(&channel->out)) {
        return false;
    }
    sp_frame_write_head(frame, head);
    sp_frame_attach(&message, room, frame->fd);
    ssize_t sent = sendmsg(channel->fd, &message, MSG_NOSIGNAL);
    if (sent < 0) {
        channel->is_crowded = would_block();
        watch_channel(loop, channel);
        if (!channel->is_crowded) {
            give_up_channel(channel);
        }
        return false;
    }
    struct sp_span spans[] = {{head, sizeof(head)}, frame->bytes};
    bool kept = sp_queue_keep(&channel->out, spans, 2, (size_t)sent);
    watch_channel(loop, channel);
    if (!kept) {
        give_up_channel(channel);
    }
    return kept;
}

static bool
flush_channel(struct sp_loop *loop, struct sp_channel *channel)
{
    size_t taken;

    if (!sp_queue_is_empty(&channel->out) &&
        sp_queue_send(&channel->out, channel->fd, NULL, 0, &taken) == SP_IO_BROKEN) {
        return false;
    }
    channel->is_crowded = channel->is_crowded && !sp_queue_is_empty(&channel->out);
    watch_channel(loop, channel);
    return true;
}

/* Out of its row, and the conductor is told. */
static void
let_go_of(struct sp_channel *channel, struct sp_downstream *downstream,
          enum sp_handover_event event)
{
    sp_waiting_leave(downstream);
    channel->channels->tell(channel->channels, downstream, event);
}

static void
close_channel(struct sp_loop *loop, struct sp_channel *channel, enum sp_handover_event event)
{
    struct sp_channels *channels = channel->channels;
    struct sp_channel **link = &channels->first;

    while (*link != channel) {
        link = &(*link)->next;
    }
    *link = channel->next;
    if (channels->current == channel) {
        channels->current = NULL;
    }
    for (size_t row = 0; row < SP_HANDOVER_ROWS; row++) {
        while (channel->handed[row].first != NULL) {
            let_go_of(channel, channel->handed[row].first, event);
        }
    }
    sp_sockets_disown(&loop->sockets, channel->fd);
    sp_descriptor_close(channel->fd);
    sp_queue_clear(&channel->out);
    free(channel);
}

static void
end_channel(struct sp_loop *loop, struct sp_channel *channel)
{
    struct sp_frame last = {.kind = 'E', .content_length = -1, .fd = -1};

    if (channel->channels->current == channel) {
        channel->channels->current = NULL;
    }
    if (!send_frame(loop, channel, &last)) {
        char head[SP_FRAME_HEAD];
        sp_frame_write_head(&last, head);
        /* Without memory for it Django waits a little longer before it leaves. */
        (void)sp_queue_append(&channel->out, (struct sp_span){head, sizeof(head)});
        watch_channel(loop, channel);
    }
}

static struct sp_downstream *
find_handed(const struct sp_channel *channel, unsigned long long id)
{
    struct sp_downstream *downstream = channel->handed[id % SP_HANDOVER_ROWS].first;

    while (downstream != NULL && downstream->id != id) {
        downstream = downstream->next_waiting;
    }
    return downstream;
}

static void
note_taken(struct sp_channel *channel, struct sp_downstream *downstream)
{
    if (!downstream->is_taken) {
        downstream->is_taken = true;
        downstream->waiting_since = SP_NEVER;
        channel->untaken--;
        sp_showing_ask(downstream);
    }
}

static bool
is_busy(const struct sp_channel *channel)
{
    return channel->untaken == SP_HANDOVER_WINDOW;
}

static void
tell_of_room(const struct sp_channel *channel)
{
    channel->channels->tell(channel->channels, NULL, SP_HANDOVER_ROOM);
}

/* One whose row is ended before: its connection may have another at once. */
static void
note_end(struct sp_channel *channel, struct sp_downstream *downstream, const char *words)
{
    sp_showing_end(downstream, (long long)sp_frame_number(words + 9, 8));
    let_go_of(channel, downstream, words[0] == 'B' ? SP_HANDOVER_BACK : SP_HANDOVER_CLOSED);
}

/* (22) Django has begun, gives the connection back, or has ended it. */
static void
obey(struct sp_loop *loop, struct sp_channel *channel)
{
    const char *words = channel->words;
    char kind = words[0];
    unsigned long long id = sp_frame_number(words + 1, 8);
    struct sp_downstream *downstream = find_handed(channel, id);
    bool was_busy = is_busy(channel);

    if (kind == 'L') {
        end_channel(loop, channel);
        return;
    }
    if (downstream == NULL) {
        return;
    }
    if (kind == 'N') {
        channel->untaken -= downstream->is_taken ? 0 : 1;
        let_go_of(channel, downstream, SP_HANDOVER_UNTAKEN);
        return;
    }
    note_taken(channel, downstream);
    if (kind == 'A') {
        sp_showing_answer(downstream, (int)sp_frame_number(words + 15, 2),
                          (int)sp_frame_number(words + 13, 2));
    }
    else if (kind == 'B' || kind == 'C') {
        note_end(channel, downstream, words);
    }
    if (was_busy) {
        tell_of_room(channel);
    }
}

/* False at the end of the channel. */
static bool
read_words(struct sp_loop *loop, struct sp_channel *channel)
{
    char bytes[SP_HANDOVER_WORD * 64];
    ssize_t got = recv(channel->fd, bytes, sizeof(bytes), 0);

    for (ssize_t i = 0; i < got; i++) {
        channel->words[channel->word_count++] = bytes[i];
        if (channel->word_count == SP_HANDOVER_WORD) {
            channel->word_count = 0;
            obey(loop, channel);
        }
    }
    return got > 0 || (got < 0 && would_block());
}

static void
channel_stirred(struct sp_loop *loop, struct sp_watcher *watcher, unsigned events)
{
    struct sp_channel *channel = (struct sp_channel *)(void *)watcher;
    bool is_open = true;

    if ((events & SP_POLL_OUT) != 0) {
        is_open = flush_channel(loop, channel);
        if (is_open && sp_queue_is_empty(&channel->out)) {
            tell_of_room(channel);
        }
    }
    if (is_open && (events & (SP_POLL_IN | SP_POLL_ERROR)) != 0) {
        is_open = read_words(loop, channel);
    }
    if (!is_open) {
        close_channel(loop, channel, SP_HANDOVER_LOST);
    }
}

enum sp_error
sp_handover_attach(struct sp_loop *loop, struct sp_channels *channels, int fd)
{
    struct sp_channel *made = calloc(1, sizeof(*made));

    if (made == NULL) {
        sp_descriptor_close(fd);
        return SP_E_NO_MEMORY;
    }
    made->watcher.happened = channel_stirred;
    made->channels = channels;
    made->fd = fd;
    sp_queue_init(&made->out, SP_CHANNEL_CEILING);
    if (!sp_descriptor_set_nonblocking(fd) || !sp_sockets_own(&loop->sockets, fd, &made->watcher)) {
        sp_descriptor_close(fd);
        free(made);
        return SP_E_SYSTEM;
    }
    made->next = channels->first;
    channels->first = made;
    channels->current = made;
    watch_channel(loop, made);
    return SP_OK;
}

bool
sp_handover_has_room(const struct sp_channels *channels)
{
    const struct sp_channel *channel = channels->current;

    return channel != NULL && !is_busy(channel) && sp_queue_is_empty(&channel->out);
}

/* (22) The descriptor, and of what was read no more than this request. */
enum sp_error
sp_handover_give(struct sp_channels *channels, struct sp_downstream *downstream)
{
    const struct sp_incoming *incoming = &downstream->door->incoming;
    struct sp_loop *loop = downstream->door->loop;
    struct sp_channel *channel = channels->current;
    struct sp_span bytes = sp_downstream_unused(downstream);
    size_t length = sp_incoming_own(incoming, bytes.len);
    bool is_ordinary = incoming->upgrade == SP_UPGRADE_NONE;

    if (!sp_handover_has_room(channels)) {
        return SP_E_AGAIN;
    }
    if (!sp_orphan_prepare(downstream, incoming)) {
        return SP_E_CLIENT_GONE;
    }
    bytes.len = is_ordinary ? length : bytes.len;
    struct sp_frame frame = {
        .kind = 'R',
        .flags = is_ordinary ? 0 : SP_HANDOVER_COPY,
        .bytes = bytes,
        .content_length = incoming->content_length,
        .id = channels->last_id + 1,
        .fd = downstream->stream->fd,
    };
    sp_stream_watch(downstream->stream, 0); /* from here on it may be Python's */
    if (!send_frame(loop, channel, &frame)) {
        sp_downstream_watch(downstream);
        return SP_E_AGAIN;
    }
    channels->last_id++;
    downstream->id = frame.id;
    downstream->is_taken = false;
    downstream->handed = length;
    sp_waiting_add(&channel->handed[frame.id % SP_HANDOVER_ROWS], downstream);
    sp_showing_begin(downstream, NULL);
    channel->untaken++;
    sp_downstream_set_state(downstream, SP_DOWNSTREAM_HANDED);
    return SP_OK;
}

enum sp_error
sp_handover_ask(struct sp_loop *loop, const struct sp_channels *channels, struct sp_span host)
{
    struct sp_frame frame = {.kind = 'H', .bytes = host, .content_length = -1, .fd = -1};
    struct sp_channel *channel = channels->current;

    return channel != NULL && send_frame(loop, channel, &frame) ? SP_OK : SP_E_AGAIN;
}

void
sp_handover_end(struct sp_loop *loop, struct sp_channels *channels)
{
    while (channels->first != NULL) {
        close_channel(loop, channels->first, SP_HANDOVER_ABANDONED);
    }
}
