#include "engine/hop_reading.h"

#include "engine/hop_answer.h"
#include "engine/loop.h"

#include <errno.h>

/* What is read at once until more comes and all of it is taken. */
#define SP_APPETITE_LEAST ((size_t)16 * 1024)

/* With less than this a pipe costs more than it saves. */
#define SP_SPLICE_WORTH ((long long)256 * 1024)

/* Between two plain sockets, where nothing of the bytes need be known but how many they are. */
static bool
is_due(const struct sp_hop *hop)
{
    const struct sp_client_end *client_end = hop->exchange->client_end;

    return hop->extent == SP_EXTENT_LENGTH && hop->left >= SP_SPLICE_WORTH &&
           hop->stream->tls == NULL && client_end != NULL && client_end->pass != NULL;
}

/* A system may have it and not for every socket, or forbid it. */
static bool
is_refused(ssize_t got)
{
    return got < 0 && (errno == EINVAL || errno == ENOSYS || errno == EPERM);
}

/* False: they must be copied, and nothing has been done. */
static bool
read_unseen(struct sp_hop *hop, enum sp_io *io)
{
    struct sp_splice *splice = is_due(hop) ? sp_splice_borrow(&hop->loop->splices) : NULL;

    if (splice == NULL) {
        return false;
    }
    ssize_t got = sp_splice_fill(splice, hop->stream->fd, (size_t)hop->left);
    bool goes_on = !is_refused(got);
    *io = sp_io_of(got);
    if (got > 0) {
        sp_hop_answer_pass(hop, splice);
    }
    else {
        sp_splice_give_back(splice);
    }
    return goes_on;
}

static size_t
room_for_copy(struct sp_hop *hop)
{
    struct sp_exchange *exchange = hop->exchange;

    if (exchange->client_end != NULL) {
        return hop->appetite > 0 ? hop->appetite : SP_APPETITE_LEAST;
    }
    pthread_mutex_lock(&exchange->mutex);
    size_t room = sp_pipe_room(&exchange->response);
    pthread_mutex_unlock(&exchange->mutex);
    return room < SP_RECEIVE_SIZE ? room : SP_RECEIVE_SIZE;
}

/* Much is read at once where much comes, `got` bytes of it, and all of it is taken; where not,
 * little waits in memory. */
static void
adapt(struct sp_hop *hop, size_t got)
{
    size_t appetite = hop->appetite > 0 ? hop->appetite : SP_APPETITE_LEAST;

    if (hop->is_held) {
        hop->appetite = SP_APPETITE_LEAST;
    }
    else if (got == appetite && appetite < SP_LOOP_BYTES) {
        hop->appetite = appetite * 2;
    }
}

static enum sp_io
read_copy(struct sp_hop *hop)
{
    char *bytes = hop->loop->bytes;
    size_t got = 0;
    enum sp_io io = sp_stream_receive(hop->stream, bytes, room_for_copy(hop), &got);

    if (io == SP_IO_OK) {
        sp_hop_answer_take(hop, (struct sp_span){bytes, got});
        adapt(hop, got);
    }
    return io;
}

enum sp_io
sp_hop_read(struct sp_hop *hop)
{
    enum sp_io io;

    return read_unseen(hop, &io) ? io : read_copy(hop);
}
