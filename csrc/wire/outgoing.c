#include "wire/outgoing.h"

#include <string.h>

/* What is done with a received field. */
enum treatment {
    SP_AS_IT_IS,
    SP_HOST,
    SP_ORIGIN,
    SP_REFERER,
    SP_DROPPED, /* a client's word about where it comes from */
};

static bool
is_named(struct sp_span name, struct sp_span wanted)
{
    return name.len == wanted.len && sp_span_equal_nocase(name, wanted);
}

/* The first letter tells nearly all fields apart. */
static enum treatment
treatment_of(struct sp_span name)
{
    switch (name.len > 0 ? name.data[0] | 0x20 : '\0') {
    case 'h':
        return is_named(name, SP_SPAN("Host")) ? SP_HOST : SP_AS_IT_IS;
    case 'o':
        return is_named(name, SP_SPAN("Origin")) ? SP_ORIGIN : SP_AS_IT_IS;
    case 'r':
        return is_named(name, SP_SPAN("Referer")) ? SP_REFERER : SP_AS_IT_IS;
    case 'f':
        return is_named(name, SP_SPAN("Forwarded")) ? SP_DROPPED : SP_AS_IT_IS;
    case 'x':
        return sp_span_starts_nocase(name, SP_SPAN("X-Forwarded-")) ||
                       is_named(name, SP_SPAN("X-Real-IP"))
                   ? SP_DROPPED
                   : SP_AS_IT_IS;
    default:
        return SP_AS_IT_IS;
    }
}

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
    return is_named((struct sp_span){url.data + start, end - start}, host) ? end : 0;
}

static bool
add(struct sp_request_head *head, struct sp_span name, struct sp_span value)
{
    return sp_request_head_add(head, name, value, (struct sp_span){NULL, 0});
}

/* Our own origin is the one whose authority is the request's, whatever its scheme. A foreign one
 * crosses untouched, so that the frontend's own defence works. */
static bool
add_url(struct sp_request_head *head, const struct sp_view *view, const struct sp_field *field)
{
    size_t own = view->own_origin.len > 0 ? own_part(field->value, view->browser_host) : 0;
    struct sp_span rest = {field->value.data + own, field->value.len - own};

    return own > 0 ? sp_request_head_add(head, field->name, view->own_origin, rest)
                   : add(head, field->name, field->value);
}

/* The first one's; `count` when there is none. */
static size_t
place_of_host(const struct sp_outgoing *outgoing)
{
    size_t place = 0;

    while (place < outgoing->count && treatment_of(outgoing->fields[place].name) != SP_HOST) {
        place++;
    }
    return place;
}

static bool
add_received(struct sp_request_head *head, const struct sp_outgoing *outgoing, size_t host)
{
    const struct sp_view *view = outgoing->view;
    bool added = true;

    for (size_t i = 0; added && i < outgoing->count; i++) {
        const struct sp_field *field = &outgoing->fields[i];
        switch (treatment_of(field->name)) {
        case SP_HOST:
            added = i != host || add(head, field->name, view->host);
            break;
        case SP_ORIGIN:
            added = add_url(head, view, field);
            break;
        case SP_REFERER:
            added = view->is_whole_site ? add_url(head, view, field)
                                        : add(head, field->name, field->value);
            break;
        case SP_DROPPED:
            break;
        case SP_AS_IT_IS:
            added = add(head, field->name, field->value);
            break;
        }
    }
    return added;
}

static bool
add_forwarding(struct sp_request_head *head, const struct sp_outgoing *outgoing)
{
    return (outgoing->peer.len == 0 || add(head, SP_SPAN("X-Forwarded-For"), outgoing->peer)) &&
           add(head, SP_SPAN("X-Forwarded-Host"), outgoing->view->forwarded_host) &&
           add(head, SP_SPAN("X-Forwarded-Proto"), outgoing->view->forwarded_proto);
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
        built = add(&head, SP_SPAN("Host"), outgoing->view->host);
    }
    built = built && add_received(&head, outgoing, host) && add_forwarding(&head, outgoing);
    return sp_request_head_end(&head, built);
}
