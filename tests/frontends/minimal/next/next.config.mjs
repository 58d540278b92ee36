// The root is said because the copy stands below another project.
const output = process.env.STATIC ? "export" : undefined;

export default { output, turbopack: { root: import.meta.dirname } };
