/* Where an exchange's answer goes: to its caller's pipe (`pipe_end`), or to a client's socket of
 * ours (`relay`, and `answer` at the listener). Called by the engine thread, without the mutex. */
#ifndef SP_ENGINE_CLIENT_END_H
#define SP_ENGINE_CLIENT_END_H

#include "core/error.h"
#include "wire/span.h"

struct sp_exchange;
struct sp_loop;
struct sp_splice;

/* Else than SP_OK: the exchange ends so. An end that is full calls sp_exchange_hold(), and has
 * taken the bytes all the same. */
struct sp_client_end {
    /* The head holds an interim answer, and is forgotten afterwards. NULL: it passes none. */
    void (*interim)(struct sp_loop *loop, struct sp_exchange *exchange);
    /* The head holds the final answer. */
    enum sp_error (*answer)(struct sp_loop *loop, struct sp_exchange *exchange);
    /* How many bytes of the body it takes at once. NULL: any number. */
    size_t (*room)(struct sp_exchange *exchange);
    /* Bytes of the body; `more` of them have been read already, and follow at once. */
    enum sp_error (*receive)(struct sp_loop *loop, struct sp_exchange *exchange,
                             struct sp_span bytes, bool more);
    /* The same for what a splice holds, which it takes also when it fails. NULL: it cannot. */
    enum sp_error (*pass)(struct sp_loop *loop, struct sp_exchange *exchange,
                          struct sp_splice *splice);
    /* The request's body may go on: something of it has been sent, or the upstream waits for it.
     * NULL: who sends it sees that in the exchange. */
    void (*drained)(struct sp_loop *loop, struct sp_exchange *exchange);
    /* (15) The upstream's half of a tunnel is over. NULL: it has none. */
    enum sp_error (*end_half)(struct sp_loop *loop, struct sp_exchange *exchange);
    /* The exchange is done. NULL: who waits for it sees that in the exchange. */
    void (*ended)(struct sp_loop *loop, struct sp_exchange *exchange);
};

#endif
