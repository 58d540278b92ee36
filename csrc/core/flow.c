#include "core/flow.h"

/* Half of the time that counts. */
#define SP_FLOW_WHILE 250LL

void
sp_flow_count(struct sp_flow *flow, size_t bytes, long long now)
{
    long long passed = now - flow->since;

    if (passed >= SP_FLOW_WHILE) {
        flow->before = passed < 2 * SP_FLOW_WHILE ? flow->count : 0;
        flow->count = 0;
        flow->since = now;
    }
    flow->count += bytes;
}

bool
sp_flow_is_at_least(const struct sp_flow *flow, size_t bytes, long long now)
{
    return now - flow->since < 2 * SP_FLOW_WHILE && flow->before + flow->count >= bytes;
}
