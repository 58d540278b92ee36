/* The exchanges at work in a loop: taken in, given a transfer, ended. The engine thread's. */
#ifndef SP_ENGINE_ROSTER_H
#define SP_ENGINE_ROSTER_H

#include "engine/loop.h"

/* Takes the reference of a new exchange and starts it, or lets it wait for a connection. */
void sp_roster_admit(struct sp_loop *loop, struct sp_exchange *exchange);

/* libcurl is through with a transfer: ends its exchange, or runs it again. */
void sp_roster_settle(struct sp_loop *loop, struct sp_transfer *transfer, CURLcode result);

/* Ends an exchange in whatever state, unless it is done already. */
void sp_roster_end(struct sp_loop *loop, struct sp_exchange *exchange, enum sp_error error);

/* Goes on in the directions of `wishes` (SP_WISH_SEND | SP_WISH_RECEIVE), or ends it. */
void sp_roster_resume(struct sp_loop *loop, struct sp_exchange *exchange, unsigned wishes);

/* An upgrade's upstream has ended its stream, or its client has: the other is told. Before a
 * 101 the former is the end of all. */
void sp_roster_end_half(struct sp_loop *loop, struct sp_exchange *exchange);

/* Ends those whose time is over. True when there may be others later, also if nothing happens. */
bool sp_roster_scan(struct sp_loop *loop, long long now);

#endif
