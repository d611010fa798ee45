"""`python -m modconsole`."""

import sys

from modconsole.bootstrap import main

sys.exit(main())
