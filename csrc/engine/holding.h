/* In development a frontend is often down for a moment, while it starts again: what is asked of it
 * then is held rather than failed, for as long as it is likely to come back. The engine thread's
 * alone. */
#ifndef SP_ENGINE_HOLDING_H
#define SP_ENGINE_HOLDING_H

#include "core/error.h"

#include <stdbool.h>

struct sp_hop;
struct sp_loop;
struct sp_timer;

/* A connection to the hop's upstream has come to `error`. True: it is held, and is to connect again
 * when its timer `held` tells `again`. */
bool sp_holding_begin(struct sp_hop *hop, enum sp_error error,
                      void (*again)(struct sp_loop *loop, struct sp_timer *timer));

/* It waits no longer, if it did. */
void sp_holding_end(struct sp_hop *hop);

/* The hop's upstream has answered. */
void sp_holding_note_answer(const struct sp_hop *hop);

#endif
