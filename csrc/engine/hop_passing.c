#include "engine/hop_passing.h"

#include "engine/hop_request.h"
#include "engine/loop.h"

static void
count_down_request(struct sp_exchange *exchange, size_t count)
{
    pthread_mutex_lock(&exchange->mutex);
    exchange->request_left -= exchange->body_length > 0 ? (long long)count : 0;
    exchange->request_starved = false;
    pthread_mutex_unlock(&exchange->mutex);
}

enum sp_passing
sp_hop_pass(struct sp_hop *hop, int client, size_t *most, enum sp_io *io)
{
    hop->is_put_off = false;
    if (!sp_hop_request_may_pass(hop)) {
        return SP_PASSING_COPY;
    }
    bool has_one = hop->stream->splice != NULL;
    struct sp_splice *splice = has_one ? NULL : sp_splice_borrow(&hop->loop->splices);
    if (splice == NULL && !has_one) {
        return SP_PASSING_COPY;
    }
    hop->is_put_off = true;
    if (sp_hop_request_is_put_off(hop)) {
        sp_splice_give_back(splice);
        return SP_PASSING_LATER;
    }
    hop->is_put_off = false;
    if (!sp_splice_receive(&splice, client, *most, io)) {
        return SP_PASSING_COPY;
    }
    if (splice != NULL) {
        *most = splice->held;
        count_down_request(hop->exchange, splice->held);
        sp_stream_pass(hop->stream, splice);
    }
    return SP_PASSING_DONE;
}
