/* Which requests have come back, by the list in CDN-Loop. */
#undef NDEBUG
#include "bytes.h"
#include "wire/cdn_loop.h"

#include <assert.h>
#include <stdio.h>

#define OURS "samesite-0123456789abcdef"

static bool
is_closed_by(const char *name, const char *value)
{
    struct sp_field fields[] = {{span("Host"), span(OURS)}, {span(name), span(value)}};

    return sp_cdn_loop_is_closed(fields, COUNT(fields), span(OURS));
}

static void
test_token_of_ours_closes_it_wherever_it_stands(void)
{
    static const char *const lists[] = {
        OURS,
        "SameSite-0123456789ABCDEF",
        " \t" OURS "\t ",
        OURS ";a=b",
        OURS " ; a=\"x, y\"",
        "a, " OURS ",b",
        ",," OURS,
        "a.example:8080;x=\"q,\\\"" OURS ",\"," OURS,
        "a;x=\"no end, " OURS,
        "a;x=\"no end\\\", " OURS ", \\\"b",
        "a;x=\"one, two\", b;y=\", " OURS,
        "\",\\\"\",\"" OURS ", " OURS,
        "\", " OURS ", a;x=\"1\"",
        "a;x=\"b, " OURS ", c;x=\"d, e\"",
    };

    for (size_t i = 0; i < COUNT(lists); i++) {
        assert(is_closed_by("CDN-Loop", lists[i]));
        assert(is_closed_by("cdn-lOOP", lists[i]));
        assert(!is_closed_by("CDN_Loop", lists[i]));
        assert(!is_closed_by("CDN-Loops", lists[i]));
        assert(!is_closed_by("Via", lists[i]));
    }
}

static void
test_token_counts_as_a_whole_only(void)
{
    static const char *const lists[] = {
        "",
        ",",
        OURS "0",
        "x" OURS,
        "a " OURS,
        OURS " b",
        OURS ":80",
        "a;" OURS,
        "a;x=" OURS,
        "samesite-",
        "samesite-0123456789abcde",
        "\"" OURS "\"",
    };

    for (size_t i = 0; i < COUNT(lists); i++) {
        assert(!is_closed_by("CDN-Loop", lists[i]));
    }
}

/* Whose processes do not know each other's tokens; other things may come as often as they like. */
static void
test_eight_tokens_of_the_kind_close_it_in_any_number_of_lines(void)
{
    struct sp_field fields[] = {
        {span("CDN-Loop"), span("samesite-1, samesite-2;a=\"samesite-x\"")},
        {span("cdn-loop"), span("a, SAMESITE-3, b, samesite-4;x, samesite-5")},
        {span("X"), span("samesite-6, samesite-7, samesite-8")},
        {span("CDN-LOOP"), span("c, c, c, c, c, c, c, c, c, samesite-6, samesite-7")},
        {span("CDN-Loop"), span("samesite-8")},
    };

    assert(!sp_cdn_loop_is_closed(fields, COUNT(fields) - 1, span(OURS)));
    assert(sp_cdn_loop_is_closed(fields, COUNT(fields), span(OURS)));
    assert(!sp_cdn_loop_is_closed(fields, COUNT(fields), span("")));
}

int
main(void)
{
    test_token_of_ours_closes_it_wherever_it_stands();
    test_token_counts_as_a_whole_only();
    test_eight_tokens_of_the_kind_close_it_in_any_number_of_lines();
    (void)puts("cdn_loop: ok");
    return 0;
}
