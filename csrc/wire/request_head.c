#include "wire/request_head.h"

#include "wire/hop_by_hop.h"
#include "wire/upgrade.h"

#include <string.h>

/* What our own framing replaces, and what must not come from outside. */
static bool
ends_here(enum sp_name name)
{
    return name == SP_NAME_CONTENT_LENGTH || name == SP_NAME_EXPECT ||
           name == SP_NAME_X_MIDDLEWARE_SUBREQUEST;
}

/* Known to the last letter. */
static bool
is_whole(enum sp_name name)
{
    return name != SP_NAME_OTHER && name != SP_NAME_X_FORWARDED;
}

static bool
stays_here(const struct sp_request_head *head, enum sp_name known, struct sp_span name)
{
    return ends_here(known) || sp_name_is_hop_by_hop(known) ||
           ((head->nominated_marks & sp_name_mark(name)) != 0 &&
            sp_is_nominated(name, head->nominated));
}

/* Many upstreams read `_` in a name as `-`. A field that would so become one of those that we send,
 * or do not, would undo that. */
static bool
passes_for_another(const struct sp_request_head *head, struct sp_span name)
{
    char room[SP_HYPHENED_ROOM];

    if (memchr(name.data, '_', name.len) == NULL) {
        return false;
    }
    struct sp_span read = sp_field_name_hyphened(name, room);
    enum sp_name known = sp_name_of(read);
    return stays_here(head, known, read) || known == SP_NAME_X_FORWARDED ||
           known == SP_NAME_X_REAL_IP || known == SP_NAME_CDN_LOOP ||
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
is_ours(enum sp_name name)
{
    return name == SP_NAME_CDN_LOOP || name == SP_NAME_X_FORWARDED;
}

/* Without its end, which the next one brings. */
static bool
append_line(struct sp_request_head *head, const struct sp_field *field, struct sp_span rest)
{
    struct sp_buffer *block = head->block;
    bool is_first = block->len == 0;
    size_t len = field->name.len + field->value.len + rest.len + (is_first ? 2 : 4);

    head->is_too_long = len > block->ceiling - block->len;
    if (!sp_buffer_reserve(block, len)) {
        return false;
    }
    if (!is_first) {
        sp_buffer_put(block, SP_SPAN("\r\n"));
    }
    sp_buffer_put(block, field->name);
    sp_buffer_put(block, SP_SPAN(": "));
    sp_buffer_put(block, field->value);
    sp_buffer_put(block, rest);
    return true;
}

/* A client's own are counted. */
static bool
append_received(struct sp_request_head *head, enum sp_name known, const struct sp_field *field,
                struct sp_span rest)
{
    if (!is_ours(known) && ++head->count > SP_MAX_FIELDS) {
        head->is_too_long = true;
        return false;
    }
    return append_line(head, field, rest);
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
    head->nominated_marks |= sp_nominated_marks(value);
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

/* Of the protocols those that may be offered; without one no line. */
static bool
append_offer(struct sp_request_head *head, const struct sp_field *field)
{
    struct sp_span rest = field->value;
    struct sp_field offer = {field->name, {NULL, 0}};
    bool appended = !sp_upgrade_next(&rest, &offer.value) ||
                    append_received(head, SP_NAME_UPGRADE, &offer, SP_SPAN(""));

    while (appended && sp_upgrade_next(&rest, &offer.value)) {
        appended = append(head, SP_SPAN(", ")) && append(head, offer.value);
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
        const struct sp_field *field = &fields[i];
        head->is_too_long = sp_span_equal_nocase(field->name, SP_SPAN("Connection")) &&
                            !nominate(head, field->value);
        if (sp_span_equal_nocase(field->name, SP_SPAN("CDN-Loop")) && field->value.len > 0) {
            head->passes = field->value;
        }
    }
    return !head->is_too_long;
}

/* Behind what the request has passed already, in the same line: some frontends see but one. */
static bool
append_token(struct sp_request_head *head, enum sp_name known, struct sp_span value)
{
    struct sp_span token = head->loop_token;
    bool is_last = known == SP_NAME_CDN_LOOP && value.len > 0 && value.data == head->passes.data;

    if (token.len == 0 || !is_last) {
        return true;
    }
    head->loop_token.len = 0;
    return append(head, SP_SPAN(", ")) && append(head, token);
}

bool
sp_request_head_add(struct sp_request_head *head, enum sp_name known, const struct sp_field *field,
                    struct sp_span rest)
{
    bool is_plain = is_whole(known) || sp_field_name_is_plain(field->name);

    if ((!is_plain && !sp_field_name_is_valid(field->name)) ||
        !sp_field_value_is_valid(field->value) || !sp_field_value_is_valid(rest)) {
        return false;
    }
    if (head->is_upgrade && known == SP_NAME_UPGRADE) {
        return append_offer(head, field);
    }
    return stays_here(head, known, field->name) ||
           (!is_plain && passes_for_another(head, field->name)) ||
           (append_received(head, known, field, rest) && append_token(head, known, field->value));
}

enum sp_request_verdict
sp_request_head_end(struct sp_request_head *head, bool built)
{
    const struct sp_field loop = {SP_SPAN("CDN-Loop"), head->loop_token};
    const struct sp_field connection = {SP_SPAN("Connection"), SP_SPAN("Upgrade")};

    if (built && loop.value.len > 0) {
        built = append_received(head, SP_NAME_CDN_LOOP, &loop, SP_SPAN(""));
    }
    if (built && head->is_upgrade) {
        built = append_received(head, SP_NAME_CONNECTION, &connection, SP_SPAN(""));
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
        built = sp_request_head_add(&head, sp_name_of(fields[i].name), &fields[i], SP_SPAN(""));
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
