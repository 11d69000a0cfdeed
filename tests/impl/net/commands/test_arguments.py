"""Wrong arguments of the server's commands are told in one line."""

from __future__ import annotations

import pytest

from zabserver.net.commands.entry import main


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("serve --prot", "zab: unrecognized arguments: --prot"),
        ("serve --po 2181", "zab: unrecognized arguments: --po"),
        ("serve --port many", "zab serve: argument --port: "),
        ("ensemble -n few", "zab ensemble: argument -n: "),
        ("log", "zab log: the following arguments are required: FILE"),
        ("snapshot --deep", "zab snapshot: the following arguments are required: FILE"),
    ],
)
def test_a_wrong_argument_is_one_line(arguments: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments.split())
    assert ended.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(told)
    assert err.count("\n") == 1
