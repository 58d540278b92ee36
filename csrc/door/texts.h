/* Copies of texts, kept and freed together. */
#ifndef SP_DOOR_TEXTS_H
#define SP_DOOR_TEXTS_H

#include "core/error.h"
#include "wire/span.h"

struct sp_text;

/* Adds a copy of `text` to the list; `*kept` is a view of it. */
enum sp_error sp_texts_keep(struct sp_text **texts, struct sp_span text, struct sp_span *kept);

void sp_texts_free(struct sp_text *texts);

#endif
