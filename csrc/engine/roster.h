/* The exchanges at work in a loop: taken in, given a hop, ended. The engine thread's. */
#ifndef SP_ENGINE_ROSTER_H
#define SP_ENGINE_ROSTER_H

#include "engine/loop.h"

/* Takes the reference of a new exchange and starts it, or lets it wait for a connection. */
void sp_roster_admit(struct sp_loop *loop, struct sp_exchange *exchange);

/* Ends an exchange in whatever state, unless it is done already. */
void sp_roster_end(struct sp_loop *loop, struct sp_exchange *exchange, enum sp_error error);

/* Ends all of them, for the end of the loop. */
void sp_roster_end_all(struct sp_loop *loop);

/* Goes on in the directions of `wishes` (SP_WISH_SEND | SP_WISH_RECEIVE), or ends it. */
void sp_roster_resume(struct sp_loop *loop, struct sp_exchange *exchange, unsigned wishes);

/* Ends those whose time is over. True when there may be others later, also if nothing happens. */
bool sp_roster_scan(struct sp_loop *loop, long long now);

#endif
