/* The process's feed, as functions of the module: what is kept, what Python adds, what is read. */
#ifndef SP_PYTHON_FEED_FUNCTIONS_H
#define SP_PYTHON_FEED_FUNCTIONS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* As other parts of the module are added; -1 with an exception. */
int sp_feed_functions_add(PyObject *module);

#endif
