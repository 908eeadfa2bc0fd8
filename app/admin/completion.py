"""`completion`: a shell function for this command line, whose words the shell completes."""

import shlex
import sys
from enum import StrEnum
from pathlib import Path
from typing import Final

import typer

NAME: Final = "emailsminder"
VARIABLE: Final = "_EMAILSMINDER_COMPLETE"  # what typer looks for if the program is called NAME

BASH: Final = """{name}() {{ PYTHONPATH={root} {python} -m app.admin "$@"; }}
_{name}() {{
    local IFS=$'\\n'
    COMPREPLY=( $( COMP_WORDS="${{COMP_WORDS[*]}}" COMP_CWORD=$COMP_CWORD {variable}=complete_bash {name} ) )
}}
complete -o default -F _{name} {name}
"""
ZSH: Final = """{name}() {{ PYTHONPATH={root} {python} -m app.admin "$@"; }}
_{name}() {{ eval "$(_TYPER_COMPLETE_ARGS="${{words[1,$CURRENT]}}" {variable}=complete_zsh {name})"; }}
(( $+functions[compdef] )) || {{ autoload -Uz compinit && compinit; }}
compdef _{name} {name}
"""


class Shell(StrEnum):
    """The shells for which there is a function."""

    BASH = "bash"
    ZSH = "zsh"


def show(shell: Shell) -> None:
    """Print a shell function, `emailsminder`, that runs these commands and completes their words.

    In bash: eval "$(.venv/bin/python -m app.admin completion bash)".
    """
    root = Path(__file__).parents[2]
    words = {"root": shlex.quote(str(root)), "python": shlex.quote(sys.executable)}
    script = BASH if shell is Shell.BASH else ZSH
    typer.echo(script.format(name=NAME, variable=VARIABLE, **words), nl=False)
