/* What is known of the Host values at the listener: how the frontends see each that is allowed, and
 * which others are asked about or refused. The engine thread's alone; an entry may be made by any
 * thread, before it is put in. */
#ifndef SP_DOOR_KNOWN_HOSTS_H
#define SP_DOOR_KNOWN_HOSTS_H

#include "door/texts.h"
#include "wire/outgoing.h"

#include <stdbool.h>

/* Of those that are allowed the one that was not used for longest makes room. The others have their
 * own places: whoever sends endless values makes the listener forget none that is allowed. */
#define SP_HOSTS_MAX_ALLOWED 256U
#define SP_HOSTS_MAX_OTHERS  64U

/* Longer values are no names (RFC 1035, 2.3.4), and not remembered. */
#define SP_HOST_LONGEST 512U

/* A frontend may see these kinds of requests differently. */
enum sp_view_kind {
    SP_VIEW_ORDINARY,
    SP_VIEW_SPECIAL, /* under one of the site's special paths */
    SP_VIEW_UPGRADE,
    SP_VIEW_KINDS,
};

struct sp_host_view {
    struct sp_view view;
    struct sp_span alias; /* a Host that is not the browser's, to which it may redirect; or empty */
};

enum sp_verdict {
    SP_VERDICT_ASKED,
    SP_VERDICT_ALLOWED,
    SP_VERDICT_REFUSED,
};

struct sp_host {
    struct sp_host *next;
    unsigned references;
    enum sp_verdict verdict;
    struct sp_span value;       /* exactly as the client sent it */
    struct sp_span origin;      /* the browser's: scheme://host */
    struct sp_host_view *views; /* owned; SP_VIEW_KINDS for each frontend; NULL unless allowed */
    size_t frontend_count;
    struct sp_text *texts; /* owned: what the spans are views of */
};

struct sp_known_hosts {
    struct sp_host *allowed; /* a reference of our own to each; the last used first */
    struct sp_host *others;  /* likewise */
    size_t allowed_count;
    size_t other_count;
};

/* An entry without views. */
enum sp_error sp_host_new(struct sp_span value, enum sp_verdict verdict, struct sp_host **host);
struct sp_host *sp_host_take(struct sp_host *host);
void sp_host_give_back(struct sp_host *host);

/* How a frontend sees a request under `host`, which is allowed. */
const struct sp_host_view *sp_host_view_of(const struct sp_host *host, size_t frontend,
                                           enum sp_view_kind kind);

void sp_known_hosts_clear(struct sp_known_hosts *hosts);

/* The entry of a Host value, borrowed until the next is put in; or NULL. */
struct sp_host *sp_known_hosts_find(struct sp_known_hosts *hosts, struct sp_span value);

/* Whether one more can be asked about. */
bool sp_known_hosts_may_ask(const struct sp_known_hosts *hosts);

/* Takes the reference; what was known of the same value is forgotten. Without room for one that is
 * not allowed nothing is known of it. */
void sp_known_hosts_put(struct sp_known_hosts *hosts, struct sp_host *host);

#endif
