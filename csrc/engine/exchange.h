/* One request and its answer: the state that the caller's thread and the engine share. */
#ifndef SP_ENGINE_EXCHANGE_H
#define SP_ENGINE_EXCHANGE_H

#include "core/error.h"
#include "core/pipe.h"
#include "upstream/upstream.h"
#include "wire/chunked.h"
#include "wire/response_head.h"

#include <pthread.h>
#include <stdatomic.h>

/* What may be taken from an upstream's connection at once; it is why an exchange stops receiving
 * when its pipe has less room. */
#define SP_RECEIVE_SIZE ((size_t)128 * 1024)

#define SP_PIPE_CEILING ((size_t)256 * 1024)

/* What a request's pipe holds beside so much of a body: the lines around a chunk, and behind the
 * last one the trailers. */
#define SP_FRAMING_CEILING (SP_CHUNK_TRAILER_CEILING + 64)

#define SP_BODY_NONE    (-2LL)
#define SP_BODY_CHUNKED (-1LL)
#define SP_BODY_TUNNEL  (-3LL) /* an upgrade: after a 101, bytes of whatever protocol */

enum sp_exchange_state {
    SP_EXCHANGE_NEW,       /* not given to the engine */
    SP_EXCHANGE_WAITING,   /* for a free connection */
    SP_EXCHANGE_SENDING,   /* it has a hop, and no final head yet */
    SP_EXCHANGE_ANSWERING, /* the head is complete and no longer changes */
    SP_EXCHANGE_DONE,      /* over; `error` says how */
};

/* What a caller wants of the engine; bits in one exchange's mail. */
enum {
    SP_WISH_START = 1,
    SP_WISH_SEND = 2,    /* the request's body goes on */
    SP_WISH_RECEIVE = 4, /* the answer's body may go on */
    SP_WISH_CANCEL = 8,
    SP_WISH_RELAY = 16, /* the client's connection is the engine's now */
};

/* How far a client's stream is that is relayed. */
enum sp_relay_state {
    SP_RELAY_OPEN,      /* bytes move */
    SP_RELAY_FLUSHING,  /* the upstream is through; what is left goes out */
    SP_RELAY_LINGERING, /* all is out; the client's last bytes are read away */
};

struct sp_request {
    struct sp_span method;
    struct sp_span target;
    struct sp_buffer fields;      /* lines joined by CRLF, not ended by one */
    long long body_length;        /* bytes, or SP_BODY_NONE, SP_BODY_CHUNKED */
    struct sp_notifier *notifier; /* to tell of news, or NULL; borrowed */
    int client;                   /* the client's socket to look at while waiting, or -1; it
                                     must stay open as long as the caller waits */
};

struct sp_notifier;
struct sp_stream;
struct sp_downstream;
struct sp_mailbox;
struct sp_hop;
struct sp_client_end;

struct sp_exchange {
    atomic_uint references;
    struct sp_upstream *upstream; /* a reference of our own */
    struct sp_mailbox *mailbox;   /* borrowed: lives as long as the process */
    char *method, *target;        /* NUL-terminated, in `texts` */
    struct sp_buffer fields;      /* owned; lines joined by CRLF, not ended by one */
    long long body_length;
    int client;                   /* the caller's */
    struct sp_notifier *notifier; /* a reference of our own, or NULL */

    pthread_mutex_t mutex; /* guards what follows, up to the next line */
    pthread_cond_t changed;
    enum sp_exchange_state state;
    enum sp_error error;
    char detail[256]; /* words on `error`, NUL-terminated */
    struct sp_pipe request;
    struct sp_pipe response;
    long long request_left;    /* bytes that the caller still owes, of a declared length */
    bool request_starved;      /* the hop waits for SP_WISH_SEND */
    long long request_fed;     /* ms; when the caller last ended that, or 0 */
    bool request_crowded;      /* the caller waits for room */
    bool response_held;        /* its client end is full: the upstream is not read. Set by the
                                * engine alone */
    struct sp_stream *offered; /* owned; for the engine to take with SP_WISH_RELAY */

    struct sp_response_head head; /* the engine's until SP_EXCHANGE_ANSWERING, then constant */

    bool is_notified;                  /* the notifier's */
    struct sp_exchange *next_notified; /* the notifier's */

    unsigned wishes;                 /* the mailbox's */
    struct sp_exchange *next_posted; /* the mailbox's */

    /* The engine thread's alone. */
    struct sp_hop *hop;                  /* its upstream end, while it has one */
    struct sp_exchange *next, *previous; /* in one of the loop's lists */
    struct sp_exchange *next_fresh;      /* in the list of those with undelivered news */
    bool fresh, newly_fresh;
    bool is_judged, is_event_stream;        /* the former: whether the latter is known */
    bool is_in_loop;                        /* as SP_E_RESPONSE_LOOP has it */
    const struct sp_client_end *client_end; /* from when it is given to the engine */
    struct sp_stream *client_stream;        /* owned; the relay's */
    enum sp_relay_state relay;
    struct sp_downstream *downstream;                    /* borrowed; the listener's */
    struct sp_exchange *next_relayed, *previous_relayed; /* in the loop's list of those with one */
    long long started;                                   /* ms; when it was given to the engine */
    long long sent;                 /* ms; when the request's last byte went out, or SP_NEVER */
    long long active;               /* ms; when a byte last moved */
    _Atomic unsigned long long row; /* in the loop's feed, or 0 */

    char texts[];
};

/* Takes `request->fields`, also when it fails; copies the rest. */
enum sp_error sp_exchange_new(struct sp_mailbox *mailbox, struct sp_upstream *upstream,
                              struct sp_request *request, struct sp_exchange **exchange);
struct sp_exchange *sp_exchange_take(struct sp_exchange *exchange);
void sp_exchange_give_back(struct sp_exchange *exchange);

/* Under the mutex, the engine thread: whoever waits for the exchange is to look at it. */
void sp_exchange_notify(struct sp_exchange *exchange);

/* The engine thread, without the mutex: its client end is full. */
void sp_exchange_hold(struct sp_exchange *exchange);

/* An upstream that answers with anything but success before it has the whole request does
 * not want the rest. */
bool sp_status_wants_body(int status);

/* Under the mutex, or in the engine's thread: whether there is such an answer, and nothing more of
 * the body is taken. */
bool sp_exchange_is_unwanted(const struct sp_exchange *exchange);

/* Under the mutex: the one way to change the state, along the table of moves. */
void sp_exchange_set_state(struct sp_exchange *exchange, enum sp_exchange_state state);

#endif
