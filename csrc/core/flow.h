/* How much moves in one direction of late: whether it is worth what moving much asks for. */
#ifndef SP_CORE_FLOW_H
#define SP_CORE_FLOW_H

#include <stdbool.h>
#include <stddef.h>

/* All zeroes: nothing has moved. */
struct sp_flow {
    long long since;      /* ms; when counting began */
    size_t count, before; /* bytes since then, and in the time as long before it */
};

/* `bytes` have moved at `now`, ms. */
void sp_flow_count(struct sp_flow *flow, size_t bytes, long long now);

/* Whether so much has moved within the last half of a second, and something just now. */
bool sp_flow_is_at_least(const struct sp_flow *flow, size_t bytes, long long now);

#endif
