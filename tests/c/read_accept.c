/* Reads the heads on stdin, one behind the other, and says of each in a line in which form its
 * client is told what is said instead of an answer, by the number of enum sp_form. */
#undef NDEBUG
#include "wire/accept.h"

#include <assert.h>
#include <stdio.h>

#define MOST ((size_t)8 * 1024 * 1024)

static char bytes[MOST];
static struct sp_incoming incoming;

int
main(void)
{
    struct sp_span rest = {bytes, fread(bytes, 1, MOST, stdin)};

    assert(rest.len < MOST);
    while (rest.len > 0) {
        size_t scanned = 0;
        assert(sp_incoming_parse(&incoming, rest, &scanned) == SP_INCOMING_COMPLETE);
        (void)printf("%d\n", (int)sp_accept_form(&incoming));
        rest = sp_span_from(rest, incoming.length);
    }
    return 0;
}
