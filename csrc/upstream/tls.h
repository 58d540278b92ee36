/* A TLS connection to an upstream: its bytes pass through libcurl's handle, which made it. The
 * engine thread's alone, and never from within a callback of libcurl. */
#ifndef SP_UPSTREAM_TLS_H
#define SP_UPSTREAM_TLS_H

#include "core/queue.h"

struct sp_handle;
struct sp_tls;

/* Over a handle that has connected, which is its own from then on; NULL when memory is short, and
 * the handle is still the caller's. Bytes may wait inside from the start. */
struct sp_tls *sp_tls_over(struct sp_handle *handle);

/* Sends all of `bytes`, or `*taken` of them; what is left is offered again, the same bytes at the
 * same address: TLS may have made a record of them already. */
enum sp_io sp_tls_send(struct sp_tls *tls, struct sp_span bytes, size_t *taken);

/* Receives at most `size` bytes. What TLS itself has to say to us is swallowed on the way. Ask
 * until SP_IO_AGAIN: bytes that wait inside do not show on the socket. */
enum sp_io sp_tls_receive(struct sp_tls *tls, char *bytes, size_t size, size_t *got);

/* Whether the peer has ended TLS itself (close_notify). Where libcurl does not tell of that (it
 * does with OpenSSL and its forks), its stream has such an end or is broken. */
bool sp_tls_said_goodbye(const struct sp_tls *tls);

/* Closes it, the descriptor too, which nobody may watch any more. */
void sp_tls_close(struct sp_tls *tls);

#endif
