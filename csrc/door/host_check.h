/* Whether the Host of a request at the listener is allowed. */
#ifndef SP_DOOR_HOST_CHECK_H
#define SP_DOOR_HOST_CHECK_H

#include "door/listener.h"

/* (22) What is known of a Host value, or has just been asked; whether one that is refused, or that
 * nothing can be kept of, is allowed is Django's to say with the answer. `*host` (borrowed as in
 * sp_known_hosts_find) is set when it is allowed. */
enum sp_verdict sp_host_check(struct sp_loop *loop, struct sp_listener *listener,
                              struct sp_span value, struct sp_host **host);

#endif
