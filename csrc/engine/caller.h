/* The caller's end of an exchange: one thread at a time, never the engine's.
 *
 * Functions that wait do so for at most `slice` ms (0: not at all) and then return
 * SP_E_AGAIN, so that the caller can look at its signals. After each slice the client's
 * socket is looked at too: SP_E_CLIENT_GONE. Every other error is the exchange's own and
 * stays. */
#ifndef SP_ENGINE_CALLER_H
#define SP_ENGINE_CALLER_H

#include "engine/exchange.h"

/* Long enough to cost nothing, short enough for Ctrl-C and for clients that leave; ms. */
#define SP_SLICE 250LL

/* Gives the exchange to the engine; one with a notifier waits there until the engine is woken. */
enum sp_error sp_caller_start(struct sp_exchange *exchange);

/* Cuts what was taken off `*body`. With nothing left, or when `*wanted` is false because
 * the upstream has refused the rest by an answer or is gone, there is nothing to repeat.
 * SP_E_REQUEST_CLIENT when the body is longer than declared. */
enum sp_error sp_caller_send(struct sp_exchange *exchange, struct sp_span *body, bool *wanted,
                             long long slice);

/* Waits for the client to send more of the body; see sp_client_await. `*wanted` is false as
 * soon as the upstream does not want it. SP_E_AGAIN also after a wait shorter than `slice`. */
enum sp_error sp_caller_await_client(struct sp_exchange *exchange, size_t *count, bool *wanted,
                                     long long slice);

/* The request's body is complete. SP_E_REQUEST_CLIENT when it is shorter than declared. */
enum sp_error sp_caller_end(struct sp_exchange *exchange);

/* Waits for the final head; from SP_OK on, exchange->head is constant. */
enum sp_error sp_caller_await_head(struct sp_exchange *exchange, long long slice);

/* Waits for bytes of the answer's body; they stay valid until consumed. Empty: the end. */
enum sp_error sp_caller_await_body(struct sp_exchange *exchange, struct sp_span *bytes,
                                   long long slice);
void sp_caller_consume(struct sp_exchange *exchange, size_t count);

/* Whether the final head has come, so that sp_caller_relay may be called. */
bool sp_caller_has_head(struct sp_exchange *exchange);

/* Once: gives the engine the client's socket `fd`, also when it fails: `head` goes out on it, then
 * the answer's body as it is; in a tunnel `early` and what follows goes upstream. */
enum sp_error sp_caller_relay(struct sp_exchange *exchange, int fd, struct sp_span head,
                              struct sp_span early);

/* Ends it at once, whatever its state; the engine is told and not waited for. */
void sp_caller_cancel(struct sp_exchange *exchange);

/* Words on the exchange's error, at most `size` bytes with the NUL. */
void sp_caller_detail(struct sp_exchange *exchange, char *detail, size_t size);

#endif
