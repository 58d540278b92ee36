/* What Python does with the door: any thread, each; they wait for the engine. */
#ifndef SP_ENGINE_LISTENER_CALLER_H
#define SP_ENGINE_LISTENER_CALLER_H

#include "engine/listener.h"

/* Takes copies of the listening sockets `fds`. */
enum sp_error sp_listener_open(struct sp_mailbox *mailbox, const int *fds, size_t count,
                               size_t max_connections, struct sp_listener **listener);

/* Ends listening and every connection; the listener itself may then be freed. */
void sp_listener_close(struct sp_listener *listener);
void sp_listener_free(struct sp_listener *listener);

/* Takes the reference. What waits is decided anew. */
enum sp_error sp_listener_set_site(struct sp_listener *listener, struct sp_site *site);

/* Takes a copy of `fd`, the parent's end of a new child's hand-over channel. */
enum sp_error sp_listener_attach(struct sp_listener *listener, int fd);

/* Django's word on a Host value. `views` (owned, taken also when it fails) as in sp_site_host,
 * or NULL: it is refused. The spans are copied. */
struct sp_word {
    struct sp_span value;
    struct sp_span origin;
    struct sp_site_view *views;
    size_t frontend_count;
};
enum sp_error sp_listener_tell(struct sp_listener *listener, const struct sp_word *word);

#endif
