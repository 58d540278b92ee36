#include "wire/request_head.h"

#include "wire/hop_by_hop.h"
#include "wire/upgrade.h"

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
append_line(struct sp_buffer *block, struct sp_span name, struct sp_span start, struct sp_span rest)
{
    bool first = block->len == 0;

    return (first || sp_buffer_append(block, SP_SPAN("\r\n"))) && sp_buffer_append(block, name) &&
           sp_buffer_append(block, SP_SPAN(": ")) && sp_buffer_append(block, start) &&
           (rest.len == 0 || sp_buffer_append(block, rest));
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

static bool
is_upgrade(struct sp_span name)
{
    return name.len == sizeof("Upgrade") - 1 && sp_span_equal_nocase(name, SP_SPAN("Upgrade"));
}

/* Of the protocols those that may be offered; without one no line. */
static bool
append_offer(struct sp_buffer *block, struct sp_span name, struct sp_span value)
{
    struct sp_span none = {NULL, 0};
    struct sp_span protocol;
    bool appended = !sp_upgrade_next(&value, &protocol) || append_line(block, name, protocol, none);

    while (appended && sp_upgrade_next(&value, &protocol)) {
        appended = sp_buffer_append(block, SP_SPAN(", ")) && sp_buffer_append(block, protocol);
    }
    return appended;
}

bool
sp_request_head_begin(struct sp_request_head *head, struct sp_buffer *block,
                      const struct sp_field *fields, size_t count, bool is_upgrade)
{
    *head = (struct sp_request_head){.block = block, .is_upgrade = is_upgrade};
    sp_buffer_init(&head->joined, SP_NOMINATED_CEILING);
    for (size_t i = 0; i < count; i++) {
        if (is_connection(fields[i].name) && !nominate(head, fields[i].value)) {
            return false;
        }
    }
    return true;
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
        return append_offer(head->block, name, start);
    }
    return ends_here(name) || sp_is_hop_by_hop(name, head->nominated) ||
           append_line(head->block, name, start, rest);
}

bool
sp_request_head_end(struct sp_request_head *head)
{
    return !head->is_upgrade || append_line(head->block, SP_SPAN("Connection"), SP_SPAN("Upgrade"),
                                            (struct sp_span){NULL, 0});
}

void
sp_request_head_clear(struct sp_request_head *head)
{
    sp_buffer_clear(&head->joined);
}

static bool
build(struct sp_buffer *block, const struct sp_field *fields, size_t count, bool is_upgrade)
{
    struct sp_request_head head;
    bool built = sp_request_head_begin(&head, block, fields, count, is_upgrade);

    for (size_t i = 0; built && i < count; i++) {
        built =
            sp_request_head_add(&head, fields[i].name, fields[i].value, (struct sp_span){NULL, 0});
    }
    built = built && sp_request_head_end(&head);
    sp_request_head_clear(&head);
    return built;
}

bool
sp_request_head_build(struct sp_buffer *block, const struct sp_field *fields, size_t count)
{
    return build(block, fields, count, false);
}

bool
sp_request_head_build_upgrade(struct sp_buffer *block, const struct sp_field *fields, size_t count)
{
    return build(block, fields, count, true);
}
