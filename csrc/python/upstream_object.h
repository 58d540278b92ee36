/* The Python type Upstream. */
#ifndef SP_PYTHON_UPSTREAM_OBJECT_H
#define SP_PYTHON_UPSTREAM_OBJECT_H

#include "python/module.h"

/* Creates the type and adds it to `module`. -1 with an exception set. */
int sp_upstream_object_add(PyObject *module);

#endif
