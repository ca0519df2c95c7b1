"""`python -m makertasks`: the command line."""

from makertasks.cli import main

if __name__ == "__main__":
    main()
