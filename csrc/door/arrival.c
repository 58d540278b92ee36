#include "door/arrival.h"

#include "wire/absolute_form.h"

static const struct sp_refusal long_head = {431, "The head is longer than 64 KiB."};
static const struct sp_refusal short_memory = {500, "Memory is short."};

/* What is forgiven before a head is the end of all to Django's server. */
static void
skip_blank_line(struct sp_downstream *downstream, struct sp_incoming *incoming)
{
    size_t blank = (size_t)(incoming->method.data - sp_downstream_unused(downstream).data);

    if (blank > 0) {
        sp_downstream_use(downstream, blank);
        incoming->length -= blank;
    }
}

static enum sp_incoming_step
settle_target(struct sp_downstream *downstream, struct sp_incoming *incoming)
{
    struct sp_buffer head;
    enum sp_error error;

    sp_buffer_init(&head, SP_INCOMING_CEILING);
    if (sp_absolute_form_settle(incoming, &head)) {
        error = sp_downstream_replace(downstream, incoming->length, sp_buffer_peek(&head));
    }
    else {
        error = head.is_short ? SP_E_NO_MEMORY : SP_E_REQUEST_LONG;
    }
    sp_buffer_clear(&head);
    if (error != SP_OK) {
        const struct sp_refusal *refusal = error == SP_E_NO_MEMORY ? &short_memory : &long_head;
        incoming->status = refusal->status;
        incoming->reason = refusal->reason;
        return SP_INCOMING_REFUSED;
    }
    return sp_incoming_parse(incoming, sp_downstream_unused(downstream), &downstream->scanned);
}

enum sp_incoming_step
sp_arrival_read(struct sp_downstream *downstream)
{
    struct sp_incoming *incoming = &downstream->door->incoming;
    struct sp_span bytes = sp_downstream_unused(downstream);
    enum sp_incoming_step step = sp_incoming_parse(incoming, bytes, &downstream->scanned);

    if (step != SP_INCOMING_COMPLETE) {
        return step;
    }
    skip_blank_line(downstream, incoming);
    return sp_absolute_form_is(incoming) ? settle_target(downstream, incoming) : step;
}
