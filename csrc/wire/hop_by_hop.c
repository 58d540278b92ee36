#include "wire/hop_by_hop.h"

#define SPAN(literal) {literal, sizeof(literal) - 1}
#define COUNT(array)  (sizeof(array) / sizeof((array)[0]))

/* RFC 9110, 7.6.1 and its ancestor RFC 2616, 13.5.1; peers still send the older names.
 * HTTP2-Settings is RFC 7540's, for one hop like the Upgrade it comes with. */
static const struct sp_span always_hop_by_hop[] = {
    SPAN("Connection"),
    SPAN("Keep-Alive"),
    SPAN("Proxy-Authenticate"),
    SPAN("TE"),
    SPAN("Proxy-Connection"),
    SPAN("Proxy-Authorization"),
    SPAN("Trailer"),
    SPAN("Transfer-Encoding"),
    SPAN("Upgrade"),
    SPAN("HTTP2-Settings"),
};

/* A client that nominated these could make the upstream take it for somebody else, or make its
 * request go round for ever (RFC 8586, 2). */
static const struct sp_span never_nominated[] = {
    SPAN("Host"),
    SPAN("Cookie"),
    SPAN("Forwarded"),
    SPAN("CDN-Loop"),
};

/* A look at length and first letter, blind to its case, settles nearly all. */
static bool
may_equal(struct sp_span a, struct sp_span b)
{
    return a.len == b.len && a.len > 0 && ((a.data[0] ^ b.data[0]) & ~0x20) == 0;
}

static bool
is_among(struct sp_span name, const struct sp_span *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (may_equal(name, names[i]) && sp_span_equal_nocase(name, names[i])) {
            return true;
        }
    }
    return false;
}

static bool
may_be_nominated(struct sp_span name)
{
    return !is_among(name, never_nominated, COUNT(never_nominated)) &&
           !sp_span_starts_nocase(name, SP_SPAN("X-Forwarded-"));
}

static bool
is_nominated(struct sp_span name, struct sp_span connection)
{
    while (connection.len > 0) {
        struct sp_span nominated = sp_span_cut(&connection, ',');
        if (may_equal(name, nominated) && sp_span_equal_nocase(name, nominated)) {
            return may_be_nominated(name);
        }
    }
    return false;
}

bool
sp_is_hop_by_hop(struct sp_span name, struct sp_span connection)
{
    return is_among(name, always_hop_by_hop, COUNT(always_hop_by_hop)) ||
           is_nominated(name, connection);
}
