#include "wire/request_head.h"

#include "wire/cdn_loop.h"
#include "wire/hop_by_hop.h"
#include "wire/upgrade.h"

#include <string.h>

#define SPAN(literal) {literal, sizeof(literal) - 1}

static const struct sp_span never_forwarded[] = {
    SPAN("Content-Length"),
    SPAN("Expect"),
    SPAN("X-Middleware-Subrequest"),
};

static bool
ends_here(struct sp_span name)
{
    for (size_t i = 0; i < sizeof(never_forwarded) / sizeof(never_forwarded[0]); i++) {
        if (name.len == never_forwarded[i].len && sp_span_equal_nocase(name, never_forwarded[i])) {
            return true;
        }
    }
    return false;
}

static bool
stays_here(struct sp_span name, struct sp_span nominated)
{
    return ends_here(name) || sp_is_hop_by_hop(name, nominated);
}

/* Many upstreams read `_` in a name as `-`. A field that would so become one of those that we send,
 * or do not, would undo that. */
static bool
passes_for_another(struct sp_span name, struct sp_span nominated)
{
    char room[SP_HYPHENED_ROOM];

    if (memchr(name.data, '_', name.len) == NULL) {
        return false;
    }
    struct sp_span read = sp_field_name_hyphened(name, room);
    return stays_here(read, nominated) || sp_span_starts_nocase(read, SP_SPAN("X-Forwarded-")) ||
           sp_span_equal_nocase(read, SP_SPAN("X-Real-IP")) ||
           sp_span_equal_nocase(read, SP_SPAN("CDN-Loop")) ||
           sp_span_starts_nocase(read, SP_SPAN("Sec-WebSocket-"));
}

static bool
append(struct sp_request_head *head, struct sp_span part)
{
    head->is_too_long = part.len > head->block->ceiling - head->block->len;
    return sp_buffer_append(head->block, part);
}

/* What a client says of it is left out, so that what is sent is ours. */
static bool
is_ours(struct sp_span name)
{
    return sp_is_cdn_loop(name) || sp_span_starts_nocase(name, SP_SPAN("X-Forwarded-"));
}

static bool
append_line(struct sp_request_head *head, struct sp_span name, struct sp_span start,
            struct sp_span rest)
{
    bool is_first = head->block->len == 0;

    if (!is_ours(name) && ++head->count > SP_MAX_FIELDS) {
        head->is_too_long = true;
        return false;
    }
    return (is_first || append(head, SP_SPAN("\r\n"))) && append(head, name) &&
           append(head, SP_SPAN(": ")) && append(head, start) && append(head, rest);
}

static bool
is_connection(struct sp_span name)
{
    return name.len == sizeof("Connection") - 1 &&
           sp_span_equal_nocase(name, SP_SPAN("Connection"));
}

static bool
join(struct sp_request_head *head, struct sp_span value)
{
    return sp_buffer_append(&head->joined, value) && sp_buffer_append(&head->joined, SP_SPAN(","));
}

/* All Connection fields as one list (RFC 9110, 5.3); of one, as nearly always, no copy is made. */
static bool
nominate(struct sp_request_head *head, struct sp_span value)
{
    if (head->nominated.len == 0) {
        head->nominated = value;
        return value.len < SP_NOMINATED_CEILING;
    }
    if ((head->joined.len == 0 && !join(head, head->nominated)) || !join(head, value)) {
        return false;
    }
    head->nominated = sp_buffer_peek(&head->joined);
    return true;
}

bool
sp_method_is_valid(struct sp_span method)
{
    return sp_field_name_is_valid(method);
}

bool
sp_target_is_valid(struct sp_span target)
{
    if (target.len == 0 || (target.data[0] != '/' && !sp_span_equal(target, SP_SPAN("*")))) {
        return false;
    }
    for (size_t i = 0; i < target.len; i++) {
        unsigned char c = (unsigned char)target.data[i];
        if (c <= ' ' || c == 0x7F) {
            return false;
        }
    }
    return true;
}

void
sp_request_head_init(struct sp_buffer *block, struct sp_span method, struct sp_span target)
{
    size_t line = method.len + target.len + sizeof("  HTTP/1.1\r\n\r\n\r\n") - 1;

    sp_buffer_init(block, line < SP_REQUEST_HEAD_CEILING ? SP_REQUEST_HEAD_CEILING - line : 0);
}

static bool
is_upgrade(struct sp_span name)
{
    return name.len == sizeof("Upgrade") - 1 && sp_span_equal_nocase(name, SP_SPAN("Upgrade"));
}

/* Of the protocols those that may be offered; without one no line. */
static bool
append_offer(struct sp_request_head *head, struct sp_span name, struct sp_span value)
{
    struct sp_span protocol;
    bool appended =
        !sp_upgrade_next(&value, &protocol) || append_line(head, name, protocol, SP_SPAN(""));

    while (appended && sp_upgrade_next(&value, &protocol)) {
        appended = append(head, SP_SPAN(", ")) && append(head, protocol);
    }
    return appended;
}

bool
sp_request_head_begin(struct sp_request_head *head, struct sp_buffer *block,
                      const struct sp_field *fields, size_t count, bool is_upgrade)
{
    *head = (struct sp_request_head){.block = block, .is_upgrade = is_upgrade};
    sp_buffer_init(&head->joined, SP_NOMINATED_CEILING);
    head->is_too_long = block->ceiling == 0 || count > SP_REQUEST_GIVEN_MOST;
    for (size_t i = 0; !head->is_too_long && i < count; i++) {
        head->is_too_long = is_connection(fields[i].name) && !nominate(head, fields[i].value);
        if (sp_is_cdn_loop(fields[i].name) && fields[i].value.len > 0) {
            head->passes = fields[i].value;
        }
    }
    return !head->is_too_long;
}

/* Behind what the request has passed already, in the same line: some frontends see but one. */
static bool
append_token(struct sp_request_head *head, struct sp_span name, struct sp_span value)
{
    struct sp_span token = head->loop_token;
    bool is_last = value.len > 0 && value.data == head->passes.data && sp_is_cdn_loop(name);

    if (token.len == 0 || !is_last) {
        return true;
    }
    head->loop_token.len = 0;
    return append(head, SP_SPAN(", ")) && append(head, token);
}

bool
sp_request_head_add(struct sp_request_head *head, struct sp_span name, struct sp_span start,
                    struct sp_span rest)
{
    if (!sp_field_name_is_valid(name) || !sp_field_value_is_valid(start) ||
        !sp_field_value_is_valid(rest)) {
        return false;
    }
    if (head->is_upgrade && is_upgrade(name)) {
        return append_offer(head, name, start);
    }
    return stays_here(name, head->nominated) || passes_for_another(name, head->nominated) ||
           (append_line(head, name, start, rest) && append_token(head, name, start));
}

enum sp_request_verdict
sp_request_head_end(struct sp_request_head *head, bool built)
{
    if (built && head->loop_token.len > 0) {
        built = append_line(head, SP_SPAN("CDN-Loop"), head->loop_token, SP_SPAN(""));
    }
    if (built && head->is_upgrade) {
        built = append_line(head, SP_SPAN("Connection"), SP_SPAN("Upgrade"), SP_SPAN(""));
    }
    bool is_short = head->joined.is_short || head->block->is_short;
    sp_buffer_clear(&head->joined);
    return built               ? SP_REQUEST_FIT
           : is_short          ? SP_REQUEST_SHORT
           : head->is_too_long ? SP_REQUEST_TOO_LONG
                               : SP_REQUEST_INVALID;
}

static enum sp_request_verdict
build(struct sp_buffer *block, const struct sp_field *fields, size_t count, bool is_upgrade,
      struct sp_span loop_token)
{
    struct sp_request_head head;
    bool built = sp_request_head_begin(&head, block, fields, count, is_upgrade);

    head.loop_token = loop_token;
    for (size_t i = 0; built && i < count; i++) {
        built = sp_request_head_add(&head, fields[i].name, fields[i].value, SP_SPAN(""));
    }
    return sp_request_head_end(&head, built);
}

enum sp_request_verdict
sp_request_head_build(struct sp_buffer *block, const struct sp_field *fields, size_t count,
                      struct sp_span loop_token)
{
    return build(block, fields, count, false, loop_token);
}

enum sp_request_verdict
sp_request_head_build_upgrade(struct sp_buffer *block, const struct sp_field *fields, size_t count,
                              struct sp_span loop_token)
{
    return build(block, fields, count, true, loop_token);
}
