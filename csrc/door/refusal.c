#include "door/refusal.h"

#include "door/showing.h"

#include <stdio.h>
#include <string.h>

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
    if (failure->why != NULL) {
        (void)snprintf(record.words, sizeof(record.words), "%s", failure->why);
    }
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
    sp_showing_refuse(downstream, failure->status);
    return is_queued ? SP_STEP_FINISH : SP_STEP_RESET;
}

enum sp_step
sp_refusal_queue_own(struct sp_downstream *downstream, enum sp_own which)
{
    return sp_refusal_queue(downstream, &downstream->door->words->own[which]);
}

enum sp_step
sp_refusal_queue_unread(struct sp_downstream *downstream, int status, const char *reason)
{
    const struct sp_failure *told = sp_own_words_unread(downstream->door->words, status);
    char line[512];
    int length = snprintf(line, sizeof(line), "samesite_proxy: %s\n", reason);
    size_t kept = (size_t)length < sizeof(line) ? (size_t)length : sizeof(line) - 1;
    struct sp_failure failure = {
        .status = status,
        .why = reason,
        .line = told != NULL ? told->line : (struct sp_span){line, kept},
    };

    return sp_refusal_queue(downstream, &failure);
}
