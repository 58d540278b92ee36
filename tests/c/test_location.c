/* A Location: the frontend's own addresses come back to the browser's origin, whatever else could
 * be meant crosses as it is. */
#undef NDEBUG
#include "bytes.h"
#include "wire/location.h"

#include <assert.h>
#include <stdio.h>

#define ORIGIN  "http://site:8000"
#define CEILING ((size_t)1000)

/* Made on the stack, so that the own_addresses has to have copies. */
static struct sp_own_addresses *
addresses_at(const char *scheme, int port)
{
    char own[] = "frontend";
    struct sp_span names[] = {span(own), span("localhost"), span("::1"), span("named.internal")};
    struct sp_span anywhere[] = {span("named.internal"), span("other.internal:9999"),
                                 span("[fe80::1]:7")};
    struct sp_own_addresses_options options = {.scheme = span(scheme),
                                               .names = names,
                                               .name_count = COUNT(names),
                                               .anywhere = anywhere,
                                               .anywhere_count = COUNT(anywhere),
                                               .port = port};
    struct sp_own_addresses *own_addresses = NULL;

    assert(sp_own_addresses_new(&options, &own_addresses));
    own[0] = 'X';
    return own_addresses;
}

static void
sees(const struct sp_own_addresses *own_addresses, const char *alias, struct sp_span value,
     const char *expected)
{
    struct sp_buffer out;

    sp_buffer_init(&out, CEILING);
    bool rewritten = sp_location_rewrite(&out, value, own_addresses, span(ORIGIN), span(alias));
    assert(rewritten == (expected != NULL));
    assert(is(sp_buffer_peek(&out), rewritten ? expected : ""));
    sp_buffer_clear(&out);
}

static void
test_own_address_comes_back(void)
{
    static const char *const own[][2] = {
        {"http://localhost:3000/a?b=c#d", "/a?b=c#d"},
        {"https://localhost:3000/", "/"},
        {"HTTP://LocalHost:3000", "/"},
        {"//frontend:3000?x", "/?x"},
        {"http://frontend:3000#x", "/#x"},
        {"http://[::1]:3000/a", "/a"},
        {"http://localhost:03000/a", "/a"},
        {"http://localhost:3000/a b\t\xed", "/a b\t\xed"},
        {"http://localhost:3000/http://localhost:3000/", "/http://localhost:3000/"},
        {"http://named.internal:3000/a", "/a"},
        {"http://named.internal/a", "/a"},
        {"https://Other.internal:9999/a", "/a"},
        {"http://[FE80::1]:7/a", "/a"},
    };
    struct sp_own_addresses *own_addresses = addresses_at("http", 3000);

    for (size_t i = 0; i < COUNT(own); i++) {
        sees(own_addresses, "", span(own[i][0]), own[i][1]);
    }
    sp_own_addresses_give_back(own_addresses);
}

/* Its path alone would send the browser elsewhere. */
static void
test_path_that_names_a_host_gets_the_origin(void)
{
    static const char *const paths[] = {"//evil/x", "/\\evil", "/\t/evil", "/\x01/evil"};
    struct sp_own_addresses *own_addresses = addresses_at("http", 3000);

    for (size_t i = 0; i < COUNT(paths); i++) {
        char value[100];
        char expected[100];
        (void)snprintf(value, sizeof(value), "http://localhost:3000%s", paths[i]);
        (void)snprintf(expected, sizeof(expected), ORIGIN "%s", paths[i]);
        sees(own_addresses, "", span(value), expected);
    }
    sp_own_addresses_give_back(own_addresses);
}

static void
test_other_places_are_untouched(void)
{
    static const char *const foreign[] = {
        "",
        "/",
        "/a//b",
        "a?u=http://localhost:3000/",
        "?x",
        "//",
        "http:",
        "http://",
        "http:///a",
        "http:/localhost:3000/a",
        "http:localhost:3000/a",
        "http://localhost/a",
        "http://localhost:/a",
        "http://localhost:0/a",
        "http://localhost:3001/a",
        "http://localhost:30000/a",
        "http://localhost:3000x/a",
        "http://localhost:+3000/a",
        "http://localhost: 3000/a",
        "http://localhost:3000:3000/a",
        "http://localhost:18446744073709554616/a",
        "http://localhost:65537/a",
        "http://localhost.evil:3000/a",
        "http://evil:3000/a",
        "http://other.internal:1/a",
        "http://other.internal/a",
        "http://localhost:3000@evil/a",
        "http://evil@localhost:3000/a",
        "http://evil\\@localhost:3000/a",
        "http://localhost:3000\\evil/a",
        "http://localhost\t:3000/a",
        " http://localhost:3000/a",
        "ht\ttp://localhost:3000/a",
        "ftp://localhost:3000/a",
        "xhttp://localhost:3000/a",
        "httpss://localhost:3000/a",
        "://localhost:3000/a",
        "http://[localhost]:3000/a",
        "http://::1:3000/a",
        "http://[::1/a",
        "http://[::1]3000/a",
        "http://[::1]x:3000/a",
        "http://x[::1]:3000/a",
        "http://]:3000/a",
        "http://[]:3000/a",
        "http://[",
        "mailto:x@localhost",
    };
    struct sp_own_addresses *own_addresses = addresses_at("http", 3000);

    for (size_t i = 0; i < COUNT(foreign); i++) {
        sees(own_addresses, "", span(foreign[i]), NULL);
    }
    sees(own_addresses, "", (struct sp_span){"http://localhost\0:3000/", 23}, NULL);
    sees(own_addresses, "", (struct sp_span){NULL, 0}, NULL);
    sp_own_addresses_give_back(own_addresses);
}

static void
test_port_that_is_not_written_is_the_schemes(void)
{
    struct sp_own_addresses *plain = addresses_at("http", 80);
    struct sp_own_addresses *secure = addresses_at("https", 443);

    sees(plain, "", span("http://localhost/a"), "/a");
    sees(plain, "", span("http://localhost:/a"), "/a");
    sees(plain, "", span("//localhost/a"), "/a");
    sees(plain, "", span("https://localhost:80/a"), "/a");
    sees(plain, "", span("https://localhost/a"), NULL);
    sees(secure, "", span("https://[::1]/a"), "/a");
    sees(secure, "", span("//localhost/a"), "/a");
    sees(secure, "", span("HTTPS://localhost/a"), "/a");
    sees(secure, "", span("http://localhost/a"), NULL);
    sp_own_addresses_give_back(plain);
    sp_own_addresses_give_back(secure);
}

static void
test_behind_a_unix_socket_any_port_counts(void)
{
    struct sp_own_addresses *own_addresses = addresses_at("http", 0);

    sees(own_addresses, "", span("http://localhost/a"), "/a");
    sees(own_addresses, "", span("http://localhost:1/a"), "/a");
    sees(own_addresses, "", span("http://localhost:x/a"), NULL);
    sees(own_addresses, "", span("http://evil/a"), NULL);
    sp_own_addresses_give_back(own_addresses);
}

static void
test_alias_counts_with_its_own_port(void)
{
    struct sp_own_addresses *own_addresses = addresses_at("http", 3000);

    sees(own_addresses, "alias:8000", span("http://ALIAS:8000/a"), "/a");
    sees(own_addresses, "alias:8000", span("https://alias:8000//a"), ORIGIN "//a");
    sees(own_addresses, "alias:8000", span("http://alias/a"), NULL);
    sees(own_addresses, "alias:8000", span("http://alias:3000/a"), NULL);
    sees(own_addresses, "alias", span("http://alias:80/a"), "/a");
    sees(own_addresses, "alias", span("https://alias:80/a"), NULL);
    sees(own_addresses, "alias", span("https://alias/a"), "/a");
    sees(own_addresses, "[::2]:8000", span("http://[::2]:8000/a"), "/a");
    sees(own_addresses, "alias:port", span("http://alias:port/a"), NULL);
    sees(own_addresses, "alias:port", span("http://localhost:3000/a"), "/a");
    sp_own_addresses_give_back(own_addresses);
}

static void
test_full_buffer_is_left_as_it_was(void)
{
    struct sp_own_addresses *own_addresses = addresses_at("http", 3000);
    struct sp_span value = span("http://localhost:3000//abc");
    size_t needed = sizeof(ORIGIN "//abc") - 1;

    for (size_t ceiling = 2; ceiling <= needed + 2; ceiling++) {
        struct sp_buffer out;
        sp_buffer_init(&out, ceiling);
        assert(sp_buffer_append(&out, SP_SPAN("ab")));
        assert(sp_location_rewrite(&out, value, own_addresses, span(ORIGIN), span("")) ==
               (ceiling == needed + 2));
        assert(ceiling == needed + 2 || is(sp_buffer_peek(&out), "ab"));
        sp_buffer_clear(&out);
    }
    sp_own_addresses_give_back(own_addresses);
}

static void
test_home_lives_until_the_last_gives_it_back(void)
{
    struct sp_own_addresses_options nothing = {.port = 3000};
    struct sp_own_addresses *empty = NULL;
    struct sp_own_addresses *own_addresses = addresses_at("http", 3000);

    sp_own_addresses_give_back(sp_own_addresses_take(own_addresses));
    sees(own_addresses, "", span("http://localhost:3000/a"), "/a");
    sp_own_addresses_give_back(own_addresses);
    sp_own_addresses_give_back(NULL);
    assert(sp_own_addresses_new(&nothing, &empty));
    sees(empty, "", span("http://localhost:3000/a"), NULL);
    sp_own_addresses_give_back(empty);
}

int
main(void)
{
    test_own_address_comes_back();
    test_path_that_names_a_host_gets_the_origin();
    test_other_places_are_untouched();
    test_port_that_is_not_written_is_the_schemes();
    test_behind_a_unix_socket_any_port_counts();
    test_alias_counts_with_its_own_port();
    test_full_buffer_is_left_as_it_was();
    test_home_lives_until_the_last_gives_it_back();
    (void)puts("location: ok");
    return 0;
}
