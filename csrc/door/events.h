/* What happens to the connections of a listener: on their sockets, by their deadlines, at Django's
 * and at the end of a round. Nobody else is told; what comes of it is the conductor's. */
#ifndef SP_DOOR_EVENTS_H
#define SP_DOOR_EVENTS_H

#include "door/conductor.h"

void sp_events_begin(struct sp_loop *loop, struct sp_conductor *conductor);

/* A connection has come. Takes `fd`. */
void sp_events_welcome(struct sp_conductor *conductor, int fd, const char *peer);

/* Whatever waits is decided anew. */
void sp_events_retry(struct sp_conductor *conductor);

/* The round ends. True: connections have gone, and left room. */
bool sp_events_end_round(struct sp_conductor *conductor);

/* No more requests are taken; what is under way is answered, and connections go as their clients
 * read it. */
void sp_events_part(struct sp_conductor *conductor);

/* Likewise, and every connection ends at once. */
void sp_events_end(struct sp_conductor *conductor);

#endif
