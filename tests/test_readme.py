from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_ci_runs_the_very_test_command_of_the_readme():
    commands = (ROOT / ".ci" / "run").read_text().splitlines()
    test_command = next(line for line in commands if line.endswith("-m pytest"))
    assert test_command in (ROOT / "README.md").read_text().splitlines()
