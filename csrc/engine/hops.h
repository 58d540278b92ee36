/* The memory of hops, some of which is kept for the next exchanges. The engine thread's alone. */
#ifndef SP_ENGINE_HOPS_H
#define SP_ENGINE_HOPS_H

struct sp_hop;
struct sp_loop;

/* All of it is as it was left; NULL when memory is short. */
struct sp_hop *sp_hops_borrow(struct sp_loop *loop);
void sp_hops_give_back(struct sp_hop *hop);

void sp_hop_free(struct sp_hop *hop);

#endif
