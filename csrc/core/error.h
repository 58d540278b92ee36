/* Every way an exchange can fail, named by who failed and when. */
#ifndef SP_CORE_ERROR_H
#define SP_CORE_ERROR_H

#include "wire/request_head.h"

enum sp_error {
    SP_OK = 0,
    SP_E_AGAIN, /* no failure: nothing happened within the slice, wait again */
    SP_E_NO_MEMORY,
    SP_E_SYSTEM,          /* a thread, a poller or a wake-up cannot be made */
    SP_E_REQUEST_INVALID, /* a method, target or field that cannot be sent */
    SP_E_REQUEST_LONG,    /* a head over SP_REQUEST_HEAD_CEILING, or over SP_MAX_FIELDS */
    SP_E_LOOP,            /* a request that comes back from its upstream */
    SP_E_TOO_MANY,        /* no free connection or descriptor in time */
    SP_E_CONNECT,         /* the upstream refused, or cannot be reached */
    SP_E_CONNECT_BESIDE,  /* it refused, but listens on the other address of "localhost" */
    SP_E_CONNECT_TIMEOUT,
    SP_E_MOVED,             /* it is not there any more: the request is to be decided anew */
    SP_E_NAME,              /* the upstream's name has no address */
    SP_E_TLS,               /* no TLS with the upstream */
    SP_E_CERTIFICATE,       /* the upstream's, or what it is to be trusted by */
    SP_E_REQUEST_CLIENT,    /* the client's body is shorter or longer than it said */
    SP_E_REQUEST_UPSTREAM,  /* sending the request to the upstream */
    SP_E_RESPONSE_TIMEOUT,  /* no response head in time */
    SP_E_RESPONSE_LOOP,     /* the same, while many like it wait, too */
    SP_E_RESPONSE_NONE,     /* the upstream closed without an answer */
    SP_E_RESPONSE_HEAD,     /* the response head is not HTTP, or ambiguous */
    SP_E_RESPONSE_UPSTREAM, /* the body broke off */
    SP_E_IDLE_TIMEOUT,      /* the upstream stands still in the middle */
    SP_E_CLIENT_GONE,
    SP_E_CANCELED, /* by its owner */
    SP_E_SHUTDOWN, /* the process ends */
    SP_ERROR_COUNT,
};

struct sp_error_info {
    const char *name; /* stable, for logs and for EngineError.code */
    int status;       /* what the browser is told while nothing has been sent yet */
};

const struct sp_error_info *sp_error_info(enum sp_error error);

/* What it means that a head cannot be sent. */
enum sp_error sp_error_of_request(enum sp_request_verdict verdict);

#endif
