/* The path matcher, rule by rule and against a matcher too simple to be wrong. */
#undef NDEBUG
#include "wire/routes.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct sp_span
span(const char *text)
{
    return (struct sp_span){text, strlen(text)};
}

static struct sp_routes_rule
rule(const char *text, enum sp_routes_kind kind, int owner)
{
    return (struct sp_routes_rule){span(text), kind, owner};
}

static int
match(const struct sp_routes_rule *rules, size_t count, const char *path)
{
    struct sp_routes *routes = NULL;

    assert(sp_routes_new(rules, count, &routes));
    int owner = sp_routes_match(routes, span(path));
    sp_routes_give_back(routes);
    return owner;
}

static void
test_no_rules_match_nothing(void)
{
    assert(match(NULL, 0, "/") == SP_ROUTES_NOBODY);
    assert(match(NULL, 0, "") == SP_ROUTES_NOBODY);
    sp_routes_give_back(NULL);
}

static void
test_prefix_owns_itself_and_what_is_below(void)
{
    struct sp_routes_rule rules[] = {rule("/api/", SP_ROUTES_PREFIX, 7)};

    assert(match(rules, COUNT(rules), "/api") == 7);
    assert(match(rules, COUNT(rules), "/api/") == 7);
    assert(match(rules, COUNT(rules), "/api//") == 7);
    assert(match(rules, COUNT(rules), "/api/x") == 7);
    assert(match(rules, COUNT(rules), "/apix") == SP_ROUTES_NOBODY);
    assert(match(rules, COUNT(rules), "/ap") == SP_ROUTES_NOBODY);
    assert(match(rules, COUNT(rules), "//api/x") == SP_ROUTES_NOBODY);
}

static void
test_root_prefix_owns_everything(void)
{
    struct sp_routes_rule rules[] = {rule("/", SP_ROUTES_PREFIX, 3)};

    assert(match(rules, COUNT(rules), "/") == 3);
    assert(match(rules, COUNT(rules), "/a/b") == 3);
    assert(match(rules, COUNT(rules), "*") == 3);
    assert(match(rules, COUNT(rules), "") == 3);
}

static void
test_only_one_slash_at_the_end_does_not_count(void)
{
    struct sp_routes_rule rules[] = {rule("/a//", SP_ROUTES_PREFIX, 1)};

    assert(match(rules, COUNT(rules), "/a") == SP_ROUTES_NOBODY);
    assert(match(rules, COUNT(rules), "/a/") == 1);
    assert(match(rules, COUNT(rules), "/a//b") == 1);
}

static void
test_exact_owns_itself_alone(void)
{
    struct sp_routes_rule rules[] = {rule("/about/", SP_ROUTES_EXACT, 0)};

    assert(match(rules, COUNT(rules), "/about/") == 0);
    assert(match(rules, COUNT(rules), "/about") == SP_ROUTES_NOBODY);
    assert(match(rules, COUNT(rules), "/about/x") == SP_ROUTES_NOBODY);
}

static void
test_starts_owns_by_bytes(void)
{
    struct sp_routes_rule rules[] = {rule("/api", SP_ROUTES_STARTS, 2)};

    assert(match(rules, COUNT(rules), "/api") == 2);
    assert(match(rules, COUNT(rules), "/apix") == 2);
    assert(match(rules, COUNT(rules), "/ap") == SP_ROUTES_NOBODY);
}

static void
test_longest_text_wins(void)
{
    struct sp_routes_rule rules[] = {
        rule("/", SP_ROUTES_PREFIX, 0),
        rule("/api/auth", SP_ROUTES_PREFIX, 2),
        rule("/api", SP_ROUTES_PREFIX, 1),
    };

    assert(match(rules, COUNT(rules), "/api/auth/x") == 2);
    assert(match(rules, COUNT(rules), "/api/authx") == 1);
    assert(match(rules, COUNT(rules), "/api/a") == 1);
    assert(match(rules, COUNT(rules), "/apix") == 0);
}

static void
test_equal_length_exact_beats_prefix_beats_starts(void)
{
    struct sp_routes_rule rules[] = {
        rule("/a", SP_ROUTES_STARTS, 1),
        rule("/a/", SP_ROUTES_PREFIX, 2),
        rule("/a", SP_ROUTES_EXACT, 3),
    };

    assert(match(rules, COUNT(rules), "/a") == 3);
    assert(match(rules, COUNT(rules), "/a/b") == 2);
    assert(match(rules, COUNT(rules), "/ab") == 1);
}

static void
test_equal_rules_the_first_wins(void)
{
    struct sp_routes_rule rules[] = {
        rule("/a", SP_ROUTES_PREFIX, 5),
        rule("/a/", SP_ROUTES_PREFIX, 6),
        rule("/a", SP_ROUTES_PREFIX, 7),
    };

    assert(match(rules, COUNT(rules), "/a/b") == 5);
}

static void
test_bytes_above_ascii_and_nul_are_bytes(void)
{
    static const char path[] = "/\0/x";
    struct sp_routes_rule rules[] = {
        rule("/\xed\x95\x9c", SP_ROUTES_PREFIX, 1),
        {{path, 2}, SP_ROUTES_PREFIX, 2},
    };
    struct sp_routes *routes = NULL;

    assert(match(rules, COUNT(rules), "/\xed\x95\x9c/a") == 1);
    assert(sp_routes_new(rules, COUNT(rules), &routes));
    assert(sp_routes_match(routes, (struct sp_span){path, sizeof(path) - 1}) == 2);
    sp_routes_give_back(routes);
}

/* What the header says, word by word. */
static int
match_slowly(const struct sp_routes_rule *rules, size_t count, struct sp_span path)
{
    static const size_t rank[] = {
        [SP_ROUTES_EXACT] = 2, [SP_ROUTES_PREFIX] = 1, [SP_ROUTES_STARTS] = 0};
    size_t best = 0;
    int owner = SP_ROUTES_NOBODY;

    for (size_t i = 0; i < count; i++) {
        struct sp_span text = rules[i].text;
        bool is_prefix = rules[i].kind == SP_ROUTES_PREFIX;
        if (is_prefix && text.len > 0 && text.data[text.len - 1] == '/') {
            text.len--;
        }
        bool starts = path.len >= text.len && memcmp(path.data, text.data, text.len) == 0;
        bool matches = starts && (path.len == text.len || rules[i].kind == SP_ROUTES_STARTS ||
                                  (is_prefix && (text.len == 0 || path.data[text.len] == '/')));
        size_t strength = 1 + text.len * 3 + rank[rules[i].kind];
        if (matches && strength > best) {
            best = strength;
            owner = rules[i].owner;
        }
    }
    return owner;
}

static uint32_t
next_random(uint32_t *state)
{
    *state = *state * 1664525U + 1013904223U;
    return *state >> 16;
}

static struct sp_span
random_text(uint32_t *state, char *storage, size_t ceiling)
{
    size_t len = next_random(state) % ceiling;

    for (size_t i = 0; i < len; i++) {
        storage[i] = "/ab"[next_random(state) % 3];
    }
    return (struct sp_span){storage, len};
}

static void
test_random_rules_agree_with_the_slow_matcher(void)
{
    uint32_t state = 1;

    for (int round = 0; round < 2000; round++) {
        struct sp_routes_rule rules[12];
        char texts[12][6];
        size_t count = next_random(&state) % COUNT(rules);
        for (size_t i = 0; i < count; i++) {
            rules[i].text = random_text(&state, texts[i], sizeof(texts[i]));
            rules[i].kind = (enum sp_routes_kind)(next_random(&state) % SP_ROUTES_KINDS);
            rules[i].owner = (int)i;
        }
        struct sp_routes *routes = NULL;
        assert(sp_routes_new(rules, count, &routes));
        for (int i = 0; i < 40; i++) {
            char storage[8];
            struct sp_span path = random_text(&state, storage, sizeof(storage));
            assert(sp_routes_match(routes, path) == match_slowly(rules, count, path));
        }
        sp_routes_give_back(routes);
    }
}

int
main(void)
{
    test_no_rules_match_nothing();
    test_prefix_owns_itself_and_what_is_below();
    test_root_prefix_owns_everything();
    test_only_one_slash_at_the_end_does_not_count();
    test_exact_owns_itself_alone();
    test_starts_owns_by_bytes();
    test_longest_text_wins();
    test_equal_length_exact_beats_prefix_beats_starts();
    test_equal_rules_the_first_wins();
    test_bytes_above_ascii_and_nul_are_bytes();
    test_random_rules_agree_with_the_slow_matcher();
    (void)puts("routes: ok");
    return 0;
}
