"""`python -m makertasks`: the command line."""

from makertasks.commands import main

if __name__ == "__main__":
    main()
