/* What the door knows of the site: whose path is whose, the frontends, and what Django said of
 * each Host. Shared by reference; but for the hosts it does not change. */
#ifndef SP_ENGINE_SITE_H
#define SP_ENGINE_SITE_H

#include "engine/error.h"
#include "engine/upstream.h"
#include "wire/location.h"
#include "wire/outgoing.h"
#include "wire/routes.h"

#include <stdatomic.h>

/* Owners in the routing table, as samesite_proxy/routing.py has them. */
enum {
    SP_OWNER_DJANGO = 0,
    SP_OWNER_ASK = 1, /* Django's where its resolver finds a view */
    SP_OWNER_FIRST_FRONTEND = 2,
};

/* Whoever sends endless Host values makes the door forget none: what is new then goes to Django. */
#define SP_SITE_MAX_HOSTS     256
#define SP_SITE_MAX_FRONTENDS 64
#define SP_SITE_MAX_SPECIALS  8

/* A frontend may see these kinds of requests differently. */
enum sp_view_kind {
    SP_VIEW_ORDINARY,
    SP_VIEW_SPECIAL, /* under one of the site's special paths */
    SP_VIEW_UPGRADE,
    SP_VIEW_KINDS,
};

struct sp_site_view {
    struct sp_view view;
    struct sp_span alias; /* a Host that is not the browser's, to which it may redirect; or empty */
};

enum sp_verdict {
    SP_VERDICT_UNKNOWN,
    SP_VERDICT_ASKED,
    SP_VERDICT_ALLOWED,
    SP_VERDICT_REFUSED,
};

struct sp_site_host {
    struct sp_site_host *next;
    struct sp_span value;  /* exactly as the client sent it */
    struct sp_span origin; /* the browser's: scheme://host */
    enum sp_verdict verdict;
    struct sp_site_view *views; /* owned; SP_VIEW_KINDS for each frontend; NULL unless allowed */
};

/* What a client is told instead of an answer. */
struct sp_failure {
    int status;
    enum sp_error error; /* of an exchange with the frontend; SP_OK: the door's own refusal */
    struct sp_span line;
    struct sp_span page; /* HTML, for a browser; empty: the line for it, too */
};

struct sp_frontend {
    struct sp_upstream *upstream; /* a reference of our own */
    struct sp_home *home;         /* a reference of our own */
    struct sp_failure failures[SP_ERROR_COUNT];
};

struct sp_site {
    atomic_uint references;
    struct sp_routes *routes; /* a reference of our own; NULL: everything is Django's */
    struct sp_routes *own;    /* a reference of our own: the frontends' prefixes alone */
    struct sp_frontend frontends[SP_SITE_MAX_FRONTENDS];
    size_t frontend_count;
    struct sp_span specials[SP_SITE_MAX_SPECIALS];
    size_t special_count;
    struct sp_site_host *hosts; /* owned; the engine thread's */
    size_t host_count;
    struct sp_text *texts; /* owned: what the spans are views of */
};

enum sp_error sp_site_new(struct sp_site **site);
struct sp_site *sp_site_take(struct sp_site *site);
void sp_site_give_back(struct sp_site *site);

/* Copies `text` for as long as the site lives. */
enum sp_error sp_site_keep(struct sp_site *site, struct sp_span text, struct sp_span *kept);

/* The entry of a Host value, or NULL. */
struct sp_site_host *sp_site_find(const struct sp_site *site, struct sp_span value);

/* The entry of a Host value, made as SP_VERDICT_UNKNOWN if there is none. NULL when there are too
 * many already, or no memory. */
struct sp_site_host *sp_site_note(struct sp_site *site, struct sp_span value);

/* How a frontend sees a request under `host`, which is allowed. */
const struct sp_site_view *sp_site_view_of(const struct sp_site_host *host, size_t frontend,
                                           enum sp_view_kind kind);

/* Whether `path` is under one of the special ones. */
bool sp_site_is_special(const struct sp_site *site, struct sp_span path);

#endif
