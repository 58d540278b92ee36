#include "upstream/connector.h"

#include "core/clock.h"
#include "core/descriptors.h"
#include "upstream/handle.h"
#include "upstream/shelf.h"
#include "upstream/unix_socket.h"

#include <stdio.h>
#include <stdlib.h>

struct sp_attempt {
    struct sp_connector *connector; /* borrowed */
    struct sp_handle *handle;       /* owned; NULL once there is a connection, or without libcurl */
    struct sp_upstream *upstream;   /* of a Unix socket's: a reference of our own */
    long long until;                /* ms; it is tried again until then */
    struct sp_attempt *next;        /* in the list of those that are through, or put off */
    bool is_through;                /* it is in the former */
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
    struct sp_attempt *put_off; /* owned; Unix sockets whose listeners have no room */
    long long retry;            /* ms; when they are tried again, or SP_NEVER */
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
    if (error == SP_E_CONNECT && handle->upstream->options.is_development &&
        is_beside(handle->upstream, &handle->tried)) {
        return SP_E_CONNECT_BESIDE;
    }
    return error;
}

/* libcurl's, which has none of its own for some failures of GnuTLS's. */
static const char *
words_of(struct sp_handle *handle, CURLcode result)
{
    const char *file = handle->upstream->options.ca_file;
    const char *words = curl_easy_strerror(result);

    if (handle->words[0] != '\0') {
        return handle->words;
    }
    if (result != CURLE_SSL_CACERT_BADFILE || file == NULL) {
        return words;
    }
    /* A path that is too long for it is cut off. */
    (void)snprintf(handle->words, sizeof(handle->words), "%s: %s", words, file);
    return handle->words;
}

/* What has failed. The handle stays with the attempt, for its words. */
static struct sp_connected
failure(struct sp_handle *handle, CURLcode result)
{
    const char *words = words_of(handle, result);

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
free_attempt(struct sp_attempt *attempt)
{
    if (attempt->handle != NULL) {
        sp_handle_give_back(attempt->handle);
    }
    sp_upstream_give_back(attempt->upstream);
    free(attempt);
}

/* ms between two looks whether a listener has room. */
#define SP_RETRY_PERIOD 20LL

static const char *
words_on(enum sp_error error)
{
    switch (error) {
    case SP_OK:
        return "";
    case SP_E_NAME:
        return "Unix socket path too long";
    case SP_E_CONNECT_TIMEOUT:
        return "Timeout was reached";
    default:
        return "Couldn't connect to server";
    }
}

/* A Unix socket needs no libcurl. */
static void
try_unix_socket(struct sp_attempt *attempt)
{
    struct sp_connector *connector = attempt->connector;
    int fd = SP_NO_SOCKET;
    enum sp_error error = sp_unix_socket_connect(attempt->upstream->options.unix_socket, &fd);
    long long now = error == SP_E_AGAIN ? sp_clock_now() : 0;

    if (error == SP_E_AGAIN && now < attempt->until) {
        attempt->next = connector->put_off;
        connector->put_off = attempt;
        connector->retry = now + SP_RETRY_PERIOD;
        return;
    }
    error = error == SP_E_AGAIN ? SP_E_CONNECT_TIMEOUT : error;
    settle(attempt, (struct sp_connected){error, words_on(error), fd, NULL});
}

static void
try_again(struct sp_connector *connector)
{
    struct sp_attempt *attempt = connector->put_off;

    connector->put_off = NULL;
    connector->retry = SP_NEVER;
    while (attempt != NULL) {
        struct sp_attempt *next = attempt->next;
        try_unix_socket(attempt);
        attempt = next;
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
        free_attempt(attempt);
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
    made->retry = SP_NEVER;
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
    if (upstream->options.unix_socket != NULL) {
        attempt->upstream = sp_upstream_take(upstream);
        attempt->until = sp_clock_now() + upstream->options.connect_timeout;
        try_unix_socket(attempt);
        return attempt;
    }
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

/* From the list that it is in. */
static void
forget(struct sp_connector *connector, struct sp_attempt *attempt)
{
    struct sp_attempt **link = attempt->is_through ? &connector->through : &connector->put_off;

    while (*link != attempt) {
        link = &(*link)->next;
    }
    *link = attempt->next;
    connector->last = attempt->is_through && attempt->next == NULL ? link : connector->last;
}

void
sp_connector_cancel(struct sp_connector *connector, struct sp_attempt *attempt)
{
    bool is_won = attempt->is_through && attempt->connected.error == SP_OK;

    if (attempt->is_through || attempt->upstream != NULL) {
        forget(connector, attempt);
    }
    if (is_won) {
        sp_connected_close(&attempt->connected);
    }
    free_attempt(attempt);
}

long long
sp_connector_deadline(const struct sp_connector *connector)
{
    return connector->through != NULL
               ? 0
               : sp_clock_sooner(connector->retry, sp_shelves_due(&connector->shelves));
}

void
sp_connector_run(struct sp_connector *connector, long long now)
{
    sp_shelves_run(&connector->shelves, now);
    if (connector->retry != SP_NEVER && connector->retry <= now) {
        try_again(connector);
    }
    tell(connector);
}
