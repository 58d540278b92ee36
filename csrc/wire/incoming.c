#include "wire/incoming.h"

#include <limits.h>
#include <string.h>

static const struct sp_refusal bare_line_feed = {400, "A line does not end with CRLF."};
static const struct sp_refusal long_head = {431, "The head is longer than 64 KiB."};
static const struct sp_refusal many_fields = {431, "The head has more than 1000 fields."};
static const struct sp_refusal folded = {400, "A line begins with a blank."};
static const struct sp_refusal bad_name = {
    400, "A field's name is empty, or a byte before its colon belongs in no name."};
static const struct sp_refusal bad_value = {400, "A field's value holds a control character."};
static const struct sp_refusal no_host = {400, "Host is missing."};
static const struct sp_refusal second_host = {400, "Host is there twice."};
static const struct sp_refusal bad_host = {400, "Host holds what belongs in no host."};
static const struct sp_refusal bad_length = {400, "Content-Length is not one decimal number."};
static const struct sp_refusal second_length = {400, "Content-Length is there twice."};
static const struct sp_refusal other_coding = {501, "The only Transfer-Encoding here is chunked."};
static const struct sp_refusal second_coding = {400, "Transfer-Encoding is there twice."};
static const struct sp_refusal old_coding = {400, "HTTP/1.0 has no Transfer-Encoding."};
static const struct sp_refusal two_lengths = {
    400, "Content-Length and Transfer-Encoding are both there."};
static const struct sp_refusal connect_body = {400, "A CONNECT has no body."};

/* What the fields ask for, until all of them are known. */
struct wishes {
    bool close;
    bool keep_alive;
    bool wait; /* for a 100 */
    struct sp_upgrade_wish upgrade;
};

/* An empty line before a request is forgiven, once (RFC 9112, 2.2). */
static size_t
start_of_head(struct sp_span bytes)
{
    if (bytes.len == 0 || bytes.data[0] != '\r') {
        return 0;
    }
    if (bytes.len == 1) {
        return 1;
    }
    return bytes.data[1] == '\n' ? 2 : 0;
}

/* Sets `*length` to the head's, if its end is here. */
static const struct sp_refusal *
find_end(struct sp_span bytes, size_t start, size_t *scanned, size_t *length)
{
    size_t at = *scanned > start ? *scanned : start;

    while (at < bytes.len) {
        const char *end = memchr(bytes.data + at, '\n', bytes.len - at);
        if (end == NULL) {
            break;
        }
        at = (size_t)(end - bytes.data) + 1;
        if (end[-1] != '\r') {
            return &bare_line_feed;
        }
        if (at - start >= 4 && end[-2] == '\n') {
            *length = at;
            return NULL;
        }
    }
    *scanned = bytes.len;
    return bytes.len < SP_INCOMING_CEILING ? NULL : &long_head;
}

static const struct sp_refusal *
take_host(struct sp_incoming *incoming, struct sp_span value)
{
    if (incoming->has_host) {
        return &second_host;
    }
    incoming->has_host = true;
    incoming->host = value;
    return sp_host_is_valid(value) ? NULL : &bad_host;
}

static const struct sp_refusal *
take_content_length(struct sp_incoming *incoming, struct sp_span value)
{
    if (incoming->content_length != SP_LENGTH_UNKNOWN) {
        return &second_length;
    }
    return sp_span_to_number(value, LLONG_MAX, &incoming->content_length) ? NULL : &bad_length;
}

static const struct sp_refusal *
take_transfer_encoding(struct sp_incoming *incoming, struct sp_span value)
{
    if (incoming->http_1_0) {
        return &old_coding;
    }
    if (incoming->chunked) {
        return &second_coding;
    }
    incoming->chunked = sp_span_equal_nocase(value, SP_SPAN("chunked"));
    return incoming->chunked ? NULL : &other_coding;
}

static void
take_connection(struct wishes *wishes, struct sp_span value)
{
    sp_upgrade_take_connection(&wishes->upgrade, value);
    while (value.len > 0) {
        struct sp_span option = sp_span_cut(&value, ',');
        wishes->close |= sp_span_equal_nocase(option, SP_SPAN("close"));
        wishes->keep_alive |= sp_span_equal_nocase(option, SP_SPAN("keep-alive"));
    }
}

/* What a field means for the message itself; by its name's length, most mean nothing. */
static const struct sp_refusal *
heed(struct sp_incoming *incoming, struct wishes *wishes, const struct sp_field *field)
{
    struct sp_span name = field->name;

    if (name.len == 4 && sp_span_equal_nocase(name, SP_SPAN("Host"))) {
        return take_host(incoming, field->value);
    }
    if (name.len == 14 && sp_span_equal_nocase(name, SP_SPAN("Content-Length"))) {
        return take_content_length(incoming, field->value);
    }
    if (name.len == 17 && sp_span_equal_nocase(name, SP_SPAN("Transfer-Encoding"))) {
        return take_transfer_encoding(incoming, field->value);
    }
    if (name.len == 10 && sp_span_equal_nocase(name, SP_SPAN("Connection"))) {
        take_connection(wishes, field->value);
    }
    else if (name.len == 7 && sp_span_equal_nocase(name, SP_SPAN("Upgrade"))) {
        sp_upgrade_take_protocols(&wishes->upgrade, field->value);
    }
    else if (name.len == 6 && sp_span_equal_nocase(name, SP_SPAN("Expect"))) {
        wishes->wait |= sp_span_equal_nocase(field->value, SP_SPAN("100-continue"));
    }
    return NULL;
}

/* Cuts a field's line off `*rest`, which goes on to a blank line: before its end stands a CR,
 * which belongs in no name or value. */
static const struct sp_refusal *
cut_field(struct sp_span *rest, struct sp_field *field)
{
    size_t name = sp_field_name_length(*rest);

    if (name == 0 || rest->data[name] != ':') {
        return rest->data[0] == ' ' || rest->data[0] == '\t' ? &folded : &bad_name;
    }
    struct sp_span value = {rest->data + name + 1, rest->len - name - 1};
    size_t text = sp_field_text_length(value);
    if (value.data[text] != '\r' || value.data[text + 1] != '\n') {
        return &bad_value;
    }
    field->name = (struct sp_span){rest->data, name};
    field->value = sp_span_trim((struct sp_span){value.data, text});
    *rest = (struct sp_span){value.data + text + 2, value.len - text - 2};
    return NULL;
}

/* `rest` begins behind the request line and ends with the blank line. */
static const struct sp_refusal *
read_fields(struct sp_incoming *incoming, struct wishes *wishes, struct sp_span rest)
{
    const struct sp_refusal *refusal = NULL;

    incoming->count = 0;
    while (rest.len > 2 && refusal == NULL) {
        if (incoming->count == SP_MAX_FIELDS) {
            return &many_fields;
        }
        struct sp_field *field = &incoming->fields[incoming->count];
        refusal = cut_field(&rest, field);
        if (refusal == NULL) {
            refusal = heed(incoming, wishes, field);
            incoming->count++;
        }
    }
    return refusal;
}

static const struct sp_refusal *
conclude(struct sp_incoming *incoming, const struct wishes *wishes)
{
    if (!incoming->http_1_0 && !incoming->has_host) {
        return &no_host;
    }
    if (incoming->chunked && incoming->content_length != SP_LENGTH_UNKNOWN) {
        return &two_lengths;
    }
    bool has_body = incoming->chunked || incoming->content_length > 0;
    /* Some read what follows as the tunnel's bytes (RFC 9110, 9.3.6). */
    if (has_body && sp_span_equal(incoming->method, SP_SPAN("CONNECT"))) {
        return &connect_body;
    }
    incoming->keep_alive = !wishes->close && (!incoming->http_1_0 || wishes->keep_alive);
    /* Not HTTP/1.0's (RFC 9110, 10.1.1). */
    incoming->expects_continue = wishes->wait && has_body && !incoming->http_1_0;
    incoming->upgrade =
        sp_upgrade_conclude(&wishes->upgrade, incoming->method, !incoming->http_1_0, has_body);
    return NULL;
}

/* Reads a whole head, without what was forgiven before it. */
static const struct sp_refusal *
read_head(struct sp_incoming *incoming, struct sp_span head)
{
    const char *end = memchr(head.data, '\n', head.len);
    size_t first = (size_t)(end - head.data) + 1;
    struct sp_request_line line;
    struct wishes wishes = {0};

    const struct sp_refusal *refusal =
        sp_request_line_parse((struct sp_span){head.data, first - 2}, &line);
    if (refusal != NULL) {
        return refusal;
    }
    incoming->method = line.method;
    incoming->target = line.target;
    incoming->http_1_0 = line.http_1_0;
    incoming->host = (struct sp_span){NULL, 0};
    incoming->has_host = false;
    incoming->chunked = false;
    incoming->content_length = SP_LENGTH_UNKNOWN;
    struct sp_span rest = {head.data + first, head.len - first};
    refusal = read_fields(incoming, &wishes, rest);
    return refusal != NULL ? refusal : conclude(incoming, &wishes);
}

enum sp_incoming_step
sp_incoming_parse(struct sp_incoming *incoming, struct sp_span bytes, size_t *scanned)
{
    if (bytes.len > SP_INCOMING_CEILING) {
        bytes.len = SP_INCOMING_CEILING;
    }
    size_t start = start_of_head(bytes);
    struct sp_span head = {bytes.data + start, bytes.len - start};
    const struct sp_refusal *refusal = sp_request_line_foresee(head);
    size_t length = 0;
    if (refusal == NULL) {
        refusal = find_end(bytes, start, scanned, &length);
    }
    if (refusal == NULL && length == 0) {
        return SP_INCOMING_MORE;
    }
    if (refusal == NULL) {
        head.len = length - start;
        refusal = read_head(incoming, head);
    }
    if (refusal != NULL) {
        incoming->status = refusal->status;
        incoming->reason = refusal->reason;
        return SP_INCOMING_REFUSED;
    }
    incoming->length = length;
    return SP_INCOMING_COMPLETE;
}

bool
sp_incoming_list_connection(const struct sp_incoming *incoming, struct sp_buffer *list)
{
    bool listed = true;

    for (size_t i = 0; listed && i < incoming->count; i++) {
        const struct sp_field *field = &incoming->fields[i];
        if (field->value.len > 0 && sp_span_equal_nocase(field->name, SP_SPAN("Connection"))) {
            listed = sp_buffer_append(list, field->value) && sp_buffer_append(list, SP_SPAN(","));
        }
    }
    return listed;
}

size_t
sp_incoming_own(const struct sp_incoming *incoming, size_t read)
{
    size_t body = read - incoming->length;

    if (incoming->content_length < (long long)body) {
        body = incoming->content_length > 0 ? (size_t)incoming->content_length : 0;
    }
    return incoming->length + body;
}
