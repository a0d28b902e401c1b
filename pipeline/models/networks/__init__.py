"""Network implementations: each module loads one network from its published files and runs it."""

import diffusers.utils.logging
import transformers.utils.logging

# Progress bars and usage hints have no place in a server's log.
for library in (diffusers.utils.logging, transformers.utils.logging):
    library.disable_progress_bar()
    library.set_verbosity_error()
