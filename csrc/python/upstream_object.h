/* The Python type Upstream. */
#ifndef SP_PYTHON_UPSTREAM_OBJECT_H
#define SP_PYTHON_UPSTREAM_OBJECT_H

#include "python/state.h"

/* Creates the type, for a module state, and adds it to `module`. -1 with an exception set. */
int sp_upstream_object_add(PyObject *module, PyTypeObject **type);

/* Valid as long as the object, or until a reference taken from it is given back. */
struct sp_upstream *sp_upstream_object_peek(PyObject *self);

#endif
