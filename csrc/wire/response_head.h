/* The head of an answer, line by line or as it is read: strict where a second reading would be
 * possible. */
#ifndef SP_WIRE_RESPONSE_HEAD_H
#define SP_WIRE_RESPONSE_HEAD_H

#include "wire/buffer.h"
#include "wire/field.h"
#include "wire/name.h"

/* Of all heads of one answer. */
#define SP_RESPONSE_HEAD_CEILING ((size_t)300 * 1024)

struct sp_response_head {
    struct sp_buffer lines;     /* the fields of the head at hand as they are sent on, each with a
                                 * CRLF, but for those whose name alone says that they stay here */
    struct sp_buffer nominated; /* its Connection fields as one list */
    struct sp_buffer reason;
    struct sp_buffer begun;   /* of a line whose end has not been read yet */
    uint64_t names;           /* the marks of those in `lines` */
    uint64_t nominated_names; /* the marks of those in `nominated` */
    bool has_places;          /* `lines` name places */
    size_t size;              /* of all its fields as they came, with a LF each */
    size_t count;             /* of them, at most SP_MAX_FIELDS */
    int status;               /* 0 before a status line */
    long long content_length; /* bytes, or SP_LENGTH_UNKNOWN */
    long long keep_alive;     /* seconds the peer keeps the connection, or SP_LENGTH_UNKNOWN */
    bool http_1_0;
    bool chunked;
    struct sp_span offer; /* the request's lines, borrowed, where a 101 may answer it */
    bool is_interim;      /* a whole head of 1xx is here, and is forgotten with what comes next */
    bool complete;        /* the final head, blank line included, is here */
    const char *broken;   /* which rule, static, once a line is refused; else NULL */
    struct sp_buffer trailers; /* fields after the body, each with a LF */
};

enum sp_head_step {
    SP_HEAD_MORE,     /* the line is taken, a trailer too */
    SP_HEAD_INTERIM,  /* it was the last of an interim answer's head */
    SP_HEAD_COMPLETE, /* it was the last of the final head */
    SP_HEAD_REFUSED,  /* not HTTP/1.x, or it can be read two ways */
};

void sp_response_head_init(struct sp_response_head *head);
void sp_response_head_clear(struct sp_response_head *head);

/* Takes the next line, its line end included. Of a chunked answer's trailers those are kept that
 * may stand there (RFC 9110, 6.5.1); one that is no field ends it all. */
enum sp_head_step sp_response_head_add(struct sp_response_head *head, struct sp_span line);

/* Takes lines off `*bytes`, as they have been read from the upstream and however they are cut, and
 * keeps the beginning of one that has no end yet. MORE: all bytes are taken. INTERIM and COMPLETE:
 * `*bytes` is what follows that head. A line without an end is refused where it cannot fit into
 * the head any more; what is refused stays so. Never for trailers. */
enum sp_head_step sp_response_head_read(struct sp_response_head *head, struct sp_span *bytes);

/* Whether all of `lines` crosses as it stands: none of them is nominated or names a place. */
bool sp_response_head_is_plain(const struct sp_response_head *head);

/* The next field to forward: cuts it off `*rest`, which starts as head->lines. Hop-by-hop
 * fields are passed over, and the length of what can have no body. False at the end. */
bool sp_response_head_next(const struct sp_response_head *head, struct sp_span *rest,
                           struct sp_field *field);

/* The next of the trailers: cuts it off `*rest`, which starts as head->trailers. */
bool sp_response_head_next_trailer(struct sp_span *rest, struct sp_field *field);

#endif
