/* The names of fields that mean something to a proxy, known however their letters are written. */
#ifndef SP_WIRE_NAME_H
#define SP_WIRE_NAME_H

#include "wire/span.h"

#include <stdint.h>

enum sp_name {
    SP_NAME_OTHER,
    SP_NAME_CDN_LOOP,
    SP_NAME_CONNECTION,
    SP_NAME_CONTENT_LENGTH,
    SP_NAME_CONTENT_LOCATION,
    SP_NAME_COOKIE,
    SP_NAME_EXPECT,
    SP_NAME_FORWARDED,
    SP_NAME_HOST,
    SP_NAME_HTTP2_SETTINGS,
    SP_NAME_KEEP_ALIVE,
    SP_NAME_LINK,
    SP_NAME_LOCATION,
    SP_NAME_ORIGIN,
    SP_NAME_PROXY_AUTHENTICATE,
    SP_NAME_PROXY_AUTHORIZATION,
    SP_NAME_PROXY_CONNECTION,
    SP_NAME_REFERER,
    SP_NAME_REFRESH,
    SP_NAME_TE,
    SP_NAME_TRAILER,
    SP_NAME_TRANSFER_ENCODING,
    SP_NAME_UPGRADE,
    SP_NAME_X_FORWARDED, /* each that begins with X-Forwarded- */
    SP_NAME_X_MIDDLEWARE_SUBREQUEST,
    SP_NAME_X_REAL_IP,
};

enum sp_name sp_name_of(struct sp_span name);

#define SP_NAME_PLACES 64

/* By these alone most names are told apart. Letters are given as small ones. */
#define SP_NAME_PLACE(len, first, last)                                                            \
    (((size_t)5 * ((len) + (first)) + (size_t)4 * (last)) % SP_NAME_PLACES)

/* Of a name that is not empty: the same, however its letters are written. */
static inline size_t
sp_name_place(struct sp_span name)
{
    size_t first = (unsigned char)name.data[0] | 0x20U;
    size_t last = (unsigned char)name.data[name.len - 1] | 0x20U;

    return SP_NAME_PLACE(name.len, first, last);
}

/* One bit, by its place; none for an empty one. */
static inline uint64_t
sp_name_mark(struct sp_span name)
{
    return name.len > 0 ? UINT64_C(1) << sp_name_place(name) : 0;
}

#endif
