/* What Python does with the listener: any thread, each; they wait for the engine. */
#ifndef SP_DOOR_LISTENER_CALLER_H
#define SP_DOOR_LISTENER_CALLER_H

#include "door/listener.h"

enum sp_error sp_listener_open(struct sp_mailbox *mailbox,
                               const struct sp_listener_options *options,
                               struct sp_listener **listener);

/* Ends listening and every connection; the listener itself may then be freed. */
void sp_listener_close(struct sp_listener *listener);
void sp_listener_free(struct sp_listener *listener);

/* Takes the reference. What waits is decided anew. */
enum sp_error sp_listener_set_site(struct sp_listener *listener, struct sp_site *site);

/* Takes `words`, what it says of its own from now on. What waits is decided anew. */
enum sp_error sp_listener_set_words(struct sp_listener *listener, struct sp_own_words *words);

/* Takes a copy of `fd`, the parent's end of a new child's hand-over channel. */
enum sp_error sp_listener_attach(struct sp_listener *listener, int fd);

/* The word on a Host value. Takes the reference, also when it fails. */
enum sp_error sp_listener_tell(struct sp_listener *listener, struct sp_host *host);

#endif
