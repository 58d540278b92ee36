#include "core/error.h"

#include <assert.h>

static const struct sp_error_info table[] = {
    [SP_OK] = {"ok", 200},
    [SP_E_AGAIN] = {"again", 500},
    [SP_E_NO_MEMORY] = {"no-memory", 500},
    [SP_E_SYSTEM] = {"system", 503},
    [SP_E_REQUEST_INVALID] = {"request-invalid", 400},
    [SP_E_REQUEST_LONG] = {"request-long", 431},
    [SP_E_LOOP] = {"loop", 508},
    [SP_E_TOO_MANY] = {"too-many", 503},
    [SP_E_CONNECT] = {"connect", 502},
    [SP_E_CONNECT_BESIDE] = {"connect-beside", 502},
    [SP_E_CONNECT_TIMEOUT] = {"connect-timeout", 504},
    [SP_E_MOVED] = {"moved", 502},
    [SP_E_NAME] = {"name", 502},
    [SP_E_TLS] = {"tls", 502},
    [SP_E_CERTIFICATE] = {"certificate", 502},
    [SP_E_REQUEST_CLIENT] = {"request-client", 400},
    [SP_E_REQUEST_UPSTREAM] = {"request-upstream", 502},
    [SP_E_RESPONSE_TIMEOUT] = {"response-timeout", 504},
    [SP_E_RESPONSE_LOOP] = {"response-loop", 504},
    [SP_E_RESPONSE_NONE] = {"response-none", 502},
    [SP_E_RESPONSE_HEAD] = {"response-head", 502},
    [SP_E_RESPONSE_UPSTREAM] = {"response-upstream", 502},
    [SP_E_IDLE_TIMEOUT] = {"idle-timeout", 504},
    [SP_E_CLIENT_GONE] = {"client-gone", 499},
    [SP_E_CANCELED] = {"canceled", 499},
    [SP_E_SHUTDOWN] = {"shutdown", 503},
};
static_assert(sizeof(table) / sizeof(table[0]) == SP_ERROR_COUNT, "one row per error");

const struct sp_error_info *
sp_error_info(enum sp_error error)
{
    assert(error < SP_ERROR_COUNT);
    return &table[error];
}

enum sp_error
sp_error_of_request(enum sp_request_verdict verdict)
{
    switch (verdict) {
    case SP_REQUEST_FIT:
        return SP_OK;
    case SP_REQUEST_INVALID:
        return SP_E_REQUEST_INVALID;
    case SP_REQUEST_TOO_LONG:
        return SP_E_REQUEST_LONG;
    case SP_REQUEST_SHORT:
        break;
    }
    return SP_E_NO_MEMORY;
}
