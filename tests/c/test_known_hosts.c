#include "door/known_hosts.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

struct name {
    char bytes[16];
};

static struct sp_span
name_of(struct name *name, unsigned number)
{
    int len = snprintf(name->bytes, sizeof(name->bytes), "host-%u", number);

    assert(len > 0);
    return (struct sp_span){name->bytes, (size_t)len};
}

static void
put(struct sp_known_hosts *hosts, unsigned number, enum sp_verdict verdict)
{
    struct name name;
    struct sp_host *host = NULL;

    assert(sp_host_new(name_of(&name, number), verdict, &host) == SP_OK);
    sp_known_hosts_put(hosts, host);
}

static bool
is_known(struct sp_known_hosts *hosts, unsigned number, enum sp_verdict verdict)
{
    struct name name;
    const struct sp_host *host = sp_known_hosts_find(hosts, name_of(&name, number));

    return host != NULL && host->verdict == verdict;
}

static void
test_allowed_one_that_was_not_used_for_longest_makes_room(void)
{
    struct sp_known_hosts hosts = {.allowed = NULL};

    for (unsigned i = 0; i < SP_HOSTS_MAX_ALLOWED; i++) {
        put(&hosts, i, SP_VERDICT_ALLOWED);
    }
    assert(is_known(&hosts, 0, SP_VERDICT_ALLOWED));
    put(&hosts, SP_HOSTS_MAX_ALLOWED, SP_VERDICT_ALLOWED);
    assert(hosts.allowed_count == SP_HOSTS_MAX_ALLOWED);
    assert(is_known(&hosts, 0, SP_VERDICT_ALLOWED));
    assert(!is_known(&hosts, 1, SP_VERDICT_ALLOWED));
    assert(is_known(&hosts, 2, SP_VERDICT_ALLOWED));
    sp_known_hosts_clear(&hosts);
}

static void
test_others_have_places_of_their_own(void)
{
    struct sp_known_hosts hosts = {.allowed = NULL};

    put(&hosts, 0, SP_VERDICT_ALLOWED);
    put(&hosts, 1, SP_VERDICT_ASKED);
    for (unsigned i = 2; i < 1000; i++) {
        assert(sp_known_hosts_may_ask(&hosts));
        put(&hosts, i, SP_VERDICT_REFUSED);
    }
    assert(hosts.other_count == SP_HOSTS_MAX_OTHERS);
    assert(is_known(&hosts, 0, SP_VERDICT_ALLOWED));
    assert(is_known(&hosts, 1, SP_VERDICT_ASKED));
    assert(is_known(&hosts, 999, SP_VERDICT_REFUSED));
    assert(!is_known(&hosts, 2, SP_VERDICT_REFUSED));
    sp_known_hosts_clear(&hosts);
    assert(hosts.allowed_count == 0 && hosts.other_count == 0);
}

static void
test_what_is_asked_about_is_found_when_the_answer_comes(void)
{
    struct sp_known_hosts hosts = {.allowed = NULL};

    for (unsigned i = 0; i < SP_HOSTS_MAX_OTHERS; i++) {
        assert(sp_known_hosts_may_ask(&hosts));
        put(&hosts, i, SP_VERDICT_ASKED);
    }
    assert(!sp_known_hosts_may_ask(&hosts));
    put(&hosts, 1000, SP_VERDICT_REFUSED); /* nobody has asked */
    assert(!is_known(&hosts, 1000, SP_VERDICT_REFUSED));
    put(&hosts, 0, SP_VERDICT_REFUSED);
    put(&hosts, 1, SP_VERDICT_ALLOWED);
    assert(is_known(&hosts, 0, SP_VERDICT_REFUSED) && is_known(&hosts, 1, SP_VERDICT_ALLOWED));
    assert(hosts.allowed_count == 1 && hosts.other_count == SP_HOSTS_MAX_OTHERS - 1);
    sp_known_hosts_clear(&hosts);
}

static void
test_entry_in_use_outlives_its_place(void)
{
    struct sp_known_hosts hosts = {.allowed = NULL};
    struct sp_host *host;

    put(&hosts, 0, SP_VERDICT_ALLOWED);
    struct name name;
    host = sp_host_take(sp_known_hosts_find(&hosts, name_of(&name, 0)));
    put(&hosts, 0, SP_VERDICT_REFUSED);
    assert(hosts.allowed_count == 0 && is_known(&hosts, 0, SP_VERDICT_REFUSED));
    sp_known_hosts_clear(&hosts);
    assert(sp_span_equal(host->value, SP_SPAN("host-0")));
    sp_host_give_back(host);
}

int
main(void)
{
    test_allowed_one_that_was_not_used_for_longest_makes_room();
    test_others_have_places_of_their_own();
    test_what_is_asked_about_is_found_when_the_answer_comes();
    test_entry_in_use_outlives_its_place();
    puts("known_hosts: ok");
    return EXIT_SUCCESS;
}
