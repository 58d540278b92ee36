#include "wire/name.h"

/* No two of them share a place; a compiler that warns would say so. */
#define KNOWN(text, first, last, name)                                                             \
    [SP_NAME_PLACE(sizeof(text) - 1, first, last)] = {{text, sizeof(text) - 1}, name}

static const struct {
    struct sp_span text;
    enum sp_name name;
} known[SP_NAME_PLACES] = {
    KNOWN("CDN-Loop", 'c', 'p', SP_NAME_CDN_LOOP),
    KNOWN("Connection", 'c', 'n', SP_NAME_CONNECTION),
    KNOWN("Content-Length", 'c', 'h', SP_NAME_CONTENT_LENGTH),
    KNOWN("Content-Location", 'c', 'n', SP_NAME_CONTENT_LOCATION),
    KNOWN("Cookie", 'c', 'e', SP_NAME_COOKIE),
    KNOWN("Expect", 'e', 't', SP_NAME_EXPECT),
    KNOWN("Forwarded", 'f', 'd', SP_NAME_FORWARDED),
    KNOWN("Host", 'h', 't', SP_NAME_HOST),
    KNOWN("HTTP2-Settings", 'h', 's', SP_NAME_HTTP2_SETTINGS),
    KNOWN("Keep-Alive", 'k', 'e', SP_NAME_KEEP_ALIVE),
    KNOWN("Link", 'l', 'k', SP_NAME_LINK),
    KNOWN("Location", 'l', 'n', SP_NAME_LOCATION),
    KNOWN("Origin", 'o', 'n', SP_NAME_ORIGIN),
    KNOWN("Proxy-Authenticate", 'p', 'e', SP_NAME_PROXY_AUTHENTICATE),
    KNOWN("Proxy-Authorization", 'p', 'n', SP_NAME_PROXY_AUTHORIZATION),
    KNOWN("Proxy-Connection", 'p', 'n', SP_NAME_PROXY_CONNECTION),
    KNOWN("Referer", 'r', 'r', SP_NAME_REFERER),
    KNOWN("Refresh", 'r', 'h', SP_NAME_REFRESH),
    KNOWN("TE", 't', 'e', SP_NAME_TE),
    KNOWN("Trailer", 't', 'r', SP_NAME_TRAILER),
    KNOWN("Transfer-Encoding", 't', 'g', SP_NAME_TRANSFER_ENCODING),
    KNOWN("Upgrade", 'u', 'e', SP_NAME_UPGRADE),
    KNOWN("X-Middleware-Subrequest", 'x', 't', SP_NAME_X_MIDDLEWARE_SUBREQUEST),
    KNOWN("X-Real-IP", 'x', 'p', SP_NAME_X_REAL_IP),
};

enum sp_name
sp_name_of(struct sp_span name)
{
    if (name.len == 0) {
        return SP_NAME_OTHER;
    }
    size_t place = sp_name_place(name);
    if (sp_span_equal_nocase(name, known[place].text)) {
        return known[place].name;
    }
    bool is_forwarded =
        (name.data[0] | 0x20) == 'x' && sp_span_starts_nocase(name, SP_SPAN("X-Forwarded-"));
    return is_forwarded ? SP_NAME_X_FORWARDED : SP_NAME_OTHER;
}
