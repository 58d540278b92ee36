/* A request that Django had, and that it will not answer: its process has ended, or could not take
 * it. The engine thread's alone. */
#ifndef SP_DOOR_ORPHAN_H
#define SP_DOOR_ORPHAN_H

#include "door/downstream.h"

/* Before `downstream` is handed over: what its connection has sent up to now. False if another
 * than the listener has answered its request meanwhile. */
bool sp_orphan_prepare(struct sp_downstream *downstream, const struct sp_incoming *incoming);

/* The socket is the engine's alone again. Says what comes next, as the other does. */
enum sp_step sp_orphan_take_back(struct sp_downstream *downstream);

/* Lets the request wait for the next process, answers it, or breaks the connection. Without
 * `may_wait` no process will come. */
enum sp_step sp_orphan_settle(struct sp_downstream *downstream, bool may_wait);

#endif
