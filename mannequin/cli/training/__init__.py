"""Training at the command line."""

import warnings

# How many --workers there are is for the user to say, and the progress tells how long data are waited for.
warnings.filterwarnings("ignore", "This DataLoader will create", UserWarning)
