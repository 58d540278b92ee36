/* Which requests have come back, by the list in CDN-Loop. */
#undef NDEBUG
#include "bytes.h"
#include "wire/cdn_loop.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

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
        "a;x=\"," OURS ",\"",
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
        {span("CDN-Loop"), span("samesite-1, samesite-2;a=\"samesite-x, samesite-y\"")},
        {span("cdn-loop"), span("a, SAMESITE-3, b, samesite-4;x, samesite-5")},
        {span("X"), span("samesite-6, samesite-7, samesite-8")},
        {span("CDN-LOOP"), span("c, c, c, c, c, c, c, c, c, samesite-6, samesite-7")},
        {span("CDN-Loop"), span("samesite-8")},
    };

    assert(!sp_cdn_loop_is_closed(fields, COUNT(fields) - 1, span(OURS)));
    assert(sp_cdn_loop_is_closed(fields, COUNT(fields), span(OURS)));
    assert(!sp_cdn_loop_is_closed(fields, COUNT(fields), span("")));
}

/* Each quote, were it looked at anew, would be looked for to the end. */
static void
test_quotes_without_end_cost_no_more_than_their_length(void)
{
    size_t length = (size_t)4 * 1024 * 1024;
    char *text = malloc(length);

    assert(text != NULL);
    text[0] = '"';
    for (size_t i = 1; i < length; i++) {
        text[i] = i % 2 == 1 ? '\\' : '"';
    }
    struct sp_field field = {span("CDN-Loop"), {text, length}};
    assert(!sp_cdn_loop_is_closed(&field, 1, span(OURS)));
    free(text);
}

int
main(void)
{
    test_token_of_ours_closes_it_wherever_it_stands();
    test_token_counts_as_a_whole_only();
    test_eight_tokens_of_the_kind_close_it_in_any_number_of_lines();
    test_quotes_without_end_cost_no_more_than_their_length();
    (void)puts("cdn_loop: ok");
    return 0;
}
