/* A request at the listener as a row of the feed: one, whoever is asked on the way. */
#ifndef SP_DOOR_SHOWING_H
#define SP_DOOR_SHOWING_H

#include "door/downstream.h"

/* Who answers the door's `incoming` is known: a frontend, at `upstream`, or Django (NULL). */
void sp_showing_begin(struct sp_downstream *downstream, const struct sp_upstream *upstream);

/* What Django says of it: that it has begun, its answer's head, and that this is over. */
void sp_showing_ask(const struct sp_downstream *downstream);
void sp_showing_answer(const struct sp_downstream *downstream, int status, int who);
void sp_showing_end(struct sp_downstream *downstream, long long sent);

/* The listener answers it, also one of which no more is known than what is read. */
void sp_showing_refuse(struct sp_downstream *downstream, int status);

/* There is no more of it to be seen here: it is over, or goes on as a tunnel. */
void sp_showing_leave(struct sp_downstream *downstream);

/* It ends without an answer. */
void sp_showing_break(struct sp_downstream *downstream, enum sp_error error);

#endif
