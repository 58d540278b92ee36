#include "door/handover.h"

#include "core/clock.h"
#include "core/descriptors.h"
#include "door/frame.h"
#include "door/listener.h"
#include "door/orphan.h"
#include "engine/connection.h"

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
give_up(struct sp_channel *channel)
{
    struct sp_channels *channels = &channel->listener->channels;

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
            give_up(channel);
        }
        return false;
    }
    struct sp_span spans[] = {{head, sizeof(head)}, frame->bytes};
    bool kept = sp_queue_keep(&channel->out, spans, 2, (size_t)sent);
    watch_channel(loop, channel);
    if (!kept) {
        give_up(channel);
    }
    return kept;
}

static bool
flush(struct sp_loop *loop, struct sp_channel *channel)
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

static void
lose(struct sp_loop *loop, struct sp_channel *channel, bool may_wait)
{
    while (channel->handed != NULL) {
        struct sp_downstream *downstream = channel->handed;
        sp_downstream_delist(downstream);
        sp_orphan_settle(loop, downstream, may_wait);
    }
}

static void
close_channel(struct sp_loop *loop, struct sp_channel *channel, bool may_wait)
{
    struct sp_channels *channels = &channel->listener->channels;
    struct sp_channel **link = &channels->first;

    while (*link != channel) {
        link = &(*link)->next;
    }
    *link = channel->next;
    if (channels->current == channel) {
        channels->current = NULL;
    }
    lose(loop, channel, may_wait);
    sp_sockets_disown(&loop->sockets, channel->fd);
    sp_descriptor_close(channel->fd);
    sp_queue_clear(&channel->out);
    free(channel);
}

static void
end_channel(struct sp_loop *loop, struct sp_channel *channel)
{
    struct sp_frame last = {.kind = 'E', .content_length = -1, .fd = -1};

    if (channel->listener->channels.current == channel) {
        channel->listener->channels.current = NULL;
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
find(const struct sp_channel *channel, unsigned long long id)
{
    struct sp_downstream *downstream = channel->handed;

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
    }
}

/* It waits again, but not to be handed over at once: what Django lacks it would lack still. */
static void
postpone(struct sp_loop *loop, struct sp_channel *channel, struct sp_downstream *downstream)
{
    channel->untaken -= downstream->is_taken ? 0 : 1;
    sp_downstream_delist(downstream);
    if (sp_orphan_take_back(loop, downstream)) {
        sp_listener_queue(channel->listener, downstream);
    }
}

/* Its answer is whole. */
static void
welcome_back(struct sp_loop *loop, struct sp_downstream *downstream)
{
    sp_downstream_delist(downstream);
    downstream->tries = 0;
    sp_downstream_use(downstream, downstream->handed);
    (void)sp_orphan_take_back(loop, downstream); /* or it is closed */
}

/* (26) Django has begun, gives the connection back, or has ended it. */
static void
obey(struct sp_loop *loop, struct sp_channel *channel, char kind, unsigned long long id)
{
    struct sp_downstream *downstream = find(channel, id);

    if (kind == 'L') {
        end_channel(loop, channel);
        return;
    }
    bool was_busy = channel->untaken == SP_HANDOVER_WINDOW;
    if (downstream == NULL) {
        return;
    }
    if (kind == 'N') {
        postpone(loop, channel, downstream);
        return;
    }
    note_taken(channel, downstream);
    if (kind == 'B') {
        welcome_back(loop, downstream);
    }
    else if (kind == 'C') {
        sp_downstream_delist(downstream);
        sp_downstream_close(loop, downstream, false);
    }
    if (was_busy) {
        sp_listener_retry(loop, channel->listener);
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
            obey(loop, channel, channel->words[0], sp_frame_number(channel->words + 1, 8));
        }
    }
    return got > 0 || (got < 0 && would_block());
}

static void
channel_stirred(struct sp_loop *loop, struct sp_watcher *watcher, unsigned events)
{
    struct sp_channel *channel = (struct sp_channel *)(void *)watcher;
    struct sp_listener *listener = channel->listener;
    bool is_open = true;

    if ((events & SP_POLL_OUT) != 0) {
        is_open = flush(loop, channel);
        if (is_open && sp_queue_is_empty(&channel->out)) {
            sp_listener_retry(loop, listener);
        }
    }
    if (is_open && (events & (SP_POLL_IN | SP_POLL_ERROR)) != 0) {
        is_open = read_words(loop, channel);
    }
    if (!is_open) {
        close_channel(loop, channel, true);
    }
}

enum sp_error
sp_handover_attach(struct sp_loop *loop, struct sp_listener *listener, int fd)
{
    struct sp_channel *made = calloc(1, sizeof(*made));

    if (made == NULL) {
        sp_descriptor_close(fd);
        return SP_E_NO_MEMORY;
    }
    made->watcher.happened = channel_stirred;
    made->listener = listener;
    made->fd = fd;
    sp_queue_init(&made->out, SP_CHANNEL_CEILING);
    if (!sp_descriptor_set_nonblocking(fd) || !sp_sockets_own(&loop->sockets, fd, &made->watcher)) {
        sp_descriptor_close(fd);
        free(made);
        return SP_E_SYSTEM;
    }
    made->next = listener->channels.first;
    listener->channels.first = made;
    listener->channels.current = made;
    watch_channel(loop, made);
    return SP_OK;
}

/* (25) The descriptor, and of what was read no more than this request. */
enum sp_error
sp_handover_give(struct sp_loop *loop, struct sp_downstream *downstream,
                 const struct sp_incoming *incoming)
{
    struct sp_channels *channels = &downstream->listener->channels;
    struct sp_channel *channel = channels->current;
    struct sp_span bytes = sp_downstream_unused(downstream);
    size_t length = sp_incoming_own(incoming, bytes.len);
    bool is_ordinary = incoming->upgrade == SP_UPGRADE_NONE;

    if (channel == NULL || channel->untaken == SP_HANDOVER_WINDOW) {
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
        .fd = downstream->connection->fd,
    };
    sp_sockets_disown(&loop->sockets, frame.fd); /* from here on it may be Python's */
    if (!send_frame(loop, channel, &frame)) {
        bool owned = sp_sockets_own(&loop->sockets, frame.fd, &downstream->watcher);
        sp_downstream_watch(loop, downstream);
        return owned ? SP_E_AGAIN : SP_E_NO_MEMORY;
    }
    channels->last_id++;
    downstream->id = frame.id;
    downstream->is_taken = false;
    downstream->handed = length;
    sp_downstream_enlist(downstream, &channel->handed);
    channel->untaken++;
    sp_downstream_set_state(downstream, SP_DOWNSTREAM_HANDED);
    return SP_OK;
}

enum sp_error
sp_handover_ask(struct sp_loop *loop, const struct sp_listener *listener, struct sp_span host)
{
    struct sp_frame frame = {.kind = 'H', .bytes = host, .content_length = -1, .fd = -1};
    struct sp_channel *channel = listener->channels.current;

    return channel != NULL && send_frame(loop, channel, &frame) ? SP_OK : SP_E_AGAIN;
}

void
sp_handover_end(struct sp_loop *loop, struct sp_listener *listener)
{
    for (struct sp_channel *next, *each = listener->channels.first; each != NULL; each = next) {
        next = each->next;
        close_channel(loop, each, false);
    }
}
