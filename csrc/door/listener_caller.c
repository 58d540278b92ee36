#include "door/listener_caller.h"

#include "core/clock.h"
#include "core/descriptors.h"
#include "door/events.h"
#include "engine/mailbox.h"

#include <poll.h>
#include <stdlib.h>

/* ms that clients have to read their last answers, and between two looks. */
#define SP_PARTING_TIME 2000LL
#define SP_PARTING_LOOK 5

static struct sp_mailbox *
mailbox_of(const struct sp_listener *listener)
{
    return listener->conductor.door.mailbox;
}

struct opening {
    struct sp_listener *listener;
    const struct sp_listener_options *options;
};

static enum sp_error
begin(struct sp_loop *loop, void *context)
{
    const struct opening *opening = context;
    enum sp_error error = sp_listener_begin(loop, opening->listener, opening->options);

    if (error != SP_OK) {
        sp_listener_end(loop, opening->listener);
    }
    return error;
}

static enum sp_error
part(struct sp_loop *loop, void *context)
{
    struct sp_listener *listener = context;

    sp_listener_part(loop, listener);
    return listener->conductor.count > 0 ? SP_E_AGAIN : SP_OK;
}

static enum sp_error
close_listener(struct sp_loop *loop, void *context)
{
    struct sp_listener *listener = context;

    sp_loop_dismiss(loop, &listener->guest);
    sp_listener_end(loop, listener);
    return SP_OK;
}

struct naming {
    struct sp_listener *listener;
    struct sp_site *site;
};

/* What was answered by the site before keeps that until it is over. */
static enum sp_error
change_site(struct sp_loop *loop, void *context)
{
    const struct naming *naming = context;
    struct sp_conductor *conductor = &naming->listener->conductor;

    (void)loop;
    sp_site_give_back(conductor->door.site);
    conductor->door.site = naming->site;
    sp_events_retry(conductor);
    return SP_OK;
}

struct wording {
    struct sp_listener *listener;
    struct sp_own_words *words;
};

static enum sp_error
change_words(struct sp_loop *loop, void *context)
{
    const struct wording *wording = context;
    struct sp_conductor *conductor = &wording->listener->conductor;

    (void)loop;
    sp_own_words_free(conductor->door.words);
    conductor->door.words = wording->words;
    sp_events_retry(conductor);
    return SP_OK;
}

struct attaching {
    struct sp_listener *listener;
    int fd;
};

static enum sp_error
attach(struct sp_loop *loop, void *context)
{
    const struct attaching *attaching = context;
    struct sp_conductor *conductor = &attaching->listener->conductor;
    enum sp_error error = sp_handover_attach(loop, &conductor->channels, attaching->fd);

    sp_events_retry(conductor);
    return error;
}

struct telling {
    struct sp_listener *listener;
    struct sp_host *host;
};

/* Of one site only: a word on another number of frontends is an older site's. */
static bool
is_current(const struct sp_site *site, const struct sp_host *host)
{
    return site != NULL && (host->views == NULL || host->frontend_count == site->frontend_count);
}

static enum sp_error
tell(struct sp_loop *loop, void *context)
{
    const struct telling *telling = context;
    struct sp_conductor *conductor = &telling->listener->conductor;
    struct sp_site *site = conductor->door.site;

    (void)loop;
    if (!is_current(site, telling->host)) {
        sp_host_give_back(telling->host);
        return SP_OK;
    }
    sp_known_hosts_put(&site->hosts, telling->host);
    sp_events_retry(conductor);
    return SP_OK;
}

enum sp_error
sp_listener_open(struct sp_mailbox *mailbox, const struct sp_listener_options *options,
                 struct sp_listener **listener)
{
    struct sp_listener *made = calloc(1, sizeof(*made));

    if (made == NULL) {
        return SP_E_NO_MEMORY;
    }
    struct sp_door *door = &made->conductor.door;
    made->max_connections = options->max_connections;
    made->conductor.questions = -1;
    door->mailbox = mailbox;
    struct opening opening = {made, options};
    enum sp_error error = sp_own_words_new(&door->words);
    if (error == SP_OK) {
        error = sp_journal_init(&door->journal);
    }
    if (error == SP_OK) {
        error = sp_mailbox_perform(mailbox, begin, &opening);
    }
    if (error != SP_OK) {
        sp_listener_free(made);
        return error;
    }
    *listener = made;
    return SP_OK;
}

void
sp_listener_close(struct sp_listener *listener)
{
    long long until = sp_clock_now() + SP_PARTING_TIME;

    while (sp_mailbox_perform(mailbox_of(listener), part, listener) == SP_E_AGAIN &&
           sp_clock_now() < until) {
        (void)poll(NULL, 0, SP_PARTING_LOOK); /* only a pause */
    }
    /* An engine that has stopped has ended it. */
    (void)sp_mailbox_perform(mailbox_of(listener), close_listener, listener);
}

void
sp_listener_free(struct sp_listener *listener)
{
    if (listener != NULL) {
        struct sp_door *door = &listener->conductor.door;
        sp_site_give_back(door->site);
        sp_journal_clear(&door->journal);
        sp_own_words_free(door->words);
        free(listener);
    }
}

enum sp_error
sp_listener_set_site(struct sp_listener *listener, struct sp_site *site)
{
    struct naming naming = {listener, site};
    enum sp_error error = sp_mailbox_perform(mailbox_of(listener), change_site, &naming);

    if (error != SP_OK) {
        sp_site_give_back(site);
    }
    return error;
}

enum sp_error
sp_listener_set_words(struct sp_listener *listener, struct sp_own_words *words)
{
    struct wording wording = {listener, words};
    enum sp_error error = sp_mailbox_perform(mailbox_of(listener), change_words, &wording);

    if (error != SP_OK) {
        sp_own_words_free(words);
    }
    return error;
}

enum sp_error
sp_listener_attach(struct sp_listener *listener, int fd)
{
    struct attaching attaching = {listener, sp_descriptor_copy(fd)};

    if (attaching.fd < 0) {
        return SP_E_SYSTEM;
    }
    enum sp_error error = sp_mailbox_perform(mailbox_of(listener), attach, &attaching);
    if (error == SP_E_SHUTDOWN) {
        sp_descriptor_close(attaching.fd);
    }
    return error;
}

enum sp_error
sp_listener_tell(struct sp_listener *listener, struct sp_host *host)
{
    struct telling telling = {listener, host};
    enum sp_error error = sp_mailbox_perform(mailbox_of(listener), tell, &telling);

    if (error == SP_E_SHUTDOWN) {
        sp_host_give_back(host);
    }
    return error;
}
