/* One request at the listener: whose it is, and its way to a frontend or to Django. */
#ifndef SP_DOOR_VISIT_H
#define SP_DOOR_VISIT_H

#include "door/downstream.h"

/* Reads a head from what is there, and sends it on its way; also again, after it has waited. */
void sp_visit_begin(struct sp_loop *loop, struct sp_downstream *downstream);

/* The client takes bytes again. */
void sp_visit_resume(struct sp_loop *loop, struct sp_downstream *downstream);

/* The frontend's answer is over. */
void sp_visit_end(struct sp_loop *loop, struct sp_downstream *downstream, enum sp_error error);

/* Its exchange goes on without it, and so does its socket: an upgrade. */
void sp_visit_leave(struct sp_downstream *downstream);

/* The client has gone: whatever goes on is ended. */
void sp_visit_abandon(struct sp_loop *loop, struct sp_downstream *downstream);

#endif
