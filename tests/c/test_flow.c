/* What counts as moving much: as much as is asked for, and of late. */
#undef NDEBUG
#include "core/flow.h"

#include <assert.h>

static void
test_little_at_a_time_is_never_much(void)
{
    struct sp_flow flow = {.since = 0};

    for (long long now = 1000; now < 60000; now += 10) {
        sp_flow_count(&flow, 10, now);
        assert(!sp_flow_is_at_least(&flow, 1000, now));
    }
}

static void
test_much_is_so_until_it_has_been_quiet(void)
{
    struct sp_flow flow = {.since = 0};
    long long now = 1000;

    assert(!sp_flow_is_at_least(&flow, 1, now));
    for (; now < 3000; now += 100) {
        sp_flow_count(&flow, 400, now);
        assert(sp_flow_is_at_least(&flow, 800, now) == (now >= 1100));
    }
    assert(sp_flow_is_at_least(&flow, 800, now));
    assert(!sp_flow_is_at_least(&flow, 800, now + 500));
    sp_flow_count(&flow, 400, now + 600);
    assert(!sp_flow_is_at_least(&flow, 800, now + 600));
}

static void
test_what_was_much_and_is_little_is_much_no_longer(void)
{
    struct sp_flow flow = {.since = 0};

    sp_flow_count(&flow, 1000, 1000);
    assert(sp_flow_is_at_least(&flow, 1000, 1000));
    for (long long now = 1010; now < 1510; now += 10) {
        sp_flow_count(&flow, 1, now);
    }
    assert(!sp_flow_is_at_least(&flow, 1000, 1510));
}

int
main(void)
{
    test_little_at_a_time_is_never_much();
    test_much_is_so_until_it_has_been_quiet();
    test_what_was_much_and_is_little_is_much_no_longer();
    return 0;
}
