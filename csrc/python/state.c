#include "python/state.h"

struct sp_state *
sp_state_of(PyObject *self)
{
    return PyType_GetModuleState(Py_TYPE(self));
}

static bool
set_attribute(PyObject *object, const char *name, PyObject *value)
{
    bool set = value != NULL && PyObject_SetAttrString(object, name, value) == 0;

    Py_XDECREF(value);
    return set;
}

PyObject *
sp_state_raise(const struct sp_state *state, enum sp_error error, const char *detail)
{
    const struct sp_error_info *info = sp_error_info(error);
    PyObject *raised =
        PyObject_CallFunction(state->engine_error, "s", detail[0] != '\0' ? detail : info->name);

    if (raised != NULL && set_attribute(raised, "code", PyUnicode_FromString(info->name)) &&
        set_attribute(raised, "status", PyLong_FromLong(info->status))) {
        PyErr_SetObject(state->engine_error, raised);
    }
    Py_XDECREF(raised);
    return NULL;
}
