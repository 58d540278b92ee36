/* A frontend's answer on its way to a client at the listener: the client's end of an exchange. */
#ifndef SP_DOOR_ANSWER_H
#define SP_DOOR_ANSWER_H

#include "door/downstream.h"

const struct sp_client_end *sp_answer_client_end(void);

/* Sends what waits; the upstream goes on when all is out. False: the client has gone. */
bool sp_answer_flush(struct sp_downstream *downstream);

/* Whether nothing is owed to the client any more: all of its request has come, though it may not be
 * with the frontend yet, and all of the answer has gone out. It may leave. */
bool sp_answer_is_out(const struct sp_downstream *downstream);

/* Takes an answer back of which nothing is out yet: it can still be another. */
void sp_answer_unsay(struct sp_downstream *downstream);

#endif
