/* A connection to a Unix socket, which there is at once or not at all. */
#ifndef SP_UPSTREAM_UNIX_SOCKET_H
#define SP_UPSTREAM_UNIX_SOCKET_H

#include "core/error.h"

/* SP_E_AGAIN: its listener has no room for one more now. Else SP_E_NAME: no socket can have such a
 * path; SP_E_TOO_MANY, or SP_E_CONNECT. `*fd` is non-blocking, and kept in the record. */
enum sp_error sp_unix_socket_connect(const char *path, int *fd);

#endif
