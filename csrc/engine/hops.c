#include "engine/hops.h"

#include "engine/hop.h"
#include "engine/loop.h"
#include "wire/request_head.h"

#include <stdlib.h>

/* Of a request's head: what may be sent, and what frames the body. */
#define SP_HEAD_ROOM (SP_REQUEST_HEAD_CEILING + 256)

/* Idle ones that are kept. */
#define SP_IDLE_HOPS 128

struct sp_hop *
sp_hops_borrow(struct sp_loop *loop)
{
    struct sp_hop *hop = loop->idle;

    if (hop == NULL) {
        hop = calloc(1, sizeof(*hop));
        if (hop != NULL) {
            hop->loop = loop;
            sp_queue_init(&hop->head, SP_HEAD_ROOM);
        }
        return hop;
    }
    loop->idle = hop->next;
    loop->idle_count--;
    return hop;
}

void
sp_hops_give_back(struct sp_hop *hop)
{
    struct sp_loop *loop = hop->loop;

    if (loop->idle_count == SP_IDLE_HOPS) {
        sp_hop_free(hop);
        return;
    }
    hop->next = loop->idle;
    loop->idle = hop;
    loop->idle_count++;
}

void
sp_hop_free(struct sp_hop *hop)
{
    sp_queue_clear(&hop->head);
    sp_chunked_clear(&hop->chunked);
    free(hop);
}
