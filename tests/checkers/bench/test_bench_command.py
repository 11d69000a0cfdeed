"""The command line of `python -m zabcheck.bench`."""

from __future__ import annotations

import pytest

from zabcheck.bench.__main__ import DEFAULT, NAMES, main


def test_the_help_names_every_table(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    printed = " ".join(capsys.readouterr().out.split())
    assert f"{', '.join(NAMES)} (default: {', '.join(DEFAULT)})" in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["size"], "no table 'size': one of speed, depth"),
        (["--rounds", "0"], "--rounds must be positive"),
        (["--tlc", "tla2tools.jar"], "--tlc and --zab-tla go together"),
    ],
)
def test_wrong_arguments_end_with_exit_code_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("table", ["server", "ensemble"])
def test_tables_of_servers_need_the_load_generator(table: str) -> None:
    with pytest.raises(SystemExit, match=f"{table}: --zkload is needed"):
        main([table])
