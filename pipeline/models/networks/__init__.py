"""The networks themselves, on torch: each module loads one from its files in their real layout."""

import diffusers.utils.logging
import transformers.utils.logging

# Bars and hints for whoever tries a model out have no place in a server's log.
for library in (diffusers.utils.logging, transformers.utils.logging):
    library.disable_progress_bar()
    library.set_verbosity_error()
