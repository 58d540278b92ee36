#include "engine/transfer.h"

#include "engine/callbacks.h"
#include "engine/clock.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Seconds for a name's address: containers get new ones, and a dev server's is cheap. */
#define SP_DNS_TIMEOUT 5L

/* libcurl compares whole seconds with >, so 3 means "idle for less than 4 s". */
#define SP_MAX_IDLE 3L

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
/* Giving up an exchange must not wait for a hanging getaddrinfo. */
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

/* What no exchange changes: a transparent HTTP/1.1 hop, without a will of its own. */
static CURLcode
set_constants(CURL *easy)
{
    CURLcode bad = set_protocols(easy) | set_quick_exit(easy);

    bad |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    bad |= curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    bad |= curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
    bad |= curl_easy_setopt(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L);
    bad |= curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    bad |= curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    bad |= if_known(curl_easy_setopt(easy, CURLOPT_PROXY, ""));
    bad |= if_known(curl_easy_setopt(easy, CURLOPT_NOPROXY, "*"));
    bad |= curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)SP_RECEIVE_SIZE);
    bad |= curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, SP_MAX_IDLE);
    bad |= curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, SP_DNS_TIMEOUT);
    return bad;
}

static CURLcode
set_callbacks(struct sp_transfer *transfer)
{
    CURL *easy = transfer->easy;
    CURLcode bad = curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);

    bad |= curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, transfer->receive_size);
    bad |= curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->words);
    bad |= curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, sp_callback_line);
    bad |= curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    bad |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, sp_callback_receive);
    bad |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    bad |= curl_easy_setopt(easy, CURLOPT_READFUNCTION, sp_callback_send);
    bad |= curl_easy_setopt(easy, CURLOPT_READDATA, transfer);
    bad |= curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, sp_callback_before_send);
    bad |= curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
    bad |= curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, sp_callback_trace);
    bad |= curl_easy_setopt(easy, CURLOPT_DEBUGDATA, transfer);
    bad |= curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, sp_callback_open);
    bad |= curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
    bad |= curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, sp_callback_close);
    bad |= curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, transfer->sockets);
    return bad;
}

/* TLS messages are told of where OpenSSL or one of its forks speaks TLS. */
static bool
can_be_traced(const struct sp_upstream_options *options)
{
    const char *library = curl_version_info(CURLVERSION_NOW)->ssl_version;

    return strncmp(options->url, "https:", 6) == 0 && library != NULL &&
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

static CURLcode
set_upstream(struct sp_transfer *transfer, struct sp_upstream *upstream)
{
    const struct sp_upstream_options *options = &upstream->options;
    CURL *easy = transfer->easy;
    CURLcode bad = CURLE_OK;

    if (transfer->upstream == upstream) {
        return CURLE_OK;
    }
    if (transfer->upstream != NULL &&
        (transfer->upstream->ca_file != NULL || transfer->upstream->ca_path != NULL)) {
        /* There is no other way back to what libcurl was built with. */
        curl_easy_reset(easy);
        bad |= set_constants(easy) | set_callbacks(transfer);
    }
    bad |= curl_easy_setopt(easy, CURLOPT_URL, options->url);
    bad |= curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, options->unix_socket);
    bad |= curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)options->connect_timeout);
    bad |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, options->verify ? 1L : 0L);
    bad |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, options->verify ? 2L : 0L);
    bad |= set_authorities(easy, options->ca_file, options->ca_path);
    transfer->traced = can_be_traced(options);
    bad |= curl_easy_setopt(easy, CURLOPT_VERBOSE, transfer->traced ? 1L : 0L);
    sp_upstream_give_back(transfer->upstream);
    transfer->upstream = sp_upstream_take(upstream);
    return bad;
}

/* UPLOAD sends a body under any method; POST would add a Content-Type. Where libcurl knows no
 * length it sends what it is given until that ends, without framing of its own: see link_nodes. */
static CURLcode
set_method(CURL *easy, const struct sp_exchange *exchange)
{
    const char *method = exchange->method;
    bool has_body = exchange->body_length != SP_BODY_NONE && exchange->body_length != 0;
    CURLcode bad = curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);

    if (strcmp(method, "HEAD") == 0) {
        bad |= curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    }
    if (has_body) {
        curl_off_t length =
            exchange->body_length > 0 ? (curl_off_t)exchange->body_length : (curl_off_t)-1;
        bad |= curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
        bad |= curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, length);
    }
    bool is_plain = strcmp(method, "HEAD") == 0 || (strcmp(method, "GET") == 0 && !has_body);
    return bad | curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, is_plain ? NULL : method);
}

/* A node "Name:" keeps libcurl from sending such a field of its own; the block then sends
 * ours at its own place. */
static void
link_nodes(struct sp_transfer *transfer, struct sp_exchange *exchange)
{
    static char host[] = "Host:";
    static char accept[] = "Accept:";
    static char expect[] = "Expect:";
    static char coding[] = "Transfer-Encoding:";
    struct curl_slist *nodes = transfer->nodes;
    bool has_fields = exchange->fields.len > 1; /* besides the NUL */
    bool is_framed_here =
        exchange->body_length == SP_BODY_TUNNEL || exchange->body_length == SP_BODY_CHUNKED;
    struct curl_slist *last = has_fields ? &nodes[SP_NODE_FIELDS] : NULL;

    nodes[SP_NODE_HOST] = (struct curl_slist){host, &nodes[SP_NODE_ACCEPT]};
    nodes[SP_NODE_ACCEPT] = (struct curl_slist){accept, &nodes[SP_NODE_EXPECT]};
    nodes[SP_NODE_EXPECT] =
        (struct curl_slist){expect, is_framed_here ? &nodes[SP_NODE_CODING] : last};
    nodes[SP_NODE_CODING] = (struct curl_slist){coding, last};
    nodes[SP_NODE_FIELDS] = (struct curl_slist){exchange->fields.data, NULL};
}

enum sp_error
sp_transfer_new(struct sp_news *news, struct sp_sockets *sockets, long receive_size,
                struct sp_transfer **transfer)
{
    struct sp_transfer *made = calloc(1, sizeof(*made));

    if (made == NULL) {
        return SP_E_NO_MEMORY;
    }
    made->news = news;
    made->sockets = sockets;
    made->socket = SP_NO_SOCKET;
    made->receive_size = receive_size;
    made->is_buffered = curl_version_info(CURLVERSION_NOW)->version_num >= 0x080700;
    made->easy = curl_easy_init();
    if (made->easy == NULL || set_constants(made->easy) != CURLE_OK ||
        set_callbacks(made) != CURLE_OK) {
        sp_transfer_free(made);
        return SP_E_NO_MEMORY;
    }
    *transfer = made;
    return SP_OK;
}

void
sp_transfer_free(struct sp_transfer *transfer)
{
    if (transfer != NULL) {
        curl_easy_cleanup(transfer->easy);
        sp_upstream_give_back(transfer->upstream);
        free(transfer);
    }
}

/* (5) The handle is set up for its exchange. */
enum sp_error
sp_transfer_attach(struct sp_transfer *transfer, struct sp_exchange *exchange)
{
    CURL *easy = transfer->easy;
    bool is_tunnel = exchange->body_length == SP_BODY_TUNNEL;
    /* A Unix socket has no port to find it by before a request goes out, and connecting it
     * costs next to nothing: it is never used twice. */
    bool is_unix = exchange->upstream->options.unix_socket != NULL;

    assert(transfer->exchange == NULL && exchange->transfer == NULL);
    link_nodes(transfer, exchange);
    CURLcode bad = set_upstream(transfer, exchange->upstream) | set_method(easy, exchange);
    bad |= curl_easy_setopt(easy, CURLOPT_REQUEST_TARGET, exchange->target);
    bad |= curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->nodes);
    /* (13) An upgrade's connection is its own. */
    bad |= curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, is_tunnel ? 1L : 0L);
    bad |= curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, is_tunnel || is_unix ? 1L : 0L);
    if (bad != CURLE_OK) {
        return SP_E_NO_MEMORY;
    }
    transfer->socket = SP_NO_SOCKET;
    transfer->sends = 0;
    transfer->taken = 0;
    transfer->stale = false;
    transfer->paused = false;
    transfer->is_silent = false;
    transfer->is_spoken = false;
    transfer->goodbye = false;
    transfer->tried = (struct sp_tried){.size = 0};
    transfer->fault = SP_OK;
    transfer->words[0] = '\0';
    transfer->exchange = exchange;
    exchange->transfer = transfer;
    return SP_OK;
}

void
sp_transfer_detach(struct sp_transfer *transfer)
{
    transfer->exchange->transfer = NULL;
    transfer->exchange = NULL;
}

void
sp_transfer_refresh(struct sp_transfer *transfer)
{
    /* An option that takes a flag cannot fail. */
    (void)curl_easy_setopt(transfer->easy, CURLOPT_FRESH_CONNECT, 1L);
    transfer->socket = SP_NO_SOCKET;
    transfer->sends = 0;
    transfer->stale = false;
}

bool
sp_transfer_is_behind(const struct sp_transfer *transfer)
{
    const struct sp_exchange *exchange = transfer->exchange;
    /* The fields end with a NUL. A length that libcurl declares is not counted. */
    size_t head = strlen(exchange->method) + strlen(exchange->target) + exchange->fields.len - 1 +
                  sizeof("  HTTP/1.1\r\n\r\n\r\n") - 1;
    long sent = 0;

    return transfer->is_buffered && transfer->sends > 0 &&
           curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &sent) == CURLE_OK &&
           sent < (long)head + (long)transfer->taken;
}

/* Where the end of the stream is the end of the body, TLS must say that it is meant (RFC 9112,
 * 9.8); libcurl does not insist. */
static bool
is_cut_off(const struct sp_transfer *transfer)
{
    const struct sp_response_head *head = &transfer->exchange->head;
    bool until_end = !head->chunked && head->content_length == SP_LENGTH_UNKNOWN &&
                     head->status != 204 && head->status != 304 &&
                     strcmp(transfer->exchange->method, "HEAD") != 0;

    /* A tunnel's end was ours to say first, and without a word of TLS. */
    return until_end && transfer->traced && !transfer->goodbye && !transfer->is_spoken;
}

/* What it means that there is no whole head. */
static enum sp_error
unanswered(const struct sp_transfer *transfer, CURLcode result)
{
    bool sent = transfer->sends > 0;
    bool begun = transfer->exchange->head.status != 0;

    switch (result) {
    case CURLE_COULDNT_RESOLVE_HOST:
        return SP_E_NAME;
    case CURLE_SSL_CONNECT_ERROR:
        return SP_E_TLS;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
        return SP_E_CERTIFICATE;
    case CURLE_OPERATION_TIMEDOUT: /* the only timeout that libcurl keeps for us */
        return SP_E_CONNECT_TIMEOUT;
    case CURLE_OUT_OF_MEMORY: /* also for a line of a head that is too long */
        return sent ? SP_E_RESPONSE_HEAD : SP_E_NO_MEMORY;
    case CURLE_SEND_ERROR:
        return sent ? SP_E_REQUEST_UPSTREAM : SP_E_CONNECT;
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_FAIL_REWIND: /* it would have sent a body again */
        return SP_E_RESPONSE_NONE;
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
        if (sent && !begun) {
            return SP_E_RESPONSE_NONE;
        }
        break;
    default: /* CURLE_OK too: an end inside the head */
        break;
    }
    return sent ? SP_E_RESPONSE_HEAD : SP_E_CONNECT;
}

/* ms for which what was found beside an address holds. */
#define SP_BESIDE_HOLDS 1000LL

/* A frontend that is down is asked for often. */
static bool
is_beside(const struct sp_transfer *transfer)
{
    struct sp_upstream *upstream = transfer->upstream;
    long long now = sp_clock_now();

    if (upstream->looked_beside == SP_NEVER || now - upstream->looked_beside > SP_BESIDE_HOLDS) {
        upstream->looked_beside = now;
        upstream->is_beside = sp_tried_beside(&transfer->tried);
    }
    return upstream->is_beside;
}

static enum sp_error
explained(const struct sp_transfer *transfer, enum sp_error error)
{
    bool is_explained = error == SP_E_CONNECT && transfer->upstream->options.explains;

    return is_explained && is_beside(transfer) ? SP_E_CONNECT_BESIDE : error;
}

/* libcurl counts no byte of a 101 itself. And TLS has no half-closing: an upstream whose client
 * has ended may take it for a broken stream, and say so last. */
static bool
is_end_of_tunnel(const struct sp_transfer *transfer, CURLcode result)
{
    bool is_offended = transfer->is_spoken && transfer->traced && result == CURLE_RECV_ERROR;

    return transfer->exchange->head.complete && transfer->exchange->head.status == 101 &&
           (result == CURLE_GOT_NOTHING || is_offended);
}

enum sp_error
sp_transfer_outcome(const struct sp_transfer *transfer, CURLcode result)
{
    if (transfer->fault != SP_OK && result != CURLE_OK) {
        return transfer->fault;
    }
    if (is_end_of_tunnel(transfer, result)) {
        return SP_OK;
    }
    if (!transfer->exchange->head.complete) {
        return explained(transfer, unanswered(transfer, result));
    }
    return result == CURLE_OK && !is_cut_off(transfer) ? SP_OK : SP_E_RESPONSE_UPSTREAM;
}
