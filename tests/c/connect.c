/* Connects to upstreams as the engine does; tests/engine/test_connector.py runs
 * it beside servers.
 *
 *     connect SCENARIO URL [NUMBER]
 *
 * SP_CA_FILE, SP_UNIX_SOCKET and SP_HURRY say more of the upstream. What has come of it
 * is printed. */
#undef NDEBUG
#include "connect_loop.h"
#include "core/clock.h"
#include "core/descriptors.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static time_t later; /* s that have passed at once, for libcurl too */

int
clock_gettime(clockid_t clock, struct timespec *time)
{
    int result = (int)syscall(SYS_clock_gettime, clock, time);

    time->tv_sec += later;
    return result;
}

static const char *
name_of(const struct call *call)
{
    return sp_error_info(call->connected.error)->name;
}

static bool
is_open(const struct call *call)
{
    if (call->connected.error != SP_OK) {
        (void)printf("%s: %s\n", name_of(call), call->words);
    }
    return call->connected.error == SP_OK;
}

static struct call *
connected(void)
{
    begin(&loop.calls[0], done);
    turn_until_told(1);
    return &loop.calls[0];
}

/* Says a line, and prints what comes until the end. */
static void
ask(size_t unused)
{
    struct call *call = connected();
    char bytes[8192];
    size_t heard;

    (void)unused;
    if (!is_open(call)) {
        return;
    }
    say(call, span("hello\n"));
    enum sp_io io = hear(call, bytes, sizeof(bytes), sizeof(bytes), &heard);
    bool goodbye = call->stream->tls != NULL && sp_stream_ended_well(call->stream);
    (void)printf("%.*s, %s%s\n", (int)heard, bytes, io == SP_IO_END ? "end" : "broken",
                 goodbye ? ", goodbye" : "");
    assert(sp_stream_receive(call->stream, bytes, sizeof(bytes), &heard) == io);
    sp_stream_free(call->stream);
}

/* Sends `count` bytes, while as many come back. */
static void
pour(size_t count)
{
    struct call *call = connected();
    char *out = malloc(count);
    char *in = malloc(count);
    uint32_t state = 1;
    size_t sent = 0;
    size_t got = 0;
    size_t agains = 0;

    assert(out != NULL && in != NULL && is_open(call));
    for (size_t i = 0; i < count; i++) {
        out[i] = (char)next_random(&state);
    }
    while (got < count) {
        size_t taken = 0;
        size_t come = 0;
        enum sp_io io = SP_IO_AGAIN;
        if (sent < count || sp_stream_is_behind(call->stream)) {
            /* At another address and with another length each time. */
            struct sp_span rest = {out + sent,
                                   count - sent < 70000 ? count - sent : 70000 - agains % 999};
            char *moved = malloc(rest.len + 1);
            assert(moved != NULL);
            memcpy(moved, rest.data, rest.len);
            io = send_some(call, (struct sp_span){moved, rest.len}, &taken);
            free(moved);
            sent += taken;
        }
        enum sp_io heard = sp_stream_receive(call->stream, in + got, count - got, &come);
        got += come;
        assert(io == SP_IO_OK || io == SP_IO_AGAIN);
        assert(heard == SP_IO_OK || heard == SP_IO_AGAIN);
        if (taken == 0 && come == 0) {
            agains++;
            bool sends = sent < count || sp_stream_is_behind(call->stream);
            wait_for(call, SP_POLL_IN | (sends ? SP_POLL_OUT : 0U));
        }
    }
    (void)printf("%s, waited %s\n", memcmp(in, out, count) == 0 ? "the same" : "different",
                 agains > 0 ? "often" : "never");
    free(out);
    free(in);
    sp_stream_free(call->stream);
}

static size_t
count_descriptors(void)
{
    size_t count = 0;

    for (int fd = 0; fd < 1024; fd++) {
        count += sp_descriptor_is_kept(fd) ? 1 : 0;
    }
    return count;
}

/* So many at once; each is spoken on, and a third of them ends before the
 * others. */
static void
crowd(size_t count)
{
    char bytes[16];
    size_t heard;
    size_t before = count_descriptors();

    for (size_t i = 0; i < count; i++) {
        begin(&loop.calls[i], done);
    }
    turn_until_told(count);
    for (size_t i = 0; i < count; i++) {
        assert(is_open(&loop.calls[i]));
    }
    assert(count_descriptors() >= before + count);
    for (size_t i = 0; i < count; i += 3) {
        sp_stream_free(loop.calls[i].stream);
    }
    for (size_t i = 0; i < count; i++) {
        if (i % 3 != 0) {
            say(&loop.calls[i], span("hello\n"));
            (void)hear(&loop.calls[i], bytes, sizeof(bytes), 6, &heard);
            assert(is((struct sp_span){bytes, heard}, "hello\n"));
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (i % 3 != 0) {
            assert(sp_stream_receive(loop.calls[i].stream, bytes, sizeof(bytes), &heard) ==
                   SP_IO_AGAIN);
            sp_stream_watch(loop.calls[i].stream, SP_POLL_IN);
        }
    }
    size_t rounds = loop.rounds;
    long long end = sp_clock_now() + 300;
    while (sp_clock_now() < end) {
        turn(end - sp_clock_now());
    }
    (void)printf("%zu spoken with, %s when idle\n", count,
                 loop.rounds - rounds < 20 ? "quiet" : "busy");
    for (size_t i = 0; i < count; i++) {
        if (i % 3 != 0) {
            sp_stream_free(loop.calls[i].stream);
        }
    }
}

/* Gives them up as soon as there is a socket. */
static void
give_up(size_t count)
{
    size_t before = count_descriptors();
    long long end = sp_clock_now() + LIMIT;

    for (size_t i = 0; i < count; i++) {
        begin(&loop.calls[i], done);
    }
    sp_connector_cancel(loop.connector, loop.calls[0].attempt);
    while (count_descriptors() < before + count - 1) {
        assert(sp_clock_now() < end);
        turn(10);
    }
    for (size_t i = 1; i < count; i++) {
        sp_connector_cancel(loop.connector, loop.calls[i].attempt);
    }
    (void)printf("%zu told, %zu left\n", loop.told, count_descriptors() - before);
}

static size_t rivals;

/* The first gives up all others, and begins a last one. */
static void
choose(struct sp_loop *given, void *owner, const struct sp_connected *connected)
{
    done(given, owner, connected);
    for (size_t i = 0; i < rivals; i++) {
        if (!loop.calls[i].told) {
            sp_connector_cancel(loop.connector, loop.calls[i].attempt);
            loop.calls[i].told = true;
        }
    }
    begin(&loop.calls[rivals], done);
    if (connected->error == SP_OK) {
        sp_stream_free(((struct call *)owner)->stream);
    }
}

static void
compete(size_t count)
{
    rivals = count;
    for (size_t i = 0; i < count; i++) {
        begin(&loop.calls[i], choose);
    }
    turn_until_told(2);
    if (is_open(&loop.calls[count])) {
        sp_stream_free(loop.calls[count].stream);
    }
    (void)printf("%zu told\n", loop.told);
}

/* Of which one is spoken with, and another connects. */
static void
neglect(size_t unused)
{
    struct call *first = connected();
    char bytes[8192];
    size_t heard;

    (void)unused;
    assert(is_open(first));
    wait_for(first, SP_POLL_IN);
    later = 3600;
    begin(&loop.calls[1], done);
    turn_until_told(2);
    assert(is_open(&loop.calls[1]));
    enum sp_io io = hear(first, bytes, sizeof(bytes), sizeof(bytes), &heard);
    (void)printf("%.*s, %s\n", (int)heard, bytes, io == SP_IO_END ? "end" : "broken");
    sp_stream_free(first->stream);
    sp_stream_free(loop.calls[1].stream);
}

/* No more than `count` of them find a descriptor. */
static void
run_short(size_t count)
{
    struct rlimit limit;
    size_t open = 0;

    assert(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    rlim_t before = limit.rlim_cur;
    int next = dup(0);
    assert(next >= 0 && close(next) == 0);
    limit.rlim_cur = (rlim_t)next + count;
    assert(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    for (size_t i = 0; i < CALLS; i++) {
        begin(&loop.calls[i], done);
    }
    turn_until_told(CALLS);
    limit.rlim_cur = before;
    assert(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    for (size_t i = 0; i < CALLS; i++) {
        if (loop.calls[i].connected.error == SP_OK) {
            open++;
            sp_stream_free(loop.calls[i].stream);
        }
        else {
            assert(loop.calls[i].connected.error == SP_E_TOO_MANY);
        }
    }
    (void)puts(open <= count ? "few" : "too many");
    loop.told = 0;
    sp_stream_free(connected()->stream);
}

int
main(int count, char **words)
{
    static const struct {
        const char *name;
        void (*play)(size_t number);
    } scenarios[] = {
        {"ask", ask},         {"pour", pour},       {"crowd", crowd},        {"give up", give_up},
        {"compete", compete}, {"neglect", neglect}, {"run short", run_short}};
    const struct sp_upstream_options options = {
        .url = words[2],
        .unix_socket = getenv("SP_UNIX_SOCKET"),
        .ca_file = getenv("SP_CA_FILE"),
        .is_development = true,
        .verify = true,
        .connect_timeout = getenv("SP_HURRY") != NULL ? 300 : 10000,
    };

    assert(count >= 3 && signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    assert(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
    assert(sp_upstream_new(&options, &loop.upstream) == SP_OK);
    assert(sp_poller_new(&loop.poller) == SP_OK);
    size_t before = count_descriptors();
    loop.sockets.poller = loop.poller;
    loop.connector = sp_connector_new(&loop, &loop.sockets);
    assert(loop.connector != NULL);
    for (size_t i = 0; i < COUNT(scenarios); i++) {
        if (strcmp(scenarios[i].name, words[1]) == 0) {
            scenarios[i].play(count > 3 ? (size_t)atoi(words[3]) : 0);
        }
    }
    sp_connector_free(loop.connector);
    assert(count_descriptors() == before);
    sp_upstream_give_back(loop.upstream);
    sp_sockets_clear(&loop.sockets);
    sp_poller_free(loop.poller);
    curl_global_cleanup();
    return 0;
}
