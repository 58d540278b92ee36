"""A built frontend: a folder of files, answered here, where FRONTEND names one."""
