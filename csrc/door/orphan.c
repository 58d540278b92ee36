#include "door/orphan.h"

#include "core/descriptors.h"
#include "door/refusal.h"
#include "door/showing.h"
#include "engine/client_socket.h"

/* "HTTP/1.1 100 Continue\r\n\r\n", which is no answer. */
#define SP_CONTINUE_SIZE 25ULL

/* How often a request is begun; one that ends each process would do so for ever. */
#define SP_ORPHAN_TRIES 5U

bool
sp_orphan_prepare(struct sp_downstream *downstream, const struct sp_incoming *incoming)
{
    unsigned long long written = 0;
    size_t body = sp_downstream_unused(downstream).len - incoming->length;
    bool is_known = sp_client_written(downstream->stream->fd, &written);

    if (downstream->tries > 0 && (!is_known || written != downstream->written)) {
        return false;
    }
    downstream->is_written_known = is_known;
    downstream->written = written;
    downstream->expects_continue = incoming->expects_continue;
    downstream->is_last = !incoming->keep_alive;
    downstream->is_whole = incoming->content_length <= (long long)body;
    return true;
}

/* Whether nothing of an answer is out. Where that is not known, something may be. */
static bool
is_unanswered(const struct sp_downstream *downstream)
{
    unsigned long long written;

    if (!downstream->is_written_known || !sp_client_written(downstream->stream->fd, &written)) {
        return false;
    }
    unsigned long long since = written - downstream->written;
    return since == 0 || (downstream->expects_continue && since == SP_CONTINUE_SIZE);
}

/* Safe methods change nothing (RFC 9110, 9.2.1); of a body Django may have read what we have not.
 */
static bool
is_repeatable(const struct sp_downstream *downstream)
{
    struct sp_span bytes = sp_downstream_unused(downstream);
    struct sp_span method = sp_span_cut(&bytes, ' ');
    bool is_safe = sp_span_equal(method, SP_SPAN("GET")) ||
                   sp_span_equal(method, SP_SPAN("HEAD")) ||
                   sp_span_equal(method, SP_SPAN("OPTIONS"));

    return is_safe && downstream->is_whole && downstream->tries < SP_ORPHAN_TRIES;
}

enum sp_step
sp_orphan_take_back(struct sp_downstream *downstream)
{
    sp_downstream_set_state(downstream, SP_DOWNSTREAM_READING);
    if (!sp_descriptor_set_nonblocking(downstream->stream->fd)) {
        return SP_STEP_RESET;
    }
    downstream->stream->is_held = false;
    downstream->scanned = 0;
    sp_downstream_watch(downstream);
    sp_downstream_touch(downstream);
    return SP_STEP_NONE;
}

/* Browsers send a request again by themselves when a connection ends before a byte of its answer,
 * whatever its method: so an answer is said as long as one can be. */
enum sp_step
sp_orphan_settle(struct sp_downstream *downstream, bool may_wait)
{
    if (downstream->is_taken && !is_unanswered(downstream)) {
        sp_showing_break(downstream, SP_E_SHUTDOWN);
        (void)sp_client_cut(downstream->stream->fd); /* else the last copy's end does it */
        return SP_STEP_RESET;
    }
    bool may_be_done = downstream->is_taken && !is_repeatable(downstream);
    enum sp_step step = sp_orphan_take_back(downstream);
    if (step != SP_STEP_NONE) {
        return step;
    }
    if (may_be_done) {
        return sp_refusal_queue_own(downstream, may_wait ? SP_OWN_RESTARTED : SP_OWN_ENDED);
    }
    if (!may_wait) {
        return sp_refusal_queue_own(downstream, SP_OWN_ENDING);
    }
    downstream->tries += downstream->is_taken ? 1 : 0;
    return SP_STEP_NONE;
}
