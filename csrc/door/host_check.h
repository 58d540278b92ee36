/* Whether the Host of a request at the listener is allowed. */
#ifndef SP_DOOR_HOST_CHECK_H
#define SP_DOOR_HOST_CHECK_H

#include "door/handover.h"
#include "door/site.h"

/* (19) Asks about a Host value that is not known: Django by its channel where the site says so,
 * else by `questions`, a datagram socket. SP_VERDICT_ASKED: the word on it comes. Of what nothing
 * can be kept of, whether it is allowed is Django's to say with the answer. */
enum sp_verdict sp_host_check_ask(struct sp_loop *loop, struct sp_site *site,
                                  const struct sp_channels *channels, int questions,
                                  struct sp_span value);

#endif
