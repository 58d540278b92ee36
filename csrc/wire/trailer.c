#include "wire/trailer.h"

#include "wire/field.h"
#include "wire/hop_by_hop.h"

#define SPAN(literal) {literal, sizeof(literal) - 1}
#define COUNT(array)  (sizeof(array) / sizeof((array)[0]))

static const struct sp_span never_trailers[] = {
    /* framing and routing, beside the fields of one hop */
    SPAN("Content-Length"),
    SPAN("Expect"),
    SPAN("Forwarded"),
    SPAN("Host"),
    SPAN("Max-Forwards"),
    SPAN("Via"),
    SPAN("X-HTTP-Method-Override"),
    SPAN("X-Middleware-Subrequest"),
    SPAN("X-Real-IP"),
    /* whose request it is */
    SPAN("Authorization"),
    SPAN("Cookie"),
    SPAN("Cookie2"),
    SPAN("Origin"),
    SPAN("Referer"),
    SPAN("Set-Cookie"),
    SPAN("WWW-Authenticate"),
    /* the content */
    SPAN("Content-Disposition"),
    SPAN("Content-Encoding"),
    SPAN("Content-Language"),
    SPAN("Content-Location"),
    SPAN("Content-Range"),
    SPAN("Content-Type"),
    /* control of the request, and of an answer */
    SPAN("Age"),
    SPAN("Cache-Control"),
    SPAN("Date"),
    SPAN("Expires"),
    SPAN("Location"),
    SPAN("Pragma"),
    SPAN("Range"),
    SPAN("Retry-After"),
    SPAN("Vary"),
    SPAN("Warning"),
};

/* Conditions, what browsers say of a request's origin, and what proxies do. */
static const struct sp_span never_beginnings[] = {
    SPAN("Access-Control-"),
    SPAN("If-"),
    SPAN("Sec-"),
    SPAN("X-Forwarded-"),
};

bool
sp_trailer_is_allowed(struct sp_span received, struct sp_span connection)
{
    char room[SP_HYPHENED_ROOM];
    struct sp_span name = sp_field_name_hyphened(received, room);

    for (size_t i = 0; i < COUNT(never_trailers); i++) {
        if (sp_span_equal_nocase(name, never_trailers[i])) {
            return false;
        }
    }
    for (size_t i = 0; i < COUNT(never_beginnings); i++) {
        if (sp_span_starts_nocase(name, never_beginnings[i])) {
            return false;
        }
    }
    return !sp_is_hop_by_hop(name, connection);
}
