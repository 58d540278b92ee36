#include "python/routes_object.h"

struct RoutesObject {
    PyObject_HEAD
    struct sp_routes *routes; /* owned */
};

static struct RoutesObject *
as_routes(PyObject *self)
{
    return (struct RoutesObject *)(void *)self;
}

static bool
borrow_utf8(PyObject *text, struct sp_span *span)
{
    Py_ssize_t length = 0;

    span->data = PyUnicode_AsUTF8AndSize(text, &length);
    span->len = (size_t)length;
    return span->data != NULL;
}

static bool
read_rule(PyObject *item, struct sp_routes_rule *rule)
{
    PyObject *text;
    int kind;

    if (!PyTuple_Check(item)) {
        PyErr_SetString(PyExc_TypeError, "a rule is a tuple of text, kind and owner");
        return false;
    }
    if (!PyArg_ParseTuple(item, "Uii;a rule is a tuple of text, kind and owner", &text, &kind,
                          &rule->owner)) {
        return false;
    }
    if (kind < 0 || kind >= SP_ROUTES_KINDS || rule->owner < 0) {
        PyErr_SetString(PyExc_ValueError,
                        "a rule's kind is PREFIX, EXACT or STARTS, its owner 0 or more");
        return false;
    }
    rule->kind = (enum sp_routes_kind)kind;
    return borrow_utf8(text, &rule->text);
}

/* The texts of the rules are borrowed from the strings in `items`. */
static struct sp_routes *
build_routes(PyObject *items)
{
    size_t count = (size_t)PyTuple_Size(items);
    struct sp_routes_rule *rules = PyMem_Calloc(count + 1, sizeof(*rules));
    struct sp_routes *routes = NULL;

    if (rules == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        if (!read_rule(PyTuple_GetItem(items, (Py_ssize_t)i), &rules[i])) {
            goto done;
        }
    }
    if (!sp_routes_new(rules, count, &routes)) {
        PyErr_NoMemory();
    }
done:
    PyMem_Free(rules);
    return routes;
}

static PyObject *
routes_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    char name[] = "rules";
    char *names[] = {name, NULL};
    PyObject *rules;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O:Routes", names, &rules)) {
        return NULL;
    }
    PyObject *items = PySequence_Tuple(rules);
    if (items == NULL) {
        return NULL;
    }
    struct sp_routes *routes = build_routes(items);
    Py_DECREF(items);
    if (routes == NULL) {
        return NULL;
    }
    PyObject *self = ((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 0);
    if (self == NULL) {
        sp_routes_give_back(routes);
        return NULL;
    }
    as_routes(self)->routes = routes;
    return self;
}

static void
routes_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);

    sp_routes_give_back(as_routes(self)->routes);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

PyDoc_STRVAR(match_doc,
             "match($self, path, /)\n--\n\n"
             "The owner of the longest text that matches path, or -1. At equal length EXACT\n"
             "beats PREFIX beats STARTS. UnicodeEncodeError: path has a lone surrogate.");

static PyObject *
routes_match(PyObject *self, PyObject *path)
{
    struct sp_span span;

    if (!PyUnicode_Check(path)) {
        PyErr_SetString(PyExc_TypeError, "a path is a str");
        return NULL;
    }
    if (!borrow_utf8(path, &span)) {
        return NULL;
    }
    return PyLong_FromLong(sp_routes_match(as_routes(self)->routes, span));
}

/* Not const, since a slot takes a plain pointer. */
static char routes_doc[] =
    "Routes(rules)\n--\n\n"
    "Who owns which path. A rule is a tuple of text, kind and owner (0 or more). Kinds:\n"
    "PREFIX, the text and what follows it after a \"/\" (one at its end does not count);\n"
    "EXACT, the text; STARTS, all that starts with it. The first of equal rules holds.";

static PyMethodDef routes_methods[] = {
    {"match", routes_match, METH_O, match_doc},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot routes_slots[] = {
    {Py_tp_doc, routes_doc},
    {Py_tp_methods, routes_methods},
    {Py_tp_new, routes_new},
    {Py_tp_dealloc, routes_dealloc},
    {0, NULL},
};

static PyType_Spec routes_spec = {
    .name = "samesite_proxy._engine.Routes",
    .basicsize = sizeof(struct RoutesObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = routes_slots,
};

int
sp_routes_object_add(PyObject *module, PyTypeObject **type)
{
    *type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &routes_spec, NULL);
    if (*type == NULL || PyModule_AddType(module, *type) < 0 ||
        PyModule_AddIntConstant(module, "PREFIX", SP_ROUTES_PREFIX) < 0 ||
        PyModule_AddIntConstant(module, "EXACT", SP_ROUTES_EXACT) < 0) {
        return -1;
    }
    return PyModule_AddIntConstant(module, "STARTS", SP_ROUTES_STARTS);
}

struct sp_routes *
sp_routes_object_peek(PyObject *self)
{
    return as_routes(self)->routes;
}
