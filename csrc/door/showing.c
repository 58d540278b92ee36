#include "door/showing.h"

#include "core/clock.h"

/* Who looks at the feed does not want to see that. */
#define SP_OWN_PATH SP_SPAN("/__samesite__/")

static struct sp_feed *
feed_of(const struct sp_downstream *downstream)
{
    return downstream->door->loop->feed;
}

static long long
now_at(const struct sp_downstream *downstream)
{
    return downstream->door->loop->now;
}

static bool
is_own(struct sp_span target)
{
    struct sp_span path = SP_OWN_PATH;

    if (target.len > path.len) {
        target.len = path.len;
    }
    return sp_span_equal(target, path);
}

/* Whatever it has waited for before it is somebody's, it has waited. */
static long long
began_at(const struct sp_downstream *downstream)
{
    return downstream->waiting_since != SP_NEVER ? downstream->waiting_since : now_at(downstream);
}

static bool
is_shown(const struct sp_downstream *downstream)
{
    return sp_feed_scope(feed_of(downstream)) == SP_FEED_DOOR;
}

void
sp_showing_begin(struct sp_downstream *downstream, const struct sp_upstream *upstream)
{
    const struct sp_incoming *incoming = &downstream->door->incoming;

    if (!is_shown(downstream) || (upstream == NULL && is_own(incoming->target))) {
        return;
    }
    struct sp_feed_request request = {
        .method = incoming->method,
        .target = incoming->target,
        .who = SP_FEED_DJANGO,
        .now = began_at(downstream),
    };
    if (upstream != NULL) {
        request.who = SP_FEED_FIRST_FRONTEND;
        request.name = sp_upstream_place(upstream);
    }
    downstream->row = sp_feed_open(feed_of(downstream), downstream->row, &request);
}

void
sp_showing_ask(const struct sp_downstream *downstream)
{
    sp_feed_ask(feed_of(downstream), downstream->row, now_at(downstream));
}

void
sp_showing_answer(const struct sp_downstream *downstream, int status, int who)
{
    sp_feed_answer(feed_of(downstream), downstream->row, status, now_at(downstream));
    sp_feed_attribute(feed_of(downstream), downstream->row, who);
}

void
sp_showing_end(struct sp_downstream *downstream, long long sent)
{
    sp_feed_count(feed_of(downstream), downstream->row, sent);
    sp_feed_end(feed_of(downstream), downstream->row, SP_OK, now_at(downstream));
    sp_showing_leave(downstream);
}

void
sp_showing_refuse(struct sp_downstream *downstream, int status)
{
    if (downstream->row == 0 && is_shown(downstream)) {
        struct sp_span unused = sp_downstream_unused(downstream);
        struct sp_span line = sp_span_cut(&unused, '\n');
        struct sp_feed_request request = {
            .method = sp_span_cut(&line, ' '),
            .target = sp_span_cut(&line, ' '),
            .who = SP_FEED_US,
            .now = began_at(downstream),
        };
        downstream->row = sp_feed_open(feed_of(downstream), 0, &request);
    }
    sp_feed_refuse(feed_of(downstream), downstream->row, status, now_at(downstream));
    sp_feed_count(feed_of(downstream), downstream->row, downstream->visit.sent);
    sp_showing_leave(downstream);
}

void
sp_showing_leave(struct sp_downstream *downstream)
{
    downstream->row = 0;
}

void
sp_showing_break(struct sp_downstream *downstream, enum sp_error error)
{
    sp_feed_end(feed_of(downstream), downstream->row, error, now_at(downstream));
    sp_showing_leave(downstream);
}
