#include "engine/hop_reading.h"

#include "engine/client_end.h"
#include "engine/hop_answer.h"
#include "engine/loop.h"

#include <stdint.h>

/* What is read at once until more comes and all of it is taken. */
#define SP_APPETITE_LEAST ((size_t)16 * 1024)

/* What may wait for all clients together before each is read no more than the least for. */
#define SP_BEHIND_MOST ((size_t)4 * 1024 * 1024)

/* How many of the next bytes need not be seen, where they are many. */
static size_t
unseen(const struct sp_hop *hop)
{
    switch (hop->extent) {
    case SP_EXTENT_LENGTH:
        return hop->left >= (long long)SP_SPLICE_WORTH ? (size_t)hop->left : 0;
    case SP_EXTENT_TUNNEL:
        return sp_flow_is_at_least(&hop->stream->flow, SP_SPLICE_WORTH, hop->loop->now) ? SIZE_MAX
                                                                                        : 0;
    default:
        return 0;
    }
}

/* Between two plain sockets. */
static bool
is_passable(const struct sp_hop *hop)
{
    const struct sp_client_end *client_end = hop->exchange->client_end;

    return hop->stream->tls == NULL && client_end->pass != NULL;
}

/* False: they must be copied, and nothing has been done. */
static bool
read_answer_unseen(struct sp_hop *hop, enum sp_io *io)
{
    size_t most = is_passable(hop) ? unseen(hop) : 0;
    struct sp_splice *splice = most > 0 ? sp_splice_borrow(&hop->loop->splices) : NULL;

    if (splice == NULL || !sp_splice_receive(&splice, hop->stream->fd, most, io)) {
        return false;
    }
    if (splice != NULL) {
        sp_flow_count(&hop->stream->flow, splice->held, hop->loop->now);
        sp_hop_answer_pass(hop, splice);
    }
    return true;
}

static size_t
appetite_of(const struct sp_hop *hop)
{
    size_t behind = hop->loop->behind;
    size_t left = behind < SP_BEHIND_MOST ? SP_BEHIND_MOST - behind : 0;
    size_t most = hop->appetite < left ? hop->appetite : left;

    return most > SP_APPETITE_LEAST ? most : SP_APPETITE_LEAST;
}

static size_t
room_for_copy(struct sp_hop *hop)
{
    struct sp_exchange *exchange = hop->exchange;

    return exchange->client_end->room != NULL ? exchange->client_end->room(exchange)
                                              : appetite_of(hop);
}

void
sp_hop_count_behind(struct sp_hop *hop, size_t count)
{
    hop->loop->behind += count - hop->behind;
    hop->behind = count;
}

/* Much is read at once where much comes, `got` bytes of it, and all of it is taken; where not,
 * little waits in memory. */
static void
adapt(struct sp_hop *hop, size_t got)
{
    size_t appetite = appetite_of(hop);

    sp_hop_count_behind(hop, hop->exchange->response_held ? got : 0);
    if (hop->behind > 0) {
        hop->appetite = SP_APPETITE_LEAST;
    }
    else if (got == appetite && appetite < SP_LOOP_BYTES) {
        hop->appetite = appetite * 2;
    }
}

static enum sp_io
read_answer_copy(struct sp_hop *hop)
{
    char *bytes = hop->loop->bytes;
    size_t got = 0;
    enum sp_io io = sp_stream_receive(hop->stream, bytes, room_for_copy(hop), &got);

    if (io == SP_IO_OK) {
        sp_flow_count(&hop->stream->flow, got, hop->loop->now);
        sp_hop_answer_take(hop, (struct sp_span){bytes, got});
        adapt(hop, got);
    }
    return io;
}

enum sp_io
sp_hop_read(struct sp_hop *hop)
{
    enum sp_io io;

    return read_answer_unseen(hop, &io) ? io : read_answer_copy(hop);
}
