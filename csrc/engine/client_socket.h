/* The client's socket while a server still owns it: looked at, or broken, never kept. */
#ifndef SP_ENGINE_CLIENT_SOCKET_H
#define SP_ENGINE_CLIENT_SOCKET_H

#include "core/error.h"

#include <stdbool.h>
#include <stddef.h>

#define SP_NO_CLIENT (-1)

/* Whether the peer has closed or reset the connection. Bytes it sent hide the former. */
bool sp_client_is_gone(int fd);

/* Resets the connection at once, however many copies of the descriptor there are. False where the
 * system cannot. */
bool sp_client_cut(int fd);

/* How many bytes were written into the TCP connection up to now, through whatever copy of the
 * descriptor. False where the system does not say. */
bool sp_client_written(int fd, unsigned long long *count);

/* Waits up to `timeout` ms for something to read, and counts it: 0 at the end of the stream.
 * SP_E_AGAIN when nothing came. */
enum sp_error sp_client_await(int fd, int timeout, size_t *count);

/* Takes the connection from its owner: `*taken` is a new descriptor of it (close-on-exec), and
 * a dead end takes the place of `fd`, which its owner may read, write and close as usual. */
enum sp_error sp_client_take(int fd, int *taken);

/* Resets the connection so that its peer sees a broken transfer, not an end: SO_LINGER 0,
 * then a dead end takes the descriptor's place, into which its owner may go on writing
 * until it closes the descriptor as usual. Where there is none to be had the connection is cut,
 * and its owner meets that. SP_E_SYSTEM when neither can be done. */
enum sp_error sp_client_break(int fd);

#endif
