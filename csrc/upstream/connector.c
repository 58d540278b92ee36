#include "upstream/connector.h"

#include "core/clock.h"
#include "core/descriptors.h"
#include "upstream/handle.h"
#include "upstream/shelf.h"

#include <stdlib.h>

struct sp_attempt {
    struct sp_connector *connector; /* borrowed */
    struct sp_handle *handle;       /* owned; NULL once there is a connection */
    struct sp_attempt *next;        /* in the list of those that are through */
    bool is_through;                /* it is in that list */
    sp_connected_fn *done;
    void *owner;                   /* borrowed: what `done` is given */
    struct sp_connected connected; /* owned until `done` has it */
};

struct sp_connector {
    struct sp_loop *loop; /* borrowed */
    struct sp_shelves shelves;
    struct sp_handles handles;
    struct sp_attempt *through; /* owned; those that are not told of yet, oldest first */
    struct sp_attempt **last;   /* where the next one is linked */
};

void
sp_connected_close(const struct sp_connected *connected)
{
    if (connected->tls != NULL) {
        sp_tls_close(connected->tls);
    }
    else {
        sp_descriptor_close(connected->fd);
    }
}

static enum sp_error
error_of(CURLcode result)
{
    switch (result) {
    case CURLE_COULDNT_RESOLVE_HOST:
        return SP_E_NAME;
    case CURLE_SSL_CONNECT_ERROR:
        return SP_E_TLS;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
        return SP_E_CERTIFICATE;
    case CURLE_OPERATION_TIMEDOUT:
        return SP_E_CONNECT_TIMEOUT;
    case CURLE_OUT_OF_MEMORY:
        return SP_E_NO_MEMORY;
    default:
        return SP_E_CONNECT;
    }
}

/* ms for which what was found beside an address holds. */
#define SP_BESIDE_HOLDS 1000LL

/* A frontend that is down is asked for often. */
static bool
is_beside(struct sp_upstream *upstream, const struct sp_tried *tried)
{
    long long now = sp_clock_now();

    if (upstream->looked_beside == SP_NEVER || now - upstream->looked_beside > SP_BESIDE_HOLDS) {
        upstream->looked_beside = now;
        upstream->is_beside = sp_tried_beside(tried);
    }
    return upstream->is_beside;
}

static enum sp_error
explained(const struct sp_handle *handle, CURLcode result)
{
    enum sp_error error = error_of(result);

    if (handle->is_short) {
        return SP_E_TOO_MANY;
    }
    if (error == SP_E_CONNECT && handle->upstream->options.explains &&
        is_beside(handle->upstream, &handle->tried)) {
        return SP_E_CONNECT_BESIDE;
    }
    return error;
}

/* What has failed. The handle stays with the attempt, for its words. */
static struct sp_connected
failure(struct sp_handle *handle, CURLcode result)
{
    const char *words = handle->words[0] != '\0' ? handle->words : curl_easy_strerror(result);

    return (struct sp_connected){explained(handle, result), words, SP_NO_SOCKET, NULL};
}

static struct sp_connected
connection(struct sp_attempt *attempt)
{
    struct sp_handle *handle = attempt->handle;
    struct sp_connected made = {SP_OK, "", SP_NO_SOCKET, NULL};

    if (!sp_handle_has_connected(handle)) {
        return failure(handle, CURLE_COULDNT_CONNECT);
    }
    if (sp_upstream_is_tls(handle->upstream)) {
        made.fd = handle->fd;
        made.tls = sp_tls_over(handle);
        if (made.tls == NULL) {
            return failure(handle, CURLE_OUT_OF_MEMORY);
        }
    }
    else {
        made.fd = sp_handle_give_socket(handle);
        made.error = made.fd != SP_NO_SOCKET ? SP_OK : SP_E_TOO_MANY;
    }
    attempt->handle = NULL;
    return made;
}

static void
settle(struct sp_attempt *attempt, struct sp_connected connected)
{
    struct sp_connector *connector = attempt->connector;

    attempt->connected = connected;
    attempt->is_through = true;
    attempt->next = NULL;
    *connector->last = attempt;
    connector->last = &attempt->next;
}

static void
give_back_handle(struct sp_attempt *attempt)
{
    if (attempt->handle != NULL) {
        sp_handle_give_back(attempt->handle);
        attempt->handle = NULL;
    }
}

static struct sp_attempt *
take_through(struct sp_connector *connector)
{
    struct sp_attempt *attempt = connector->through;

    if (attempt != NULL) {
        connector->through = attempt->next;
        connector->last = attempt->next != NULL ? connector->last : &connector->through;
    }
    return attempt;
}

/* Whoever is told may begin others, give up others and close what it has got. */
static void
tell(struct sp_connector *connector)
{
    struct sp_attempt *attempt;

    while ((attempt = take_through(connector)) != NULL) {
        attempt->done(connector->loop, attempt->owner, &attempt->connected);
        give_back_handle(attempt);
        free(attempt);
    }
}

static void
reap(struct sp_shelf *shelf, void *context)
{
    struct sp_connector *connector = context;
    CURLcode result;
    CURL *easy;

    while ((easy = sp_shelf_next_through(shelf, &result)) != NULL) {
        struct sp_attempt *attempt = sp_handle_of(easy)->owner;
        settle(attempt,
               result == CURLE_OK ? connection(attempt) : failure(attempt->handle, result));
    }
    tell(connector);
}

struct sp_connector *
sp_connector_new(struct sp_loop *loop, struct sp_sockets *sockets)
{
    struct sp_connector *made = calloc(1, sizeof(*made));

    if (made == NULL) {
        return NULL;
    }
    made->loop = loop;
    made->last = &made->through;
    sp_handles_init(&made->handles);
    if (sp_shelves_init(&made->shelves, sockets, reap, made) != SP_OK) {
        free(made);
        return NULL;
    }
    return made;
}

void
sp_connector_free(struct sp_connector *connector)
{
    if (connector != NULL) {
        sp_shelves_clear(&connector->shelves);
        sp_handles_clear(&connector->handles);
        free(connector);
    }
}

struct sp_attempt *
sp_connector_begin(struct sp_connector *connector, struct sp_upstream *upstream,
                   sp_connected_fn *done, void *owner)
{
    struct sp_attempt *attempt = calloc(1, sizeof(*attempt));

    if (attempt == NULL) {
        return NULL;
    }
    attempt->connector = connector;
    attempt->done = done;
    attempt->owner = owner;
    attempt->handle = sp_handle_take(&connector->handles, upstream);
    if (attempt->handle == NULL) {
        free(attempt);
        return NULL;
    }
    attempt->handle->owner = attempt;
    enum sp_error error = sp_handle_start(attempt->handle, &connector->shelves);
    if (error != SP_OK) {
        settle(attempt, (struct sp_connected){error == SP_E_SYSTEM ? SP_E_TOO_MANY : error, "",
                                              SP_NO_SOCKET, NULL});
    }
    return attempt;
}

static void
forget_through(struct sp_connector *connector, struct sp_attempt *attempt)
{
    struct sp_attempt **link = &connector->through;

    while (*link != attempt) {
        link = &(*link)->next;
    }
    *link = attempt->next;
    connector->last = attempt->next != NULL ? connector->last : link;
}

void
sp_connector_cancel(struct sp_connector *connector, struct sp_attempt *attempt)
{
    bool is_won = attempt->is_through && attempt->connected.error == SP_OK;

    if (attempt->is_through) {
        forget_through(connector, attempt);
    }
    give_back_handle(attempt);
    if (is_won) {
        sp_connected_close(&attempt->connected);
    }
    free(attempt);
}

long long
sp_connector_deadline(const struct sp_connector *connector)
{
    return connector->through != NULL ? 0 : connector->shelves.due;
}

void
sp_connector_run(struct sp_connector *connector, long long now)
{
    sp_shelves_run(&connector->shelves, now);
    tell(connector);
}
