/* The next request of a connection at the listener. */
#ifndef SP_DOOR_ARRIVAL_H
#define SP_DOOR_ARRIVAL_H

#include "door/downstream.h"

/* Reads a head from what the client has sent into the door's `incoming`, as
 * sp_incoming_parse() does. When it is complete, the unused bytes begin with it. A target in
 * absolute form is there in origin form, and its host as Host, for the routes, the host check, the
 * frontend and Django's server alike. */
enum sp_incoming_step sp_arrival_read(struct sp_downstream *downstream);

#endif
