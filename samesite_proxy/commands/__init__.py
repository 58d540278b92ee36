"""What `manage.py samesite_proxy` answers: loaded by nothing else."""
