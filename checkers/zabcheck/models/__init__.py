"""The models that `zab check` explores: one folder for each spec, and the registry that names them."""
