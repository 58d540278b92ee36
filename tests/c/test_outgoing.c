/* What a frontend sees of a request at the listener: Host in its place, our own origin as the
 * alias, and no client's word about where it comes from. */
#undef NDEBUG
#include "bytes.h"
#include "wire/hop_by_hop.h"
#include "wire/outgoing.h"
#include "wire/request_head.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

static struct sp_view
kept(void)
{
    return (struct sp_view){.host = span("site:8000"),
                            .forwarded_host = span("site:8000"),
                            .forwarded_proto = span("http"),
                            .browser_host = span("site:8000")};
}

static struct sp_view
with_own_origin(void)
{
    struct sp_view view = kept();

    view.own_origin = span("http://localhost:8000");
    return view;
}

static struct sp_view
aliased(void)
{
    struct sp_view view = with_own_origin();

    view.host = view.forwarded_host = span("localhost:8000");
    view.is_whole_site = true;
    return view;
}

static struct sp_field
field(const char *name, const char *value)
{
    return (struct sp_field){span(name), span(value)};
}

static void
sends(const struct sp_outgoing *outgoing, const char *expected)
{
    struct sp_buffer block;

    sp_buffer_init(&block, SP_REQUEST_HEAD_CEILING);
    assert(sp_outgoing_build(&block, outgoing) == SP_REQUEST_FIT);
    assert(is(sp_buffer_peek(&block), expected));
    sp_buffer_clear(&block);
}

/* Without forwarding fields, which come after the others. */
static void
sends_of(struct sp_view view, const struct sp_field *fields, size_t count, const char *expected)
{
    char whole[2048];
    struct sp_outgoing outgoing = {.view = &view, .fields = fields, .count = count};

    (void)snprintf(whole, sizeof(whole), "%s\r\nX-Forwarded-Host: %.*s\r\nX-Forwarded-Proto: http",
                   expected, (int)view.forwarded_host.len, view.forwarded_host.data);
    sends(&outgoing, whole);
}

static void
test_fields_keep_order_spelling_and_bytes(void)
{
    struct sp_field fields[] = {field("accept", "*/*"),
                                field("hOST", "site:8000"),
                                field("A", "1"),
                                field("A", ""),
                                field("Cookie", "\xe9"),
                                field("Content-Length", "3"),
                                field("Connection", "keep-alive, A")};

    sends_of(kept(), fields, COUNT(fields), "accept: */*\r\nhOST: site:8000\r\nCookie: \xe9");
    sends_of(kept(), fields, 4, "accept: */*\r\nhOST: site:8000\r\nA: 1\r\nA: ");
}

static void
test_host_is_the_views_and_one(void)
{
    struct sp_field fields[] = {field("A", "1"), field("Host", "site:8000"), field("B", "2"),
                                field("host", "evil"), field("Hos", "3")};

    sends_of(aliased(), fields, COUNT(fields), "A: 1\r\nHost: localhost:8000\r\nB: 2\r\nHos: 3");
    sends_of(aliased(), fields, 1, "Host: localhost:8000\r\nA: 1");
    sends_of(aliased(), NULL, 0, "Host: localhost:8000");
}

static void
test_clients_own_forwarding_fields_are_dropped(void)
{
    struct sp_field fields[] = {
        field("Host", "site:8000"),        field("X-Forwarded-For", "1.2.3.4"),
        field("x-forwarded-host", "evil"), field("X-FORWARDED-PROTO", "https"),
        field("X-Forwarded-Port", "443"),  field("X-Forwarded-", "x"),
        field("Forwarded", "for=1.2.3.4"), field("X-Real-IP", "1.2.3.4"),
        field("X-Forwarded", "kept"),      field("X-Real-IP-Too", "kept")};

    sends_of(kept(), fields, COUNT(fields),
             "Host: site:8000\r\nX-Forwarded: kept\r\nX-Real-IP-Too: kept");
}

static void
test_peer_is_named_first_and_cannot_be_nominated_away(void)
{
    struct sp_view view = kept();
    struct sp_field fields[] = {
        field("Connection", "x-forwarded-for, X-Forwarded-Host, host, x-forwarded-proto"),
    };
    struct sp_outgoing outgoing = {
        .view = &view, .fields = fields, .count = COUNT(fields), .peer = span("::1")};

    sends(&outgoing, "Host: site:8000\r\nX-Forwarded-For: ::1\r\nX-Forwarded-Host: site:8000\r\n"
                     "X-Forwarded-Proto: http");
}

static void
test_upgrade_keeps_its_fields(void)
{
    struct sp_view view = kept();
    struct sp_field fields[] = {field("Host", "site:8000"), field("Upgrade", "websocket"),
                                field("Connection", "Upgrade")};
    struct sp_outgoing outgoing = {
        .view = &view,
        .fields = fields,
        .count = COUNT(fields),
        .loop_token = span("samesite-1"),
        .is_upgrade = true,
    };

    sends(&outgoing, "Host: site:8000\r\nUpgrade: websocket\r\nX-Forwarded-Host: site:8000\r\n"
                     "X-Forwarded-Proto: http\r\nCDN-Loop: samesite-1\r\nConnection: Upgrade");
}

static void
test_token_of_a_loop_joins_the_list_where_it_stands(void)
{
    struct sp_view view = kept();
    struct sp_field fields[] = {field("CDN-Loop", "other; loops=1"), field("Host", "site:8000")};
    struct sp_outgoing outgoing = {
        .view = &view,
        .fields = fields,
        .count = COUNT(fields),
        .loop_token = span("samesite-1"),
    };

    sends(&outgoing, "CDN-Loop: other; loops=1, samesite-1\r\nHost: site:8000\r\n"
                     "X-Forwarded-Host: site:8000\r\nX-Forwarded-Proto: http");
}

static void
sees(struct sp_view view, const char *name, const char *value, const char *expected)
{
    char lines[1024];
    struct sp_field fields[] = {field("Host", "site:8000"), field(name, value)};

    (void)snprintf(lines, sizeof(lines), "Host: %.*s\r\n%s: %s", (int)view.host.len, view.host.data,
                   name, expected);
    sends_of(view, fields, COUNT(fields), lines);
}

static void
test_own_origin_becomes_the_alias(void)
{
    static const char *const own[][2] = {
        {"http://site:8000", "http://localhost:8000"},
        {"https://SITE:8000", "http://localhost:8000"},
        {"HTTP://site:8000/a?b#c", "http://localhost:8000/a?b#c"},
        {"http://site:8000?b", "http://localhost:8000?b"},
        {"http://site:8000#c", "http://localhost:8000#c"},
        {"a+1.-://site:8000//x", "http://localhost:8000//x"},
    };

    for (size_t i = 0; i < COUNT(own); i++) {
        sees(with_own_origin(), "Origin", own[i][0], own[i][1]);
        sees(aliased(), "oRigin", own[i][0], own[i][1]);
        sees(aliased(), "Referer", own[i][0], own[i][1]);
        sees(with_own_origin(), "Referer", own[i][0], own[i][0]);
        sees(kept(), "Origin", own[i][0], own[i][0]);
        sees(kept(), "Referer", own[i][0], own[i][0]);
        sees(aliased(), "Origins", own[i][0], own[i][0]);
    }
}

static void
test_foreign_origin_crosses_untouched(void)
{
    static const char *const foreign[] = {
        "",
        "null",
        "http://site",
        "http://site:80000",
        "://site:8000",
        "1a://site:8000",
        "a_b://site:8000",
        "http:/site:8000",
        "http:site:8000",
        "site:8000",
        "http://site:8000 ",
        "http://u@site:8000",
        "http://evil/http://site:8000",
        "http://site:8000.evil",
        " http://site:8000",
        "http://",
        "http:",
    };

    for (size_t i = 0; i < COUNT(foreign); i++) {
        sees(aliased(), "Origin", foreign[i], foreign[i]);
        sees(aliased(), "Referer", foreign[i], foreign[i]);
    }
}

static bool
builds_at_all(struct sp_field only, struct sp_view view, size_t ceiling)
{
    struct sp_buffer block;
    struct sp_outgoing outgoing = {.view = &view, .fields = &only, .count = 1};

    sp_buffer_init(&block, ceiling);
    bool built = sp_outgoing_build(&block, &outgoing) == SP_REQUEST_FIT;
    sp_buffer_clear(&block);
    return built;
}

static void
test_what_could_be_read_two_ways_is_refused(void)
{
    struct sp_view bad = aliased();

    bad.own_origin = span("http://x\r\nY: z");
    assert(builds_at_all(field("Origin", "http://other"), bad, 1000));
    assert(!builds_at_all(field("Origin", "http://site:8000"), bad, 1000));
    assert(!builds_at_all(field("Origin", "http://site:8000/\n"), aliased(), 1000));
    assert(!builds_at_all(field("", "x"), kept(), 1000));
    bad.host = span("a\nb");
    assert(!builds_at_all(field("A", "x"), bad, 1000));
}

static void
test_ceiling_is_kept(void)
{
    size_t exact = sizeof("Host: site:8000\r\nA: 1\r\nX-Forwarded-Host: site:8000\r\n"
                          "X-Forwarded-Proto: http") -
                   1;

    assert(builds_at_all(field("A", "1"), kept(), exact));
    for (size_t ceiling = 0; ceiling < exact; ceiling++) {
        assert(!builds_at_all(field("A", "1"), kept(), ceiling));
    }
    char list[SP_NOMINATED_CEILING];
    memset(list, 'x', sizeof(list));
    struct sp_field connection = {span("Connection"), {list, sizeof(list)}};
    assert(!builds_at_all(connection, kept(), SP_REQUEST_HEAD_CEILING));
}

int
main(void)
{
    test_fields_keep_order_spelling_and_bytes();
    test_host_is_the_views_and_one();
    test_clients_own_forwarding_fields_are_dropped();
    test_peer_is_named_first_and_cannot_be_nominated_away();
    test_upgrade_keeps_its_fields();
    test_token_of_a_loop_joins_the_list_where_it_stands();
    test_own_origin_becomes_the_alias();
    test_foreign_origin_crosses_untouched();
    test_what_could_be_read_two_ways_is_refused();
    test_ceiling_is_kept();
    (void)puts("outgoing: ok");
    return 0;
}
