/* Moves bytes between an exchange's hop and the client's connection that the engine
 * owns. The engine thread's alone. */
#ifndef SP_ENGINE_RELAY_H
#define SP_ENGINE_RELAY_H

#include "engine/loop.h"

/* The exchange's client end becomes the connection that its caller offered. */
void sp_relay_begin(struct sp_loop *loop, struct sp_exchange *exchange);

/* Resets every connection, for the end of the loop. */
void sp_relay_end_all(struct sp_loop *loop);

#endif
