"""Children are kept running, and stopped on request."""

import asyncio
import signal
from collections.abc import Sequence

from roost.cli.supervisor import Child, Supervisor, describe_exit
from support.loops import wait_until

SLEEP = ("sleep", "1000")


class Script:
    """Returns another command line at each start; the last one repeats."""

    def __init__(self, *commands: Sequence[str]) -> None:
        self._commands = list(commands)
        self.starts = 0
        self.is_at_last = asyncio.Event()

    def __call__(self) -> Sequence[str]:
        self.starts += 1
        command = self._commands.pop(0) if len(self._commands) > 1 else self._commands[0]
        if len(self._commands) == 1 and command is self._commands[0]:
            self.is_at_last.set()
        return command


def test_a_child_that_dies_is_started_again() -> None:
    async def scenario() -> tuple[Child, Script]:
        script = Script(("sh", "-c", "exit 7"), ("sh", "-c", "kill -9 $$"), SLEEP)
        child = Child("child", script)
        supervisor = Supervisor([child], is_restarting=True, restart_s=0)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(supervisor.run())
            await script.is_at_last.wait()
            await supervisor.stop(child, 10)
        return child, script

    child, script = asyncio.run(scenario())
    assert script.starts == 3
    assert [describe_exit(code) for code in child.exit_codes] == [
        "exit code 7",
        "killed by SIGKILL",
        "killed by SIGTERM",
    ]


def test_without_restarting_the_end_of_all_children_is_the_end() -> None:
    async def scenario() -> list[Child]:
        children = [Child(name, Script(("true",))) for name in ("one", "two")]
        await asyncio.wait_for(Supervisor(children, is_restarting=False).run(), 10)
        return children

    assert [child.exit_codes for child in asyncio.run(scenario())] == [[0], [0]]


def test_a_child_that_is_asked_to_end_before_it_runs_ends() -> None:
    async def scenario() -> Child:
        child = Child("child", Script(SLEEP))
        supervisor = Supervisor([child], is_restarting=True)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(supervisor.run())
            assert await supervisor.stop(child, 0)
        return child

    assert asyncio.run(scenario()).exit_codes == [-signal.SIGTERM]


def test_what_does_not_end_by_itself_is_killed() -> None:
    async def scenario() -> Child:
        script = Script(SLEEP)
        child = Child("child", script)
        supervisor = Supervisor([child], is_restarting=True)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(supervisor.run())
            await wait_until(lambda: child.pid is not None)
            await supervisor.kill_leftovers()
        return child

    child = asyncio.run(scenario())
    assert child.exit_codes == [-signal.SIGKILL]
    assert child.pid is None


def test_stopping_does_not_wait_for_a_restart() -> None:
    async def scenario() -> Script:
        script = Script(("true",))
        child = Child("child", script)
        supervisor = Supervisor([child], is_restarting=True, restart_s=1000)
        async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
            tasks.create_task(supervisor.run())
            await wait_until(lambda: bool(child.exit_codes))
            await supervisor.stop(child, 0)
        return script

    assert asyncio.run(scenario()).starts == 1
