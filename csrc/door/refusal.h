/* What the listener answers itself: one line of text, JSON or a page, never cached, and the
 * connection's end.
 */
#ifndef SP_DOOR_REFUSAL_H
#define SP_DOOR_REFUSAL_H

#include "door/downstream.h"

/* Queues `failure` as the answer; says what comes next. */
enum sp_step sp_refusal_queue(struct sp_downstream *downstream, const struct sp_failure *failure);

/* The same of what is the listener's own. */
enum sp_step sp_refusal_queue_own(struct sp_downstream *downstream, enum sp_own which);

/* The same for a head that is not read: `reason` as sp_incoming_parse says it. */
enum sp_step sp_refusal_queue_unread(struct sp_downstream *downstream, int status,
                                     const char *reason);

#endif
