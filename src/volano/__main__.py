"""`python -m volano` is `volano`."""

from __future__ import annotations

from volano.cli import main

if __name__ == "__main__":
    main()
