/* What the connections of a listener share. The engine thread's alone, but for the journal. */
#ifndef SP_DOOR_DOOR_H
#define SP_DOOR_DOOR_H

#include "door/journal.h"
#include "door/own_words.h"
#include "door/site.h"
#include "wire/incoming.h"

struct sp_downstream;
struct sp_loop;
struct sp_mailbox;

struct sp_door {
    struct sp_loop *loop;          /* borrowed: lives as long as the process */
    struct sp_mailbox *mailbox;    /* borrowed likewise */
    struct sp_site *site;          /* a reference of our own; NULL until Django has come */
    struct sp_downstream *touched; /* those that are looked at at the end of the round */
    struct sp_own_words *words;    /* owned */
    struct sp_journal journal;     /* any thread's */
    struct sp_incoming incoming;   /* the request that is being looked at */
    char path[SP_INCOMING_TARGET_CEILING];
    bool is_closed; /* no more requests are taken */
};

#endif
