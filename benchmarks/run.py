"""One run: every subject, one after the other, on one hub with data of its own."""

import json
from collections.abc import Callable
from pathlib import Path

from benchmarks import (
    automations,
    deliveries,
    emails,
    groups,
    machine,
    reading,
    starting,
    throughput,
    workers,
)
from benchmarks.hub import BenchmarkFailed, Hub
from benchmarks.plan import Plan
from benchmarks.processes import command_of
from benchmarks.report import Section
from benchmarks.scenarios import make_scenarios
from benchmarks.starting import Starting


def run(folder: Path, plan: Plan, say: Callable[[str], None]) -> list[Section]:
    """The sections of the report, after having measured in an empty `folder`.

    :raises BenchmarkFailed: if something does not work at all
    """
    hub = Hub(folder / "hub")
    try:
        say("Starting a hub …")
        start = Starting(first_start=hub.start())
        worker_command = command_of(hub.pid, "worker")
        with hub.database() as database:
            about = machine.describe(database, folder)
            staged = json.loads(hub.stage(f"stage_doors({plan.people})"))
            starting.weigh_tracker(hub, staged["crosssite"]["host"], start)
            say("Recording, by every door and by PostgreSQL alone …")
            scenarios = make_scenarios(staged, hub.port)
            recorded = throughput.measure(hub, database, scenarios, plan)
        hub.stop()
        with hub.database() as database:
            say("Working off data inputs and merges …")
            worked = workers.measure(hub, database, worker_command, plan)
            say("Reading the log …")
            read = reading.measure(hub, plan)
            say("Letting contacts go through automations …")
            automated = automations.measure(hub, database, worker_command, plan)
            say("Preparing emails and handing them over …")
            mailed = emails.measure(hub, plan)
            say("Delivering to destinations …")
            delivered = deliveries.measure(hub, plan)
            say("Building contact groups, and following what contacts do …")
            grouped = groups.measure_at_rest(hub, plan)
        say("Starting and stopping …")
        starting.measure(hub, plan.starts, start)
        with hub.database() as database:
            say("Entering and leaving contact groups …")
            usual = scenarios[0]
            groups.measure_under_load(hub, database, staged, usual, plan, grouped)
    except BenchmarkFailed as error:
        # The folder, and the log in it, will be gone.
        raise BenchmarkFailed(f"{error}\n\nThe hub's last words:\n{hub.last_words}") from error
    finally:
        hub.stop()
    return [
        about,
        *throughput.sections(recorded),
        workers.section(worked),
        reading.section(read, plan),
        *groups.sections(grouped, plan),
        automations.section(automated, plan),
        emails.section(mailed, plan),
        deliveries.section(delivered, plan),
        starting.section(start),
    ]
