"""How Sphinx builds the documentation; warnings are errors in .ci/run."""

import re
import sys
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

project = "barkcluster"
author = "the barkcluster developers"
copyright = f"2026, {author}"
version = release = import_module("barkcluster").__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "examples"]
templates_path = ["_templates"]
default_role = "py:obj"

autosummary_generate = True
autodoc_typehints = "none"  # the docstrings say it in words
numpydoc_class_members_toctree = False
numpydoc_show_class_members = True
numpydoc_show_inherited_class_members = False

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "gallery/generated",
    "download_all_examples": False,
    "remove_config_comments": True,
    "show_memory": False,
    "min_reported_time": 1e9,
    "plot_gallery": "True",
    "within_subsection_order": "FileNameSortKey",
    "capture_repr": (),
    "abort_on_example_error": True,
    # What a run took is no part of the documentation.
    "write_computation_times": False,
    "backreferences_dir": None,
}

toc_object_entries_show_parents = "hide"  # or the names of methods are clipped

html_theme = "pydata_sphinx_theme"
html_static_path = ["_static"]
html_title = "barkcluster"
# Without pages beneath them: on a laptop the sidebar would hold a title and nothing else.
html_sidebars = {"guide/start": [], "guide/live": [], "guide/calibration": []}
html_theme_options = {
    "show_toc_level": 2,
    # All of them: nothing that a musician needs hides behind "More".
    "header_links_before_dropdown": 7,
    "navigation_with_keys": False,
    # A button, not a field: beside seven titles there is no room for one.
    "navbar_persistent": ["search-button"],
    "secondary_sidebar_items": ["page-toc"],
}
html_show_sourcelink = False


def setup(app):
    """Mend what autodoc reads: "shape (n_clusters_,)" is no link to n_clusters."""

    def escape(app, what, name, obj, options, lines):
        lines[:] = [re.sub(r"(?<=\w)_(?=[,)])", r"\\_", line) if "of shape (" in line else line
                    for line in lines]

    def skip(app, what, name, obj, skipped, options):
        # Methods that scikit-learn adds to every estimator, with links to its own pages.
        return True if re.fullmatch(r"set_\w+_request|get_metadata_routing", name) else None

    app.connect("autodoc-process-docstring", escape, priority=400)
    app.connect("autodoc-skip-member", skip)
