/* The body of a request at the door, on its way from the client into the exchange's pipe. */
#ifndef SP_ENGINE_INTAKE_H
#define SP_ENGINE_INTAKE_H

#include "engine/downstream.h"

/* The exchange has begun: what of the body has come already goes into its pipe. False when it is
 * broken, and nothing has been sent upstream yet. */
bool sp_intake_begin(struct sp_downstream *downstream);

/* The client has ended its stream: whether a part of the body is missing. */
bool sp_intake_is_cut(const struct sp_downstream *downstream);

/* More has come, or there is room again. */
void sp_intake_go_on(struct sp_loop *loop, struct sp_downstream *downstream);

#endif
