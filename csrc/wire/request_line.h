/* The first line of a request, read strictly (RFC 9112, 3). */
#ifndef SP_WIRE_REQUEST_LINE_H
#define SP_WIRE_REQUEST_LINE_H

#include "wire/span.h"

#define SP_INCOMING_METHOD_CEILING ((size_t)32)
#define SP_INCOMING_TARGET_CEILING ((size_t)16 * 1024)

/* Why a request is not read. */
struct sp_refusal {
    int status;         /* of the answer */
    const char *reason; /* one sentence, static */
};

struct sp_request_line {
    struct sp_span method; /* parts of the line */
    struct sp_span target;
    bool http_1_0;
};

/* What is wrong with the first bytes of a request already, whatever may follow: no method can
 * begin so, or the line has no end where it must have one. NULL when nothing is. */
const struct sp_refusal *sp_request_line_foresee(struct sp_span bytes);

/* Reads a line whose beginning has passed sp_request_line_foresee(), without its CRLF. NULL when
 * it is taken: a method; a target in origin form, `*` for OPTIONS, a whole http address, or
 * for CONNECT a host with its port; HTTP/1.0 or HTTP/1.1; with one space between each. */
const struct sp_refusal *sp_request_line_parse(struct sp_span line, struct sp_request_line *parsed);

/* Cuts the scheme and the host off a whole http address: what is left is empty, or begins with the
 * byte that ended the host. False, and nothing is cut, of any other form. */
bool sp_target_cut_host(struct sp_span *target, struct sp_span *host);

/* Whether all bytes may stand in a host with a port (RFC 9110, 7.2). Two bytes that the grammar
 * lets a name hold are refused: a comma, which joins two fields, and all above 0x7F. */
bool sp_host_is_valid(struct sp_span host);

#endif
