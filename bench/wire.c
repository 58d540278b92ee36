/* What heads cost: microseconds of CPU to read one and to write it for the other side, the best of
 * so many rounds. */
#include "wire/incoming.h"
#include "wire/outgoing.h"
#include "wire/returning.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUND 10000

static const struct {
    const char *name;
    const char *head;
} requests[] = {
    {"a script's request", "GET /1k HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n\r\n"},
    {"Chromium's request",
     "GET /assets/app.js?t=123 HTTP/1.1\r\n"
     "Host: localhost:8000\r\n"
     "Connection: keep-alive\r\n"
     "sec-ch-ua: \"Chromium\";v=\"120\", \"Not A\";v=\"8\"\r\n"
     "sec-ch-ua-mobile: ?0\r\n"
     "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Chrome/120.0.0.0 Safari/537.36\r\n"
     "sec-ch-ua-platform: \"Linux\"\r\n"
     "Accept: */*\r\n"
     "Origin: http://localhost:8000\r\n"
     "Sec-Fetch-Site: same-origin\r\n"
     "Sec-Fetch-Mode: cors\r\n"
     "Sec-Fetch-Dest: script\r\n"
     "Referer: http://localhost:8000/\r\n"
     "Accept-Encoding: gzip, deflate, br\r\n"
     "Accept-Language: en-US,en;q=0.9\r\n"
     "Cookie: csrftoken=abcdefghijklmnopqrstuvwxyz0123456789; "
     "sessionid=abcdefghijklmnopqrstuvwxyz\r\n\r\n"},
};

static const char answer[] = "HTTP/1.1 200 OK\r\n"
                             "Server: nginx/1.22.1\r\n"
                             "Date: Sat, 28 Nov 2026 14:00:00 GMT\r\n"
                             "Content-Type: application/octet-stream\r\n"
                             "Content-Length: 1024\r\n"
                             "Last-Modified: Sat, 28 Nov 2026 13:50:00 GMT\r\n"
                             "Connection: keep-alive\r\n"
                             "ETag: \"6749-400\"\r\n"
                             "Accept-Ranges: bytes\r\n\r\n";

static struct sp_incoming incoming;
static struct sp_response_head response;
static struct sp_buffer out; /* its memory is kept, as that of a connection is */

static void
expect(bool is_so)
{
    if (!is_so) {
        (void)fputs("a head was not taken\n", stderr);
        exit(1);
    }
}

static void
read_request(const char *head)
{
    size_t scanned = 0;
    struct sp_span bytes = {head, strlen(head)};

    expect(sp_incoming_parse(&incoming, bytes, &scanned) == SP_INCOMING_COMPLETE);
}

static void
build_request(const char *head)
{
    const struct sp_view view = {
        .host = incoming.host,
        .forwarded_host = incoming.host,
        .forwarded_proto = SP_SPAN("http"),
        .browser_host = incoming.host,
    };
    const struct sp_outgoing outgoing = {
        .view = &view,
        .fields = incoming.fields,
        .count = incoming.count,
        .peer = SP_SPAN("127.0.0.1"),
        .loop_token = SP_SPAN("samesite-0123456789abcdef"),
    };

    (void)head; /* which has been read already */
    out.len = 0;
    expect(sp_outgoing_build(&out, &outgoing) == SP_REQUEST_FIT);
}

static void
read_answer(const char *head)
{
    struct sp_span bytes = {head, strlen(head)};

    sp_response_head_clear(&response);
    expect(sp_response_head_read(&response, &bytes) == SP_HEAD_COMPLETE);
}

static void
return_answer(const char *head)
{
    const struct sp_returning returning = {.head = &response};

    (void)head;
    out.len = 0;
    expect(sp_returning_append(&out, &returning));
}

static double
now(void)
{
    struct timespec time;

    expect(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static double
best_of(long rounds, void (*step)(const char *head), const char *head)
{
    double best = 1e9;

    for (long round = 0; round < rounds; round++) {
        double start = now();
        for (int i = 0; i < ROUND; i++) {
            step(head);
        }
        double each = (now() - start) / ROUND;
        best = each < best ? each : best;
    }
    return best;
}

int
main(int argc, char **argv)
{
    long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 100;

    sp_buffer_init(&out, SP_REQUEST_HEAD_CEILING);
    sp_response_head_init(&response);
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        double read = best_of(rounds, read_request, requests[i].head);
        double built = best_of(rounds, build_request, requests[i].head);
        (void)printf("%-20s read %.2f, built %.2f us\n", requests[i].name, read, built);
    }
    double read = best_of(rounds, read_answer, answer);
    double returned = best_of(rounds, return_answer, answer);
    (void)printf("%-20s read %.2f, returned %.2f us\n", "an answer", read, returned);
    sp_response_head_clear(&response);
    sp_buffer_clear(&out);
    return 0;
}
