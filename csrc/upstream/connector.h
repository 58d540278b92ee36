/* Connections to upstreams. To a Unix socket it connects itself; else libcurl does: it resolves the
 * name, races both address families, keeps the time, speaks TLS and looks at certificates
 * (CURLOPT_CONNECT_ONLY). What is said on them is not its concern. The engine thread's alone. */
#ifndef SP_UPSTREAM_CONNECTOR_H
#define SP_UPSTREAM_CONNECTOR_H

#include "core/error.h"
#include "core/sockets.h"
#include "upstream/tls.h"
#include "upstream/upstream.h"

struct sp_attempt;
struct sp_connector;

/* What an attempt has come to. */
struct sp_connected {
    enum sp_error error; /* SP_OK, else there is no connection: SP_E_NAME, SP_E_CONNECT,
                          * SP_E_CONNECT_BESIDE, SP_E_CONNECT_TIMEOUT, SP_E_TLS, SP_E_CERTIFICATE,
                          * SP_E_TOO_MANY or SP_E_NO_MEMORY */
    const char *words;   /* on the error, perhaps none, as long as the callback lasts */
    int fd;              /* owned by whom it is given to; non-blocking, kept in the record, and
                          * watched by nobody */
    struct sp_tls *tls;  /* owned likewise, and with it the descriptor; NULL: plain */
};

/* Closes the connection that there is. */
void sp_connected_close(const struct sp_connected *connected);

/* Called once, from sp_connector_run or an event, never from within sp_connector_begin or a
 * callback of libcurl. The attempt is gone with it. */
typedef void sp_connected_fn(struct sp_loop *loop, void *owner,
                             const struct sp_connected *connected);

/* NULL when memory or descriptors are short. `sockets` is borrowed. */
struct sp_connector *sp_connector_new(struct sp_loop *loop, struct sp_sockets *sockets);

/* All attempts are given up, and all its TLS connections closed, before. */
void sp_connector_free(struct sp_connector *connector);

/* Begins to connect to `upstream`, of which it takes a reference. NULL: no memory. */
struct sp_attempt *sp_connector_begin(struct sp_connector *connector, struct sp_upstream *upstream,
                                      sp_connected_fn *done, void *owner);

/* Gives up; `done` is not called any more. Also from within the `done` of another attempt. */
void sp_connector_cancel(struct sp_connector *connector, struct sp_attempt *attempt);

/* When it is to be run next: ms, perhaps long gone, or SP_NEVER. */
long long sp_connector_deadline(const struct sp_connector *connector);

/* Runs what is due, and tells of the attempts that are through. Cheap when there is nothing to do.
 */
void sp_connector_run(struct sp_connector *connector, long long now);

#endif
