#include "engine/arrival.h"

#include "engine/listener.h"
#include "wire/absolute_form.h"

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
settle(struct sp_downstream *downstream, struct sp_incoming *incoming)
{
    struct sp_buffer head;

    sp_buffer_init(&head, SP_INCOMING_CEILING);
    bool is_settled = sp_absolute_form_settle(incoming, &head) &&
                      sp_downstream_replace(downstream, incoming->length, sp_buffer_peek(&head));
    sp_buffer_clear(&head);
    if (!is_settled) {
        incoming->status = 431;
        incoming->reason = "The head is longer than 64 KiB.";
        return SP_INCOMING_REFUSED;
    }
    return sp_incoming_parse(incoming, sp_downstream_unused(downstream), &downstream->scanned);
}

enum sp_incoming_step
sp_arrival_read(struct sp_downstream *downstream)
{
    struct sp_incoming *incoming = &downstream->listener->incoming;
    struct sp_span bytes = sp_downstream_unused(downstream);
    enum sp_incoming_step step = sp_incoming_parse(incoming, bytes, &downstream->scanned);

    if (step != SP_INCOMING_COMPLETE) {
        return step;
    }
    skip_blank_line(downstream, incoming);
    return sp_absolute_form_is(incoming) ? settle(downstream, incoming) : step;
}
