/* Leads each connection of a listener from one step to the next: what the others say comes next, it
 * does. The engine thread's alone. */
#ifndef SP_DOOR_CONDUCTOR_H
#define SP_DOOR_CONDUCTOR_H

#include "door/downstream.h"
#include "door/handover.h"
#include "door/waiting.h"

struct sp_conductor {
    struct sp_door door;          /* first: what its connections know of it */
    struct sp_downstream *first;  /* owned, as the closed ones are */
    struct sp_downstream *closed; /* to be freed at the end of the round */
    size_t count;
    struct sp_waiting for_django; /* for it to come, or to have room */
    struct sp_waiting for_word;   /* on their Hosts */
    struct sp_timer retry;        /* set while something is lacking that may be there again */
    struct sp_channels channels;
    int questions; /* owned: a datagram socket by which Hosts are asked about; or -1 */
};

/* Takes `step`, and those that follow from it and from what its exchange has come to. */
void sp_conductor_follow(struct sp_downstream *downstream, enum sp_step step);

#endif
