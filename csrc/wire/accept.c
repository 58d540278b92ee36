#include "wire/accept.h"

#define FULL_WEIGHT 1000

/* In thousandths (RFC 9110, 12.4.2); what is none counts in full, as Django has it. */
static int
weight_in(struct sp_span digits)
{
    int weight = 0;
    int unit = FULL_WEIGHT / 10;

    if (digits.len == 0 || digits.len > 5 || digits.data[0] != '0' ||
        (digits.len > 1 && digits.data[1] != '.')) {
        return FULL_WEIGHT;
    }
    for (size_t i = 2; i < digits.len; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9') {
            return FULL_WEIGHT;
        }
        weight += (digits.data[i] - '0') * unit;
        unit /= 10;
    }
    return weight;
}

static int
weight_of(struct sp_span parameters)
{
    while (parameters.len > 0) {
        struct sp_span parameter = sp_span_cut(&parameters, ';');
        if (sp_span_starts_nocase(parameter, SP_SPAN("q="))) {
            return weight_in(sp_span_from(parameter, 2));
        }
    }
    return FULL_WEIGHT;
}

/* Of a type that is named itself: a wildcard asks for nothing. */
static int
weight_for(const struct sp_incoming *incoming, struct sp_span kind)
{
    int best = 0;

    for (size_t i = 0; i < incoming->count; i++) {
        if (!sp_span_equal_nocase(incoming->fields[i].name, SP_SPAN("Accept"))) {
            continue;
        }
        struct sp_span value = incoming->fields[i].value;
        while (value.len > 0) {
            struct sp_span item = sp_span_cut(&value, ',');
            struct sp_span name = sp_span_cut(&item, ';');
            int weight = sp_span_equal_nocase(name, kind) ? weight_of(item) : 0;
            best = weight > best ? weight : best;
        }
    }
    return best;
}

enum sp_form
sp_accept_form(const struct sp_incoming *incoming)
{
    int html = weight_for(incoming, SP_SPAN("text/html"));

    if (weight_for(incoming, SP_SPAN("application/json")) > html) {
        return SP_FORM_JSON;
    }
    bool can_ask_again = sp_span_equal(incoming->method, SP_SPAN("GET")) ||
                         sp_span_equal(incoming->method, SP_SPAN("HEAD"));
    return html > 0 && can_ask_again ? SP_FORM_PAGE : SP_FORM_LINE;
}
