/* What a request asks its connection to become, and what an upstream may make of it. */
#undef NDEBUG
#include "bytes.h"
#include "wire/response_head.h"
#include "wire/upgrade.h"

#include <assert.h>
#include <stdio.h>

static enum sp_upgrade
asked(const char *method, const char *connection, const char *protocols)
{
    struct sp_upgrade_wish wish = {0};

    sp_upgrade_take_connection(&wish, span(connection));
    sp_upgrade_take_protocols(&wish, span(protocols));
    return sp_upgrade_conclude(&wish, span(method), true, false);
}

static enum sp_upgrade
get(const char *protocols)
{
    return asked("GET", "keep-alive, Upgrade", protocols);
}

static void
test_websocket_is_known_in_any_case_and_company(void)
{
    static const char *const lists[] = {
        "websocket",        "WebSocket",      "WEBSOCKET",
        "h2c, websocket",   "WebSocket,h2c",  "TLS/1.2, websocket",
        "foo/1, websocket", ",, websocket ,", "\twebsocket\t",
    };

    for (size_t i = 0; i < COUNT(lists); i++) {
        assert(get(lists[i]) == SP_UPGRADE_WEBSOCKET);
    }
}

static void
test_other_protocols_are_offered(void)
{
    static const char *const lists[] = {
        "websocket/13", "tcp",    "a/1.0, b", "TLS/1.2, foo", "foo, h2c",    "websockets",
        "h2o",          "TLSA/1", "IRC/6.9",  "SHTTP/1.3",    "connect-udp",
    };

    for (size_t i = 0; i < COUNT(lists); i++) {
        assert(get(lists[i]) == SP_UPGRADE_OFFERED);
    }
}

static void
test_what_no_frontend_is_offered_is_an_ordinary_request(void)
{
    static const char *const lists[] = {
        "",
        "TLS/1.2",
        "tls/1.0",
        "TLS",
        "h2c",
        "H2C",
        "h2",
        "h2c-14",
        "TLS/1.0, HTTP/1.1",
        "HTTP/2.0",
        "h2c, TLS/1.2",
        " , ,\t,",
        "\"websocket\"",
        "web socket",
        "/1",
        "foo/",
        "foo/1/2",
        "websocket;q=1",
        "h2c/1",
    };

    for (size_t i = 0; i < COUNT(lists); i++) {
        assert(get(lists[i]) == SP_UPGRADE_NONE);
    }
}

static void
test_upgrade_that_connection_does_not_name_is_none(void)
{
    assert(asked("GET", "", "websocket") == SP_UPGRADE_NONE);
    assert(asked("GET", "keep-alive", "websocket") == SP_UPGRADE_NONE);
    assert(asked("GET", "upgrades, up grade", "foo") == SP_UPGRADE_NONE);
    assert(asked("GET", ",UPGRADE,", "foo") == SP_UPGRADE_OFFERED);
    assert(asked("GET", "HTTP2-Settings,upgrade", "websocket") == SP_UPGRADE_WEBSOCKET);
}

static void
test_handshake_is_a_get(void)
{
    static const char *const others[] = {"POST", "PUT", "OPTIONS", "get", "PROPFIND"};
    static const char *const never[] = {"HEAD", "CONNECT", "TRACE"};

    for (size_t i = 0; i < COUNT(others); i++) {
        assert(asked(others[i], "Upgrade", "websocket") == SP_UPGRADE_OFFERED);
        assert(asked(others[i], "Upgrade", "foo, websocket") == SP_UPGRADE_OFFERED);
    }
    for (size_t i = 0; i < COUNT(never); i++) {
        assert(asked(never[i], "Upgrade", "websocket") == SP_UPGRADE_NONE);
        assert(asked(never[i], "Upgrade", "foo") == SP_UPGRADE_NONE);
    }
}

static void
test_neither_http_1_0_nor_a_body_goes_with_it(void)
{
    struct sp_upgrade_wish wish = {.is_nominated = true, .websocket = true, .other = true};

    assert(sp_upgrade_conclude(&wish, span("GET"), false, false) == SP_UPGRADE_NONE);
    assert(sp_upgrade_conclude(&wish, span("GET"), true, true) == SP_UPGRADE_NONE);
    assert(sp_upgrade_conclude(&wish, span("GET"), true, false) == SP_UPGRADE_WEBSOCKET);
}

static void
test_fields_are_read_together(void)
{
    struct sp_upgrade_wish wish = {0};

    sp_upgrade_take_protocols(&wish, span("h2c"));
    sp_upgrade_take_connection(&wish, span("close"));
    assert(sp_upgrade_conclude(&wish, span("GET"), true, false) == SP_UPGRADE_NONE);
    sp_upgrade_take_protocols(&wish, span("foo"));
    sp_upgrade_take_connection(&wish, span("upgrade"));
    assert(sp_upgrade_conclude(&wish, span("GET"), true, false) == SP_UPGRADE_OFFERED);
    sp_upgrade_take_protocols(&wish, span("websocket"));
    assert(sp_upgrade_conclude(&wish, span("GET"), true, false) == SP_UPGRADE_WEBSOCKET);
}

static bool
offers(const char *block, const char *chosen)
{
    return sp_upgrade_is_offered(span(block), span(chosen));
}

static void
test_upstream_may_choose_what_it_was_offered(void)
{
    static const char block[] = "Host: x\r\nUpgrade: a/1.0, b\r\nX-Upgrade: c\r\nUPGRADE: d\r\n"
                                "Connection: Upgrade";

    assert(offers(block, "a/1.0") && offers(block, "B") && offers(block, "d"));
    assert(offers(block, "d, a/1.0") && offers(block, "b,") && offers(block, ""));
    assert(!offers(block, "a") && !offers(block, "a/2.0") && !offers(block, "c"));
    assert(!offers(block, "b, e") && !offers(block, "Upgrade") && !offers(block, "x"));
    assert(!offers("", "b") && offers("Upgrade: b", "b"));
    assert(!offers("Upgrade: h2c, b", "h2c"));
}

/* The last step of reading a 101 to a request with this block of lines. */
static enum sp_head_step
switched(const char *block, const char *fields)
{
    struct sp_response_head head;
    enum sp_head_step step = SP_HEAD_MORE;
    char bytes[256];

    (void)snprintf(bytes, sizeof(bytes), "HTTP/1.1 101 Go\n%s\n", fields);
    struct sp_span rest = span(bytes);
    sp_response_head_init(&head);
    head.offer = span(block);
    while (rest.len > 0 && step == SP_HEAD_MORE) {
        struct sp_span line = {rest.data, 0};
        line.len = sp_span_cut(&rest, '\n').len + 1;
        step = sp_response_head_add(&head, line);
    }
    sp_response_head_clear(&head);
    return step;
}

static void
test_switch_is_an_answer_to_those_who_asked(void)
{
    static const char block[] = "Upgrade: a/1, b\r\nUpgrade: c\r\nConnection: Upgrade";

    assert(switched(block, "Upgrade: B\n") == SP_HEAD_COMPLETE);
    assert(switched(block, "upgrade: c\nX: y\nUpgrade: a/1\n") == SP_HEAD_COMPLETE);
    assert(switched(block, "") == SP_HEAD_COMPLETE);
    assert(switched(block, "Upgrade: d\n") == SP_HEAD_REFUSED);
    assert(switched(block, "Upgrade: b\nUpgrade: TLS/1.2\n") == SP_HEAD_REFUSED);
    assert(switched("", "Upgrade: b\n") == SP_HEAD_REFUSED);
}

int
main(void)
{
    test_websocket_is_known_in_any_case_and_company();
    test_other_protocols_are_offered();
    test_what_no_frontend_is_offered_is_an_ordinary_request();
    test_upgrade_that_connection_does_not_name_is_none();
    test_handshake_is_a_get();
    test_neither_http_1_0_nor_a_body_goes_with_it();
    test_fields_are_read_together();
    test_upstream_may_choose_what_it_was_offered();
    test_switch_is_an_answer_to_those_who_asked();
    (void)puts("upgrade: ok");
    return 0;
}
