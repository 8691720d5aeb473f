"""Run the command `roost`: `python -m roost.cli`."""

from roost.cli.main import main

if __name__ == "__main__":
    main()
