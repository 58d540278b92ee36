/* A target's path as Django will see it. */
#undef NDEBUG
#include "wire/path.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static char room[256];

static bool
decodes_to(struct sp_span target, struct sp_span expected)
{
    struct sp_span path;

    return sp_path_decode(target, room, &path) && sp_span_equal(path, expected);
}

static bool
is_refused(struct sp_span target)
{
    struct sp_span path;

    return !sp_path_decode(target, room, &path);
}

static void
test_query_is_left_out(void)
{
    assert(decodes_to(SP_SPAN("/a/b?c=/d"), SP_SPAN("/a/b")));
    assert(decodes_to(SP_SPAN("/?/api/"), SP_SPAN("/")));
    assert(decodes_to(SP_SPAN("*"), SP_SPAN("*")));
}

static void
test_escapes_are_decoded_once(void)
{
    assert(decodes_to(SP_SPAN("/%61pi/%2525"), SP_SPAN("/api/%25")));
    assert(decodes_to(SP_SPAN("/a%2Fb%3fc"), SP_SPAN("/a/b?c")));
    assert(decodes_to(SP_SPAN("/%zz%4%"), SP_SPAN("/%zz%4%")));
    assert(decodes_to(SP_SPAN("/%00"), SP_SPAN("/\0")));
}

static void
test_slashes_and_dots(void)
{
    assert(decodes_to(SP_SPAN("//api//x/../y/."), SP_SPAN("/api//x/../y/.")));
    assert(decodes_to(SP_SPAN("///"), SP_SPAN("/")));
    assert(decodes_to(SP_SPAN("/%2fapi"), SP_SPAN("//api")));
}

static void
test_only_utf8_is_told(void)
{
    assert(decodes_to(SP_SPAN("/%C3%A9/\xed\x95\x9c"), SP_SPAN("/\xc3\xa9/\xed\x95\x9c")));
    assert(decodes_to(SP_SPAN("/%F0%9F%98%80"), SP_SPAN("/\xf0\x9f\x98\x80")));
    assert(is_refused(SP_SPAN("/%C3")));
    assert(is_refused(SP_SPAN("/%C0%AF")));       /* overlong */
    assert(is_refused(SP_SPAN("/%E0%80%AF")));    /* overlong */
    assert(is_refused(SP_SPAN("/%ED%A0%80")));    /* a surrogate */
    assert(is_refused(SP_SPAN("/%F4%90%80%80"))); /* above U+10FFFF */
    assert(is_refused(SP_SPAN("/%F5%80%80%80")));
    assert(is_refused(SP_SPAN("/%80")));
    assert(is_refused(SP_SPAN("/%E2%82x")));
}

int
main(void)
{
    test_query_is_left_out();
    test_escapes_are_decoded_once();
    test_slashes_and_dots();
    test_only_utf8_is_told();
    (void)puts("path: ok");
    return 0;
}
