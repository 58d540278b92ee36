/* The process's one engine: started at first use, anew in a forked child, stopped at exit. */
#ifndef SP_ENGINE_PROCESS_H
#define SP_ENGINE_PROCESS_H

#include "engine/loop.h"

/* Before anything else; again for each module object, of which a process may have several, and
 * without effect then. SP_E_SYSTEM when libcurl cannot start. */
enum sp_error sp_process_init(void);

/* The running engine's mailbox. SP_E_SHUTDOWN after sp_process_stop. */
enum sp_error sp_process_mailbox(struct sp_mailbox **mailbox);

/* What the process shows, whether its engine runs or not, until it ends. In a forked child it is
 * empty, of the same scope. SP_E_NO_MEMORY at the first call. */
enum sp_error sp_process_feed(struct sp_feed **feed);

/* Whether `mailbox` is this process's own, not one that a parent had. */
bool sp_process_owns(const struct sp_mailbox *mailbox);

/* Ends the engine and every exchange, and waits for its thread, in each of several threads that
 * call it at once; none starts any more. Its memory and its
 * connections are left to the end of the process: a waiter may still look at them. */
void sp_process_stop(void);

#endif
