#include "engine/holding.h"

#include "core/clock.h"
#include "engine/hop.h"
#include "engine/loop.h"

#include <string.h>

/* ms since it was first found down; a dev server is back by then, or has a fault to be told of. */
#define SP_HOLDING_TIME 5000LL

/* ms; one that has not answered for longer has been stopped, not started again. */
#define SP_LATELY 60000LL

/* At once, over all upstreams: a page and what it loads. */
#define SP_HELD_MOST 32

static bool
is_held(const struct sp_hop *hop)
{
    return hop->held.expired != NULL;
}

/* Nothing of it is lost, and nothing done twice, however long it waits (RFC 9110, 9.2.1). */
static bool
can_wait(const struct sp_exchange *exchange)
{
    return (strcmp(exchange->method, "GET") == 0 || strcmp(exchange->method, "HEAD") == 0) &&
           (exchange->body_length == SP_BODY_NONE || exchange->body_length == 0);
}

static bool
is_likely_back(struct sp_upstream *upstream, long long now)
{
    long long answered = atomic_load(&upstream->answered);
    bool has_answered = answered != SP_NEVER && now - answered < SP_LATELY;

    if (!upstream->options.is_started && !has_answered) {
        return false;
    }
    if (atomic_load(&upstream->down_since) == SP_NEVER) {
        atomic_store(&upstream->down_since, now);
    }
    return now - atomic_load(&upstream->down_since) < SP_HOLDING_TIME;
}

bool
sp_holding_begin(struct sp_hop *hop, enum sp_error error,
                 void (*again)(struct sp_loop *loop, struct sp_timer *timer))
{
    struct sp_loop *loop = hop->loop;
    struct sp_upstream *upstream = hop->exchange->upstream;

    bool is_wanted =
        error == SP_E_CONNECT && upstream->options.is_development && can_wait(hop->exchange);

    if (!is_wanted || !is_likely_back(upstream, loop->now) ||
        (!is_held(hop) && loop->held == SP_HELD_MOST)) {
        return false;
    }
    loop->held += is_held(hop) ? 0 : 1;
    hop->held.expired = again;
    sp_timers_set(&loop->timers, &hop->held, SP_WAIT_RETRY, loop->now);
    return true;
}

void
sp_holding_end(struct sp_hop *hop)
{
    if (is_held(hop)) {
        sp_timer_clear(&hop->held);
        hop->held.expired = NULL;
        hop->loop->held--;
    }
}

void
sp_holding_note_answer(const struct sp_hop *hop)
{
    struct sp_upstream *upstream = hop->exchange->upstream;

    atomic_store(&upstream->answered, hop->loop->now);
    atomic_store(&upstream->down_since, SP_NEVER);
}
