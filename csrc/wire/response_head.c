#include "wire/response_head.h"

#include "wire/hop_by_hop.h"
#include "wire/places.h"
#include "wire/trailer.h"
#include "wire/upgrade.h"

#include <limits.h>
#include <string.h>

static void
forget(struct sp_response_head *head)
{
    head->lines.len = 0;
    head->nominated.len = 0;
    head->reason.len = 0;
    head->begun.len = 0;
    head->names = 0;
    head->nominated_names = 0;
    head->has_places = false;
    head->size = 0;
    head->count = 0;
    head->status = 0;
    head->content_length = SP_LENGTH_UNKNOWN;
    head->keep_alive = SP_LENGTH_UNKNOWN;
    head->http_1_0 = false;
    head->chunked = false;
    head->is_interim = false;
    head->complete = false;
    head->broken = NULL;
    head->trailers.len = 0;
}

/* False, for what broke the rule. */
static bool
refuse(struct sp_response_head *head, const char *rule)
{
    head->broken = rule;
    return false;
}

#define SP_TOO_LONG "the head is too long"

static struct sp_span
without_line_end(struct sp_span line)
{
    if (line.len > 0 && line.data[line.len - 1] == '\n') {
        line.len--;
    }
    if (line.len > 0 && line.data[line.len - 1] == '\r') {
        line.len--;
    }
    return line;
}

/* status-line = HTTP-version SP status-code SP [ reason-phrase ] (RFC 9112, 4); the second
 * SP is missing so often that every client forgives it. */
static bool
take_status_line(struct sp_response_head *head, struct sp_span line)
{
    struct sp_span version = {line.data, line.len < 9 ? line.len : 9};
    long long status = 0;

    head->http_1_0 = sp_span_equal(version, SP_SPAN("HTTP/1.0 "));
    if (!head->http_1_0 && !sp_span_equal(version, SP_SPAN("HTTP/1.1 "))) {
        return refuse(head, "it begins with no status line of HTTP/1.0 or HTTP/1.1");
    }
    if (line.len < 12 || (line.len > 12 && line.data[12] != ' ') ||
        !sp_span_to_number((struct sp_span){line.data + 9, 3}, 999, &status) || status < 100) {
        return refuse(head, "the status is no number from 100 to 999");
    }
    head->status = (int)status;
    if (line.len > 13) {
        struct sp_span reason = {line.data + 13, line.len - 13};
        if (!sp_field_value_is_valid(reason)) {
            return refuse(head, "the reason holds CR or NUL");
        }
        return sp_buffer_append(&head->reason, reason) || refuse(head, SP_TOO_LONG);
    }
    return true;
}

/* One Content-Length, one decimal number: a list or a second field is a second reading. */
static bool
take_content_length(struct sp_response_head *head, struct sp_span value)
{
    if (head->content_length != SP_LENGTH_UNKNOWN) {
        return refuse(head, "Content-Length is there twice");
    }
    return sp_span_to_number(value, LLONG_MAX, &head->content_length) ||
           refuse(head, "Content-Length is not one decimal number");
}

/* `chunked` alone is undone, and that is all that HTTP/1.1 servers send. */
static bool
take_transfer_encoding(struct sp_response_head *head, struct sp_span value)
{
    if (head->chunked) {
        return refuse(head, "Transfer-Encoding is there twice");
    }
    if (head->http_1_0) {
        return refuse(head, "HTTP/1.0 has no Transfer-Encoding");
    }
    if (!sp_span_equal_nocase(value, SP_SPAN("chunked"))) {
        return refuse(head, "Transfer-Encoding is another than chunked");
    }
    head->chunked = true;
    return true;
}

static void
take_keep_alive(struct sp_response_head *head, struct sp_span value)
{
    while (value.len > 0) {
        struct sp_span parameter = sp_span_cut(&value, ',');
        struct sp_span name = sp_span_cut(&parameter, '=');
        if (sp_span_equal_nocase(name, SP_SPAN("timeout"))) {
            /* A value that is no number says nothing, and the field is only advice. */
            (void)sp_span_to_number(sp_span_trim(parameter), INT_MAX, &head->keep_alive);
        }
    }
}

/* One more field, or trailer. */
static bool
parse(struct sp_response_head *head, struct sp_span line, struct sp_field *field)
{
    if (!sp_field_parse(line, field)) {
        return refuse(head,
                      "a line is no field: no name, a blank before the colon or the name, or CR "
                      "or NUL in it");
    }
    return ++head->count <= SP_MAX_FIELDS || refuse(head, "it has more than 1000 fields");
}

static bool
take_connection(struct sp_response_head *head, struct sp_span value)
{
    head->nominated_names |= sp_nominated_marks(value);
    return (sp_buffer_append(&head->nominated, value) &&
            sp_buffer_append(&head->nominated, SP_SPAN(","))) ||
           refuse(head, SP_TOO_LONG);
}

/* What a field means for the message itself. */
static bool
heed(struct sp_response_head *head, enum sp_name known, struct sp_span value)
{
    switch (known) {
    case SP_NAME_CONTENT_LENGTH:
        return take_content_length(head, value);
    case SP_NAME_TRANSFER_ENCODING:
        return take_transfer_encoding(head, value);
    case SP_NAME_KEEP_ALIVE:
        take_keep_alive(head, value);
        return true;
    case SP_NAME_CONNECTION:
        return take_connection(head, value);
    default:
        return true;
    }
}

/* The protocol that a 101 chose is for the client too. Where no body can be, no length may be said
 * (RFC 9110, 8.6), and servers count bytes against it. */
static bool
crosses(const struct sp_response_head *head, enum sp_name known)
{
    bool is_bodiless = head->status < 200 || head->status == 204;

    if (known == SP_NAME_UPGRADE) {
        return head->status == 101;
    }
    return !sp_name_is_hop_by_hop(known) && !(is_bodiless && known == SP_NAME_CONTENT_LENGTH);
}

static bool
keep(struct sp_response_head *head, enum sp_name known, const struct sp_field *field)
{
    struct sp_buffer *lines = &head->lines;
    size_t len = field->name.len + field->value.len + sizeof(": \r\n") - 1;

    if (!sp_buffer_reserve(lines, len)) {
        return refuse(head, SP_TOO_LONG);
    }
    sp_buffer_put(lines, field->name);
    sp_buffer_put(lines, SP_SPAN(": "));
    sp_buffer_put(lines, field->value);
    sp_buffer_put(lines, SP_SPAN("\r\n"));
    head->names |= sp_name_mark(field->name);
    head->has_places |= sp_places_are_in(known);
    return true;
}

static bool
take_field(struct sp_response_head *head, struct sp_span line)
{
    struct sp_field field;

    if (!parse(head, line, &field)) {
        return false;
    }
    enum sp_name known = sp_name_of(field.name);
    if (!heed(head, known, field.value)) {
        return false;
    }
    head->size += line.len + 1;
    if (head->size > SP_RESPONSE_HEAD_CEILING) {
        return refuse(head, SP_TOO_LONG);
    }
    return !crosses(head, known) || keep(head, known, &field);
}

/* Of a field in `lines`. */
static bool
is_nominated(const struct sp_response_head *head, struct sp_span name)
{
    bool is_chosen = head->status == 101 && sp_span_equal_nocase(name, SP_SPAN("Upgrade"));

    return !is_chosen && sp_is_nominated(name, sp_buffer_peek(&head->nominated));
}

bool
sp_response_head_is_plain(const struct sp_response_head *head)
{
    return (head->names & head->nominated_names) == 0 && !head->has_places;
}

bool
sp_response_head_next(const struct sp_response_head *head, struct sp_span *rest,
                      struct sp_field *field)
{
    bool may_be_nominated = (head->names & head->nominated_names) != 0;

    while (rest->len > 0) {
        const char *colon = memchr(rest->data, ':', rest->len);
        const char *end = memchr(rest->data, '\r', rest->len);
        field->name = (struct sp_span){rest->data, (size_t)(colon - rest->data)};
        field->value = (struct sp_span){colon + 2, (size_t)(end - colon) - 2};
        size_t consumed = (size_t)(end - rest->data) + 2;
        *rest = (struct sp_span){rest->data + consumed, rest->len - consumed};
        if (!may_be_nominated || !is_nominated(head, field->name)) {
            return true;
        }
    }
    return false;
}

static bool
take_trailer(struct sp_response_head *head, struct sp_span line)
{
    struct sp_field field;

    if (line.len == 0) {
        return true;
    }
    if (!parse(head, line, &field)) {
        return false;
    }
    return !sp_trailer_is_allowed(field.name, sp_buffer_peek(&head->nominated)) ||
           (sp_buffer_append(&head->trailers, line) &&
            sp_buffer_append(&head->trailers, SP_SPAN("\n")));
}

/* A 101 is an answer to those who asked, and to what they named (RFC 9110, 7.8). */
static bool
may_switch(const struct sp_response_head *head)
{
    struct sp_span rest = sp_buffer_peek(&head->lines);
    struct sp_field field;
    bool allowed = head->offer.len > 0;

    while (allowed && sp_response_head_next(head, &rest, &field)) {
        allowed = !sp_span_equal_nocase(field.name, SP_SPAN("Upgrade")) ||
                  sp_upgrade_is_offered(head->offer, field.value);
    }
    return allowed;
}

/* The blank line: an interim head is over, or the final one is complete. */
static enum sp_head_step
finish(struct sp_response_head *head)
{
    bool is_upgrade = head->status == 101;

    if (head->status == 0) {
        (void)refuse(head, "it begins with an empty line");
    }
    else if (is_upgrade && !may_switch(head)) {
        (void)refuse(head, "it is a 101, and no such upgrade was asked for");
    }
    else if (head->chunked && head->content_length != SP_LENGTH_UNKNOWN) {
        (void)refuse(head, "Content-Length and Transfer-Encoding are both there");
    }
    if (head->broken != NULL) {
        return SP_HEAD_REFUSED;
    }
    if (head->status < 200 && !is_upgrade) {
        head->is_interim = true;
        return SP_HEAD_INTERIM;
    }
    head->complete = true;
    return SP_HEAD_COMPLETE;
}

void
sp_response_head_init(struct sp_response_head *head)
{
    /* Each may have come without its blank and its CR. */
    sp_buffer_init(&head->lines, SP_RESPONSE_HEAD_CEILING + (size_t)2 * SP_MAX_FIELDS);
    sp_buffer_init_for_little(&head->nominated, SP_NOMINATED_CEILING);
    sp_buffer_init_for_little(&head->reason, SP_RESPONSE_HEAD_CEILING);
    /* With CRLF; even a full head has room for a blank line. */
    sp_buffer_init(&head->begun, SP_RESPONSE_HEAD_CEILING + 2);
    sp_buffer_init(&head->trailers, SP_RESPONSE_HEAD_CEILING);
    head->offer = (struct sp_span){NULL, 0};
    forget(head);
}

void
sp_response_head_clear(struct sp_response_head *head)
{
    sp_buffer_clear(&head->lines);
    sp_buffer_clear(&head->nominated);
    sp_buffer_clear(&head->reason);
    sp_buffer_clear(&head->begun);
    sp_buffer_clear(&head->trailers);
    forget(head);
}

enum sp_head_step
sp_response_head_add(struct sp_response_head *head, struct sp_span line)
{
    line = without_line_end(line);
    if (head->complete) {
        return take_trailer(head, line) ? SP_HEAD_MORE : SP_HEAD_REFUSED;
    }
    if (head->is_interim) {
        forget(head);
    }
    if (line.len == 0) {
        return finish(head);
    }
    bool taken = head->status == 0 ? take_status_line(head, line) : take_field(head, line);
    return taken ? SP_HEAD_MORE : SP_HEAD_REFUSED;
}

/* Takes a line, or the part of one that is here. */
static enum sp_head_step
read_line(struct sp_response_head *head, struct sp_span *bytes)
{
    const char *end = memchr(bytes->data, '\n', bytes->len);
    struct sp_span text = {bytes->data, end != NULL ? (size_t)(end - bytes->data) : bytes->len};
    struct sp_span line = {text.data, text.len + (end != NULL ? 1 : 0)};

    *bytes = (struct sp_span){bytes->data + line.len, bytes->len - line.len};
    /* Of whole lines, too: else it would depend on how they are cut. */
    bool is_long = head->begun.len + text.len > SP_RESPONSE_HEAD_CEILING - head->size + 1;
    if (!is_long && end != NULL && head->begun.len == 0) {
        return sp_response_head_add(head, line);
    }
    if (is_long || !sp_buffer_append(&head->begun, line)) {
        (void)refuse(head, SP_TOO_LONG);
        return SP_HEAD_REFUSED;
    }
    if (end == NULL) {
        return SP_HEAD_MORE;
    }
    enum sp_head_step step = sp_response_head_add(head, sp_buffer_peek(&head->begun));
    head->begun.len = 0;
    return step;
}

enum sp_head_step
sp_response_head_read(struct sp_response_head *head, struct sp_span *bytes)
{
    enum sp_head_step step = SP_HEAD_MORE;

    if (head->broken != NULL || head->complete) {
        return head->complete ? SP_HEAD_COMPLETE : SP_HEAD_REFUSED;
    }
    if (head->is_interim && bytes->len > 0) {
        forget(head);
    }
    while (bytes->len > 0 && step == SP_HEAD_MORE) {
        step = read_line(head, bytes);
    }
    return step;
}

bool
sp_response_head_next_trailer(struct sp_span *rest, struct sp_field *field)
{
    return rest->len > 0 && sp_field_parse(sp_span_cut(rest, '\n'), field);
}
