/* How long a client at the listener is waited for, and Django for its sake. */
#ifndef SP_DOOR_PATIENCE_H
#define SP_DOOR_PATIENCE_H

#include "door/downstream.h"

/* Something has changed for `downstream`: another thing is waited for, or the same one from now on
 * because bytes have `moved` on the client's side, or nothing. */
void sp_patience_note(struct sp_downstream *downstream, bool moved);

/* Its time is over: what comes next. */
enum sp_step sp_patience_end(struct sp_downstream *downstream);

#endif
