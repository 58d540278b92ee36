/* Which exchanges have something that their callers do not know yet. Telling them late, when
 * the engine has nothing more for them at once, saves a thread switch per piece: a small
 * answer's head, body and end are one piece of news. */
#ifndef SP_ENGINE_NEWS_H
#define SP_ENGINE_NEWS_H

#include "engine/exchange.h"

struct sp_news {
    struct sp_exchange *first; /* each entry holds a reference */
};

/* The engine thread: something came for `exchange` in this round of the loop. */
void sp_news_add(struct sp_news *news, struct sp_exchange *exchange);

/* The engine thread, after each round: tells those for which nothing more came, or much
 * is there already. True when some are held back for one more round. */
bool sp_news_deliver(struct sp_news *news);

#endif
