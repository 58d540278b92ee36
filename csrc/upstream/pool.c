#include "upstream/pool.h"

#include "core/clock.h"

#include <limits.h>
#include <stdlib.h>

struct sp_resting {
    struct sp_pool *pool;
    struct sp_upstream *upstream; /* one of those that are the same; a reference of our own */
    struct sp_stream *youngest, *oldest;
    long long used; /* ms; when one was last put here */
    struct sp_resting *next;
};

static struct sp_resting *
find(const struct sp_pool *pool, const struct sp_upstream *upstream)
{
    struct sp_resting *resting = pool->first;

    while (resting != NULL && !sp_upstream_is_same(resting->upstream, upstream)) {
        resting = resting->next;
    }
    return resting;
}

static struct sp_resting *
find_or_make(struct sp_pool *pool, struct sp_upstream *upstream)
{
    struct sp_resting *resting = find(pool, upstream);

    if (resting == NULL) {
        resting = calloc(1, sizeof(*resting));
        if (resting != NULL) {
            resting->pool = pool;
            resting->upstream = sp_upstream_take(upstream);
            resting->next = pool->first;
            pool->first = resting;
        }
    }
    return resting;
}

static void
take_out(struct sp_resting *resting, struct sp_stream *stream)
{
    *(stream->younger != NULL ? &stream->younger->older : &resting->youngest) = stream->older;
    *(stream->older != NULL ? &stream->older->younger : &resting->oldest) = stream->younger;
    stream->younger = stream->older = NULL;
    resting->pool->count--;
}

/* Its end, or bytes that nobody asked for. */
static void
resting_happened(struct sp_loop *loop, struct sp_watcher *watcher, unsigned events)
{
    struct sp_stream *stream = (struct sp_stream *)(void *)watcher;

    (void)loop;
    (void)events; /* it is looked at: they may be of a socket that had this number before */
    if (!sp_stream_is_quiet(stream)) {
        take_out(stream->user, stream);
        sp_stream_free(stream);
    }
}

struct sp_stream *
sp_pool_take(struct sp_pool *pool, const struct sp_upstream *upstream, long long now)
{
    struct sp_resting *resting = find(pool, upstream);
    struct sp_stream *stream = resting != NULL ? resting->youngest : NULL;

    while (stream != NULL) {
        struct sp_stream *older = stream->older;
        take_out(resting, stream);
        if (now < stream->idle_until && sp_stream_is_quiet(stream)) {
            return stream;
        }
        sp_stream_free(stream);
        stream = older;
    }
    return NULL;
}

void
sp_pool_put(struct sp_pool *pool, struct sp_stream *stream, long long now, long long keep_alive)
{
    long long limit = SP_IDLE_LIMIT;

    if (keep_alive >= 0 && (keep_alive - 1) * 1000 < limit) {
        limit = (keep_alive - 1) * 1000;
    }
    struct sp_resting *resting =
        limit > 0 && pool->count < SP_POOL_MOST ? find_or_make(pool, stream->upstream) : NULL;
    if (resting == NULL) {
        sp_stream_free(stream);
        return;
    }
    stream->is_used = true;
    stream->idle_until = now + limit;
    stream->older = resting->youngest;
    *(stream->older != NULL ? &stream->older->younger : &resting->oldest) = stream;
    resting->youngest = stream;
    resting->used = now;
    pool->count++;
    sp_stream_give_to(stream, resting, resting_happened);
    sp_stream_watch(stream, SP_POLL_IN);
}

/* The one that is over first of those that have rested longest, each at its upstream. */
static struct sp_stream *
oldest_of(const struct sp_pool *pool)
{
    struct sp_stream *oldest = NULL;

    for (const struct sp_resting *each = pool->first; each != NULL; each = each->next) {
        if (oldest == NULL ||
            (each->oldest != NULL && each->oldest->idle_until < oldest->idle_until)) {
            oldest = each->oldest;
        }
    }
    return oldest;
}

void
sp_pool_trim(struct sp_pool *pool, size_t most)
{
    struct sp_stream *oldest = oldest_of(pool);

    while (pool->count > most && oldest != NULL) {
        take_out(oldest->user, oldest);
        sp_stream_free(oldest);
        oldest = oldest_of(pool);
    }
}

long long
sp_pool_deadline(const struct sp_pool *pool)
{
    const struct sp_stream *oldest = oldest_of(pool);

    return oldest != NULL ? oldest->idle_until : SP_NEVER;
}

/* Those that have rested for long enough. One with a shorter limit than an older one waits for
 * that, and is looked at before it is used. */
static void
close_old(struct sp_resting *resting, long long now)
{
    struct sp_stream *stream = resting->oldest;

    while (stream != NULL && now >= stream->idle_until) {
        struct sp_stream *younger = stream->younger;
        take_out(resting, stream);
        sp_stream_free(stream);
        stream = younger;
    }
}

void
sp_pool_expire(struct sp_pool *pool, long long now)
{
    struct sp_resting **link = &pool->first;

    while (*link != NULL) {
        struct sp_resting *resting = *link;
        close_old(resting, now);
        if (resting->oldest == NULL && now - resting->used > SP_IDLE_LIMIT) {
            *link = resting->next;
            sp_upstream_give_back(resting->upstream);
            free(resting);
        }
        else {
            link = &resting->next;
        }
    }
}

void
sp_pool_clear(struct sp_pool *pool)
{
    sp_pool_expire(pool, LLONG_MAX);
}
