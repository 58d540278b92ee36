/* The body of a request at the listener, on its way from the client into the exchange's pipe. */
#ifndef SP_DOOR_INTAKE_H
#define SP_DOOR_INTAKE_H

#include "door/downstream.h"

/* The exchange has begun: what of the body has come already goes into its pipe. An error when it is
 * broken, or memory is short, and nothing has been sent upstream yet. */
enum sp_error sp_intake_begin(struct sp_downstream *downstream);

/* More has come, or there is room again. */
void sp_intake_go_on(struct sp_downstream *downstream);

/* The client has ended its stream. If it still owes us a part of its request it will never send it,
 * and if it waits for an answer it has gone, as far as a proxy can tell; what it has sent before
 * goes on its way. Asked again while some of that waits for room. Says what comes next. */
enum sp_step sp_intake_end(struct sp_downstream *downstream);

/* Whether nothing goes on before the client has sent more of the body. */
bool sp_intake_is_awaited(const struct sp_downstream *downstream);

/* Reads the client's socket (sp_downstream_read); but the next bytes of a long body pass to the
 * frontend inside the kernel. */
enum sp_reading sp_intake_read(struct sp_downstream *downstream);

/* Whether those are put off until what was read before is out. */
bool sp_intake_is_put_off(const struct sp_downstream *downstream);

#endif
