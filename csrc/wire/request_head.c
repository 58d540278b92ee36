#include "wire/request_head.h"

#include "wire/hop_by_hop.h"

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
        if (sp_span_equal_nocase(name, never_forwarded[i])) {
            return true;
        }
    }
    return false;
}

static bool
append_line(struct sp_buffer *block, const struct sp_field *field)
{
    bool first = block->len == 0;

    return (first || sp_buffer_append(block, SP_SPAN("\r\n"))) &&
           sp_buffer_append(block, field->name) && sp_buffer_append(block, SP_SPAN(": ")) &&
           sp_buffer_append(block, field->value);
}

/* All Connection fields as one list (RFC 9110, 5.3). */
static bool
collect_nominations(struct sp_buffer *list, const struct sp_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (sp_span_equal_nocase(fields[i].name, SP_SPAN("Connection")) &&
            !(sp_buffer_append(list, fields[i].value) && sp_buffer_append(list, SP_SPAN(",")))) {
            return false;
        }
    }
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
crosses(struct sp_span name, struct sp_span nominated, bool is_upgrade)
{
    if (is_upgrade && sp_span_equal_nocase(name, SP_SPAN("Upgrade"))) {
        return true;
    }
    return !ends_here(name) && !sp_is_hop_by_hop(name, nominated);
}

static bool
build(struct sp_buffer *block, const struct sp_field *fields, size_t count, bool is_upgrade)
{
    struct sp_buffer nominated;
    bool built = false;

    sp_buffer_init(&nominated, SP_NOMINATED_CEILING);
    if (!collect_nominations(&nominated, fields, count)) {
        goto done;
    }
    for (size_t i = 0; i < count; i++) {
        if (!sp_field_name_is_valid(fields[i].name) || !sp_field_value_is_valid(fields[i].value)) {
            goto done;
        }
        if (crosses(fields[i].name, sp_buffer_peek(&nominated), is_upgrade) &&
            !append_line(block, &fields[i])) {
            goto done;
        }
    }
    built = true;
done:
    sp_buffer_clear(&nominated);
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
    struct sp_field connection = {SP_SPAN("Connection"), SP_SPAN("Upgrade")};

    return build(block, fields, count, true) && append_line(block, &connection);
}
