#include "door/waiting.h"

static void
add_between(struct sp_waiting *waiting, struct sp_downstream *downstream,
            struct sp_downstream *previous, struct sp_downstream *next)
{
    downstream->waits_in = waiting;
    downstream->previous_waiting = previous;
    downstream->next_waiting = next;
    *(previous != NULL ? &previous->next_waiting : &waiting->first) = downstream;
    *(next != NULL ? &next->previous_waiting : &waiting->last) = downstream;
}

void
sp_waiting_add(struct sp_waiting *waiting, struct sp_downstream *downstream)
{
    add_between(waiting, downstream, waiting->last, NULL);
}

void
sp_waiting_add_first(struct sp_waiting *waiting, struct sp_downstream *downstream)
{
    add_between(waiting, downstream, NULL, waiting->first);
}

void
sp_waiting_leave(struct sp_downstream *downstream)
{
    struct sp_downstream *previous = downstream->previous_waiting;
    struct sp_downstream *next = downstream->next_waiting;

    if (downstream->waits_in != NULL) {
        *(previous != NULL ? &previous->next_waiting : &downstream->waits_in->first) = next;
        *(next != NULL ? &next->previous_waiting : &downstream->waits_in->last) = previous;
        downstream->waits_in = NULL;
    }
}
