#include "wire/outgoing.h"

#include "wire/name.h"

#include <string.h>

static bool
is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_scheme(struct sp_span text)
{
    if (text.len == 0 || !is_letter(text.data[0])) {
        return false;
    }
    for (size_t i = 1; i < text.len; i++) {
        char c = text.data[i];
        if (!is_letter(c) && !(c >= '0' && c <= '9') && c != '+' && c != '.' && c != '-') {
            return false;
        }
    }
    return true;
}

/* How much of `url` is scheme and authority, when that is `host`; 0 when it is not. */
static size_t
own_part(struct sp_span url, struct sp_span host)
{
    const char *colon = url.len > 0 ? memchr(url.data, ':', url.len) : NULL;
    size_t scheme = colon != NULL ? (size_t)(colon - url.data) : 0;
    struct sp_span rest = {url.data + scheme, url.len - scheme};

    if (!is_scheme((struct sp_span){url.data, scheme}) ||
        !sp_span_starts_nocase(rest, SP_SPAN("://"))) {
        return 0;
    }
    size_t start = scheme + sizeof("://") - 1;
    size_t end = start;
    while (end < url.len && url.data[end] != '/' && url.data[end] != '?' && url.data[end] != '#') {
        end++;
    }
    return sp_span_equal_nocase((struct sp_span){url.data + start, end - start}, host) ? end : 0;
}

static bool
add(struct sp_request_head *head, enum sp_name known, struct sp_span name, struct sp_span value)
{
    const struct sp_field field = {name, value};

    return sp_request_head_add(head, known, &field, SP_SPAN(""));
}

/* Our own origin is the one whose authority is the request's, whatever its scheme. A foreign one
 * crosses untouched, so that the frontend's own defence works. */
static bool
add_url(struct sp_request_head *head, const struct sp_view *view, enum sp_name known,
        const struct sp_field *field)
{
    size_t own = view->own_origin.len > 0 ? own_part(field->value, view->browser_host) : 0;
    const struct sp_field changed = {field->name, view->own_origin};
    struct sp_span rest = {field->value.data + own, field->value.len - own};

    return own > 0 ? sp_request_head_add(head, known, &changed, rest)
                   : sp_request_head_add(head, known, field, SP_SPAN(""));
}

/* The first one's; `count` when there is none. */
static size_t
place_of_host(const struct sp_outgoing *outgoing)
{
    size_t place = 0;

    while (place < outgoing->count &&
           !sp_span_equal_nocase(outgoing->fields[place].name, SP_SPAN("Host"))) {
        place++;
    }
    return place;
}

static bool
add_received(struct sp_request_head *head, const struct sp_outgoing *outgoing,
             const struct sp_field *field, bool is_host)
{
    const struct sp_view *view = outgoing->view;
    enum sp_name known = sp_name_of(field->name);

    switch (known) {
    case SP_NAME_HOST:
        return !is_host || add(head, known, field->name, view->host);
    case SP_NAME_ORIGIN:
        return add_url(head, view, known, field);
    case SP_NAME_REFERER:
        if (view->is_whole_site) {
            return add_url(head, view, known, field);
        }
        break;
    case SP_NAME_FORWARDED: /* a client's word about where it comes from */
    case SP_NAME_X_FORWARDED:
    case SP_NAME_X_REAL_IP:
        return true;
    default:
        break;
    }
    return sp_request_head_add(head, known, field, SP_SPAN(""));
}

static bool
add_forwarding(struct sp_request_head *head, const struct sp_outgoing *outgoing)
{
    return (outgoing->peer.len == 0 ||
            add(head, SP_NAME_X_FORWARDED, SP_SPAN("X-Forwarded-For"), outgoing->peer)) &&
           add(head, SP_NAME_X_FORWARDED, SP_SPAN("X-Forwarded-Host"),
               outgoing->view->forwarded_host) &&
           add(head, SP_NAME_X_FORWARDED, SP_SPAN("X-Forwarded-Proto"),
               outgoing->view->forwarded_proto);
}

enum sp_request_verdict
sp_outgoing_build(struct sp_buffer *block, const struct sp_outgoing *outgoing)
{
    struct sp_request_head head;
    size_t host = place_of_host(outgoing);
    bool built = sp_request_head_begin(&head, block, outgoing->fields, outgoing->count,
                                       outgoing->is_upgrade);

    head.loop_token = outgoing->loop_token;
    if (built && host == outgoing->count) {
        built = add(&head, SP_NAME_HOST, SP_SPAN("Host"), outgoing->view->host);
    }
    for (size_t i = 0; built && i < outgoing->count; i++) {
        built = add_received(&head, outgoing, &outgoing->fields[i], i == host);
    }
    built = built && add_forwarding(&head, outgoing);
    return sp_request_head_end(&head, built);
}
