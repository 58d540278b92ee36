/* Which fields stay on their hop, and what a peer may add to them by Connection. */
#undef NDEBUG
#include "bytes.h"
#include "wire/hop_by_hop.h"

#include <assert.h>
#include <stdio.h>

static bool
stays(const char *name, const char *connection)
{
    return sp_is_hop_by_hop(span(name), span(connection));
}

static void
test_hop_by_hop_fields_stay_in_any_case(void)
{
    static const char *const names[] = {
        "connection", "KEEP-ALIVE", "Proxy-Authenticate", "Te",      "proxy-connection",
        "Trailer",    "UPGRADE",    "Transfer-Encoding",  "TRAILER", "Proxy-Authorization",
    };

    for (size_t i = 0; i < COUNT(names); i++) {
        assert(stays(names[i], ""));
    }
    assert(sp_is_hop_by_hop(span("http2-settings"), (struct sp_span){NULL, 0}));
}

static void
test_other_fields_cross(void)
{
    static const char *const names[] = {"Host",
                                        "Content-Length",
                                        "Set-Cookie",
                                        "TE2",
                                        "Trailers",
                                        "Connectio",
                                        "Upgrade-Insecure-Requests",
                                        "Keep-Alive2",
                                        "Transfer-Encod"};

    for (size_t i = 0; i < COUNT(names); i++) {
        assert(!stays(names[i], ""));
        assert(!stays(names[i], "close, keep-alive"));
    }
}

static void
test_nominated_fields_stay(void)
{
    assert(stays("X-One", "x-one"));
    assert(stays("x-two", "close, \t X-Two ,X-Three"));
    assert(stays("X-Three", "close,X-Two,,X-Three,"));
    assert(!stays("X-Thre", "X-Three"));
    assert(!stays("X-Three", "X-Thre"));
    assert(!stays("X-Three", "X-Three;q=1"));
    assert(!stays("X-Three", "\"X-Three\""));
    assert(!stays("X-Three", "X- Three"));
}

/* The two parts of the answer are the whole of it, and the marks leave nothing out. */
static void
test_parts_and_marks_agree_with_the_whole(void)
{
    static const char *const names[] = {"X-One",  "X-Ane",      "x-two", "Host",    "TE",
                                        "Cookie", "Connection", "Close", "X-Three", ""};
    static const char *const lists[] = {"", "close", "x-one , X-Three,,", "host, cookie, te", ","};

    for (size_t i = 0; i < COUNT(names); i++) {
        for (size_t j = 0; j < COUNT(lists); j++) {
            bool is_nominated = sp_is_nominated(span(names[i]), span(lists[j]));
            bool always = sp_name_is_hop_by_hop(sp_name_of(span(names[i])));
            assert(stays(names[i], lists[j]) == (always || is_nominated));
            assert(!is_nominated ||
                   (sp_nominated_marks(span(lists[j])) & sp_name_mark(span(names[i]))) != 0);
        }
    }
    assert(sp_nominated_marks(span("")) == 0 && sp_nominated_marks(span(" ,, ")) == 0);
}

/* Else a client could make the upstream take it for somebody else, or an answer had no end. */
static void
test_who_where_and_how_long_cannot_be_nominated(void)
{
    static const char *const names[] = {"Host",
                                        "Cookie",
                                        "Forwarded",
                                        "X-Forwarded-For",
                                        "X-FORWARDED-For",
                                        "x-forwarded-host",
                                        "X-Forwarded-Proto",
                                        "X-Forwarded-Anything",
                                        "X-Real-IP",
                                        "CDN-Loop",
                                        "Content-Length"};

    for (size_t i = 0; i < COUNT(names); i++) {
        assert(!stays(names[i], names[i]));
        assert(!stays(names[i], "close, host, cookie, forwarded, x-forwarded-for, cdn-loop"));
    }
    assert(stays("X-Forwarded", "x-forwarded"));
}

static void
test_nothing_nominates_the_empty_name(void)
{
    assert(!stays("X", ",,, ,"));
    assert(!stays("X", " "));
}

int
main(void)
{
    test_hop_by_hop_fields_stay_in_any_case();
    test_other_fields_cross();
    test_nominated_fields_stay();
    test_who_where_and_how_long_cannot_be_nominated();
    test_nothing_nominates_the_empty_name();
    test_parts_and_marks_agree_with_the_whole();
    (void)puts("hop_by_hop: ok");
    return 0;
}
