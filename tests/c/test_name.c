/* The names that mean something: found in any case, and taken for nothing else. */
#undef NDEBUG
#include "bytes.h"
#include "wire/name.h"

#include <assert.h>
#include <stdio.h>

static const struct {
    const char *text;
    enum sp_name name;
} known[] = {
    {"CDN-Loop", SP_NAME_CDN_LOOP},
    {"Connection", SP_NAME_CONNECTION},
    {"Content-Length", SP_NAME_CONTENT_LENGTH},
    {"Content-Location", SP_NAME_CONTENT_LOCATION},
    {"Cookie", SP_NAME_COOKIE},
    {"Expect", SP_NAME_EXPECT},
    {"Forwarded", SP_NAME_FORWARDED},
    {"Host", SP_NAME_HOST},
    {"HTTP2-Settings", SP_NAME_HTTP2_SETTINGS},
    {"Keep-Alive", SP_NAME_KEEP_ALIVE},
    {"Link", SP_NAME_LINK},
    {"Location", SP_NAME_LOCATION},
    {"Origin", SP_NAME_ORIGIN},
    {"Proxy-Authenticate", SP_NAME_PROXY_AUTHENTICATE},
    {"Proxy-Authorization", SP_NAME_PROXY_AUTHORIZATION},
    {"Proxy-Connection", SP_NAME_PROXY_CONNECTION},
    {"Referer", SP_NAME_REFERER},
    {"Refresh", SP_NAME_REFRESH},
    {"TE", SP_NAME_TE},
    {"Trailer", SP_NAME_TRAILER},
    {"Transfer-Encoding", SP_NAME_TRANSFER_ENCODING},
    {"Upgrade", SP_NAME_UPGRADE},
    {"X-Forwarded-For", SP_NAME_X_FORWARDED},
    {"X-Forwarded-", SP_NAME_X_FORWARDED},
    {"X-Middleware-Subrequest", SP_NAME_X_MIDDLEWARE_SUBREQUEST},
    {"X-Real-IP", SP_NAME_X_REAL_IP},
};

/* A copy in small letters, or in capitals. */
static struct sp_span
in_case(const char *text, char room[64], bool is_capital)
{
    size_t len = strlen(text);

    for (size_t i = 0; i < len; i++) {
        bool is_letter = ((text[i] | 0x20) >= 'a' && (text[i] | 0x20) <= 'z');
        char small = (char)(text[i] | 0x20);
        room[i] = is_letter ? (char)(is_capital ? small - 0x20 : small) : text[i];
    }
    return (struct sp_span){room, len};
}

static void
test_names_are_known_in_any_case(void)
{
    char room[64];

    for (size_t i = 0; i < COUNT(known); i++) {
        assert(sp_name_of(span(known[i].text)) == known[i].name);
        assert(sp_name_of(in_case(known[i].text, room, false)) == known[i].name);
        assert(sp_name_of(in_case(known[i].text, room, true)) == known[i].name);
    }
}

/* Cut, longer, and with each of its bytes changed. */
static void
test_names_that_are_nearly_known_are_others(void)
{
    char room[64];

    for (size_t i = 0; i < COUNT(known); i++) {
        bool is_open = known[i].name == SP_NAME_X_FORWARDED;
        size_t len = is_open ? sizeof("X-Forwarded-") - 1 : strlen(known[i].text);
        for (size_t cut = 0; cut < len; cut++) {
            assert(sp_name_of((struct sp_span){known[i].text, cut}) == SP_NAME_OTHER);
        }
        memcpy(room, known[i].text, len);
        room[len] = 's';
        assert((sp_name_of((struct sp_span){room, len + 1}) == SP_NAME_OTHER) != is_open);
        for (size_t at = 0; at < len; at++) {
            for (int c = 0; c < 256; c++) {
                room[at] = (char)(unsigned char)c;
                bool is_letter = (known[i].text[at] | 0x20) >= 'a';
                bool is_same = room[at] == known[i].text[at] ||
                               (is_letter && (room[at] ^ 0x20) == known[i].text[at]);
                enum sp_name found = sp_name_of((struct sp_span){room, len});
                assert(found == (is_same ? known[i].name : SP_NAME_OTHER));
            }
            room[at] = known[i].text[at];
        }
    }
    assert(sp_name_of((struct sp_span){NULL, 0}) == SP_NAME_OTHER);
}

static void
test_mark_is_one_bit_in_any_case(void)
{
    char small[64];
    char capital[64];

    for (size_t i = 0; i < COUNT(known); i++) {
        uint64_t mark = sp_name_mark(span(known[i].text));
        assert(mark != 0 && (mark & (mark - 1)) == 0);
        assert(sp_name_mark(in_case(known[i].text, small, false)) == mark);
        assert(sp_name_mark(in_case(known[i].text, capital, true)) == mark);
    }
    assert(sp_name_mark(span("")) == 0);
    for (int c = 0; c < 256; c++) {
        char byte = (char)(unsigned char)c;
        assert(sp_name_mark((struct sp_span){&byte, 1}) != 0);
    }
}

int
main(void)
{
    test_names_are_known_in_any_case();
    test_names_that_are_nearly_known_are_others();
    test_mark_is_one_bit_in_any_case();
    (void)puts("name: ok");
    return 0;
}
