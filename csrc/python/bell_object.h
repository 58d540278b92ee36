/* The Python type Bell. */
#ifndef SP_PYTHON_BELL_OBJECT_H
#define SP_PYTHON_BELL_OBJECT_H

#include "python/module.h"

#include "engine/bell.h"

/* Creates the type in `module`; a new reference in `*type`. -1 with an exception set. */
int sp_bell_object_add(PyObject *module, PyTypeObject **type);

/* The bell of `object`, which may be None: NULL then. False with an exception set. */
bool sp_bell_object_borrow(PyObject *object, PyTypeObject *type, struct sp_bell **bell);

#endif
