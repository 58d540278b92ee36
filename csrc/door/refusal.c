#include "door/refusal.h"

#include <stdio.h>
#include <string.h>

#define LINE(text) .line = {(text), sizeof(text) - 1}

const struct sp_failure sp_refusal_late_head = {
    .status = 408, LINE("samesite_proxy: the request's head did not come in time.\n")};
const struct sp_failure sp_refusal_lost_body = {
    .status = 411,
    LINE("samesite_proxy: this server does not read chunked request bodies for Django; send a "
         "Content-Length, or serve Django with gunicorn.\n")};
const struct sp_failure sp_refusal_restarted = {
    .status = 503,
    LINE("samesite_proxy: the server restarted while it answered; it may have been done.\n")};
const struct sp_failure sp_refusal_ended = {
    .status = 503,
    LINE("samesite_proxy: the server ended while it answered; it may have been done.\n")};
const struct sp_failure sp_refusal_ending = {
    .status = 503, LINE("samesite_proxy: the server ends, and has not begun with this.\n")};

static const char *
reason_of(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        {400, "Bad Request"},           {408, "Request Timeout"},
        {411, "Length Required"},       {413, "Content Too Large"},
        {414, "URI Too Long"},          {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"}, {501, "Not Implemented"},
        {502, "Bad Gateway"},           {503, "Service Unavailable"},
        {504, "Gateway Timeout"},       {505, "HTTP Version Not Supported"},
        {508, "Loop Detected"},
    };

    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (reasons[i].status == status) {
            return reasons[i].reason;
        }
    }
    return "Error";
}

struct said {
    const char *kind;
    struct sp_span text;
};

static struct said
said_to(const struct sp_downstream *downstream, const struct sp_failure *failure)
{
    if (downstream->visit.form == SP_FORM_PAGE && failure->page.len > 0) {
        return (struct said){"text/html; charset=utf-8", failure->page};
    }
    if (downstream->visit.form == SP_FORM_JSON && failure->data.len > 0) {
        return (struct said){"application/json", failure->data};
    }
    return (struct said){"text/plain; charset=utf-8", failure->line};
}

static bool
queue_answer(struct sp_downstream *downstream, const struct sp_failure *failure)
{
    struct said said = said_to(downstream, failure);
    char head[256];
    int length = snprintf(head, sizeof(head),
                          "HTTP/1.1 %d %s\r\n"
                          "Content-Type: %s\r\n"
                          "Cache-Control: no-store\r\n"
                          "Content-Length: %zu\r\n"
                          "Connection: close\r\n\r\n",
                          failure->status, reason_of(failure->status), said.kind, said.text.len);

    downstream->visit.sent = downstream->visit.is_head ? 0 : (long long)said.text.len;
    return sp_stream_queue(downstream->stream, (struct sp_span){head, (size_t)length}) &&
           (downstream->visit.is_head || sp_stream_queue(downstream->stream, said.text));
}

/* The next word of what may be anything; what is no ASCII letter or sign is not shown. */
static void
copy_word(struct sp_span *bytes, char *room, size_t size)
{
    size_t count = 0;

    while (bytes->len > 0 && bytes->data[0] > ' ' && bytes->data[0] <= '~' && count < size - 1) {
        room[count++] = bytes->data[0];
        bytes->data++;
        bytes->len--;
    }
    if (bytes->len > 0 && bytes->data[0] == ' ') {
        bytes->data++;
        bytes->len--;
    }
    room[count] = '\0';
}

/* The line without whose it is, and without its end. */
static void
copy_sentence(struct sp_span line, char room[SP_JOURNAL_WORDS])
{
    (void)sp_span_cut(&line, ' ');
    struct sp_span sentence = sp_span_cut(&line, '\n');
    size_t length = sentence.len < SP_JOURNAL_WORDS ? sentence.len : SP_JOURNAL_WORDS - 1;

    memcpy(room, sentence.data, length);
    room[length] = '\0';
}

/* A request that no exchange was made of. */
static void
record_refusal(struct sp_downstream *downstream, const struct sp_failure *failure)
{
    struct sp_span bytes = sp_downstream_unused(downstream);
    struct sp_record record = {
        .status = failure->status,
        .sent = downstream->visit.sent,
        .total = downstream->door->loop->now - downstream->since,
        .upstream = -1,
        .error = failure->error,
        .frontend = failure->error != SP_OK ? (int)downstream->visit.frontend : -1,
    };

    (void)snprintf(record.peer, sizeof(record.peer), "%s", downstream->peer);
    copy_sentence(failure->line, record.words);
    copy_word(&bytes, record.method, sizeof(record.method));
    copy_word(&bytes, record.target, sizeof(record.target));
    sp_journal_add(&downstream->door->journal, &record);
}

enum sp_step
sp_refusal_queue(struct sp_downstream *downstream, const struct sp_failure *failure)
{
    bool is_queued = queue_answer(downstream, failure);

    if (downstream->visit.exchange == NULL) {
        record_refusal(downstream, failure);
    }
    return is_queued ? SP_STEP_FINISH : SP_STEP_RESET;
}

enum sp_step
sp_refusal_queue_reason(struct sp_downstream *downstream, int status, const char *reason)
{
    char line[512];
    int length = snprintf(line, sizeof(line), "samesite_proxy: %s\n", reason);
    size_t kept = (size_t)length < sizeof(line) ? (size_t)length : sizeof(line) - 1;
    struct sp_failure failure = {.status = status, .line = {line, kept}};

    downstream->visit.is_head = false;
    return sp_refusal_queue(downstream, &failure);
}
