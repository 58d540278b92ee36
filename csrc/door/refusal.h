/* What the listener answers itself: one line of text or a page, never cached, and the connection's
 * end.
 */
#ifndef SP_DOOR_REFUSAL_H
#define SP_DOOR_REFUSAL_H

#include "door/downstream.h"

extern const struct sp_failure sp_refusal_late_head;
extern const struct sp_failure sp_refusal_lost_body;
extern const struct sp_failure sp_refusal_restarted;
extern const struct sp_failure sp_refusal_ended;
extern const struct sp_failure sp_refusal_ending;

/* Queues `failure` as the answer; says what comes next. */
enum sp_step sp_refusal_queue(struct sp_downstream *downstream, const struct sp_failure *failure);

/* The same for a head that is not read: `reason` as sp_incoming_parse says it. */
enum sp_step sp_refusal_queue_reason(struct sp_downstream *downstream, int status,
                                     const char *reason);

#endif
