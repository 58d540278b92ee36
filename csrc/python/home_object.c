#include "python/home_object.h"

#include "wire/places.h"

struct HomeObject {
    PyObject_HEAD
    struct sp_home *home; /* a reference of our own */
};

static struct HomeObject *
as_home(PyObject *self)
{
    return (struct HomeObject *)(void *)self;
}

static bool
borrow_texts(PyObject *items, struct sp_span *spans)
{
    for (Py_ssize_t i = 0; i < PyTuple_Size(items); i++) {
        Py_ssize_t length = 0;
        spans[i].data = PyUnicode_AsUTF8AndSize(PyTuple_GetItem(items, i), &length);
        spans[i].len = (size_t)length;
        if (spans[i].data == NULL) {
            return false;
        }
    }
    return true;
}

/* The texts are borrowed from the strings in both tuples. */
static struct sp_home *
build_home(struct sp_home_options *options, PyObject *names, PyObject *anywhere)
{
    struct sp_span *spans;
    struct sp_home *home = NULL;

    options->name_count = (size_t)PyTuple_Size(names);
    options->anywhere_count = (size_t)PyTuple_Size(anywhere);
    spans = PyMem_Calloc(options->name_count + options->anywhere_count + 1, sizeof(*spans));
    if (spans == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    options->names = spans;
    options->anywhere = spans + options->name_count;
    if (borrow_texts(names, spans) && borrow_texts(anywhere, spans + options->name_count) &&
        !sp_home_new(options, &home)) {
        PyErr_NoMemory();
    }
    PyMem_Free(spans);
    return home;
}

static PyObject *
home_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    struct sp_home_options options = {.port = 0};
    Py_ssize_t length;
    PyObject *names;
    PyObject *anywhere;

    if (kwargs != NULL && PyDict_Size(kwargs) > 0) {
        PyErr_SetString(PyExc_TypeError, "Home() takes no keyword arguments");
        return NULL;
    }
    if (!PyArg_ParseTuple(args, "s#O!O!i:Home", &options.scheme.data, &length, &PyTuple_Type,
                          &names, &PyTuple_Type, &anywhere, &options.port)) {
        return NULL;
    }
    options.scheme.len = (size_t)length;
    struct sp_home *home = build_home(&options, names, anywhere);
    if (home == NULL) {
        return NULL;
    }
    PyObject *self = ((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 0);
    if (self == NULL) {
        sp_home_give_back(home);
        return NULL;
    }
    as_home(self)->home = home;
    return self;
}

static void
home_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);

    sp_home_give_back(as_home(self)->home);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

/* A new reference. */
static PyObject *
rewritten(const struct sp_home *home, PyObject *name, PyObject *value, struct sp_span origin,
          struct sp_span alias)
{
    PyObject *raw = PyUnicode_AsLatin1String(value);
    PyObject *result = NULL;
    struct sp_buffer out;
    struct sp_field field;
    Py_ssize_t length = 0;

    if (raw == NULL) {
        return NULL;
    }
    field.name.data = PyUnicode_AsUTF8AndSize(name, &length);
    if (field.name.data == NULL) {
        Py_DECREF(raw);
        return NULL;
    }
    field.name.len = (size_t)length;
    field.value = (struct sp_span){PyBytes_AsString(raw), (size_t)PyBytes_Size(raw)};
    sp_buffer_init(&out, (field.value.len + 1) * (origin.len + 1)); /* each place may get it */
    if (sp_places_rewrite(&out, &field, home, origin, alias)) {
        result = PyUnicode_DecodeLatin1(out.data, (Py_ssize_t)out.len, NULL);
    }
    else {
        result = Py_NewRef(value);
    }
    sp_buffer_clear(&out);
    Py_DECREF(raw);
    return result;
}

PyDoc_STRVAR(rewrite_doc,
             "rewrite($self, name, value, origin, alias, /)\n--\n\n"
             "The value of a Location, Content-Location, Refresh or Link as a browser at origin "
             "(scheme://authority) is to see it, when it names\n"
             "one of these addresses or alias, the authority by which the frontend knows the\n"
             "site (may be empty); else as it is. UnicodeEncodeError: value is not Latin-1.");

static PyObject *
home_rewrite(PyObject *self, PyObject *args)
{
    struct sp_span origin;
    struct sp_span alias;
    PyObject *name;
    PyObject *value;
    Py_ssize_t origin_length;
    Py_ssize_t alias_length;

    if (!PyArg_ParseTuple(args, "UUs#s#:rewrite", &name, &value, &origin.data, &origin_length,
                          &alias.data, &alias_length)) {
        return NULL;
    }
    origin.len = (size_t)origin_length;
    alias.len = (size_t)alias_length;
    return rewritten(as_home(self)->home, name, value, origin, alias);
}

/* Not const, since a slot takes a plain pointer. */
static char home_doc[] =
    "Home(scheme, names, anywhere, port, /)\n--\n\n"
    "The addresses that are a frontend's own.\n\n"
    "scheme: of its URL. names: a tuple of hosts, without port or brackets, that count with\n"
    "port (0: with any). anywhere: a tuple of authorities that count as they are written.";

static PyMethodDef home_methods[] = {
    {"rewrite", home_rewrite, METH_VARARGS, rewrite_doc},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot home_slots[] = {
    {Py_tp_doc, home_doc},
    {Py_tp_methods, home_methods},
    {Py_tp_new, home_new},
    {Py_tp_dealloc, home_dealloc},
    {0, NULL},
};

static PyType_Spec home_spec = {
    .name = "samesite_proxy._engine.Home",
    .basicsize = sizeof(struct HomeObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = home_slots,
};

int
sp_home_object_add(PyObject *module, PyTypeObject **type)
{
    *type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &home_spec, NULL);
    return *type != NULL ? PyModule_AddType(module, *type) : -1;
}

struct sp_home *
sp_home_object_peek(PyObject *self)
{
    return as_home(self)->home;
}
