#include "upstream/shelf.h"

#include "core/clock.h"
#include "core/descriptors.h"
#include "upstream/multi.h"
#include "upstream/spots.h"

#include <stdlib.h>

/* More connections than that it never has, so that it throws none away. */
#define SP_SHELF_CONNECTIONS (4L * SP_SHELF_SIZE)

/* ms between two looks of libcurl's own. */
#define SP_BLIND_PERIOD 10LL

struct sp_shelf {
    struct sp_shelves *shelves; /* borrowed */
    struct sp_shelf *next;
    CURLM *multi;  /* owned */
    size_t count;  /* handles on it */
    long long due; /* ms; when libcurl wants to be called, or SP_NEVER */
    bool is_blind; /* libcurl may not have said what it waits for */
    struct sp_spots spots;
};

/* A millisecond later, which ours has begun before libcurl's: it would have to be called again. */
static int
note_timer(CURLM *multi, long milliseconds, void *context)
{
    struct sp_shelf *shelf = context;

    (void)multi;
    shelf->due = milliseconds < 0 ? SP_NEVER : 0;
    if (milliseconds > 0) {
        shelf->due = sp_clock_now() + milliseconds + 1;
    }
    return 0;
}

/* When memory fails libcurl in the midst of a call it names neither descriptors nor a time, and
 * would never be called again; or it fails us, and what it names is not watched. It looks for
 * itself then, until all that it was at is through. */
static void
act(void *context, curl_socket_t fd, int selected)
{
    struct sp_shelf *shelf = context;
    int running = 0;
    CURLMcode bad = shelf->is_blind
                        ? curl_multi_perform(shelf->multi, &running)
                        : curl_multi_socket_action(shelf->multi, fd, selected, &running);

    shelf->is_blind = bad != CURLM_OK || (shelf->is_blind && running > 0);
    if (shelf->is_blind) {
        shelf->due = sp_clock_now() + SP_BLIND_PERIOD;
    }
    shelf->shelves->acted(shelf, shelf->shelves->context);
}

/* libcurl 8.x has a descriptor by which its threads wake it, and no transfer of ours stands for it.
 */
static bool
is_wakeup(CURL *easy, curl_socket_t fd)
{
    char *owner = NULL;

    (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &owner); /* it stays NULL if that fails */
    return owner == NULL && !sp_descriptor_is_kept(fd);
}

static int
note_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *known)
{
    struct sp_shelf *shelf = context;
    struct sp_spot *spot = known;

    if (spot == NULL && what != CURL_POLL_REMOVE) {
        spot = sp_spots_begin(&shelf->spots, fd, is_wakeup(easy, fd));
        (void)curl_multi_assign(shelf->multi, fd, spot); /* it knows the descriptor: it told us */
        shelf->is_blind = shelf->is_blind || spot == NULL;
    }
    sp_spots_want(&shelf->spots, spot, what);
    return 0;
}

void
sp_shelf_renew(struct sp_shelf *shelf, curl_socket_t fd)
{
    sp_spots_renew(&shelf->spots, fd);
}

#if LIBCURL_VERSION_NUM >= 0x081400
/* The end of an engine must not wait for a hanging getaddrinfo. */
static CURLMcode
set_quick_exit(CURLM *multi)
{
    return curl_multi_setopt(multi, CURLMOPT_QUICK_EXIT, 1L);
}
#else
static CURLMcode
set_quick_exit(CURLM *multi)
{
    (void)multi;
    return CURLM_OK;
}
#endif

static CURLMcode
set_up(struct sp_shelf *shelf)
{
    CURLM *multi = shelf->multi;
    CURLMcode bad = set_quick_exit(multi);

    bad |= curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, note_socket);
    bad |= curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, shelf);
    bad |= curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, note_timer);
    bad |= curl_multi_setopt(multi, CURLMOPT_TIMERDATA, shelf);
    bad |= curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, SP_SHELF_CONNECTIONS);
    bad |= curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    return bad;
}

static void
free_shelf(struct sp_shelf *shelf)
{
    sp_spots_clear(&shelf->spots);
    /* What it says in its end is of no interest, and an option that takes a pointer cannot fail. */
    (void)curl_multi_setopt(shelf->multi, CURLMOPT_SOCKETFUNCTION, NULL);
    (void)curl_multi_setopt(shelf->multi, CURLMOPT_TIMERFUNCTION, NULL);
    (void)curl_multi_cleanup(shelf->multi); /* its handles are gone */
    free(shelf);
}

static enum sp_error
new_shelf(struct sp_shelves *shelves, struct sp_shelf **shelf)
{
    struct sp_shelf *made = calloc(1, sizeof(*made));

    if (made == NULL) {
        return SP_E_NO_MEMORY;
    }
    made->shelves = shelves;
    made->due = SP_NEVER;
    made->spots = (struct sp_spots){.sockets = shelves->sockets, .happened = act, .context = made};
    made->multi = sp_multi_new();
    if (made->multi == NULL || set_up(made) != CURLM_OK) {
        (void)curl_multi_cleanup(made->multi); /* nothing was added */
        free(made);
        return SP_E_SYSTEM; /* its own descriptors, rather than memory */
    }
    made->next = shelves->first;
    shelves->first = made;
    *shelf = made;
    return SP_OK;
}

enum sp_error
sp_shelves_init(struct sp_shelves *shelves, struct sp_sockets *sockets, sp_shelf_fn *acted,
                void *context)
{
    struct sp_shelf *first;

    *shelves = (struct sp_shelves){.sockets = sockets, .acted = acted, .context = context};
    return new_shelf(shelves, &first);
}

void
sp_shelves_clear(struct sp_shelves *shelves)
{
    while (shelves->first != NULL) {
        struct sp_shelf *shelf = shelves->first;
        shelves->first = shelf->next;
        free_shelf(shelf);
    }
}

static enum sp_error
find_room(struct sp_shelves *shelves, struct sp_shelf **shelf)
{
    struct sp_shelf *each = shelves->first;

    while (each != NULL && each->count >= SP_SHELF_SIZE) {
        each = each->next;
    }
    *shelf = each;
    return each != NULL ? SP_OK : new_shelf(shelves, shelf);
}

enum sp_error
sp_shelf_put(struct sp_shelves *shelves, CURL *easy, struct sp_shelf **shelf)
{
    struct sp_shelf *found;
    enum sp_error error = find_room(shelves, &found);

    if (error != SP_OK) {
        return error;
    }
    if (curl_multi_add_handle(found->multi, easy) != CURLM_OK) {
        return SP_E_NO_MEMORY;
    }
    found->count++;
    *shelf = found;
    return SP_OK;
}

void
sp_shelf_take_off(struct sp_shelf *shelf, CURL *easy)
{
    (void)curl_multi_remove_handle(shelf->multi, easy); /* it is there */
    shelf->count--;
}

CURL *
sp_shelf_next_through(struct sp_shelf *shelf, CURLcode *result)
{
    int left;
    struct CURLMsg *message = curl_multi_info_read(shelf->multi, &left);

    while (message != NULL && message->msg != CURLMSG_DONE) {
        message = curl_multi_info_read(shelf->multi, &left);
    }
    if (message == NULL) {
        return NULL;
    }
    *result = message->data.result;
    return message->easy_handle;
}

static void
tidy(struct sp_shelves *shelves)
{
    struct sp_shelf **link = &shelves->first;
    bool has_empty = false;

    while (*link != NULL) {
        struct sp_shelf *shelf = *link;
        if (shelf->count == 0 && has_empty) {
            *link = shelf->next;
            free_shelf(shelf);
        }
        else {
            has_empty = has_empty || shelf->count == 0;
            link = &shelf->next;
        }
    }
}

long long
sp_shelves_due(const struct sp_shelves *shelves)
{
    long long due = SP_NEVER;

    for (const struct sp_shelf *each = shelves->first; each != NULL; each = each->next) {
        due = sp_clock_sooner(due, each->due);
    }
    return due;
}

/* A timer is one-shot: it is forgotten before libcurl is called, which may set it anew. */
void
sp_shelves_run(struct sp_shelves *shelves, long long now)
{
    for (struct sp_shelf *each = shelves->first; each != NULL; each = each->next) {
        if (each->due != SP_NEVER && each->due <= now) {
            each->due = SP_NEVER;
            act(each, CURL_SOCKET_TIMEOUT, 0);
        }
    }
    tidy(shelves);
}
