"""The program itself: its commands, help, version, and what it says to nonsense."""

import re
import subprocess
from pathlib import Path
from typing import List

import pytest

# What this checkout can build; other commands appear as their parts come to exist.
ALWAYS = ["run", "report"]


def commands(run, program) -> List[str]:
    text = run([program, "--help"]).stdout
    listed = text.split("commands:\n")[1].split("\n\n")[0]
    return [line.split()[0] for line in listed.splitlines()]


def test_version(run, program):
    assert re.fullmatch(r"memline \d+\.\d+\.\d+\n", run([program, "--version"]).stdout)
    assert run([program, "-V"]).stdout == run([program, "--version"]).stdout


def test_help_lists_the_commands(run, program):
    assert set(ALWAYS) <= set(commands(run, program))
    assert run([program, "help"]).stdout == run([program, "-h"]).stdout
    assert run([program, "help", "help"]).stdout == run([program, "help"]).stdout


def test_every_command_listed_tells_about_itself(run, program):
    for name in commands(run, program):
        if name == "run":
            continue  # answered by the interpreter's side
        told = run([program, name, "--help"]).stdout
        assert name in told
        assert run([program, "help", name]).stdout == told


def test_without_a_command_it_shows_help_and_fails(run, program):
    done = run([program], status=2)
    assert done.stdout == ""
    assert done.stderr == run([program, "--help"]).stdout


@pytest.mark.parametrize(
    ("words", "stderr"),
    [
        (
            ["reprot"],
            "memline: unknown command 'reprot'\n  try: memline report, or memline --help\n",
        ),
        (["rep"], "memline: unknown command 'rep'\n  try: memline report, or memline --help\n"),
        (["frobnicate"], "memline: unknown command 'frobnicate'\n  try: memline --help\n"),
        (["--frob"], "memline: unknown option '--frob'\n  try: memline --help\n"),
        ([""], "memline: unknown command ''\n  try: memline --help\n"),
        (
            ["help", "reprot"],
            "memline: unknown command 'reprot'\n  try: memline report, or memline --help\n",
        ),
    ],
)
def test_nonsense_is_told(run, program, words, stderr):
    done = run([program, *words], status=2)
    assert (done.stdout, done.stderr) == ("", stderr)


def test_called_by_a_commands_name_it_is_that_command(run, program, tmp_path: Path):
    (tmp_path / "report").symlink_to(program)
    assert run([tmp_path / "report", "--help"]).stdout == run([program, "report", "--help"]).stdout
    (tmp_path / "anything").symlink_to(program)
    assert run([tmp_path / "anything", "--version"]).stdout.startswith("memline ")


def test_help_that_cannot_be_written_is_a_failure(program):
    with open("/dev/full", "w") as full:
        done = subprocess.run([program, "--help"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("memline: cannot write to standard output")
