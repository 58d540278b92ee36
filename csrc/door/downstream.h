/* A client's connection at the listener, with its requests one after the other. The engine thread's
 * alone. */
#ifndef SP_DOOR_DOWNSTREAM_H
#define SP_DOOR_DOWNSTREAM_H

#include "door/door.h"
#include "engine/exchange.h"
#include "engine/loop.h"
#include "upstream/stream.h"
#include "wire/accept.h"
#include "wire/chunked.h"

#define SP_PEER_SIZE 64

/* What is read and not used yet: a head, or pipelined requests; more is left to the socket. */
#define SP_INTAKE_CEILING (SP_INCOMING_CEILING + (size_t)64 * 1024)

enum sp_downstream_state {
    SP_DOWNSTREAM_READING,    /* a head, or nothing yet */
    SP_DOWNSTREAM_WAITING,    /* for Django: to come, or to say whether a Host is allowed */
    SP_DOWNSTREAM_EXCHANGING, /* a frontend is answering */
    SP_DOWNSTREAM_HANDED,     /* Django is answering, on the same socket */
    SP_DOWNSTREAM_FLUSHING,   /* the last bytes go out */
    SP_DOWNSTREAM_LINGERING,  /* all is out; what still comes is read away */
    SP_DOWNSTREAM_CLOSED,     /* to be freed at the end of the loop's round */
    SP_DOWNSTREAM_STATES,
};

/* How the end of an answer's body is known (RFC 9112, 6.3). */
enum sp_framing {
    SP_FRAMING_NONE, /* there is no body */
    SP_FRAMING_LENGTH,
    SP_FRAMING_CHUNKED,
    SP_FRAMING_CLOSE,
};

/* What comes next for a connection, or its request. `conductor` sees to it. */
enum sp_step {
    SP_STEP_NONE,         /* nothing, until something happens */
    SP_STEP_FORWARD,      /* the frontend is asked */
    SP_STEP_HAND_OVER,    /* Django is */
    SP_STEP_AWAIT_DJANGO, /* once it is there, or has room */
    SP_STEP_ASK,          /* the request's Host is not known */
    SP_STEP_AWAIT_WORD,   /* the word on its Host comes */
    SP_STEP_TUNNEL,       /* the frontend has agreed to an upgrade */
    SP_STEP_END_VISIT,    /* the frontend's answer is over */
    SP_STEP_READ,         /* the next request */
    SP_STEP_FINISH,       /* what is queued goes out, then the end */
    SP_STEP_CLOSE,        /* the end, at once */
    SP_STEP_RESET,        /* likewise, and the client sees that it is none */
};

struct sp_waiting;

/* A request that a frontend answers. */
struct sp_visit {
    struct sp_exchange *exchange; /* a reference of our own; NULL: there is none */
    struct sp_site *site;         /* a reference of our own */
    struct sp_host *host;         /* likewise, from when the exchange begins */
    size_t frontend;
    enum sp_view_kind kind;
    bool http_1_0, is_head, keep_alive;
    enum sp_form form;  /* in which the client is told of a failure */
    bool owes_continue; /* the client waits for a 100 before it sends the body */
    bool is_body_done;
    long long body_left;
    struct sp_chunked *chunked;  /* owned; of a body in chunks, else NULL */
    struct sp_buffer connection; /* the request's Connection fields as one list, for its trailers */
    enum sp_framing framing;
    enum sp_error error;     /* once it is over */
    bool is_answered;        /* the answer's head is queued or sent */
    size_t answer_at;        /* where in the connection's `out` it was queued */
    unsigned long long said; /* bytes that the connection had sent before */
    long long sent;          /* bytes of the answer's body */
    long long began;         /* ms */
    long long answered;      /* ms; when the answer's head came, or SP_NEVER */
};

struct sp_downstream {
    struct sp_door *door;     /* borrowed: outlives it */
    struct sp_stream *stream; /* owned; NULL once another has it */
    enum sp_downstream_state state;
    enum sp_step due;                                      /* what its exchange has come to */
    struct sp_downstream *next, *previous;                 /* in the conductor's list */
    struct sp_waiting *waits_in;                           /* or NULL */
    struct sp_downstream *next_waiting, *previous_waiting; /* there */
    struct sp_downstream *next_touched;                    /* in the door's list */
    bool is_touched;
    bool is_blocked;     /* the client's socket has taken less than all */
    struct sp_buffer in; /* read, of which `used` bytes are used already */
    size_t used;
    size_t kept;             /* of the rest, a head whose request may have to be begun anew */
    size_t scanned;          /* of the rest, how far the end of a head was looked for */
    long long since;         /* ms; when the state's time began */
    long long waiting_since; /* ms; when it first waited for Django to begin, or SP_NEVER */
    long long awaited_since; /* ms */
    unsigned long long row;  /* the request's in the feed, or 0 */
    struct sp_visit visit;

    /* While it is handed over. */
    unsigned long long id;
    bool is_taken;
    size_t handed; /* bytes of `in` that went along, and are kept */
    bool is_whole; /* they are all of the request */
    bool expects_continue;
    bool is_last; /* the client has said that it wants no other */
    bool is_written_known;
    unsigned long long written; /* bytes that were sent to the client before */
    unsigned tries;             /* how often Django has begun with it in vain */

    char peer[]; /* its numeric address, NUL-terminated; empty for a Unix socket's */
};

/* Takes `fd`, also when it fails. */
enum sp_error sp_downstream_new(struct sp_door *door, int fd, const char *peer,
                                struct sp_downstream **downstream);
void sp_downstream_free(struct sp_downstream *downstream);

/* The one way to change the state, along the table of moves. */
void sp_downstream_set_state(struct sp_downstream *downstream, enum sp_downstream_state state);

/* What is read and not used. */
struct sp_span sp_downstream_unused(const struct sp_downstream *downstream);
void sp_downstream_use(struct sp_downstream *downstream, size_t count);

/* What is kept is used; nothing, where nothing is. */
void sp_downstream_use_kept(struct sp_downstream *downstream);

/* Puts `bytes` in the place of the first `count` unused ones. SP_E_REQUEST_LONG, and nothing has
 * changed, when the ceiling would be passed. */
enum sp_error sp_downstream_replace(struct sp_downstream *downstream, size_t count,
                                    struct sp_span bytes);

/* Whether more may be read now. */
bool sp_downstream_has_room(struct sp_downstream *downstream);

/* What reading the client's socket has come to. */
enum sp_reading {
    SP_READING_NOTHING,
    SP_READING_BYTES,
    SP_READING_END,    /* of the client's stream */
    SP_READING_BROKEN, /* so is the connection, or too much has come */
};
enum sp_reading sp_downstream_read(struct sp_downstream *downstream);

/* The same of one that another has done, `io`. */
enum sp_reading sp_downstream_note(struct sp_downstream *downstream, enum sp_io io);

/* No more is read for now. */
void sp_downstream_stop(struct sp_downstream *downstream);

/* (24) All is out: our stream ends; what the client still sends is read away. */
enum sp_step sp_downstream_linger(struct sp_downstream *downstream);

/* Has the poller watch for what is of interest now. */
void sp_downstream_watch(struct sp_downstream *downstream);

/* It is looked at again at the end of the round: output is sent, and the next request begun. */
void sp_downstream_touch(struct sp_downstream *downstream);

#endif
