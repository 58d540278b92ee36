/* What the listener knows of the site: whose path is whose, the frontends, and which Hosts are
 * allowed. Shared by reference; but for the hosts it does not change. */
#ifndef SP_DOOR_SITE_H
#define SP_DOOR_SITE_H

#include "core/error.h"
#include "door/known_hosts.h"
#include "door/texts.h"
#include "upstream/upstream.h"
#include "wire/location.h"
#include "wire/routes.h"

#include <stdatomic.h>

/* Owners in the routing table, as proxy/rules.py has them. */
enum {
    SP_OWNER_DJANGO = 0,
    SP_OWNER_ASK = 1, /* Django's where its resolver finds a view */
    SP_OWNER_FIRST_FRONTEND = 2,
};

#define SP_SITE_MAX_FRONTENDS 64
#define SP_SITE_MAX_SPECIALS  8

/* What a client is told instead of an answer. */
struct sp_failure {
    int status;
    enum sp_error error; /* of an exchange with the frontend; SP_OK: the listener's own refusal */
    const char *why;     /* then: the log's word or sentence for it; static */
    struct sp_span line;
    struct sp_span page; /* HTML, for a browser; empty: the line for it, too */
    struct sp_span data; /* JSON; likewise */
};

struct sp_frontend {
    struct sp_upstream *upstream;           /* a reference of our own */
    struct sp_own_addresses *own_addresses; /* a reference of our own */
    struct sp_failure failures[SP_ERROR_COUNT];
    struct sp_span last_line; /* of the fields of its final answers, with its CRLF; or empty */
};

struct sp_site {
    atomic_uint references;
    struct sp_routes *routes; /* a reference of our own; NULL: everything is Django's */
    struct sp_routes *own;    /* a reference of our own: the frontends' prefixes alone */
    struct sp_frontend frontends[SP_SITE_MAX_FRONTENDS];
    size_t frontend_count;
    struct sp_span specials[SP_SITE_MAX_SPECIALS];
    size_t special_count;
    bool asks_django;            /* whether a Host is allowed; else the supervisor */
    struct sp_known_hosts hosts; /* the engine thread's */
    struct sp_text *texts;       /* owned: what the spans are views of */
};

enum sp_error sp_site_new(struct sp_site **site);
struct sp_site *sp_site_take(struct sp_site *site);
void sp_site_give_back(struct sp_site *site);

/* Whether `path` is under one of the special ones. */
bool sp_site_is_special(const struct sp_site *site, struct sp_span path);

#endif
