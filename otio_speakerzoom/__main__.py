"""`python -m otio_speakerzoom` is the command `speakerzoom`."""

import sys

from otio_speakerzoom.cli import main

sys.exit(main())
