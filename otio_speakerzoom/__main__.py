"""`python -m otio_speakerzoom` is the command `speakerzoom`."""

import sys

try:
    from otio_speakerzoom.cli.main import main

    sys.exit(main())
except KeyboardInterrupt:  # before the command has begun
    sys.exit(130)
