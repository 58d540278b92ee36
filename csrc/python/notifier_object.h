/* The Python type Notifier. */
#ifndef SP_PYTHON_NOTIFIER_OBJECT_H
#define SP_PYTHON_NOTIFIER_OBJECT_H

#include "python/state.h"

#include "engine/notifier.h"

/* Creates the type in `module`; a new reference in `*type`. -1 with an exception set. */
int sp_notifier_object_add(PyObject *module, PyTypeObject **type);

/* The notifier of `object`, which may be None: NULL then. False with an exception set. */
bool sp_notifier_object_borrow(PyObject *object, PyTypeObject *type, struct sp_notifier **notifier);

#endif
