#include "engine/client_socket.h"
#include "engine/process.h"
#include "python/exchange_object.h"
#include "python/feed_functions.h"
#include "python/listener_object.h"
#include "python/notifier_object.h"
#include "python/own_addresses_object.h"
#include "python/routes_object.h"
#include "python/upstream_object.h"
#include "upstream/libcurl.h"
#include "wire/upgrade.h"

PyDoc_STRVAR(break_doc,
             "break_connection(fd, /)\n--\n\n"
             "Reset a client's connection, so that it cannot take a broken answer for a whole\n"
             "one. The descriptor stays open, for its owner to close. OSError: impossible.");

static PyObject *
break_connection(PyObject *Py_UNUSED(module), PyObject *argument)
{
    int fd = PyObject_AsFileDescriptor(argument);

    if (fd < 0) {
        return NULL;
    }
    if (sp_client_break(fd) != SP_OK) {
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(take_doc,
             "take_connection(fd, /)\n--\n\n"
             "A new descriptor of a client's connection, which is the caller's to close. The\n"
             "old one becomes a dead end that its owner may read, write and close as usual.\n"
             "OSError: impossible, and nothing has changed.");

static PyObject *
take_connection(PyObject *Py_UNUSED(module), PyObject *argument)
{
    int fd = PyObject_AsFileDescriptor(argument);
    int taken;

    if (fd < 0) {
        return NULL;
    }
    if (sp_client_take(fd, &taken) != SP_OK) {
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    return PyLong_FromLong(taken);
}

PyDoc_STRVAR(is_gone_doc, "is_gone(fd, /)\n--\n\n"
                          "Whether the peer of a client's connection has ended or reset it.");

static PyObject *
is_gone(PyObject *Py_UNUSED(module), PyObject *argument)
{
    int fd = PyObject_AsFileDescriptor(argument);

    return fd < 0 ? NULL : PyBool_FromLong(sp_client_is_gone(fd));
}

PyDoc_STRVAR(upgrade_doc,
             "upgrade_of(method, is_http_1_1, has_body, connection, upgrade, /)\n--\n\n"
             "What a request asks its connection to become, by its Connection and Upgrade fields,\n"
             "each as one list: NO_UPGRADE, OFFERED or WEBSOCKET.");

static PyObject *
upgrade_of(PyObject *Py_UNUSED(module), PyObject *args)
{
    struct sp_upgrade_wish wish = {0};
    struct sp_span method;
    struct sp_span connection;
    struct sp_span protocols;
    Py_ssize_t lengths[3];
    int is_http_1_1;
    int has_body;

    if (!PyArg_ParseTuple(args, "s#pps#s#:upgrade_of", &method.data, &lengths[0], &is_http_1_1,
                          &has_body, &connection.data, &lengths[1], &protocols.data, &lengths[2])) {
        return NULL;
    }
    method.len = (size_t)lengths[0];
    connection.len = (size_t)lengths[1];
    protocols.len = (size_t)lengths[2];
    sp_upgrade_take_connection(&wish, connection);
    sp_upgrade_take_protocols(&wish, protocols);
    return PyLong_FromLong(sp_upgrade_conclude(&wish, method, is_http_1_1 != 0, has_body != 0));
}

PyDoc_STRVAR(stop_doc, "stop()\n--\n\n"
                       "Stop the engine and end every exchange, for the end of the process.\n"
                       "Returns when that is done, in each of several threads.");

static PyObject *
stop(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(unused))
{
    Py_BEGIN_ALLOW_THREADS
        sp_process_stop();
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

/* The engine is the process's, and its end is the main interpreter's: another's would stop it for
 * all. An interpreter that asks for modules made for it (PEP 684) is refused by Python itself. */
static int
check_interpreter(void)
{
    if (PyInterpreterState_GetID(PyInterpreterState_Get()) != 0) {
        PyErr_SetString(PyExc_ImportError,
                        "samesite_proxy works in Python's main interpreter only: under mod_wsgi "
                        "write WSGIApplicationGroup %{GLOBAL}, under uWSGI single-interpreter = "
                        "true");
        return -1;
    }
    return 0;
}

static int
take_libcurl(PyObject *module)
{
    const char *version;

    if (!sp_libcurl_is_known(&version)) {
        PyErr_Format(PyExc_ImportError,
                     "samesite_proxy needs libcurl 7.81 or newer, but not 8.8; "
                     "this is %s",
                     version);
        return -1;
    }
    if (sp_process_init() != SP_OK) {
        PyErr_SetString(PyExc_ImportError, "libcurl cannot be initialised");
        return -1;
    }
    return PyModule_AddStringConstant(module, "LIBCURL", version);
}

PyDoc_STRVAR(error_doc, "An exchange failed.\n\n"
                        "code: a stable name of what failed and whose fault it was; status: what\n"
                        "to answer the client with while nothing has been sent yet.");

static int
add_error(PyObject *module, struct sp_state *state)
{
    state->engine_error =
        PyErr_NewExceptionWithDoc("samesite_proxy._engine.EngineError", error_doc, NULL, NULL);
    return state->engine_error != NULL
               ? PyModule_AddObjectRef(module, "EngineError", state->engine_error)
               : -1;
}

static int
add_constants(PyObject *module)
{
    static const struct {
        const char *name;
        long value;
    } constants[] = {
        {"NO_BODY", (long)SP_BODY_NONE},  {"CHUNKED", (long)SP_BODY_CHUNKED},
        {"TUNNEL", (long)SP_BODY_TUNNEL}, {"NO_UPGRADE", SP_UPGRADE_NONE},
        {"OFFERED", SP_UPGRADE_OFFERED},  {"WEBSOCKET", SP_UPGRADE_WEBSOCKET},
    };

    for (size_t i = 0; i < sizeof(constants) / sizeof(constants[0]); i++) {
        if (PyModule_AddIntConstant(module, constants[i].name, constants[i].value) < 0) {
            return -1;
        }
    }
    return 0;
}

static int
module_exec(PyObject *module)
{
    struct sp_state *state = PyModule_GetState(module);

    if (check_interpreter() < 0 || take_libcurl(module) < 0 || add_error(module, state) < 0 ||
        sp_exchange_object_add(module, &state->exchange_type) < 0 ||
        sp_notifier_object_add(module, &state->notifier_type) < 0 ||
        sp_upstream_object_add(module, &state->upstream_type) < 0 ||
        sp_routes_object_add(module, &state->routes_type) < 0 ||
        sp_own_addresses_object_add(module, &state->own_addresses_type) < 0 ||
        sp_listener_object_add(module) < 0 || sp_feed_functions_add(module) < 0) {
        return -1;
    }
    return add_constants(module);
}

static int
module_traverse(PyObject *module, visitproc visit, void *arg)
{
    struct sp_state *state = PyModule_GetState(module);

    Py_VISIT(state->engine_error);
    Py_VISIT(state->exchange_type);
    Py_VISIT(state->notifier_type);
    Py_VISIT(state->upstream_type);
    Py_VISIT(state->routes_type);
    Py_VISIT(state->own_addresses_type);
    return 0;
}

static int
module_clear(PyObject *module)
{
    struct sp_state *state = PyModule_GetState(module);

    Py_CLEAR(state->engine_error);
    Py_CLEAR(state->exchange_type);
    Py_CLEAR(state->notifier_type);
    Py_CLEAR(state->upstream_type);
    Py_CLEAR(state->routes_type);
    Py_CLEAR(state->own_addresses_type);
    return 0;
}

static void
module_free(void *module)
{
    (void)module_clear(module);
}

static PyMethodDef module_methods[] = {
    {"break_connection", break_connection, METH_O, break_doc},
    {"take_connection", take_connection, METH_O, take_doc},
    {"is_gone", is_gone, METH_O, is_gone_doc},
    {"upgrade_of", upgrade_of, METH_VARARGS, upgrade_doc},
    {"stop", stop, METH_NOARGS, stop_doc},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, (void *)module_exec},
#ifdef Py_GIL_DISABLED
    {Py_mod_gil, Py_MOD_GIL_NOT_USED}, /* `make free-threads` is the proof */
#endif
    {0, NULL},
};

static struct PyModuleDef module_definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_engine",
    .m_doc = "The engine: HTTP to frontends, in a thread of its own.",
    .m_size = sizeof(struct sp_state),
    .m_methods = module_methods,
    .m_slots = module_slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit__engine(void); /* Python's import looks it up by name */

PyMODINIT_FUNC
PyInit__engine(void)
{
    return PyModuleDef_Init(&module_definition);
}
