/* Connections that wait for the same, the oldest first: for Django, or for a word on their Hosts,
 * or to come back from Django. The engine thread's alone. */
#ifndef SP_DOOR_WAITING_H
#define SP_DOOR_WAITING_H

#include "door/downstream.h"

struct sp_waiting {
    struct sp_downstream *first, *last;
};

/* Behind all others, or before them. */
void sp_waiting_add(struct sp_waiting *waiting, struct sp_downstream *downstream);
void sp_waiting_add_first(struct sp_waiting *waiting, struct sp_downstream *downstream);

/* Out of the one that it is in, if it is in any. */
void sp_waiting_leave(struct sp_downstream *downstream);

#endif
