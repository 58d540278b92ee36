/* The upstreams' connections that carry no request, kept warm for the next one. The engine thread's
 * alone. */
#ifndef SP_UPSTREAM_POOL_H
#define SP_UPSTREAM_POOL_H

#include "upstream/stream.h"

/* No connection is used again after lying idle for longer; Node closes after 5 s. */
#define SP_IDLE_LIMIT 4000LL /* ms */

/* How many may rest at once. */
#define SP_POOL_MOST ((size_t)512)

struct sp_resting;

struct sp_pool {
    struct sp_resting *first; /* owned; one entry an upstream that has some */
    size_t count;
};

/* The one that has come to rest last, if it still may be used; NULL: there is none. */
struct sp_stream *sp_pool_take(struct sp_pool *pool, const struct sp_upstream *upstream,
                               long long now);

/* Takes `stream`, which its upstream keeps for `keep_alive` s (or SP_LENGTH_UNKNOWN), or closes it.
 */
void sp_pool_put(struct sp_pool *pool, struct sp_stream *stream, long long now,
                 long long keep_alive);

/* Closes those that have rested longest until there are no more than `most`. */
void sp_pool_trim(struct sp_pool *pool, size_t most);

/* ms; when the next one has rested for long enough, or SP_NEVER. */
long long sp_pool_deadline(const struct sp_pool *pool);

/* Closes those that have. */
void sp_pool_expire(struct sp_pool *pool, long long now);

void sp_pool_clear(struct sp_pool *pool);

#endif
