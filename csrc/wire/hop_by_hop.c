#include "wire/hop_by_hop.h"

/* A client that nominated these could make the upstream take it for somebody else, or make its
 * request go round for ever (RFC 8586, 2). A length is the message's, not the hop's: an upstream
 * that nominated it would leave its answer without an end. */
static bool
may_be_nominated(enum sp_name name)
{
    switch (name) {
    case SP_NAME_CDN_LOOP:
    case SP_NAME_CONTENT_LENGTH:
    case SP_NAME_COOKIE:
    case SP_NAME_FORWARDED:
    case SP_NAME_HOST:
    case SP_NAME_X_FORWARDED:
    case SP_NAME_X_REAL_IP:
        return false;
    default:
        return true;
    }
}

/* RFC 9110, 7.6.1 and its ancestor RFC 2616, 13.5.1; peers still send the older names.
 * HTTP2-Settings is RFC 7540's, for one hop like the Upgrade it comes with. */
bool
sp_name_is_hop_by_hop(enum sp_name name)
{
    switch (name) {
    case SP_NAME_CONNECTION:
    case SP_NAME_KEEP_ALIVE:
    case SP_NAME_PROXY_AUTHENTICATE:
    case SP_NAME_TE:
    case SP_NAME_PROXY_CONNECTION:
    case SP_NAME_PROXY_AUTHORIZATION:
    case SP_NAME_TRAILER:
    case SP_NAME_TRANSFER_ENCODING:
    case SP_NAME_UPGRADE:
    case SP_NAME_HTTP2_SETTINGS:
        return true;
    default:
        return false;
    }
}

bool
sp_is_nominated(struct sp_span name, struct sp_span connection)
{
    while (connection.len > 0) {
        struct sp_span nominated = sp_span_cut(&connection, ',');
        if (name.len > 0 && sp_span_equal_nocase(name, nominated)) {
            return may_be_nominated(sp_name_of(name));
        }
    }
    return false;
}

uint64_t
sp_nominated_marks(struct sp_span connection)
{
    uint64_t marks = 0;

    while (connection.len > 0) {
        marks |= sp_name_mark(sp_span_cut(&connection, ','));
    }
    return marks;
}

bool
sp_is_hop_by_hop(struct sp_span name, struct sp_span connection)
{
    return sp_name_is_hop_by_hop(sp_name_of(name)) || sp_is_nominated(name, connection);
}
