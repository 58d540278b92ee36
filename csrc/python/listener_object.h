/* The Python type Listener. */
#ifndef SP_PYTHON_LISTENER_OBJECT_H
#define SP_PYTHON_LISTENER_OBJECT_H

#include "python/state.h"

/* Creates the type and adds it to `module`. -1 with an exception set. */
int sp_listener_object_add(PyObject *module);

#endif
