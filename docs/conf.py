"""How the pages are built: ``make docs``. Nothing is fetched, and a warning is an error."""

import sys
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # from_code, the part of the reference that is made of the code

project = "certinel"
author = "the certinel authors"
copyright = "the certinel authors"  # noqa: A001 - the name that Sphinx asks for
release = version = version_of("certinel")

extensions = ["myst_parser", "from_code"]
exclude_patterns = ["_build", "images"]
myst_enable_extensions = ["attrs_inline", "deflist"]
myst_heading_anchors = 3
nitpicky = True

html_theme = "furo"
html_title = f"certinel {release}"
html_static_path = ["_static", "../src/certinel/ui/static/mark.svg"]
html_css_files = ["certinel.css"]
html_favicon = "../src/certinel/ui/static/mark.svg"
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_theme_options = {"light_logo": "mark.svg", "dark_logo": "mark.svg", "footer_icons": []}
html_last_updated_fmt = None
