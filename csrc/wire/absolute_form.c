#include "wire/absolute_form.h"

/* The bytes from `start` to `end`. */
static struct sp_span
between(const char *start, const char *end)
{
    return (struct sp_span){start, (size_t)(end - start)};
}

/* What an origin form begins with that the rest of an address does not. */
static struct sp_span
missing_start(const struct sp_incoming *incoming, struct sp_span rest)
{
    if (rest.len == 0 && sp_span_equal(incoming->method, SP_SPAN("OPTIONS"))) {
        return SP_SPAN("*");
    }
    return rest.len > 0 && rest.data[0] == '/' ? SP_SPAN("") : SP_SPAN("/");
}

bool
sp_absolute_form_is(const struct sp_incoming *incoming)
{
    struct sp_span rest = incoming->target;
    struct sp_span host;

    return sp_target_cut_host(&rest, &host);
}

bool
sp_absolute_form_settle(const struct sp_incoming *incoming, struct sp_buffer *head)
{
    struct sp_span rest = incoming->target;
    struct sp_span host = {NULL, 0};

    (void)sp_target_cut_host(&rest, &host); /* The caller has asked. */
    const char *start = incoming->method.data;
    const char *behind_target = rest.data + rest.len;
    const char *behind_line = behind_target + sizeof(" HTTP/1.1\r\n") - 1;
    const char *behind_host = incoming->host.data + incoming->host.len;
    bool begun = sp_buffer_append(head, between(start, incoming->target.data)) &&
                 sp_buffer_append(head, missing_start(incoming, rest)) &&
                 sp_buffer_append(head, rest);

    if (incoming->has_host) {
        begun = begun && sp_buffer_append(head, between(behind_target, incoming->host.data)) &&
                sp_buffer_append(head, host);
    }
    else {
        begun = begun && sp_buffer_append(head, between(behind_target, behind_line)) &&
                sp_buffer_append(head, SP_SPAN("Host: ")) && sp_buffer_append(head, host) &&
                sp_buffer_append(head, SP_SPAN("\r\n"));
        behind_host = behind_line;
    }
    return begun && sp_buffer_append(head, between(behind_host, start + incoming->length));
}
