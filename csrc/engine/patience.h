/* How long a client at the listener is waited for, and Django for its sake. */
#ifndef SP_ENGINE_PATIENCE_H
#define SP_ENGINE_PATIENCE_H

#include "engine/downstream.h"

/* Something has changed for `downstream`: another thing is waited for, or the same one from now on
 * because bytes have `moved` on the client's side, or nothing. */
void sp_patience_note(struct sp_downstream *downstream, bool moved);

#endif
