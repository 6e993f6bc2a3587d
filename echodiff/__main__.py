"""`python -m echodiff` is the same as the console command `echodiff`."""

from echodiff.cli import main

if __name__ == "__main__":
    main()
