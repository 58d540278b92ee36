#include "door/host_check.h"

#include <sys/socket.h>

static bool
ask(struct sp_loop *loop, const struct sp_listener *listener, struct sp_span value)
{
    if (listener->site->asks_django) {
        return sp_handover_ask(loop, listener, value) == SP_OK;
    }
    return send(listener->questions, value.data, value.len, MSG_NOSIGNAL) >= 0;
}

/* One that cannot be sent now is sent when what waits is decided anew. */
static enum sp_verdict
ask_about(struct sp_loop *loop, struct sp_listener *listener, struct sp_span value)
{
    struct sp_host *host = NULL;

    if (value.len > SP_HOST_LONGEST || !sp_known_hosts_may_ask(&listener->site->hosts) ||
        sp_host_new(value, SP_VERDICT_ASKED, &host) != SP_OK) {
        return SP_VERDICT_REFUSED;
    }
    if (ask(loop, listener, value)) {
        sp_known_hosts_put(&listener->site->hosts, host);
    }
    else {
        sp_host_give_back(host);
    }
    return SP_VERDICT_ASKED;
}

enum sp_verdict
sp_host_check(struct sp_loop *loop, struct sp_listener *listener, struct sp_span value,
              struct sp_host **host)
{
    struct sp_host *known = sp_known_hosts_find(&listener->site->hosts, value);

    if (known == NULL) {
        return ask_about(loop, listener, value);
    }
    *host = known;
    return known->verdict;
}
