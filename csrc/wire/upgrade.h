/* What a request asks its connection to become (RFC 9110, 7.8): one rule for every way in. */
#ifndef SP_WIRE_UPGRADE_H
#define SP_WIRE_UPGRADE_H

#include "wire/span.h"

enum sp_upgrade {
    SP_UPGRADE_NONE,      /* an ordinary request, whatever its Upgrade fields say */
    SP_UPGRADE_OFFERED,   /* a frontend may switch, or answer as if nothing had been asked */
    SP_UPGRADE_WEBSOCKET, /* a WebSocket's opening handshake (RFC 6455, 4.1) */
};

/* What the Connection and Upgrade fields read so far say; zeroed before the first. */
struct sp_upgrade_wish {
    bool is_nominated; /* Connection names Upgrade: it was meant for us */
    bool websocket;
    bool other; /* a protocol that may be offered */
};

void sp_upgrade_take_connection(struct sp_upgrade_wish *wish, struct sp_span value);
void sp_upgrade_take_protocols(struct sp_upgrade_wish *wish, struct sp_span value);

/* Once all fields are known. A server may always ignore Upgrade; here it does behind a body, and
 * for methods after which no tunnel can follow. A handshake is a GET: `websocket` is a protocol as
 * any other under other methods. */
enum sp_upgrade sp_upgrade_conclude(const struct sp_upgrade_wish *wish, struct sp_span method,
                                    bool is_http_1_1, bool has_body);

/* Cuts the next protocol that may be offered to a frontend off an Upgrade field's value; false at
 * the end. Passed over are TLS, which is not ours to speak there, HTTP itself, h2c above all, whose
 * requests would pass without being looked at, and what is no protocol. */
bool sp_upgrade_next(struct sp_span *value, struct sp_span *protocol);

/* Whether a request, as `block` of lines joined by CRLF, has offered all that the value of an
 * answer's Upgrade field names: an upstream may switch to nothing else. */
bool sp_upgrade_is_offered(struct sp_span block, struct sp_span value);

#endif
