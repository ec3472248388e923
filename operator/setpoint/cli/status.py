"""`setpoint status`: how one service does, and what to do about it."""

import argparse
import asyncio
import json
import os
import sys
import time
from dataclasses import asdict

from setpoint.cli.documents import DocumentError
from setpoint.cli.output import write
from setpoint.cli.status_facts import Facts
from setpoint.cli.status_next import next_steps
from setpoint.cli.status_objects import facts_of
from setpoint.cli.status_page import page

_PURPOSE = "say how one InferenceService does: is it served, is its promise kept, what is limited, what to do"
_IS_UNWELL_STATUS = 1


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its flags to the command line."""
    command = commands.add_parser("status", help=_PURPOSE, description=_PURPOSE)
    command.set_defaults(run=status)
    command.add_argument("name", metavar="NAME", help="of the InferenceService")
    command.add_argument("-n", "--namespace", metavar="NAMESPACE", help="(that of the context)")
    command.add_argument("--context", metavar="CONTEXT", help="of the kubeconfig (the current one)")
    command.add_argument("--kubeconfig", metavar="FILE", help="($KUBECONFIG, or ~/.kube/config)")
    command.add_argument("--json", action="store_true", help="print the facts, and what to do, as JSON")


def status(options: argparse.Namespace) -> int:
    """Print the page; return 0 when neither Ready nor SLOMet is False, else 1.

    Raises DocumentError when there is no such cluster or no such service.
    """
    # It takes longer to import than any other command may take to begin.
    from setpoint.cli.status_cluster import Cluster, ClusterError

    try:
        cluster = Cluster(options.kubeconfig, options.context, options.namespace)
        found = asyncio.run(cluster.find(options.name))
    except ClusterError as error:
        raise DocumentError(str(error)) from None
    facts = facts_of(found, time.time())
    write(as_json(facts) if options.json else page(facts, colour=_is_coloured()))
    return 0 if facts.is_well else _IS_UNWELL_STATUS


def as_json(facts: Facts) -> str:
    """Return what is known, and what to do, as JSON."""
    content = asdict(facts) | {"is_well": facts.is_well, "next": [asdict(each) for each in next_steps(facts)]}
    return json.dumps(content, indent=2) + "\n"


def _is_coloured() -> bool:
    return sys.stdout is not None and sys.stdout.isatty() and "NO_COLOR" not in os.environ
