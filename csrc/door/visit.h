/* One request at the listener: whose it is, and its way to a frontend or to Django. */
#ifndef SP_DOOR_VISIT_H
#define SP_DOOR_VISIT_H

#include "door/downstream.h"

/* Reads a head from what is there; also again, after it has waited. Says what comes next. */
enum sp_step sp_visit_begin(struct sp_downstream *downstream);

/* SP_STEP_FORWARD has come: its exchange, with what of its body has come already, is made, and is
 * to be admitted. SP_STEP_NONE: it is there. */
enum sp_step sp_visit_forward(struct sp_downstream *downstream);

/* The frontend's answer is over. Says what comes next. */
enum sp_step sp_visit_end(struct sp_downstream *downstream);

/* Its exchange goes on without it, and so does its socket: a tunnel. */
void sp_visit_leave(struct sp_downstream *downstream);

/* The client has gone: whatever goes on is ended. */
void sp_visit_abandon(struct sp_downstream *downstream);

#endif
