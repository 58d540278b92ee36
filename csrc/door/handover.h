/* Connections handed over to Django, in whichever process it is: through a Unix socket as
 * descriptors (SCM_RIGHTS) with the bytes read. The engine thread's alone.
 *
 * To Django: a head of SP_FRAME_HEAD bytes in network order (kind, flags, 16 bits of zero, 32
 * bits of length, 64 bits of content length or -1, 64 bits of id), then `length` bytes.
 *   'R'  a request; its bytes, no more than its own; the descriptor comes with the first byte.
 *        SP_HANDOVER_COPY, for one that may become a tunnel: with a copy of all that was read
 *        behind it, which stays here for the next request, should the connection come back
 *   'H'  a Host value: is it allowed?
 *   'E'  nothing more comes
 * Back: a kind, 64 bits of id and 64 bits more.
 *   'T'  taken: Django has begun with it
 *   'N'  not taken: it has no descriptor to spare for it
 *   'A'  where it is looked at: the answer's head; more: its status, and who answers by 16 bits
 *   'B'  back: answered and kept alive, the copy of the descriptor closed; more: the body's bytes
 *   'C'  closed: over for us; more: likewise
 *   'L'  leaving: no more, please
 * Our own copy of the descriptor stays open until 'B' or 'C', and the request's bytes are kept: if
 * Django dies meanwhile, `orphan` says what becomes of it. */
#ifndef SP_DOOR_HANDOVER_H
#define SP_DOOR_HANDOVER_H

#include "door/waiting.h"

#define SP_HANDOVER_WORD 17U
#define SP_HANDOVER_COPY 1

/* How many may lie in the channel that Django has not taken. */
#define SP_HANDOVER_WINDOW 64U

/* By their ids in so many rows, so that one is found among thousands. */
#define SP_HANDOVER_ROWS 1024U

/* What has become of a connection that was handed over, and is in no row any more. */
enum sp_handover_event {
    SP_HANDOVER_UNTAKEN,   /* Django has no descriptor to spare for it */
    SP_HANDOVER_BACK,      /* its answer is whole */
    SP_HANDOVER_CLOSED,    /* Django has ended it */
    SP_HANDOVER_LOST,      /* its process has died */
    SP_HANDOVER_ABANDONED, /* likewise, and none will come after it */
    SP_HANDOVER_ROOM,      /* of none: there is room for more */
};

struct sp_channels;

struct sp_channel {
    struct sp_watcher watcher;
    struct sp_channels *channels; /* borrowed: outlives it */
    struct sp_channel *next;
    int fd; /* owned */
    struct sp_queue out;
    char words[SP_HANDOVER_WORD]; /* the one that is being read */
    size_t word_count;
    struct sp_waiting handed[SP_HANDOVER_ROWS]; /* through this channel, and not back */
    unsigned untaken;
    bool is_crowded; /* it has refused a frame, and says when it takes one again */
};

struct sp_channels {
    struct sp_channel *first;   /* owned; those that are open */
    struct sp_channel *current; /* the one that requests go to, or NULL */
    unsigned long long last_id;
    void (*tell)(struct sp_channels *channels, struct sp_downstream *downstream,
                 enum sp_handover_event event);
};

/* Takes `fd`, also when it fails. */
enum sp_error sp_handover_attach(struct sp_loop *loop, struct sp_channels *channels, int fd);

/* Whether there is a Django that is not busy, as far as is known. */
bool sp_handover_has_room(const struct sp_channels *channels);

/* Gives the request at the head of `downstream`, the door's `incoming`, to Django. SP_E_AGAIN:
 * there is no Django, or it is busy. SP_E_CLIENT_GONE: its request has an answer. */
enum sp_error sp_handover_give(struct sp_channels *channels, struct sp_downstream *downstream);

/* Asks for the verdict on a Host value. SP_E_AGAIN as above. */
enum sp_error sp_handover_ask(struct sp_loop *loop, const struct sp_channels *channels,
                              struct sp_span host);

/* Closes every channel; what went through them is answered, or reset. */
void sp_handover_end(struct sp_loop *loop, struct sp_channels *channels);

#endif
