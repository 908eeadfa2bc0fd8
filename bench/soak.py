"""`make soak`: kill -9 with a thousand emails in flight, a disk that fills, and the emulator's size over many emails.

    python -m bench.soak [--emails 1000] [--written 12000] [--kept 4000] [--within-s 900]

The exit status is 1 if anything was lost or sent again, if anything was accepted that cannot be kept, or if the
emulator still grows after it holds as many emails as it keeps. On Linux only.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Final

from bench import crashes
from bench.growth import Sample, grow
from bench.installations import installation
from tests.support.installation import EMAIL, Installation

GROWTH: Final = 1.15
"""How much larger the emulator may be at the end than when it held as many emails as it keeps, twice over."""


def main() -> int:
    """Run the command line and print what was found. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak")
    parser.add_argument("--emails", type=int, default=1000, help="of each crash")
    parser.add_argument("--written", type=int, default=12_000, help="emails that are written to see the emulator grow")
    parser.add_argument("--kept", type=int, default=4_000, help="of these")
    parser.add_argument(
        "--within-s", type=float, default=900, help="the growth is cut short after so many seconds in all"
    )
    options = parser.parse_args()
    began_s = time.monotonic()
    broken = 0
    with installation(crashes.SETTINGS) as installed:
        for how in crashes.KILLS:
            broken += show_crash(how, crashes.crash(installed, how, options.emails))
        broken += fill_disk(installed)
    with tempfile.TemporaryDirectory(prefix="emailsminder-") as folder:
        left_s = max(60.0, options.within_s - (time.monotonic() - began_s))
        samples = grow(Path(folder), options.written, options.kept, left_s)
    broken += show_growth(samples, options.kept)
    print(f"{broken} broken; {time.monotonic() - began_s:.0f} s")
    return 1 if broken else 0


def show_crash(how: str, crash: crashes.Crash) -> int:
    """Print what came of a crash. Returns how many guarantees it broke."""
    print(
        f"kill -9 of {how}: {crash.accepted} accepted, {crash.before} of them before it; {crash.copies} copies,"
        f" {crash.uncertain} calls of unknown outcome; all settled {crash.settled_s:.0f} s after the last was accepted"
    )
    for finding in crash.findings[:10]:
        print(f"  {finding.email_id}: {finding.rule}: {finding.seen}")
    return len(crash.findings)


def fill_disk(installed: Installation) -> int:
    """Send while nothing can be written, and after it can be again. Returns how many guarantees that broke."""
    for account in crashes.SETTINGS["PROVIDERS"].split(","):
        installed.fault(account)
    installed.leave_room(0)
    answers = Counter(installed.api.post("/v1/emails", json=EMAIL).status_code for _ in range(200))
    health = installed.api.get("/health")
    installed.leave_room(None)
    installed.until("healthy again", lambda: installed.api.get("/health").status_code == 200, within_s=20)
    installed.ended(installed.send(), within_s=120)
    print(f"a full disk: {dict(answers)} to 200 emails; /health: {health.status_code}, {health.json().get('detail')}")
    return sum(count for status, count in answers.items() if status != 503) + (health.status_code != 503)


def show_growth(samples: list[Sample], kept: int) -> int:
    """Print the emulator's size over time. Returns 1 if it goes on growing."""
    print(f"the emulator, keeping {kept} emails:")
    print("  emails  memory MB  disk MB  seconds")
    for sample in samples:
        print(f"  {sample.emails:6}  {sample.memory_mb:9.0f}  {sample.disk_mb:7.0f}  {sample.seconds:7.0f}")
    full = [sample for sample in samples if sample.emails >= 2 * kept]
    if len(full) < 3:
        print("  too few emails to say whether it goes on growing")
        return 0
    return int(full[-1].memory_mb > GROWTH * full[0].memory_mb or full[-1].disk_mb > GROWTH * full[0].disk_mb + 20)


if __name__ == "__main__":
    sys.exit(main())
