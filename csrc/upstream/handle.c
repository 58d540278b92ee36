#include "upstream/handle.h"

#include "core/descriptors.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Seconds for a name's address: containers get new ones, and a dev server's is cheap. */
#define SP_DNS_TIMEOUT 5L

/* Each easy handle that connects has such a buffer, which nothing passes. The least that libcurl
 * takes. */
#define SP_BUFFER_SIZE 1024L

/* A connection has no such buffer any more, but libcurl (7.88) still reads no more than that at
 * once: the most that TLS has at once is a record (RFC 8446, 5.1). */
#define SP_RECORD_SIZE 16384L

/* Options differ between the supported versions of libcurl. */
#if LIBCURL_VERSION_NUM >= 0x075500
static CURLcode
set_protocols(CURL *easy)
{
    CURLcode bad = curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");

    /* Built without TLS, it refuses even the name. */
    return bad == CURLE_UNSUPPORTED_PROTOCOL ? curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http")
                                             : bad;
}
#else
static CURLcode
set_protocols(CURL *easy)
{
    return curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
}
#endif

#if LIBCURL_VERSION_NUM >= 0x075700
/* Giving up an attempt must not wait for a hanging getaddrinfo. */
static CURLcode
set_quick_exit(CURL *easy)
{
    return curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
}
#else
static CURLcode
set_quick_exit(CURL *easy)
{
    (void)easy;
    return CURLE_OK;
}
#endif

/* What libcurl was built without it does not do. */
static CURLcode
if_known(CURLcode code)
{
    return code == CURLE_UNKNOWN_OPTION || code == CURLE_NOT_BUILT_IN ? CURLE_OK : code;
}

/* libcurl 7.88.0 to 8.4.0 closes what never connected without a word. */
static void
forget_closed(struct sp_handle *handle)
{
    for (size_t i = 0; i < handle->opened_count; i++) {
        sp_descriptor_forget(handle->opened[i]);
    }
    handle->opened_count = 0;
}

static curl_socket_t
open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct sp_handle *handle = context;
    int fd = sp_descriptor_socket(address->family, address->socktype, address->protocol);

    (void)purpose; /* only CURLSOCKTYPE_IPCXN is asked for in HTTP */
    sp_tried_note(&handle->tried, &address->addr, address->addrlen);
    if (fd < 0) {
        handle->is_short =
            handle->is_short || errno == EMFILE || errno == ENFILE || errno == ENOBUFS;
        return CURL_SOCKET_BAD;
    }
    if (handle->opened_count == SP_HANDLE_SOCKETS) {
        forget_closed(handle);
    }
    handle->opened[handle->opened_count++] = fd;
    sp_shelf_renew(handle->shelf, fd);
    return fd;
}

/* A connection may outlive its handle: see leave_dead_end. */
static int
close_socket(void *context, curl_socket_t fd)
{
    struct sp_handles *handles = context;

    if (fd == handles->wanted) {
        handles->wanted = SP_NO_SOCKET;
    }
    else {
        sp_descriptor_close(fd);
    }
    return 0;
}

static int
trace(CURL *easy, curl_infotype type, char *data, size_t size, void *context)
{
    struct sp_handle *handle = context;

    (void)easy;
    /* An alert is two bytes, and close_notify's second one is zero (RFC 8446, 6). */
    if (type == CURLINFO_SSL_DATA_IN && size == 2 && data[1] == 0) {
        handle->goodbye = true;
    }
    return 0;
}

/* What no connection changes. HTTP/1.1 is what libcurl offers by ALPN. CURLOPT_FORBID_REUSE would
 * close the connection as soon as it is made. */
static CURLcode
set_constants(struct sp_handle *handle)
{
    CURL *easy = handle->easy;
    CURLcode bad = set_protocols(easy) | set_quick_exit(easy);

    bad |= curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
    bad |= curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    bad |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    bad |= curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    bad |= if_known(curl_easy_setopt(easy, CURLOPT_PROXY, ""));
    bad |= if_known(curl_easy_setopt(easy, CURLOPT_NOPROXY, "*"));
    bad |= curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, SP_DNS_TIMEOUT);
    bad |= curl_easy_setopt(easy, CURLOPT_PRIVATE, handle);
    bad |= curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, handle->words);
    bad |= curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, trace);
    bad |= curl_easy_setopt(easy, CURLOPT_DEBUGDATA, handle);
    bad |= curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    bad |= curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, handle);
    bad |= curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
    bad |= curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, handle->home);
    return bad;
}

/* TLS messages are told of where OpenSSL or one of its forks speaks TLS. */
static bool
can_be_traced(const struct sp_upstream *upstream)
{
    const char *library = curl_version_info(CURLVERSION_NOW)->ssl_version;

    return sp_upstream_is_tls(upstream) && library != NULL &&
           (strstr(library, "OpenSSL") != NULL || strstr(library, "LibreSSL") != NULL ||
            strstr(library, "BoringSSL") != NULL);
}

/* In place of those that libcurl was built with, but for folders where its TLS knows of none. */
static CURLcode
set_authorities(CURL *easy, const char *file, const char *folders)
{
    if (file == NULL && folders == NULL) {
        return CURLE_OK;
    }
    CURLcode bad = curl_easy_setopt(easy, CURLOPT_CAPATH, folders);
    return bad && file == NULL ? CURLE_OK : curl_easy_setopt(easy, CURLOPT_CAINFO, file);
}

static bool
has_authorities(const struct sp_upstream *upstream)
{
    return upstream != NULL &&
           (upstream->options.ca_file != NULL || upstream->options.ca_path != NULL);
}

static CURLcode
set_upstream(struct sp_handle *handle, struct sp_upstream *upstream)
{
    const struct sp_upstream_options *options = &upstream->options;
    CURL *easy = handle->easy;
    CURLcode bad = CURLE_OK;

    if (handle->upstream == upstream) {
        return CURLE_OK;
    }
    if (has_authorities(handle->upstream)) {
        /* There is no other way back to what libcurl was built with. */
        curl_easy_reset(easy);
        bad |= set_constants(handle);
    }
    bad |= curl_easy_setopt(easy, CURLOPT_URL, options->url);
    bad |= curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)options->connect_timeout);
    bad |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, options->verify ? 1L : 0L);
    bad |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, options->verify ? 2L : 0L);
    bad |= set_authorities(easy, options->ca_file, options->ca_path);
    handle->traced = can_be_traced(upstream);
    bad |= curl_easy_setopt(easy, CURLOPT_VERBOSE, handle->traced ? 1L : 0L);
    sp_upstream_give_back(handle->upstream);
    handle->upstream = sp_upstream_take(upstream);
    return bad;
}

static void
free_handle(struct sp_handle *handle)
{
    curl_easy_cleanup(handle->easy);
    sp_upstream_give_back(handle->upstream);
    free(handle);
}

static struct sp_handle *
new_handle(struct sp_handles *handles)
{
    struct sp_handle *made = calloc(1, sizeof(*made));

    if (made == NULL) {
        return NULL;
    }
    made->home = handles;
    made->easy = curl_easy_init();
    if (made->easy == NULL || set_constants(made) != CURLE_OK) {
        free_handle(made);
        return NULL;
    }
    return made;
}

/* One that is set up for it already, else the one that was used last. */
static struct sp_handle *
take_idle(struct sp_handles *handles, const struct sp_upstream *upstream)
{
    struct sp_handle **link = &handles->idle;

    while (*link != NULL && (*link)->upstream != upstream) {
        link = &(*link)->next;
    }
    if (*link == NULL) {
        link = &handles->idle;
    }
    struct sp_handle *found = *link;
    if (found != NULL) {
        *link = found->next;
        handles->count--;
    }
    return found;
}

struct sp_handle *
sp_handle_take(struct sp_handles *handles, struct sp_upstream *upstream)
{
    struct sp_handle *handle = take_idle(handles, upstream);

    handle = handle != NULL ? handle : new_handle(handles);
    if (handle == NULL) {
        return NULL;
    }
    if (set_upstream(handle, upstream) != CURLE_OK) {
        free_handle(handle);
        return NULL;
    }
    handle->fd = SP_NO_SOCKET;
    handle->is_short = false;
    handle->goodbye = false;
    handle->tried = (struct sp_tried){.size = 0};
    handle->opened_count = 0;
    handle->words[0] = '\0';
    return handle;
}

enum sp_error
sp_handle_start(struct sp_handle *handle, struct sp_shelves *shelves)
{
    /* Small values are never refused. */
    (void)curl_easy_setopt(handle->easy, CURLOPT_BUFFERSIZE, SP_BUFFER_SIZE);
    return sp_shelf_put(shelves, handle->easy, &handle->shelf);
}

struct sp_handle *
sp_handle_of(CURL *easy)
{
    char *owner = NULL;

    (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &owner); /* each of ours has it */
    return (struct sp_handle *)(void *)owner;
}

bool
sp_handle_has_connected(struct sp_handle *handle)
{
    curl_socket_t fd = CURL_SOCKET_BAD;
    CURLcode bad = curl_easy_getinfo(handle->easy, CURLINFO_ACTIVESOCKET, &fd);

    handle->fd = bad == CURLE_OK && fd != CURL_SOCKET_BAD ? fd : SP_NO_SOCKET;
    return handle->fd != SP_NO_SOCKET;
}

void
sp_handle_read_records(struct sp_handle *handle)
{
    (void)curl_easy_setopt(handle->easy, CURLOPT_BUFFERSIZE, SP_RECORD_SIZE);
}

static void
rest(struct sp_handle *handle)
{
    struct sp_handles *home = handle->home;

    handle->owner = NULL;
    handle->fd = SP_NO_SOCKET;
    if (home->count >= SP_IDLE_HANDLES) {
        free_handle(handle);
        return;
    }
    handle->next = home->idle;
    home->idle = handle;
    home->count++;
}

static void
leave_shelf(struct sp_handle *handle)
{
    if (handle->shelf != NULL) {
        sp_shelf_take_off(handle->shelf, handle->easy);
        handle->shelf = NULL;
    }
    forget_closed(handle);
}

/* libcurl before 7.85 closes a connection not now but when it finds it dead, or with the multi
 * handle. */
void
sp_handle_give_back(struct sp_handle *handle)
{
    leave_shelf(handle);
    if (handle->fd != SP_NO_SOCKET && sp_descriptor_is_kept(handle->fd)) {
        (void)shutdown(handle->fd, SHUT_RDWR); /* if it fails, the peer is gone already */
    }
    rest(handle);
}

/* The number is libcurl's for a while yet, and the connection ours by another one. Its peer must
 * not wait for libcurl to learn that it has ended. */
static int
leave_dead_end(int fd)
{
    int copy = sp_descriptor_copy(fd);
    int dead_end = sp_descriptor_socket(AF_UNIX, SOCK_STREAM, 0);

    if (copy >= 0 && (dead_end < 0 || dup2(dead_end, fd) < 0)) {
        sp_descriptor_close(copy);
        copy = SP_NO_SOCKET;
    }
    if (copy >= 0) {
        (void)sp_descriptor_keep(fd); /* as it was until now */
    }
    else {
        (void)shutdown(fd, SHUT_RDWR); /* if it fails, the peer is gone already */
    }
    if (dead_end >= 0) {
        sp_descriptor_close(dead_end);
    }
    return copy >= 0 ? copy : SP_NO_SOCKET;
}

int
sp_handle_give_socket(struct sp_handle *handle)
{
    struct sp_handles *home = handle->home;
    int fd = handle->fd;

    home->wanted = fd;
    leave_shelf(handle);
    if (home->wanted != SP_NO_SOCKET) {
        home->wanted = SP_NO_SOCKET;
        fd = leave_dead_end(fd);
    }
    rest(handle);
    return fd;
}

void
sp_handles_init(struct sp_handles *handles)
{
    *handles = (struct sp_handles){.wanted = SP_NO_SOCKET};
}

void
sp_handles_clear(struct sp_handles *handles)
{
    while (handles->idle != NULL) {
        struct sp_handle *handle = handles->idle;
        handles->idle = handle->next;
        free_handle(handle);
    }
    handles->count = 0;
}
