"""How Sphinx builds the pages. Needs no network."""

from importlib.metadata import version as installed_version

project = "memmpy"
author = "The memmpy developers"
project_copyright = "2026, The memmpy developers"
release = installed_version("memmpy")
version = ".".join(release.split(".")[:2])

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
]
exclude_patterns = ["_build", "jupyter_execute"]

html_theme = "furo"
html_title = f"memmpy {version}"
html_static_path = ["_static"]
html_css_files = ["memmpy.css"]
html_theme_options = {
    "source_repository": "https://github.com/pwolle/memmpy/",
    "source_branch": "main",
    "source_directory": "docs/",
}

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_in_temp = True
nb_execution_timeout = 300
nb_merge_streams = True  # what a loop prints is one block

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings say the types, in words
default_role = "py:obj"
napoleon_google_docstring = False
napoleon_use_rtype = False
python_maximum_signature_line_length = 88
