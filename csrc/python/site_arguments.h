/* What Python says of the site, as the engine keeps it. */
#ifndef SP_PYTHON_SITE_ARGUMENTS_H
#define SP_PYTHON_SITE_ARGUMENTS_H

#include "door/listener_caller.h"
#include "python/state.h"

/* From the arguments of Listener.set_table(). NULL with an exception set. */
struct sp_site *sp_site_from_arguments(const struct sp_state *state, PyObject *args);

/* From the arguments of Listener.add_host(), with a reference of the caller's. NULL with an
 * exception set. */
struct sp_host *sp_host_from_arguments(PyObject *args);

/* From the arguments of Listener.set_words(); the caller's. NULL with an exception set. */
struct sp_own_words *sp_own_words_from_arguments(PyObject *args);

#endif
