#include "door/host_check.h"

#include <sys/socket.h>

/* One that cannot be sent now is sent when what waits is decided anew. */
enum sp_verdict
sp_host_check_ask(struct sp_loop *loop, struct sp_site *site, const struct sp_channels *channels,
                  int questions, struct sp_span value)
{
    struct sp_host *host = NULL;

    if (value.len > SP_HOST_LONGEST || !sp_known_hosts_may_ask(&site->hosts) ||
        sp_host_new(value, SP_VERDICT_ASKED, &host) != SP_OK) {
        return SP_VERDICT_REFUSED;
    }
    bool is_asked = site->asks_django ? sp_handover_ask(loop, channels, value) == SP_OK
                                      : send(questions, value.data, value.len, MSG_NOSIGNAL) >= 0;
    if (is_asked) {
        sp_known_hosts_put(&site->hosts, host);
    }
    else {
        sp_host_give_back(host);
    }
    return SP_VERDICT_ASKED;
}
