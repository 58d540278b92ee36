#include "door/known_hosts.h"

#include <stdlib.h>

enum sp_error
sp_host_new(struct sp_span value, enum sp_verdict verdict, struct sp_host **host)
{
    struct sp_host *made = calloc(1, sizeof(*made));

    if (made == NULL || sp_texts_keep(&made->texts, value, &made->value) != SP_OK) {
        free(made);
        return SP_E_NO_MEMORY;
    }
    made->references = 1;
    made->verdict = verdict;
    *host = made;
    return SP_OK;
}

struct sp_host *
sp_host_take(struct sp_host *host)
{
    host->references++;
    return host;
}

void
sp_host_give_back(struct sp_host *host)
{
    if (host != NULL && --host->references == 0) {
        free(host->views);
        sp_texts_free(host->texts);
        free(host);
    }
}

const struct sp_host_view *
sp_host_view_of(const struct sp_host *host, size_t frontend, enum sp_view_kind kind)
{
    return &host->views[frontend * SP_VIEW_KINDS + kind];
}

/* The link to the entry of a value, or to the list's end. */
static struct sp_host **
find_link(struct sp_host **list, struct sp_span value)
{
    while (*list != NULL && !sp_span_equal((*list)->value, value)) {
        list = &(*list)->next;
    }
    return list;
}

static struct sp_host *
unlink_host(struct sp_host **link)
{
    struct sp_host *host = *link;

    if (host != NULL) {
        *link = host->next;
    }
    return host;
}

static struct sp_host *
move_to_front(struct sp_host **list, struct sp_span value)
{
    struct sp_host *host = unlink_host(find_link(list, value));

    if (host != NULL) {
        host->next = *list;
        *list = host;
    }
    return host;
}

/* Whoever waits for an answer must find it. Or the list's end. */
static struct sp_host **
last_link_that_is_not_asked(struct sp_host **list)
{
    struct sp_host **found = NULL;

    for (; *list != NULL; list = &(*list)->next) {
        if ((*list)->verdict != SP_VERDICT_ASKED) {
            found = list;
        }
    }
    return found != NULL ? found : list;
}

static void
forget(struct sp_host **link, size_t *count)
{
    struct sp_host *host = unlink_host(link);

    if (host != NULL) {
        (*count)--;
        sp_host_give_back(host);
    }
}

void
sp_known_hosts_clear(struct sp_known_hosts *hosts)
{
    while (hosts->allowed != NULL) {
        forget(&hosts->allowed, &hosts->allowed_count);
    }
    while (hosts->others != NULL) {
        forget(&hosts->others, &hosts->other_count);
    }
}

struct sp_host *
sp_known_hosts_find(struct sp_known_hosts *hosts, struct sp_span value)
{
    struct sp_host *host = move_to_front(&hosts->allowed, value);

    return host != NULL ? host : move_to_front(&hosts->others, value);
}

bool
sp_known_hosts_may_ask(const struct sp_known_hosts *hosts)
{
    const struct sp_host *host = hosts->others;

    while (host != NULL && host->verdict == SP_VERDICT_ASKED) {
        host = host->next;
    }
    return hosts->other_count < SP_HOSTS_MAX_OTHERS || host != NULL;
}

void
sp_known_hosts_put(struct sp_known_hosts *hosts, struct sp_host *host)
{
    bool is_allowed = host->verdict == SP_VERDICT_ALLOWED;
    struct sp_host **list = is_allowed ? &hosts->allowed : &hosts->others;
    size_t *count = is_allowed ? &hosts->allowed_count : &hosts->other_count;
    size_t most = is_allowed ? SP_HOSTS_MAX_ALLOWED : SP_HOSTS_MAX_OTHERS;

    forget(find_link(&hosts->allowed, host->value), &hosts->allowed_count);
    forget(find_link(&hosts->others, host->value), &hosts->other_count);
    if (*count == most) {
        forget(last_link_that_is_not_asked(list), count);
    }
    if (*count == most) {
        sp_host_give_back(host);
        return;
    }
    host->next = *list;
    *list = host;
    (*count)++;
}
