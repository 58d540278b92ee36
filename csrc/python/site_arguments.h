/* What Python says of the site, as the engine keeps it. */
#ifndef SP_PYTHON_SITE_ARGUMENTS_H
#define SP_PYTHON_SITE_ARGUMENTS_H

#include "engine/listener_caller.h"
#include "python/module.h"

/* From the arguments of Listener.set_table(). NULL with an exception set. */
struct sp_site *sp_site_from_arguments(const struct sp_module_state *state, PyObject *args);

/* From the views of Listener.add_host(): `word->views` (owned by the caller then) and
 * `word->frontend_count`. Their texts are borrowed from `views`. False with an exception set. */
bool sp_word_read_views(PyObject *views, struct sp_word *word);

#endif
