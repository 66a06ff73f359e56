"""The site: `make docs` builds it, with every warning an error. The pages are read as they are on GitHub, too."""

from pulumi_anchorbrowser._version import __version__

project = "pulumi-anchorbrowser"
version = release = __version__
extensions = ["myst_parser"]
exclude_patterns = ["_generator"]
html_theme = "furo"
html_title = f"{project} {version}"
html_copy_source = False
html_show_copyright = False
myst_heading_anchors = 3
highlight_language = "text"
nitpicky = True
html_static_path = ["_static"]
html_css_files = ["site.css"]
