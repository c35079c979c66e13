"""`python -m synthmix` is the command `synthmix`."""

from synthmix.cli.main import main

if __name__ == "__main__":
    main()
